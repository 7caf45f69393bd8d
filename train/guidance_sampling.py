"""Choosing sparse guidance on a known flow: as artists draw it, and as the paper samples it.

All samplers work on batches of tensors on any device. Random numbers come from a generator, of
the CPU or of the tensors' device; with one of the CPU the choice is the same on every device.

Flow is forward, (B, 2, H, W), px of its own grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from cmp_engine.modeling.cmp import Guidance
from train.watershed import grid_points, watershed_peaks

Sampler: TypeAlias = Literal["artist", "watershed", "uniform", "random", "grid", "none"]

MOVING_PX: Final = 1.0
"""A pixel moves when its flow is longer than this, px."""

_STILL_PX: Final = 0.5
_MARGIN_PX: Final = 2
_COUNT_SHARES: Final = (0.42, 0.2, 0.14, 0.08, 0.06, 0.1)  # 1, 2, 3, 4, 5 arrows, or up to the most
_FLOOD_STRIDE: Final = 4


@dataclass(frozen=True, slots=True)
class SampledGuidance:
    """Sampled guidance and what it can't explain.

    Attributes:
        guidance: The arrows and pins.
        unguided: (B, H, W) bool, moving pixels that hang together with no arrow: nobody could
            know their motion, so a loss should leave them out.
    """

    guidance: Guidance
    unguided: Tensor


def sample_guidance(
    sampler: Sampler,
    flow: Tensor,
    valid: Tensor,
    labels: Tensor | None = None,
    *,
    generator: torch.Generator,
    kernel: int = 81,
    grid_stride: int = 200,
    max_points: int = 10,
    watershed_share: float = 0.0,
    object_ids: Tensor | None = None,
) -> SampledGuidance:
    """Return guidance drawn by one of the samplers.

    Args:
        sampler: Which one.
        flow: (B, 2, H, W) forward flow, px.
        valid: (B, H, W) bool, where the flow can be trusted; only the artist minds.
        labels: (B, H, W) int part numbers, if known; only the artist minds.
        generator: Source of all random numbers.
        kernel: K of the watershed, px at the size of the flow; even values become odd.
        grid_stride: G, px.
        max_points: Most points of the artist, all of the uniform, and the mean of the random one.
        watershed_share: Share of samples for which the artist hands over to the watershed.
        object_ids: (B, H, W) int, if known. Motion does not hang together across objects.
    """
    if sampler == "watershed":
        return sample_watershed(flow, kernel=kernel, grid_stride=grid_stride, valid=valid)
    if sampler == "grid":
        return sample_grid(flow, grid_stride=grid_stride)
    if sampler == "uniform":
        return sample_uniform(flow, generator=generator, count=max_points)
    if sampler == "random":
        return sample_random(flow, generator=generator, mean_count=max_points)
    if sampler == "none":
        return _at_points(flow, flow.new_zeros(len(flow), 0, 2), valid.new_zeros(len(flow), 0))
    sampled = sample_artist(
        flow, valid, labels, generator=generator, max_points=max_points, object_ids=object_ids
    )
    draws = torch.rand(len(flow), generator=generator, device=generator.device)
    rows = torch.nonzero(draws < watershed_share)[:, 0].to(flow.device)
    if not len(rows):
        return sampled
    paper = sample_watershed(flow[rows], kernel=kernel, grid_stride=grid_stride, valid=valid[rows])
    return _replaced(sampled, rows, paper)


def sample_watershed(
    flow: Tensor, *, kernel: int = 81, grid_stride: int = 200, valid: Tensor | None = None
) -> SampledGuidance:
    """Return guidance at the paper's points: watershed peaks, then grid points.

    Args:
        flow: (B, 2, H, W) forward flow, px.
        kernel: K, px; even values become odd.
        grid_stride: G, px.
        valid: (B, H, W) bool; points elsewhere are left out. None keeps all.

    Source: paper sec. 3.2.
    """
    height, width = flow.shape[-2:]
    peaks = watershed_peaks(flow, kernel | 1)
    sample, row, column = torch.nonzero(peaks, as_tuple=True)
    counts = peaks.flatten(1).sum(1)
    most = int(counts.max())
    first = counts.cumsum(0) - counts
    place = torch.arange(len(sample), device=flow.device) - first[sample]
    points = torch.zeros(len(flow), most, 2, device=flow.device)
    points[sample, place] = torch.stack([column, row], -1).float()
    is_real = torch.arange(most, device=flow.device) < counts[:, None]
    grid = grid_points(height, width, grid_stride).to(flow.device).float()
    grid = grid.expand(len(flow), -1, -1)
    points = torch.cat([points, grid], 1)
    is_real = torch.cat([is_real, is_real.new_ones(grid.shape[:2])], 1)
    if valid is not None:
        index = points[..., 1].long() * width + points[..., 0].long()
        is_real = is_real & valid.flatten(1).gather(1, index)
    return _at_points(flow, points, is_real)


def sample_grid(flow: Tensor, *, grid_stride: int = 200) -> SampledGuidance:
    """Return guidance on a grid of ``grid_stride`` px."""
    height, width = flow.shape[-2:]
    grid = grid_points(height, width, grid_stride).to(flow.device).float()
    points = grid.expand(len(flow), -1, -1)
    return _at_points(flow, points, torch.ones_like(points[..., 0], dtype=torch.bool))


def sample_uniform(flow: Tensor, *, generator: torch.Generator, count: int = 10) -> SampledGuidance:
    """Return guidance at ``count`` random pixels, each as likely as any other."""
    height, width = flow.shape[-2:]
    draws = torch.rand(len(flow), count, 2, generator=generator, device=generator.device)
    points = torch.floor(draws.to(flow.device) * torch.tensor([width, height], device=flow.device))
    return _at_points(flow, points, torch.ones_like(points[..., 0], dtype=torch.bool))


def sample_random(
    flow: Tensor, *, generator: torch.Generator, mean_count: int = 10
) -> SampledGuidance:
    """Return guidance at random pixels, each as likely as any other, and a random number of them.

    The number is 1 to ``2 * mean_count - 1``, each as likely as any other.
    """
    most = 2 * mean_count - 1
    guidance = sample_uniform(flow, generator=generator, count=most).guidance
    counts = torch.randint(
        1, most + 1, (len(flow), 1), generator=generator, device=generator.device
    )
    is_real = torch.arange(most, device=flow.device) < counts.to(flow.device)
    return _at_points(flow, guidance.points, is_real)


def _at_points(flow: Tensor, points: Tensor, is_real: Tensor) -> SampledGuidance:
    """Return guidance with the flow at given points; nothing counts as unguided."""
    vectors = flow_at(flow, points) * is_real[..., None]
    guidance = Guidance(points * is_real[..., None], vectors, is_real)
    return SampledGuidance(guidance, torch.zeros_like(flow[:, 0], dtype=torch.bool))


def _replaced(sampled: SampledGuidance, rows: Tensor, other: SampledGuidance) -> SampledGuidance:
    """Return ``sampled`` with some of its rows taken from another sample."""
    most = max(sampled.guidance.valid.shape[1], other.guidance.valid.shape[1])
    base, new = _padded(sampled.guidance, most), _padded(other.guidance, most)
    unguided = sampled.unguided.clone()
    unguided[rows] = other.unguided
    for target, source in (
        (base.points, new.points),
        (base.vectors, new.vectors),
        (base.valid, new.valid),
    ):
        target[rows] = source
    return SampledGuidance(base, unguided)


def _padded(guidance: Guidance, count: int) -> Guidance:
    """Return a copy of the guidance with room for ``count`` points."""
    batch, have = guidance.valid.shape
    points = guidance.points.new_zeros(batch, count, 2)
    vectors = guidance.vectors.new_zeros(batch, count, 2)
    valid = guidance.valid.new_zeros(batch, count)
    points[:, :have], vectors[:, :have] = guidance.points, guidance.vectors
    valid[:, :have] = guidance.valid
    return Guidance(points, vectors, valid)


def sample_artist(
    flow: Tensor,
    valid: Tensor,
    labels: Tensor | None = None,
    *,
    generator: torch.Generator,
    max_points: int = 10,
    object_ids: Tensor | None = None,
) -> SampledGuidance:
    """Return few arrows on what moves, and in half of the samples pins on what stands still.

    Mostly one to three arrows. A pixel's chance grows with the length of its flow; points keep
    2 px away from motion edges. Half of the pins stand close to what moves, where they tell most.

    Args:
        flow: (B, 2, H, W) forward flow, px.
        valid: (B, H, W) bool, where the flow can be trusted.
        labels: (B, H, W) int part numbers, if known. Then edges are those between parts that move
            apart, and small parts get their share of arrows.
        generator: Source of all random numbers.
        max_points: Most points of a sample, arrows and pins together; at least 1.
        object_ids: (B, H, W) int, if known. Motion does not hang together across objects.

    Source: own choice: people draw 1 to 5 arrows, the paper's rule gives 13 points.
    """
    length = _length(flow)
    batch = len(flow)
    inner = valid & ~_dilate(motion_edges(flow, labels), _MARGIN_PX)
    moving = length > MOVING_PX
    weight = length.clamp(max=32.0) * moving
    if labels is not None:
        area = _area_of(labels)
        weight = weight / area.clamp_min(16.0).sqrt()
    arrow_weight = _first_usable(weight * inner, weight * valid)
    still = valid & (length < _STILL_PX)
    near = interpolate(
        _dilate(_shrunk(moving), 2)[:, None].float(), size=flow.shape[-2:], mode="nearest"
    )[:, 0]
    pin_weight = _first_usable(still * inner * 1.0, still * 1.0)
    near_weight = _first_usable(pin_weight * near, pin_weight)

    counts = _arrow_counts(batch, max_points, generator)
    has_pins = torch.rand(batch, generator=generator, device=generator.device) < 0.5
    pins = torch.randint(1, 4, (batch,), generator=generator, device=generator.device)
    pins = torch.minimum(torch.where(has_pins, pins, 0), max_points - counts)
    arrow_points, arrow_found = _draw(arrow_weight, max_points, generator)
    far_points, pin_found = _draw(pin_weight, max_points, generator)
    near_points, _ = _draw(near_weight, max_points, generator)
    is_near = torch.rand(batch, max_points, 1, generator=generator, device=generator.device) < 0.6
    pin_points = torch.where(is_near.to(flow.device), near_points, far_points)

    index = torch.arange(max_points, device=flow.device)
    counts, pins = counts.to(flow.device), pins.to(flow.device)
    arrows = torch.where(arrow_found, counts, 0)[:, None]
    # With nothing that moves, pins alone.
    pins = torch.where(arrow_found, pins, counts)
    ends = arrows + torch.where(pin_found, pins, 0)[:, None]
    is_arrow = index < arrows
    is_pin = ~is_arrow & (index < ends)
    points = torch.where(is_arrow[..., None], arrow_points, pin_points)
    vectors = flow_at(flow, points) * is_arrow[..., None]
    guidance = Guidance(points.float(), vectors, is_arrow | is_pin)
    return SampledGuidance(guidance, unguided_motion(flow, guidance, object_ids))


def flow_at(flow: Tensor, points: Tensor) -> Tensor:
    """Return the flow (B, N, 2) at whole-pixel points (B, N, 2), x and y."""
    width = flow.shape[-1]
    index = points[..., 1].long() * width + points[..., 0].long()
    return flow.flatten(2).gather(2, index[:, None].expand(-1, 2, -1)).transpose(1, 2)


def motion_edges(flow: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return where neighbouring pixels move apart (B, H, W) bool, on both sides of the edge.

    Without part numbers: a step of more than 1 px and a tenth of the image's longest flow. With
    them: a step of more than 0.5 px between two parts.
    """
    length = _length(flow)
    limit = (0.1 * length.flatten(1).amax(1)).clamp(1.0, 3.0)[:, None, None]
    edge = torch.zeros_like(length, dtype=torch.bool)
    for axis in (-1, -2):
        size = flow.shape[axis]
        first, second = flow.narrow(axis, 0, size - 1), flow.narrow(axis, 1, size - 1)
        step = _length(second - first)
        if labels is None:
            apart = step > limit
        else:
            differ = labels.narrow(axis, 0, size - 1) != labels.narrow(axis, 1, size - 1)
            apart = differ & (step > 0.5)
        edge.narrow(axis, 0, size - 1).logical_or_(apart)
        edge.narrow(axis, 1, size - 1).logical_or_(apart)
    return edge


