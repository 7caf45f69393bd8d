"""Small pictures for file lists."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.image_io import encode_image
from cmp_engine.sequence import resize_image

THUMBNAIL_SIDE: Final = 256


def thumbnail_png(image: NDArray[np.uint8]) -> bytes:
    """Return a small PNG of a picture or frame.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
    """
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size_hw = max(1, round(height * scale)), max(1, round(width * scale))
    return encode_image(resize_image(image, size_hw), suffix=".png")
