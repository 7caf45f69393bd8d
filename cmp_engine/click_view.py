"""Where a segmenter looks: boxes in the picture, and clicks on their grids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

WORK_SIDE: Final = 96
"""Short side of the working grid, px; a network answers on 64 to 192."""

_WORK_ASPECT: Final = 4.0
_SMALLEST_CROP: Final = 64
_WORTH_IT: Final = 0.7
"""A crop is worth its time where its longest side is below this share of the picture's."""

_SIDE_STEP: Final = 2**0.5
_PLACE_STEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in whole px.

    Attributes:
        top: First row.
        left: First column.
        height: Rows.
        width: Columns.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        """The rows, to index the picture with."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """The columns, to index the picture with."""
        return slice(self.left, self.left + self.width)


def working_size(size_hw: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the working grid for a view of a size; never finer than that."""
    scale = min(1.0, WORK_SIDE / min(size_hw), _WORK_ASPECT * WORK_SIDE / max(size_hw))
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))


def in_box(clicks: Float, box: Box) -> Float:
    """Return the clicks (N, 2) that lie in a box, in px of the box."""
    moved = clicks - np.array([box.left, box.top], np.float32)
    limit = np.array([box.width - 0.5, box.height - 0.5], np.float32)
    is_inside = ((moved >= -0.5) & (moved <= limit)).all(axis=1)
    return moved[is_inside]


def click_pixels(
    clicks: Float, size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return (row, column) on a grid of the clicks (N, 2) x, y in px of a view of size_hw."""
    scale = np.array([grid_hw[1] / size_hw[1], grid_hw[0] / size_hw[0]])
    place = np.floor((clicks + 0.5) * scale).astype(int)
    place = np.clip(place, 0, [grid_hw[1] - 1, grid_hw[0] - 1])
    return [(int(y), int(x)) for x, y in place]


def crop_around(points: Float, whole: Box, factor: float) -> Box | None:
    """Return a square crop around points, or None where the whole picture does as well.

    The crop comes in steps of size and place, so that the next click mostly finds the same one.

    Args:
        points: (N, 2) x, y px of the picture, what must be seen.
        whole: The picture.
        factor: Side of the crop in units of the points' extent.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) + 1
    wanted = max(extent * factor, _SMALLEST_CROP)
    side = _SMALLEST_CROP * _SIDE_STEP ** math.ceil(
        math.log(wanted / _SMALLEST_CROP, _SIDE_STEP) - 1e-6
    )
    if side > _WORTH_IT * max(whole.height, whole.width):
        return None
    step = side / _PLACE_STEPS
    center = np.round((low + high) / 2 / step) * step
    width, left = _fitted(side, float(center[0]), whole.width)
    height, top = _fitted(side, float(center[1]), whole.height)
    box = Box(top, left, height, width)
    return box if len(in_box(points, box)) == len(points) else None


def _fitted(side: float, center: float, limit: int) -> tuple[int, int]:
    """Return length and start of an interval about a centre, inside of 0 .. limit."""
    length = min(round(side), limit)
    start = round(center - length / 2)
    return length, min(max(start, 0), limit - length)
