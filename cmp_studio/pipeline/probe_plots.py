"""Plots of what probes found, by matplotlib: SVG for reports, pixels for the window."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.sentences import Sentence
from cmp_studio.pipeline.findings import Table
from cmp_studio.pipeline.probe_words import AS_FAR, WHO_FOLLOWS, WHO_IS_PULLED, name_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS: Final = ("#d2611c", "#2f7fc1", "#2a9d76", "#a45b9c", "#9a8f1f")
"""Of lines; told apart with any colour vision, and on white as on black."""


# Its first run on a computer warns that it makes a list of the fonts: nothing for a user to act on.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class PlotLook:
    """Colours of a plot, as ``#rrggbb``, and its language.

    Attributes:
        ground: Behind it.
        text: Numbers and words.
        grid: Fine lines.
        say: Gives words in the language of the plot.
    """

    ground: str = "#ffffff"
    text: str = "#1c1c1c"
    grid: str = "#e4e4e4"
    say: Callable[[Sentence], str] = str


@dataclass(frozen=True, slots=True, eq=False)
class PlotPicture:
    """A plot as pixels.

    Attributes:
        pixels: (h, w, 4) uint8 RGBA.
        axes: Left, top, width, height of what is inside the axes, px.
        x_range: First and last value of the horizontal axis.
    """

    pixels: NDArray[np.uint8]
    axes: tuple[float, float, float, float]
    x_range: tuple[float, float]


def plot_table(table: Table) -> str:
    """Return a table as an SVG picture: lines over its first column, or a matrix."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Without a date and with fixed identifiers, so that the same numbers give the same file.
    with mpl.rc_context({"svg.hashsalt": "cmp-studio", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        FigureCanvasSVG(figure)
        _draw(table, figure, PlotLook())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def plot_pixels(
    table: Table, size: tuple[int, int], *, ratio: float = 1.0, look: PlotLook | None = None
) -> PlotPicture:
    """Return a table as a picture: lines over its first column, or a matrix.

    Args:
        table: What to draw; its ``plot`` says how.
        size: Width and height, px.
        ratio: Px for each logical px: words are drawn so much larger.
        look: Colours; None is black on white.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    look = look or PlotLook()
    dpi = 100 * ratio
    figure = Figure(
        figsize=(size[0] / dpi, size[1] / dpi), dpi=dpi, layout="constrained", facecolor=look.ground
    )
    canvas = FigureCanvasAgg(figure)
    axes = _draw(table, figure, look)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="raw", dpi=dpi)
    width, height = canvas.get_width_height()
    pixels = np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)
    box = axes.get_window_extent()
    left, right = axes.get_xlim()
    place = (float(box.x0), height - float(box.y1), float(box.width), float(box.height))
    return PlotPicture(pixels, place, (float(left), float(right)))


def load_plots() -> None:
    """Import the library; its first plot takes a second otherwise."""
    plot_pixels(Table(("x", "y"), ((0.0, 0.0), (1.0, 1.0))), (320, 240))


def _draw(table: Table, figure: Figure, look: PlotLook) -> Axes:
    axes = figure.add_subplot()
    axes.set_facecolor(look.ground)
    axes.tick_params(colors=look.text, labelsize=8, length=3)
    for spine in axes.spines.values():
        spine.set_color(look.grid)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(look.text)
        label.set_fontsize(8)
    if table.plot == "matrix":
        _draw_matrix(table, axes, look)
    else:
        _draw_lines(table, axes, look)
    return axes


def _draw_lines(table: Table, axes: Axes, look: PlotLook) -> None:
    from matplotlib.ticker import MaxNLocator

    x = [float(row[0]) for row in table.rows]
    columns = [name for name in table.columns[1:] if name not in table.hidden]
    shares = [name for name in columns if name.endswith("share")]
    marker = "o" if len(x) <= 40 else ""
    drawn = 0
    for name in columns:
        if name in shares and len(shares) < len(columns):
            continue  # another unit; the table has it
        column = table.columns.index(name)
        y = [float(row[column]) for row in table.rows]
        color = _COLORS[drawn % len(_COLORS)]
        label = _words(name, look)
        axes.plot(x, y, marker=marker, markersize=3, linewidth=1.4, color=color, label=label)
        drawn += 1
    if table.columns[0].startswith("pull"):
        axes.plot(x, x, color=look.text, alpha=0.5, linestyle="--", label=look.say(AS_FAR))
    if table.mark is not None:
        axes.axvline(table.mark, color=look.text, alpha=0.6, linewidth=1, linestyle=":")
    axes.set_xlabel(_words(table.columns[0], look))
    if all(value == round(value) for value in x):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # a number of things
    axes.grid(visible=True, color=look.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(
        frameon=False,
        fontsize=8,
        labelcolor=look.text,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),  # beside the axes: it hides nothing
    )


def _draw_matrix(table: Table, axes: Axes, look: PlotLook) -> None:
    values = [[float(value) for value in row[1:]] for row in table.rows]
    axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    names = list(table.columns[1:])
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(values)), [str(row[0]) for row in table.rows])
    axes.set_xlabel(look.say(WHO_FOLLOWS))
    axes.set_ylabel(look.say(WHO_IS_PULLED))
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            color = "black" if value > 0.6 else "white"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8
            )


def _words(name: str, look: PlotLook) -> str:
    return look.say(name_words(name)) + (", px" if name.endswith("_px") else "")
