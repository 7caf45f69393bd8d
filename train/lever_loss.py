"""What each arrow of a puppet scene turns its part about, and the loss of the answer.

The motion of a rigid part between two frames is ``p -> A p + t`` with A a rotation (and a scale),
written as a complex number. An arrow v at a then belongs to ``kappa = (A - 1) / v``, and the place
that stays, ``a - 1 / kappa``, is the joint, be it one of the puppet's or where a chain of them has
its common centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from cmp_engine.modeling.cmp import Guidance
from cmp_engine.modeling.lever import Levers
from train.data.puppets import PuppetBatch
from train.losses import Target

UNKNOWN: Final = 0
JOINT: Final = 1
SHIFT: Final = 2

_STRIDE: Final = 8
_FAR: Final = 2.0
"""A joint farther away than so many image sides is none: the part shifts."""

_INEXACT_PX: Final = 3.0
"""By so much may the joint be off that an arrow and its part's motion tell."""

_NEAR: Final = 0.02
"""A centre is a joint's if it is closer than this share of the image's side."""

_SHORT_PX: Final = 0.7
"""Of a shorter arrow nobody could tell the joint."""


@dataclass(frozen=True, slots=True)
class LeverTarget:
    """The truth about the levers of B sets of N arrows.

    Attributes:
        joints: (B, N, 2) px; meaningless where there is none.
        kinds: (B, N) int64: `UNKNOWN`, `JOINT` (in the picture) or `SHIFT`.
    """

    joints: Tensor
    kinds: Tensor


def no_lever_target(guidance: Guidance) -> LeverTarget:
    """Return that nothing is known."""
    return LeverTarget(
        torch.zeros_like(guidance.points),
        torch.zeros_like(guidance.valid, dtype=torch.int64),
    )


def lever_target(scenes: PuppetBatch, guidance: Guidance) -> LeverTarget:
    """Return the truth for arrows on puppets.

    Unknown are arrows that their part's motion does not explain, as on a part that bends, and those
    whose centre is no joint of the limb: where two joints turn at once, or a body about its foot,
    nothing in the picture shows the centre.

    Args:
        scenes: Puppets.
        guidance: Of the same scenes, px.
    """
    labels, part_motion = scenes.labels, scenes.part_motion
    batch, height, width = labels.shape
    column, row = guidance.points.long().unbind(-1)
    image = torch.arange(batch, device=labels.device)[:, None]
    part = labels[image, row, column]
    motion = part_motion[image, part]  # (B, N, 2, 3)
    point, vector = guidance.points, guidance.vectors
    explained = torch.einsum("bnij,bnj->bni", motion[..., :2], point) + motion[..., 2] - point
    length = vector.norm(dim=-1)
    change = torch.stack([motion[..., 0, 0] - 1, motion[..., 1, 0]], dim=-1)
    # An arrow that is off by so much puts the joint off by `_INEXACT_PX`.
    is_known = (explained - vector).norm(dim=-1) <= _INEXACT_PX * change.norm(dim=-1) + 0.05
    is_known &= guidance.valid & (length > _SHORT_PX)
    # 1 / kappa = v / (A - 1).
    squared = change.square().sum(-1, keepdim=True).clamp_min(1e-12)
    x = vector[..., 0] * change[..., 0] + vector[..., 1] * change[..., 1]
    y = vector[..., 1] * change[..., 0] - vector[..., 0] * change[..., 1]
    joints = point - torch.stack([x, y], dim=-1) / squared
    lever = length / change.norm(dim=-1).clamp_min(1e-6)
    inside = (joints >= 0).all(-1) & (joints[..., 0] < width) & (joints[..., 1] < height)
    inside &= _is_a_joint(joints, part, scenes, _NEAR * min(height, width))
    kinds = torch.where(inside, JOINT, UNKNOWN)
    kinds = torch.where(lever > _FAR * max(height, width), SHIFT, kinds)
    return LeverTarget(joints, torch.where(is_known, kinds, UNKNOWN))


def _is_a_joint(place: Tensor, part: Tensor, scenes: PuppetBatch, near: float) -> Tensor:
    """Return whether a place (B, N, 2) is a joint of the part (B, N), or of what carries it."""
    image = torch.arange(len(part), device=part.device)[:, None]
    found = torch.zeros_like(part, dtype=torch.bool)
    for _ in range(scenes.parents.shape[1]):
        above = scenes.parents[image, part]
        is_near = (scenes.joints[image, part] - place).norm(dim=-1) < near
        found |= is_near & (above > 0)
        part = above
        if not bool((part > 0).any()):
            break
    return found


