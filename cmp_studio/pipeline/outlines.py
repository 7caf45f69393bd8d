"""Masks to polygons that run along the borders of pixels.

Coordinates are px with the upper left corner of the picture at (0, 0), as COCO and labelme have
them; the centre of the first pixel is at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Corner = tuple[int, int]
Polygon = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outlines:
    """The polygons of a mask.

    Attributes:
        parts: (N, 2) float32 x, y for each part; parts that touch at a corner alone are two.
        holes: The same for each hole in them.
    """

    parts: tuple[Polygon, ...]
    holes: tuple[Polygon, ...]


def outlines_of(mask: NDArray[np.bool_], *, tolerance: float = 0.0) -> Outlines:
    """Return the polygons of a mask.

    Args:
        mask: (H, W) bool.
        tolerance: How far a simplified polygon may be off, px; 0 is exact.
    """
    parts: list[Polygon] = []
    holes: list[Polygon] = []
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    corner = np.array([left, top], np.float32)
    for corners in _loops(mask[top : top + height, left : left + width]):
        area = _signed_area(corners)
        polygon = corners.astype(np.float32) + corner
        if tolerance > 0:
            simple = cv2.approxPolyDP(polygon[:, None], tolerance, closed=True)[:, 0]
            if len(simple) >= 3:
                polygon = np.asarray(simple, np.float32)
        (parts if area > 0 else holes).append(polygon)
    return Outlines(tuple(parts), tuple(holes))


def _loops(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Return the closed ways along pixel borders with the mask on their right, corners alone."""
    padded = np.pad(mask, 1)
    following: dict[Corner, list[Corner]] = {}
    inside = padded[1:-1, 1:-1]
    borders: list[tuple[NDArray[np.bool_], Corner, Corner]] = [
        (inside & ~padded[:-2, 1:-1], (0, 0), (1, 0)),  # above the pixel: to the right
        (inside & ~padded[1:-1, 2:], (1, 0), (1, 1)),  # to its right: down
        (inside & ~padded[2:, 1:-1], (1, 1), (0, 1)),  # below it: to the left
        (inside & ~padded[1:-1, :-2], (0, 1), (0, 0)),  # to its left: up
    ]
    for border, start, end in borders:
        rows, columns = np.nonzero(border)
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
            corner = (x + start[0], y + start[1])
            following.setdefault(corner, []).append((x + end[0], y + end[1]))
    loops = []
    while following:
        first = next(iter(following))
        loops.append(np.array(_walk(first, following), np.int64))
    return loops


def _walk(first: Corner, following: dict[Corner, list[Corner]]) -> list[Corner]:
    """Take one closed way out of the steps and return the corners where it turns."""
    turns: list[Corner] = []
    before, here = first, first
    ahead = first_ahead = (0, 0)
    while True:
        choices = following[here]
        index = 0
        if len(choices) == 2 and before != here:
            # Two pixels touch at this corner: keep to the right, to this one.
            index = _rightmost(before, here, choices)
        there = choices.pop(index)
        if not choices:
            del following[here]
        step = (there[0] - here[0], there[1] - here[1])
        if step != ahead:
            turns.append(here)
            ahead = step
            if len(turns) == 1:
                first_ahead = step
        before, here = here, there
        if here == first:
            return turns[1:] if ahead == first_ahead else turns


def _rightmost(before: Corner, here: Corner, choices: list[Corner]) -> int:
    ahead = (here[0] - before[0], here[1] - before[1])
    turns = [ahead[0] * (c[1] - here[1]) - ahead[1] * (c[0] - here[0]) for c in choices]
    return turns.index(max(turns))


def _signed_area(corners: NDArray[np.int64]) -> float:
    x, y = corners[:, 0].astype(float), corners[:, 1].astype(float)
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
