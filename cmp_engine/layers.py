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

from cmp_engine.holes import nearest_true
from cmp_engine.jumps import BEND, bend_of, jumps_of, motion_order, range_around
from cmp_engine.matte import SOLID, SideColors, coverage_of
from cmp_engine.tidy import relaxed

Float = NDArray[np.float32]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

_STEEP: Final = 1.0
"""Bend of a step, not sharp enough for parts to come apart, that is spread."""

_SMALLEST_STEP: Final = 0.75
"""Parts that differ by less, px, need no layers."""

_SMALLEST_PART: Final = 0.25
"""The same where there is a picture to look at: part of the motion of the front part."""

_SEEN_CONTRAST: Final = 0.8
"""Contrast of the sides, see `SideColors.contrast`, from which parts may come apart."""

_SEED_WIDTH: Final = 3
"""How far beyond the band pixels count as sure, px."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The two layers where parts meet. Pixels are numbered row by row.

    Attributes:
        u: (h, w) flow; in the band that of the layer that has more of the pixel.
        v: (h, w) likewise.
        order: (h, w) order; in the band that of the layer.
        is_solid: (h * w,) False where a pixel is a mixture of both layers.
        is_back: (h * w,) True for pixels of the band that belong to the back layer alone.
        coverage: (h, w) of the front layer; defined in the band and beside it.
        rim: (n,) the mixed pixels.
        rim_u: (n,) their flow as pixels of the front layer.
        rim_v: (n,) likewise.
        rim_anchor: (n,) pixel inside the front part that each one continues.
        rim_color: (n,) nearest pixel that shows the colour of the front part unmixed.
        side: (h, w) 1 for pixels of the band that are more of the front layer, 2 for those that are
            more of the back layer, 0 elsewhere.
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
    side: NDArray[np.uint8]


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
    bend = bend_of(u, v)
    core = jumps_of(bend, u, v, reach, is_strict=guide is not None)
    band = _find_band(u, v, order, core, guide, reach)
    if guide is None:
        return None if band is None else _assemble(u, v, order, band)
    steep = bend > _STEEP**2
    if band is not None:
        tight = _placed(band.pixel, band.box, band.core.shape, u.shape)
        steep.ravel()[tight] = False
    else:
        tight = np.zeros(0, np.int64)
    loose = np.flatnonzero(steep)
    if loose.size:
        step = range_around(order, loose, reach)
        new_u, new_v = relaxed(u, v, loose=loose, tight=tight, step=step)
        order = order + (motion_order(new_u, new_v) - motion_order(u, v))
        u, v = new_u, new_v
    if band is None:
        return _one_layer(u, v, order) if loose.size else None
    return _assemble(u, v, order, band)


@dataclass(frozen=True, slots=True)
class _Band:
    """Where parts meet, on the grid of a box of the picture.

    Attributes:
        box: Of the picture.
        core: (h, w) where the flow jumps.
        pixel: (n,) flat indices of the pixels that may belong to either part.
        front: (n,) nearest pixel that is surely in front.
        back: (n,) nearest pixel that is surely behind.
        coverage: (n,) of the front layer.
        is_foreign: (n,) pixels that do not look like the back layer.
        seeds: (2, h * w) pixels that are surely in front, and behind.
    """

    box: tuple[slice, slice]
    core: Bool
    pixel: Index
    front: Index
    back: Index
    coverage: Float
    is_foreign: Bool
    seeds: Bool


def _find_band(
    u: Float, v: Float, order: Float, core: Bool, guide: NDArray[np.uint8] | None, reach: int
) -> _Band | None:
    """Return where parts come apart, and what belongs to whom there."""
    box = _box_around(core, reach + _SEED_WIDTH + 2)
    if box is None:
        return None
    core = core[box]
    shape = core.shape
    inner_order = np.ascontiguousarray(order[box])
    distance = np.asarray(
        cv2.distanceTransform((~core).view(np.uint8), cv2.DIST_L2, 5), np.float32
    ).ravel()
    zone = np.flatnonzero(distance <= reach + _SEED_WIDTH)
    middle, half_width = _middle_of_band(inner_order, core, reach)
    flat_order = inner_order.ravel()
    is_front = flat_order[zone] > middle.ravel()[zone]
    uncertain, seed = _band_and_seeds(distance, zone, is_front, shape, reach)
    seeds = np.zeros((2, core.size), np.bool_)
    seeds[0, zone[seed & is_front]] = True
    seeds[1, zone[seed & ~is_front]] = True
    if not (seeds[0].any() and seeds[1].any()):
        return None
    front_distance, front_of = nearest_true(seeds[0].reshape(shape))
    back_distance, back_of = nearest_true(seeds[1].reshape(shape))
    pixel = zone[uncertain]
    front, back = front_of[pixel], back_of[pixel]
    step = flat_order[front] - flat_order[back]
    limit = 2 * (2 * half_width + reach) + 2
    kept = np.maximum(front_distance[pixel], back_distance[pixel]) < limit
    kept &= step > _SMALLEST_STEP
    colors = None
    if guide is not None:
        kept &= step > _SMALLEST_PART * np.hypot(u[box], v[box]).ravel()[front]
        pixel = pixel[kept]
        if not pixel.size:
            return None
        inner_guide = np.ascontiguousarray(guide[box])
        block = round((reach + half_width) / 3)
        colors = SideColors.around(pixel, front_of, back_of, inner_guide, block=block)
        is_seen = _is_edge_seen(colors, pixel, shape, reach)
        colors = colors.of(np.flatnonzero(is_seen))
        kept[kept] = is_seen
    chosen = np.flatnonzero(kept)
    if not chosen.size:
        return None
    pixel, front, back, step = zone[uncertain][chosen], front[chosen], back[chosen], step[chosen]
    share = (flat_order[pixel] - flat_order[back]) / step
    if colors is not None:
        share = _smoothed(share, pixel, seeds, shape)
    signed = _signed_distance(pixel, share, shape)
    coverage, is_foreign = coverage_of(signed, reach + half_width, pixel, shape, colors)
    if colors is not None:
        coverage = _softened(coverage, pixel, seeds, shape)
    return _Band(box, core, pixel, front, back, coverage, is_foreign, seeds)


def _smoothed(share: Float, pixel: Index, seeds: Bool, size_hw: tuple[int, int]) -> Float:
    """Return what part of a pixel's surroundings goes with the front: straighter edges."""
    pair = np.zeros((*size_hw, 2), np.float32)
    flat = pair.reshape(-1, 2)
    flat[:, 0] = seeds[0]
    flat[:, 1] = seeds[0] | seeds[1]
    flat[pixel, 0] = np.clip(2 * share - 0.5, 0, 1)
    flat[pixel, 1] = 1
    mean = np.asarray(cv2.blur(pair, (5, 5), borderType=cv2.BORDER_CONSTANT)).reshape(-1, 2)[pixel]
    return np.asarray(mean[:, 0] / mean[:, 1], np.float32)


