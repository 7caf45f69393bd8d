"""A flow as a surface of small parallelograms, one for each source pixel.

Each lands at ``p + flow(p)`` and is as large as the Jacobian of the flow there makes it. Neighbours
whose flow differs by more than `TEAR` are torn: there the surface has an edge.

Arrays are planar and flat (x and y apart, pixels numbered row by row): the time is all in passes
over memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

TEAR: Final = 1.5
"""Flow difference between neighbours, px, beyond which they are no longer one surface.

A rigid rotation reaches it only at 97 degrees; a surface below it is stretched at most 2.5 times.
"""

STRETCH: Final = 12.0
"""The same where it is known at which edges parts come apart: the surface is stretched up to it."""

_FLATTEST: Final = 0.1
"""Smallest Jacobian determinant that is inverted; below, the surface is folded or seen edge-on."""


@dataclass(frozen=True, slots=True)
class Elements:
    """The surface elements of a flow, all (height * width,) float32.

    Attributes:
        size_hw: Size of the grid.
        x: Where the pixel lands.
        y: Where the pixel lands.
        order: Of two elements that cover a pixel the larger is in front.
        inverse: Rows of the inverse Jacobian of ``p + flow(p)``: dx/dX, dx/dY, dy/dX, dy/dY.
        is_low: True on the lower side of a tear and at the border of the grid: what lies behind a
            hole continues from such pixels.
        stretch_rounds: How many pixels the most stretched element covers beyond its neighbours.
        is_wide: True for elements that cover more than their neighbours; None if there are none.
    """

    size_hw: tuple[int, int]
    x: Float
    y: Float
    order: Float
    inverse: tuple[Float, Float, Float, Float]
    is_low: Bool
    stretch_rounds: int
    is_wide: Bool | None

    def source_of(self, element: Index, x: Float, y: Float) -> tuple[Float, Float]:
        """Return the offset from an element's own pixel to the source of a target position."""
        off_x = x - self.x.take(element)
        off_y = y - self.y.take(element)
        a, b, c, d = (row.take(element) for row in self.inverse)
        return a * off_x + b * off_y, c * off_x + d * off_y


def make_elements(
    u: Float, v: Float, order: Float, *, side: NDArray[np.uint8] | None = None
) -> Elements:
    """Return the surface elements of a flow.

    Args:
        u: (h, w) float32 flow to the right, px; contiguous.
        v: (h, w) likewise, down.
        order: (h, w) float32, what is larger is in front.
        side: (h, w) 1 and 2 on the two sides of an edge that parts come apart at, 0 elsewhere.
            Where it is given, the surface tears there alone, and is stretched elsewhere.
    """
    height, width = u.shape
    jump_x = _squared(u[:, 1:] - u[:, :-1], v[:, 1:] - v[:, :-1])
    jump_y = _squared(u[1:] - u[:-1], v[1:] - v[:-1])
    torn_x, torn_y = jump_x > TEAR * TEAR, jump_y > TEAR * TEAR
    rounds = 0
    is_wide: Bool | None = None
    apart_x, apart_y = torn_x, torn_y
    if side is not None:
        apart_x = torn_x & ((side[:, 1:] | side[:, :-1]) == 3)
        apart_y = torn_y & ((side[1:] | side[:-1]) == 3)
        torn_x = apart_x | (jump_x > STRETCH * STRETCH)
        torn_y = apart_y | (jump_y > STRETCH * STRETCH)
        widest = 0.0
        for jump, torn in ((jump_x, torn_x), (jump_y, torn_y)):
            jump[torn] = 0
            widest = max(widest, float(jump.max(initial=0)))
        if widest > TEAR * TEAR:
            rounds = int(np.ceil((1 + widest**0.5) / 2))
            is_wide = np.zeros((height, width), np.bool_)
            wide = jump_x > TEAR * TEAR
            is_wide[:, 1:] |= wide
            is_wide[:, :-1] |= wide
            wide = jump_y > TEAR * TEAR
            is_wide[1:] |= wide
            is_wide[:-1] |= wide
    a, b = _slopes(u, torn_x, torn_y)
    c, d = _slopes(v, torn_x, torn_y)
    if is_wide is not None:
        _widen(a, c, u, v, jump_x)
        _widen(b.T, d.T, u.T, v.T, jump_y.T)
    a += 1
    d += 1
    determinant = a * d
    determinant -= b * c
    is_fold = determinant < _FLATTEST
    if is_fold.any():
        a[is_fold] = d[is_fold] = determinant[is_fold] = 1
        b[is_fold] = c[is_fold] = 0
    inverse = (d / determinant, -b / determinant, -c / determinant, a / determinant)
    return Elements(
        size_hw=(height, width),
        x=np.ravel(u + np.arange(width, dtype=np.float32)),
        y=(v + np.arange(height, dtype=np.float32)[:, None]).ravel(),
        order=order.ravel(),
        inverse=(
            inverse[0].ravel(),
            inverse[1].ravel(),
            inverse[2].ravel(),
            inverse[3].ravel(),
        ),
        is_low=_low_side(order, apart_x, apart_y).ravel(),
        stretch_rounds=rounds,
        is_wide=None if is_wide is None else is_wide.ravel(),
    )


