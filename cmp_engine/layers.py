"""Parts that move apart, at their common edge: who is in front, and how much of each pixel is it.

Flow from a network or from block matching is soft where two parts meet: between them it passes
through motions that nothing has. Warped as it is, the edge of the moving part smears over the
ground, and leaves its outline behind. Here the soft band becomes two layers. Each takes the flow
of its own side, continued across the band; and each pixel of the band gets a coverage, from the
colours of the picture where they tell the sides apart, else from the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

_BEND: Final = 0.5
"""How far the Jacobian of a step may be from a rotation before the step is no longer one part."""

_SMALLEST_STEP: Final = 0.75
"""Parts that differ by less, px, need no layers."""

_COLOR_NOISE: Final = 8.0
"""Colour difference, levels of 255 per channel, that means nothing."""

_SAMPLE_STEP: Final = 9
"""How far along the edge from a pixel, px, colours of both sides are sampled."""

SOLID: Final = 0.95
"""Coverage from which a pixel belongs to the front layer alone; below 1 - SOLID to the back."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The two layers where parts meet. Arrays are flat, pixels numbered row by row.

    Attributes:
        u: (h * w,) flow; in the band that of the layer that has more of the pixel.
        v: (h * w,) likewise.
        order: (h * w,) order; in the band that of the layer.
        is_solid: (h * w,) False where a pixel is a mixture of both layers.
        is_back: (h * w,) True for pixels of the band that belong to the back layer alone.
        coverage: (h, w) of the front layer; defined in the band and beside it.
        rim: (n,) the mixed pixels.
        rim_u: (n,) their flow as pixels of the front layer.
        rim_v: (n,) likewise.
        rim_anchor: (n,) pixel inside the front part that each one continues.
        rim_color: (n,) nearest pixel that shows the colour of the front part unmixed.
    """

    u: Float
    v: Float
    order: Float
    is_solid: Bool
    is_back: Bool
    coverage: Float
    rim: Index
    rim_u: Float
    rim_v: Float
    rim_anchor: Index
    rim_color: Index


def split_layers(
    u: Float, v: Float, order: Float, guide: NDArray[np.uint8] | None, *, reach: int
) -> Layers | None:
    """Return the layers of a flow, or None where nothing moves apart.

    Args:
        u: (h, w) forward flow to the right, px.
        v: (h, w) forward flow down, px.
        order: (h, w); what is larger is in front.
        guide: (h, w, 3) the picture that moves, or None: then the coverage follows the flow.
        reach: How far beyond the band of the flow the edge in the picture may lie, px.
    """
    height, width = u.shape
    core = _bent(u, v)
    if not core.any():
        return None
    distance, nearest_core = _nearest(core)
    middle, half_width = _middle_of_band(order, core)
    zone = np.flatnonzero(distance.ravel() <= reach + 3)
    flat_order = order.ravel()
    in_core = core.ravel()[zone]
    is_front = flat_order[zone] > middle.ravel()[nearest_core[zone]]
    band, seed = _band_and_seeds(distance, zone, in_core, is_front, reach)

    seeds = np.zeros((2, height * width), np.bool_)
    seeds[0, zone[seed & is_front]] = True
    seeds[1, zone[seed & ~is_front]] = True
    if not (seeds[0].any() and seeds[1].any()):
        return None
    front_distance, front_of = _nearest(seeds[0].reshape(height, width))
    back_distance, back_of = _nearest(seeds[1].reshape(height, width))
    pixel = zone[band]
    limit = 2 * (2 * half_width + reach) + 2
    front, back = front_of[pixel], back_of[pixel]
    step = flat_order[front] - flat_order[back]
    kept = (front_distance.ravel()[pixel] < limit) & (back_distance.ravel()[pixel] < limit)
    kept &= step > _SMALLEST_STEP
    if not kept.any():
        return None
    pixel, front, back, step = pixel[kept], front[kept], back[kept], step[kept]

    share = np.clip((flat_order[pixel] - flat_order[back]) / step, 0, 1)
    signed = _signed_distance(pixel, share, (height, width))
    coverage = _coverage(signed, reach + half_width, pixel, front_of, back_of, guide)
    return _assemble(u, v, order, core, pixel, front, back, coverage, seeds)


def _bent(u: Float, v: Float) -> Bool:
    """Return where the flow does what no rigid motion does; both pixels of each such step."""
    a = u[:-1, 1:] - u[:-1, :-1]
    c = v[:-1, 1:] - v[:-1, :-1]
    b = u[1:, :-1] - u[:-1, :-1]
    d = v[1:, :-1] - v[:-1, :-1]
    a += 1
    d += 1
    # Squared distance of the matrix to the nearest rotation.
    bend = a * a
    bend += b * b
    bend += c * c
    bend += d * d
    a += d
    c -= b
    a *= a
    c *= c
    a += c
    np.sqrt(a, out=a)
    a *= 2
    bend -= a
    core = np.zeros(u.shape, np.uint8)
    core[:-1, :-1] = bend > _BEND * _BEND - 2
    dilated = cv2.dilate(core, np.ones((2, 2), np.uint8), anchor=(1, 1))
    return np.asarray(dilated).view(np.bool_)


def _nearest(mask: Bool) -> tuple[Float, Index]:
    """Return the distance to the nearest True pixel, (h, w) px, and its flat index, (h * w,)."""
    inverted = (~mask).view(np.uint8)
    distance, labels = cv2.distanceTransformWithLabels(
        inverted, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    pixel = np.flatnonzero(mask)
    table = np.zeros(int(labels.max()) + 1, np.int64)
    table[labels.ravel()[pixel]] = pixel
    return np.asarray(distance, np.float32), table[labels.ravel()]


def _middle_of_band(order: Float, core: Bool) -> tuple[Float, float]:
    """Return the mean order across the band, (h, w), and half the width of the band, px."""
    inner = cv2.distanceTransform(core.view(np.uint8), cv2.DIST_L2, 5)
    half_width = float(np.percentile(inner[core], 95))
    side = 2 * int(np.ceil(half_width)) + 1
    weight = core.astype(np.float32)
    total = cv2.boxFilter(order * weight, -1, (side, side), normalize=False)
    count = cv2.boxFilter(weight, -1, (side, side), normalize=False)
    return np.asarray(total / np.maximum(count, 1), np.float32), half_width


def _band_and_seeds(
    distance: Float, zone: Index, in_core: Bool, is_front: Bool, reach: int
) -> tuple[Bool, Bool]:
    """Return which pixels of the zone are uncertain, and which beside them are sure.

    The band is wider than the core by ``reach``, but leaves the middle of thin parts alone.
    """
    away = distance.ravel()[zone]
    kernel = np.ones((2 * reach + 3, 2 * reach + 3), np.uint8)
    limit = np.full(zone.shape, np.float32(reach))
    for side in (is_front, ~is_front):
        depth = np.zeros(distance.shape, np.float32)
        chosen = side & ~in_core
        depth.ravel()[zone[chosen]] = away[chosen]
        deepest = np.asarray(cv2.dilate(depth, kernel)).ravel()[zone[chosen]]
        limit[chosen] = np.minimum(limit[chosen], np.float32(0.6) * deepest)
    band = in_core | (away < limit)
    seed = ~band & (away <= limit + 3)
    return band, seed


def _signed_distance(pixel: Index, share: Float, size_hw: tuple[int, int]) -> Float:
    """Return the distance of the band's pixels to its middle, px, positive in front."""
    is_front = share > 0.5
    side = np.zeros(size_hw, np.uint8)
    side.ravel()[pixel] = 1 + is_front
    to_back = cv2.distanceTransform((side != 1).view(np.uint8), cv2.DIST_L2, 5)
    to_front = cv2.distanceTransform((side != 2).view(np.uint8), cv2.DIST_L2, 5)
    signed = np.where(is_front, to_back.ravel()[pixel] - 0.5, 0.5 - to_front.ravel()[pixel])
    return np.asarray(signed, np.float32)


