"""Pairs of frames from real clips: random access, and endless seeded batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from train.data.augment import change_looks, choose_crop, crop_pair
from train.data.shards import Pair, Shard
from train.errors import DataError

_MOST_OF_ONE_SOURCE: Final = 0.3


@dataclass(frozen=True, slots=True)
class ClipBatch:
    """A batch of crops of pairs.

    Attributes:
        image: (B, 3, S, S) float32 RGB 0..255.
        flow: (B, 2, S, S) float32 forward flow, px of the crop.
        valid: (B, S, S) bool, where the flow can be trusted.
    """

    image: Tensor
    flow: Tensor
    valid: Tensor


class ClipPairs:
    """All pairs of a folder that `train.data.prepare` wrote.

    A batch draws a source first, then a clip, then a pair, so that a source with many clips and a
    clip with many pairs do not drown the others. A source's chance grows with the square root of
    its number of clips and is at most 30 %.

    Args:
        folder: With the files of pairs.
        seed: Of the batches.
        is_augmented: Whether to crop at random, mirror, reverse and change the looks. Without it
            a batch takes the largest square in the middle, as it is.
        fraction: Share of the clips to use, above 0 and at most 1, at least one clip of the folder.
            Which ones depends on their names alone, and a larger share has those of a smaller one.

    Raises:
        DataError: The folder has no file of pairs, or a damaged one.
    """

    def __init__(
        self, folder: str | Path, seed: int = 0, *, is_augmented: bool = True, fraction: float = 1.0
    ) -> None:
        self.folder = Path(folder)
        files = sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else []
        if not files:
            raise DataError(
                f"{self.folder} holds no training pairs; make them with "
                "python -m train.data.prepare VIDEOS --out FOLDER."
            )
        self.shards = [Shard(file) for file in _share_of(files, fraction)]
        self.seed = seed
        self.is_augmented = is_augmented
        self._ends = np.cumsum([len(shard) for shard in self.shards])
        by_source: dict[str, list[int]] = {}
        for number, shard in enumerate(self.shards):
            by_source.setdefault(shard.metadata["source"], []).append(number)
        self._clips = list(by_source.values())
        self._shares = _shares([len(clips) for clips in self._clips])
        self.sources = dict(zip(by_source, self._shares.tolist(), strict=True))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return int(self._ends[-1])

    def place(self, index: int) -> tuple[Shard, int]:
        """Return the file of a pair and its number in it; pairs are in order of clip and time.

        Raises:
            IndexError: There is no pair of that number.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"There are pairs 0 to {len(self) - 1}, and no pair {index}.")
        number = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[number - 1]) if number else 0
        return self.shards[number], index - first

    def pair(self, index: int, direction: int = 0) -> Pair:
        """Return a pair as it is, camera motion removed; direction 1 is backwards in time."""
        shard, number = self.place(index)
        return shard.pair(number, direction)

    def counts(self) -> dict[str, int]:
        """Return the number of pairs of each source."""
        total: Counter[str] = Counter()
        for shard in self.shards:
            total[shard.metadata["source"]] += len(shard)
        return dict(total)

    def batch(self, n: int, step: int, size: int) -> ClipBatch:
        """Return ``n`` crops of ``size`` x ``size`` px.

        The same folder, seed, step, count and size give the same batch; sample i does not depend
        on how many there are.
        """
        images = np.empty((n, size, size, 3), np.uint8)
        flows = np.empty((n, size, size, 2), np.float32)
        valid = np.empty((n, size, size), bool)
        for index in range(n):
            rng = np.random.default_rng([self.seed, step, index])
            images[index], flows[index], valid[index] = self._sample(size, rng)
        return ClipBatch(
            torch.from_numpy(images).permute(0, 3, 1, 2).float(),
            torch.from_numpy(flows).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(valid),
        )

    def pictures(self, count: int, side: int = 256) -> Tensor:
        """Return ``count`` squares (count, 3, side, side) uint8 of the clips' frames.

        As many clips as possible; meant as backgrounds and patterns for synthetic puppets.
        """
        rng = np.random.default_rng([self.seed, count])
        order = rng.permutation(np.resize(np.arange(len(self.shards)), count))
        found = np.empty((count, side, side, 3), np.uint8)
        for number, index in enumerate(order):
            shard = self.shards[int(index)]
            frame = shard.image(int(rng.integers(len(shard))), 0)
            short = min(frame.shape[:2])
            top = int(rng.integers(frame.shape[0] - short + 1))
            left = int(rng.integers(frame.shape[1] - short + 1))
            square = frame[top : top + short, left : left + short]
            found[number] = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
        return torch.from_numpy(found).permute(0, 3, 1, 2).contiguous()

    def _sample(
        self, size: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        clips = self._clips[int(rng.choice(len(self._clips), p=self._shares))]
        shard = self.shards[clips[int(rng.integers(len(clips)))]]
        index = int(rng.integers(len(shard)))
        if not self.is_augmented:
            return center_crop(shard.pair(index), size)
        pair = shard.pair(index, int(rng.integers(2)))
        image, flow, valid = crop_pair(pair, choose_crop(pair, size, rng), size)
        return change_looks(image, rng), flow, valid


def center_crop(pair: Pair, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return picture, flow and trust of the largest square in the middle, at ``size`` px."""
    height, width = pair.image.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    image = pair.image[top : top + side, left : left + side]
    rows = slice(top // pair.stride, (top + side) // pair.stride)
    columns = slice(left // pair.stride, (left + side) // pair.stride)
    shrinks = size < side
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    flow = cv2.resize(pair.flow[rows, columns], (size, size), interpolation=cv2.INTER_LINEAR)
    trust = cv2.resize(pair.valid[rows, columns].astype(np.float32), (size, size))
    return (
        np.asarray(cv2.resize(image, (size, size), interpolation=way)),
        np.asarray(flow * np.float32(size / side)),
        trust > 0.99,
    )


def _share_of(files: list[Path], fraction: float) -> list[Path]:
    """Return a share of the files, in their order; spread by a hash of their names."""
    count = max(1, round(fraction * len(files)))
    by_hash = sorted(files, key=lambda file: sha256(file.name.encode()).digest())
    return sorted(by_hash[:count])


def _shares(clips: list[int]) -> np.ndarray:
    """Return each source's chance from its number of clips."""
    shares = np.sqrt(np.array(clips, float))
    shares /= shares.sum()
    most = max(_MOST_OF_ONE_SOURCE, 1 / len(clips))
    for _ in range(len(clips)):
        over = shares > most
        if not over.any():
            break
        rest = shares[~over].sum()
        if rest == 0:
            break
        shares[~over] *= (1 - most * over.sum()) / rest
        shares[over] = most
    return np.asarray(shares / shares.sum())