def _softened(coverage: Float, pixel: Index, seeds: Bool, size_hw: tuple[int, int]) -> Float:
    """Return coverage without steps from nothing to all, which would turn into staircases."""
    whole = seeds[0].astype(np.float32)
    whole[pixel] = coverage
    mean = np.asarray(cv2.blur(whole.reshape(size_hw), (3, 3)), np.float32).ravel()[pixel]
    mean += coverage
    mean *= 0.5
    mean[mean > SOLID] = 1
    mean[mean < 1 - SOLID] = 0
    return mean


def _is_edge_seen(colors: SideColors, pixel: Index, size_hw: tuple[int, int], reach: int) -> Bool:
    """Return where the picture has an edge that parts could come apart at, (n,)."""
    pair = np.zeros((*size_hw, 2), np.float32)
    flat = pair.reshape(-1, 2)
    flat[pixel, 0] = np.minimum(colors.contrast(), 2 * _SEEN_CONTRAST)
    flat[pixel, 1] = 1
    side = 4 * reach + 1
    mean = np.asarray(cv2.blur(pair, (side, side), borderType=cv2.BORDER_CONSTANT)).reshape(-1, 2)
    seen: Bool = mean[pixel, 0] > _SEEN_CONTRAST * mean[pixel, 1]
    return seen


