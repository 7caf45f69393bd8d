"""What to show where a backward map has no source: the background continues."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.resample import sample_field_points

Fill = Literal["stretch", "behind"]

_FINEST: Final = 4
_COARSER: Final = 3
"""Radius of the finest averaging window, px, and how much wider the next one is."""

_LEAST_AGREEMENT: Final = np.float32(0.3)
"""Mean of the directions to the background around a pixel, below which they do not agree."""

_CLEARANCE: Final = np.float32(1.0)
"""How far beside the edge of a hole the mirror stands, px: resampling looks that far around."""

_MIRROR_REACH: Final = 0.1
"""Part of the picture's longer side that a mirrored background comes from at most."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]


def fill_holes(map_xy: Float, holes: Bool, seeds: Bool, *, fill: Fill) -> None:
    """Write source positions into the holes of a map, in place.

    Args:
        map_xy: (h, w, 2) source position x, y of each target pixel.
        holes: (h, w) True where there is none.
        seeds: (h, w) pixels beside which the background of a hole begins; never a hole.
        fill: ``stretch`` takes the neighbouring background, mirrored at the edge of the hole;
            ``behind`` takes what lies there behind the moved part: the place on the background
            itself, for a picture that shows it (a background plate).
    """
    hole = np.flatnonzero(holes)
    if not hole.size:
        return
    if not seeds.any():
        seeds = ~holes
        if not seeds.any():
            return
    height, width = holes.shape
    flat_map = map_xy.reshape(-1, 2)
    distance, nearest = nearest_true(seeds)
    depth, near = distance[hole], nearest[hole]
    row, column = np.divmod(hole, width)
    near_row, near_column = np.divmod(near, width)
    at = np.stack([column, row], axis=-1).astype(np.float32)
    anchor = np.stack([near_column, near_row], axis=-1).astype(np.float32)
    # In each hole: where the background is, and how far it has moved itself.
    base = flat_map[near]
    field = np.concatenate([(anchor - at) / depth[:, None], base - anchor], axis=1)
    field = _smoothed(field, hole, depth, width)
    direction, shift = field[:, :2], field[:, 2:]
    way = direction * (depth / np.maximum(np.hypot(*direction.T), _LEAST_AGREEMENT))[:, None]
    if fill == "behind":
        flat_map[hole] = at + shift
        return
    soft = np.float32(_MIRROR_REACH * max(height, width))
    gain = soft * np.tanh(depth / soft) / np.maximum(depth, 1e-6)
    clear = _CLEARANCE / np.maximum(depth, 1)
    result = base
    todo = np.arange(hole.size)
    for part in (1.0, 0.5, 0.25, 0.0):
        beside = at[todo] + way[todo] * (1 + part * (gain[todo] + clear[todo]))[:, None]
        whole = np.rint(beside)
        column, row = whole[:, 0].astype(np.int64), whole[:, 1].astype(np.int64)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        number = np.where(inside, row * width + column, hole[todo])
        source = beside + shift[todo]
        differs = np.abs(flat_map[number] + (beside - whole) - source)
        fits = inside & ~holes.ravel()[number]
        fits &= np.maximum(differs[:, 0], differs[:, 1]) < 2
        result[todo[fits]] = source[fits]
        todo = todo[~fits]
        if not todo.size:
            break
    flat_map[hole] = result


def nearest_true(mask: Bool) -> tuple[Float, Index]:
    """Return the distance to the nearest True pixel, px, and its flat index, (h * w,) each."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~mask).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Pixels are labelled row by row.
    return np.asarray(distance, np.float32).ravel(), np.flatnonzero(mask)[labels.ravel() - 1]


def _smoothed(field: Float, hole: Index, depth: Float, width: int) -> Float:
    """Return the field (n, 4) of the pixels of holes, averaged over as much as they are deep.

    The wider the window, the coarser the grid that it is averaged on.
    """
    row, column = hole // width, hole % width
    top, left = int(row.min()), int(column.min())
    row, column = row - top, column - left
    height, width = int(row.max()) + 1, int(column.max()) + 1
    deepest = float(depth.max())
    result = field
    radius = _FINEST
    while radius <= deepest:
        cell = radius // 2
        rows, columns = -(-height // cell), -(-width // cell)
        number = row // cell * columns + column // cell
        sums = [
            np.bincount(number, weights, rows * columns).reshape(rows, columns)
            for weights in (*field.T, None)
        ]
        total = cv2.blur(np.stack(sums, axis=-1).astype(np.float32), (5, 5))
        at = ((np.stack([column, row], axis=-1) + 0.5) / cell - 0.5).astype(np.float32)
        count = sample_field_points(np.ascontiguousarray(total[..., 4]), at)
        part: Float = np.clip((depth - radius) / ((_COARSER - 1) * radius), 0, 1)
        part /= np.maximum(count, np.float32(1e-6))
        average = sample_field_points(np.ascontiguousarray(total[..., :4]), at)
        result = np.add(
            result, (average - result * count[:, None]) * part[:, None], dtype=np.float32
        )
        radius *= _COARSER
    return result
