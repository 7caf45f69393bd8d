"""Painting out the parts of a picture that move, so that what they uncover looks like a picture.

Every masked place copies from a place outside of the mask whose surroundings look alike: patches
are matched from coarse to fine, each masked pixel takes the vote of the patches over it, and the
full-size picture is put together from the places found. The work is done on a bounded grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.resample import sample_image

Float = NDArray[np.float32]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

_PATCH: Final = 7
_FEATURES: Final = 24
"""Principal components of a patch that are compared."""

_COARSEST: Final = 3.0
"""Depth of the mask on the coarsest grid, px: there a smooth fill is nearly right."""

_ROUNDS: Final = 4
"""Rounds of matching and voting on each grid."""

_BRUTE_PAIRS: Final = 6_000_000
"""Pairs of patches that are simply all compared."""


def paint_out(
    image: NDArray[np.uint8], mask: Bool, *, working_side: int = 288
) -> NDArray[np.uint8]:
    """Return the picture with the masked pixels painted in from their surroundings.

    Args:
        image: (h, w, 3) uint8.
        mask: (h, w) True for pixels to replace; all others stay as they are.
        working_side: Longer side of the grid that patches are matched on, px.
    """
    if not mask.any() or mask.all():
        return image.copy()
    box = _surroundings(mask)
    part, part_mask = image[box], mask[box]
    height, width = part_mask.shape
    scale = min(1.0, working_side / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small, small_mask = _shrink(part.astype(np.float32), part_mask, size)
    painted, offset = _paint_small(small, small_mask)
    result = image.copy()
    result[box] = _full_size(part, part_mask, painted, offset)
    return result


def _surroundings(mask: Bool) -> tuple[slice, slice]:
    """Return the box around the mask, with half its size on every side."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    margin = max(16, (int(np.ptp(rows)) + int(np.ptp(columns))) // 4)
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _shrink(image: Float, mask: Bool, size_hw: tuple[int, int]) -> tuple[Float, Bool]:
    """Return picture and mask on a coarser grid; masked colours do not leak into the others."""
    known = (~mask).astype(np.float32)
    shape = (size_hw[1], size_hw[0])
    weight = cv2.resize(known, shape, interpolation=cv2.INTER_AREA)
    colors = cv2.resize(image * known[..., None], shape, interpolation=cv2.INTER_AREA)
    small = np.asarray(colors / np.maximum(weight, 1e-3)[..., None], np.float32)
    return small, np.asarray(weight < 0.6)


