"""What flow is judged on: pairs of clips, unseen puppets, and the guidance they are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from train.data.clips import ClipPairs
from train.data.puppets import PuppetGenerator
from train.eval.baselines import GuidanceSet
from train.eval.scores import SHORT_SIDE
from train.guidance_sampling import motion_edges, sample_watershed

PointRule: TypeAlias = int | Literal["paper"]
"""How many arrows, or the paper's rule (watershed K = 81 and grid G = 200 at short side 384)."""

UNSEEN_SEED: Final = 990_001
_KERNEL: Final = 81
_GRID_STRIDE: Final = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One picture with its true flow.

    Attributes:
        name: For people.
        clip: Which clip it belongs to.
        image: (H, W, 3) uint8 RGB.
        next_image: (H, W, 3) uint8 RGB, camera motion removed.
        flow: (H, W, 2) float32 forward flow, px.
        valid: (H, W) bool, where the flow can be trusted.
        guidance: For each rule, points and displacements, px of the picture.
    """

    name: str
    clip: str
    image: NDArray[np.uint8]
    next_image: NDArray[np.uint8]
    flow: NDArray[np.float32]
    valid: NDArray[np.bool_]
    guidance: dict[PointRule, GuidanceSet]


def clip_cases(
    folder: Path, rules: Sequence[PointRule], *, limit: int | None = None, seed: int = 0
) -> Iterator[Case]:
    """Yield the pairs of a folder that `train.data.prepare` wrote, with flow at every pixel.

    Args:
        folder: With pairs; best prepared with ``--flow-stride 1``.
        rules: Which guidance to draw.
        limit: Most pairs, spread over the clips; None takes all.
        seed: Of the guidance.
    """
    pairs = ClipPairs(folder)
    numbers = np.arange(len(pairs))
    if limit is not None and limit < len(numbers):
        numbers = np.unique(np.linspace(0, len(pairs) - 1, limit).round().astype(int))
    for number in numbers.tolist():
        shard, index = pairs.place(number)
        pair = shard.pair(index)
        height, width = pair.image.shape[:2]
        flow, valid = pair.flow, pair.valid
        if pair.stride > 1:
            flow = np.asarray(cv2.resize(flow, (width, height)), np.float32)
            valid = cv2.resize(valid.astype(np.float32), (width, height)) > 0.99
        yield Case(
            f"{shard.clip} {shard.frames[index][0]}-{shard.frames[index][1]}",
            shard.clip,
            pair.image,
            shard.steady_next(index),
            flow,
            valid,
            draw_guidance(flow, valid, rules, seed=[seed, number]),
        )


def puppet_cases(
    count: int, rules: Sequence[PointRule], *, size: int = 256, seed: int = UNSEEN_SEED
) -> Iterator[Case]:
    """Yield ``count`` synthetic scenes that no training run draws.

    Scenes where the camera drifts are passed over, as real pairs have their drift removed.
    """
    generator = PuppetGenerator(size, seed=seed)
    made, step = 0, 0
    while made < count:
        batch = generator.batch(8, step)
        step += 1
        for index in range(8):
            drift = float((batch.part_motion[index, 0] - torch.eye(2, 3)).abs().max())
            flow = batch.flow[index].permute(1, 2, 0).contiguous().numpy()
            moves = np.hypot(flow[..., 0], flow[..., 1]) > 1
            if drift > 1e-4 or moves.mean() < 0.003 or made == count:
                continue
            valid = np.ones(flow.shape[:2], bool)
            image = batch.image[index].permute(1, 2, 0).round().byte().numpy()
            yield Case(
                f"puppet {made}",
                f"puppet {made}",
                np.ascontiguousarray(image),
                np.ascontiguousarray(
                    batch.next_image[index].permute(1, 2, 0).round().byte().numpy()
                ),
                flow,
                valid,
                draw_guidance(flow, valid, rules, seed=[seed, made]),
            )
            made += 1


def draw_guidance(
    flow: NDArray[np.float32],
    valid: NDArray[np.bool_],
    rules: Sequence[PointRule],
    *,
    seed: Sequence[int],
) -> dict[PointRule, GuidanceSet]:
    """Return guidance on a flow (H, W, 2) for each rule.

    Numbered rules share their points: one arrow is the first of three. A moving pixel's chance
    grows with the length of its flow; points keep 2 px away from motion edges, and from each
    other by a twentieth of the short side where there is room.
    """
    height, width = flow.shape[:2]
    drawn: dict[PointRule, GuidanceSet] = {}
    most = max((rule for rule in rules if isinstance(rule, int)), default=0)
    points = _moving_points(flow, valid, most, np.random.default_rng(list(seed)))
    for rule in rules:
        if isinstance(rule, int):
            drawn[rule] = _with_flow(flow, points[:rule])
            continue
        scale = min(height, width) / SHORT_SIDE
        guidance = sample_watershed(
            torch.from_numpy(flow).permute(2, 0, 1)[None].contiguous(),
            kernel=max(3, round(_KERNEL * scale)),
            grid_stride=max(1, round(_GRID_STRIDE * scale)),
            valid=torch.from_numpy(valid)[None],
        ).guidance
        drawn[rule] = _with_flow(flow, guidance.points[guidance.valid].numpy().astype(int))
    return drawn


def _moving_points(
    flow: NDArray[np.float32], valid: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return up to ``count`` pixels (N, 2), x and y, on what moves."""
    height, width = flow.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    length = np.hypot(flow[..., 0], flow[..., 1])
    edges = motion_edges(torch.from_numpy(flow).permute(2, 0, 1)[None].contiguous())[0].numpy()
    near_edge = cv2.dilate(edges.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    weight = np.where((length * scale > 1.0) & valid, length, 0).astype(np.float64)
    if (weight * ~near_edge).any():
        weight *= ~near_edge
    points: list[tuple[int, int]] = []
    y, x = np.mgrid[:height, :width]
    apart = min(height, width) / 20
    free = weight.copy()
    while len(points) < count:
        if not free.any():
            free = weight.copy()
            for px, py in points:
                free[py, px] = 0
            if not free.any():
                break
            apart = 0.0
        pixel = int(rng.choice(free.size, p=(free / free.sum()).ravel()))
        px, py = pixel % width, pixel // width
        points.append((px, py))
        free[np.hypot(x - px, y - py) <= apart] = 0
    return np.array(points, np.int64).reshape(-1, 2)


def _with_flow(flow: NDArray[np.float32], points: NDArray[np.int64]) -> GuidanceSet:
    points = points.reshape(-1, 2)
    return points.astype(np.float32), flow[points[:, 1], points[:, 0]].astype(np.float32)
