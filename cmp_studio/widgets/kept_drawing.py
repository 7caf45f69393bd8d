"""Drawings that are made once and put in place many times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPicture, QTransform

_MARGIN: Final = 2.0
"""Around what Qt says a drawing covers, for soft edges, logical px."""

_UPRIGHT: Final = (
    QTransform.TransformationType.TxNone,
    QTransform.TransformationType.TxTranslate,
    QTransform.TransformationType.TxScale,
)

_MAX_PIXELS: Final = 1 << 20
"""A larger drawing is drawn anew each time: 4 MB is enough for a long arrow on a large screen."""


class KeptDrawing:
    """Something that was drawn around the origin, to be put anywhere.

    The pixels are kept as long as it lies in the same way on those of the screen, so that putting
    it there again takes a hundredth of the time. Where it can't be seen it costs nothing.

    Args:
        draw: Draws it with a painter whose origin and unit are logical px of the screen.
    """

    def __init__(self, draw: Callable[[QPainter], None]) -> None:
        self._picture = QPicture()
        painter = QPainter(self._picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        draw(painter)
        painter.end()
        around = QRectF(self._picture.boundingRect())
        self._bounds = around.adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
        self._image = QImage()
        self._image_at: tuple[float, float, float] | None = None
        self._corner = (0, 0)

    def put(self, painter: QPainter, at: QPointF) -> None:
        """Draw it with its origin in ``at``, logical px; the painter's opacity is for all of it."""
        if not self._bounds.translated(at).intersects(QRectF(painter.window())):
            return
        to_device = painter.deviceTransform()
        if to_device.type() not in _UPRIGHT:
            painter.drawPicture(at, self._picture)
            return
        scale, place = to_device.m11(), to_device.map(at)
        left, top = math.floor(place.x()), math.floor(place.y())
        lies = place.x() - left, place.y() - top, scale
        if lies != self._image_at and not self._render(lies):
            painter.drawPicture(at, self._picture)
            return
        corner = QPointF(left + self._corner[0], top + self._corner[1])
        painter.drawImage(to_device.inverted()[0].map(corner), self._image)

    def _render(self, lies: tuple[float, float, float]) -> bool:
        """Draw the pixels; return whether they are few enough to keep."""
        x, y, scale = lies
        bounds, self._image_at = self._bounds, None
        left, top = math.floor(bounds.left() * scale + x), math.floor(bounds.top() * scale + y)
        size = QRect(
            left,
            top,
            math.ceil(bounds.right() * scale + x) - left,
            math.ceil(bounds.bottom() * scale + y) - top,
        ).size()
        if size.isEmpty() or size.width() * size.height() > _MAX_PIXELS:
            self._image = QImage()
            return False
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.translate(x - left, y - top)
        painter.scale(scale, scale)
        painter.drawPicture(QPointF(), self._picture)
        painter.end()
        image.setDevicePixelRatio(scale)
        self._image, self._image_at, self._corner = image, lies, (left, top)
        return True
