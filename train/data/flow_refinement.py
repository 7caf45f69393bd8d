"""Mends flow where the pictures can't tell: plain areas beside what moves.

An estimator spreads the motion of an object over the plain wall behind it, forwards and backwards
alike, so that the way there and back again looks trustworthy. A network that learns from it moves
walls. Here such pixels get the flow of those around them that are sure, across as little change
of colour as possible: the wall that of the wall, the plain shirt that of its folds.

Sure to move is where the pictures fit better moved than unmoved; sure to stand is where the
estimator says so. Own choice; the filter is the recursive one of Gastal and Oliveira, "Domain
Transform for Edge-Aware Image and Video Processing", 2011, eq. (21), on flow times sureness, and
on sureness.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.flow_estimation import (
    Flow,
    Image,
    drifts,
    undo_camera,
    with_camera,
    without_camera,
)
from train.data.video import MeasuredPair

Float: TypeAlias = NDArray[np.float32]

_STILL_PX: Final = 0.5  # at short side 384
_FIT_LEVELS: Final = 2.0  # by how much better the moved picture must fit, 0..255
_SPREAD: Final = 0.15  # of the filter, in short sides
_COLOR: Final = 0.12  # a change of colour, 0..1 summed over channels, that costs one spread
_PASSES: Final = 3
_TEXTURE_LEVELS: Final = 4.0
_PLAIN_WEIGHT: Final = 0.02
_MAJORITY: Final = 0.8  # of what stands or what moves, among the sure pixels that one hears of
_LEAST_WEIGHT: Final = 1e-4  # of sure pixels among those that a pixel hears of
_AGREEMENT_PX: Final = 0.7  # standard deviation that still counts as agreement, at 384
_AGREEMENT_SHARE: Final = 0.3  # and the share of the length that may come on top


def refine_flow(
    flow: Flow, valid: NDArray[np.bool_], image: Image, next_image: Image
) -> tuple[Flow, NDArray[np.bool_]]:
    """Return the mended flow, and where it can be trusted.

    Args:
        flow: (H, W, 2) forward flow, px, camera motion removed.
        valid: (H, W) bool, where the way there and back again agrees.
        image: (H, W, 3) uint8 RGB on the same grid.
        next_image: (H, W, 3) uint8 RGB, camera motion removed.

    Returns:
        (H, W, 2) flow, px: the given one where it is sure, else filled in; and (H, W) bool: sure
        pixels, and filled ones whose sure neighbours agree. So background that is about to be
        covered counts as still again.
    """
    sure = np.where(valid, sureness(flow, image, next_image), np.float32(0))
    scale = 384 / min(flow.shape[:2])
    length = np.hypot(flow[..., 0], flow[..., 1])
    is_still = length * scale < _STILL_PX
    still, moving = (sure * is_still)[..., None], (sure * ~is_still)[..., None]
    parts = [still, still * flow, moving, moving * flow, moving * np.square(length)[..., None]]
    heard = _spread(np.concatenate(parts, -1).astype(np.float32), image)
    still_weight, moving_weight = heard[..., 0], heard[..., 3]
    total = still_weight + moving_weight
    share = still_weight / np.maximum(total, _LEAST_WEIGHT)
    still_flow = heard[..., 1:3] / np.maximum(still_weight, _LEAST_WEIGHT)[..., None]
    average = heard[..., 4:7] / np.maximum(moving_weight, _LEAST_WEIGHT)[..., None]
    longest = np.square(average[..., :2]).sum(-1)
    spread = np.sqrt(np.maximum(average[..., 2] - longest, 0))
    agrees = spread < _AGREEMENT_PX / scale + _AGREEMENT_SHARE * np.sqrt(longest)
    stands = share > _MAJORITY
    moves = (share < 1 - _MAJORITY) & agrees
    filled = np.where(stands[..., None], still_flow, average[..., :2])
    mended = np.where((sure == 1)[..., None], flow, filled).astype(np.float32)
    return mended, (sure == 1) | ((stands | moves) & (total > _LEAST_WEIGHT))


def refine_pair(pair: MeasuredPair) -> MeasuredPair:
    """Return a measured pair with its flow mended both ways; the camera's motion stays in it."""
    flows, valid = np.empty_like(pair.flows), np.empty_like(pair.valid)
    for way in range(2):
        image, following = pair.images[way], pair.images[1 - way]
        flow, camera = pair.flows[way], pair.cameras[way]
        has_drift = drifts(flow)
        if has_drift:
            flow, following = without_camera(flow, camera), undo_camera(following, camera)
        flow, valid[way] = refine_flow(flow, pair.valid[way], image, following)
        flows[way] = with_camera(flow, camera) if has_drift else flow
    return replace(pair, flows=flows, valid=valid)


