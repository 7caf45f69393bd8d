"""A small square in which the speed of a motion is drawn: a custom easing curve."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cmp_studio.document.tracks import Curve
from cmp_studio.services.translation import tr
from cmp_studio.widgets.theme import ThemeManager

_MARGIN: Final = 14.0
_STEP: Final = 0.05


class CurveEditor(QWidget):
    """Two handles of a cubic Bezier from the lower left to the upper right.

    Drag the handles; with the keys, Tab chooses the panel, H changes the handle, arrows move it.

    Signals:
        edited(curve): The user changed it: x1, y1, x2, y2.
    """

    edited = Signal(object)

    def __init__(self, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._curve: Curve = (0.25, 0.1, 0.25, 1.0)
        self._held: int | None = None
        self._current = 0
        self.setAccessibleName(tr("Easing curve"))
        self.setToolTip(tr("Drag the two handles · H changes the handle, arrow keys move it"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(132)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        themes.changed.connect(self.update)

    @property
    def curve(self) -> Curve:
        """The curve that is shown."""
        return self._curve

    def show_value(self, curve: Curve) -> None:
        """Show ``curve`` without `edited`."""
        if curve != self._curve:
            self._curve = curve
            self.update()

    def sizeHint(self) -> QSize:
        """A square, about."""
        return QSize(160, 132)

    def handle_at(self, index: int) -> QPointF:
        """Where a handle lies on the widget."""
        x, y = self._curve[2 * index], self._curve[2 * index + 1]
        return self._to_screen(x, y)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the nearer handle."""
        distances = [
            (event.position() - self.handle_at(index)).manhattanLength() for index in (0, 1)
        ]
        self._held = self._current = distances.index(min(distances))
        self._move(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the handle."""
        if self._held is not None:
            self._move(event.position())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._held = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the current handle with the arrow keys."""
        steps = {
            Qt.Key.Key_Left: (-_STEP, 0.0),
            Qt.Key.Key_Right: (_STEP, 0.0),
            Qt.Key.Key_Up: (0.0, _STEP),
            Qt.Key.Key_Down: (0.0, -_STEP),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_H:
            self._current = 1 - self._current
            self.update()
        elif key in steps:
            dx, dy = steps[key]
            index = 2 * self._current
            self._set(self._current, self._curve[index] + dx, self._curve[index + 1] + dy)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the frame, the curve and its handles."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = theme.accent if self.hasFocus() else theme.border
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(theme.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        start, end = self._to_screen(0, 0), self._to_screen(1, 1)
        painter.setPen(QPen(QColor(theme.border), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(start, end).normalized())
        first, second = self.handle_at(0), self.handle_at(1)
        painter.setPen(QPen(QColor(theme.muted), 1.2))
        painter.drawLine(start, first)
        painter.drawLine(end, second)
        way = QPainterPath(start)
        way.cubicTo(first, second, end)
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.drawPath(way)
        for index, at in enumerate((first, second)):
            is_current = self.hasFocus() and index == self._current
            painter.setPen(QPen(QColor(theme.text), 2 if is_current else 1))
            painter.setBrush(QColor(theme.accent))
            painter.drawEllipse(at, 5, 5)
        painter.end()

    def _area(self) -> QRectF:
        side = min(self.width(), self.height()) - 2 * _MARGIN
        left = (self.width() - side) / 2
        return QRectF(left, (self.height() - side) / 2, side, side)

    def _to_screen(self, x: float, y: float) -> QPointF:
        area = self._area()
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())

    def _move(self, position: QPointF) -> None:
        area = self._area()
        if self._held is None or area.width() <= 0:
            return
        x = (position.x() - area.left()) / area.width()
        y = (area.bottom() - position.y()) / area.height()
        self._set(self._held, x, y)

    def _set(self, index: int, x: float, y: float) -> None:
        x, y = round(min(max(x, 0.0), 1.0), 3), round(min(max(y, -0.5), 1.5), 3)
        x1, y1, x2, y2 = self._curve
        curve = (x, y, x2, y2) if index == 0 else (x1, y1, x, y)
        if curve != self._curve:
            self._curve = curve
            self.update()
            self.edited.emit(curve)
