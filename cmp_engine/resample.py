"""Sampling arrays at absolute positions, and the pixel grid that those positions live on."""

from __future__ import annotations

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Interpolation = Literal["nearest", "linear", "cubic"]

_CODES: Final[dict[Interpolation, int]] = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
}


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
    return np.asarray(_remap(image, at_xy, interpolation), np.uint8)


def sample_field(
    field: NDArray[np.float32], at_xy: NDArray[np.float32], interpolation: Interpolation = "linear"
) -> NDArray[np.float32]:
    """Return a float field, (h, w) or (h, w, c), at the positions (h, w, 2), as `sample_image`."""
    return np.asarray(_remap(field, at_xy, interpolation), np.float32)


def sample_image_points(
    image: NDArray[np.uint8], points_xy: NDArray[np.float32], interpolation: Interpolation = "cubic"
) -> NDArray[np.uint8]:
    """Return the image at a list of positions: (n, 2) to (n, channels)."""
    sampled = sample_image(image, _as_rows(points_xy), interpolation)
    return sampled.reshape(-1, image.shape[2])[: len(points_xy)]


def sample_field_points(
    field: NDArray[np.float32],
    points_xy: NDArray[np.float32],
    interpolation: Interpolation = "linear",
) -> NDArray[np.float32]:
    """Return a field, (h, w) or (h, w, c), at a list of positions: (n, 2) to (n,) or (n, c)."""
    sampled = sample_field(field, _as_rows(points_xy), interpolation)
    return sampled.reshape(-1, *field.shape[2:])[: len(points_xy)]


def _as_rows(points_xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a list of positions as a picture of positions: OpenCV's sides end at 32767."""
    columns = 1024
    rows = max(1, -(-len(points_xy) // columns))
    padded = np.zeros((rows * columns, 2), np.float32)
    padded[: len(points_xy)] = points_xy
    return padded.reshape(rows, columns, 2)


def _remap(
    values: NDArray[Any], at_xy: NDArray[np.float32], interpolation: Interpolation
) -> NDArray[Any]:
    return cv2.remap(  # type: ignore[call-overload, no-any-return]  # its stubs lack map2=None
        values, at_xy, None, _CODES[interpolation], borderMode=cv2.BORDER_REPLICATE
    )