def _placed(
    pixel: Index, box: tuple[slice, slice], inner_hw: tuple[int, int], size_hw: tuple[int, ...]
) -> Index:
    """Return flat indices on the whole grid from those on the grid of a box."""
    row, column = np.divmod(pixel, inner_hw[1])
    placed: Index = (row + box[0].start) * size_hw[1] + column + box[1].start
    return placed


def _one_layer(u: Float, v: Float, order: Float) -> Layers:
    """Return layers without a rim."""
    none = np.zeros(0, np.int64)
    return Layers(
        u=np.ascontiguousarray(u, np.float32),
        v=np.ascontiguousarray(v, np.float32),
        order=order,
        is_solid=np.ones(u.size, np.bool_),
        is_back=np.zeros(u.size, np.bool_),
        coverage=np.zeros(u.shape, np.float32),
        rim=none,
        rim_u=np.zeros(0, np.float32),
        rim_v=np.zeros(0, np.float32),
        rim_anchor=none,
        rim_color=none,
        side=np.zeros(u.shape, np.uint8),
    )


def _box_around(mask: Bool, margin: int) -> tuple[slice, slice] | None:
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _middle_of_band(order: Float, core: Bool, reach: int) -> tuple[Float, float]:
    """Return the mean order of the nearby band, (h, w), and half the width of the band, px."""
    inner = cv2.distanceTransform(core.view(np.uint8), cv2.DIST_L2, 5)
    # Without any pixel outside there is no distance: OpenCV then answers a huge number.
    half_width = _mostly_below(np.minimum(np.asarray(inner, np.float32)[core], max(core.shape)))
    side = 2 * (int(np.ceil(half_width)) + reach + _SEED_WIDTH) + 1
    pair = np.empty((*core.shape, 2), np.float32)
    pair[..., 1] = core
    np.multiply(order, pair[..., 1], out=pair[..., 0])
    total = np.asarray(cv2.blur(pair, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
    middle = total[..., 0]
    middle /= np.maximum(total[..., 1], 1e-6)
    return middle, half_width


def _mostly_below(distances: Float) -> float:
    """Return what 95 of 100 distances, px, are at most, to a whole px."""
    count = np.bincount(np.ceil(distances).astype(np.int64))
    return float(np.searchsorted(np.cumsum(count), 0.95 * distances.size))


def _band_and_seeds(
    distance: Float, zone: Index, is_front: Bool, shape: tuple[int, int], reach: int
) -> tuple[Bool, Bool]:
    """Return which pixels of the zone are uncertain, and which beside them are sure.

    The band is wider than the core by ``reach``, but leaves the middle of thin parts alone.
    """
    away = distance[zone]
    kernel = np.ones((2 * reach + 3, 2 * reach + 3), np.uint8)
    limit = np.full(zone.shape, np.float32(reach))
    for side in (is_front, ~is_front):
        depth = np.zeros(shape, np.float32)
        chosen = np.flatnonzero(side & (away > 0))
        depth.ravel()[zone[chosen]] = away[chosen]
        deepest = np.asarray(cv2.dilate(depth, kernel)).ravel()[zone[chosen]]
        limit[chosen] = np.minimum(limit[chosen], np.float32(0.6) * deepest)
    band = (away == 0) | (away < limit)
    seed = ~band & (away <= limit + _SEED_WIDTH)
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


def _continued(u: Float, v: Float, band: _Band, anchor: Index) -> tuple[Float, Float]:
    """Return the flow of one side continued across its border: mirrored about nearest anchors.

    Odd about the anchor, so that slopes go on. Where the mirror image falls on another part, the
    anchor's flow itself.

    Args:
        u: (h * w,) flow on the grid of the box.
        v: (h * w,) likewise.
        band: Whose pixels are asked for.
        anchor: (n,) flat index of the nearest sure pixel of the side.
    """
    height, width = band.core.shape
    row, column = np.divmod(anchor, width)
    pixel_row, pixel_column = np.divmod(band.pixel, width)
    away_row, away_column = row - pixel_row, column - pixel_column
    inner_row, inner_column = row + away_row, column + away_column
    valid = (inner_row >= 0) & (inner_row < height) & (inner_column >= 0) & (inner_column < width)
    inner = np.where(valid, inner_row * width + inner_column, anchor)
    valid &= ~band.core.ravel()[inner]
    own_u, own_v = u[anchor], v[anchor]
    slope_u, slope_v = own_u - u[inner], own_v - v[inner]
    away = np.hypot(away_row, away_column)
    valid &= np.maximum(np.abs(slope_u), np.abs(slope_v)) <= BEND * away + 0.25
    own_u += np.where(valid, slope_u, np.float32(0))
    own_v += np.where(valid, slope_v, np.float32(0))
    return own_u, own_v


def _assemble(u: Float, v: Float, order: Float, band: _Band) -> Layers:
    shape, box = band.core.shape, band.box
    inner_u, inner_v, inner_order = (
        np.ascontiguousarray(values[box]).ravel() for values in (u, v, order)
    )
    front_u, front_v = _continued(inner_u, inner_v, band, band.front)
    back_u, back_v = _continued(inner_u, inner_v, band, band.back)
    pixel, coverage = band.pixel, band.coverage
    is_front = coverage >= 0.5
    front_order, back_order = inner_order[band.front], inner_order[band.back]
    inner_u[pixel] = np.where(is_front, front_u, back_u)
    inner_v[pixel] = np.where(is_front, front_v, back_v)
    inner_order[pixel] = np.where(is_front, front_order, back_order)
    is_mixed = (coverage > 0) & (coverage < 1)
    is_clean = (coverage == 0) & ~band.is_foreign
    solid = np.ones(shape, np.bool_)
    solid.ravel()[pixel] = (coverage == 1) | is_clean
    back = band.seeds[1].reshape(shape)
    back.ravel()[pixel] = is_clean
    whole = band.seeds[0].astype(np.float32)
    whole[pixel] = coverage
    rim, anchor = pixel[is_mixed], band.front[is_mixed]
    color = _unmixed(rim, anchor, whole, shape[1])
    placed = _placed(np.stack([rim, anchor, color]), box, shape, u.shape)
    full_u, full_v, full_order = u.copy(), v.copy(), order.copy()
    full_u[box], full_v[box] = inner_u.reshape(shape), inner_v.reshape(shape)
    full_order[box] = inner_order.reshape(shape)
    is_solid, is_back = np.ones(u.shape, np.bool_), np.zeros(u.shape, np.bool_)
    is_solid[box], is_back[box] = solid, back
    inner_side = np.zeros(shape, np.uint8)
    inner_side.ravel()[pixel] = np.where(is_front, 1, 2)
    side = np.zeros(u.shape, np.uint8)
    side[box] = inner_side
    full_coverage = np.zeros(u.shape, np.float32)
    full_coverage[box] = whole.reshape(shape)
    return Layers(
        u=full_u,
        v=full_v,
        order=full_order,
        is_solid=is_solid.ravel(),
        is_back=is_back.ravel(),
        coverage=full_coverage,
        rim=placed[0],
        rim_u=front_u[is_mixed],
        rim_v=front_v[is_mixed],
        rim_anchor=placed[1],
        rim_color=placed[2],
        side=side,
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
