"""The panel on the right: numbers of the selected tracks, of the film and of the view."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.document.errors import DocumentError
from cmp_studio.document.motion import film_seconds, frame_times
from cmp_studio.document.scene import FilmSettings, LoopMode
from cmp_studio.document.tracks import (
    Easing,
    Repeat,
    Timing,
    Track,
    keep_inside,
    move_head,
    move_track,
)
from cmp_studio.services.session import Session
from cmp_studio.services.view_options import FlowStyle, ViewOptions
from cmp_studio.services.wording import (
    EASING_NAMES,
    LOOP_HINTS,
    LOOP_NAMES,
    REPEAT_NAMES,
    track_title,
    tracks_title,
)
from cmp_studio.widgets.controls import (
    ChoiceBox,
    NumberField,
    SliderField,
    Switch,
    make_label,
    make_line,
)
from cmp_studio.widgets.theme import GRID, ThemeManager

_FAR = 20_000.0
_FLOW_STYLES: dict[str, str] = {"colors": "Colours", "needles": "Needles", "both": "Both"}


class Inspector(QScrollArea):
    """Shows one section for each thing that can be set now."""

    def __init__(
        self,
        session: Session,
        options: ViewOptions,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Inspector")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        panel = QWidget()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        self.track_section = TrackSection(session, themes)
        self.film_section = FilmSection(session, themes)
        self.flow_section = FlowSection(options, themes)
        self._flow_line = make_line()
        column.addWidget(self.track_section)
        column.addWidget(make_line())
        column.addWidget(self.film_section)
        column.addWidget(self._flow_line)
        column.addWidget(self.flow_section)
        column.addStretch(1)
        self.setWidget(panel)
        self.setMinimumWidth(232)
        self._options = options
        options.changed.connect(self.on_options_changed)
        self.on_options_changed()

    def on_options_changed(self) -> None:
        """Show the flow's settings only where flow is shown."""
        is_flow = self._options.mode == "flow"
        self.flow_section.setVisible(is_flow)
        self._flow_line.setVisible(is_flow)


