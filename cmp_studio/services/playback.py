"""The clock of the loop preview: real time, frames are dropped rather than slowed down."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

_MIN_INTERVAL_MS: Final = 8


class Playback(QObject):
    """Says which frame is due now.

    Frames are counted from 0; what they show is not known here. While playing, the frame follows
    the clock, so a slow window skips frames and keeps the speed.

    Signals:
        frame_changed(index): Another frame is due.
        playing_changed(is_playing): Started or stopped.
        film_changed(): The number of frames or their rate is another.
        range_changed(): `range` is another.
    """

    frame_changed = Signal(int)
    playing_changed = Signal(bool)
    film_changed = Signal()
    range_changed = Signal()

    def __init__(
        self, parent: QObject | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._count = 1
        self._fps = 24.0
        self._index = 0
        self._is_looping = True
        self._is_playing = False
        self._is_held = False
        self._range: tuple[int, int] | None = None
        self._origin = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.on_tick)

    @property
    def frame_count(self) -> int:
        """Number of frames, at least 1."""
        return self._count

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    @property
    def index(self) -> int:
        """The frame that is due, in [0, frame_count)."""
        return self._index

    @property
    def is_playing(self) -> bool:
        """Whether time runs."""
        return self._is_playing

    @property
    def position(self) -> float:
        """Time of the due frame in seconds from the start."""
        return self._index / self._fps

    @property
    def duration(self) -> float:
        """Length of the film in seconds."""
        return self._count / self._fps

    @property
    def range(self) -> tuple[int, int] | None:
        """First and last frame that are played over and over, or None for the whole film."""
        return self._range

    def set_range(self, first: int, last: int) -> None:
        """Play these frames over and over, both included; less than two is the whole film."""
        first, last = sorted((max(0, first), min(last, self._count - 1)))
        chosen = (first, last) if last - first >= 1 and first < self._count else None
        if chosen is not None and chosen == (0, self._count - 1):
            chosen = None
        self._set_range(chosen)

    def clear_range(self) -> None:
        """Play the whole film again."""
        self._set_range(None)

    def set_film(self, frame_count: int, fps: float, *, is_looping: bool = True) -> None:
        """Take another number of frames and rate; the position in seconds stays where it can.

        Args:
            frame_count: At least 1 (less is taken as 1).
            fps: Frames per second, above 0.
            is_looping: Begin again after the last frame; otherwise stop there.
        """
        frame_count = max(1, frame_count)
        if (frame_count, fps, is_looping) == (self._count, self._fps, self._is_looping):
            return
        index = round(self._index / self._fps * fps)
        if frame_count != self._count:
            self._set_range(None)
        self._count, self._fps, self._is_looping = frame_count, fps, is_looping
        index = min(index, frame_count - 1)
        self._timer.setInterval(self._interval())
        self._rebase(index)
        self.film_changed.emit()
        self._show(index)

    def play(self) -> None:
        """Let time run, from the start when a film that does not loop stands at its end."""
        if self._is_playing:
            return
        if self._range is not None and not self._range[0] <= self._index < self._range[1]:
            self._show(self._range[0])
        elif not self._is_looping and self._index >= self._count - 1:
            self._show(0)
        self._is_playing = True
        self._rebase(self._index)
        self._timer.start(self._interval())
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stop time at the frame that is due."""
        if not self._is_playing:
            return
        self._is_playing = False
        self._timer.stop()
        self.playing_changed.emit(False)

    def hold(self) -> None:
        """Let time stand still without pausing, while something is being dragged."""
        self._is_held = True

    def let_go(self) -> None:
        """Let time run on from the due frame after `hold`."""
        if self._is_held:
            self._is_held = False
            self._rebase(self._index)

    def toggle(self) -> None:
        """Play when paused, pause when playing."""
        if self._is_playing:
            self.pause()
        else:
            self.play()

    def seek(self, index: int) -> None:
        """Go to frame ``index``, clamped to the film; time runs on from there when playing."""
        index = min(max(index, 0), self._count - 1)
        self._rebase(index)
        self._show(index)

    def step(self, frames: int) -> None:
        """Pause and go ``frames`` on (or back), around the ends."""
        self.pause()
        self.seek((self._index + frames) % self._count)

    def on_tick(self) -> None:
        """Show the frame that the clock asks for."""
        if not self._is_playing or self._is_held:
            return
        index = int((self._clock() - self._origin) * self._fps + 1e-6)
        if self._range is not None and index > self._range[1]:
            first, last = self._range
            self._show(first + (index - first) % (last - first + 1))
            return
        if index >= self._count and not self._is_looping:
            self._show(self._count - 1)
            self.pause()
            return
        self._show(index % self._count)

    def _interval(self) -> int:
        return max(_MIN_INTERVAL_MS, round(1000 / self._fps))

    def _set_range(self, chosen: tuple[int, int] | None) -> None:
        if chosen != self._range:
            self._range = chosen
            if chosen is not None and self._is_playing:
                self.seek(min(max(self._index, chosen[0]), chosen[1]))
            self.range_changed.emit()

    def _rebase(self, index: int) -> None:
        self._origin = self._clock() - index / self._fps

    def _show(self, index: int) -> None:
        if index != self._index:
            self._index = index
            self.frame_changed.emit(index)
