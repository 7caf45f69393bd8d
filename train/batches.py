"""Micro-batches for a training step: puppets, clip pairs or both, with their guidance.

A micro-batch depends on the seed, the step and its number in the step alone: any process can make
any of them, again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import torch
from torch import Tensor

from cmp_engine.geometry import normalize_images
from cmp_engine.modeling.cmp import Guidance
from train.config import Recipe, Stage
from train.data.clips import ClipPairs
from train.data.limb_turns import LimbPulls, pull_limbs, turn_limbs
from train.data.puppets import PuppetBatch, PuppetGenerator
from train.guidance_sampling import SampledGuidance, sample_guidance
from train.losses import Target


@dataclass(frozen=True, slots=True)
class Batch:
    """What one forward pass needs.

    Attributes:
        image: (B, 3, S, S) float32, normalised for the network.
        guidance: K guidance sets for each image, K * B in all: the first of every image, then the
            second. Arrows and pins, px of the S x S grid.
        target: Truth about each set, on the same grid.
        pulls: What each set pulls at, for the objective ``limbs``; there may then be any number
            of sets. Else None.
    """

    image: Tensor
    guidance: Guidance
    target: Target
    pulls: LimbPulls | None = None


class BatchSource:
    """Makes the micro-batches of a recipe on a device; several threads may ask at once.

    Args:
        recipe: Says what to mix and how to draw guidance.
        device: Where puppets are drawn and guidance is sampled.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self._recipe = recipe
        self._device = device
        self._clips: ClipPairs | None = None
        self._puppets: dict[int, PuppetGenerator] = {}
        self._lock = Lock()

    def batch(self, step: int, part: int, stage: Stage) -> Batch:
        """Return micro-batch ``part`` of step number ``step``, which belongs to ``stage``."""
        micro_batches = self._recipe.schedule.micro_batches
        number = step * micro_batches + part
        count = stage.batch // micro_batches
        if self._recipe.objective == "limbs":
            return self._limb_batch(number, count, stage.size)
        puppets = round(count * stage.puppet_share)
        pieces = []
        if puppets:
            pieces.append(self._puppet_piece(number, puppets, stage.size))
        if count > puppets:
            pieces.append(self._clip_piece(number, count - puppets, stage.size))
        return _join(pieces)

    def _puppet_scenes(self, number: int, count: int, size: int) -> PuppetBatch:
        with self._lock:
            if size not in self._puppets:
                self._puppets[size] = PuppetGenerator(
                    size, seed=self._recipe.seed, device=self._device, with_next=False
                )
        return self._puppets[size].batch(count, self._scenes_number(number, count))

    def _limb_batch(self, number: int, count: int, size: int) -> Batch:
        scene = self._puppet_scenes(number, count, size)
        settings = self._recipe.guidance
        pulls = pull_limbs(
            scene,
            generator=self._generator(number, 3),
            count=settings.pulls,
            shift_share=settings.shift_share,
        )
        return Batch(
            normalize_images(scene.image),
            pulls.guidance,
            Target(scene.flow, scene.valid, scene.labels, scene.object_ids),
            pulls,
        )

    def _generator(self, number: int, stream: int) -> torch.Generator:
        generator = torch.Generator()
        return generator.manual_seed(hash((self._recipe.seed, number, stream)) % 2**63)

    def _puppet_piece(self, number: int, count: int, size: int) -> Piece:
        scene = self._puppet_scenes(number, count, size)
        sampled = self._sample(
            scene.flow, scene.valid, number, 1, labels=scene.labels, object_ids=scene.object_ids
        )
        counted = scene.valid & ~sampled.unguided
        asked = [
            Asked(
                sampled.guidance,
                Target(scene.flow, counted, scene.labels, scene.object_ids),
            )
        ]
        if self._recipe.guidance.sets == 2:
            turns = turn_limbs(
                scene,
                generator=self._generator(number, 3),
                max_points=self._recipe.guidance.max_points,
            )
            counted = scene.valid & turns.has_limb[:, None, None]
            asked.append(
                Asked(
                    turns.guidance,
                    Target(turns.flow, counted, scene.labels, scene.object_ids),
                )
            )
        return Piece(normalize_images(scene.image), asked)

    def _scenes_number(self, number: int, count: int) -> int:
        """Return which puppets come in a batch's turn: others each time unless counted."""
        data = self._recipe.data
        if not data.puppet_scenes:
            return number
        return number % max(1, round(data.fraction * data.puppet_scenes / count))

    def _clip_piece(self, number: int, count: int, size: int) -> Piece:
        with self._lock:
            if self._clips is None:
                self._clips = ClipPairs(
                    self._recipe.data.pairs,
                    seed=self._recipe.seed,
                    fraction=self._recipe.data.fraction,
                )
        pairs = self._clips.batch(count, number, size)
        image, flow = pairs.image.to(self._device), pairs.flow.to(self._device)
        valid = pairs.valid.to(self._device)
        asked = []
        for stream in (2, 4)[: self._recipe.guidance.sets]:
            sampled = self._sample(flow, valid, number, stream)
            asked.append(
                Asked(
                    sampled.guidance,
                    Target(flow, valid & ~sampled.unguided),
                )
            )
        return Piece(normalize_images(image), asked)

    def _sample(
        self,
        flow: Tensor,
        valid: Tensor,
        number: int,
        stream: int,
        *,
        labels: Tensor | None = None,
        object_ids: Tensor | None = None,
    ) -> SampledGuidance:
        generator = torch.Generator(device=flow.device)
        generator.manual_seed(hash((self._recipe.seed, number, stream)) % 2**63)
        settings = self._recipe.guidance
        return sample_guidance(
            settings.sampler if self._recipe.objective in ("cmp", "trust") else "none",
            flow,
            valid,
            labels,
            generator=generator,
            kernel=settings.kernel,
            grid_stride=settings.grid_stride,
            max_points=settings.max_points,
            watershed_share=settings.watershed_share,
            object_ids=object_ids,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """One guidance set for each image, and the truth about it."""

    guidance: Guidance
    target: Target


@dataclass(frozen=True, slots=True)
class Piece:
    """Images of one kind, normalised for the network, and what they are asked."""

    image: Tensor
    asked: list[Asked]


def _join(pieces: list[Piece]) -> Batch:
    """Return one batch: all images, and their first sets before their second ones."""
    asked = [one for number in range(len(pieces[0].asked)) for one in _column(pieces, number)]
    most = max(one.guidance.valid.shape[1] for one in asked)
    guidance = [_padded(one.guidance, most) for one in asked]
    targets = [one.target for one in asked]
    return Batch(
        torch.cat([piece.image for piece in pieces]),
        Guidance(
            torch.cat([g.points for g in guidance]),
            torch.cat([g.vectors for g in guidance]),
            torch.cat([g.valid for g in guidance]),
        ),
        Target(
            torch.cat([target.flow for target in targets]),
            torch.cat([target.counted for target in targets]),
            torch.cat([_known(target.labels, target) for target in targets]),
            torch.cat([_known(target.object_ids, target) for target in targets]),
        ),
    )


def _column(pieces: list[Piece], number: int) -> list[Asked]:
    return [piece.asked[number] for piece in pieces]


def _known(labels: Tensor | None, target: Target) -> Tensor:
    """Labels, or -1 all over where a piece has none."""
    if labels is not None:
        return labels.long()
    return torch.full_like(target.counted, -1, dtype=torch.long)


def _padded(guidance: Guidance, count: int) -> Guidance:
    missing = count - guidance.valid.shape[1]
    pad = torch.nn.functional.pad
    return Guidance(
        pad(guidance.points, (0, 0, 0, missing)),
        pad(guidance.vectors, (0, 0, 0, missing)),
        pad(guidance.valid, (0, missing)),
    )
