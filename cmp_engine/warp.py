"""Forward flow to backward map, and the one resampling that makes a frame.

CMP predicts forward flow: source pixel ``p`` goes to ``p + flow(p)``. To draw a frame, each target
pixel must know its source, which is the inverse. `backward_map` finds it, says where it has none
(holes), and what to show there; `warp_image` draws.

Ways of inverting compared by the PSNR of the rendered next frame against the true one, dB, whole
frame / within 4 px of motion edges. Puppets and cut-outs of photographs over other photographs have
exact flow, also as a network of output stride 2 or 8 would give it at best; real pairs are frames 1
to 6 apart of 26 clips, with OpenCV's DIS flow, or the default network's from 12 points.
``python -m tests.benchmarks.bench_warp --quality``, which prints more rows and columns; 2-core AMD
EPYC, OpenCV 5.0, 2026-11-23:

================== ============= ============= ============= ============= =============
way                puppets       puppets / 8   cut-outs / 2  real, DIS     real, network
================== ============= ============= ============= ============= =============
negated flow       25.02 / 16.16 25.31 / 16.54 23.09 / 13.82 26.19 / 19.18 22.63 / 17.31
fixed point        24.58 / 15.98 25.18 / 16.80 23.29 / 13.73 27.03 / 19.91 22.85 / 17.58
softmax splat      28.11 / 19.69 26.09 / 17.14 26.59 / 18.01 27.63 / 20.89 22.86 / 17.64
splat, refined     31.65 / 23.29 26.00 / 17.05 26.39 / 17.56 27.58 / 20.90 22.87 / 17.63
the same, layered  31.15 / 22.58 28.53 / 19.66 29.25 / 21.75 27.14 / 19.84 22.77 / 17.51
tidied, by colour  30.10 / 21.23 27.85 / 18.80 27.57 / 19.19 26.29 / 19.01 22.74 / 17.38
================== ============= ============= ============= ============= =============

Splatting is best wherever the flow is good, and layers win on a network's soft flow by 2.5 dB. DIS
flow has no edges to part layers at, so there the plain splat is ahead. With the flow of a network
from a few arrows the error of the flow hides that of the inverse. `cmp_engine.sequence` renders
"tidied, by colour" (`cmp_engine.tidy`, ``guide``): it gives away up to 1.7 dB of the layered way to
draw outlines without the smear and the ghost lines that the others leave beside a moving head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.elements import Elements, make_elements
from cmp_engine.errors import FlowError, ImageError
from cmp_engine.holes import Fill, fill_holes
from cmp_engine.jumps import motion_order
from cmp_engine.layers import Layers, split_layers
from cmp_engine.resample import (
    pixel_grid,
    sample_field,
    sample_field_points,
    sample_image,
    sample_image_points,
)
from cmp_engine.specks import find_specks
from cmp_engine.splat import SAME_SURFACE, Surface, overlay, see
from cmp_engine.tidy import relaxation_reach

BackwardMethod = Literal["negate", "fixed_point", "splat"]

_FIXED_POINT_STEPS: Final = 12
_FIXED_POINT_RESIDUAL: Final = 0.5
_SAME_SURFACE: Final = 0.5
_ORDER_SCALE: Final = 10_000.0
_PART_OF_MOTION: Final = 0.05
_EDGE_REACH: Final = 0.018

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rim:
    """Target pixels that a moving part covers in part, along its edge; (n,) each.

    Attributes:
        index: Flat index of the pixel, row by row.
        front_xy: (n, 2) where the colour of the front layer comes from.
        back_xy: (n, 2) where the colour of the back layer comes from.
        coverage: Of the front layer, 0..1.
        is_back_hole: True where the back layer is a hole.
    """

    index: NDArray[np.int64]
    front_xy: NDArray[np.float32]
    back_xy: NDArray[np.float32]
    coverage: NDArray[np.float32]
    is_back_hole: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BackwardMap:
    """Where each pixel of a frame comes from.

    Attributes:
        map_xy: (h, w, 2) float32 source position x, y in px of the source grid, which has the same
            size. Holes too have a position: the one that fills them.
        holes: (h, w) bool, True where nothing of the source lands (disocclusions, and what came in
            over the border of the picture).
        rim: The pixels that show two layers at once, or None. The rest of the map is whole without
            it: such a pixel has the position of the layer that covers more of it.
    """

    map_xy: NDArray[np.float32]
    holes: NDArray[np.bool_]
    rim: Rim | None = None


def identity_map(height: int, width: int) -> BackwardMap:
    """Return the map that moves nothing."""
    return BackwardMap(pixel_grid(height, width), np.zeros((height, width), np.bool_))


def backward_map(
    flow: NDArray[np.float32],
    *,
    order: NDArray[np.float32] | None = None,
    method: BackwardMethod = "splat",
    fill: Fill = "stretch",
    guide: NDArray[np.uint8] | None = None,
    soft_edges: bool = True,
) -> BackwardMap:
    """Return the inverse of a forward flow.

    Args:
        flow: (h, w, 2) forward flow, dx right and dy down, px.
        order: (h, w) any finite values; of two pixels that land on one, the larger order is in
            front. None puts what moves farther in front of what moves less.
        method: ``splat`` knows what is in front and what is a hole; ``fixed_point`` iterates
            ``m = y - flow(m)``, right on smooth flow; ``negate`` is ``y - flow(y)``.
        fill: What the map shows in holes, see `cmp_engine.holes.fill_holes`.
        guide: (h, w, 3) uint8, the picture that will be warped. The edges of moving parts then
            follow its colours.
        soft_edges: Render parts that move apart as two layers with a soft edge between them
            (``splat`` only). Without, each pixel shows one source position.

    Raises:
        FlowError: The flow or the order has another shape, or values that are not finite.
    """
    flow = _check_flow(flow)
    if method not in get_args(BackwardMethod):
        raise FlowError(
            "The method must be one of {methods}, got {method!r}.",
            methods=", ".join(get_args(BackwardMethod)),
            method=method,
        )
    if order is not None:
        order = _check_order(order, flow.shape[:2])
    height, width = flow.shape[:2]
    if guide is not None:
        _check_image(guide, (height, width), "guide")
    box = _moving_box(flow, 2 if guide is None else 2 + relaxation_reach((height, width)))
    if box is None:
        return identity_map(height, width)
    reach = 1 if guide is None else edge_reach((height, width))
    u = np.ascontiguousarray(flow[(*box, 0)])
    v = np.ascontiguousarray(flow[(*box, 1)])
    if method == "splat":
        front = _front_order(u, v, None if order is None else order[box])
        layers = None
        if soft_edges:
            inner_guide = None if guide is None else guide[box]
            layers = split_layers(u, v, front, inner_guide, reach=reach)
        part = _by_splat(u, v, front, layers, fill, is_seen=guide is not None)
        if guide is not None:
            part = _without_specks(part)
    elif method == "fixed_point":
        part = _by_fixed_point(flow[box], fill)
    else:
        part = _by_negation(flow[box], fill)
    return _placed(part, box, (height, width))


def edge_reach(size_hw: tuple[int, ...]) -> int:
    """Return how far from a jump of the flow the edge in the picture may lie, px."""
    return max(3, round(_EDGE_REACH * min(size_hw)))


def moving_parts(
    flow: NDArray[np.float32],
    *,
    order: NDArray[np.float32] | None = None,
    guide: NDArray[np.uint8] | None = None,
) -> NDArray[np.bool_]:
    """Return what a background picture must replace: all that moves, and its soft edge, (h, w).

    Motion counts against that of the border of the picture, which a moving camera shifts. Where
    nothing moves apart, nothing is uncovered and nothing must be replaced.

    Args:
        flow: As for `backward_map`.
        order: As for `backward_map`.
        guide: As for `backward_map`.

    Raises:
        FlowError: As for `backward_map`.
    """
    flow = _check_flow(flow)
    border = np.concatenate([flow[0], flow[-1], flow[:, 0], flow[:, -1]])
    off = flow - np.median(border, axis=0).astype(np.float32)
    speed = np.hypot(off[..., 0], off[..., 1])
    moving: NDArray[np.bool_] = speed > max(0.25, _PART_OF_MOTION * float(speed.max()))
    u, v = np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    if order is not None:
        order = _check_order(order, flow.shape[:2])
    reach = edge_reach(moving.shape)
    layers = split_layers(u, v, _front_order(u, v, order), guide, reach=reach)
    if layers is None:
        return np.zeros(moving.shape, np.bool_)
    moving &= ~layers.is_back.reshape(moving.shape)
    moving |= ~layers.is_solid.reshape(moving.shape)
    return moving


def compose(first: BackwardMap, second: BackwardMap) -> BackwardMap:
    """Return the map of two motions: ``first`` moves the picture, ``second`` the result of it.

    Positions between two pixels of ``first`` that show the same surface are interpolated, at the
    edges of its surfaces the nearest pixel counts.

    Raises:
        FlowError: The maps are of different size.
    """
    if first.holes.shape != second.holes.shape:
        raise FlowError(
            "Maps to compose must have one size, got {first} and {second}.",
            first=first.holes.shape,
            second=second.holes.shape,
        )
    height, width = first.holes.shape
    at = second.map_xy.copy()
    np.clip(at[..., 0], 0, width - 1, out=at[..., 0])
    np.clip(at[..., 1], 0, height - 1, out=at[..., 1])
    shift = first.map_xy - pixel_grid(height, width)
    smooth = sample_field(shift, at)
    nearest = sample_field(shift, at, "nearest")
    off = np.abs(smooth - nearest)
    is_edge = np.maximum(off[..., 0], off[..., 1]) > _SAME_SURFACE
    share = sample_field(first.holes.astype(np.float32), at)
    is_edge |= (share > 0) & (share < 1)
    map_xy = second.map_xy + np.where(is_edge[..., None], nearest, smooth)
    first_holes = sample_image(first.holes.view(np.uint8), at, "nearest")
    return BackwardMap(map_xy, second.holes | first_holes.view(np.bool_))


def warp_image(
    image: NDArray[np.uint8],
    backward: BackwardMap,
    *,
    background: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return the frame: each pixel resampled once, bicubic, from where the map says.

    Args:
        image: (h, w, 3) uint8, the size of the map.
        backward: The map. Where it is the identity, the frame is the image to the bit.
        background: (h, w, 3) uint8 to take the pixels of holes from, at the map's positions; the
            map should come from ``backward_map(..., fill="behind")``. None takes the image.

    Raises:
        ImageError: A picture of another size or type than the map needs.
    """
    _check_image(image, backward.holes.shape, "image")
    frame = sample_image(image, backward.map_xy)
    behind = image
    if background is not None:
        _check_image(background, backward.holes.shape, "background")
        behind = background
        y, x = np.nonzero(backward.holes)
        if y.size:
            frame[y, x] = sample_image_points(background, backward.map_xy[y, x])
    if backward.rim is not None and backward.rim.index.size:
        _blend_rim(frame, backward.rim, image, behind)
    return frame