def _color_coverage(
    pixel: Index, front_of: Index, back_of: Index, guide: NDArray[np.uint8]
) -> tuple[Float, Float]:
    """Return the coverage that the colours suggest, and how far it can be trusted, 0..1 each.

    A pixel is explained as a mixture of a colour that is sure to be the front part's and one that
    is sure to be behind, the best of nine pairs: the nearest of each side and some along the edge.
    """
    height, width = guide.shape[:2]
    colors = np.asarray(cv2.blur(guide, (3, 3))).reshape(-1, 3)
    own = guide.reshape(-1, 3)[pixel].astype(np.float32)
    row, column = np.divmod(pixel, width)
    front_row, front_column = np.divmod(front_of[pixel], width)
    back_row, back_column = np.divmod(back_of[pixel], width)
    across = np.stack([front_row - back_row, front_column - back_column]).astype(np.float32)
    across *= _SAMPLE_STEP / np.maximum(np.hypot(across[0], across[1]), 1)
    along_row, along_column = np.rint(across[1]).astype(int), np.rint(-across[0]).astype(int)
    samples: list[list[Float]] = []
    for side in (front_of, back_of):
        samples.append([])
        for step in (0, 1, -1):
            beside = np.clip(row + step * along_row, 0, height - 1) * width
            beside += np.clip(column + step * along_column, 0, width - 1)
            samples[-1].append(colors[side[beside]].astype(np.float32))
    best = np.full(pixel.shape, np.inf, np.float32)
    coverage = np.zeros(pixel.shape, np.float32)
    trust = np.zeros(pixel.shape, np.float32)
    for front in samples[0]:
        for back in samples[1]:
            difference = front - back
            off = own - back
            contrast = (difference * difference).sum(axis=1)
            share = np.clip((off * difference).sum(axis=1) / (contrast + 1), 0, 1)
            off -= difference * share[:, None]
            miss = (off * off).sum(axis=1)
            score = (miss + _COLOR_NOISE**2) / (contrast + 1)
            better = score < best
            best[better] = score[better]
            coverage[better] = share[better]
            noise = 4 * (miss + 3 * _COLOR_NOISE**2)
            trust[better] = (contrast / (contrast + noise))[better]
    return coverage, trust


