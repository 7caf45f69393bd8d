"""Plots of what probes found, as SVG, by matplotlib where it is installed."""

from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING, Final

from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.findings import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_PLOTS: Final = (
    "Plots need matplotlib, which is not installed: install it with `python -m pip install "
    "matplotlib`. Everything else is there."
)


def can_plot() -> bool:
    """Return whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def plot_table(table: Table) -> str:
    """Return a table as an SVG picture: lines over its first column, or a matrix.

    Raises:
        ExperimentError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ExperimentError(NO_PLOTS) from error
    # Without a date and with fixed identifiers, so that the same numbers give the same file.
    with mpl.rc_context({"svg.hashsalt": "cmp-studio", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        if table.plot == "matrix":
            _draw_matrix(table, axes)
        else:
            _draw_lines(table, axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _draw_lines(table: Table, axes: Axes) -> None:
    x = [float(row[0]) for row in table.rows]
    shares = [name for name in table.columns[1:] if name.endswith("share")]
    for column, name in enumerate(table.columns[1:], 1):
        if name in shares and len(shares) < len(table.columns) - 1:
            continue  # another unit; the table has it
        axes.plot(x, [float(row[column]) for row in table.rows], marker="o", label=_words(name))
    if table.columns[0].startswith("pull"):
        axes.plot(x, x, color="0.7", linestyle="--", label="as far as pulled")
    axes.set_xlabel(_words(table.columns[0]))
    axes.grid(visible=True, color="0.9")
    axes.legend(frameon=False)


def _draw_matrix(table: Table, axes: Axes) -> None:
    values = [[float(value) for value in row[1:]] for row in table.rows]
    axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    names = list(table.columns[1:])
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(values)), [str(row[0]) for row in table.rows])
    axes.set_xlabel("who follows")
    axes.set_ylabel("who is pulled")
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            color = "black" if value > 0.6 else "white"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=color)


def _words(name: str) -> str:
    return name.removesuffix("_px").replace("_", " ") + (", px" if name.endswith("_px") else "")
