"""Recording a drag in real time, while the film plays."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from cmp_studio.document.scene import Scene, replace_track
from cmp_studio.document.takes import TakeSample, take_from
from cmp_studio.document.track_edits import with_take
from cmp_studio.document.tracks import Point
from cmp_studio.services.playback import Playback
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr

HALF_SPEED: Final = 0.5
SMOOTHING: Final = 0.04
"""Seconds of smoothing that a new take begins with: the tremor of a hand, not its rhythm."""

_INTERVAL_MS: Final = 25
_LEAST_SECONDS: Final = 0.05


class Recorder(QObject):
    """Turns a drag into a take: the film runs on the clock and the handle follows the mouse.

    The recording begins at the playhead, or at the start when the film was playing. It ends when
    the mouse lets go or the timeline is over; the playhead then returns. A second recording of the
    same track adds to the first.

    Thread: GUI thread only.

    Signals:
        recording_changed(is_recording): A recording began or ended.
        speed_changed(): `speed` is another.
    """

    recording_changed = Signal(bool)
    speed_changed = Signal()

    def __init__(
        self,
        session: Session,
        preview: Preview,
        playback: Playback,
        preferences: Preferences,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preview = preview
        self._playback = playback
        self._preferences = preferences
        self._clock = clock
        self._base: Scene | None = None
        self._track_id = 0
        self._samples: list[TakeSample] = []
        self._offset: Point = (0.0, 0.0)
        self._began = 0.0
        self._start = 0.0
        self._index = 0
        self._was_playing = False
        is_half = preferences.flag("record/is_half_speed", default=False)
        self._speed = HALF_SPEED if is_half else 1.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self.on_tick)
        session.opened.connect(self.on_opened)

    @property
    def is_recording(self) -> bool:
        """Whether a drag is being recorded."""
        return self._base is not None

    @property
    def speed(self) -> float:
        """How fast the film plays while a drag is recorded: 1, or a half."""
        return self._speed

    @property
    def seconds(self) -> float:
        """Where on the timeline the recording is."""
        return self._start + (self._clock() - self._began) * self._speed

    def set_half_speed(self, *, is_on: bool) -> None:
        """Let the film play at half speed while a drag is recorded, or at its own."""
        speed = HALF_SPEED if is_on else 1.0
        if speed != self._speed:
            self._speed = speed
            self._preferences.set_flag("record/is_half_speed", value=is_on)
            self.speed_changed.emit()

    def start(self, track_id: int | None, point: Point) -> None:
        """Begin to record.

        Args:
            track_id: The track whose handle is dragged; None makes a new one.
            point: Where it was pressed, px of the picture.
        """
        session = self._session
        session.commit()
        scene = session.scene
        if scene is None:
            return
        if track_id is None:
            self._base = session.with_pin(point)
            self._track_id = self._base.tracks[-1].id
        else:
            self._base, self._track_id = scene, track_id
        duration = scene.film.duration
        due = self._preview.due_time
        self._was_playing = self._playback.is_playing
        is_from_start = self._was_playing or due > duration - _LEAST_SECONDS
        self._start = 0.0 if is_from_start else due
        self._index = 0 if is_from_start else self._playback.index
        self._offset = (0.0, 0.0)
        self._began = self._clock()
        self._samples = [(0.0, 0.0, 0.0)]
        self._playback.hold()
        self._playback.seek(self._index)
        self._timer.start()
        self.recording_changed.emit(True)

    def move(self, dx: float, dy: float) -> None:
        """The handle is this far from where it was pressed, px of the picture."""
        self._offset = (dx, dy)

    def stop(self) -> bool:
        """End the recording as one undo step; return whether something was recorded."""
        base, self._base = self._base, None
        if base is None:
            return False
        self._timer.stop()
        self._sample()
        scene = self._recorded(base)
        if scene is None:
            self._session.abort()
        else:
            edited = [self._track_id]
            self._session.preview(scene, tr("Record take"), edited=edited, is_live=True)
            self._session.commit()
            self._session.select(edited)
        self._return()
        return scene is not None

    def cancel(self) -> None:
        """End the recording without a trace."""
        if self._base is not None:
            self._base = None
            self._timer.stop()
            self._session.abort()
            self._return()

    def on_tick(self) -> None:
        """Take a sample, show the film at this moment, and stop at its end."""
        base, scene = self._base, self._session.scene
        if base is None or scene is None:
            return
        if self.seconds >= scene.film.duration:
            self.stop()
            return
        self._sample()
        recorded = self._recorded(base)
        self._playback.seek(self._preview.index_of(self.seconds))
        if recorded is not None:
            edited = [self._track_id]
            self._session.preview(recorded, tr("Record take"), edited=edited, is_live=True)

    def on_opened(self) -> None:
        """Another document is open."""
        if self._base is not None:
            self._base = None
            self._timer.stop()
            self.recording_changed.emit(False)

    def _sample(self) -> None:
        at = self._clock() - self._began
        if at > self._samples[-1][0]:
            self._samples.append((at, *self._offset))

    def _recorded(self, base: Scene) -> Scene | None:
        has_moved = any(dx or dy for _, dx, dy in self._samples)
        if len(self._samples) < 2 or not has_moved:
            return None
        take = replace(take_from(self._samples, recording_speed=self._speed), smoothing=SMOOTHING)
        track = base.track(self._track_id)
        is_take = track.kind == "take"
        changed = with_take(track, take, start=self._start, mode="layer" if is_take else "new")
        return replace_track(base, changed)

    def _return(self) -> None:
        self._playback.let_go()
        self._playback.seek(self._index)
        self.recording_changed.emit(False)
