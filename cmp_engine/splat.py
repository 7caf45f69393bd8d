"""Inverse of a forward flow by splatting, one surface element per source pixel.

Each source pixel is a small parallelogram: it lands at ``p + flow(p)`` and is as large as the
Jacobian of the flow there makes it. A target pixel takes the pixel on top that covers its centre,
and one Newton step from that pixel's centre gives the source position to second order. Neighbours
whose flow differs by more than `TEAR` are torn: there the surface has an edge, and what no element
covers is a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.resample import pixel_grid

TEAR: Final = 1.5
"""Flow difference between neighbours, px, beyond which they are no longer one surface.

A rigid rotation reaches it only at 97 degrees; a surface below it is stretched at most 2.5 times.
"""

_SLACK: Final = 0.6
"""Half side of a surface element, source px: 0.5 and a little for what second order leaves out."""

_NEIGHBOURS: Final = ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Surface:
    """What the target grid sees of the source.

    Attributes:
        map_xy: (h, w, 2) source position x, y; undefined in holes.
        owner: (h, w) int32 flat index of the source pixel seen, -1 in holes.
        seeds: (h, w) True where the pixel seen lies on the lower side of a tear or on the border of
            the picture: what is behind a hole continues from there.
    """

    map_xy: Float
    owner: NDArray[np.int32]
    seeds: Bool


def see_through(flow: Float, order: Float, *, margin: float, opaque: Bool | None = None) -> Surface:
    """Return which source position every target pixel shows.

    Args:
        flow: (h, w, 2) forward flow, px.
        order: (h, w); of two pixels that land on one the larger wins.
        margin: Differences of ``order`` up to this count as one surface.
        opaque: (h, w) False for source pixels that are not drawn; None draws all.
    """
    height, width = order.shape
    landing = flow + pixel_grid(height, width)
    torn_x = _is_torn(flow[:, 1:] - flow[:, :-1])
    torn_y = _is_torn(flow[1:] - flow[:-1])
    owner = _splat(landing, order, opaque)
    elements = _elements(flow, landing, torn_x, torn_y)
    map_xy = _solve(elements, owner, width)
    _settle(map_xy, owner, elements, order, margin)
    low = _low_side(order, torn_x, torn_y)
    seeds = low.ravel().take(owner.ravel(), mode="clip").reshape(owner.shape) & (owner >= 0)
    return Surface(map_xy, owner, seeds)


def _is_torn(difference: Float) -> Bool:
    u, v = difference[..., 0], difference[..., 1]
    torn: Bool = u * u + v * v > TEAR * TEAR
    return torn


def _splat(landing: Float, order: Float, opaque: Bool | None) -> NDArray[np.int32]:
    """Return the topmost source pixel that lands nearest to each target pixel, or -1."""
    height, width = order.shape
    column = np.rint(landing[..., 0]).ravel()
    row = np.rint(landing[..., 1]).ravel()
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    if opaque is not None:
        inside &= opaque.ravel()
    source = np.flatnonzero(inside)
    target = row[source].astype(np.int64) * width + column[source].astype(np.int64)
    # A non-negative float32 sorts as its bits do; the source index breaks ties.
    rank = (order - order.min()).ravel().view(np.int32)[source].astype(np.int64)
    best = np.full(height * width, -1, np.int64)
    np.maximum.at(best, target, (rank << 32) | source)
    owner = np.where(best < 0, -1, best & 0xFFFFFFFF).astype(np.int32)
    return owner.reshape(height, width)


def _elements(flow: Float, landing: Float, torn_x: Bool, torn_y: Bool) -> Float:
    """Return (h * w, 6): landing x, y, and the inverse Jacobian of ``p + flow(p)`` by rows."""
    height, width = flow.shape[:2]
    right = _slope(flow, torn_x, axis=1)
    down = _slope(flow, torn_y, axis=0)
    a, b = 1 + right[..., 0], down[..., 0]
    c, d = right[..., 1], 1 + down[..., 1]
    determinant = a * d - b * c
    is_fold = determinant < 0.1
    scale = 1 / np.where(is_fold, 1, determinant)
    elements = np.empty((height, width, 6), np.float32)
    elements[..., :2] = landing
    elements[..., 2] = np.where(is_fold, 1, d * scale)
    elements[..., 3] = np.where(is_fold, 0, -b * scale)
    elements[..., 4] = np.where(is_fold, 0, -c * scale)
    elements[..., 5] = np.where(is_fold, 1, a * scale)
    return elements.reshape(-1, 6)


def _slope(flow: Float, torn: Bool, *, axis: int) -> Float:
    """Return the derivative of the flow along an axis, one-sided beside tears and at the border."""
    whole = torn[..., None]
    step = np.diff(flow, axis=axis)
    np.copyto(step, 0, where=whole)
    kept = (~whole).astype(np.float32)
    total = np.zeros_like(flow)
    count = np.zeros((*flow.shape[:2], 1), np.float32)
    before = (slice(None, -1),) if axis == 0 else (slice(None), slice(None, -1))
    after = (slice(1, None),) if axis == 0 else (slice(None), slice(1, None))
    total[before] += step
    total[after] += step
    count[before] += kept
    count[after] += kept
    total /= np.maximum(count, 1)
    return total


def _solve(elements: Float, owner: NDArray[np.int32], width: int) -> Float:
    """Return the source position of every target pixel, one Newton step from its owner."""
    height = owner.shape[0]
    rows = elements.take(owner.ravel(), axis=0, mode="clip").reshape(height, width, 6)
    grid = pixel_grid(height, width)
    off = grid - rows[..., :2]
    map_xy = np.empty((height, width, 2), np.float32)
    row, column = np.divmod(owner, width)
    step_x = rows[..., 2] * off[..., 0] + rows[..., 3] * off[..., 1]
    step_y = rows[..., 4] * off[..., 0] + rows[..., 5] * off[..., 1]
    map_xy[..., 0] = column + np.clip(step_x, -1, 1)
    map_xy[..., 1] = row + np.clip(step_y, -1, 1)
    return map_xy


def _settle(
    map_xy: Float, owner: NDArray[np.int32], elements: Float, order: Float, margin: float
) -> None:
    """Give uncovered pixels and cracks to the neighbouring element that covers them, in place."""
    height, width = owner.shape
    order_flat = order.ravel()
    seen = np.where(owner < 0, -np.inf, order_flat.take(owner, mode="clip")).astype(np.float32)
    highest = _local_maximum(seen)
    y, x = np.nonzero(highest > seen + margin)
    best = seen[y, x]
    taken: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]] = []
    for dy, dx in _NEIGHBOURS:
        from_y, from_x = y + dy, x + dx
        inside = (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
        source = np.where(inside, owner[from_y.clip(0, height - 1), from_x.clip(0, width - 1)], -1)
        rank = np.where(source < 0, -np.inf, order_flat.take(source, mode="clip"))
        pick = np.flatnonzero(rank > np.where(np.isinf(best), best, best + margin))
        row = elements.take(source[pick], axis=0)
        off_x = x[pick] - row[:, 0]
        off_y = y[pick] - row[:, 1]
        step_x = row[:, 2] * off_x + row[:, 3] * off_y
        step_y = row[:, 4] * off_x + row[:, 5] * off_y
        covered = np.maximum(np.abs(step_x), np.abs(step_y)) <= _SLACK
        pick, row = pick[covered], row[covered]
        best[pick] = rank[pick]
        source_y, source_x = np.divmod(source[pick], width)
        map_xy[y[pick], x[pick], 0] = source_x + step_x[covered]
        map_xy[y[pick], x[pick], 1] = source_y + step_y[covered]
        taken.append((y[pick], x[pick], source[pick]))
    for row_y, column_x, source in taken:
        owner[row_y, column_x] = source


def _local_maximum(values: Float) -> Float:
    return np.asarray(cv2.dilate(values, np.ones((3, 3), np.uint8)), np.float32)


def _low_side(order: Float, torn_x: Bool, torn_y: Bool) -> Bool:
    """Return the source pixels on the lower side of a tear, and the border of the picture."""
    low = np.zeros(order.shape, np.bool_)
    rises = order[:, 1:] > order[:, :-1]
    low[:, :-1] |= torn_x & rises
    low[:, 1:] |= torn_x & ~rises
    rises = order[1:] > order[:-1]
    low[:-1] |= torn_y & rises
    low[1:] |= torn_y & ~rises
    low[0], low[-1], low[:, 0], low[:, -1] = True, True, True, True
    return low
