"""What probes found, in one form for files, pictures and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cmp_studio.pipeline.experiment import Numbers, ProbeKind

if TYPE_CHECKING:
    from cmp_engine.probe_grid import Float, ProbeGrid
    from cmp_engine.sentences import Sentence

TITLES: Final[dict[ProbeKind, str]] = {
    "response": "What one pull moves",
    "rigidity": "What hangs together with the point",
    "motion": "Shift or rotate",
    "saturation": "Answer against pull",
    "influence": "Who follows whom",
    "parts": "Rigid parts",
    "sufficiency": "More arrows, more complete motion",
    "compare": "A and B",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for a CSV file and a plot.

    Attributes:
        columns: Names, the first for the axis.
        rows: Values in the order of ``columns``.
        plot: How to draw it: lines over the first column, a matrix, or not at all.
        mark: Value of the first column to draw a line at, or None.
        hidden: Columns that a plot leaves out.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[float | str, ...], ...]
    plot: Literal["lines", "matrix", "none"] = "lines"
    mark: float | None = None
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found.

    Attributes:
        kind: Which probe.
        sentence: The result in words.
        numbers: The result as values.
        grid: Where arrays lie on the picture.
        flows: Forward flows (h, w, 2) px of the grid, by name.
        maps: (h, w) float32 by name; shown from 0 to 1, or around 0 where they have a sign.
        labels: (h, w) int64 by name, parts from 1.
        tables: By name.
        marks: Points (N, 2) to draw, px of the picture.
        arrows: Points and displacements (N, 4) to draw, px of the picture.
        arrows_of: The same for single flows, by name, in place of ``arrows``.
        lines: Closed lines (N, 2) to draw on the maps, px of the picture.
        ghosts: Closed lines (N, 2) like ``lines``, where the fitted motion takes them.
        center: (x, y) of a joint to draw, px of the picture, or None.
    """

    kind: ProbeKind
    sentence: Sentence
    numbers: Numbers
    grid: ProbeGrid
    flows: dict[str, Float] = field(default_factory=dict)
    maps: dict[str, Float] = field(default_factory=dict)
    labels: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    marks: Float = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    arrows: Float = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    arrows_of: dict[str, Float] = field(default_factory=dict)
    lines: tuple[Float, ...] = ()
    ghosts: tuple[Float, ...] = ()
    center: tuple[float, float] | None = None
