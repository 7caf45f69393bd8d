"""The timeline: transport, ruler and a row for each track."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.document.motion import loop_gap
from cmp_studio.document.scene import LoopMode
from cmp_studio.services.loop_range import LoopRange
from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.recorder import Recorder
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import LOOP_HINTS, LOOP_NAMES, clock_text
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.icons import themed_icon
from cmp_studio.widgets.theme import GRID, ThemeManager
from cmp_studio.widgets.time_scale import TimeScale
from cmp_studio.widgets.timeline_ruler import FrameRuler
from cmp_studio.widgets.track_rows import TrackRows

SCROLL_WIDTH = 10
"""Width of the scroll bar beside the rows, as in the style sheet; the ruler leaves it free."""

_GAP_PX = 1.0
"""A jump of less is not seen."""


class Timeline(QFrame):
    """Transport buttons and the time, over the ruler and the rows.

    Signals:
        hint_changed(text): What a press on a row would do; empty when the mouse is elsewhere.
    """

    hint_changed = Signal(str)

    def __init__(
        self,
        session: Session,
        playback: Playback,
        preview: Preview,
        recorder: Recorder,
        loop_range: LoopRange,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._playback = playback
        self._preview = preview
        self._recorder = recorder
        self._themes = themes
        self._icons: dict[str, QIcon] = {}
        self.setProperty("role", "panel")
        self.setAccessibleName(tr("Timeline"))
        self.scale = TimeScale(self)
        self.play_button = _tool_button(tr("Play or pause"), tr("Play or pause (Space)"))
        self.previous_button = _tool_button(tr("Previous frame"), tr("Previous frame (←)"))
        self.next_button = _tool_button(tr("Next frame"), tr("Next frame (→)"))
        self.loop_button = _tool_button(tr("Loop mode"), "")
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
        self.time_label.setAccessibleName(tr("Time"))
        self.length_label = make_label("", "muted")
        self.state = make_label("", "muted")
        self.state.setAccessibleName(tr("State of the film"))
        self.whole_button = make_button(tr("Whole film"), "flat")
        self.whole_button.setToolTip(tr("Play the whole film again"))
        self.fit_button = make_button(tr("Fit"), "flat")
        self.fit_button.setToolTip(tr("Show the whole timeline"))
        self.ruler = FrameRuler(playback, preview, self.scale, themes)
        self.rows = TrackRows(session, playback, preview, self.scale, themes)
        self._lay_out()
        self.play_button.clicked.connect(playback.toggle)
        self.previous_button.clicked.connect(self.on_previous_clicked)
        self.next_button.clicked.connect(self.on_next_clicked)
        self.whole_button.clicked.connect(loop_range.clear)
        self.fit_button.clicked.connect(self.scale.fit)
        self.ruler.scrubbed.connect(self.on_scrubbed)
        self.ruler.range_dragged.connect(loop_range.drag)
        self.ruler.range_ended.connect(session.commit)
        self.ruler.range_cancelled.connect(session.abort)
        session.opened.connect(self.ruler.on_opened)
        self.rows.hint_changed.connect(self.hint_changed)
        playback.frame_changed.connect(self.on_time_changed)
        playback.film_changed.connect(self.on_time_changed)
        playback.range_changed.connect(self.on_look_changed)
        playback.playing_changed.connect(self.on_look_changed)
        recorder.recording_changed.connect(self.on_look_changed)
        recorder.speed_changed.connect(self.on_look_changed)
        session.scene_changed.connect(self.on_look_changed)
        session.opened.connect(self.scale.fit)
        self.scale.changed.connect(self.on_scale_changed)
        themes.changed.connect(self.on_theme_changed)
        self.on_theme_changed()
        self.on_time_changed()
        self.on_scale_changed()

    def sizeHint(self) -> QSize:
        """Room for a few tracks."""
        return QSize(640, 172)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Play and pause with Space, step with left and right, wherever the focus is here."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            self._playback.toggle()
        elif key in steps and self.ruler.hasFocus():
            self._playback.step(steps[key])
        else:
            super().keyPressEvent(event)

    def on_time_changed(self) -> None:
        """Show the due time."""
        widest = self.time_label.fontMetrics().horizontalAdvance("00:00.0")
        self.time_label.setFixedWidth(widest)
        self.time_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.time_label.setText(clock_text(self._preview.due_time))
        scene = self._session.scene
        length = 0.0 if scene is None else scene.film.duration
        self.length_label.setText(f"/ {clock_text(length)}")

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
        """Show whether it plays, how it loops and whether that joins."""
        scene = self._session.scene
        self.setEnabled(scene is not None)
        self.play_button.setIcon(self._icons["pause" if self._playback.is_playing else "play"])
        loop: LoopMode = "ping_pong" if scene is None else scene.film.loop
        self.loop_button.setIcon(self._icons[loop])
        self.loop_button.setToolTip(
            tr("Loop: {name}\n{hint}").format(name=LOOP_NAMES[loop], hint=LOOP_HINTS[loop])
        )
        self._loop_actions[loop].setChecked(True)
        self.whole_button.setVisible(self._playback.range is not None)
        is_warning, text = False, ""
        if self._recorder.is_recording:
            half = "" if self._recorder.speed == 1.0 else tr(" at half speed")
            is_warning, text = True, tr("● Recording{half}").format(half=half)
        elif scene is not None and not self._session.has_gesture:
            text = loop_text(loop_gap(scene), loop)
        role = "warning" if is_warning else "muted"
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().polish(self.state)
        self.state.setText(text)
        if scene is not None:
            self.scale.set_duration(scene.film.duration)
        self.on_time_changed()

    def on_scale_changed(self) -> None:
        """Offer to show all only where not all is shown."""
        self.fit_button.setVisible(not self.scale.is_fitted)

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

    def _lay_out(self) -> None:
        transport = QHBoxLayout()
        transport.setContentsMargins(GRID, 2, GRID, 2)
        transport.setSpacing(GRID // 2)
        for button in (
            self.previous_button, self.play_button, self.next_button, self.loop_button,
        ):  # fmt: skip
            transport.addWidget(button)
        transport.addSpacing(GRID)
        transport.addWidget(self.time_label)
        transport.addWidget(self.length_label)
        transport.addSpacing(2 * GRID)
        transport.addWidget(self.state, 1)
        transport.addWidget(self.whole_button)
        transport.addWidget(self.fit_button)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        area.setWidget(self.rows)
        ruler_row = QHBoxLayout()
        ruler_row.setContentsMargins(0, 0, SCROLL_WIDTH, 0)
        ruler_row.addWidget(self.ruler)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(transport)
        column.addLayout(ruler_row)
        column.addWidget(area, 1)
        self.setMinimumHeight(104)


def loop_text(gap: float, loop: LoopMode) -> str:
    """Whether the film joins where it begins again, with the number."""
    if loop == "ping_pong":
        return tr("Comes back the way it went")
    if gap < _GAP_PX:
        return (
            tr("First equals last")
            if gap == 0
            else tr("Jumps by {gap:.1f} px: not seen").format(gap=gap)
        )
    return tr("Jumps back by {gap:.0f} px at the end").format(gap=gap)


def _tool_button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setIconSize(QSize(20, 20))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
