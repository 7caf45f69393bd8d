"""Image-flow pairs made once, which many small trainings share.

A pool is a folder of files ``puppets-00.safetensors`` … and ``clips-00.safetensors`` …, each with

=========  ================  =============================================================
``image``  (n, 3, S, S)      uint8 RGB
``flow``   (n, 2, S, S)      float16 forward flow, px of the S x S grid
``valid``  (n, S, S)         uint8, 1 where the flow can be trusted
=========  ================  =============================================================

Crops and looks of the clips are chosen once, when the pool is made; batches mirror pairs at random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from cmp_engine.geometry import normalize_images
from train.batches import Asked, BatchSource, Piece
from train.config import Recipe
from train.data.clips import ClipPairs
from train.data.puppets import PuppetGenerator
from train.errors import TrainConfigError
from train.losses import Target

Kind: TypeAlias = Literal["puppets", "clips"]

_FILE: Final = 128
"""Pairs of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """What is in a pool.

    Attributes:
        size: Side of the pictures, px; a multiple of 32.
        puppets: Pairs from synthetic puppets; full files of 128.
        clips: Pairs from clips, likewise.
        seed: Of both.
    """

    size: int = 96
    puppets: int = 1536
    clips: int = 1536
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """Pairs in memory, by kind: images, flow, and where it can be trusted."""

    size: int
    pairs: dict[Kind, tuple[Tensor, Tensor, Tensor]]


def make_pool(
    folder: Path,
    settings: PoolSettings,
    pairs: Path | None,
    *,
    is_late: Callable[[], bool] = lambda: False,
) -> Pool | None:
    """Make what is missing of a pool, and read it.

    Args:
        folder: Of the pool; made if it is missing.
        settings: What is to be in it.
        pairs: Folder of prepared clip pairs; not needed where all clips are there.
        is_late: Asked before each file; True stops.

    Returns:
        The pool, or None if it was late.

    Raises:
        TrainConfigError: The folder holds another pool.
        DataError: No clip pairs in ``pairs``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "pool.json"
    text = json.dumps(asdict(settings), sort_keys=True)
    if note.exists() and note.read_text(encoding="utf-8") != text:
        raise TrainConfigError(
            f"{folder} holds a pool with other settings ({note.name}); choose another --out."
        )
    note.write_text(text, encoding="utf-8")
    for kind in ("puppets", "clips"):
        make = _maker(kind, settings, pairs)
        for number in range(_files(settings, kind)):
            path = folder / f"{kind}-{number:02}.safetensors"
            if path.exists():
                continue
            if is_late():
                return None
            part = path.with_suffix(".part")
            save_file(make(number), part)
            part.replace(path)
    return _read_pool(folder, settings)


def _files(settings: PoolSettings, kind: Kind) -> int:
    return -(-(settings.puppets if kind == "puppets" else settings.clips) // _FILE)


def _maker(
    kind: Kind, settings: PoolSettings, pairs: Path | None
) -> Callable[[int], dict[str, Tensor]]:
    """Return what makes a file's content; the source opens when it is first needed."""
    clips: list[ClipPairs] = []
    puppets: list[PuppetGenerator] = []

    def make(number: int) -> dict[str, Tensor]:
        if kind == "puppets":
            if not puppets:
                puppets.append(PuppetGenerator(settings.size, settings.seed, with_next=False))
            scenes = puppets[0].batch(_FILE, number)
            return _content(scenes.image, scenes.flow, scenes.valid)
        if not clips:
            clips.append(ClipPairs(pairs if pairs is not None else "", settings.seed))
        crops = clips[0].batch(_FILE, number, settings.size)
        return _content(crops.image, crops.flow, crops.valid)

    return make


def _content(image: Tensor, flow: Tensor, valid: Tensor) -> dict[str, Tensor]:
    return {
        "image": image.round().clamp(0, 255).to(torch.uint8).contiguous(),
        "flow": flow.half().contiguous(),
        "valid": valid.to(torch.uint8).contiguous(),
    }


def _read_pool(folder: Path, settings: PoolSettings) -> Pool:
    found: dict[Kind, tuple[Tensor, Tensor, Tensor]] = {}
    kinds: tuple[Kind, ...] = ("puppets", "clips")
    for kind in kinds:
        files = [
            load_file(folder / f"{kind}-{number:02}.safetensors")
            for number in range(_files(settings, kind))
        ]
        if files:
            image, flow, valid = (
                torch.cat([part[name] for part in files]) for name in ("image", "flow", "valid")
            )
            found[kind] = (image, flow, valid)
    return Pool(settings.size, found)


class PoolSource(BatchSource):
    """Gives micro-batches from a pool: random pairs, half of them mirrored.

    ``data.fraction`` of the recipe takes the first share of each kind.

    Args:
        recipe: Says what to mix and how to draw guidance.
        pool: Where pairs come from.
        device: Where batches are to be.

    Raises:
        TrainConfigError: A stage wants another size than the pool's, or a kind that it lacks.
    """

    def __init__(self, recipe: Recipe, pool: Pool, device: torch.device) -> None:
        super().__init__(recipe, device)
        for stage in recipe.schedule.stages:
            if stage.size != pool.size:
                raise TrainConfigError(
                    f"Recipe {recipe.name} has a stage of {stage.size} px, and the pool's pictures "
                    f"have {pool.size} px."
                )
            wanted: dict[Kind, bool] = {
                "puppets": stage.puppet_share > 0,
                "clips": stage.puppet_share < 1,
            }
            for kind, is_wanted in wanted.items():
                if is_wanted and kind not in pool.pairs:
                    raise TrainConfigError(f"Recipe {recipe.name} wants {kind}; the pool has none.")
        self._pool = pool

    def _puppet_piece(self, number: int, count: int, size: int) -> Piece:
        return self._piece("puppets", number, count)

    def _clip_piece(self, number: int, count: int, size: int) -> Piece:
        return self._piece("clips", number, count)

    def _piece(self, kind: Kind, number: int, count: int) -> Piece:
        images, flows, valids = self._pool.pairs[kind]
        stream = 3 if kind == "puppets" else 4
        generator = torch.Generator()
        generator.manual_seed(hash((self._recipe.seed, number, stream)) % 2**63)
        most = max(1, round(self._recipe.data.fraction * len(images)))
        index = torch.randint(most, (count,), generator=generator)
        mirrored = torch.rand(count, generator=generator) < 0.5
        image, flow, valid = images[index].float(), flows[index].float(), valids[index].bool()
        image[mirrored] = image[mirrored].flip(-1)
        flow[mirrored] = flow[mirrored].flip(-1) * flow.new_tensor([-1.0, 1.0])[:, None, None]
        valid[mirrored] = valid[mirrored].flip(-1)
        image, flow, valid = (x.to(self._device) for x in (image, flow, valid))
        sampled = self._sample(flow, valid, number, stream)
        target = Target(flow, valid & ~sampled.unguided)
        asked = Asked(sampled.guidance, target)
        return Piece(normalize_images(image), [asked])
