"""Where the photo lies on the canvas: zoom and pan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF

from cmp_studio.document.tracks import Point

MIN_SCALE: Final = 0.02
MAX_SCALE: Final = 40.0

_PAN_MARGIN: Final = 64.0
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """A uniform scale and a shift.

    Attributes:
        scale: Logical screen px per px of the picture.
        left: Screen x of the picture's left edge.
        top: Screen y of the picture's top edge.
    """

    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def to_screen(self, point: Point) -> QPointF:
        """Screen position of a point of the picture (pixel centres at integers)."""
        return QPointF(
            self.left + (point[0] + 0.5) * self.scale, self.top + (point[1] + 0.5) * self.scale
        )

    def to_picture(self, position: QPointF) -> Point:
        """Point of the picture at a screen position."""
        return (
            (position.x() - self.left) / self.scale - 0.5,
            (position.y() - self.top) / self.scale - 0.5,
        )

    def rect(self, image_hw: tuple[int, int]) -> QRectF:
        """Screen rectangle that a picture of this size covers."""
        return QRectF(self.left, self.top, image_hw[1] * self.scale, image_hw[0] * self.scale)

    def zoomed(self, factor: float, anchor: QPointF) -> ViewTransform:
        """Zoomed by ``factor`` so that what is at ``anchor`` stays there."""
        scale = min(max(self.scale * factor, MIN_SCALE), MAX_SCALE)
        ratio = scale / self.scale
        return ViewTransform(
            scale,
            anchor.x() - (anchor.x() - self.left) * ratio,
            anchor.y() - (anchor.y() - self.top) * ratio,
        )

    def panned(self, dx: float, dy: float) -> ViewTransform:
        """Shifted by ``dx``, ``dy`` screen px."""
        return replace(self, left=self.left + dx, top=self.top + dy)

    def kept_visible(self, image_hw: tuple[int, int], view: QSizeF, margin: float) -> ViewTransform:
        """Shifted back so far that at least ``margin`` px of the picture stay in view."""
        width, height = image_hw[1] * self.scale, image_hw[0] * self.scale
        left = min(max(self.left, margin - width), view.width() - margin)
        top = min(max(self.top, margin - height), view.height() - margin)
        return replace(self, left=left, top=top)


def fitted(image_hw: tuple[int, int], view: QSizeF, margin: float) -> ViewTransform:
    """The whole picture in the middle of the view, enlarged at most twice."""
    height, width = image_hw
    scale = min((view.width() - 2 * margin) / width, (view.height() - 2 * margin) / height, 2.0)
    scale = min(max(scale, MIN_SCALE), MAX_SCALE)
    return centred(image_hw, view, scale)


def centred(image_hw: tuple[int, int], view: QSizeF, scale: float) -> ViewTransform:
    """The picture at ``scale`` in the middle of the view."""
    left = (view.width() - image_hw[1] * scale) / 2
    top = (view.height() - image_hw[0] * scale) / 2
    return ViewTransform(scale, left, top)


def visible_part(place: QRectF, view: QRectF, size_hw: tuple[int, int]) -> QRect:
    """The part of a picture that can be seen, in its px, with a margin against panning.

    Args:
        place: Where the whole picture lies on the screen.
        view: What of the screen is seen.
        size_hw: Size of the picture that is drawn into ``place``, px.
    """
    height, width = size_hw
    step = place.width() / width
    seen = view.adjusted(-_PAN_MARGIN, -_PAN_MARGIN, _PAN_MARGIN, _PAN_MARGIN) & place
    if seen.isEmpty():
        return QRect(0, 0, 1, 1)
    left = max(0, int((seen.left() - place.left()) / step) // _BLOCK * _BLOCK)
    top = max(0, int((seen.top() - place.top()) / step) // _BLOCK * _BLOCK)
    right = min(width, -(-int((seen.right() - place.left()) / step + 1) // _BLOCK) * _BLOCK)
    bottom = min(height, -(-int((seen.bottom() - place.top()) / step + 1) // _BLOCK) * _BLOCK)
    return QRect(left, top, max(1, right - left), max(1, bottom - top))
