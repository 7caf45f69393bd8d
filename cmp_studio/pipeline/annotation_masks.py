"""From objects with clicks and strokes to one picture of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.click_fusion import fusion_rule
from cmp_engine.segment import ClickSegmenter, object_mask
from cmp_studio.document.annotation import BrushStroke, ClickedThing
from cmp_studio.document.tracks import Point

Bool = NDArray[np.bool_]
Labels = NDArray[np.uint8]

SCORE_MAX: Final = 65535
"""What a score of 1 is stored as."""

_SHIFT: Final = 4
_SUBPIXEL: Final = 2**_SHIFT


@dataclass(frozen=True, eq=False)
class ClickScore:
    """What the network says to the clicks of one object.

    Attributes:
        score: (H, W) uint16, `SCORE_MAX` where a pixel surely belongs to the object.
        flows: (D, h, w, 2) float16 forward flow of each direction on a small grid over `box`, px
            of the picture.
        directions: Unit vectors x, y of the pulls.
        box: Left, top, width and height of the part that was looked at, px.
    """

    score: NDArray[np.uint16]
    flows: NDArray[np.float16]
    directions: tuple[Point, ...]
    box: tuple[int, int, int, int]


def click_score(segmenter: ClickSegmenter, thing: ClickedThing) -> ClickScore:
    """Ask the network about one object; positive clicks of the others count as negative ones.

    Args:
        segmenter: With its picture.
        thing: With at least one positive click.

    Raises:
        cmp_engine.errors.EngineError: Clicks outside of the picture, or the engine can't.
    """
    settings = thing.settings
    result = segmenter.mask(
        thing.positive,
        (*thing.negative, *thing.others),
        fusion=settings.method,
        speed=settings.speed,
        zoom_factor=settings.zoom,
    )
    box = result.box
    return ClickScore(
        np.rint(result.score * np.float32(SCORE_MAX)).astype(np.uint16),
        result.coarse_flows.astype(np.float16),
        tuple((float(x), float(y)) for x, y in result.directions),
        (box.left, box.top, box.width, box.height),
    )


def mask_of_score(score: ClickScore, thing: ClickedThing) -> Bool:
    """Return the mask (H, W) of an object's score at its threshold; takes no network."""
    return object_mask(
        score.score,
        thing.settings.threshold * SCORE_MAX,
        np.asarray(thing.positive, np.float32).reshape(-1, 2),
        keeps_all=fusion_rule(thing.settings.method).keeps_all,
    )


@dataclass(frozen=True, eq=False)
class Part:
    """What one object brings to the picture of labels.

    Attributes:
        mask: (H, W) bool from its clicks; None where there is none (yet).
        strokes: Of the brush.
    """

    mask: Bool | None
    strokes: tuple[BrushStroke, ...] = ()


def compose(parts: Sequence[Part], size_hw: tuple[int, int]) -> Labels:
    """Return one picture of labels: 0 background, 1 the first object, and so on.

    Of two objects whose masks meet, the earlier one keeps the place; what is painted belongs to
    who painted it last.

    Args:
        parts: One for each object, 254 at most.
        size_hw: Of the picture.

    Returns:
        (H, W) uint8.
    """
    labels = np.zeros(size_hw, np.uint8)
    for number, part in enumerate(parts, 1):
        if part.mask is not None:
            labels[part.mask & (labels == 0)] = number
    for number, part in enumerate(parts, 1):
        for stroke in part.strokes:
            _paint(labels, stroke, number)
    return labels


def _paint(labels: Labels, stroke: BrushStroke, number: int) -> None:
    """Put one stroke into the labels, in place."""
    radius = stroke.radius
    xs, ys = [p[0] for p in stroke.points], [p[1] for p in stroke.points]
    left, top = max(0, int(min(xs) - radius) - 1), max(0, int(min(ys) - radius) - 1)
    right = min(labels.shape[1], int(max(xs) + radius) + 3)
    bottom = min(labels.shape[0], int(max(ys) + radius) + 3)
    if right <= left or bottom <= top:
        return
    touched = np.zeros((bottom - top, right - left), np.uint8)
    shift = np.array([left, top], np.float32)
    places = (np.asarray(stroke.points, np.float32) - shift) * _SUBPIXEL
    corners = np.rint(places).astype(np.int32)
    thickness = max(1, round(2 * radius))
    if len(corners) > 1:
        cv2.polylines(
            touched, [corners], isClosed=False, color=255, thickness=thickness, shift=_SHIFT
        )
    for x, y in corners.tolist():
        cv2.circle(
            touched, (x, y), max(0, round((radius - 0.5) * _SUBPIXEL)), 255, -1, shift=_SHIFT
        )
    region = labels[top:bottom, left:right]
    if stroke.is_erasing:
        region[(touched > 0) & (region == number)] = 0
    else:
        region[touched > 0] = number