def lever_target_about(joints: Tensor, guidance: Guidance, size_hw: tuple[int, ...]) -> LeverTarget:
    """Return the truth where all arrows of a scene turn about one place (B, 2), px."""
    height, width = size_hw
    inside = (joints >= 0).all(-1) & (joints[:, 0] < width) & (joints[:, 1] < height)
    tells = guidance.valid & (guidance.vectors.norm(dim=-1) > _SHORT_PX) & inside[:, None]
    kinds = torch.where(tells, JOINT, UNKNOWN)
    return LeverTarget(joints[:, None].expand_as(guidance.points), kinds)


def join_lever_targets(targets: list[LeverTarget], count: int) -> LeverTarget:
    """Return the targets one after the other, each padded to ``count`` arrows."""

    def padded(target: LeverTarget) -> LeverTarget:
        missing = count - target.kinds.shape[1]
        return LeverTarget(
            F.pad(target.joints, (0, 0, 0, missing)), F.pad(target.kinds, (0, missing))
        )

    wide = [padded(target) for target in targets]
    return LeverTarget(
        torch.cat([target.joints for target in wide]), torch.cat([target.kinds for target in wide])
    )


def joint_loss(levers: Levers, truth: LeverTarget, grid_hw: tuple[int, int]) -> Tensor:
    """Return the cross-entropy of the joint, the mean over arrows about which it is known.

    The true joint lies between four cells, which share its probability.

    Args:
        levers: The answer.
        truth: About the same arrows.
        grid_hw: Height and width of the cells that ``levers`` is on.

    Source: own choice; `train/README.md` has what it does.
    """
    log_joint = levers.log_joint.float()
    height, width = grid_hw
    place = (truth.joints - (_STRIDE - 1) / 2) / _STRIDE
    place = place.clamp_min(0)
    x = place[..., 0].clamp(max=width - 1)
    y = place[..., 1].clamp(max=height - 1)
    x0, y0 = x.floor().clamp(max=max(width - 2, 0)), y.floor().clamp(max=max(height - 2, 0))
    fx, fy = x - x0, y - y0
    entropy = torch.zeros_like(fx)
    for dy in (0, 1):
        for dx in (0, 1):
            share = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
            cell = ((y0 + dy).clamp(max=height - 1) * width + (x0 + dx).clamp(max=width - 1)).long()
            found = log_joint.gather(-1, cell.unsqueeze(-1)).squeeze(-1)
            # Cells too close to the arrow to be a joint have no probability at all.
            entropy = entropy - share * found.clamp_min(-12)
    shifts = -log_joint[..., -1].clamp_min(-12)
    loss = torch.where(truth.kinds == JOINT, entropy, shifts)
    known = (truth.kinds != UNKNOWN).to(loss.dtype)
    mean: Tensor = (loss * known).sum() / known.sum().clamp_min(1)
    return mean


def motion_error(
    levers: Levers, guidance: Guidance, target: Target, grid_hw: tuple[int, int]
) -> Tensor:
    """Return the error of the turning motion over the arrow's own part, as a share of its length.

    Clipped at 2 for each pixel. It has no gradient and is for the log: a joint that is wrong but
    turns the part rightly costs little here. Zero without labels.

    Args:
        levers: The answer.
        guidance: What it was asked, px of the target's grid.
        target: Truth at stride 1.
        grid_hw: Height and width of the cells that ``levers`` is on.
    """
    if target.labels is None:
        return levers.zeta.new_zeros(())
    coarse = target.at(*grid_hw)
    labels, flow = coarse.labels, coarse.flow.flatten(2).transpose(1, 2)  # (B, P, 2)
    if labels is None:
        return levers.zeta.new_zeros(())
    column, row = guidance.points.long().unbind(-1)
    image = torch.arange(len(column), device=column.device)[:, None]
    own = target.labels[image, row, column]  # (B, N)
    length = guidance.vectors.norm(dim=-1)
    counts = (labels.flatten(1)[:, None] == own.unsqueeze(-1)) & (own >= 0).unsqueeze(-1)
    counts &= (guidance.valid & (length > _SHORT_PX)).unsqueeze(-1)
    zeta, arrows = levers.zeta.float(), guidance.vectors.unsqueeze(2)
    answer = torch.stack(
        [
            arrows[..., 0] * zeta[..., 0] - arrows[..., 1] * zeta[..., 1],
            arrows[..., 0] * zeta[..., 1] + arrows[..., 1] * zeta[..., 0],
        ],
        dim=-1,
    )
    error = ((answer - flow[:, None]).square().sum(-1) + 1e-4).sqrt() - 1e-2
    error = (error / (1 + flow.norm(dim=-1)[:, None])).clamp(max=2)
    weight = counts.to(error.dtype)
    per_arrow = (error * weight).sum(-1) / weight.sum(-1).clamp_min(1)
    has_any = (weight.sum(-1) > 0).to(error.dtype)
    mean: Tensor = (per_arrow * has_any).sum() / has_any.sum().clamp_min(1)
    return mean
