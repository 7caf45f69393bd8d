"""Draws masks, clicks, strokes and the flows behind them over the picture."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from cmp_studio.document.annotation import Annotation, BrushStroke, Click, ClickHit
from cmp_studio.services.annotation_masks import Masks
from cmp_studio.services.flow_overlay import colored_flow
from cmp_studio.services.mask_overlay import View, mask_overlay
from cmp_studio.widgets.flow_painter import rgba_image
from cmp_studio.widgets.theme import TRACK_COLORS
from cmp_studio.widgets.view_transform import ViewTransform

CLICK_RADIUS: Final = 7.0
"""Of a click on the screen, logical px."""

_MOST_PIXELS: Final = 2_600_000
"""Of a denser screen the masks are drawn at half its resolution."""

_INK: Final = QColor(18, 18, 18)
_PAPER: Final = QColor(255, 255, 255)


def object_color(object_id: int) -> QColor:
    """The colour of an object; told apart with any colour vision."""
    return QColor(TRACK_COLORS[(object_id - 1) % len(TRACK_COLORS)])


class AnnotationPainter:
    """Keeps the pictures that it draws, so that a repaint costs little."""

    def __init__(self) -> None:
        self._masks: Masks | None = None
        self._drawn: object = None
        self._image = QImage()
        self._flow: NDArray[np.float16] | None = None
        self._flow_image = QImage()

    def draw_masks(
        self,
        painter: QPainter,
        size: QSize,
        transform: ViewTransform,
        masks: Masks,
        *,
        current: int | None,
    ) -> None:
        """Tint each object and draw its outline; the one that is worked on stands out.

        Args:
            painter: On the view.
            size: Of the view.
            transform: Of the view.
            masks: Of all objects.
            current: Id of the object that is worked on.
        """
        ratio = painter.device().devicePixelRatioF()
        if size.width() * size.height() * ratio**2 > _MOST_PIXELS:
            ratio /= 2
        wanted = (size, ratio, transform, current)
        if masks is not self._masks or wanted != self._drawn:
            self._masks, self._drawn = masks, wanted
            view = View(
                transform.left * ratio,
                transform.top * ratio,
                transform.scale * ratio,
                (max(1, round(size.height() * ratio)), max(1, round(size.width() * ratio))),
            )
            shown = [object_color(object_id) for object_id in masks.ids]
            colors = [(color.red(), color.green(), color.blue()) for color in shown]
            number = masks.ids.index(current) + 1 if current in masks.ids else 0
            pixels = mask_overlay(masks.labels, colors, view, current=number)
            self._image = rgba_image(pixels, is_premultiplied=True)
        painter.drawImage(QRectF(0, 0, size.width(), size.height()), self._image)

    def draw_flow(
        self,
        painter: QPainter,
        transform: ViewTransform,
        flow: NDArray[np.float16],
        box: tuple[int, int, int, int],
        scale: float,
    ) -> None:
        """Draw the flow of one direction as colours over the part that was looked at.

        Args:
            painter: On the view.
            transform: Of the view.
            flow: (h, w, 2), px of the picture.
            box: Left, top, width and height of that part, px of the picture.
            scale: Length that gets the full colour, px of the picture.
        """
        if flow is not self._flow:
            self._flow = flow
            self._flow_image = rgba_image(colored_flow(flow, scale))
        corner = transform.to_screen((box[0] - 0.5, box[1] - 0.5))
        size = (box[2] * transform.scale, box[3] * transform.scale)
        place = QRectF(corner.x(), corner.y(), *size)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._flow_image, QRectF(self._flow_image.rect()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255, 200), 1.2)):
            painter.setPen(
                QPen(color, width, Qt.PenStyle.DashLine if width < 2 else Qt.PenStyle.SolidLine)
            )
            painter.drawRect(place)
        painter.restore()

    def draw_clicks(
        self,
        painter: QPainter,
        transform: ViewTransform,
        annotation: Annotation,
        *,
        current: int | None,
        hovered: ClickHit | None,
    ) -> None:
        """Draw all clicks: a disc with a plus on the object, a square with a minus beside it."""
        for thing in annotation.objects:
            if thing.id == current:
                continue
            for index, click in enumerate(thing.clicks):
                is_hovered = hovered == ClickHit(thing.id, index)
                radius = CLICK_RADIUS if is_hovered else CLICK_RADIUS * 0.55
                place = transform.to_screen(click.point)
                _draw_click(painter, place, click, object_color(thing.id), radius)
        thing_now = annotation.find(current)
        if thing_now is None:
            return
        for index, click in enumerate(thing_now.clicks):
            is_hovered = hovered == ClickHit(thing_now.id, index)
            radius = CLICK_RADIUS * (1.3 if is_hovered else 1.0)
            place = transform.to_screen(click.point)
            _draw_click(painter, place, click, object_color(thing_now.id), radius)

    def draw_stroke(
        self, painter: QPainter, transform: ViewTransform, stroke: BrushStroke, color: QColor
    ) -> None:
        """Draw the stroke that is being painted."""
        color = QColor(_INK if stroke.is_erasing else color)
        color.setAlpha(150)
        points = QPolygonF([transform.to_screen(point) for point in stroke.points])
        pen = QPen(color, max(1.0, 2 * stroke.radius * transform.scale))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        if len(stroke.points) == 1:
            painter.drawPoint(points.at(0))
        else:
            painter.drawPolyline(points)

    def draw_brush(self, painter: QPainter, at: QPointF, radius: float) -> None:
        """Draw the edge of the brush, radius in screen px."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 170), 3.0), (QColor(255, 255, 255), 1.4)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(at, radius, radius)


def _draw_click(
    painter: QPainter, place: QPointF, click: Click, color: QColor, radius: float
) -> None:
    """Draw one click; shape and sign say its side, the colour whose it is."""
    sign = radius * 0.52
    painter.save()
    if click.is_positive:
        painter.setPen(QPen(_PAPER, 3.4))
        painter.setBrush(color)
        painter.drawEllipse(place, radius, radius)
        painter.setPen(QPen(_INK, 1.4))
        painter.drawEllipse(place, radius, radius)
    else:
        side = radius * 0.92
        box = QRectF(place.x() - side, place.y() - side, 2 * side, 2 * side)
        painter.setPen(QPen(_INK, 3.4))
        painter.setBrush(_INK)
        painter.drawRect(box)
        painter.setPen(QPen(color, 1.6))
        painter.drawRect(box)
    pen = QPen(_INK if click.is_positive else _PAPER, max(1.2, radius * 0.3))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawLine(place - QPointF(sign, 0), place + QPointF(sign, 0))
    if click.is_positive:
        painter.drawLine(place - QPointF(0, sign), place + QPointF(0, sign))
    painter.restore()
