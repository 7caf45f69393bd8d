"""How long each object takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.services.annotation_session import AnnotationSession

IDLE_SECONDS: Final = 20.0
"""Who does nothing for so long is elsewhere: time stops until the next touch."""

_TICK_MS: Final = 200


class AnnotationClock(QObject):
    """Counts the seconds of the object that is worked on, while someone works on it.

    Thread: GUI thread only.

    Args:
        session: Gets the time.
        now: Seconds of a clock that only goes forward.

    Signals:
        ticked(): An object has taken longer.
    """

    ticked = Signal()

    def __init__(
        self,
        session: AnnotationSession,
        parent: QObject | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._now = now
        self._last = now()
        self._touched = self._last
        self._is_on = False
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.on_tick)

    @property
    def is_running(self) -> bool:
        """Whether time counts now."""
        is_awake = self._now() - self._touched < IDLE_SECONDS
        return self._is_on and is_awake and self._session.current_id is not None

    def set_on(self, *, is_on: bool) -> None:
        """Count, or rest while the window is elsewhere."""
        self.on_tick()
        self._is_on = is_on
        self._last = self._touched = self._now()
        if is_on:
            self._timer.start()
        else:
            self._timer.stop()

    def touch(self) -> None:
        """Note that someone is working."""
        self.on_tick()
        self._touched = self._now()

    def on_tick(self) -> None:
        """Give the time since the last tick to the object."""
        now = self._now()
        passed, self._last = now - self._last, now
        if self.is_running:
            self._session.spend(passed)
            self.ticked.emit()
