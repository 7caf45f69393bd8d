"""More motions for a puppet picture: one limb turns alone, and nothing else moves.

A picture does not depend on where its parts go next. So each scene can be asked again: a limb with
all that hangs on it turns about its joint by some angle, and the exact flow follows from the part
labels, with nothing to draw. It is what a person expects who pulls a limb with one arrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from cmp_engine.modeling.cmp import Guidance
from train.data.puppets import PuppetBatch

_LEAST_AREA: Final = 0.0008
"""Least share of the picture that a limb covers."""

_MARGIN_PX: Final = 2
_PULL: Final = (3.0, 45.0)
"""Shortest and longest arrow, px at a short side of 256."""

_MOST_ANGLE: Final = 1.1


@dataclass(frozen=True, slots=True)
class LimbTurns:
    """A turning limb for each scene of a batch.

    Attributes:
        flow: (B, 2, H, W) exact forward flow, px.
        guidance: One or two arrows on the limb, sometimes pins on what stands; the first entry is
            an arrow. Nothing valid where the scene has no limb.
        joints: (B, 2) px, about which the limb turns.
        has_limb: (B,) bool.
    """

    flow: Tensor
    guidance: Guidance
    joints: Tensor
    has_limb: Tensor


def turn_limbs(scenes: PuppetBatch, *, generator: torch.Generator, max_points: int) -> LimbTurns:
    """Return a limb that turns alone in each scene.

    A limb's chance grows with the root of its area, and arrows are drawn where it moves fast, at
    least 2 px inside.

    Args:
        scenes: The pictures; their own motion is not looked at.
        generator: On the CPU.
        max_points: Most points of a sample, at least 1.

    Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
    """
    labels = scenes.labels.cpu()
    batch, height, width = labels.shape
    flow = torch.zeros(batch, 2, height, width)
    points = torch.zeros(batch, max_points, 2)
    valid = torch.zeros(batch, max_points, dtype=torch.bool)
    is_arrow = torch.zeros(batch, max_points, dtype=torch.bool)
    joints = torch.zeros(batch, 2)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([x, y]).float()
    for index in range(batch):
        parents = scenes.parents[index].cpu()
        limb = _choose_limb(labels[index], parents, generator)
        if limb is None:
            continue
        part, mask = limb
        joint = scenes.joints[index, part].cpu().float()
        offset = places - joint[:, None, None]
        lever = offset.norm(dim=0)
        weight = (lever * _inner(mask)).flatten()
        if not float(weight.sum()) > 0:
            continue
        count = 2 if max_points > 1 and _chance(0.25, generator) else 1
        chosen = torch.multinomial(weight, count, replacement=True, generator=generator)
        angle = _angle(float(lever.flatten()[chosen[0]]), min(height, width), generator)
        turn = complex(torch.polar(torch.tensor(1.0), torch.tensor(angle)).item()) - 1
        flow[index, 0] = (turn.real * offset[0] - turn.imag * offset[1]) * mask
        flow[index, 1] = (turn.imag * offset[0] + turn.real * offset[1]) * mask
        pins = _draw_pins(labels[index], mask, int(parents[part]), generator)
        chosen = torch.cat([chosen, pins])[:max_points]
        number = len(chosen)
        points[index, :number] = torch.stack([chosen % width, chosen // width], -1).float()
        valid[index, :number] = True
        is_arrow[index, : min(count, number)] = True
        joints[index] = joint
    column, row = points.long().unbind(-1)
    vectors = flow[torch.arange(batch)[:, None], :, row, column] * is_arrow[..., None]
    device = scenes.labels.device
    return LimbTurns(
        flow.to(device),
        Guidance(points, vectors, valid).to(device),
        joints.to(device),
        valid.any(1).to(device),
    )


def _choose_limb(
    labels: Tensor, parents: Tensor, generator: torch.Generator
) -> tuple[int, Tensor] | None:
    """Return a part that hangs on another, and the pixels of it and of all that hangs on it."""
    count = len(parents)
    area = torch.bincount(labels.flatten(), minlength=count)[:count].float()
    carries = torch.eye(count, dtype=torch.bool)  # [p, q]: q is p or hangs on it
    above = parents.clone()
    while bool((above > 0).any()):
        has = torch.nonzero(above > 0).squeeze(1)
        carries[above[has], has] = True
        above = torch.where(above > 0, parents[above], 0)
    carried = carries.float() @ area
    hangs = (parents > 0) & (area[parents] > 0)
    weight = torch.where(hangs & (carried >= _LEAST_AREA * labels.numel()), carried.sqrt(), 0.0)
    weight[0] = 0
    if not float(weight.sum()) > 0:
        return None
    part = int(torch.multinomial(weight, 1, generator=generator))
    return part, carries[part][labels]


def _inner(mask: Tensor) -> Tensor:
    """Return the mask (H, W) without its outermost pixels, or all of it where that leaves none."""
    side = 2 * _MARGIN_PX + 1
    outside = (~mask).float()[None, None]
    inner = max_pool2d(outside, side, 1, _MARGIN_PX)[0, 0] == 0
    return inner if bool(inner.any()) else mask


def _angle(lever: float, short: int, generator: torch.Generator) -> float:
    """Return the angle of a turn that moves the end of a lever by a likely length, radians."""
    low, high = (value * short / 256 for value in _PULL)
    draw = float(torch.rand((), generator=generator))
    pull = low * (high / low) ** draw
    sine = min(pull / (2 * max(lever, 1.0)), 0.95)
    angle = min(2 * float(torch.asin(torch.tensor(sine))), _MOST_ANGLE)
    return angle if _chance(0.5, generator) else -angle


def _draw_pins(labels: Tensor, mask: Tensor, parent: int, generator: torch.Generator) -> Tensor:
    """Return pixels to pin, mostly none: on what carries the limb, or anywhere that stands."""
    if not _chance(0.35, generator):
        return torch.zeros(0, dtype=torch.int64)
    still = ~mask
    carrier = still & (labels == parent)
    pool = carrier if _chance(0.5, generator) and bool(carrier.any()) else still
    if not bool(pool.any()):
        return torch.zeros(0, dtype=torch.int64)
    count = 2 if _chance(0.3, generator) else 1
    return torch.multinomial(pool.flatten().float(), count, replacement=True, generator=generator)


def _chance(probability: float, generator: torch.Generator) -> bool:
    return bool(torch.rand((), generator=generator) < probability)