def _blend_rim(
    frame: NDArray[np.uint8], rim: Rim, image: NDArray[np.uint8], behind: NDArray[np.uint8]
) -> None:
    front = sample_image_points(image, rim.front_xy).astype(np.float32)
    back = sample_image_points(image, rim.back_xy)
    if behind is not image:
        hole = np.flatnonzero(rim.is_back_hole)
        if hole.size:
            back[hole] = sample_image_points(behind, rim.back_xy[hole])
    mixed = back + (front - back) * rim.coverage[:, None]
    frame.reshape(-1, 3)[rim.index] = np.rint(mixed).astype(np.uint8)


def _by_splat(
    u: Float,
    v: Float,
    order: Float,
    layers: Layers | None,
    fill: Fill,
    *,
    is_seen: bool,
) -> BackwardMap:
    if layers is None:
        elements = make_elements(u, v, order)
        surface = see(elements)
        is_back = elements.is_low
    else:
        side = layers.side if is_seen else None
        elements = make_elements(layers.u, layers.v, layers.order, side=side)
        surface = see(elements, layers.is_solid)
        is_back = layers.is_back | elements.is_low
    holes = surface.owner < 0
    map_xy = np.stack([surface.x, surface.y], axis=-1)
    seeds = is_back.take(surface.owner, mode="clip") & ~holes
    fill_holes(map_xy, holes, seeds, fill=fill)
    if layers is None or not layers.rim.size:
        return BackwardMap(map_xy, holes)
    return BackwardMap(map_xy, holes, _lay_rim(layers, elements, surface, map_xy, holes))


