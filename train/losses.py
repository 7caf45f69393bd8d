"""Training losses: the paper's eq. (1) for bins, and the default network's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from cmp_engine.flow_bins import FlowBins
from train.config import LossSettings


@dataclass(frozen=True, slots=True)
class Target:
    """What the network should have answered.

    Attributes:
        flow: (B, 2, H, W) true forward flow, px of the network grid.
        counted: (B, H, W) bool: the truth is known, and the guidance says enough about it.
        labels: (B, H, W) int part labels, or None where unknown.
    """

    flow: Tensor
    counted: Tensor
    labels: Tensor | None = None

    def at(self, height: int, width: int) -> Target:
        """Return the target on a coarser grid: the pixel in the middle of each cell, unmixed."""
        rows = self.flow.shape[-2] // height
        columns = self.flow.shape[-1] // width
        y, x = slice(rows // 2, None, rows), slice(columns // 2, None, columns)
        return Target(
            self.flow[..., y, x],
            self.counted[..., y, x],
            None if self.labels is None else self.labels[..., y, x],
        )


def bin_cross_entropy(logits: Tensor, target: Target, bins: FlowBins) -> Tensor:
    """Return L_x + L_y of eq. (1), averaged over counted pixels.

    Args:
        logits: (B, 2 * C, h, w), the x axis first.
        target: At any finer grid that is a multiple of (h, w).
        bins: The quantisation Q.

    Source: paper sec. 3.1, eq. (1): separate cross-entropies for x and y, same weight.
    """
    target = target.at(*logits.shape[-2:])
    batch, _, height, width = logits.shape
    scores = logits.view(batch, 2, bins.num_bins, height, width).transpose(1, 2)
    loss = F.cross_entropy(scores, bins.encode(target.flow), reduction="none").sum(1)
    return _mean_over(loss, target.counted)


def regression_loss(flow: Tensor, target: Target) -> Tensor:
    """Return the mean end-point error over counted pixels, px."""
    target = target.at(*flow.shape[-2:])
    return _mean_over(_end_point_error(flow, target.flow), target.counted)


@dataclass(frozen=True, slots=True)
class AttentionLoss:
    """The default network's loss, with its parts for the log (all scalars)."""

    total: Tensor
    moving: Tensor
    still: Tensor
    gate: Tensor
    shape: Tensor


def attention_loss(
    flow: Tensor, gate_logit: Tensor, target: Target, settings: LossSettings
) -> AttentionLoss:
    """Return the loss of the attention network.

    * End-point error, with equal weight for moving and for still pixels: whoever moves everything,
      or nothing, loses. It is divided by the square root of the image's motion, so that large
      motions don't drown small ones.
    * Cross-entropy of the gate, with equal weight for moving and still pixels.
    * Shape: differences of flow between neighbours of one part must be right. A part that slides
      where it should turn has the right mean and the wrong differences.

    Args:
        flow: (B, 2, h, w) px of the network grid.
        gate_logit: (B, 1, h, w).
        target: At a finer grid that is a multiple of (h, w).
        settings: Weights.

    Source: own choice; `train/README.md` has what it does to the validation error.
    """
    target = target.at(*flow.shape[-2:])
    speed = target.flow.norm(dim=1)
    is_moving = speed > settings.moving_px
    moving, still = target.counted & is_moving, target.counted & ~is_moving
    size = torch.where(target.counted, speed, speed.new_zeros(())).flatten(1).amax(1)
    ease = (1 + size / 8).rsqrt()[:, None, None]
    error = _end_point_error(flow, target.flow) * ease
    moving_loss, still_loss = _mean_over(error, moving), _mean_over(error, still)
    gate = F.binary_cross_entropy_with_logits(
        gate_logit.squeeze(1), is_moving.to(flow.dtype), reduction="none"
    )
    gate_loss = 0.5 * (_mean_over(gate, moving) + _mean_over(gate, still))
    shape_loss = _shape_loss(flow, target, moving, ease)
    total = (
        0.5 * (moving_loss + still_loss) + settings.gate * gate_loss + settings.shape * shape_loss
    )
    return AttentionLoss(total, moving_loss, still_loss, gate_loss, shape_loss)


def _shape_loss(flow: Tensor, target: Target, moving: Tensor, ease: Tensor) -> Tensor:
    losses = []
    for axis in (-1, -2):
        for step in (2, 6):
            if flow.shape[axis] <= step:
                continue
            near = (slice(None), slice(None, -step)) if axis == -1 else (slice(None, -step),)
            far = (slice(None), slice(step, None)) if axis == -1 else (slice(step, None),)
            pair = moving[(..., *near)] & moving[(..., *far)]
            if target.labels is not None:
                pair = pair & (target.labels[(..., *near)] == target.labels[(..., *far)])
            change = flow[(..., *far)] - flow[(..., *near)]
            truth = target.flow[(..., *far)] - target.flow[(..., *near)]
            if target.labels is None:
                # Without labels, a jump of the flow is taken for the border of a part.
                pair = pair & (truth.norm(dim=1) < 0.5 * step)
            losses.append(_mean_over(_end_point_error(change, truth) * ease, pair))
    return torch.stack(losses).mean() if losses else flow.new_zeros(())


def _end_point_error(flow: Tensor, truth: Tensor) -> Tensor:
    return ((flow - truth).square().sum(1) + 1e-4).sqrt() - 1e-2


def _mean_over(values: Tensor, mask: Tensor) -> Tensor:
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
