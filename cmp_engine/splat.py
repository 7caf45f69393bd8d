"""Inverse of a forward flow by splatting its surface elements, see `cmp_engine.elements`.

A target pixel takes the element on top that covers its centre, and one Newton step from that
element's pixel gives the source position to second order. What no element covers is a hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.elements import TEAR, Elements

Float = NDArray[np.float32]
Index = NDArray[np.int32]
Bool = NDArray[np.bool_]

SAME_SURFACE: Final = 0.5
"""Differences of the order up to this count as one surface."""

_SLACK: Final = 0.6
"""Half side of a surface element, source px: 0.5 and a little for what second order leaves out."""

_GUESSES: Final = 4
"""Neighbours of a pixel, those in front first, that are asked whether they cover it."""

_NEIGHBOURS: Final = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))


@dataclass(frozen=True, slots=True)
class Surface:
    """What the target grid sees of the source.

    Attributes:
        x: (h, w) source position; undefined in holes.
        y: (h, w) source position.
        owner: (h, w) the element seen, -1 in holes.
    """

    x: Float
    y: Float
    owner: Index


def see(elements: Elements, drawn: Bool | None = None) -> Surface:
    """Return which source position every target pixel shows.

    Args:
        elements: Of the whole grid.
        drawn: (h * w,) False for elements to leave out; None draws all.
    """
    height, width = elements.size_hw
    owner = _splat(elements, drawn)
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width)).ravel()
    rows = np.repeat(np.arange(height, dtype=np.float32), width)
    seen = np.maximum(owner, 0)
    step_x, step_y = elements.source_of(seen, columns, rows)
    np.clip(step_x, -1, 1, out=step_x)
    np.clip(step_y, -1, 1, out=step_y)
    source_row = seen // width
    step_y += source_row
    step_x += seen - source_row * width
    surface = Surface(
        step_x.reshape(height, width), step_y.reshape(height, width), owner.reshape(height, width)
    )
    _close_cracks(surface, elements, drawn)
    if elements.is_wide is not None:
        for _ in range(elements.stretch_rounds):
            if not _close_cracks(surface, elements, drawn, beside=elements.is_wide):
                break
    _close_pinholes(surface, elements)
    return surface


@dataclass(frozen=True, slots=True)
class Overlay:
    """Elements of a soft rim on the target grid; (n,) each.

    Attributes:
        target: Flat index of the target pixel, each at most once.
        element: Number of the element that covers it, counted within those given.
        x: Offset of its source from the element's own pixel, px.
        y: Likewise.
        order: Of the element.
    """

    target: NDArray[np.int64]
    element: NDArray[np.int64]
    x: Float
    y: Float
    order: Float


def overlay(
    size_hw: tuple[int, int],
    x: Float,
    y: Float,
    order: Float,
    inverse: tuple[Float, Float, Float, Float],
) -> Overlay:
    """Return which target pixels some loose elements cover; of several the one in front.

    Args:
        size_hw: Size of the target grid.
        x: (n,) where the elements land.
        y: (n,) likewise.
        order: (n,) the larger is in front.
        inverse: (n,) each, as of `Elements`.
    """
    height, width = size_hw
    column, row = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    parts = []
    for dx, dy in ((0, 0), *_NEIGHBOURS):
        off_x, off_y = column + dx - x, row + dy - y
        step_x = inverse[0] * off_x + inverse[1] * off_y
        step_y = inverse[2] * off_x + inverse[3] * off_y
        miss = np.maximum(np.abs(step_x), np.abs(step_y))
        inside = (column + dx >= 0) & (column + dx < width) & (row + dy >= 0) & (row + dy < height)
        number = np.flatnonzero(inside & (miss <= _SLACK))
        target = (row[number] + dy) * width + column[number] + dx
        score = order[number] - np.float32(SAME_SURFACE) * miss[number]
        parts.append((target, number, step_x[number], step_y[number], score))
    target, number, step_x, step_y, score = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    rank = np.lexsort((score, target))
    last = np.flatnonzero(np.append(np.diff(target[rank]) != 0, True)) if rank.size else rank
    chosen = rank[last]
    number = number[chosen]
    return Overlay(
        target[chosen],
        number,
        step_x[chosen].astype(np.float32),
        step_y[chosen].astype(np.float32),
        order[number],
    )


def _splat(elements: Elements, drawn: Bool | None) -> Index:
    """Return the topmost element whose centre lands nearest to each target pixel, or -1."""
    height, width = elements.size_hw
    column = np.rint(elements.x).astype(np.int32)
    row = np.rint(elements.y).astype(np.int32)
    # A negative number is a huge one without sign.
    inside = (column.view(np.uint32) < width) & (row.view(np.uint32) < height)
    if drawn is not None:
        inside &= drawn
    row *= width
    row += column
    # A non-negative float32 sorts as its bits do; the element's number breaks ties.
    rank = np.empty((row.size, 2), np.int32)
    rank[:, 0] = np.arange(row.size, dtype=np.int32)
    rank[:, 1] = (elements.order - elements.order.min()).view(np.int32)
    keys = rank.view(np.int64).ravel()
    best = np.full(height * width, -1, np.int64)
    if inside.all():
        np.maximum.at(best, row, keys)
    else:
        np.maximum.at(best, row[inside], keys[inside])
    return np.ascontiguousarray(best.view(np.int32)[::2])


def _close_cracks(
    surface: Surface, elements: Elements, drawn: Bool | None, *, beside: Bool | None = None
) -> bool:
    """Give pixels to an element in front that covers them though it lands nearer to another.

    Asks the surface of each neighbour: its plane leads to an element, which must cover the pixel.
    In place; returns whether any was given.

    Args:
        surface: What is seen so far.
        elements: Of the whole grid.
        drawn: As for `see`.
        beside: (h * w,) elements; given, only holes beside these are asked about.
    """
    height, width = surface.owner.shape
    owner = surface.owner
    seen = _seen_order(owner, elements)
    is_hole = owner < 0
    if beside is None:
        highest = np.asarray(cv2.dilate(seen, np.ones((3, 3), np.uint8)))
        is_asked = highest > np.where(is_hole, seen, seen + np.float32(TEAR))
    else:
        near = beside.take(owner, mode="clip") & ~is_hole
        is_asked = np.asarray(cv2.dilate(near.view(np.uint8), np.ones((3, 3), np.uint8))) > 0
        is_asked &= is_hole
    target = np.flatnonzero(is_asked)
    if not target.size:
        return False
    has_changed = False
    best = seen.ravel()[target]
    y, x = np.divmod(target, width)
    padded = np.full((height + 2, width + 2), -1, np.int32)
    padded[1:-1, 1:-1] = owner
    inner = target + 2 * y + width + 3
    around = np.stack([padded.ravel()[inner + (dy * (width + 2) + dx)] for dx, dy in _NEIGHBOURS])
    orders = elements.order.take(around, mode="clip")
    orders[around < 0] = -np.inf
    float_x, float_y = x.astype(np.float32), y.astype(np.float32)
    columns = np.arange(target.size)
    for _ in range(_GUESSES):
        highest_one = orders.argmax(axis=0)
        guess = around[highest_one, columns]
        pick = np.flatnonzero(orders[highest_one, columns] > best + SAME_SURFACE)
        if not pick.size:
            break
        orders[highest_one, columns] = -np.inf
        pick, source, step_x, step_y = _covering(
            elements, pick, guess[pick], float_x[pick], float_y[pick], drawn
        )
        order = elements.order[source]
        better = np.flatnonzero(order > best[pick] + SAME_SURFACE)
        pick, source = pick[better], source[better]
        best[pick] = order[better]
        at = target[pick]
        surface.x.ravel()[at] = source % width + step_x[better]
        surface.y.ravel()[at] = source // width + step_y[better]
        owner.ravel()[at] = source
        has_changed = has_changed or at.size > 0
    return has_changed


def _close_pinholes(surface: Surface, elements: Elements) -> None:
    """Give single pixels that lie deeper than nearly all around them to a neighbour, in place."""
    height, width = surface.owner.shape
    seen = _seen_order(surface.owner, elements)
    # Deeper than the median around it, and than all but one of the eight.
    above = np.asarray(cv2.medianBlur(seen, 3), np.float32)
    hole = np.flatnonzero(above > seen + SAME_SURFACE)
    row, column = np.divmod(hole, width)
    inner = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    hole = hole[inner]
    around = np.stack([hole + dy * width + dx for dx, dy in _NEIGHBOURS])
    lower = seen.ravel()[around] <= seen.ravel()[hole] + SAME_SURFACE
    hole = hole[lower.sum(axis=0) <= 1]
    row, column = np.divmod(hole, width)
    beside = np.stack([hole + dy * width + dx for dx, dy in _NEIGHBOURS[:4]])
    owners = surface.owner.ravel()[beside]
    orders = np.where(owners < 0, -np.inf, elements.order[owners])
    best = orders.argmax(axis=0)
    chosen = np.arange(hole.size)
    owner = owners[best, chosen]
    kept = owner >= 0
    hole, row, column, owner = hole[kept], row[kept], column[kept], owner[kept]
    step_x, step_y = elements.source_of(owner, column.astype(np.float32), row.astype(np.float32))
    surface.x.ravel()[hole] = owner % width + np.clip(step_x, -1.5, 1.5)
    surface.y.ravel()[hole] = owner // width + np.clip(step_y, -1.5, 1.5)
    surface.owner.ravel()[hole] = owner


def _seen_order(owner: Index, elements: Elements) -> Float:
    """Return the order that each target pixel shows; below all others in holes."""
    seen = elements.order.take(owner, mode="clip")
    seen[owner < 0] = elements.order.min() - 2 * SAME_SURFACE
    return seen


def _covering(
    elements: Elements,
    number: NDArray[np.int64],
    guess: Index,
    x: Float,
    y: Float,
    drawn: Bool | None,
) -> tuple[NDArray[np.int64], Index, Float, Float]:
    """Return the numbers of the positions that some element beside the guessed one covers.

    Returns:
        Their numbers, the elements, and the offsets from the elements' pixels to the sources.
    """
    height, width = elements.size_hw
    step_x, step_y = elements.source_of(guess, x, y)
    column = np.rint(guess % width + step_x).astype(np.int32)
    row = np.rint(guess // width + step_y).astype(np.int32)
    valid = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    valid &= (np.abs(step_x) <= 3) & (np.abs(step_y) <= 3)
    source = np.where(valid, row * width + column, guess).astype(np.int32)
    if drawn is not None:
        valid &= drawn[source]
    step_x, step_y = elements.source_of(source, x, y)
    valid &= (np.abs(step_x) <= _SLACK) & (np.abs(step_y) <= _SLACK)
    kept = np.flatnonzero(valid)
    return number[kept], source[kept], step_x[kept], step_y[kept]
