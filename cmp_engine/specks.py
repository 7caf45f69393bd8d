"""Removes single wrong pixels of a backward map.

Where two parts overlap, pixels of the hidden one may win here and there beside an edge: dark dots
on white fur. A few pixels that go another way than nearly all around them are no part of anything.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_WINDOW: Final = 5
_OFF_PX: Final = 2.0
"""A pixel is off if it differs by more from the median of the window around it, along an axis."""

_MOST_PIXELS: Final = 12
"""More pixels than this that hang together are a thin part, such as a string, and stay."""


def find_specks(
    map_xy: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return which pixels are specks, and what the map should be there.

    Args:
        map_xy: (h, w, 2) float32 source positions, px.

    Returns:
        (n,) flat indices, row by row, and (n, 2) float32: the median position of the 5 x 5 pixels
        around, which on a smooth map is that of the middle.

    Source: own choice; tried on the photographs that the warp is judged by.
    """
    planes = [np.ascontiguousarray(map_xy[..., axis]) for axis in (0, 1)]
    medians = [cv2.medianBlur(plane, _WINDOW) for plane in planes]
    far = cv2.max(cv2.absdiff(planes[0], medians[0]), cv2.absdiff(planes[1], medians[1]))
    off = (far > _OFF_PX).view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(off, connectivity=8)
    is_small = stats[:, cv2.CC_STAT_AREA] <= _MOST_PIXELS
    is_small[0] = False
    index = np.flatnonzero(off)
    index = index[is_small[labels.ravel()[index]]]
    return index, np.stack([median.ravel()[index] for median in medians], axis=-1)
