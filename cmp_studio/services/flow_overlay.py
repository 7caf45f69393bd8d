"""The flow of a frame as colours or needles to draw over the picture."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.motion import peak_guidance
from cmp_studio.document.scene import Scene

MIN_SCALE_PX = 1.0
_LENGTHS: Final = 128
_ANGLES: Final = 480
"""Steps of the colour table, up to the scale and once around."""

FULL_COLOR_SHARE = 0.3
"""Flow of this share of the scale covers the picture fully; less lets it shine through."""


def automatic_scale(scene: Scene | None) -> float:
    """Length that gets the full colour: that of the longest arrow, px of the picture.

    It depends on the scene alone, so that the colours don't flicker from frame to frame.
    """
    if scene is None:
        return MIN_SCALE_PX
    _, displacements = peak_guidance(scene)
    return max([MIN_SCALE_PX, *(math.hypot(dx, dy) for dx, dy in displacements)])


def colored_flow(flow: NDArray[np.float16], scale: float) -> NDArray[np.uint8]:
    """Flow as colours that fade out where nothing moves.

    Args:
        flow: (h, w, 2) flow, px of the picture.
        scale: Length that gets the full colour, px of the picture.

    Returns:
        (h, w, 4) uint8 RGBA, not premultiplied. It is painted while the film plays, so the colours
        come from a table, half a step of it off from `cmp_engine.flow_viz` at most.
    """
    import cv2

    values = flow.astype(np.float32) * np.float32(1 / scale)
    u, v = np.ascontiguousarray(values[..., 0]), np.ascontiguousarray(values[..., 1])
    length, angle = cv2.cartToPolar(u, v)
    rows = np.minimum(np.asarray(length) * _LENGTHS + 0.5, _LENGTHS + 1).astype(np.int32)
    columns = (np.asarray(angle) * (_ANGLES / (2 * math.pi)) + 0.5).astype(np.int32) % _ANGLES
    return np.asarray(_color_table()[rows, columns], np.uint8)


@lru_cache(maxsize=1)
def _color_table() -> NDArray[np.uint8]:
    """Colours by length and angle, (_LENGTHS + 2, _ANGLES, 4) uint8 RGBA; the last is beyond."""
    from cmp_engine.flow_viz import flow_to_color

    length = np.arange(_LENGTHS + 2, dtype=np.float32)[:, None] / _LENGTHS
    angle = np.arange(_ANGLES, dtype=np.float32)[None, :] * (2 * math.pi / _ANGLES)
    unit = np.stack([length * np.cos(angle), length * np.sin(angle)], axis=-1)
    table = np.empty((*unit.shape[:2], 4), np.uint8)
    table[..., :3] = flow_to_color(unit.astype(np.float32), max_flow=1.0)
    table[..., 3] = np.minimum(length / FULL_COLOR_SHARE, 1.0) * 255
    return table


def legend_wheel(side: int) -> NDArray[np.uint8]:
    """The colour wheel, (side, side, 4) uint8 RGBA, transparent outside of the disc."""
    from cmp_engine.flow_viz import color_wheel

    return color_wheel(side)


def needles(
    flow: NDArray[np.float16], image_hw: tuple[int, int], step: float
) -> NDArray[np.float32]:
    """Flow sampled on a regular grid, for a field of small arrows.

    Args:
        flow: (h, w, 2) flow, px of the picture, on any grid that covers it.
        image_hw: Size of the picture, px.
        step: Distance between two samples, px of the picture.

    Returns:
        (n, 4) float32: x, y and dx, dy, px of the picture; still places are left out.
    """
    height, width = image_hw
    xs = np.arange(step / 2, width, step, dtype=np.float32)
    ys = np.arange(step / 2, height, step, dtype=np.float32)
    grid_x, grid_y = np.meshgrid(xs, ys)
    rows = np.clip((grid_y / height * flow.shape[0]).astype(int), 0, flow.shape[0] - 1)
    columns = np.clip((grid_x / width * flow.shape[1]).astype(int), 0, flow.shape[1] - 1)
    sampled = flow[rows, columns].astype(np.float32)
    table = np.concatenate([grid_x[..., None], grid_y[..., None], sampled], axis=-1).reshape(-1, 4)
    return np.asarray(table[np.hypot(table[:, 2], table[:, 3]) > 0.25], dtype=np.float32)
