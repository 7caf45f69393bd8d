"""The paper's guidance points on a CPU: one image a time in each thread.

The same points as `train.watershed` finds on tensors. An image of 384 x 384 fits into a core's
cache, so that threads over images are faster than tensor operations over a batch. With numba
`train.watershed_compiled` does all of it; without, OpenCV and NumPy in a few times the time. Both
let go of Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Flow: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]

LEAST_PEAK: Final = 0.01
"""Least largest response, px: a flow without any edge has none to compare with."""

ROUNDING: Final = 2.0**-16
"""Float32 responses and SciPy's differ by less than this share of the flow's longest component.

With components up to F and unit roundoff u = 2^-24 a smoothed difference is off by 36 u F at most,
the length of four of them by 72 u F, and its own roundings are 80 u F.
"""

MOST_SIDES: Final = 16_000
"""Largest height and width together for the compiled way, px: its distances are 16-bit."""

_BLOCK: Final = 8


def peaks_of_batch(flow: Flow, kernel: int, edge_share: float, *, threads: int) -> Mask:
    """Return the key points (B, H, W) bool of flows (B, 2, H, W) float32, px.

    Args:
        flow: Forward flow, px.
        kernel: K of the paper, odd, px.
        edge_share: An edge responds by more than this share of the image's largest response.
        threads: How many images to work on at once.
    """
    peaks = np.zeros((len(flow), *flow.shape[-2:]), bool)
    threads = max(1, min(threads, len(flow)))
    mark = compiled_marker()
    if mark is not None and sum(flow.shape[-2:]) <= MOST_SIDES:
        flow = np.ascontiguousarray(flow, np.float32)
        shares = (edge_share, LEAST_PEAK, edge_share * LEAST_PEAK, ROUNDING)
        limits = [np.float32(share) for share in shares]

        def work(first: int) -> None:
            mark(flow, kernel, *limits, first, threads, peaks)

    else:

        def work(first: int) -> None:
            for index in range(first, len(flow), threads):
                _mark_peaks(flow[index], kernel, edge_share, peaks[index])

    if threads == 1:
        work(0)
        return peaks
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, range(threads)):
            pass
    return peaks


@cache
def compiled_marker() -> Callable[..., None] | None:
    """Return `train.watershed_compiled.mark_peaks`, or None where numba is not installed."""
    try:
        from train.watershed_compiled import mark_peaks
    except ImportError:
        return None
    return mark_peaks


def edges_of(flow: Flow, edge_share: float) -> Mask:
    """Return the motion edges (H, W) bool of a flow (2, H, W), px, as `sobel_edges` does.

    OpenCV rounds otherwise than SciPy; what is close to the threshold is computed again.
    """
    energy = np.zeros(flow.shape[1:], np.float32)
    slope = np.empty_like(energy)
    for component in np.ascontiguousarray(flow):
        for across, down in ((0, 1), (1, 0)):
            cv2.Sobel(
                component, cv2.CV_32F, across, down, dst=slope, borderType=cv2.BORDER_REPLICATE
            )
            cv2.accumulateSquare(slope, energy)
    response = np.sqrt(energy, out=energy)
    margin = ROUNDING * max(float(flow.max()), -float(flow.min()))
    if not np.isfinite(margin):
        return np.zeros(flow.shape[1:], bool)
    peak = _exact_responses(flow, response >= response.max() - 2 * margin).max()
    threshold = np.float32(edge_share * LEAST_PEAK)
    if peak >= np.float32(LEAST_PEAK):
        threshold = np.float32(edge_share) * peak
    edges = np.asarray(response > threshold)
    is_unsure = np.abs(np.subtract(response, threshold, out=slope), out=slope) <= margin
    edges[is_unsure] = _exact_responses(flow, is_unsure) > threshold
    return edges


def _exact_responses(flow: Flow, chosen: Mask) -> Flow:
    """Return the Sobel responses (N,) of chosen pixels as SciPy computes them.

    Differences in float32, their weighted sums in float64, squares and their sum in float32.
    """
    height, width = chosen.shape
    found_rows, found_columns = np.nonzero(chosen)
    around = np.arange(-1, 2)
    rows = np.clip(found_rows[:, None, None] + around[:, None], 0, height - 1)
    columns = np.clip(found_columns[:, None, None] + around, 0, width - 1)
    near = flow[:, rows, columns]
    energy = np.zeros(len(found_rows), np.float32)
    for component in near:
        for slope in (component[:, 2] - component[:, 0], component[..., 2] - component[..., 0]):
            wide = slope.astype(np.float64)
            energy += (2 * wide[:, 1] + (wide[:, 0] + wide[:, 2])).astype(np.float32) ** 2
    return np.sqrt(energy)


def squared_distance_of(edges: Mask) -> NDArray[np.int32] | None:
    """Return the exact squared distance to the nearest edge (H, W), px², or None without any.

    OpenCV's exact transform holds up to sides of about 4000 px in float32.
    """
    if not edges.any():
        return None
    free = np.logical_not(edges).view(np.uint8)
    distance: NDArray[np.float32] = np.asarray(
        cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
    np.multiply(distance, distance, out=distance)
    distance += np.float32(0.5)
    return distance.astype(np.int32)


def _mark_peaks(flow: Flow, kernel: int, edge_share: float, peaks: Mask) -> None:
    """Mark the key points of one flow (2, H, W) in ``peaks`` (H, W), all False before."""
    squared = squared_distance_of(edges_of(flow, edge_share))
    if squared is None:
        return
    height, width = squared.shape
    half = kernel // 2
    for row, column in zip(*_candidates(squared, half), strict=True):
        if not (0 < row < height - 1 and 0 < column < width - 1) or squared[row, column] == 0:
            continue
        window = squared[
            max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1
        ]
        peaks[row, column] = window.max() == squared[row, column]


def _candidates(squared: NDArray[np.int32], half: int) -> tuple[list[int], list[int]]:
    """Return rows and columns of all pixels that can be the largest within ``half`` px.

    Pixels are taken together in blocks. Blocks that lie in the window of every pixel of another
    block rule it out when they hold something larger.
    """
    reach = (half - _BLOCK + 1) // _BLOCK
    if reach < 1:
        window = np.ones((2 * half + 1, 2 * half + 1), np.uint8)
        values = squared.astype(np.float32)  # exact: far below 2^24
        rows, columns = np.nonzero(values == cv2.dilate(values, window))
        return rows.tolist(), columns.tolist()
    largest = _largest_of_blocks(squared)
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    highest: Any = cv2.dilate(largest.astype(np.float32), around)
    rows_found: list[int] = []
    columns_found: list[int] = []
    for row, column in np.argwhere(largest == highest).tolist():
        top, left = row * _BLOCK, column * _BLOCK
        block = squared[top : top + _BLOCK, left : left + _BLOCK]
        rows, columns = np.nonzero(block == largest[row, column])
        rows_found += (rows + top).tolist()
        columns_found += (columns + left).tolist()
    return rows_found, columns_found


def _largest_of_blocks(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the largest value of each block; blocks at the right and lower border are smaller."""
    for _ in range(2):
        size = len(values)
        if size % _BLOCK:
            values = np.pad(values, ((0, -size % _BLOCK), (0, 0)))
        largest = values[0::_BLOCK].copy()
        for row in range(1, _BLOCK):
            np.maximum(largest, values[row::_BLOCK], out=largest)
        values = np.ascontiguousarray(largest.T)
    return values
