"""Masks as they lie over the picture on the screen: tints with outlines, at the screen's own size.

What this costs depends on the size of the view alone, not on how large or how ragged a mask is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_TINT, _TINT_CURRENT = 88, 122
"""Opacity of an object's area, of 255."""

_LINE, _LINE_CURRENT = 1.5, 2.4
"""Width of an outline, px of the answer."""

_RIM: Final = 1.1
"""The outline's dark rim on both sides, px."""

_RIM_OPACITY: Final = 0.75
_BLUR: Final = 1.4
"""A blurred edge says how far away it is; this far, px, and two more times."""

_MARGIN: Final = 5


@dataclass(frozen=True, slots=True)
class View:
    """The part of the screen that is drawn.

    Attributes:
        left: Where the picture's left border lies, px of the answer.
        top: The same of its upper border.
        scale: Px of the answer for each px of the picture.
        size_hw: Of the answer.
    """

    left: float
    top: float
    scale: float
    size_hw: tuple[int, int]


def mask_overlay(
    labels: NDArray[np.uint8],
    colors: Sequence[tuple[int, int, int]],
    view: View,
    *,
    current: int = 0,
) -> Pixels:
    """Return the objects of a picture of labels, tinted and outlined.

    Args:
        labels: (H, W), 0 background, 1 the first object, and so on.
        colors: Of each object, RGB in 0..255.
        view: What is seen.
        current: Number of the object that stands out and is drawn last; 0 for none.

    Returns:
        (h, w, 4) uint8 RGBA, premultiplied.
    """
    import cv2

    shown = _sampled(labels, view)
    table = np.zeros((256, 4), np.float32)
    for number, color in enumerate(colors, 1):
        alpha = (_TINT_CURRENT if number == current else _TINT) / 255
        table[number] = *(value * alpha for value in color), 255 * alpha
    packed = np.rint(table).astype(np.uint8).view(np.uint32)[:, 0]
    pixels = packed[shown].view(np.uint8).reshape(*shown.shape, 4)
    counts = np.asarray(cv2.calcHist([shown], [0], None, [256], [0, 256]))
    present = np.flatnonzero(counts)
    for number in sorted(present.tolist(), key=lambda n: n == current):
        if not 1 <= number <= len(colors):
            continue
        inside = (shown == number).view(np.uint8) * np.uint8(255)
        left, top, width, height = cv2.boundingRect(inside)
        box = np.s_[
            max(0, top - _MARGIN) : top + height + _MARGIN,
            max(0, left - _MARGIN) : left + width + _MARGIN,
        ]
        soft = cv2.GaussianBlur(inside[box], (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
        line = _LINE_CURRENT if number == current else _LINE
        _draw(pixels[box], np.asarray(soft, np.uint8), line, colors[number - 1])
    return pixels


def _sampled(labels: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """Return the labels on the screen's grid; 0 beside the picture."""
    height, width = labels.shape
    rows = np.floor((np.arange(view.size_hw[0]) + 0.5 - view.top) / view.scale).astype(np.int64)
    columns = np.floor((np.arange(view.size_hw[1]) + 0.5 - view.left) / view.scale).astype(np.int64)
    is_row, is_column = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    shown = np.zeros(view.size_hw, np.uint8)
    if is_row.any() and is_column.any():
        top, left = int(is_row.argmax()), int(is_column.argmax())
        part = labels[rows[is_row]][:, columns[is_column]]
        shown[top : top + part.shape[0], left : left + part.shape[1]] = part
    return shown


def _draw(
    pixels: Pixels, soft: NDArray[np.uint8], line: float, color: tuple[int, int, int]
) -> None:
    """Draw an outline with its dark rim, in place."""
    rim, core = _covers(line / 2 + _RIM) * np.float32(_RIM_OPACITY), _covers(line / 2)
    rows, columns = np.nonzero(rim[soft] > 0)
    level = soft[rows, columns]
    touched = pixels[rows, columns].astype(np.float32)
    dark, full = rim[level][:, None], core[level][:, None]
    paint = np.array([*color, 255], np.float32)
    touched = touched * (1 - dark) + np.array([0, 0, 0, 255], np.float32) * dark
    touched = touched * (1 - full) + paint * full
    pixels[rows, columns] = np.rint(touched).astype(np.uint8)


@lru_cache(maxsize=8)
def _covers(half_width: float) -> NDArray[np.float32]:
    """Return how much of a pixel a line covers, for each level 0..255 of the blurred mask."""
    places = np.linspace(-5, 5, 2001)
    levels = np.array([0.5 * (1 + math.erf(x / (_BLUR * math.sqrt(2)))) for x in places])
    distance = np.interp(np.arange(256) / 255, levels, np.abs(places))
    distance[[0, 255]] = np.inf  # far from any edge
    return np.clip(half_width + 0.5 - distance, 0, 1).astype(np.float32)
