"""Averages over pixels that are near and alike, on a coarse grid over place and two keys.

Source: the bilateral grid of Chen, Paris and Durand (2007), with two range axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

_MARGIN: Final = 1
"""Empty cells at either end of every axis, which the blur spreads into."""

_SAMPLES_PER_CELL: Final = 4
"""Pixels along a cell that are enough to fill it."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One key of the pixels, cut into cells.

    Attributes:
        values: (h, w) the key.
        lowest: Of the values.
        cell: Size of a cell, in the key's unit.
        count: Number of cells.
    """

    values: Float
    lowest: float
    cell: float
    count: int

    @classmethod
    def of(cls, values: Float, cell: float) -> Axis:
        """Return an axis that holds all values; one cell where they differ by less than half."""
        lowest, highest = float(values.min()), float(values.max())
        if highest - lowest < cell / 2:
            return cls(values, lowest, cell, 1)
        return cls(values, lowest, cell, int((highest - lowest) / cell + 0.5) + 1 + 2 * _MARGIN)

    def position(self, values: Float) -> Float:
        """Return where values lie between cell centres, 0 .. count - 1."""
        if self.count == 1:
            return np.zeros_like(values)
        place = (values - np.float32(self.lowest)) * np.float32(1 / self.cell)
        place += _MARGIN
        return np.clip(place, 0, self.count - 1.001, out=place)


def alike_mean(
    fields: tuple[Float, ...],
    keys: tuple[Axis, Axis],
    *,
    cell_px: float,
    rounds: int = 0,
    blurs: int = 1,
) -> tuple[Float, ...]:
    """Return fields averaged over pixels that are near in place and in both keys.

    Args:
        fields: (h, w) each.
        keys: What alike means.
        cell_px: Size of a cell in the picture, px. An average reaches over about two cells.
        rounds: Rounds of mean shift of the cells: where the fields are the keys themselves, cells
            move on to the flow that most around them have, so that ramps between two crowds end.
        blurs: Extra rounds of blur in place.
    """
    height, width = fields[0].shape
    rows, columns = (int(np.ceil(side / cell_px)) + 1 + 2 * _MARGIN for side in (height, width))
    shape = (keys[0].count, keys[1].count, rows, columns)
    step = max(1, int(cell_px / _SAMPLES_PER_CELL))
    grid = _filled(fields, keys, shape, cell_px, step)
    for axis in range(4):
        grid = _blurred(grid, axis)
    for _ in range(blurs):
        grid = _blurred(_blurred(grid, 2), 3)
    flat = grid.reshape(-1, grid.shape[-1])
    full = np.flatnonzero(flat[:, 0] > 1e-6)
    mean = flat[full, 1:] / flat[full, :1]
    for _ in range(rounds):
        mean = _shifted(mean, full, keys, shape)
    table = np.zeros((flat.shape[0], len(fields) + 1), np.float32)
    table[full, :-1] = mean
    table[full, -1] = 1
    return _read(table.reshape(-1, shape[3], len(fields) + 1), fields, keys, shape, cell_px)


def _filled(
    fields: tuple[Float, ...],
    keys: tuple[Axis, Axis],
    shape: tuple[int, int, int, int],
    cell_px: float,
    step: int,
) -> Float:
    height, width = fields[0].shape
    row = (np.arange(0, height, step) / cell_px + 0.5).astype(np.int64) + _MARGIN
    column = (np.arange(0, width, step) / cell_px + 0.5).astype(np.int64) + _MARGIN
    first, second = (
        (key.position(key.values[::step, ::step]) + np.float32(0.5)).astype(np.int64)
        for key in keys
    )
    number = first * shape[1]
    number += second
    number *= shape[2]
    number += row[:, None]
    number *= shape[3]
    number += column
    number = number.ravel()
    size = int(np.prod(shape))
    grid = np.empty((size, 1 + len(fields)), np.float32)
    grid[:, 0] = np.bincount(number, minlength=size)
    for index, field in enumerate(fields):
        grid[:, 1 + index] = np.bincount(number, field[::step, ::step].ravel(), size)
    return grid.reshape(*shape, 1 + len(fields))


def _blurred(grid: Float, axis: int) -> Float:
    if grid.shape[axis] == 1:
        return grid
    result = grid * 2
    low = [slice(None)] * grid.ndim
    high = [slice(None)] * grid.ndim
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    result[tuple(high)] += grid[tuple(low)]
    result[tuple(low)] += grid[tuple(high)]
    return result


def _shifted(
    mean: Float,
    full: NDArray[np.int64],
    keys: tuple[Axis, Axis],
    shape: tuple[int, int, int, int],
) -> Float:
    """Return the mean of each full cell replaced by that of the cell where it lies, if full."""
    place = full % (shape[2] * shape[3])
    first, second = (
        np.rint(key.position(np.ascontiguousarray(mean[:, index]))).astype(np.int64)
        for index, key in enumerate(keys)
    )
    target = (first * shape[1] + second) * (shape[2] * shape[3]) + place
    found = np.minimum(np.searchsorted(full, target), full.size - 1)
    return np.where((full[found] == target)[:, None], mean[found], mean)


def _read(
    table: Float,
    fields: tuple[Float, ...],
    keys: tuple[Axis, Axis],
    shape: tuple[int, int, int, int],
    cell_px: float,
) -> tuple[Float, ...]:
    """Return the means at every pixel, linear between the cells that have any pixels.

    Args:
        table: (cells of both keys and rows, columns, fields + 1): the means, and 1 in full cells.
        fields: What a pixel keeps if no full cell is near.
        keys: Of the pixels.
        shape: Of the grid.
        cell_px: As for `alike_mean`.
    """
    height, width = fields[0].shape
    column = np.arange(width, dtype=np.float32) / np.float32(cell_px) + _MARGIN
    row = np.arange(height, dtype=np.float32) / np.float32(cell_px) + _MARGIN
    at_column = np.ascontiguousarray(np.broadcast_to(column, (height, width)))
    places = [key.position(key.values) for key in keys]
    bases = [np.floor(place) for place in places]
    parts = [place - base for place, base in zip(places, bases, strict=True)]
    total: Float | None = None
    for first in (0, 1)[: keys[0].count]:
        for second in (0, 1)[: keys[1].count]:
            at_row = bases[0] * np.float32(shape[1] * shape[2])
            at_row += bases[1] * np.float32(shape[2])
            at_row += row[:, None] + np.float32((first * shape[1] + second) * shape[2])
            part = np.asarray(cv2.remap(table, at_column, at_row, cv2.INTER_LINEAR), np.float32)
            for key, share, side in zip(keys, parts, (first, second), strict=True):
                if key.count > 1:
                    part *= (share if side else 1 - share)[..., None]
            total = part if total is None else np.add(total, part, out=total)
    if total is None:
        raise AssertionError("an axis has at least one cell")
    share = total[..., -1]
    is_empty = share < 1e-3
    share = np.maximum(share, 1e-3)
    results = []
    for index, field in enumerate(fields):
        result = total[..., index] / share
        np.copyto(result, field, where=is_empty)
        results.append(result)
    return tuple(results)
