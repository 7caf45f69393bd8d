"""What lies over the canvas for a moment: first steps, and where to drop."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr
from cmp_studio.widgets.controls import make_label
from cmp_studio.widgets.theme import GRID, ThemeManager

_STEPS = (
    (mark("Drag"), mark("draws an arrow: the spot will go there")),
    (mark("Double-click"), mark("sets a pin: the spot stays still")),
    (mark("Right-click"), mark("takes the nearest away again")),
)


class CoachCard(QWidget):
    """Three lines on a photo without arrows; gone with the first one."""

    def __init__(self, session: Session, themes: ThemeManager, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._session = session
        self._canvas = canvas
        self._themes = themes
        self._has_marks = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID + 4)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(4)
        for row, (what, does) in enumerate(_STEPS):
            key, words = make_label(tr(what)), make_label(tr(does))
            key.setStyleSheet("color: #ffffff; font-weight: 600;")
            words.setStyleSheet("color: #d8d8d8;")
            grid.addWidget(key, row, 0)
            grid.addWidget(words, row, 1)
        canvas.installEventFilter(self)
        session.scene_changed.connect(self.on_scene_changed)
        self.hide()

    def on_scene_changed(self) -> None:
        """Show it on a photo without tracks."""
        scene = self._session.scene
        self.setVisible(scene is not None and not scene.tracks and not self._has_marks)
        self._place()

    def on_marks_shown(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Be silent while the marks of the first run say the same."""
        self._has_marks = is_shown
        self.on_scene_changed()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the canvas's lower edge."""
        if watched is self._canvas and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 20, 205))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        painter.end()

    def _place(self) -> None:
        self.adjustSize()
        x = (self._canvas.width() - self.width()) // 2
        self.move(max(GRID, x), max(GRID, self._canvas.height() - self.height() - 5 * GRID))


class DropVeil(QWidget):
    """Covers the window while something is dragged over it."""

    def __init__(self, themes: ThemeManager, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self, rect: QRect) -> None:
        """Show it over ``rect`` of the window."""
        self.setGeometry(rect)
        self.raise_()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the veil, its frame and the words."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 150))
        painter.setPen(QPen(QColor(theme.accent), 3))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(12, 12, -12, -12), 12, 12)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 1.6)
        painter.setFont(font)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("Drop to open"))
        painter.end()
