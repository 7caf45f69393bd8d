"""What to show where a backward map has no source: the background continues."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Fill = Literal["stretch", "behind"]

_MIRROR_REACH: Final = 0.1
"""Part of the picture's longer side that a mirrored background comes from at most."""

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


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
    if not holes.any():
        return
    if not seeds.any():
        seeds = ~holes
        if not seeds.any():
            return
    raw_distance, labels = cv2.distanceTransformWithLabels(
        (~seeds).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    distance = np.asarray(raw_distance, np.float32)
    seed_y, seed_x = np.nonzero(seeds)
    number = np.zeros(int(labels.max()) + 1, np.int64)
    number[labels[seed_y, seed_x]] = np.arange(seed_y.size)
    y, x = np.nonzero(holes)
    nearest = number[labels[y, x]]
    near_y, near_x = seed_y[nearest], seed_x[nearest]
    # In each hole: the way to the background, and how far the background itself has moved.
    field = np.zeros((*holes.shape, 4), np.float32)
    field[y, x, 0] = near_x - x
    field[y, x, 1] = near_y - y
    field[y, x, 2] = map_xy[near_y, near_x, 0] - near_x
    field[y, x, 3] = map_xy[near_y, near_x, 1] - near_y
    way, shift = np.split(_smoothed(field, holes, distance, y, x), 2, axis=1)
    at = np.stack([x, y], axis=-1).astype(np.float32)
    if fill == "behind":
        map_xy[y, x] = at + shift
        return
    edge = at + way
    depth = np.hypot(way[:, 0], way[:, 1])
    soft = _MIRROR_REACH * max(holes.shape)
    gain = soft * np.tanh(depth / soft) / np.maximum(depth, 1e-6)
    base = map_xy[near_y, near_x].copy()
    todo = np.arange(y.size)
    result = base
    for part in (1.0, 0.5, 0.25, 0.0):
        at_part = edge[todo] + way[todo] * (gain[todo] * part)[:, None]
        source = at_part + shift[todo]
        column = np.rint(at_part[:, 0]).astype(np.int64)
        row = np.rint(at_part[:, 1]).astype(np.int64)
        inside = (column >= 0) & (column < holes.shape[1]) & (row >= 0) & (row < holes.shape[0])
        column, row = column.clip(0, holes.shape[1] - 1), row.clip(0, holes.shape[0] - 1)
        seen = map_xy[row, column] + at_part - np.stack([column, row], axis=-1)
        fits = inside & ~holes[row, column] & (np.abs(seen - source).max(axis=1) < 2)
        result[todo[fits]] = source[fits]
        todo = todo[~fits]
        if not todo.size:
            break
    map_xy[y, x] = result


def _smoothed(
    field: Float, holes: Bool, distance: Float, y: NDArray[np.int64], x: NDArray[np.int64]
) -> Float:
    """Return the field at the pixels of holes, averaged over as much as they are deep."""
    weight = holes.astype(np.float32)
    depth = distance[y, x]
    result = field[y, x]
    side = 3
    while side // 2 <= depth.max():
        total = cv2.blur(field, (side, side), borderType=cv2.BORDER_CONSTANT)
        count = cv2.blur(weight, (side, side), borderType=cv2.BORDER_CONSTANT)
        average = total[y, x] / np.maximum(count[y, x], 1e-6)[:, None]
        part = np.clip(depth / (side // 2) - 1, 0, 1)[:, None]
        result += ((average - result) * part).astype(np.float32)
        side = 2 * side - 1
    return result