def _paint_small(image: Float, mask: Bool) -> tuple[Float, Float]:
    """Return the painted picture, and for each pixel the way to what it copies, (h, w, 2) px."""
    pyramid = [(image, mask)]
    while True:
        _, finest = pyramid[-1]
        depth = cv2.distanceTransform(finest.view(np.uint8), cv2.DIST_L2, 5).max()
        if depth <= _COARSEST or min(finest.shape) < 4 * _PATCH:
            break
        half = (max(1, finest.shape[0] // 2), max(1, finest.shape[1] // 2))
        pyramid.append(_shrink(*pyramid[-1], half))
    coarse, coarse_mask = pyramid[-1]
    painted = _smooth_fill(coarse, coarse_mask)
    offset = np.zeros((*coarse_mask.shape, 2), np.float32)
    rng = np.random.default_rng(0)
    for level in range(len(pyramid) - 1, -1, -1):
        known, level_mask = pyramid[level]
        shape = (level_mask.shape[1], level_mask.shape[0])
        if painted.shape[:2] != level_mask.shape:
            ratio = np.array(shape, np.float32) / np.array(painted.shape[1::-1], np.float32)
            painted = np.asarray(
                cv2.resize(painted, shape, interpolation=cv2.INTER_LINEAR), np.float32
            )
            offset = cv2.resize(offset, shape, interpolation=cv2.INTER_NEAREST) * ratio
        painted = np.where(level_mask[..., None], painted, known)
        matcher = _Matcher.of(known, level_mask)
        if matcher is None:
            continue
        for _ in range(_ROUNDS):
            offset, quality = matcher.match(painted, offset, rng)
            painted = _vote(known, painted, level_mask, offset, quality)
    return painted, offset


def _smooth_fill(image: Float, mask: Bool) -> Float:
    as_bytes = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    filled = cv2.inpaint(as_bytes, mask.view(np.uint8), 3, cv2.INPAINT_TELEA)
    return np.asarray(filled, np.float32)


def _patches(image: Float) -> Float:
    """Return (h * w, patch * patch * 3): the patch around every pixel."""
    radius = _PATCH // 2
    padded = cv2.copyMakeBorder(image, radius, radius, radius, radius, cv2.BORDER_REFLECT_101)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_PATCH, _PATCH), axis=(0, 1))
    return windows.reshape(image.shape[0] * image.shape[1], -1).astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class _Matcher:
    """Finds for each pixel in and near the mask a known pixel with a patch like its own.

    Attributes:
        mask: (h, w).
        target: (n,) flat indices of the pixels that are asked for.
        source: (m,) flat indices of the pixels whose whole patch is known.
        number: (h * w,) place in ``source``, -1 for others.
        basis: (patch size, features) principal directions of the known patches.
        features: (m, features) of the known patches.
    """

    mask: Bool
    target: Index
    source: Index
    number: Index
    basis: Float
    features: Float

    @classmethod
    def of(cls, image: Float, mask: Bool) -> _Matcher | None:
        """Return a matcher, or None where no whole patch is known."""
        kernel = np.ones((_PATCH, _PATCH), np.uint8)
        near = np.asarray(cv2.dilate(mask.view(np.uint8), kernel)).view(np.bool_)
        inside = np.zeros(mask.shape, np.bool_)
        radius = _PATCH // 2
        inside[radius:-radius, radius:-radius] = True
        source = np.flatnonzero(~near & inside)
        if source.size < 16:
            return None
        patches = _patches(image)[source].astype(np.float32)
        sample = patches[:: max(1, source.size // 2000)]
        centered = sample - sample.mean(axis=0)
        _, vectors = np.linalg.eigh(centered.T @ centered)
        basis = np.ascontiguousarray(vectors[:, -_FEATURES:], np.float32)
        number = np.full(mask.size, -1, np.int64)
        number[source] = np.arange(source.size)
        return cls(mask, np.flatnonzero(near), source, number, basis, patches @ basis)

    def match(self, painted: Float, offset: Float, rng: np.random.Generator) -> tuple[Float, Float]:
        """Return better offsets, (h, w, 2) px, and how well each target's patch fits, (h, w)."""
        wanted = _patches(painted)[self.target].astype(np.float32) @ self.basis
        if self.target.size * self.source.size <= _BRUTE_PAIRS:
            found, miss = self._compare_all(wanted)
        else:
            found, miss = self._search(wanted, offset, rng)
        height, width = self.mask.shape
        row, column = np.divmod(self.target, width)
        to_row, to_column = np.divmod(self.source[found], width)
        result = np.zeros((height, width, 2), np.float32)
        result[row, column, 0] = to_column - column
        result[row, column, 1] = to_row - row
        spread = np.quantile(miss, 0.75) + 1e-3
        quality = np.zeros((height, width), np.float32)
        quality[row, column] = np.exp(-miss / (2 * spread)) + 1e-4
        return result, quality

    def _compare_all(self, wanted: Float) -> tuple[Index, Float]:
        found = np.empty(self.target.size, np.int64)
        miss = np.empty(self.target.size, np.float32)
        square = (self.features**2).sum(axis=1)
        for start in range(0, self.target.size, 512):
            part = wanted[start : start + 512]
            distance = square - 2 * (part @ self.features.T)
            best = distance.argmin(axis=1)
            found[start : start + 512] = best
            miss[start : start + 512] = distance[np.arange(len(part)), best]
        return found, np.maximum(miss + (wanted**2).sum(axis=1), 0)

    def _search(
        self, wanted: Float, offset: Float, rng: np.random.Generator
    ) -> tuple[Index, Float]:
        """Improve the offsets by those of neighbours, and by chance ever nearer to the best."""
        height, width = self.mask.shape
        row, column = np.divmod(self.target, width)
        found = np.full(self.target.size, 0, np.int64)
        miss = np.full(self.target.size, np.inf, np.float32)
        best = np.zeros((height, width, 2), np.int64)
        best[:] = np.rint(offset)

        def propose(to_column: Index, to_row: Index) -> None:
            inside = (to_row >= 0) & (to_row < height) & (to_column >= 0) & (to_column < width)
            at = np.where(inside, to_row * width + to_column, 0)
            candidate = np.where(inside, self.number[at], -1)
            ask = np.flatnonzero(candidate >= 0)
            difference = self.features[candidate[ask]] - wanted[ask]
            distance = np.einsum("nf,nf->n", difference, difference)
            better = distance < miss[ask]
            chosen = ask[better]
            miss[chosen] = distance[better]
            found[chosen] = candidate[chosen]
            best[row[chosen], column[chosen], 0] = to_column[chosen] - column[chosen]
            best[row[chosen], column[chosen], 1] = to_row[chosen] - row[chosen]

        propose(column + best[row, column, 0], row + best[row, column, 1])
        anywhere = self.source[rng.integers(0, self.source.size, self.target.size)]
        propose(anywhere % width, anywhere // width)
        for step in (8, 4, 2, 1, 1):
            for dx, dy in ((step, 0), (-step, 0), (0, step), (0, -step)):
                at = (row + dy).clip(0, height - 1), (column + dx).clip(0, width - 1)
                propose(column + best[at][:, 0], row + best[at][:, 1])
            radius = step * max(height, width) // 16
            jump = rng.integers(-radius - 1, radius + 2, (2, self.target.size))
            now = best[row, column]
            propose(column + now[:, 0] + jump[0], row + now[:, 1] + jump[1])
        return found, miss


def _vote(known: Float, painted: Float, mask: Bool, offset: Float, quality: Float) -> Float:
    """Return the picture with every masked pixel the mean of what the patches over it say."""
    height, width = mask.shape
    pixel = np.flatnonzero(mask)
    row, column = np.divmod(pixel, width)
    radius = _PATCH // 2
    total = np.zeros((pixel.size, 3), np.float32)
    weight = np.zeros(pixel.size, np.float32)
    colors = known.reshape(-1, 3)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            center = (row + dy).clip(0, height - 1), (column + dx).clip(0, width - 1)
            way = offset[center].astype(np.int64)
            at = (row + way[:, 1]).clip(0, height - 1) * width
            at += (column + way[:, 0]).clip(0, width - 1)
            share = quality[center] * ~mask.ravel()[at]
            total += colors[at] * share[:, None]
            weight += share
    result = painted.copy()
    voted = weight > 0
    result.reshape(-1, 3)[pixel[voted]] = total[voted] / weight[voted, None]
    return result


def _full_size(
    image: NDArray[np.uint8], mask: Bool, painted: Float, offset: Float
) -> NDArray[np.uint8]:
    """Return the full-size picture: colours as painted, detail from where the offsets lead."""
    height, width = mask.shape
    shape = (width, height)
    smooth = cv2.resize(painted, shape, interpolation=cv2.INTER_CUBIC)
    if painted.shape[:2] != (height, width):
        ratio = np.array(shape, np.float32) / np.array(painted.shape[1::-1], np.float32)
        way = cv2.resize(offset, shape, interpolation=cv2.INTER_NEAREST) * ratio
        grid = np.stack(
            np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)),
            axis=-1,
        )
        copied = sample_image(image, (grid + way).astype(np.float32), "linear").astype(np.float32)
        side = 2 * round(float(ratio.mean())) + 1
        smooth = smooth + copied - cv2.blur(copied, (side, side))
    result = image.copy()
    result[mask] = np.clip(np.rint(smooth[mask]), 0, 255).astype(np.uint8)
    return result
