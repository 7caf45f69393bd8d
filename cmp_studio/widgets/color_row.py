"""A row of colours to choose one from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cmp_studio.services.translation import tr
from cmp_studio.widgets.theme import ThemeManager

_SIZE = 18


class ColorRow(QWidget):
    """Swatches side by side; the chosen one has a ring.

    Keys: left and right choose the neighbour.

    Signals:
        chosen(index): The user picked this colour.
    """

    chosen = Signal(int)

    def __init__(
        self,
        name: str,
        colors: Sequence[str],
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._colors = tuple(colors)
        self._themes = themes
        self._index = -1
        self.setAccessibleName(name)
        self.setToolTip(tr("Colour on the photo and in the timeline"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(_SIZE + 6)
        self.setMinimumWidth((_SIZE - 2) * len(self._colors))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        themes.changed.connect(self.update)

    @property
    def index(self) -> int:
        """The colour that is shown as chosen; -1 for none."""
        return self._index

    def show_value(self, index: int) -> None:
        """Show a colour as chosen without `chosen`; -1 shows none."""
        if index != self._index:
            self._index = index
            self.update()

    def place(self, index: int) -> QPointF:
        """Where the middle of a swatch lies."""
        step = self.width() / len(self._colors)
        return QPointF((index + 0.5) * step, self.height() / 2)

    def sizeHint(self) -> QSize:
        """All swatches with room between them."""
        return QSize((_SIZE + 2) * len(self._colors), _SIZE + 6)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the swatch under the mouse."""
        if event.button() == Qt.MouseButton.LeftButton:
            at = int(event.position().x() * len(self._colors) / max(1, self.width()))
            self._choose(min(max(at, 0), len(self._colors) - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the neighbour."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in steps:
            self._choose((self._index + steps[key]) % len(self._colors))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the focus is elsewhere."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the swatches, and a ring around the chosen one."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = min(_SIZE, self.width() / len(self._colors) - 2) / 2 - 2
        for index, color in enumerate(self._colors):
            middle = self.place(index)
            painter.setPen(QPen(QColor(theme.border), 1))
            painter.setBrush(QColor(color))
            painter.drawEllipse(middle, radius, radius)
            if index == self._index:
                ring = theme.accent if self.hasFocus() else theme.text
                painter.setPen(QPen(QColor(ring), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(middle, radius + 2.5, radius + 2.5)
        if self.hasFocus() and self._index < 0:
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
        painter.end()

    def _choose(self, index: int) -> None:
        self._index = index
        self.update()
        self.chosen.emit(index)
