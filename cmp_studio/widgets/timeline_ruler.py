"""Time from left to right: ticks, rendered frames, the loop range and the playhead."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.translation import tr
from cmp_studio.widgets.move_pace import MovePace
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.time_scale import GUTTER, TimeScale

_TICK_STEPS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
_MIN_TICK_PX: Final = 56.0
_HEIGHT: Final = 30


class FrameRuler(QWidget):
    """The playhead to drag; with Shift held, a drag sets the loop range.

    Signals:
        scrubbed(index): The user put the playhead on this frame.
        range_dragged(first, last): The user is choosing these frames to play.
        range_ended(): They are chosen.
        range_cancelled(): They are not to be.
    """

    scrubbed = Signal(int)
    range_dragged = Signal(int, int)
    range_ended = Signal()
    range_cancelled = Signal()

    def __init__(
        self,
        playback: Playback,
        preview: Preview,
        scale: TimeScale,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._playback = playback
        self._preview = preview
        self._scale = scale
        self._themes = themes
        self._range_from: int | None = None
        self.setAccessibleName(tr("Playhead"))
        self.setToolTip(tr("Drag to scrub · Shift+drag sets what is played · wheel zooms"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(GUTTER + 120)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        playback.frame_changed.connect(self.update)
        playback.film_changed.connect(self.update)
        playback.range_changed.connect(self.update)
        preview.cached_changed.connect(self.update)
        self._pace = MovePace(self._follow, self)
        scale.changed.connect(self.update)
        themes.changed.connect(self.update)

    def on_opened(self) -> None:
        """Another document is open: no range is being chosen."""
        self._range_from = None

    def index_at(self, x: float) -> int:
        """The frame at a screen position."""
        return self._preview.index_near(self._scale.time_at(x, self.width()))

    def x_of(self, index: int) -> float:
        """Screen position of a frame."""
        return self._scale.x_of(self._preview.time_of(index), self.width())

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(480, _HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the playhead here, or begin a range."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        index = self.index_at(event.position().x())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._range_from = index
            self.range_dragged.emit(index, index)
        else:
            self.scrubbed.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the playhead or the end of the range."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pace.move(event.position().x())

    def _follow(self, x: float) -> None:
        index = self.index_at(x)
        if self._range_from is not None:
            self.range_dragged.emit(min(self._range_from, index), max(self._range_from, index))
        else:
            self.scrubbed.emit(index)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """The range is chosen."""
        if self._range_from is not None:
            self._range_from = None
            self.range_ended.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give up choosing a range with Esc; leave other keys to the timeline."""
        if event.key() == Qt.Key.Key_Escape and self._range_from is not None:
            self._range_from = None
            self.range_cancelled.emit()
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

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        wheel_timeline(self._scale, event, self.width())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw ticks, marks of rendered frames, the range and the playhead."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(GUTTER - 8, 0, self.width() - GUTTER + 8, self.height()))
        self._draw_range(painter)
        self._draw_marks(painter)
        self._draw_ticks(painter)
        if self.isEnabled():
            x = self.x_of(self._playback.index)
            accent = QColor(theme.accent)
            painter.setPen(QPen(accent, 1.5))
            painter.drawLine(QPointF(x, 10), QPointF(x, self.height()))
            outline = QPen(QColor(theme.text), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen
            painter.setPen(outline)
            painter.setBrush(accent)
            painter.drawPolygon(
                QPolygonF([QPointF(x - 6, 2), QPointF(x + 6, 2), QPointF(x + 6, 8), QPointF(x, 14),
                           QPointF(x - 6, 8)])
            )  # fmt: skip
        painter.end()
        self._pace.on_painted()

    def _draw_range(self, painter: QPainter) -> None:
        if self._playback.range is None:
            return
        first, last = self._playback.range
        left, right = sorted((self.x_of(first), self.x_of(last)))
        fill = QColor(self._themes.theme.accent)
        fill.setAlpha(56)
        painter.fillRect(QRectF(left, 0, max(2.0, right - left), self.height()), fill)

    def _draw_marks(self, painter: QPainter) -> None:
        theme = self._themes.theme
        bar = QRectF(GUTTER, self.height() - 5, self.width() - GUTTER, 3)
        right = self._scale.x_of(self._scale.duration, self.width())
        painter.fillRect(QRectF(bar.left(), bar.top(), right - bar.left(), 3), theme.pressed)
        times = sorted(
            {self._preview.time_of(i) for i, done in enumerate(self._preview.cached) if done}
        )
        step = self._preview.frame_seconds
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for first, last in runs_of(times, step):
            left = self._scale.x_of(first, self.width())
            end = min(self._scale.x_of(last + step, self.width()), right)
            painter.fillRect(QRectF(left, bar.top(), max(1.0, end - left), 3), QColor(theme.muted))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)

    def _draw_ticks(self, painter: QPainter) -> None:
        theme = self._themes.theme
        first, last = self._scale.visible
        room = self._scale.x_of(last, self.width()) - self._scale.x_of(first, self.width())
        step = tick_step(last - first, room)
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        painter.setFont(font)
        number = int(first / step)
        while number * step <= min(last, self._scale.duration) + 1e-6:
            x = self._scale.x_of(number * step, self.width())
            painter.setPen(QPen(QColor(theme.disabled), 1))
            painter.drawLine(QPointF(x, self.height() - 11), QPointF(x, self.height() - 6))
            text = f"{number * step:g} s"
            width = painter.fontMetrics().horizontalAdvance(text)
            left = min(max(x - width / 2, GUTTER - 8), self.width() - width)
            painter.setPen(QColor(theme.muted))
            painter.drawText(QPointF(left, self.height() - 14), text)
            number += 1


def runs_of(times: list[float], step: float) -> list[tuple[float, float]]:
    """First and last time of each run of times that follow each other by about ``step``."""
    found: list[tuple[float, float]] = []
    for time in times:
        if found and time - found[-1][1] <= step * 1.5:
            found[-1] = (found[-1][0], time)
        else:
            found.append((time, time))
    return found


def tick_step(duration: float, width: float) -> float:
    """Seconds between two labelled ticks, so that the labels have room."""
    for step in _TICK_STEPS:
        if width * step / max(duration, 1e-6) >= _MIN_TICK_PX:
            return step
    return _TICK_STEPS[-1]


def wheel_timeline(scale: TimeScale, event: QWheelEvent, width: int) -> None:
    """Zoom with the wheel; with Shift, or sideways, pan."""
    first, last = scale.visible
    delta = event.angleDelta()
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or delta.x():
        steps = (delta.x() or delta.y()) / 120
        scale.pan(-steps * (last - first) * 0.1)
    elif delta.y():
        scale.zoom(1.25 ** (delta.y() / 120), scale.time_at(event.position().x(), width))
    event.accept()
