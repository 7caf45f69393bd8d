"""Time that a command may take."""

from __future__ import annotations

import time


class Deadline:
    """Counts down from when it is made.

    Args:
        minutes: How long; None for ever.
    """

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    def is_late(self) -> bool:
        """Return whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end

    def minutes_left(self) -> float | None:
        """Return the minutes left, at least 0; None for any number."""
        return None if self._end is None else max(0.0, (self._end - time.monotonic()) / 60)
