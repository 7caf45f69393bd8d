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
        labels: (B, H, W) int part labels, or None where unknown; negative where unknown.
        object_ids: (B, H, W) int object labels, likewise.
    """

    flow: Tensor
    counted: Tensor
    labels: Tensor | None = None
    object_ids: Tensor | None = None

    def first(self, count: int) -> Target:
        """Return the target of the first ``count`` images."""
        return Target(
            self.flow[:count],
            self.counted[:count],
            None if self.labels is None else self.labels[:count],
            None if self.object_ids is None else self.object_ids[:count],
        )

    def take(self, images: Tensor) -> Target:
        """Return the target of some images (M,), in that order."""
        return Target(
            self.flow[images],
            self.counted[images],
            None if self.labels is None else self.labels[images],
            None if self.object_ids is None else self.object_ids[images],
        )

    def at(self, height: int, width: int) -> Target:
        """Return the target on a coarser grid: the pixel in the middle of each cell, unmixed."""
        rows = self.flow.shape[-2] // height
        columns = self.flow.shape[-1] // width
        y, x = slice(rows // 2, None, rows), slice(columns // 2, None, columns)
        return Target(
            self.flow[..., y, x],
            self.counted[..., y, x],
            None if self.labels is None else self.labels[..., y, x],
            None if self.object_ids is None else self.object_ids[..., y, x],
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
      motions don't drown small ones. Each image has equal weight: a limb that moves alone counts as
      much as a whole body.
    * End-point error as a part of the motion, on moving pixels: right about the joint too.
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
    moving_loss, still_loss = _mean_of_images(error, moving), _mean_of_images(error, still)
    relative = _end_point_error(flow, target.flow) / (1 + speed)
    relative_loss = _mean_of_images(relative.clamp(max=2), moving)
    gate = F.binary_cross_entropy_with_logits(
        gate_logit.squeeze(1), is_moving.to(flow.dtype), reduction="none"
    )
    gate_loss = 0.5 * (_mean_of_images(gate, moving) + _mean_of_images(gate, still))
    shape_loss = _shape_loss(flow, target, moving, ease)
    total = (
        0.5 * (moving_loss + still_loss)
        + settings.relative * relative_loss
        + settings.gate * gate_loss
        + settings.shape * shape_loss
    )
    return AttentionLoss(total, moving_loss, still_loss, gate_loss, shape_loss)


def draw_anchors(target: Target, count: int, generator: torch.Generator) -> Tensor:
    """Return random points of each image, mostly on objects.

    Args:
        target: With ``object_ids``, on the network grid.
        count: Points an image.
        generator: On the CPU.

    Returns:
        (B, count, 2) float32 x, y px.
    """
    if target.object_ids is None:
        raise ValueError("anchors need object_ids")
    batch, _, width = target.object_ids.shape
    weight = (target.object_ids > 0).cpu().float().flatten(1) + 0.15
    index = torch.multinomial(weight, count, replacement=True, generator=generator)
    points = torch.stack([index % width, index // width], dim=-1)
    return points.to(device=target.flow.device, dtype=torch.float32).view(batch, count, 2)


def affinity_loss(logits: Tensor, points: Tensor, target: Target) -> Tensor:
    """Return the cross-entropy of "same object" and "same part", balanced for each anchor.

    Args:
        logits: (B, N, 2, h, w).
        points: (B, N, 2) the anchors, px of the target's grid.
        target: At a finer grid that is a multiple of (h, w); images with negative labels are
            left out.

    Source: own choice; `train/README.md` has what it does to the validation error.
    """
    if target.object_ids is None or target.labels is None:
        return logits.new_zeros(())
    coarse = target.at(*logits.shape[-2:])
    column, row = points.long().unbind(-1)
    image = torch.arange(len(points), device=points.device)[:, None]
    losses = []
    for kind, (fine, small) in enumerate(
        ((target.object_ids, coarse.object_ids), (target.labels, coarse.labels))
    ):
        anchor = fine[image, row, column]
        same = small[:, None] == anchor[:, :, None, None] if small is not None else None
        if same is None:
            continue
        known = (anchor >= 0).to(logits.dtype)
        error = F.binary_cross_entropy_with_logits(
            logits[:, :, kind], same.to(logits.dtype), reduction="none"
        )
        inside, outside = same.to(logits.dtype), (~same).to(logits.dtype)
        balanced = 0.5 * (
            (error * inside).sum((-1, -2)) / inside.sum((-1, -2)).clamp(min=1)
            + (error * outside).sum((-1, -2)) / outside.sum((-1, -2)).clamp(min=1)
        )
        losses.append((balanced * known).sum() / known.sum().clamp(min=1))
    return torch.stack(losses).mean()


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
            # A jump of the flow is the border of a part, whether it has labels or not.
            pair = pair & (truth.norm(dim=1) < 2.0 * step)
            losses.append(_mean_over(_end_point_error(change, truth) * ease, pair))
    return torch.stack(losses).mean() if losses else flow.new_zeros(())


def _end_point_error(flow: Tensor, truth: Tensor) -> Tensor:
    return ((flow - truth).square().sum(1) + 1e-4).sqrt() - 1e-2


def _mean_over(values: Tensor, mask: Tensor) -> Tensor:
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def _mean_of_images(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over each image's pixels in the mask, then over the images that have any."""
    weight = mask.to(values.dtype)
    counts = weight.flatten(1).sum(1)
    means = (values * weight).flatten(1).sum(1) / counts.clamp(min=1.0)
    has_any = (counts > 0).to(values.dtype)
    return (means * has_any).sum() / has_any.sum().clamp(min=1.0)
