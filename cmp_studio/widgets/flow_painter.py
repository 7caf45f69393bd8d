"""Draws the flow of a frame over the picture: colours, needles and the wheel that explains them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from cmp_studio.services.flow_overlay import colored_flow, legend_wheel, needles
from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.translation import tr
from cmp_studio.widgets.view_transform import ViewTransform

_NEEDLE_STEP: Final = 26.0
_WHEEL_SIDE: Final = 72


class FlowPainter:
    """Keeps what it drew last, because a frame is painted more often than it changes."""

    def __init__(self) -> None:
        self._frame: CachedFrame | None = None
        self._scale = 0.0
        self._image = QImage()

    def draw_colors(
        self, painter: QPainter, rect: QRectF, frame: CachedFrame, *, scale: float, opacity: float
    ) -> None:
        """Draw the flow as colours into ``rect``, the picture's place on the screen."""
        if frame is not self._frame or scale != self._scale:
            self._frame, self._scale = frame, scale
            self._image = rgba_image(colored_flow(frame.flow, scale))
        painter.save()
        painter.setOpacity(opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, self._image, QRectF(self._image.rect()))
        painter.restore()

    def draw_needles(
        self,
        painter: QPainter,
        transform: ViewTransform,
        flow: NDArray[np.float16],
        image_hw: tuple[int, int],
    ) -> None:
        """Draw a flow as a field of small arrows, at its true length on the screen.

        Args:
            painter: In logical screen px.
            transform: Where the picture lies.
            flow: (h, w, 2), px of the picture, on any grid that covers it.
            image_hw: Size of the picture, px.
        """
        table = needles(flow, image_hw, _NEEDLE_STEP / transform.scale)
        lines = [QLineF(*ends) for ends in _needle_lines(table, transform).tolist()]
        painter.save()
        for color, width in ((QColor(0, 0, 0, 170), 3.0), (QColor(255, 255, 255), 1.3)):
            pen = QPen(color, width)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLines(lines)
        painter.restore()

    def draw_legend(self, painter: QPainter, view: QRectF, scale: float) -> None:
        """Draw the colour wheel with its scale into the lower left corner of ``view``."""
        ratio = painter.device().devicePixelRatioF()
        text = tr("{scale:.0f} px at the rim").format(scale=scale)
        metrics = painter.fontMetrics()
        width = max(_WHEEL_SIDE, metrics.horizontalAdvance(text)) + 24
        height = _WHEEL_SIDE + metrics.height() + 28
        card = QRectF(view.left() + 16, view.bottom() - 16 - height, width, height)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 190))
        painter.drawRoundedRect(card, 8, 8)
        wheel = _wheel_image(round(_WHEEL_SIDE * ratio))
        at = QRectF(card.center().x() - _WHEEL_SIDE / 2, card.top() + 12, _WHEEL_SIDE, _WHEEL_SIDE)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(at, wheel, QRectF(wheel.rect()))
        painter.setPen(QColor(236, 236, 236))
        line = QRectF(card.left(), at.bottom() + 6, card.width(), metrics.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


def rgb_image(array: NDArray[np.uint8]) -> QImage:
    """A QImage with the pixels of an (h, w, 3) uint8 RGB array, in a format that paints fast."""
    array = np.ascontiguousarray(array)
    height, width = array.shape[:2]
    image = QImage(array.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)


def rgba_image(array: NDArray[np.uint8], *, is_premultiplied: bool = False) -> QImage:
    """A QImage with the pixels of an (h, w, 4) uint8 RGBA array."""
    array = np.ascontiguousarray(array)
    height, width = array.shape[:2]
    kinds = QImage.Format
    kind = kinds.Format_RGBA8888_Premultiplied if is_premultiplied else kinds.Format_RGBA8888
    image = QImage(array.data, width, height, 4 * width, kind)
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


@lru_cache(maxsize=4)
def _wheel_image(side: int) -> QImage:
    return rgba_image(legend_wheel(side))


def _needle_lines(table: NDArray[np.float32], transform: ViewTransform) -> NDArray[np.float32]:
    """Shafts and tips of small arrows, (n, 4) x, y of both ends in screen px."""
    origin = np.array([transform.left, transform.top], np.float32)
    start = origin + (table[:, :2] + np.float32(0.5)) * np.float32(transform.scale)
    span = table[:, 2:] * np.float32(transform.scale)
    end = start + span
    length = np.hypot(span[:, 0], span[:, 1])[:, None]
    has_tip = length[:, 0] > 4
    size = np.minimum(5.0, length * 0.45)
    along = (span / np.maximum(length, 1e-6) * size)[has_tip]
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1) * np.float32(0.6)
    point = end[has_tip]
    sides = [np.concatenate([point, point - along + side], axis=1) for side in (across, -across)]
    return np.concatenate([np.concatenate([start, end], axis=1), *sides]).astype(np.float32)
