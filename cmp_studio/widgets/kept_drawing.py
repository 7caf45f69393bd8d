"""Drawings that are made once and put in place many times."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
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


@dataclass(frozen=True, slots=True)
class Ground:
    """What is drawn on: worked out once for all drawings of a repaint.

    Attributes:
        scale: Device px per logical px; 0 where the two are not simply scaled.
        left: Where the logical origin is, device px.
        top: The same, downwards.
        size: Width and height, logical px.
    """

    scale: float
    left: float
    top: float
    size: tuple[int, int]

    @classmethod
    def of(cls, painter: QPainter) -> Ground:
        """The ground of a painter whose window is what is seen."""
        to_device, window = painter.deviceTransform(), painter.window()
        is_upright = to_device.type() in _UPRIGHT and to_device.m11() == to_device.m22()
        scale = to_device.m11() if is_upright else 0.0
        return cls(scale, to_device.dx(), to_device.dy(), (window.width(), window.height()))


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
        around = around.adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN)
        self._bounds = around.left(), around.top(), around.right(), around.bottom()
        self._image = QImage()
        self._image_at: tuple[float, float, float] | None = None
        self._corner = (0, 0)

    def put(self, painter: QPainter, at: QPointF, ground: Ground) -> None:
        """Draw it with its origin in ``at``, logical px; the painter's opacity is for all of it."""
        x, y = at.x(), at.y()
        if not self._is_seen(x, y, ground):
            return
        scale = ground.scale
        left, top = x * scale + ground.left, y * scale + ground.top
        whole_left, whole_top = math.floor(left), math.floor(top)
        lies = left - whole_left, top - whole_top, scale
        if not scale or (lies != self._image_at and not self._render(lies)):
            painter.drawPicture(at, self._picture)
            return
        column, row = whole_left + self._corner[0], whole_top + self._corner[1]
        corner = QPointF((column - ground.left) / scale, (row - ground.top) / scale)
        painter.drawImage(corner, self._image)

    def _is_seen(self, x: float, y: float, ground: Ground) -> bool:
        left, top, right, bottom = self._bounds
        width, height = ground.size
        return x + right > 0 and y + bottom > 0 and x + left < width and y + top < height

    def _render(self, lies: tuple[float, float, float]) -> bool:
        """Draw the pixels; return whether they are few enough to keep."""
        x, y, scale = lies
        self._image_at = None
        from_x, from_y, to_x, to_y = self._bounds
        left, top = math.floor(from_x * scale + x), math.floor(from_y * scale + y)
        width = math.ceil(to_x * scale + x) - left
        height = math.ceil(to_y * scale + y) - top
        if width * height > _MAX_PIXELS:
            self._image = QImage()
            return False
        image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
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