class _Section(QWidget):
    """A heading over a grid of labels and fields."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = make_label(title, "section")
        self._head = QHBoxLayout()
        self._head.setContentsMargins(0, 0, 0, 0)
        self._head.addWidget(self._title, 1)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnMinimumWidth(0, 72)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID + 4)
        column.addLayout(self._head)
        column.addLayout(self._grid)
        self._rows: dict[str, list[QWidget]] = {}

    def _add_row(self, text: str, *fields: QWidget) -> None:
        row = self._grid.rowCount()
        label = make_label(text, "muted")
        label.setBuddy(fields[0])
        self._grid.addWidget(label, row, 0)
        if len(fields) == 1:
            self._grid.addWidget(fields[0], row, 1, 1, 2)
        else:
            for column, field in enumerate(fields, 1):
                self._grid.addWidget(field, row, column)
        self._rows[text] = [label, *fields]

    def _show_row(self, text: str, *, is_shown: bool) -> None:
        for widget in self._rows[text]:
            widget.setVisible(is_shown)


class TrackSection(_Section):
    """Position, displacement and timing of the selected tracks."""

    def __init__(
        self, session: Session, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__("Nothing selected", parent)
        self._session = session
        self.is_on = Switch("On", themes)
        self._head.addWidget(self.is_on)
        self.tail_x = NumberField("Start, x", -_FAR, _FAR, suffix=" px")
        self.tail_y = NumberField("Start, y", -_FAR, _FAR, suffix=" px")
        self.dx = NumberField("Movement to the right", -_FAR, _FAR, suffix=" px")
        self.dy = NumberField("Movement down", -_FAR, _FAR, suffix=" px")
        self.length = make_label("", "muted")
        self.easing = ChoiceBox("Easing", EASING_NAMES, themes)
        self.repeat = ChoiceBox("Motion", REPEAT_NAMES, themes)
        self.start = NumberField("Starts at", 0, 600, decimals=2, step=0.1, suffix=" s")
        self.end = NumberField("Ends at", 0, 600, decimals=2, step=0.1, suffix=" s")
        self._add_row("Position", self.tail_x, self.tail_y)
        self._add_row("Moves by", self.dx, self.dy)
        self._add_row("", self.length)
        self._add_row("Easing", self.easing)
        self._add_row("Motion", self.repeat)
        self._add_row("From, to", self.start, self.end)
        self._hint = make_label("", "muted")
        self._hint.setWordWrap(True)
        layout = self.layout()
        if isinstance(layout, QLayout):
            layout.addWidget(self._hint)
        self.is_on.clicked.connect(self.on_switched)
        self.tail_x.edited.connect(self.on_position_edited)
        self.tail_y.edited.connect(self.on_position_edited)
        self.dx.edited.connect(self.on_movement_edited)
        self.dy.edited.connect(self.on_movement_edited)
        self.easing.chosen.connect(self.on_easing_chosen)
        self.repeat.chosen.connect(self.on_repeat_chosen)
        self.start.edited.connect(self.on_time_edited)
        self.end.edited.connect(self.on_time_edited)
        session.scene_changed.connect(self.on_scene_changed)
        session.selection_changed.connect(self.on_scene_changed)
        self.on_scene_changed()

    def on_scene_changed(self) -> None:
        """Show the selected tracks as they are now."""
        tracks = self._session.selected_tracks
        scene = self._session.scene
        moving = [track for track in tracks if track.kind != "pin"]
        is_one = len(tracks) == 1
        self.is_on.setVisible(bool(tracks))
        self._show_row("Position", is_shown=is_one)
        self._show_row("Moves by", is_shown=is_one and bool(moving))
        self._show_row("", is_shown=is_one and bool(moving))
        for row in ("Easing", "Motion", "From, to"):
            self._show_row(row, is_shown=bool(moving))
        self._title.setText(_heading(tracks))
        self._title.setProperty("role", "title" if tracks else "section")
        self._title.style().polish(self._title)
        self._hint.setText(self._hint_text(tracks, moving))
        self._hint.setVisible(bool(self._hint.text()))
        self.is_on.setChecked(bool(tracks) and all(track.is_on for track in tracks))
        if is_one:
            track = tracks[0]
            self.tail_x.show_value(track.tail[0])
            self.tail_y.show_value(track.tail[1])
            dx, dy = track.span
            self.dx.show_value(dx)
            self.dy.show_value(dy)
            self.length.setText(f"{math.hypot(dx, dy):.0f} px, {_angle(dx, dy):.0f}°")
        if moving and scene is not None:
            self.easing.show_value(_common([track.timing.easing for track in moving]))
            self.repeat.show_value(_common([track.timing.repeat for track in moving]))
            self.start.show_value(moving[0].timing.start)
            end = moving[0].timing.end
            self.end.show_value(scene.film.duration if end is None else end)

    def on_switched(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Let the selected tracks take part, or not."""
        tracks = self._session.selected_tracks
        verb = "Switch on" if is_on else "Switch off"
        changed = [replace(track, is_on=is_on) for track in tracks]
        self._session.set_tracks(changed, f"{verb} {tracks_title(tracks)}")

    def on_position_edited(self, _value: float) -> None:
        """Move the whole track."""
        self._edit("Move", "position", self._moved)

    def on_movement_edited(self, _value: float) -> None:
        """Put the head elsewhere."""
        self._edit("Change", "movement", self._aimed)

    def on_easing_chosen(self, value: str) -> None:
        """Change the speed along the way."""
        easing: Easing = next(known for known in get_args(Easing) if known == value)
        self._set_timing("easing", lambda timing: replace(timing, easing=easing))

    def on_repeat_chosen(self, value: str) -> None:
        """Change what the track does with its time."""
        repeat: Repeat = next(known for known in get_args(Repeat) if known == value)
        self._set_timing("motion", lambda timing: replace(timing, repeat=repeat))

    def on_time_edited(self, _value: float) -> None:
        """Change when the track moves."""
        scene = self._session.scene
        if scene is None:
            return
        start, end = self.start.value(), self.end.value()
        is_whole = end >= scene.film.duration
        self._set_timing(
            "time", lambda timing: replace(timing, start=start, end=None if is_whole else end)
        )

    def _edit(self, verb: str, field: str, change: Callable[[Track], Track]) -> None:
        tracks = self._session.selected_tracks
        if len(tracks) == 1:
            key = f"{field} {tracks[0].id}"
            self._session.set_tracks([change(tracks[0])], f"{verb} {tracks_title(tracks)}", key=key)
            self.on_scene_changed()

    def _moved(self, track: Track) -> Track:
        x, y = track.tail
        moved = move_track(track, _edited(self.tail_x, x) - x, _edited(self.tail_y, y) - y)
        scene = self._session.scene
        if scene is None:
            return track
        return keep_inside(moved, scene.picture.width, scene.picture.height)

    def _aimed(self, track: Track) -> Track:
        (x, y), (dx, dy) = track.tail, track.span
        return move_head(track, (x + _edited(self.dx, dx), y + _edited(self.dy, dy)))

    def _set_timing(self, what: str, change: Callable[[Timing], Timing]) -> None:
        tracks = [track for track in self._session.selected_tracks if track.kind != "pin"]
        try:
            changed = [replace(track, timing=change(track.timing)) for track in tracks]
        except DocumentError:
            self.on_scene_changed()  # an end before the start: show what is true
            return
        key = f"timing {what} {sorted(track.id for track in tracks)}"
        self._session.set_tracks(changed, f"Change {what} of {tracks_title(tracks)}", key=key)

    def _hint_text(self, tracks: tuple[Track, ...], moving: list[Track]) -> str:
        if not tracks:
            return "Click an arrow or a pin to see its numbers here."
        if not moving:
            return "Holds this spot still." if len(tracks) == 1 else "Hold these spots still."
        return ""


