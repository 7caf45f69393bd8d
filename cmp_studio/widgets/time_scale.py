"""The part of the timeline that is in view; ruler and rows share it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, Signal

GUTTER: Final = 164
"""Width of the names beside the bars, logical px."""

_MARGIN: Final = 12
_LEAST_SECONDS: Final = 0.2


class TimeScale(QObject):
    """Turns seconds on the timeline into px and back.

    Signals:
        changed(): Another part is in view.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._duration = 2.0
        self._start = 0.0
        self._length = 2.0

    @property
    def duration(self) -> float:
        """Length of the whole timeline, seconds."""
        return self._duration

    @property
    def visible(self) -> tuple[float, float]:
        """First and last second in view."""
        return self._start, self._start + self._length

    @property
    def is_fitted(self) -> bool:
        """Whether the whole timeline is in view."""
        return self._length >= self._duration - 1e-9

    def set_duration(self, duration: float) -> None:
        """The timeline is as long as this, seconds; what was fitted stays fitted."""
        if duration != self._duration:
            was_fitted = self.is_fitted
            self._duration = duration
            self._set(0.0 if was_fitted else self._start, duration if was_fitted else self._length)
            self.changed.emit()

    def fit(self) -> None:
        """Show the whole timeline."""
        self._set(0.0, self._duration)
        self.changed.emit()

    def zoom(self, factor: float, anchor: float) -> None:
        """Show less (a factor above 1) or more of it, with second ``anchor`` in its place."""
        length = self._length / factor
        share = (anchor - self._start) / self._length
        length = min(max(length, _LEAST_SECONDS), self._duration)
        self._set(anchor - share * length, length)
        self.changed.emit()

    def pan(self, seconds: float) -> None:
        """Show what lies this much later."""
        self._set(self._start + seconds, self._length)
        self.changed.emit()

    def reveal(self, time: float) -> None:
        """Bring a moment into view."""
        first, last = self.visible
        if not first <= time <= last:
            self._set(time - self._length * 0.1, self._length)
            self.changed.emit()

    def x_of(self, time: float, width: float) -> float:
        """Where a moment lies on a widget of this width."""
        room = max(1.0, width - GUTTER - _MARGIN)
        return GUTTER + (time - self._start) / self._length * room

    def time_at(self, x: float, width: float) -> float:
        """Which moment lies there; may be outside of the timeline."""
        room = max(1.0, width - GUTTER - _MARGIN)
        return self._start + (x - GUTTER) / room * self._length

    def _set(self, start: float, length: float) -> None:
        self._length = min(max(length, min(_LEAST_SECONDS, self._duration)), self._duration)
        self._start = min(max(start, 0.0), self._duration - self._length)
