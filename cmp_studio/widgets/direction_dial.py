"""A dial that shows a direction and lets it be turned."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from cmp_studio.services.translation import tr
from cmp_studio.widgets.theme import ThemeManager

_SIDE: Final = 56
_STEP: Final = 15.0


class DirectionDial(QWidget):
    """A direction in degrees, 0 to the right, clockwise.

    Signals:
        edited(degrees): The user turned it.
    """

    edited = Signal(float)

    def __init__(self, name: str, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._angle = 0.0
        self.setAccessibleName(name)
        self.setToolTip(tr("Drag to turn, with Shift in steps of 15°"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedSize(_SIDE, _SIDE)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        themes.changed.connect(self.update)

    def show_value(self, degrees: float) -> None:
        """Show a direction without `edited`."""
        if degrees != self._angle:
            self._angle = degrees
            self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(_SIDE, _SIDE)

    def _turn(self, degrees: float) -> None:
        wrapped = (degrees + 180) % 360 - 180
        self.show_value(wrapped)
        self.edited.emit(wrapped)

    def _turn_to(self, event: QMouseEvent) -> None:
        middle = QPointF(self.width() / 2, self.height() / 2)
        way = event.position() - middle
        if math.hypot(way.x(), way.y()) < 3:
            return
        degrees = math.degrees(math.atan2(way.y(), way.x()))
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            degrees = round(degrees / _STEP) * _STEP
        self._turn(float(round(degrees)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ring and the arrow."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, radius = QPointF(self.width() / 2, self.height() / 2), _SIDE / 2 - 3
        painter.setPen(QPen(QColor(theme.accent if self.hasFocus() else theme.border), 1.2))
        painter.setBrush(QColor(theme.raised))
        painter.drawEllipse(middle, radius, radius)
        painter.setPen(QPen(QColor(theme.disabled), 1))
        for eighth in range(8):
            way = _unit(45.0 * eighth)
            painter.drawLine(middle + way * (radius - 4), middle + way * (radius - 1))
        way = _unit(self._angle)
        tip, side = middle + way * (radius - 6), QPointF(-way.y(), way.x())
        color = QColor(theme.accent if self.isEnabled() else theme.disabled)
        pen = QPen(color, 2.4)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(middle - way * 8, tip - way * 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([tip, tip - way * 10 + side * 5, tip - way * 10 - side * 5]))
        painter.drawEllipse(QRectF(middle.x() - 2, middle.y() - 2, 4, 4))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Turn to the mouse."""
        self._turn_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the mouse."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._turn_to(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn by steps."""
        self._turn(self._angle - event.angleDelta().y() / 120 * _STEP)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn by steps."""
        steps = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP}
        if event.key() in steps:
            self._turn(self._angle + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)


def _unit(degrees: float) -> QPointF:
    angle = math.radians(degrees)
    return QPointF(math.cos(angle), math.sin(angle))
