"""Flow as colours: direction is hue, length is saturation (the Middlebury colour wheel).

Source: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011. The hues
run red, yellow, green, cyan, blue, magenta with 15, 6, 4, 11, 13 and 6 steps between them. Still
pixels are white; pixels longer than the scale are darkened instead of clipped in silence.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import FlowError

_SECTORS: Final = (
    # steps, the channel that changes, by how much
    (15, (255, 0, 0), (255, 255, 0)),  # red to yellow
    (6, (255, 255, 0), (0, 255, 0)),  # yellow to green
    (4, (0, 255, 0), (0, 255, 255)),  # green to cyan
    (11, (0, 255, 255), (0, 0, 255)),  # cyan to blue
    (13, (0, 0, 255), (255, 0, 255)),  # blue to magenta
    (6, (255, 0, 255), (255, 0, 0)),  # magenta to red
)

_BEYOND_SCALE: Final = 0.75
"""Brightness of pixels longer than the scale."""

_SMALLEST_SCALE: Final = 1e-3
"""Scale of a flow without motion, px; it only keeps zero from being divided by zero."""


def flow_to_color(flow: NDArray[np.float32], *, max_flow: float | None = None) -> NDArray[np.uint8]:
    """Return a flow as a colour picture.

    Args:
        flow: (H, W, 2) dx right, dy down, px. It is not changed. Values that are not finite
            numbers are painted black.
        max_flow: The length that gets the full colour, px; None takes the longest finite one.
            Longer pixels are shown darker.

    Returns:
        (H, W, 3) uint8 RGB. Zero flow is white.

    Raises:
        FlowError: Not a flow, or a scale that is not positive.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise FlowError("Expected a flow of shape (H, W, 2), got shape {shape}.", shape=flow.shape)
    scale = automatic_scale(flow) if max_flow is None else max_flow
    if not (scale > 0 and np.isfinite(scale)):
        raise FlowError(
            "The scale of the flow colours must be positive, got {scale} px.", scale=scale
        )
    color = np.empty((*flow.shape[:2], 3), np.uint8)
    rows = max(1, 2**20 // max(1, flow.shape[1]))
    for start in range(0, flow.shape[0], rows):  # in strips, which bounds the memory
        strip = flow[start : start + rows].astype(np.float32)
        is_known = np.isfinite(strip[..., 0]) & np.isfinite(strip[..., 1])
        strip[~is_known] = 0
        with np.errstate(over="ignore"):
            color[start : start + rows] = _paint(strip / np.float32(scale))
        color[start : start + rows][~is_known] = 0
    return color


def automatic_scale(flow: NDArray[np.float32]) -> float:
    """Return the length of the longest finite displacement, px, at least a thousandth.

    Args:
        flow: (H, W, 2), px.
    """
    longest = 0.0
    rows = max(1, 2**20 // max(1, flow.shape[1]))
    for start in range(0, flow.shape[0], rows):
        strip = flow[start : start + rows]
        with np.errstate(over="ignore"):
            length = np.hypot(strip[..., 0], strip[..., 1])
        longest = max(longest, float(np.max(length, where=np.isfinite(length), initial=0.0)))
    return max(longest, _SMALLEST_SCALE)


def color_wheel(size: int) -> NDArray[np.uint8]:
    """Return the legend: a disc whose rim has the colours of full-length flow.

    Args:
        size: Side of the picture, px; at least 1.

    Returns:
        (size, size, 4) uint8 RGBA; outside of the disc transparent, with a soft rim.

    Raises:
        FlowError: ``size`` is below 1.
    """
    if size < 1:
        raise FlowError("The colour wheel needs at least 1 px, got {size}.", size=size)
    radius = size / 2
    axis = (np.arange(size, dtype=np.float32) + 0.5 - radius) / radius
    unit = np.dstack(np.broadcast_arrays(axis[None, :], axis[:, None])).astype(np.float32)
    length = np.hypot(unit[..., 0], unit[..., 1])
    inside = np.asarray(unit / np.maximum(length, 1.0)[..., None], np.float32)
    coverage = np.clip((1 - length) * radius + 0.5, 0, 1)
    alpha = np.rint(coverage * 255).astype(np.uint8)
    return np.dstack([_paint(inside), alpha])


def draw_legend(
    color: NDArray[np.uint8], max_flow: float, *, size: int | None = None
) -> NDArray[np.uint8]:
    """Return a flow picture with the wheel and its scale in the lower right corner.

    Args:
        color: (H, W, 3) uint8 RGB, as `flow_to_color` returns it. It is not changed.
        max_flow: The length of the wheel's rim, px; `automatic_scale` for an automatic scale.
        size: Diameter of the wheel, px; default a sixth of the short side, 32 to 256.

    Returns:
        (H, W, 3) uint8 RGB. A picture too small for the legend comes back without it.
    """
    height, width = color.shape[:2]
    drawn = color.copy()
    diameter = size or int(np.clip(min(height, width) // 6, 32, 256))
    text = scale_text(max_flow)
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, diameter // 64)
    font_scale = diameter / 32 * 0.32
    (text_width, text_height), baseline = cv2.getTextSize(text, font, font_scale, thickness)
    gap = max(2, diameter // 10)
    box_width = max(diameter, text_width) + 2 * gap
    box_height = diameter + text_height + baseline + 3 * gap
    if box_width > width or box_height > height:
        return drawn
    left, top = width - box_width, height - box_height
    box = drawn[top:, left:]
    box[:] = np.rint(box * 0.25 + 32 * 0.75).astype(np.uint8)
    wheel = color_wheel(diameter)
    x = (box_width - diameter) // 2
    place = box[gap : gap + diameter, x : x + diameter]
    alpha = wheel[..., 3:].astype(np.float32) / 255
    place[:] = np.rint(wheel[..., :3] * alpha + place * (1 - alpha)).astype(np.uint8)
    origin = (left + (box_width - text_width) // 2, height - gap - baseline)
    cv2.putText(
        drawn, text, origin, font, font_scale, (255, 255, 255), thickness, lineType=cv2.LINE_AA
    )
    return drawn


def scale_text(max_flow: float) -> str:
    """Return the words for the wheel's rim: ``12.5 px``."""
    return f"{max_flow:.3g} px" if max_flow < 1000 else f"{max_flow:.0f} px"


def _wheel() -> NDArray[np.float32]:
    """Return the hues once around, (55, 3) float32 RGB in 0..1."""
    parts = []
    for steps, start, stop in _SECTORS:
        mix = (np.arange(steps, dtype=np.float32) / steps)[:, None]
        parts.append(np.floor(np.array(start) * (1 - mix) + np.array(stop) * mix))
    return np.asarray(np.concatenate(parts) / 255, np.float32)


_WHEEL: Final = _wheel()
_WHEEL_STEP: Final = np.roll(_WHEEL, -1, axis=0) - _WHEEL


def _paint(unit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the colours of flow in units of the scale; (H, W, 2) to (H, W, 3) uint8."""
    length = np.hypot(unit[..., 0], unit[..., 1])
    angle = np.arctan2(-unit[..., 1], -unit[..., 0])
    position = (angle + np.float32(np.pi)) * np.float32((len(_WHEEL) - 1) / (2 * np.pi))
    index = np.minimum(position.astype(np.int32), len(_WHEEL) - 1)
    position -= index
    # A tiny excess over 1 is rounding, not a pixel beyond the scale.
    is_beyond = length > 1 + 1e-6
    has_beyond = bool(is_beyond.any())
    color = np.empty((*length.shape, 3), np.uint8)
    for channel in range(3):  # one after the other: several times faster than all three at once
        hue = _WHEEL_STEP[index, channel]
        hue *= position
        hue += _WHEEL[index, channel]
        shade = 1 - length * (1 - hue)
        if has_beyond:
            shade[is_beyond] = hue[is_beyond] * np.float32(_BEYOND_SCALE)
        shade *= np.float32(255)
        shade += np.float32(1e-3)
        np.clip(shade, 0, 255, out=shade)
        color[..., channel] = shade  # towards zero
    return color
