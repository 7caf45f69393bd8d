"""The paper's guidance points on a CPU, compiled by numba: the same points as SciPy finds, faster.

Three thoughts save the time:

- Sobel responses are computed in float32. Only where one comes close to the threshold it is
  computed again as SciPy does, rounding for rounding.
- Of the distance transform only its first half is computed everywhere: the distance to the nearest
  edge in the same column, which vectorizes. The other half, over the columns of a row, is asked
  for at single pixels.
- Distance changes by at most 1 px from a pixel to the next. So the distance at the centre of a
  block bounds it over the block, and most blocks can hold no peak.

Functions take their arrays as views of rows, and compare non-negative floats by their bits, where
that makes loops vectorize. All is in one module, since numba's files do not notice a change in
another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Shorts: TypeAlias = NDArray[np.int16]
Integers: TypeAlias = NDArray[np.int32]
Integer: TypeAlias = "int | np.int32 | np.int64"
Places: TypeAlias = NDArray[np.int64]
FunctionT = TypeVar("FunctionT", bound=Callable[..., object])

_PAD: Final = 32  # values at the end of each row of distances, so that loops over it run in whole
_LARGE: Final = 2**31 - 1


def compiled(function: FunctionT) -> FunctionT:
    """Compile a function; the result is kept on disk where there is a place for it."""
    try:
        made = njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder can be written
        made = njit(nogil=True, error_model="numpy")(function)
    return cast(FunctionT, made)


@compiled
def mark_peaks(
    flows: Floats,
    kernel: int,
    edge_share: np.float32,
    least_peak: np.float32,
    least_edge: np.float32,
    rounding: np.float32,
    first: int,
    step: int,
    peaks: NDArray[np.bool_],
) -> None:
    """Mark the key points of every ``step``-th flow from ``first`` on.

    Args:
        flows: (B, 2, H, W) contiguous, px; H + W is 16,000 at most, for distances are 16-bit.
        kernel: K of the paper, odd, px.
        edge_share: An edge responds by more than this share of the image's largest response.
        least_peak: Where the largest response is lower, px, ``least_edge`` is the threshold, px.
        least_edge: See ``least_peak``.
        rounding: Share of the longest component that a response in float32 may be off.
        first: Number of the first flow.
        step: From one flow to the next.
        peaks: (B, H, W), all False before.
    """
    _, _, height, width = flows.shape
    energy = np.empty((height, width), np.float32)
    distance = np.empty((height, width + _PAD), np.int16)
    highest = np.empty(height, np.float32)
    sums = np.empty((2, width + 2), np.float32)
    for index in range(first, len(flows), step):
        flow = flows[index]
        longest = _sobel(flow, energy, highest, sums)
        if not longest < np.inf:
            continue
        margin = np.float32(longest * rounding)
        peak = _largest_response(flow, energy, highest, margin)
        threshold = np.float32(edge_share * peak) if peak >= least_peak else least_edge
        if _distance_along_columns(flow, energy, threshold, margin, distance):
            _search(distance, kernel // 2, peaks[index])


@compiled
def _largest_bits(bits: Integers) -> Integer:
    """Return the bits of the longest of some floats."""
    best = np.int32(0)
    for x in range(len(bits)):
        value = np.int32(bits[x] & np.int32(0x7FFFFFFF))
        best = value if value > best else best
    return best


@compiled
def _sobel(flow: Floats, energy: Floats, highest: Floats, sums: Floats) -> np.float32:
    """Write the squared Sobel responses (H, W), and the largest of each row.

    Returns:
        The length of the longest component of the flow, px.
    """
    _, height, width = flow.shape
    bits, flow_bits, highest_bits = (
        energy.view(np.int32),
        flow.view(np.int32),
        highest.view(np.int32),
    )
    smooth, slope = sums[0], sums[1]
    longest = np.zeros(1, np.int32)
    for y in range(height):
        out = energy[y]
        for component in range(2):
            above = flow[component, max(y - 1, 0)]
            here = flow[component, y]
            below = flow[component, min(y + 1, height - 1)]
            smooth_inside, slope_inside = smooth[1:], slope[1:]
            for x in range(width):
                smooth_inside[x] = (above[x] + below[x]) + (here[x] + here[x])
                slope_inside[x] = below[x] - above[x]
            smooth[0], slope[0] = smooth[1], slope[1]
            smooth[width + 1], slope[width + 1] = smooth[width], slope[width]
            smooth_right, slope_right = smooth[2:], slope[2:]
            if component == 0:
                for x in range(width):
                    down = (slope[x] + slope_right[x]) + (slope_inside[x] + slope_inside[x])
                    across = smooth_right[x] - smooth[x]
                    out[x] = down * down + across * across
            else:
                for x in range(width):
                    down = (slope[x] + slope_right[x]) + (slope_inside[x] + slope_inside[x])
                    across = smooth_right[x] - smooth[x]
                    out[x] += down * down + across * across
            longest[0] = max(longest[0], _largest_bits(flow_bits[component, y]))
        highest_bits[y] = _largest_bits(bits[y])
    return np.float32(longest.view(np.float32)[0])


@compiled
def _exact_response(flow: Floats, y: int, x: int) -> np.float32:
    """Return the Sobel response of a pixel as SciPy computes it from float32 flow.

    Differences in float32; their weighted sums in float64, then rounded; squares added in float32,
    the derivative of u along y first, then along x, then those of v.
    """
    _, height, width = flow.shape
    above, below = max(y - 1, 0), min(y + 1, height - 1)
    left, right = max(x - 1, 0), min(x + 1, width - 1)
    energy = np.float32(0)
    for component in range(2):
        values = flow[component]
        first = np.float64(values[below, left] - values[above, left])
        middle = np.float64(values[below, x] - values[above, x])
        last = np.float64(values[below, right] - values[above, right])
        slope = np.float32(2.0 * middle + (first + last))
        energy = np.float32(energy + np.float32(slope * slope))
        first = np.float64(values[above, right] - values[above, left])
        middle = np.float64(values[y, right] - values[y, left])
        last = np.float64(values[below, right] - values[below, left])
        slope = np.float32(2.0 * middle + (first + last))
        energy = np.float32(energy + np.float32(slope * slope))
    return np.float32(math.sqrt(energy))


@compiled
def _largest_response(
    flow: Floats, energy: Floats, highest: Floats, margin: np.float32
) -> np.float32:
    """Return the exact largest response: that of one of the pixels that come close to it."""
    top = np.float32(0)
    for y in range(len(highest)):
        top = max(top, highest[y])
    least = max(np.float32(math.sqrt(top)) - np.float32(2) * margin, np.float32(0))
    least = least * least * np.float32(1 - 1e-6)
    peak = np.float32(0)
    for y in range(len(highest)):
        if highest[y] >= least:
            for x in range(energy.shape[1]):
                if energy[y, x] >= least:
                    peak = max(peak, _exact_response(flow, y, x))
    return peak


@compiled
def _nearest_bits(bits: Integers, middle: Integer) -> Integer:
    """Return the least difference of some bits from given ones."""
    best = np.int32(_LARGE)
    for x in range(len(bits)):
        away = np.int32(abs(np.int32(bits[x] - middle)))
        best = away if away < best else best
    return best


@compiled
def _distance_along_columns(
    flow: Floats, energy: Floats, threshold: np.float32, margin: np.float32, distance: Shorts
) -> bool:
    """Write each pixel's distance to the nearest edge of its column (H, W + pad), px.

    Args:
        flow: (2, H, W), px.
        energy: (H, W) squared responses in float32; changed where they are close to the threshold.
        threshold: An edge responds by more, px.
        margin: How far a response may be off, px.
        distance: Gets the distances; ``H + W`` where the column has no edge.

    Returns:
        Whether there is any edge.
    """
    height, width = energy.shape
    bounds = np.empty(2, np.float32)
    low, high = max(threshold - margin, np.float32(0)), threshold + margin
    bounds[0] = low * low * np.float32(1 - 1e-6)
    bounds[1] = high * high * np.float32(1 + 1e-6)
    bits = energy.view(np.int32)
    low_bits, high_bits = bounds.view(np.int32)
    middle = np.int32((np.int64(low_bits) + high_bits) // 2)
    reach = np.int32(high_bits - middle + 1)
    far, one, none = np.int16(height + width), np.int16(1), np.int16(0)
    nearest = np.empty(width, np.int16)
    for x in range(width):
        nearest[x] = far
    for y in range(height):
        responses, out = bits[y], distance[y]
        for x in range(width, len(out)):
            out[x] = far
        if _nearest_bits(responses, middle) <= reach:
            values = energy[y]
            for x in range(width):
                if bounds[0] <= values[x] <= bounds[1]:
                    is_edge = _exact_response(flow, y, x) > threshold
                    values[x] = np.inf if is_edge else 0
        for x in range(width):
            value = min(np.int16(nearest[x] + one), far)
            value = none if responses[x] > high_bits else value
            nearest[x] = value
            out[x] = value
    for y in range(height - 2, -1, -1):
        out, below = distance[y], distance[y + 1]
        for x in range(len(out)):  # whole rows: of parts LLVM fears that they overlap
            out[x] = min(np.int16(below[x] + one), out[x])
    has_edges = False
    for x in range(width):
        has_edges |= nearest[x] < far
    return has_edges


@compiled
def _squared_distance(distance: Shorts, y: int, x: int, reach: Integer) -> Integer:
    """Return the exact squared distance of a pixel to the nearest edge, px².

    Args:
        distance: (H, W + pad) along columns, px.
        y: Row of the pixel.
        x: Its column.
        reach: No less than the distance, px.
    """
    first = max(0, x - reach)
    last = min(x + reach + 1, distance.shape[1] - _PAD)
    row = distance[y, first : first + (last - first + _PAD - 1) // _PAD * _PAD]
    best, away = np.int32(_LARGE), np.int32(first - x)
    for index in range(len(row)):
        down = np.int32(row[index])
        value = np.int32(np.int32(down * down) + np.int32(away * away))
        away = np.int32(away + np.int32(1))
        best = value if value < best else best
    return best


@compiled
def _squared_at_centers(distance: Shorts, block: int) -> Integers:
    """Return the squared distance at the centre of each block of ``block`` x ``block`` px, px²."""
    height, width = distance.shape[0], distance.shape[1] - _PAD
    rows, columns = -(-height // block), -(-width // block)
    squared = np.empty((rows, columns), np.int32)
    for i in range(rows):
        y = min(block * i + block // 2, height - 1)
        for j in range(columns):
            x = min(block * j + block // 2, width - 1)
            reach: Integer = np.int64(distance[y, x])
            if i > 0:
                reach = min(reach, int(math.sqrt(squared[i - 1, j])) + block)
            if j > 0:
                reach = min(reach, int(math.sqrt(squared[i, j - 1])) + block)
            squared[i, j] = _squared_distance(distance, y, x, reach)
    return squared


@compiled
def _highest_around(values: Integers, reach: int) -> Integers:
    """Return the largest value within ``reach`` rows and columns of each place."""
    rows, columns = values.shape
    across, result = np.empty((rows, columns), np.int32), np.empty((rows, columns), np.int32)
    for i in range(rows):
        for j in range(columns):
            across[i, j] = values[i, j]
        for shift in range(1, min(reach, columns - 1) + 1):
            left, right = values[i, : columns - shift], values[i, shift:]
            out_left, out_right = across[i, : columns - shift], across[i, shift:]
            for j in range(columns - shift):
                out_left[j] = max(out_left[j], right[j])
            for j in range(columns - shift):
                out_right[j] = max(out_right[j], left[j])
    for i in range(rows):
        out = result[i]
        for j in range(columns):
            out[j] = across[i, j]
        for other in range(max(0, i - reach), min(rows, i + reach + 1)):
            row = across[other]
            for j in range(columns):
                out[j] = max(out[j], row[j])
    return result


@compiled
def _scan(
    distance: Shorts,
    box: tuple[int, int, int, int],
    reach: int,
    found: tuple[Integer, int],
    places: Places,
) -> tuple[Integer, int]:
    """Look at every pixel of a box, top to bottom and left to right.

    Args:
        distance: (H, W + pad) along columns, px.
        box: First row and column, and those behind the last; it may reach over the border.
        reach: No less than the distance of any pixel of the box, px.
        found: Largest squared distance so far, px², and how many pixels have it.
        places: Rows and columns of those pixels.

    Returns:
        The same after looking, as ``found``.
    """
    height, width = distance.shape[0], distance.shape[1] - _PAD
    top, left, bottom, right = box
    best, count = found
    for y in range(top, min(bottom, height)):
        for x in range(left, min(right, width)):
            value = np.int64(_squared_distance(distance, y, x, reach))
            if value > best:
                best, count = value, 0
            if value == best:
                places[count, 0], places[count, 1] = y, x
                count += 1
    return best, count


@compiled
def _peaks_of_block(
    distance: Shorts, top: int, left: int, block: int, center: Integer, places: Places
) -> tuple[Integer, int]:
    """Return the largest squared distance of a block, px², and how many pixels have it.

    Args:
        distance: (H, W + pad) along columns, px.
        top: First row of the block.
        left: First column.
        block: Its side, px: 9, 3 or 1. It may reach over the border.
        center: Squared distance at its centre, px².
        places: (81, 2) gets rows and columns of those pixels.
    """
    root, found = int(math.sqrt(center)), (center, 0)
    if block < 9:
        box = (top, left, top + block, left + block)
        return _scan(distance, box, root + 2, found, places)
    height, width = distance.shape[0], distance.shape[1] - _PAD
    parts = np.empty(9, np.int64)
    for part in range(9):
        y, x = top + part // 3 * 3, left + part % 3 * 3
        parts[part] = -1
        if y < height and x < width:
            y, x = min(y + 1, height - 1), min(x + 1, width - 1)
            parts[part] = _squared_distance(distance, y, x, root + 6)  # 4 * sqrt(2) px off at most
            found = (max(found[0], parts[part]), 0)
    for part in range(9):
        if parts[part] >= 0 and math.sqrt(parts[part]) + 1.4143 >= math.sqrt(found[0]):
            y, x = top + part // 3 * 3, left + part % 3 * 3
            box = (y, x, y + 3, x + 3)
            found = _scan(distance, box, int(math.sqrt(parts[part])) + 2, found, places)
    return found


@compiled
def _is_highest(
    distance: Shorts,
    place: tuple[int, int, Integer],
    half: int,
    block: int,
    centers: Integers,
    known: Places,
    places: Places,
) -> bool:
    """Return whether no pixel in the window of a pixel is further from the edges.

    Args:
        distance: (H, W + pad) along columns, px.
        place: Row, column and squared distance of the pixel.
        half: The window reaches so far to every side, px.
        block: Side of a block, px.
        centers: Squared distance at the centre of each block, px².
        known: Largest squared distance of each block, px², or -1; filled in where it is needed.
        places: (81, 2), overwritten.
    """
    height, width = distance.shape[0], distance.shape[1] - _PAD
    row, column, value = place
    top, bottom = max(0, row - half), min(height, row + half + 1)
    left, right = max(0, column - half), min(width, column + half + 1)
    slack = block // 2 * 1.4143
    least = max(math.sqrt(value) - slack, 0.0) ** 2 - 1e-3
    for i in range(top // block, (bottom - 1) // block + 1):
        for j in range(left // block, (right - 1) // block + 1):
            center = np.int64(centers[i, j])
            if center < least or 0 <= known[i, j] <= value:
                continue
            y, x = block * i, block * j
            y_end, x_end = min(y + block, height), min(x + block, width)
            if top <= y and left <= x and y_end <= bottom and x_end <= right:
                if known[i, j] < 0:
                    known[i, j], _ = _peaks_of_block(distance, y, x, block, center, places)
                if known[i, j] > value:
                    return False
            else:
                box = (max(y, top), max(x, left), min(y_end, bottom), min(x_end, right))
                reach = int(math.sqrt(center) + slack) + 1
                highest, _ = _scan(distance, box, reach, (value, 0), places)
                if highest > value:
                    return False
    return True


@compiled
def _search(distance: Shorts, half: int, peaks: NDArray[np.bool_]) -> None:
    """Mark the pixels that are furthest from the edges in their window, but not on the border.

    Args:
        distance: (H, W + pad) along columns, px.
        half: The window reaches so far to every side, px.
        peaks: (H, W), all False before.
    """
    height, width = peaks.shape
    block = 9 if half >= 22 else 3 if half >= 3 else 1  # lies in the window of each of its pixels
    centers = _squared_at_centers(distance, block)
    around = _highest_around(centers, (half - block // 2) // block)
    rows, columns = centers.shape
    known = np.empty((rows, columns), np.int64)
    for i in range(rows):
        for j in range(columns):
            known[i, j] = -1
    found, others = np.empty((81, 2), np.int64), np.empty((81, 2), np.int64)
    for i in range(rows):
        for j in range(columns):
            center = np.int64(centers[i, j])
            if math.sqrt(center) + block // 2 * 1.4143 + 1e-3 < math.sqrt(around[i, j]):
                continue
            value, count = _peaks_of_block(distance, block * i, block * j, block, center, found)
            known[i, j] = value
            for index in range(count if value > 0 else 0):
                y, x = found[index, 0], found[index, 1]
                if 0 < y < height - 1 and 0 < x < width - 1:
                    place = (y, x, value)
                    peaks[y, x] = _is_highest(distance, place, half, block, centers, known, others)
