"""The program's own icons, drawn from lines on a grid of 24 x 24."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QGuiApplication,
    QIcon,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

from cmp_studio.widgets.theme import Theme

_SIDE: Final = 24
_LINE: Final = 1.8


def themed_icon(name: str, theme: Theme, *, is_toggle: bool = False) -> QIcon:
    """The icon ``name`` in the colours of ``theme``.

    What is on is drawn in the accent; a toggle, which is on most of the time, is drawn plainly
    then, and steps back while it is off.
    """
    icon = QIcon()
    states = (
        (QIcon.Mode.Normal, QIcon.State.Off, theme.disabled if is_toggle else theme.text),
        (QIcon.Mode.Normal, QIcon.State.On, theme.text if is_toggle else theme.accent),
        (QIcon.Mode.Disabled, QIcon.State.Off, theme.disabled),
        (QIcon.Mode.Disabled, QIcon.State.On, theme.disabled),
    )
    ratios = {
        1.0,
        2.0,
        *(float(math.ceil(s.devicePixelRatio())) for s in QGuiApplication.screens()),
    }
    for mode, state, color in states:
        for ratio in sorted(ratios):
            icon.addPixmap(icon_pixmap(name, QColor(color), _SIDE, ratio), mode, state)
    return icon


def icon_pixmap(name: str, color: QColor, side: int, ratio: float) -> QPixmap:
    """The icon ``name`` in one colour, ``side`` logical px wide at this device pixel ratio."""
    return QPixmap.fromImage(_icon_image(name, color.rgba(), side, ratio))


@lru_cache(maxsize=1024)
def _icon_image(name: str, rgba: int, side: int, ratio: float) -> QImage:
    """The icon as it was drawn before: a change of the theme draws some hundred of them."""
    color = QColor.fromRgba(rgba)
    image = QImage(
        round(side * ratio), round(side * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / _SIDE, side / _SIDE)
    pen = QPen(color, _LINE)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    _DRAWINGS[name](painter, color)
    painter.end()
    return image


def application_icon() -> QIcon:
    """The icon of the program: an arrow that pulls a pinned string."""
    icon = QIcon()
    for side in (16, 32, 64, 128, 256):
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(side / 64, side / 64)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#262626"))
        painter.drawRoundedRect(QRectF(2, 2, 60, 60), 14, 14)
        pen = QPen(QColor("#ff8f50"), 6)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawLine(QPointF(23, 41), QPointF(46, 18))
        painter.drawPolyline(QPolygonF([QPointF(32, 17), QPointF(47, 17), QPointF(47, 32)]))
        painter.setPen(QPen(QColor("#f4f4f4"), 4.5))
        painter.setBrush(QColor("#262626"))
        painter.drawEllipse(QPointF(20, 44), 6.5, 6.5)
        painter.end()
        icon.addPixmap(pixmap)
    return icon


def _polyline(painter: QPainter, *points: tuple[float, float]) -> None:
    painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _filled(painter: QPainter, color: QColor, *points: tuple[float, float]) -> None:
    painter.setBrush(QBrush(color))
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in points]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _select(painter: QPainter, _color: QColor) -> None:
    path = QPainterPath(QPointF(6, 4))
    for x, y in ((6, 18.5), (9.8, 14.9), (12.4, 20.4), (15, 19.2), (12.4, 13.8), (17.4, 13.6)):
        path.lineTo(x, y)
    path.closeSubpath()
    painter.drawPath(path)


def _arrow(painter: QPainter, _color: QColor) -> None:
    painter.drawEllipse(QPointF(6.2, 17.8), 2.4, 2.4)
    painter.drawLine(QPointF(8, 16), QPointF(18.6, 5.4))
    _polyline(painter, (11.6, 5.2), (18.8, 5.2), (18.8, 12.4))


def _path(painter: QPainter, color: QColor) -> None:
    way = QPainterPath(QPointF(5, 18))
    way.cubicTo(QPointF(6, 6), QPointF(15, 20), QPointF(18.4, 6))
    painter.drawPath(way)
    painter.setBrush(QBrush(color))
    for x, y in ((5, 18), (11.4, 12.9), (18.4, 6)):
        painter.drawEllipse(QPointF(x, y), 1.7, 1.7)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _brush(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(19.5, 4.5), QPointF(11.6, 13.2))
    tip = QPainterPath(QPointF(4.4, 19.6))
    tip.cubicTo(QPointF(7.4, 18.6), QPointF(5.2, 14.4), QPointF(9, 13.4))
    tip.cubicTo(QPointF(12.4, 12.6), QPointF(13, 17.4), QPointF(9.6, 18.8))
    tip.cubicTo(QPointF(8, 19.5), QPointF(6, 19.7), QPointF(4.4, 19.6))
    painter.setBrush(QBrush(color))
    painter.drawPath(tip)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _record(painter: QPainter, color: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 7.4, 7.4)
    painter.setBrush(QBrush(color))
    painter.drawEllipse(QPointF(12, 12), 3.2, 3.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _pin(painter: QPainter, color: QColor) -> None:
    _polyline(painter, (12, 3.6), (20.4, 12), (12, 20.4), (3.6, 12), (12, 3.6))
    painter.setBrush(QBrush(color))
    painter.drawEllipse(QPointF(12, 12), 1.9, 1.9)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _play(painter: QPainter, color: QColor) -> None:
    _filled(painter, color, (8, 5.5), (18.5, 12), (8, 18.5))


def _pause(painter: QPainter, color: QColor) -> None:
    painter.setBrush(QBrush(color))
    painter.drawRoundedRect(QRectF(7, 6, 2.6, 12), 0.8, 0.8)
    painter.drawRoundedRect(QRectF(14.4, 6, 2.6, 12), 0.8, 0.8)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _previous(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(7, 7), QPointF(7, 17))
    _filled(painter, color, (16.5, 7), (10, 12), (16.5, 17))


def _next(painter: QPainter, color: QColor) -> None:
    painter.drawLine(QPointF(17, 7), QPointF(17, 17))
    _filled(painter, color, (7.5, 7), (14, 12), (7.5, 17))


def _ping_pong(painter: QPainter, _color: QColor) -> None:
    painter.drawLine(QPointF(4.5, 9), QPointF(19, 9))
    _polyline(painter, (15.6, 5.6), (19.2, 9), (15.6, 12.4))
    painter.drawLine(QPointF(5, 16), QPointF(19.5, 16))
    _polyline(painter, (8.4, 12.6), (4.8, 16), (8.4, 19.4))


def _seamless(painter: QPainter, _color: QColor) -> None:
    box = QRectF(5, 5, 14, 14)
    painter.drawArc(box, 60 * 16, 300 * 16)
    x, y = 12 + 7 * math.cos(math.radians(60)), 12 - 7 * math.sin(math.radians(60))
    _polyline(painter, (x - 3.9, y - 1.6), (x, y), (x - 1.6, y + 3.9))


def _once(painter: QPainter, _color: QColor) -> None:
    painter.drawLine(QPointF(4.5, 12), QPointF(15.5, 12))
    _polyline(painter, (12, 8.2), (15.8, 12), (12, 15.8))
    painter.drawLine(QPointF(19.5, 6.5), QPointF(19.5, 17.5))


def _hold(painter: QPainter, _color: QColor) -> None:
    painter.drawLine(QPointF(4, 12), QPointF(11, 12))
    _polyline(painter, (8, 8.6), (11.4, 12), (8, 15.4))
    painter.drawLine(QPointF(16, 7), QPointF(16, 17))
    painter.drawLine(QPointF(19.8, 7), QPointF(19.8, 17))


def _undo(painter: QPainter, _color: QColor) -> None:
    path = QPainterPath(QPointF(5, 9.5))
    path.lineTo(14, 9.5)
    path.arcTo(QRectF(9.5, 9.5, 9.5, 9.5), 90, -180)
    path.lineTo(9, 19)
    painter.drawPath(path)
    _polyline(painter, (8.6, 5.6), (4.7, 9.5), (8.6, 13.4))


def _redo(painter: QPainter, color: QColor) -> None:
    painter.translate(24, 0)
    painter.scale(-1, 1)
    _undo(painter, color)


def _export(painter: QPainter, _color: QColor) -> None:
    painter.drawLine(QPointF(12, 14.5), QPointF(12, 4.5))
    _polyline(painter, (8, 8.2), (12, 4.2), (16, 8.2))
    _polyline(painter, (5, 13.5), (5, 19.5), (19, 19.5), (19, 13.5))


def _open(painter: QPainter, _color: QColor) -> None:
    path = QPainterPath(QPointF(4, 18.5))
    for x, y in ((4, 6), (9.5, 6), (11.5, 8.5), (20, 8.5), (20, 18.5)):
        path.lineTo(x, y)
    path.closeSubpath()
    painter.drawPath(path)


def _picture(painter: QPainter, color: QColor) -> None:
    painter.drawRoundedRect(QRectF(4, 5, 16, 14), 2, 2)
    _polyline(painter, (4.5, 16.5), (9.5, 11.5), (13, 15), (15.5, 12.7), (19.5, 16.5))
    painter.setBrush(QBrush(color))
    painter.drawEllipse(QPointF(14.8, 8.9), 0.8, 0.8)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _panel(painter: QPainter, color: QColor) -> None:
    painter.drawRoundedRect(QRectF(4, 5, 16, 14), 2, 2)
    painter.drawLine(QPointF(14.5, 5.5), QPointF(14.5, 18.5))
    painter.setBrush(QBrush(color))
    painter.drawRect(QRectF(15.2, 6, 4, 12))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _overlays(painter: QPainter, color: QColor) -> None:
    path = QPainterPath(QPointF(3.5, 12))
    path.quadTo(12, 1.8, 20.5, 12)
    path.quadTo(12, 22.2, 3.5, 12)
    painter.drawPath(path)
    painter.setBrush(QBrush(color))
    painter.drawEllipse(QPointF(12, 12), 2.2, 2.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _delete(painter: QPainter, _color: QColor) -> None:
    painter.drawLine(QPointF(5, 7.5), QPointF(19, 7.5))
    _polyline(painter, (9.5, 7), (9.5, 4.8), (14.5, 4.8), (14.5, 7))
    _polyline(painter, (6.8, 7.8), (7.6, 19.2), (16.4, 19.2), (17.2, 7.8))


def _check(painter: QPainter, _color: QColor) -> None:
    _polyline(painter, (5.5, 12.5), (10, 17), (18.5, 7.5))


def _positive(painter: QPainter, _color: QColor) -> None:
    painter.drawEllipse(QPointF(12, 12), 8, 8)
    painter.drawLine(QPointF(8, 12), QPointF(16, 12))
    painter.drawLine(QPointF(12, 8), QPointF(12, 16))


def _negative(painter: QPainter, _color: QColor) -> None:
    painter.drawRect(QRectF(4.8, 4.8, 14.4, 14.4))
    painter.drawLine(QPointF(8.4, 12), QPointF(15.6, 12))


def _left(painter: QPainter, _color: QColor) -> None:
    _polyline(painter, (14.5, 5.5), (8, 12), (14.5, 18.5))


def _right(painter: QPainter, _color: QColor) -> None:
    _polyline(painter, (9.5, 5.5), (16, 12), (9.5, 18.5))


_DRAWINGS: Final[dict[str, Callable[[QPainter, QColor], None]]] = {
    "select": _select,
    "arrow": _arrow,
    "pin": _pin,
    "path": _path,
    "brush": _brush,
    "record": _record,
    "play": _play,
    "pause": _pause,
    "previous": _previous,
    "next": _next,
    "ping_pong": _ping_pong,
    "seamless": _seamless,
    "once": _once,
    "hold": _hold,
    "undo": _undo,
    "redo": _redo,
    "export": _export,
    "open": _open,
    "picture": _picture,
    "panel": _panel,
    "overlays": _overlays,
    "delete": _delete,
    "check": _check,
    "positive": _positive,
    "negative": _negative,
    "left": _left,
    "right": _right,
}

ICON_NAMES: Final = tuple(_DRAWINGS)
"""Every icon there is."""
