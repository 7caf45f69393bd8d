"""What is in a synthetic puppet scene: poses before and after, shapes, colours, drawing order.

All of it is a few numbers per part, made on the CPU; `train.data.puppet_render` turns them into
pictures and flow.

A part's own coordinates are (s, v): s along its axis from the joint, v across. The axis may be
bent to a circular arc of curvature k, then turned, scaled and put in its place. That map can be
inverted exactly, so the flow and the next frame are exact, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

POSE: Final = ("x", "y", "cos", "sin", "curvature", "scale")
SHAPE: Final = (
    "length",
    "start_radius",
    "end_radius",
    "bulge",
    "box",
    "lobes",
    "ripple",
    "hollow",
)
STYLE: Final = (
    "red",
    "green",
    "blue",
    "red_2",
    "green_2",
    "blue_2",
    "texture",
    "texture_scale",
    "texture_s",
    "texture_v",
    "shade",
    "light",
    "outline",
)

FLAT: Final = 1e-6
"""Curvature of a straight part, 1/px: keeps one formula for all, with an error below 1e-3 px."""


@dataclass(frozen=True, slots=True)
class PuppetScenes:
    """A batch of scenes, B of them, each with P parts in drawing order (the last is nearest).

    Attributes:
        pose: (B, P, 6) place of each part in the first frame, columns `POSE`, px and radians.
        next_pose: The same in the second frame.
        shape: (B, P, 8), columns `SHAPE`, px; ``length`` < 0 marks an absent part.
        style: (B, P, 13), columns `STYLE`; colours 0..255.
        parents: (B, P) int64 part of which each part hangs, -1 for none.
        object_ids: (B, P) int64, from 1.
        camera: (B, 2, 3) affine from first-frame to second-frame px of everything that stands.
        background: (B,) int64 number of the background picture.
        background_map: (B, 2, 3) affine from px to the picture's normalised coordinates.
        light: (B, 3) lighting: gradient in x and y, and brightness.
        shadow: (B, 3) strength, and offset in x and y, px.
        lens: (B, 3) blur weight 0..1, noise (standard deviation, 0..255), JPEG step (0 for none).
    """

    pose: Tensor
    next_pose: Tensor
    shape: Tensor
    style: Tensor
    parents: Tensor
    object_ids: Tensor
    camera: Tensor
    background: Tensor
    background_map: Tensor
    light: Tensor
    shadow: Tensor
    lens: Tensor

    def to(self, device: torch.device) -> PuppetScenes:
        """Return the same scenes on ``device``."""
        return PuppetScenes(
            **{
                name: getattr(self, name).to(device, non_blocking=True)
                for name in self.__dataclass_fields__
            }
        )


def bend_forward(s: Tensor, v: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the part's point (s, v) lies once its axis is bent, before it is placed."""
    turn = curvature * s
    sine = torch.sin(turn)
    x = sine / curvature - v * sine
    half = torch.sin(0.5 * turn)
    y = 2 * half * half / curvature + v * torch.cos(turn)
    return x, y


def bend_inverse(x: Tensor, y: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """Return the part's point (s, v) that `bend_forward` puts at (x, y)."""
    across = 1 - curvature * y
    along = curvature * x
    radius = torch.sqrt(along * along + across * across)
    v = (2 * y - curvature * (x * x + y * y)) / (1 + radius)
    s = torch.atan2(along, across) / curvature
    return s, v