def _lay_rim(
    layers: Layers,
    elements: Elements,
    surface: Surface,
    map_xy: Float,
    holes: NDArray[np.bool_],
) -> Rim:
    """Return the rim as it is seen; the map and holes take it where it covers more than half."""
    width = elements.size_hw[1]
    row, column = np.divmod(layers.rim, width)
    order = elements.order[layers.rim_anchor]
    a, b, c, d = (part[layers.rim_anchor] for part in elements.inverse)
    seen = overlay(
        elements.size_hw,
        (column + layers.rim_u).astype(np.float32),
        (row + layers.rim_v).astype(np.float32),
        order,
        (a, b, c, d),
    )
    owner = surface.owner.ravel()[seen.target]
    below = np.where(owner < 0, -np.inf, elements.order[owner])
    own_x = (column[seen.element] + seen.x).astype(np.float32)
    own_y = (row[seen.element] + seen.y).astype(np.float32)
    own = np.stack([own_x, own_y], axis=-1)
    coverage = sample_field_points(layers.coverage, own)
    shown = np.flatnonzero((seen.order > below + SAME_SURFACE) & (coverage > 1 / 64))
    index, own, coverage = seen.target[shown], own[shown], coverage[shown]
    rim_number = seen.element[shown]
    pure = layers.rim_color[rim_number]
    front = own.copy()
    front[:, 0] += (pure % width - column[rim_number]) * (1 - coverage)
    front[:, 1] += (pure // width - row[rim_number]) * (1 - coverage)
    flat_map, flat_holes = map_xy.reshape(-1, 2), holes.ravel()
    rim = Rim(index, front, flat_map[index], coverage, flat_holes[index])
    is_front = coverage >= 0.5
    flat_map[index[is_front]] = own[is_front]
    flat_holes[index[is_front]] = False
    return rim


def _front_order(u: Float, v: Float, order: Float | None) -> Float:
    front = motion_order(u, v)
    if order is not None:
        low, high = float(order.min()), float(order.max())
        if high > low:
            front += (order - np.float32(low)) * np.float32(_ORDER_SCALE / (high - low))
    return front


def _by_fixed_point(flow: Float, fill: Fill) -> BackwardMap:
    height, width = flow.shape[:2]
    grid = pixel_grid(height, width)
    map_xy = grid - flow
    for _ in range(_FIXED_POINT_STEPS):
        moved = sample_field(flow, map_xy)
        map_xy = grid - moved
    moved = sample_field(flow, map_xy)
    off = np.abs(map_xy + moved - grid)
    missed: NDArray[np.bool_] = np.maximum(off[..., 0], off[..., 1]) > _FIXED_POINT_RESIDUAL
    holes = missed | _is_outside(map_xy)
    fill_holes(map_xy, holes, ~holes, fill=fill)
    return BackwardMap(map_xy, holes)


def _by_negation(flow: Float, fill: Fill) -> BackwardMap:
    map_xy = pixel_grid(*flow.shape[:2]) - flow
    holes = _is_outside(map_xy)
    fill_holes(map_xy, holes, ~holes, fill=fill)
    return BackwardMap(map_xy, holes)


def _without_specks(part: BackwardMap) -> BackwardMap:
    """Return a map whose single wrong pixels go the way of those around them."""
    specks, instead = find_specks(part.map_xy)
    if not len(specks):
        return part
    row, column = np.divmod(specks, part.holes.shape[1])
    part.map_xy[row, column] = instead
    filtered = cv2.medianBlur(part.holes.view(np.uint8), 5).view(np.bool_)
    part.holes[row, column] = filtered[row, column]
    if part.rim is None:
        return part
    rim = part.rim
    kept = ~np.isin(rim.index, specks)
    return replace(
        part,
        rim=Rim(
            rim.index[kept],
            rim.front_xy[kept],
            rim.back_xy[kept],
            rim.coverage[kept],
            rim.is_back_hole[kept],
        ),
    )


def _placed(part: BackwardMap, box: tuple[slice, slice], size_hw: tuple[int, int]) -> BackwardMap:
    """Return the map of the whole picture from the map of a box of it."""
    whole = identity_map(*size_hw)
    corner = np.array((box[1].start, box[0].start), np.float32)
    whole.map_xy[box] = part.map_xy + corner
    whole.holes[box] = part.holes
    if part.rim is None:
        return whole
    row, column = np.divmod(part.rim.index, part.holes.shape[1])
    index = (row + box[0].start) * size_hw[1] + column + box[1].start
    rim = replace(
        part.rim,
        index=index,
        front_xy=part.rim.front_xy + corner,
        back_xy=part.rim.back_xy + corner,
    )
    return replace(whole, rim=rim)


def _is_outside(map_xy: Float) -> NDArray[np.bool_]:
    height, width = map_xy.shape[:2]
    x, y = map_xy[..., 0], map_xy[..., 1]
    outside: NDArray[np.bool_] = (x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)
    return outside


def _moving_box(flow: Float, margin: int) -> tuple[slice, slice] | None:
    """Return a box that holds every moving pixel where it was and where it goes, and a margin."""
    height, width = flow.shape[:2]
    moving = (flow[..., 0] != 0) | (flow[..., 1] != 0)
    rows = np.flatnonzero(moving.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(moving.any(axis=0))
    part = flow[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    reach = [max(0.0, float(part[..., axis].max())) for axis in (0, 1)]
    back = [min(0.0, float(part[..., axis].min())) for axis in (0, 1)]
    left = max(0, int(np.floor(columns[0] + back[0])) - margin)
    top = max(0, int(np.floor(rows[0] + back[1])) - margin)
    right = min(width, int(np.ceil(columns[-1] + reach[0])) + margin + 1)
    bottom = min(height, int(np.ceil(rows[-1] + reach[1])) + margin + 1)
    return slice(top, bottom), slice(left, right)


def _check_flow(flow: NDArray[np.float32]) -> Float:
    if flow.ndim != 3 or flow.shape[2] != 2 or 0 in flow.shape:
        raise FlowError("Flow must have shape (height, width, 2), got {shape}.", shape=flow.shape)
    flow = np.ascontiguousarray(flow, np.float32)
    if not np.isfinite(flow).all():
        raise FlowError("Flow must be finite everywhere, got NaN or infinity.")
    return flow


def _check_order(order: NDArray[np.float32], size_hw: tuple[int, ...]) -> Float:
    if order.shape != size_hw:
        raise FlowError(
            "The order must have the flow's size {size_hw}, got {shape}.",
            size_hw=size_hw,
            shape=order.shape,
        )
    order = np.ascontiguousarray(order, np.float32)
    if not np.isfinite(order).all():
        raise FlowError("The order must be finite everywhere, got NaN or infinity.")
    return order


def _check_image(image: NDArray[np.uint8], size_hw: tuple[int, ...], name: str) -> None:
    if image.dtype != np.uint8 or image.shape != (*size_hw, 3):
        raise ImageError(
            "The {name} must be uint8 of shape {expected}, the size of the map, got {dtype} of "
            "shape {shape}.",
            name=name,
            expected=(*size_hw, 3),
            dtype=image.dtype,
            shape=image.shape,
        )
