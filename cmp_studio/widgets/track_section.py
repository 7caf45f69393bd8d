"""The numbers of the selected tracks: position, displacement, timing, recordings, layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from PySide6.QtWidgets import QLayout, QWidget

from cmp_studio.document.errors import DocumentError
from cmp_studio.document.motion import track_span
from cmp_studio.document.scene_edits import set_group
from cmp_studio.document.track_edits import set_smooth, set_take
from cmp_studio.document.tracks import (
    Curve,
    Easing,
    Repeat,
    Timing,
    Track,
    keep_inside,
    move_head,
    move_track,
)
from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr
from cmp_studio.services.wording import (
    EASING_NAMES,
    REPEAT_NAMES,
    group_title,
    track_title,
    tracks_title,
)
from cmp_studio.widgets.color_row import ColorRow
from cmp_studio.widgets.controls import ChoiceBox, NumberField, Switch, make_button, make_label
from cmp_studio.widgets.curve_editor import CurveEditor
from cmp_studio.widgets.section import Section
from cmp_studio.widgets.theme import TRACK_COLORS, ThemeManager

_FAR = 20_000.0


class TrackSection(Section):
    """Position, displacement and timing of the selected tracks."""

    def __init__(
        self, session: Session, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Nothing selected"), parent)
        self._session = session
        self.is_on = Switch(tr("On"), themes)
        self._head.addWidget(self.is_on)
        self.tail_x = NumberField(tr("Start, x"), -_FAR, _FAR, suffix=" px")
        self.tail_y = NumberField(tr("Start, y"), -_FAR, _FAR, suffix=" px")
        self.dx = NumberField(tr("Movement to the right"), -_FAR, _FAR, suffix=" px")
        self.dy = NumberField(tr("Movement down"), -_FAR, _FAR, suffix=" px")
        self.length = make_label("", "muted")
        self.easing = ChoiceBox(tr("Easing"), EASING_NAMES, themes)
        self.repeat = ChoiceBox(tr("Motion"), REPEAT_NAMES, themes)
        self.start = NumberField(tr("Starts at"), 0, 600, decimals=2, step=0.1, suffix=" s")
        self.end = NumberField(tr("Ends at"), 0, 600, decimals=2, step=0.1, suffix=" s")
        self.curve = CurveEditor(themes)
        self.cycles = NumberField(tr("Times"), 1, 100, suffix=" x")
        self.cycles.setToolTip(tr("How often the motion is gone through in its time"))
        self.phase = NumberField(tr("Phase"), 0, 99, suffix=" %")
        self.phase.setToolTip(tr("How far into its motion it begins"))
        self.stiffness = NumberField(tr("Holds within"), 0, 10_000, suffix=" px")
        self.stiffness.setToolTip(tr("How far around it a pin holds; 0 is its spot alone"))
        self.is_smooth = Switch(tr("Smooth curve"), themes)
        self.color = ColorRow(tr("Colour"), TRACK_COLORS, themes)
        self.layer = ChoiceBox(tr("Layer"), {"0": tr("Rest of the photo")}, themes)
        self.take = ChoiceBox(tr("Recording"), {"0": "1"}, themes)
        self.take_on = Switch(tr("Plays"), themes)
        self.smoothing = NumberField(tr("Smoothing"), 0, 2, decimals=2, step=0.02, suffix=" s")
        self.speed = NumberField(tr("Speed"), 5, 2000, step=10, suffix=" %")
        self.drop_button = make_button(tr("Remove this recording"))
        self.add_row(mark("Position"), self.tail_x, self.tail_y)
        self.add_row(mark("Moves by"), self.dx, self.dy)
        self.add_row("", self.length)
        self.add_row(mark("Easing"), self.easing)
        self.add_row(mark("Motion"), self.repeat)
        self.add_row(mark("Curve"), self.curve)
        self.add_row(mark("Times"), self.cycles, self.phase)
        self.add_row(mark("From, to"), self.start, self.end)
        self.add_row(mark("Way"), self.is_smooth)
        self.add_row(mark("Holds within"), self.stiffness)
        self.add_row(mark("Recording"), self.take)
        self.add_row("  ", self.take_on)
        self.add_row(mark("Smoothing"), self.smoothing)
        self.add_row(mark("Speed"), self.speed)
        self.add_row(" ", self.drop_button)
        self.add_row(mark("Layer"), self.layer)
        self.add_row(mark("Colour"), self.color)
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
        self.curve.edited.connect(self.on_curve_edited)
        self.cycles.edited.connect(self.on_cycles_edited)
        self.phase.edited.connect(self.on_phase_edited)
        self.stiffness.edited.connect(self.on_stiffness_edited)
        self.is_smooth.clicked.connect(self.on_smooth_switched)
        self.layer.chosen.connect(self.on_layer_chosen)
        self.color.chosen.connect(self.on_color_chosen)
        self.take.chosen.connect(self.on_take_chosen)
        self.take_on.clicked.connect(self.on_take_edited)
        self.smoothing.edited.connect(self.on_take_edited)
        self.speed.edited.connect(self.on_take_edited)
        self.drop_button.clicked.connect(self.on_drop_clicked)
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
        self.show_row("Position", is_shown=is_one)
        kinds = {track.kind for track in tracks}
        has_goal = is_one and bool(kinds & {"arrow", "path"})
        self.show_row("Moves by", is_shown=has_goal)
        self.show_row("", is_shown=has_goal)
        has_easing = bool(moving) and "take" not in kinds
        for row in ("Easing", "Motion", "Times"):
            self.show_row(row, is_shown=has_easing)
        self.show_row("From, to", is_shown=bool(moving))
        easings = {track.timing.easing for track in moving}
        self.show_row("Curve", is_shown=has_easing and easings == {"curve"})
        self.show_row("Way", is_shown=kinds == {"path"})
        self.show_row("Holds within", is_shown=kinds == {"pin"})
        for row in ("Recording", "  ", "Smoothing", "Speed", " "):
            self.show_row(row, is_shown=is_one and kinds == {"take"})
        self.show_row("Layer", is_shown=bool(tracks) and scene is not None and bool(scene.groups))
        self.show_row("Colour", is_shown=bool(tracks))
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
            self.length.setText(
                tr("{length:.0f} px, {angle:.0f}°").format(
                    length=math.hypot(dx, dy), angle=_angle(dx, dy)
                )
            )
        if is_one and kinds == {"take"}:
            self._show_takes(tracks[0])
        if tracks:
            colors = {track.color % len(TRACK_COLORS) for track in tracks}
            self.color.show_value(colors.pop() if len(colors) == 1 else -1)
            self.stiffness.show_value(tracks[0].stiffness)
            self.is_smooth.setChecked(all(track.is_smooth for track in tracks))
            self._show_layers(tracks)
        if moving and scene is not None:
            self.curve.show_value(moving[0].timing.curve)
            self.cycles.show_value(moving[0].timing.cycles)
            self.phase.show_value(100 * moving[0].timing.phase)
            self.easing.show_value(_common([track.timing.easing for track in moving]))
            self.repeat.show_value(_common([track.timing.repeat for track in moving]))
            self.start.show_value(moving[0].timing.start)
            self.end.show_value(track_span(moving[0], scene.film)[1])

    def on_switched(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Let the selected tracks take part, or not."""
        tracks = self._session.selected_tracks
        verb = tr("Switch on") if is_on else tr("Switch off")
        changed = [replace(track, is_on=is_on) for track in tracks]
        self._session.set_tracks(changed, f"{verb} {tracks_title(tracks)}")

    def on_color_chosen(self, index: int) -> None:
        """Give the selected tracks a colour."""
        tracks = self._session.selected_tracks
        self._session.set_tracks(
            [replace(track, color=index) for track in tracks],
            tr("Recolour {tracks}").format(tracks=tracks_title(tracks)),
            key=f"color {sorted(track.id for track in tracks)}",
        )

    def on_position_edited(self, _value: float) -> None:
        """Move the whole track."""
        self._edit(tr("Move"), "position", self._moved)

    def on_movement_edited(self, _value: float) -> None:
        """Put the head elsewhere."""
        self._edit(tr("Change"), "movement", self._aimed)

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

    def on_curve_edited(self, curve: Curve) -> None:
        """Change the custom easing."""
        self._set_timing("curve", lambda timing: replace(timing, curve=curve))

    def on_cycles_edited(self, value: float) -> None:
        """Change how often the motion is gone through."""
        self._set_timing("times", lambda timing: replace(timing, cycles=round(value)))

    def on_phase_edited(self, value: float) -> None:
        """Change where in its motion the track begins."""
        self._set_timing("phase", lambda timing: replace(timing, phase=value / 100))

    def on_stiffness_edited(self, value: float) -> None:
        """Change how far around them the selected pins hold."""
        pins = [track for track in self._session.selected_tracks if track.kind == "pin"]
        key = f"stiffness {sorted(pin.id for pin in pins)}"
        changed = [replace(pin, stiffness=value) for pin in pins]
        self._session.set_tracks(
            changed,
            tr("Change stiffness of {tracks}").format(tracks=tracks_title(pins)),
            key=key,
        )

    def on_smooth_switched(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Follow the points of the selected paths in a curve, or straight."""
        paths = [track for track in self._session.selected_tracks if track.kind == "path"]
        verb = tr("Smooth") if is_on else tr("Straighten")
        changed = [set_smooth(path, is_on) for path in paths]
        self._session.set_tracks(changed, f"{verb} {tracks_title(paths)}")

    def on_layer_chosen(self, value: str) -> None:
        """Put the selected tracks into a layer."""
        scene = self._session.scene
        if scene is not None and value:
            changed = set_group(scene, self._session.selection, int(value))
            self._session.apply(changed, tr("Change layer"))

    def on_take_chosen(self, _value: str) -> None:
        """Show the settings of another recording."""
        self.on_scene_changed()

    def on_take_edited(self) -> None:
        """Change the recording that is chosen."""
        track, index = self._take_index()
        if track is not None:
            take = replace(
                track.takes[index],
                smoothing=_edited(self.smoothing, track.takes[index].smoothing),
                speed=_edited(self.speed, 100 * track.takes[index].speed) / 100,
                is_on=self.take_on.isChecked(),
            )
            key = f"take {track.id} {index}"
            self._session.set_tracks([set_take(track, index, take)], tr("Change take"), key=key)

    def on_drop_clicked(self) -> None:
        """Remove the recording that is chosen."""
        track, index = self._take_index()
        if track is not None and len(track.takes) > 1:
            self._session.set_tracks([set_take(track, index, None)], tr("Remove recording"))

    def _take_index(self) -> tuple[Track | None, int]:
        tracks = self._session.selected_tracks
        if len(tracks) != 1 or tracks[0].kind != "take":
            return None, 0
        return tracks[0], min(max(self.take.currentIndex(), 0), len(tracks[0].takes) - 1)

    def _show_takes(self, track: Track) -> None:
        if self.take.count() != len(track.takes):
            index = self.take.currentIndex()
            self.take.clear()
            for number in range(len(track.takes)):
                self.take.addItem(f"{number + 1}", str(number))
            self.take.setCurrentIndex(min(max(index, 0), len(track.takes) - 1))
        _, index = self._take_index()
        take = track.takes[index]
        self.take_on.setChecked(take.is_on)
        self.smoothing.show_value(take.smoothing)
        self.speed.show_value(100 * take.speed)
        self.drop_button.setEnabled(len(track.takes) > 1)

    def _show_layers(self, tracks: tuple[Track, ...]) -> None:
        scene = self._session.scene
        groups = () if scene is None else scene.groups
        rows = [("0", tr("Rest of the photo")), *((str(g.id), group_title(g)) for g in groups)]
        shown = [
            (self.layer.itemData(i), self.layer.itemText(i)) for i in range(self.layer.count())
        ]
        if shown != rows:
            self.layer.clear()
            for value, text in rows:
                self.layer.addItem(text, value)
        self.layer.show_value(_common([str(track.group) for track in tracks]))

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
        self._session.set_tracks(
            changed,
            tr("Change {what} of {tracks}").format(what=what, tracks=tracks_title(tracks)),
            key=key,
        )

    def _hint_text(self, tracks: tuple[Track, ...], moving: list[Track]) -> str:
        if not tracks:
            return tr("Click an arrow or a pin to see its numbers here.")
        if not moving:
            return (
                tr("Holds this spot still.") if len(tracks) == 1 else tr("Hold these spots still.")
            )
        return ""


def _heading(tracks: tuple[Track, ...]) -> str:
    if not tracks:
        return tr("Nothing selected")
    return (
        track_title(tracks[0])
        if len(tracks) == 1
        else tr("{tracks} selected").format(tracks=tracks_title(tracks))
    )


def _edited(field: NumberField, exact: float) -> float:
    """The field's number, or ``exact`` where the field only rounds it."""
    return exact if round(exact, field.decimals()) == field.value() else field.value()


def _common(values: list[str]) -> str:
    """The value that all share, or an empty string."""
    return values[0] if len(set(values)) == 1 else ""


def _angle(dx: float, dy: float) -> float:
    """Direction in degrees, 0 to the right, 90 up."""
    return math.degrees(math.atan2(-dy, dx)) % 360 if (dx or dy) else 0.0
