"""Where to read a coarse field so that it keeps to a picture's edges.

An edge-aware filter takes means over neighbours that look alike. Here the *coordinates* are
filtered instead of the field: each pixel gets the mean position of the neighbours on its own side
of the picture's edges, and reads the field there. Beside an edge that position moves away from
the edge, into the part that the pixel belongs to; far from edges it stays where it was.

So the costly work depends on the picture alone, and a field is then read by one bilinear lookup.
The answer is sharper than a weighted mean of values, never leaves their range, and keeps a
constant field as it is (`cmp_engine.upsampling` has the measurements).

Source: own choice. The filters are known ones: on the network grid the domain transform (Gastal
and Oliveira 2011, its recursive form, there and back in parallel), from there to any finer grid
the fast guided filter (He and Sun 2015). To filter coordinates with them is this project's.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MAX_OFFSET: Final = 2.0
"""Farthest that `GuidedOffsets` moves a pixel, px of the network grid."""

_COLOR_STEP: Final = 50.0
"""Sum of the changes of L, a and b that separates two pixels as far as the filter is wide."""

_ROUNDS: Final = 3
_RADIUS: Final = 2
_NOISE: Final = 64.0
"""Variance of R, G and B (0..255) that counts as no edge for the guided filter."""


def edge_positions(image: NDArray[np.uint8], width: float) -> tuple[Array, Array]:
    """Return for each pixel a position on its own side of the picture's edges.

    Args:
        image: (H, W, 3) uint8 RGB.
        width: Width of the filter, px; positions beside an edge move about half of it.

    Returns:
        x and y, each (H, W) float32 px of the same grid, inside of it.
    """
    height, width_px = image.shape[:2]
    # Beyond the border the picture goes on, or positions near it would be drawn inside.
    margin = math.ceil(2 * width)
    extended = _extend(image, margin)
    lab = cv2.cvtColor(extended.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.bilateralFilter(lab, 7, 10, 3)  # texture is no edge
    positions = _coordinates(height + 2 * margin, width_px + 2 * margin)
    _filter_along_edges(positions, np.asarray(lab, np.float32), width)
    x, y = positions
    # Once more from where they lead, which sharpens the border between two sides; then a little
    # blur against the teeth that this leaves along soft outlines.
    x, y = _soften(_read(x, x, y)), _soften(_read(y, x, y))
    inside = np.s_[margin : margin + height, margin : margin + width_px]
    return (
        np.clip(x[inside] - margin, 0, width_px - 1),
        np.clip(y[inside] - margin, 0, height - 1),
    )


class GuidedOffsets:
    """Offsets that carry edges from the network grid to any finer grid of the same picture.

    Args:
        image: (h, w, 3) uint8 RGB, the picture on the network grid, without padding.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        height, width = image.shape[:2]
        margin = 4 * _RADIUS
        colors = _extend(image, margin).astype(np.float32).transpose(2, 0, 1)
        coordinates = _coordinates(height + 2 * margin, width + 2 * margin)
        coefficients = _regress(coordinates, colors)
        coefficients[:, 3] -= coordinates
        inside = coefficients[:, :, margin : margin + height, margin : margin + width]
        self._coefficients = np.ascontiguousarray(inside.reshape(8, height, width))
        self._size_hw = (height, width)

    def strip(self, image: NDArray[np.uint8], start: int, stop: int) -> tuple[Array, Array]:
        """Return where rows of a finer grid lie on the network grid, moved off the edges.

        Args:
            image: (H, W, 3) uint8 RGB, the picture on the finer grid.
            start: The first row.
            stop: The row behind the last one.

        Returns:
            x and y, each (stop - start, W) float32 px of the network grid. Without edges they are
            ``(x + 0.5) * scale - 0.5``.
        """
        scale_y = self._size_hw[0] / image.shape[0]
        scale_x = self._size_hw[1] / image.shape[1]
        x = (np.arange(image.shape[1]) + 0.5) * scale_x - 0.5
        y = (np.arange(start, stop) + 0.5) * scale_y - 0.5
        offsets = self._offsets(image[start:stop], np.clip(y, 0, self._size_hw[0] - 1))
        offsets[0] += x.astype(np.float32)
        offsets[1] += y.astype(np.float32)[:, None]
        return offsets[0], offsets[1]

    def _offsets(self, image: NDArray[np.uint8], y: NDArray[np.float64]) -> Array:
        """Return what to add to x and y, (2, r, W), for rows of the picture at y."""
        above = y.astype(np.int64)
        below = np.minimum(above + 1, self._size_hw[0] - 1)
        weight = (y - above).astype(np.float32)[:, None]
        size = (image.shape[1], image.shape[0])
        red, green, blue = (image[..., channel].astype(np.float32) for channel in range(3))
        offsets = np.empty((2, *image.shape[:2]), np.float32)
        for axis in range(2):
            total = offsets[axis]
            total[:] = 0
            for index, values in enumerate((red, green, blue, None)):
                plane = self._coefficients[4 * axis + index]
                lines = plane[above] * (1 - weight) + plane[below] * weight
                wide = cv2.resize(lines, size, interpolation=cv2.INTER_LINEAR)
                total += wide if values is None else np.multiply(wide, values, out=wide)
        np.clip(offsets, -MAX_OFFSET, MAX_OFFSET, out=offsets)
        return offsets