def sureness(flow: Flow, image: Image, next_image: Image) -> Float:
    """Return how far the pictures bear the flow out (H, W) in 0..1.

    1 where the estimator says that nothing moves, and where the pictures fit better moved and the
    pixel has texture on both sides. A plain pixel that fits better moved counts little: beside an
    edge, nobody knows which side owns it, and background that is about to be covered fits, too.
    """
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    moved = cv2.remap(next_image, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    unmoved_misfit = _misfit(image, next_image)
    moved_misfit = _misfit(image, np.asarray(moved, np.uint8))
    length = np.hypot(flow[..., 0], flow[..., 1]) * (384 / min(height, width))
    stands = length < _STILL_PX
    moves = unmoved_misfit - moved_misfit > np.maximum(_FIT_LEVELS, 0.2 * unmoved_misfit)
    is_sure = stands | (moves & (_texture(image) > _TEXTURE_LEVELS))
    return np.where(is_sure, 1, np.where(moves, _PLAIN_WEIGHT, 0)).astype(np.float32)


def _texture(image: Image) -> Float:
    """Return the weaker of the changes to both sides, along the better axis (H, W), 0..255."""
    grey = image.astype(np.float32).mean(-1)
    padded = np.pad(grey, 1, mode="edge")
    rows, columns = padded[:, 1:-1], padded[1:-1]
    along_x = np.minimum(np.abs(grey - columns[:, :-2]), np.abs(grey - columns[:, 2:]))
    along_y = np.minimum(np.abs(grey - rows[:-2]), np.abs(grey - rows[2:]))
    return np.asarray(np.maximum(along_x, along_y), np.float32)


def _misfit(first: Image, second: Image) -> Float:
    """Return how much two pictures differ about each pixel (H, W), 0..255."""
    difference = cv2.absdiff(first, second).astype(np.float32).mean(-1)
    return np.asarray(cv2.blur(difference, (3, 3)), np.float32)


def _spread(values: Float, image: Image) -> Float:
    """Return values (H, W, C) blurred over the picture, hardly across changes of colour."""
    size = _SPREAD * min(image.shape[:2])
    color = image.astype(np.float32) / 255
    costs = []
    for axis in (0, 1):
        step = np.abs(np.diff(color, axis=axis)).sum(-1)
        costs.append(1 + size / _COLOR * np.maximum(step - 0.02, 0))
    result = values
    for number in range(_PASSES):
        # Falling widths that together have the wanted variance: eq. (14) of the source.
        width = size * np.sqrt(3) * 2 ** (_PASSES - number - 1) / np.sqrt(4**_PASSES - 1)
        base = np.exp(-np.sqrt(2) / width)
        for axis in (1, 0):
            keep = np.power(base, costs[axis], dtype=np.float32)
            result = _run(result, keep, axis)
    return result


def _run(values: Float, keep: Float, axis: int) -> Float:
    """Return values after a recursive pass there and back along an axis."""
    lines = np.ascontiguousarray(np.moveaxis(values, axis, 0))
    share = np.ascontiguousarray(np.moveaxis(keep, axis, 0))[..., None]
    for index in range(1, len(lines)):
        lines[index] += share[index - 1] * (lines[index - 1] - lines[index])
    for index in range(len(lines) - 2, -1, -1):
        lines[index] += share[index] * (lines[index + 1] - lines[index])
    return np.moveaxis(lines, 0, axis)