def _squared(x: Float, y: Float) -> Float:
    x *= x
    y *= y
    x += y
    return x


def _slopes(values: Float, torn_x: Bool, torn_y: Bool) -> tuple[Float, Float]:
    """Return d/dx and d/dy, one-sided beside tears and at the border of the grid."""
    across, down = (
        np.asarray(
            cv2.Sobel(values, -1, dx, dy, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE),
            np.float32,
        )
        for dx, dy in ((1, 0), (0, 1))
    )
    across[:, 0] *= 2
    across[:, -1] *= 2
    down[0] *= 2
    down[-1] *= 2
    _mend_slope(across, values, torn_x)
    _mend_slope(down.T, values.T, torn_y.T)
    return across, down


def _mend_slope(slope: Float, values: Float, torn: Bool) -> None:
    """Make the slope along axis 1 one-sided where ``torn`` lies between two pixels, in place."""
    row, column = np.divmod(np.flatnonzero(torn), torn.shape[1])
    last = values.shape[1] - 1
    left, right = column, column + 1
    has_left = (left > 0) & ~torn[row, np.maximum(left - 1, 0)]
    slope[row, left] = np.where(
        has_left, values[row, left] - values[row, np.maximum(left - 1, 0)], 0
    )
    has_right = (right < last) & ~torn[row, np.minimum(right, last - 1)]
    slope[row, right] = np.where(
        has_right, values[row, np.minimum(right + 1, last)] - values[row, right], 0
    )


def _widen(slope_u: Float, slope_v: Float, u: Float, v: Float, jump: Float) -> None:
    """Give both elements at a wide step along axis 1 its whole slope, in place.

    Between a steep step and a flat one, the mean slope would leave a gap.
    """
    row, column = np.divmod(np.flatnonzero(jump > TEAR * TEAR), jump.shape[1])
    for slope, values in ((slope_u, u), (slope_v, v)):
        step = values[row, column + 1] - values[row, column]
        for side in (column, column + 1):
            flatter = np.abs(step) > np.abs(slope[row, side])
            slope[row[flatter], side[flatter]] = step[flatter]


def _low_side(order: Float, torn_x: Bool, torn_y: Bool) -> Bool:
    low = np.zeros(order.shape, np.bool_)
    row, column = np.divmod(np.flatnonzero(torn_x), torn_x.shape[1])
    rises = order[row, column + 1] > order[row, column]
    low[row, np.where(rises, column, column + 1)] = True
    row, column = np.divmod(np.flatnonzero(torn_y), torn_y.shape[1])
    rises = order[row + 1, column] > order[row, column]
    low[np.where(rises, row, row + 1), column] = True
    low[0] = low[-1] = low[:, 0] = low[:, -1] = True
    return low
