"""The loss of the limb head: joints and outlines of puppets, whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from cmp_engine.modeling.attention import MotionAnswer
from cmp_engine.modeling.lever import PLACES, inverse, is_possible, place_of
from cmp_engine.modeling.limb_head import LimbHead
from cmp_engine.modeling.limbs import FlowWithLimbs, Limbs
from train.data.limb_turns import LimbPulls
from train.losses import Target

_OFF_LINE: Final = 0.2
"""A joint farther from the bisector, in levers, is left out: the arrow does not fit the turn."""

_KNOWN_TURNS: Final = 0.5
_JITTER: Final = 0.15
_WITHIN: Final = 0.25
_SURE: Final = 30.0
_MOVING_PX: Final = 0.5


@dataclass(frozen=True, slots=True)
class LimbLoss:
    """The loss, with its parts for the log (all scalars).

    Attributes:
        total: Sum of the two.
        joint: Cross-entropy of the place of the joint, or of none.
        outline: Of the limb's pixels.
        near: Share of turning arrows whose turn is within a quarter of the true one.
    """

    total: Tensor
    joint: Tensor
    outline: Tensor
    near: Tensor


def limb_loss(
    head: LimbHead,
    prepared: tuple[Tensor, ...],
    motion: tuple[Tensor, ...],
    affinity: Tensor,
    pulls: LimbPulls,
    generator: torch.Generator,
) -> LimbLoss:
    """Return the loss of pulls with one arrow each.

    Half of the outlines are drawn for the true turn, a little off, the others for the found one.

    Args:
        head: In training.
        prepared: Of the pulls' images, M of them.
        motion: The encoded guidance of the pulls.
        affinity: (M, N, 2, H / 4, W / 4) of the decoder, at the pulls' points.
        pulls: The truth.
        generator: On the CPU.

    Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
    """
    _, _, valid, pins, _, _ = motion
    limbs, looked = head.look(prepared, motion, affinity, (valid - pins) > 0)
    number, off_line = place_of(pulls.joints, limbs.points, limbs.vectors)
    size_hw = (pulls.masks.shape[-2], pulls.masks.shape[-1])
    possible = is_possible(pulls.joints[:, None], limbs.points, limbs.vectors, size_hw)[:, 0]
    known = ~pulls.turns | (possible & (off_line < _OFF_LINE))
    joint = _joint_entropy(limbs.log_joint, number, pulls.turns)
    joint = (joint * known).sum() / known.sum().clamp_min(1)
    turn = inverse(limbs.points - pulls.joints) * pulls.turns[:, None]
    draws = torch.rand(len(turn), generator=generator).to(turn.device)
    noise = torch.randn(len(turn), 1, generator=generator).to(turn.device)
    given = torch.where(
        (draws < _KNOWN_TURNS)[:, None], turn * torch.exp(_JITTER * noise), limbs.kappa
    )
    drawn = head.draw(replace(limbs, kappa=given), looked)
    outline = outline_loss(drawn.outline.float(), pulls.masks)
    lever = (limbs.points - pulls.joints).norm(dim=-1)
    apart = (limbs.kappa - turn).norm(dim=-1) * lever
    near = ((apart < _WITHIN) & pulls.turns).sum() / pulls.turns.sum().clamp_min(1)
    return LimbLoss(joint + outline, joint, outline, near)


def trust_loss(answer: MotionAnswer, limbs: Limbs, target: Target) -> Tensor:
    """Return the cross-entropy of "this limb makes the answer better", weighted by how much.

    Each arrow's limb is put into the flow alone, and its error compared with that of the flow
    without any limb.

    Args:
        answer: By attention alone, of B sets.
        limbs: Of the same sets; only ``trust`` gets a gradient.
        target: Of the same sets.
    """
    count = len(limbs.sets)
    if not count:
        return limbs.trust.sum()
    with torch.no_grad():
        rows = torch.arange(count, device=limbs.sets.device)
        alone = replace(limbs, sets=rows, trust=torch.full_like(limbs.trust, _SURE))
        whole = answer.flow[limbs.sets]
        flows = FlowWithLimbs.of(whole, answer.share[limbs.sets], alone).merged()
        of_sets = target.take(limbs.sets)
        before = F.interpolate(whole, flows.shape[-2:], mode="bilinear")
        gain = _error_of(before, of_sets) - _error_of(flows, of_sets)
    entropy = F.binary_cross_entropy_with_logits(
        limbs.trust, (gain > 0).to(limbs.trust.dtype), weight=gain.abs(), reduction="sum"
    )
    return entropy / gain.abs().sum().clamp_min(1e-6)


def _error_of(flow: Tensor, target: Target) -> Tensor:
    """Return the error (B,) of each flow: moving and still pixels alike, far motions eased."""
    target = target.at(*flow.shape[-2:])
    speed = target.flow.norm(dim=1)
    error = (flow - target.flow).norm(dim=1)
    parts = []
    for mask in (speed > _MOVING_PX, speed <= _MOVING_PX):
        weight = (mask & target.counted).to(flow.dtype)
        area = weight.sum((-1, -2)).clamp_min(1)
        parts.append((error * weight).sum((-1, -2)) / area)
    largest = torch.where(target.counted, speed, speed.new_zeros(())).amax((-1, -2))
    eased: Tensor = 0.5 * (parts[0] + parts[1]) * (1 + largest / 8).rsqrt()
    return eased


def outline_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Return the cross-entropy of a limb's pixels, relative to its area, and its Dice loss.

    Args:
        logits: (M, h, w).
        masks: (M, H, W) bool, at a finer grid that is a multiple of (h, w).
    """
    rows = masks.shape[1] // logits.shape[1]
    columns = masks.shape[2] // logits.shape[2]
    truth = masks[:, rows // 2 :: rows, columns // 2 :: columns].to(logits.dtype)
    error = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum((-1, -2))
    inside = torch.sigmoid(logits)
    area = truth.sum((-1, -2))
    dice = 1 - (2 * (inside * truth).sum((-1, -2)) + 1) / (inside.sum((-1, -2)) + area + 1)
    mean: Tensor = (error / (2 * area + 16) + dice).mean()
    return mean


def _joint_entropy(log_joint: Tensor, number: Tensor, turns: Tensor) -> Tensor:
    """Return the cross-entropy (M,); a joint between two places is shared by them."""
    low = number.floor().clamp(0, PLACES - 2)
    share = (number - low).clamp(0, 1)
    index = low.long().unsqueeze(-1)
    # A place that cannot be one has no probability at all.
    first = log_joint.gather(-1, index)[:, 0].clamp_min(-12)
    second = log_joint.gather(-1, index + 1)[:, 0].clamp_min(-12)
    turned = -((1 - share) * first + share * second)
    return torch.where(turns, turned, -log_joint[:, -1].clamp_min(-12))
