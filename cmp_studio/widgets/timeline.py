"""The strip at the bottom: play, loop, time, and the frames with the playhead."""

from __future__ import annotations

from typing import Final, get_args

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QIcon,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from cmp_studio.document.scene import LoopMode
from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.wording import LOOP_HINTS, LOOP_NAMES, clock_text
from cmp_studio.widgets.controls import make_label
from cmp_studio.widgets.icons import themed_icon
from cmp_studio.widgets.theme import GRID, ThemeManager

_TICK_STEPS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
_MIN_TICK_PX: Final = 56.0


class FrameRuler(QWidget):
    """Time from left to right, rendered frames marked, with the playhead to drag.

    Signals:
        scrubbed(index): The user put the playhead on this frame.
    """

    scrubbed = Signal(int)

    def __init__(
        self,
        playback: Playback,
        preview: Preview,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._playback = playback
        self._preview = preview
        self._themes = themes
        self.setAccessibleName("Playhead")
        self.setMinimumSize(120, 40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        playback.frame_changed.connect(self.update)
        playback.film_changed.connect(self.update)
        preview.cached_changed.connect(self.update)
        themes.changed.connect(self.update)

    def index_at(self, x: float) -> int:
        """The frame at a screen position."""
        count = self._playback.frame_count
        area = self._area()
        share = (x - area.left()) / max(1.0, area.width())
        return min(max(int(share * count), 0), count - 1)

    def x_of(self, index: float) -> float:
        """Screen position of the middle of a frame."""
        area = self._area()
        return area.left() + (index + 0.5) / self._playback.frame_count * area.width()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(480, 48)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the playhead here."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.scrubbed.emit(self.index_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the playhead."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.scrubbed.emit(self.index_at(event.position().x()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw ticks, marks of rendered frames and the playhead."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        bar = QRectF(area.left(), area.bottom() - 12, area.width(), 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.pressed))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(theme.disabled))
        for first, last in runs(self._preview.cached):
            left = self.x_of(first - 0.5)
            painter.drawRoundedRect(QRectF(left, bar.top(), self.x_of(last + 0.5) - left, 6), 3, 3)
        self._draw_ticks(painter, bar)
        if self.isEnabled():
            x = self.x_of(self._playback.index)
            accent = QColor(theme.accent)
            painter.setPen(QPen(accent, 2))
            painter.drawLine(QPointF(x, area.top() + 4), QPointF(x, area.bottom() - 2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(accent)
            painter.drawEllipse(QPointF(x, bar.center().y()), 6, 6)
        painter.end()

    def _draw_ticks(self, painter: QPainter, bar: QRectF) -> None:
        theme = self._themes.theme
        fps, duration = self._playback.fps, self._playback.duration
        step = tick_step(duration, bar.width())
        font = painter.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        painter.setFont(font)
        metrics = painter.fontMetrics()
        number = 0
        while number * step <= duration + 1e-6:
            x = self.x_of(min(number * step * fps, self._playback.frame_count) - 0.5)
            painter.setPen(QPen(QColor(theme.disabled), 1))
            painter.drawLine(QPointF(x, bar.top() - 6), QPointF(x, bar.top() - 2))
            text = f"{number * step:g} s"
            width = metrics.horizontalAdvance(text)
            left = min(max(x - width / 2, 0), self.width() - width)
            painter.setPen(QColor(theme.muted))
            painter.drawText(QPointF(left, bar.top() - 9), text)
            number += 1

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(10, 0, -14, 0)


class Timeline(QFrame):
    """Transport buttons, the time and the ruler."""

    def __init__(
        self,
        session: Session,
        playback: Playback,
        preview: Preview,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._playback = playback
        self._themes = themes
        self._icons: dict[str, QIcon] = {}
        self.setProperty("role", "panel")
        self.play_button = _tool_button("Play or pause", "Play or pause (Space)")
        self.play_button.setIconSize(QSize(28, 28))
        self.previous_button = _tool_button("Previous frame", "Previous frame (←)")
        self.next_button = _tool_button("Next frame", "Next frame (→)")
        self.loop_button = _tool_button("Loop mode", "")
        self.loop_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.loop_menu = QMenu(self.loop_button)
        self._loop_group = QActionGroup(self)
        self._loop_actions: dict[LoopMode, QAction] = {}
        for loop in get_args(LoopMode):
            action = self.loop_menu.addAction(LOOP_NAMES[loop])
            action.setCheckable(True)
            action.setData(loop)
            action.setToolTip(LOOP_HINTS[loop])
            self._loop_group.addAction(action)
            self._loop_actions[loop] = action
        self._loop_group.triggered.connect(self.on_loop_triggered)
        self.loop_button.setMenu(self.loop_menu)
        self.time_label = make_label("")
        self.time_label.setAccessibleName("Time")
        self.length_label = make_label("", "muted")
        self.ruler = FrameRuler(playback, preview, themes)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID // 2)
        for widget in (
            self.previous_button,
            self.play_button,
            self.next_button,
            self.loop_button,
        ):
            row.addWidget(widget)
        row.addSpacing(GRID)
        row.addWidget(self.time_label)
        row.addWidget(self.length_label)
        row.addSpacing(GRID)
        row.addWidget(self.ruler, 1)
        self.setFixedHeight(64)
        self.play_button.clicked.connect(playback.toggle)
        self.previous_button.clicked.connect(self.on_previous_clicked)
        self.next_button.clicked.connect(self.on_next_clicked)
        self.ruler.scrubbed.connect(self.on_scrubbed)
        playback.frame_changed.connect(self.on_time_changed)
        playback.film_changed.connect(self.on_time_changed)
        playback.playing_changed.connect(self.on_look_changed)
        session.scene_changed.connect(self.on_look_changed)
        themes.changed.connect(self.on_theme_changed)
        self.on_theme_changed()
        self.on_time_changed()

    def on_time_changed(self) -> None:
        """Show the due time."""
        widest = self.time_label.fontMetrics().horizontalAdvance("00:00.0")
        self.time_label.setFixedWidth(widest)
        self.time_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.time_label.setText(clock_text(self._playback.position))
        self.length_label.setText(f"/ {clock_text(self._playback.duration)}")

    def on_theme_changed(self) -> None:
        """Draw the icons in the theme's colours."""
        theme = self._themes.theme
        names = ("play", "pause", "previous", "next", *get_args(LoopMode))
        self._icons = {name: themed_icon(name, theme) for name in names}
        self.previous_button.setIcon(self._icons["previous"])
        self.next_button.setIcon(self._icons["next"])
        for name, action in self._loop_actions.items():
            action.setIcon(self._icons[name])
        self.on_look_changed()

    def on_look_changed(self) -> None:
        """Show whether it plays and how it loops."""
        scene = self._session.scene
        self.setEnabled(scene is not None)
        self.play_button.setIcon(self._icons["pause" if self._playback.is_playing else "play"])
        loop: LoopMode = "ping_pong" if scene is None else scene.film.loop
        self.loop_button.setIcon(self._icons[loop])
        self.loop_button.setToolTip(f"Loop: {LOOP_NAMES[loop]}\n{LOOP_HINTS[loop]}")
        self._loop_actions[loop].setChecked(True)

    def on_loop_triggered(self, action: QAction) -> None:
        """Change what follows the last frame."""
        scene = self._session.scene
        for loop in get_args(LoopMode):
            if scene is not None and loop == action.data():
                self._session.set_film_loop(loop)

    def on_scrubbed(self, index: int) -> None:
        """Stop and show this frame."""
        self._playback.pause()
        self._playback.seek(index)

    def on_previous_clicked(self) -> None:
        """One frame back."""
        self._playback.step(-1)

    def on_next_clicked(self) -> None:
        """One frame on."""
        self._playback.step(1)


def runs(marks: tuple[bool, ...]) -> list[tuple[int, int]]:
    """First and last index of each run of marks that are set."""
    found: list[tuple[int, int]] = []
    for index, is_set in enumerate(marks):
        if not is_set:
            continue
        if found and found[-1][1] == index - 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def tick_step(duration: float, width: float) -> float:
    """Seconds between two labelled ticks, so that the labels have room."""
    for step in _TICK_STEPS:
        if width * step / max(duration, 1e-6) >= _MIN_TICK_PX:
            return step
    return _TICK_STEPS[-1]


def _tool_button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setIconSize(QSize(20, 20))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
