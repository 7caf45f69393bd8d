"""Forward flow to backward map, and the one resampling that makes a frame.

CMP predicts forward flow: source pixel ``p`` goes to ``p + flow(p)``. To draw a frame, each target
pixel must know its source, which is the inverse. `backward_map` finds it, says where it has none
(holes), and what to show there; `warp_image` draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import FlowError, ImageError
from cmp_engine.holes import Fill, fill_holes
from cmp_engine.resample import (
    pixel_grid,
    sample_field,
    sample_image,
    sample_image_points,
)
from cmp_engine.splat import see_through

BackwardMethod = Literal["negate", "fixed_point", "splat"]

_FIXED_POINT_STEPS: Final = 12
_FIXED_POINT_RESIDUAL: Final = 0.5
_SAME_SURFACE: Final = 0.5

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BackwardMap:
    """Where each pixel of a frame comes from.

    Attributes:
        map_xy: (h, w, 2) float32 source position x, y in px of the source grid, which has the same
            size. Holes too have a position: the one that fills them.
        holes: (h, w) bool, True where nothing of the source lands (disocclusions, and what came in
            over the border of the picture).
    """

    map_xy: NDArray[np.float32]
    holes: NDArray[np.bool_]


def identity_map(height: int, width: int) -> BackwardMap:
    """Return the map that moves nothing."""
    return BackwardMap(pixel_grid(height, width), np.zeros((height, width), np.bool_))


def backward_map(
    flow: NDArray[np.float32],
    *,
    order: NDArray[np.float32] | None = None,
    method: BackwardMethod = "splat",
    fill: Fill = "stretch",
) -> BackwardMap:
    """Return the inverse of a forward flow.

    Args:
        flow: (h, w, 2) forward flow, dx right and dy down, px.
        order: (h, w) any finite values; of two pixels that land on one, the larger order is in
            front. None puts what moves farther in front of what moves less.
        method: ``splat`` knows what is in front and what is a hole; ``fixed_point`` iterates
            ``m = y - flow(m)``, right on smooth flow; ``negate`` is ``y - flow(y)``.
        fill: What the map shows in holes, see `cmp_engine.holes.fill_holes`.

    Raises:
        FlowError: The flow or the order has another shape, or values that are not finite.
    """
    flow = _check_flow(flow)
    if method not in get_args(BackwardMethod):
        raise FlowError(
            f"The method must be one of {', '.join(get_args(BackwardMethod))}, got {method!r}."
        )
    if order is not None:
        order = _check_order(order, flow.shape[:2])
    height, width = flow.shape[:2]
    backward = identity_map(height, width)
    box = _moving_box(flow)
    if box is None:
        return backward
    inner = flow[box]
    inner_order = None if order is None else order[box]
    if method == "splat":
        map_xy, holes, seeds = _by_splat(inner, inner_order)
    elif method == "fixed_point":
        map_xy, holes, seeds = _by_fixed_point(inner)
    else:
        map_xy, holes, seeds = _by_negation(inner)
    fill_holes(map_xy, holes, seeds, fill=fill)
    backward.map_xy[box] = map_xy + np.array((box[1].start, box[0].start), np.float32)
    backward.holes[box] = holes
    return backward


def compose(first: BackwardMap, second: BackwardMap) -> BackwardMap:
    """Return the map of two motions: ``first`` moves the picture, ``second`` the result of it.

    Positions between two pixels of ``first`` that show the same surface are interpolated, at the
    edges of its surfaces the nearest pixel counts.

    Raises:
        FlowError: The maps are of different size.
    """
    if first.holes.shape != second.holes.shape:
        raise FlowError(
            f"Maps to compose must have one size, got {first.holes.shape} and {second.holes.shape}."
        )
    height, width = first.holes.shape
    at = second.map_xy.copy()
    np.clip(at[..., 0], 0, width - 1, out=at[..., 0])
    np.clip(at[..., 1], 0, height - 1, out=at[..., 1])
    shift = first.map_xy - pixel_grid(height, width)
    smooth = sample_field(shift, at)
    nearest = sample_field(shift, at, "nearest")
    is_edge = np.abs(smooth - nearest).max(axis=-1, keepdims=True) > _SAME_SURFACE
    map_xy = at + np.where(is_edge, nearest, smooth)
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
    if background is not None:
        _check_image(background, backward.holes.shape, "background")
        y, x = np.nonzero(backward.holes)
        if y.size:
            frame[y, x] = sample_image_points(background, backward.map_xy[y, x])
    return frame


def _by_splat(
    flow: Float, order: Float | None
) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
    if order is None:
        order = np.sqrt(flow[..., 0] ** 2 + flow[..., 1] ** 2)
        margin = 0.5
    else:
        margin = 0.02 * float(np.ptp(order))
    surface = see_through(flow, order, margin=margin)
    return surface.map_xy, surface.owner < 0, surface.seeds


def _by_fixed_point(flow: Float) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
    height, width = flow.shape[:2]
    grid = pixel_grid(height, width)
    map_xy = grid - flow
    moved = flow
    for _ in range(_FIXED_POINT_STEPS):
        moved = sample_field(flow, map_xy)
        map_xy = grid - moved
    moved = sample_field(flow, map_xy)
    missed: NDArray[np.bool_] = np.abs(map_xy + moved - grid).max(axis=-1) > _FIXED_POINT_RESIDUAL
    return map_xy, missed | _is_outside(map_xy), ~missed


def _by_negation(flow: Float) -> tuple[Float, NDArray[np.bool_], NDArray[np.bool_]]:
    map_xy = pixel_grid(*flow.shape[:2]) - flow
    outside = _is_outside(map_xy)
    return map_xy, outside, ~outside


def _is_outside(map_xy: Float) -> NDArray[np.bool_]:
    height, width = map_xy.shape[:2]
    x, y = map_xy[..., 0], map_xy[..., 1]
    outside: NDArray[np.bool_] = (x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)
    return outside


def _moving_box(flow: Float) -> tuple[slice, slice] | None:
    """Return the smallest box that holds every moving pixel where it was and where it goes."""
    height, width = flow.shape[:2]
    moving = (flow[..., 0] != 0) | (flow[..., 1] != 0)
    rows = np.flatnonzero(moving.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(moving.any(axis=0))
    part = flow[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    reach = [max(0.0, float(part[..., axis].max())) for axis in (0, 1)]
    back = [min(0.0, float(part[..., axis].min())) for axis in (0, 1)]
    left = max(0, int(np.floor(columns[0] + back[0])) - 2)
    top = max(0, int(np.floor(rows[0] + back[1])) - 2)
    right = min(width, int(np.ceil(columns[-1] + reach[0])) + 3)
    bottom = min(height, int(np.ceil(rows[-1] + reach[1])) + 3)
    return slice(top, bottom), slice(left, right)


def _check_flow(flow: NDArray[np.float32]) -> Float:
    if flow.ndim != 3 or flow.shape[2] != 2 or 0 in flow.shape:
        raise FlowError(f"Flow must have shape (height, width, 2), got {flow.shape}.")
    flow = np.ascontiguousarray(flow, np.float32)
    if not np.isfinite(flow).all():
        raise FlowError("Flow must be finite everywhere, got NaN or infinity.")
    return flow


def _check_order(order: NDArray[np.float32], size_hw: tuple[int, ...]) -> Float:
    if order.shape != size_hw:
        raise FlowError(f"The order must have the flow's size {size_hw}, got {order.shape}.")
    order = np.ascontiguousarray(order, np.float32)
    if not np.isfinite(order).all():
        raise FlowError("The order must be finite everywhere, got NaN or infinity.")
    return order


def _check_image(image: NDArray[np.uint8], size_hw: tuple[int, ...], name: str) -> None:
    if image.dtype != np.uint8 or image.shape != (*size_hw, 3):
        raise ImageError(
            f"The {name} must be uint8 of shape {(*size_hw, 3)}, the size of the map, "
            f"got {image.dtype} of shape {image.shape}."
        )
