"""Flow of a network made fit for moving a picture.

A network's flow has small steps inside of parts, and its edges are ragged. Each pixel takes the
flow that most pixels around it with about the same flow have (mean shift on a coarse grid over
place and flow), so that parts move as wholes and their edges stay. And where a jump of the flow has
no edge in the picture, a surface is stretched, not torn.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.bilateral_grid import Axis, alike_mean

Float = NDArray[np.float32]
Index = NDArray[np.int64]

_CELL: Final = 0.0225
"""Size of the neighbourhood, part of the shorter side of the picture."""

_ALIKE: Final = 0.12
"""Motions that differ by less than this part of the largest are alike."""

_LEAST_MOTION: Final = 0.5
"""Motion of less, px, is left as it is."""

_LEAST_SEEN: Final = 1 / 64
"""Motion of less, px, is none: resampling works in steps of 1/32 px."""

_STILL_PART: Final = 0.004
"""Nor is motion of less than this part of the largest,"""

_STILL_PX: Final = 0.1
"""unless it is more than this, px."""

_ROUNDS: Final = 3
"""Rounds of mean shift."""

_SPREAD: Final = 0.6
"""Radius that a jump is spread over, part of its height: a surface is then stretched less than
three times."""

_SOFTEST: Final = 0.03
"""Largest such radius, part of the shorter side of the picture."""


def tidied(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a flow whose parts move as wholes, with clear edges, and the rest does not at all.

    Args:
        flow: (h, w, 2) forward flow, px.
    """
    speed = np.maximum(np.abs(flow[..., 0]), np.abs(flow[..., 1]))
    largest = float(speed.max())
    still = min(max(_STILL_PART * largest, _LEAST_SEEN), _STILL_PX)
    is_moving = speed >= still
    result = np.zeros_like(flow)
    rows = np.flatnonzero(is_moving.any(axis=1))
    if not rows.size:
        return result
    columns = np.flatnonzero(is_moving.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    inner = flow[box] * is_moving[box][..., None]
    if largest < _LEAST_MOTION:
        result[box] = inner
        return result
    u, v = np.ascontiguousarray(inner[..., 0]), np.ascontiguousarray(inner[..., 1])
    alike = max(_ALIKE * largest, _LEAST_MOTION)
    keys = (Axis.of(u, alike), Axis.of(v, alike))
    cell = max(2.0, _CELL * min(flow.shape[:2]))
    means = alike_mean((u, v), keys, cell_px=cell, rounds=_ROUNDS)
    for axis, mean in enumerate(means):
        np.multiply(mean, is_moving[box], out=result[(*box, axis)])
    return result


def relaxed(u: Float, v: Float, *, loose: Index, tight: Index, step: Float) -> tuple[Float, Float]:
    """Return a flow whose jumps are spread where they have no edge in the picture.

    Args:
        u: (h, w) flow to the right, px.
        v: (h, w) flow down, px.
        loose: Flat indices of pixels at jumps to spread.
        tight: Flat indices of pixels at jumps to keep.
        step: Height of the jump at each loose pixel, px.
    """
    height, width = u.shape
    radius = min(_SPREAD * float(np.percentile(step, 80)), _SOFTEST * min(height, width))
    if radius < 1:
        return u, v
    cell = max(1, int(radius / 2))
    size = (-(-width // cell), -(-height // cell))
    small = cv2.resize(np.dstack([u, v]), size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), radius / cell)
    mean = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))
    share = _nearness(loose, (height, width), radius)
    share *= 1 - _nearness(tight, (height, width), radius / 3)
    return u + share * (mean[..., 0] - u), v + share * (mean[..., 1] - v)


def relaxation_reach(size_hw: tuple[int, int]) -> int:
    """Return how far from a jump `relaxed` changes the flow at most, px."""
    return int(np.ceil(5 * _SOFTEST * min(size_hw)))


def _nearness(pixel: Index, size_hw: tuple[int, int], radius: float) -> Float:
    """Return 1 at pixels and near them, falling to 0 within about twice the radius, (h, w)."""
    height, width = size_hw
    cell = max(1, int(radius / 2))
    rows, columns = -(-height // cell), -(-width // cell)
    row, column = np.divmod(pixel, width)
    small = np.zeros((rows, columns), np.float32)
    small[row // cell, column // cell] = 1
    small = np.asarray(cv2.dilate(small, np.ones((3, 3), np.uint8)), np.float32)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), max(0.5, radius / cell)), np.float32)
    large = cv2.resize(small, (columns * cell, rows * cell), interpolation=cv2.INTER_LINEAR)
    return np.clip(2 * np.asarray(large, np.float32)[:height, :width], 0, 1)
