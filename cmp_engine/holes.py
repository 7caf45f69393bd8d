"""What to show where a backward map has no source: the background continues."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Fill = Literal["stretch", "behind"]

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
    height, width = holes.shape
    if not seeds.any():
        seeds = ~holes
        if not seeds.any():
            return
    _, labels = cv2.distanceTransformWithLabels(
        (~seeds).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seed_y, seed_x = np.nonzero(seeds)
    number = np.zeros(int(labels.max()) + 1, np.int64)
    number[labels[seed_y, seed_x]] = np.arange(seed_y.size)
    y, x = np.nonzero(holes)
    nearest = number[labels[y, x]]
    near_y, near_x = seed_y[nearest], seed_x[nearest]
    base = map_xy[near_y, near_x]
    if fill == "behind":
        map_xy[y, x, 0] = base[:, 0] + (x - near_x)
        map_xy[y, x, 1] = base[:, 1] + (y - near_y)
        return
    mirror_y, mirror_x = 2 * near_y - y, 2 * near_x - x
    inside = (mirror_y >= 0) & (mirror_y < height) & (mirror_x >= 0) & (mirror_x < width)
    mirror_y, mirror_x = mirror_y.clip(0, height - 1), mirror_x.clip(0, width - 1)
    usable = inside & ~holes[mirror_y, mirror_x]
    map_xy[y, x] = np.where(usable[:, None], map_xy[mirror_y, mirror_x], base)
