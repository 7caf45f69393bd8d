"""Frames of higher quality: motion blur, and drawing on a finer grid than the frame's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import ImageError

_BREAK: Final = 0.04045


def averaged(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the mean of several pictures as a film would see it: in linear light.

    Pixels that are equal in all of them come out as they are.

    Args:
        images: (h, w, 3) uint8 sRGB each, at least one, all of one size.

    Raises:
        ImageError: No picture, or pictures of different size.
    """
    if not images or any(image.shape != images[0].shape for image in images):
        raise ImageError("Pictures to average must be at least one, and all of one size.")
    if len(images) == 1:
        return images[0]
    total = np.zeros(images[0].shape, np.float32)
    for image in images:
        total += _LINEAR[image]
    total *= np.float32(1 / len(images))
    result = np.empty(images[0].shape, np.uint8)
    for row in range(0, len(total), 64):  # in bands: the search needs eight bytes a value
        result[row : row + 64] = np.searchsorted(_BETWEEN, total[row : row + 64], side="right")
    return result


def shrunk(
    fine: NDArray[np.uint8],
    size_hw: tuple[int, int],
    *,
    still: NDArray[np.uint8],
    moved: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return a frame that was drawn on a finer grid, averaged down to its size.

    Args:
        fine: (fh, fw, 3) uint8, not smaller than the frame in either direction.
        size_hw: (h, w).
        still: (h, w, 3) uint8, the frame where nothing moves; pixels that no motion touches are
            taken from it, so they don't change with the fineness.
        moved: (fh, fw) bool, what may differ from the still frame.
    """
    height, width = size_hw
    result = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    share = cv2.resize(moved.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    untouched = np.asarray(share) == 0
    result[untouched] = still[untouched]
    return result


def shrunk_flow(flow: NDArray[np.float32], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Return a flow on a coarser grid, in px of that grid."""
    height, width = size_hw
    scale_xy = np.array((width / flow.shape[1], height / flow.shape[0]), np.float32)
    return np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)) * scale_xy


def shrunk_mask(mask: NDArray[np.bool_], size_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a mask on a coarser grid, (h, w): True where it covers more than half."""
    height, width = size_hw
    share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    covered: NDArray[np.bool_] = np.asarray(share) > 0.5
    return covered


def _linear_values() -> NDArray[np.float32]:
    value = np.arange(256) / 255
    linear = np.where(value <= _BREAK, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_LINEAR: Final = _linear_values()
"""Light of each sRGB value (IEC 61966-2-1)."""

_BETWEEN: Final = (_LINEAR[:-1] + _LINEAR[1:]) / 2
"""Light from which the next value is nearer."""