def unguided_motion(flow: Tensor, guidance: Guidance, object_ids: Tensor | None = None) -> Tensor:
    """Return moving pixels that no arrow's motion reaches (B, H, W) bool.

    From each point the sample floods over neighbours that move alike, on a grid of 4 px.

    Args:
        flow: (B, 2, H, W) forward flow, px.
        guidance: Points on the same grid.
        object_ids: (B, H, W) int, if known: then the flood stays within the object.
    """
    height, width = flow.shape[-2:]
    stride = _FLOOD_STRIDE
    moving = _length(flow) > MOVING_PX
    rows = torch.arange(stride // 2, height, stride, device=flow.device)
    columns = torch.arange(stride // 2, width, stride, device=flow.device)
    cell_flow = flow[:, :, rows][:, :, :, columns]
    cell_moves = moving[:, rows][:, :, columns]
    cell_ids = object_ids[:, rows][:, :, columns] if object_ids is not None else None
    open_steps = []
    for axis in (-1, -2):
        size = cell_flow.shape[axis]
        first, second = cell_flow.narrow(axis, 0, size - 1), cell_flow.narrow(axis, 1, size - 1)
        step = _length(second - first)
        longest = torch.maximum(_length(first), _length(second))
        is_open = step < (0.5 * longest).clamp_min(1.5)
        is_open &= cell_moves.narrow(axis, 0, size - 1) & cell_moves.narrow(axis, 1, size - 1)
        if cell_ids is not None:
            is_open = cell_moves.narrow(axis, 0, size - 1) & cell_moves.narrow(axis, 1, size - 1)
            is_open &= cell_ids.narrow(axis, 0, size - 1) == cell_ids.narrow(axis, 1, size - 1)
        open_steps.append(is_open)
    reached = _seeds(guidance, cell_moves) & cell_moves
    for _ in range(3 * max(reached.shape[-2:])):
        for axis, is_open in zip((-1, -2), open_steps, strict=True):
            size = reached.shape[axis]
            first, second = reached.narrow(axis, 0, size - 1), reached.narrow(axis, 1, size - 1)
            forward = first & is_open
            second |= forward
            first |= second & is_open
    near = _dilate(reached, 1)[:, None].float()
    near = interpolate(near, size=(height, width), mode="nearest")[:, 0] > 0
    return moving & ~near


def _seeds(guidance: Guidance, cells: Tensor) -> Tensor:
    """Return the cells that hold an arrow, and their neighbours (B, h, w) bool."""
    batch, height, width = cells.shape
    column = (guidance.points[..., 0] / _FLOOD_STRIDE).long().clamp(0, width - 1)
    row = (guidance.points[..., 1] / _FLOOD_STRIDE).long().clamp(0, height - 1)
    is_arrow = guidance.valid & (guidance.vectors.abs().amax(-1) > 0)
    seeds = torch.zeros(batch, height * width, device=cells.device)
    seeds.scatter_reduce_(1, row * width + column, is_arrow.float(), "amax")
    return seeds.view(batch, height, width) > 0


def _arrow_counts(batch: int, max_points: int, generator: torch.Generator) -> Tensor:
    shares = torch.tensor(_COUNT_SHARES, device=generator.device)
    choice = torch.multinomial(shares, batch, replacement=True, generator=generator) + 1
    many = torch.randint(
        6, max(max_points, 6) + 1, (batch,), generator=generator, device=generator.device
    )
    return torch.where(choice == len(_COUNT_SHARES), many, choice).clamp(max=max_points)


def _draw(weight: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return points (B, count, 2) drawn by weight (B, H, W), and whether there were any (B,)."""
    batch, height, width = weight.shape
    draws = torch.rand(batch, count, 2, generator=generator, device=generator.device)
    draws = draws.to(weight.device)
    by_row = weight.sum(-1).cumsum(-1)
    total = by_row[:, -1:]
    row = torch.searchsorted(by_row, draws[..., 0] * total, right=True).clamp(max=height - 1)
    within = weight.gather(1, row[..., None].expand(-1, -1, width)).cumsum(-1)
    aim = draws[..., 1:] * within[..., -1:]
    column = torch.searchsorted(within, aim, right=True).clamp(max=width - 1)
    return torch.cat([column, row[..., None]], -1), total[:, 0] > 0


def _first_usable(weight: Tensor, spare: Tensor) -> Tensor:
    """Return each sample's weight, or the spare one where it is zero everywhere."""
    usable = weight.flatten(1).amax(1) > 0
    return torch.where(usable[:, None, None], weight, spare)


def _length(flow: Tensor) -> Tensor:
    """Return the length of vectors (B, 2, H, W) as (B, H, W)."""
    return torch.sqrt(flow[:, 0] * flow[:, 0] + flow[:, 1] * flow[:, 1])


def _dilate(mask: Tensor, radius: int) -> Tensor:
    """Return the mask (B, H, W) grown by a square of ``radius`` px."""
    for axis in (-1, -2):
        grown, size = mask.clone(), mask.shape[axis]
        for shift in range(1, min(radius, size - 1) + 1):
            kept = size - shift
            grown.narrow(axis, 0, kept).logical_or_(mask.narrow(axis, shift, kept))
            grown.narrow(axis, shift, kept).logical_or_(mask.narrow(axis, 0, kept))
        mask = grown
    return mask


def _shrunk(mask: Tensor) -> Tensor:
    """Return the mask on a grid of about 1/16: whether anything in the cell is set."""
    stride = max(1, min(mask.shape[-2:]) // 16)
    return max_pool2d(mask[:, None].float(), stride, ceil_mode=True)[:, 0] > 0


def _area_of(labels: Tensor) -> Tensor:
    """Return at each pixel how many pixels its part has (B, H, W) float32."""
    batch = len(labels)
    flat = labels.flatten(1)
    counts = torch.zeros(batch, int(flat.max()) + 1, device=labels.device)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=counts.dtype))
    return counts.gather(1, flat).view(labels.shape)