class FilmSection(_Section):
    """Length, rate, loop and strength of the film."""

    def __init__(
        self, session: Session, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__("Film", parent)
        self._session = session
        self.duration = NumberField("Duration", 0.1, 600, decimals=1, step=0.5, suffix=" s")
        self.fps = NumberField("Frame rate", 1, 120, suffix=" fps")
        self.loop = ChoiceBox("Loop", LOOP_NAMES, themes)
        self.strength = SliderField("Strength", 0, 300)
        self.strength.slider.setToolTip("How far everything moves")
        self._add_row("Duration", self.duration)
        self._add_row("Frame rate", self.fps)
        self._add_row("Loop", self.loop)
        self._add_row("Strength", self.strength)
        self.summary = make_label("", "muted")
        self._add_row("", self.summary)
        self.duration.edited.connect(self.on_duration_edited)
        self.fps.edited.connect(self.on_fps_edited)
        self.loop.chosen.connect(self.on_loop_chosen)
        self.strength.edited.connect(self.on_strength_edited)
        session.scene_changed.connect(self.on_scene_changed)
        self.on_scene_changed()

    def on_scene_changed(self) -> None:
        """Show the film settings as they are now."""
        scene = self._session.scene
        self.setEnabled(scene is not None)
        film = FilmSettings() if scene is None else scene.film
        self.duration.show_value(film.duration)
        self.fps.show_value(film.fps)
        self.loop.show_value(film.loop)
        self.loop.setToolTip(LOOP_HINTS[film.loop])
        self.strength.show_value(film.strength * 100)
        self.summary.setText(f"{len(frame_times(film))} frames, {film_seconds(film):.1f} s in all")

    def on_duration_edited(self, value: float) -> None:
        """Make the film longer or shorter."""
        self._set("Change duration", lambda film: replace(film, duration=value))

    def on_fps_edited(self, value: float) -> None:
        """Change the frame rate."""
        self._set("Change frame rate", lambda film: replace(film, fps=value))

    def on_loop_chosen(self, value: str) -> None:
        """Change what follows the last frame."""
        loop: LoopMode = next(known for known in get_args(LoopMode) if known == value)
        self._session.set_film_loop(loop)

    def on_strength_edited(self, value: float) -> None:
        """Let everything move more or less."""
        self._set("Change strength", lambda film: replace(film, strength=value / 100))

    def _set(self, label: str, change: Callable[[FilmSettings], FilmSettings]) -> None:
        scene = self._session.scene
        if scene is not None:
            self._session.set_film(change(scene.film), label, key=label)


class FlowSection(_Section):
    """How the flow is shown."""

    def __init__(
        self, options: ViewOptions, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__("Flow", parent)
        self._options = options
        self.style_box = ChoiceBox("Flow style", _FLOW_STYLES, themes)
        self.opacity = SliderField("Flow opacity", 0, 100)
        self.is_automatic = Switch("Automatic", themes)
        self.is_automatic.setToolTip("The longest arrow gets the full colour")
        self.scale = NumberField("Flow scale", 1, 2000, suffix=" px")
        self.scale.setToolTip("Length that gets the full colour")
        self._add_row("Show", self.style_box)
        self._add_row("Opacity", self.opacity)
        self._add_row("Scale", self.is_automatic)
        self._add_row("Full at", self.scale)
        self.style_box.chosen.connect(self.on_style_chosen)
        self.opacity.edited.connect(self.on_opacity_edited)
        self.is_automatic.clicked.connect(self.on_scale_edited)
        self.scale.edited.connect(self.on_scale_edited)
        options.changed.connect(self.on_options_changed)
        self.on_options_changed()

    def on_options_changed(self) -> None:
        """Show the options as they are now."""
        options = self._options
        self.style_box.show_value(options.flow_style)
        self.opacity.show_value(options.flow_opacity * 100)
        self.is_automatic.setChecked(options.is_scale_automatic)
        self.scale.show_value(options.flow_scale)
        self.scale.setEnabled(not options.is_scale_automatic)

    def on_style_chosen(self, value: str) -> None:
        """Show colours, needles or both."""
        self._options.set_flow_style(next(k for k in get_args(FlowStyle) if k == value))

    def on_opacity_edited(self, value: float) -> None:
        """Cover more or less of the picture."""
        self._options.set_flow_opacity(value / 100)

    def on_scale_edited(self) -> None:
        """Fix the scale or let it follow the arrows."""
        self._options.set_flow_scale(self.scale.value(), is_automatic=self.is_automatic.isChecked())


def _heading(tracks: tuple[Track, ...]) -> str:
    if not tracks:
        return "Nothing selected"
    return track_title(tracks[0]) if len(tracks) == 1 else f"{tracks_title(tracks)} selected"


def _edited(field: NumberField, exact: float) -> float:
    """The field's number, or ``exact`` where the field only rounds it."""
    return exact if round(exact, field.decimals()) == field.value() else field.value()


def _common(values: list[str]) -> str:
    """The value that all share, or an empty string."""
    return values[0] if len(set(values)) == 1 else ""


def _angle(dx: float, dy: float) -> float:
    """Direction in degrees, 0 to the right, 90 up."""
    return math.degrees(math.atan2(-dy, dx)) % 360 if (dx or dy) else 0.0