def _coverage(
    signed: Float,
    width: float,
    pixel: Index,
    front_of: Index,
    back_of: Index,
    guide: NDArray[np.uint8] | None,
) -> Float:
    """Return the coverage of the band's pixels by the front layer, 0..1."""
    coverage: Float = np.clip(0.5 + signed / 2, 0, 1)
    if guide is None:
        return coverage
    by_color, trust = _color_coverage(pixel, front_of, back_of, guide)
    trust *= np.clip((1 - np.abs(signed) / width) * 3, 0, 1)
    by_color = np.clip((by_color - 0.1) / 0.8, 0, 1)
    coverage += trust * (by_color - coverage)
    coverage[coverage > SOLID] = 1
    coverage[coverage < 1 - SOLID] = 0
    return coverage


def _continued(
    values: Float, pixel: Index, anchor: Index, core: Bool, shape: tuple[int, int]
) -> Float:
    """Return values of one side continued across its border: mirrored about the nearest anchor.

    Odd about the anchor, so that slopes go on. Where the mirror image falls on another part, the
    anchor's value itself.
    """
    height, width = shape
    row, column = np.divmod(anchor, width)
    pixel_row, pixel_column = np.divmod(pixel, width)
    inner_row, inner_column = 2 * row - pixel_row, 2 * column - pixel_column
    valid = (inner_row >= 0) & (inner_row < height) & (inner_column >= 0) & (inner_column < width)
    inner = np.where(valid, inner_row * width + inner_column, anchor)
    away = np.hypot(row - pixel_row, column - pixel_column)
    slope = values[anchor] - values[inner]
    valid &= ~core.ravel()[inner] & (np.abs(slope) <= _BEND * away + 0.25)
    continued: Float = values[anchor] + np.where(valid, slope, np.float32(0))
    return continued


def _assemble(
    u: Float,
    v: Float,
    order: Float,
    core: Bool,
    pixel: Index,
    front: Index,
    back: Index,
    coverage: Float,
    seeds: Bool,
) -> Layers:
    shape = (u.shape[0], u.shape[1])
    flat = {"u": u.ravel(), "v": v.ravel()}
    in_front = {k: _continued(value, pixel, front, core, shape) for k, value in flat.items()}
    behind = {k: _continued(value, pixel, back, core, shape) for k, value in flat.items()}
    is_front = coverage >= 0.5
    layered = {}
    for key, value in flat.items():
        layered[key] = value.copy()
        layered[key][pixel] = np.where(is_front, in_front[key], behind[key])
    flat_order = order.ravel()
    layered_order = flat_order.copy()
    layered_order[pixel] = np.where(is_front, flat_order[front], flat_order[back])
    is_mixed = (coverage > 0) & (coverage < 1)
    # Pixels of the background right beside the part have something of its colour too.
    stained = np.zeros(shape, np.uint8)
    stained.ravel()[pixel[coverage > 0]] = 1
    stained = np.asarray(cv2.dilate(stained, np.ones((5, 5), np.uint8)), np.uint8)
    is_clean = stained.ravel()[pixel] == 0
    is_solid = np.ones(u.size, np.bool_)
    is_solid[pixel] = (coverage == 1) | ((coverage == 0) & is_clean)
    is_back = seeds[1].copy()
    is_back[pixel] = (coverage == 0) & is_clean
    whole = seeds[0].astype(np.float32)
    whole[pixel] = coverage
    rim, anchor = pixel[is_mixed], front[is_mixed]
    return Layers(
        u=layered["u"],
        v=layered["v"],
        order=layered_order,
        is_solid=is_solid,
        is_back=is_back,
        coverage=whole.reshape(shape),
        rim=rim,
        rim_u=in_front["u"][is_mixed],
        rim_v=in_front["v"][is_mixed],
        rim_anchor=anchor,
        rim_color=_unmixed(rim, anchor, whole, shape[1]),
    )


def _unmixed(rim: Index, anchor: Index, coverage: Float, width: int) -> Index:
    """Return for each pixel the nearest on the way to its anchor that the front covers wholly."""
    row, column = np.divmod(rim, width)
    anchor_row, anchor_column = np.divmod(anchor, width)
    found = anchor.copy()
    for part in (0.75, 0.5, 0.25):
        at_row = np.rint(row + part * (anchor_row - row)).astype(np.int64)
        at_column = np.rint(column + part * (anchor_column - column)).astype(np.int64)
        at = at_row * width + at_column
        is_whole = coverage[at] >= 1
        found[is_whole] = at[is_whole]
    return found
