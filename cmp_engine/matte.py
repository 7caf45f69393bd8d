"""How much of a pixel between two parts belongs to the one in front."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

SOLID: Final = 0.95
"""Coverage from which a pixel belongs to the front layer alone; below 1 - SOLID to the back."""

_SAMPLES: Final = (0, 1, -1, 2, -2)
"""Where along the edge colours of both sides are sampled, in steps of `_SAMPLE_STEP`."""

_SAMPLE_STEP: Final = 5.0
"""Step of the samples along the edge, px."""

_NOISE: Final = 192.0
"""Variance of colours that means nothing, summed over channels: 8 levels of 255 in each."""

_TRUSTED_FROM: Final = 0.5
_TRUSTED_WHOLLY: Final = 0.8
"""Share of the contrast of the two sides in all differences, from which a mixture counts."""

_FOREIGN: Final = 4.0
"""Squared difference to the back layer, in its own spreads, from which a pixel beside a mixture
that is trusted is not drawn as background."""

_STAIN: Final = 5
"""Side of the square around such a pixel that is not drawn either, px."""

_VERY_FOREIGN: Final = 12.0
"""The same for pixels that no mixture explains."""


@dataclass(frozen=True, slots=True)
class SideColors:
    """The colours on both sides of a band, around each of its pixels.

    Attributes:
        own: (n, 3) the pixels' own colours.
        number: (n,) which row of the following belongs to a pixel.
        front: (m, 3) mean colour of pixels that are surely in front: near ones, along the edge.
        back: (m, 3) the same behind.
        front_spread: (m,) variance of the colours in front, summed over channels.
        back_spread: (m,) the same behind.
    """

    own: Float
    number: Index
    front: Float
    back: Float
    front_spread: Float
    back_spread: Float

    @classmethod
    def around(
        cls,
        pixel: Index,
        front_of: Index,
        back_of: Index,
        guide: NDArray[np.uint8],
        *,
        block: int,
    ) -> SideColors:
        """Return the colours around pixels.

        Args:
            pixel: (n,) flat indices.
            front_of: (h * w,) flat index of the nearest pixel that is surely in front.
            back_of: (h * w,) flat index of the nearest pixel that is surely behind.
            guide: (h, w, 3) the picture.
            block: Pixels of a block of this side share the colours around them.
        """
        height, width = guide.shape[:2]
        chosen, number = _one_per_block(pixel, width, max(1, block))
        colors = np.asarray(cv2.blur(guide, (3, 3))).reshape(-1, 3)
        row, column = np.divmod(chosen, width)
        front_row, front_column = np.divmod(front_of[chosen], width)
        back_row, back_column = np.divmod(back_of[chosen], width)
        across = np.stack([front_row - back_row, front_column - back_column]).astype(np.float32)
        across *= _SAMPLE_STEP / np.maximum(np.hypot(across[0], across[1]), 1)
        along = [
            np.clip(row + np.rint(step * across[1]).astype(np.int64), 0, height - 1) * width
            + np.clip(column - np.rint(step * across[0]).astype(np.int64), 0, width - 1)
            for step in _SAMPLES
        ]
        statistics = []
        for side in (front_of, back_of):
            samples = np.stack([colors[side[beside]] for beside in along]).astype(np.float32)
            mean = samples.mean(axis=0)
            samples -= mean
            samples *= samples
            statistics.append((mean, samples.sum(axis=(0, 2)) / len(along)))
        (front, front_spread), (back, back_spread) = statistics
        own = guide.reshape(-1, 3)[pixel].astype(np.float32)
        return cls(own, number, front, back, front_spread, back_spread)

    def of(self, chosen: Index) -> SideColors:
        """Return the same for some of the pixels."""
        return replace(self, own=self.own[chosen], number=self.number[chosen])

    def contrast(self) -> Float:
        """Return how unlike the two sides are, (n,): squared difference, in their spreads."""
        difference = self.front - self.back
        unlike = (difference * difference).sum(axis=1)
        contrast: Float = unlike / (self.front_spread + self.back_spread + 2 * _NOISE)
        return contrast[self.number]

    def mixture(self) -> tuple[Float, Float, Float]:
        """Return the coverage that the colours suggest, the trust in it, and how foreign they are.

        A pixel is explained as a mixture of the mean colours of both sides. That is to be trusted
        where both sides are plain, unlike each other, and explain the pixel. Foreign (squared, in
        spreads) is what does not look like the back layer.
        """
        back = self.back[self.number]
        difference = self.front[self.number] - back
        contrast = (difference * difference).sum(axis=1)
        off = self.own - back
        back_noise = self.back_spread[self.number] + _NOISE
        foreign = (off * off).sum(axis=1) / back_noise
        share = np.clip((off * difference).sum(axis=1) / (contrast + 1), 0, 1)
        off -= difference * share[:, None]
        doubt = self.front_spread[self.number] + back_noise + (off * off).sum(axis=1)
        trust = contrast / (contrast + 4 * doubt)
        trust = np.clip((trust - _TRUSTED_FROM) / (_TRUSTED_WHOLLY - _TRUSTED_FROM), 0, 1)
        return np.clip((share - 0.1) / 0.8, 0, 1), trust, foreign


def coverage_of(
    signed: Float,
    width: float,
    pixel: Index,
    size_hw: tuple[int, int],
    colors: SideColors | None,
) -> tuple[Float, Bool]:
    """Return the coverage of the pixels of a band by its front layer, 0..1, and what is foreign.

    Args:
        signed: (n,) distance to the middle of the band, px, positive in front.
        width: How far from the middle the edge in the picture may lie, px.
        pixel: (n,) flat indices of the pixels.
        size_hw: Size of the grid.
        colors: Around the pixels, or None: then the edge lies in the middle of the band.

    Returns:
        Coverage (n,), and (n,) True for pixels that do not look like the back layer and so would
        stay behind as an outline of the part that left.
    """
    coverage: Float = np.clip(0.5 + signed / 2, 0, 1)
    if colors is None:
        return coverage, np.zeros(pixel.shape, np.bool_)
    share, trust, foreign = colors.mixture()
    stain = np.zeros(size_hw, np.uint8)
    stain.ravel()[pixel[(foreign > _FOREIGN) & (trust > 0.5)]] = 1
    stain = np.asarray(cv2.dilate(stain, np.ones((_STAIN, _STAIN), np.uint8)), np.uint8)
    is_foreign = (stain.ravel()[pixel] > 0) | (foreign > _VERY_FOREIGN)
    trust *= np.clip((1 - np.abs(signed) / width) * 3, 0, 1)
    coverage += trust * (share - coverage)
    coverage[coverage > SOLID] = 1
    coverage[coverage < 1 - SOLID] = 0
    return coverage, is_foreign


def _one_per_block(pixel: Index, width: int, block: int) -> tuple[Index, Index]:
    """Return one pixel of each block of the grid that has any, and the number of each one's."""
    row, column = np.divmod(pixel, width)
    blocks = -(-width // block)
    key = row // block * blocks + column // block
    owner = np.full(int(key.max()) + 1, -1, np.int64)
    count = np.arange(pixel.size)
    owner[key] = count
    is_owner = owner[key] == count
    order = np.cumsum(is_owner) - 1
    return pixel[is_owner], order[owner[key]]
