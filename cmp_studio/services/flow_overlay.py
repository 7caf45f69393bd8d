"""The flow of a frame as colours or needles to draw over the picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.motion import peak_guidance
from cmp_studio.document.scene import Scene

MIN_SCALE_PX = 1.0
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
        (h, w, 4) uint8 RGBA, not premultiplied.
    """
    from cmp_engine.flow_viz import flow_to_color

    values = flow.astype(np.float32)
    rgba = np.empty((*flow.shape[:2], 4), dtype=np.uint8)
    rgba[..., :3] = flow_to_color(values, max_flow=scale)
    share = np.hypot(values[..., 0], values[..., 1]) / (scale * FULL_COLOR_SHARE)
    rgba[..., 3] = np.minimum(share, 1.0) * 255
    return rgba


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
