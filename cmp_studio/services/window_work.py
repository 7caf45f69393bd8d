"""While the window works on something that takes long, threads that compute wait for its end.

Python runs one thread at a time. Whenever the window calls Qt, it lets go of that right, and has to
win it back from every thread that computes: what takes 30 ms alone takes 150 then. So such threads
stop at the next function that they enter, until the window is done.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt

GRACE_SECONDS: Final = 0.006
"""Nobody waits for work that is shorter: dragging makes a hundred pieces of it a second."""

PATIENCE_SECONDS: Final = 0.080
"""After this time nobody waits any more: the window may itself wait for what the thread does."""


SHARE: Final = 0.25
"""Who has waited works for this share of that time, whatever the window does: a window that is
always at work must not keep the picture from following the hand."""

_LAST: Final = Qt.EventPriority.LowEventPriority.value - 1
"""Behind repaints, which Qt posts with low priority."""


_WITH_LOCKS: Final = frozenset(
    (
        threading.__file__,
        logging.__file__,
        *(str(Path(__file__).with_name(f"{name}.py")) for name in ("background", "latest_wins")),
    )
)
"""Code that may hold a lock that the window wants, so that nobody waits there."""


_ROUNDS: Final = 3
"""Of events: what is posted while a round is handled comes with the next."""


class WindowWork:
    """A piece of work of the window; a context manager that is put around it, nested if need be.

    With a `WorkEnd` it goes on until all is handled that it posted, so that the window is laid out
    and painted before anything is computed.

    Thread: only the window's thread enters; any thread reads the attributes and waits.

    Attributes:
        number: Of the piece, 1 or more; 0 while there is none.
        began: `time.perf_counter` at its begin, seconds.
    """

    def __init__(self) -> None:
        self.number = 0
        self.began = 0.0
        self._depth = 0
        self._count = 0
        self._end_later: Callable[[], None] | None = None
        self._done = threading.Event()
        self._done.set()

    def __enter__(self) -> None:
        """Begin the piece, or one inside it."""
        self._depth += 1
        if self._depth == 1:
            self._count += 1
            self._done.clear()
            self.began = time.perf_counter()
            self.number = self._count

    def __exit__(self, *_: object) -> None:
        """End the piece with the outermost one."""
        self._depth -= 1
        if self._depth:
            return
        if self._end_later is None:
            self.end()
        else:
            self._end_later()

    def set_end(self, end_later: Callable[[], None] | None) -> None:
        """Say who calls `end` after a piece, or that each ends at once."""
        self._end_later = end_later
        if end_later is None:
            self.end()

    def end(self) -> None:
        """All is handled, unless one is inside a piece just now."""
        if self._depth == 0:
            self.number = 0
            self._done.set()

    def wait(self, seconds: float) -> None:
        """Wait until the piece is done, some time at most."""
        self._done.wait(seconds)


WINDOW_WORK: Final = WindowWork()
"""The work of this process's window."""


class WorkEnd(QObject):
    """Ends each piece of work once all is handled that it posted to the event loop.

    Thread: the window's.
    """

    def __init__(self, work: WindowWork = WINDOW_WORK, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._type = QEvent.Type(QEvent.registerEventType())
        self._rounds = 0
        work.set_end(self.post)

    def stop(self) -> None:
        """Let each piece end at once again."""
        self._work.set_end(None)

    def post(self) -> None:
        """End the piece behind everything that waits, repaints included."""
        if not self._rounds:
            QCoreApplication.postEvent(self, QEvent(self._type), _LAST)
        self._rounds = _ROUNDS

    def customEvent(self, event: QEvent) -> None:
        """All that was posted is handled."""
        if event.type() != self._type:
            return
        self._rounds -= 1
        if self._rounds:
            QCoreApplication.postEvent(self, QEvent(self._type), _LAST)
        else:
            self._work.end()


def give_way(work: WindowWork = WINDOW_WORK) -> None:
    """Have the calling thread wait for the window's longer work, as long as the thread lives.

    It waits where it enters a Python function. The hook is the one of profilers: a thread that has
    one keeps it.
    """
    if sys.getprofile() is None:
        sys.setprofile(_waiting_hook(work))


def _waiting_hook(work: WindowWork) -> Callable[[FrameType, str, object], None]:
    waited_for, free_until = 0, 0.0
    clock, grace, patience = time.perf_counter, GRACE_SECONDS, PATIENCE_SECONDS

    def on_event(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal waited_for, free_until
        number = work.number
        # Not where a function returns: it may just have taken a lock that the window wants.
        if not number or number == waited_for or event != "call":
            return
        now = clock()
        age = now - work.began
        if age < grace or now < free_until or frame.f_code.co_filename in _WITH_LOCKS:
            return
        waited_for = number
        work.wait(max(0.0, patience - age))
        after = clock()
        free_until = after + (after - now) * SHARE

    return on_event