def _extend(image: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    extended = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    return np.asarray(extended, np.uint8)


def _coordinates(height: int, width: int) -> Array:
    """Return x and y of every pixel, (2, height, width)."""
    return np.indices((height, width), dtype=np.float32)[::-1].copy()


def _read(field: Array, x: Array, y: Array) -> Array:
    read = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)


def _soften(plane: Array) -> Array:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), 1.0), np.float32)


def _filter_along_edges(field: Array, guide: Array, width: float) -> None:
    """Smooth a field (C, H, W) in place, not across edges of the guide (H, W, 3).

    Three rounds of a recursive filter along the rows and the columns, each narrower than the last.
    """
    slope = np.float32(width / _COLOR_STEP)
    across = np.ones(guide.shape[:2], np.float32)
    across[:, 1:] += slope * np.abs(np.diff(guide, axis=1)).sum(2)
    down = np.ones(guide.shape[:2], np.float32)
    down[1:] += slope * np.abs(np.diff(guide, axis=0)).sum(2)
    for index in range(_ROUNDS):
        deviation = width * math.sqrt(3 / (4**_ROUNDS - 1)) * 2 ** (_ROUNDS - 1 - index)
        decay = np.float32(-math.sqrt(2) / deviation)
        columns = np.ascontiguousarray(field.transpose(2, 0, 1))
        _recurse(columns, np.ascontiguousarray(np.exp(across * decay).T))
        rows = np.ascontiguousarray(columns.transpose(2, 1, 0))
        _recurse(rows, np.exp(down * decay))
        field[:] = rows.transpose(1, 0, 2)


def _recurse(lines: Array, keep: Array) -> None:
    """Run a first-order filter over (L, C, M) along L, in place: the mean of there and back.

    On the way there line i takes the share keep[i] (L, M) of the line before it; on the way back
    it takes keep[i + 1] of the line behind it. The mean of the two treats both sides of an edge
    alike, which one after the other does not.
    """
    back = lines.copy()
    step = np.empty(lines.shape[1:], np.float32)
    for index in range(1, len(lines)):
        np.subtract(lines[index - 1], lines[index], out=step)
        step *= keep[index]
        lines[index] += step
    for index in range(len(lines) - 2, -1, -1):
        np.subtract(back[index + 1], back[index], out=step)
        step *= keep[index + 1]
        back[index] += step
    lines += back
    lines *= np.float32(0.5)


def _regress(targets: Array, colors: Array) -> Array:
    """Return the guided filter's coefficients of targets (2, H, W) by colours (3, H, W).

    Returns:
        (2, 4, H, W): in each window the target is nearest to a sum of the three colours times the
        first three, plus the fourth; averaged over the windows that cover a pixel.
    """
    means = [_box(color) for color in colors]
    products = {
        (i, j): _box(colors[i] * colors[j]) - means[i] * means[j]
        for i in range(3)
        for j in range(i, 3)
    }
    rr, gg, bb = (products[i, i] + np.float32(_NOISE) for i in range(3))
    rg, rb, gb = products[0, 1], products[0, 2], products[1, 2]
    # The inverse of the symmetric 3 x 3 matrix of covariances.
    inverse = np.stack(
        [
            gg * bb - gb * gb,
            rb * gb - rg * bb,
            rg * gb - rb * gg,
            rr * bb - rb * rb,
            rg * rb - rr * gb,
            rr * gg - rg * rg,
        ]
    )
    inverse /= rr * inverse[0] + rg * inverse[1] + rb * inverse[2]
    rows = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
    result = np.empty((2, 4, *targets.shape[1:]), np.float32)
    for target, out in zip(targets, result, strict=True):
        mean = _box(target)
        shared = [_box(colors[i] * target) - means[i] * mean for i in range(3)]
        out[3] = mean
        for i, row in enumerate(rows):
            slope = sum((inverse[row[j]] * shared[j] for j in range(3)), np.float32(0))
            out[i] = _box(np.asarray(slope, np.float32))
            out[3] -= slope * means[i]
        out[3] = _box(out[3])
    return result


def _box(plane: Array) -> Array:
    size = 2 * _RADIUS + 1
    return np.asarray(cv2.blur(plane, (size, size)), np.float32)
