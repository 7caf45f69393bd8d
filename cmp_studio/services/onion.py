"""The outline of what moves, from the flow of a rendered frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_studio.services.frame_cache import CachedFrame

_SHARE: Final = 0.2
"""What moves by this share of the fastest place counts as moving."""

_LEAST_PX: Final = 0.75
_LEAST_AREA: Final = 24.0


def outlines(frame: CachedFrame, image_hw: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Return the outlines of what moves, where it lies in the still picture.

    Args:
        frame: A frame in which something moves.
        image_hw: Size of the picture, px.

    Returns:
        Closed polygons, each (n, 2) float32 x, y in px of the picture.
    """
    import cv2

    flow = frame.flow.astype(np.float32)
    speed = np.hypot(flow[..., 0], flow[..., 1])
    limit = max(_LEAST_PX, _SHARE * float(speed.max(initial=0.0)))
    moving = (speed > limit).astype(np.uint8)
    found, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([image_hw[1] / flow.shape[1], image_hw[0] / flow.shape[0]], np.float32)
    kept = []
    for contour in found:
        if cv2.contourArea(contour) >= _LEAST_AREA:
            smooth = cv2.approxPolyDP(contour, 0.8, closed=True)
            points = np.asarray(smooth, np.float32).reshape(-1, 2)
            kept.append((points + np.float32(0.5)) * scale - np.float32(0.5))
    return kept
