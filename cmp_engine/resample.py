"""Sampling arrays at absolute positions, and the pixel grid that those positions live on."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Interpolation = Literal["nearest", "linear", "cubic"]

_CODES: Final[dict[Interpolation, int]] = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
}
_NO_SECOND_MAP: Final = np.empty((0, 0), np.float32)


def pixel_grid(height: int, width: int) -> NDArray[np.float32]:
    """Return (height, width, 2): x and y of every pixel centre."""
    grid = np.empty((height, width, 2), np.float32)
    grid[..., 0] = np.arange(width, dtype=np.float32)
    grid[..., 1] = np.arange(height, dtype=np.float32)[:, None]
    return grid


def sample_image(
    image: NDArray[np.uint8], at_xy: NDArray[np.float32], interpolation: Interpolation = "cubic"
) -> NDArray[np.uint8]:
    """Return the image at the positions (h, w, 2); beyond its border the border pixel goes on.

    At whole positions the answer is the pixel itself, whatever the interpolation.
    """
    return np.asarray(
        cv2.remap(
            image,
            at_xy,
            _NO_SECOND_MAP,
            _CODES[interpolation],
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def sample_field(
    field: NDArray[np.float32], at_xy: NDArray[np.float32], interpolation: Interpolation = "linear"
) -> NDArray[np.float32]:
    """Return a float field, (h, w) or (h, w, c), at the positions (h, w, 2), as `sample_image`."""
    return np.asarray(
        cv2.remap(
            field,
            at_xy,
            _NO_SECOND_MAP,
            _CODES[interpolation],
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def sample_image_points(
    image: NDArray[np.uint8], points_xy: NDArray[np.float32], interpolation: Interpolation = "cubic"
) -> NDArray[np.uint8]:
    """Return the image at a list of positions: (n, 2) to (n, channels)."""
    columns = 1024
    rows = -(-len(points_xy) // columns)
    padded = np.zeros((rows * columns, 2), np.float32)
    padded[: len(points_xy)] = points_xy
    sampled = sample_image(image, padded.reshape(rows, columns, 2), interpolation)
    return sampled.reshape(rows * columns, -1)[: len(points_xy)]
