"""While the window works on something that takes long, threads that compute wait for its end.

Python runs one thread at a time. Whenever the window calls Qt, it lets go of that right, and has to
win it back from every thread that computes: what takes 30 ms alone takes 150 then. So such threads
stop at the next function that they enter, until the window is done.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

GRACE_SECONDS: Final = 0.006
"""Nobody waits for work that is shorter: dragging makes a hundred pieces of it a second."""

PATIENCE_SECONDS: Final = 0.080
"""After this time nobody waits any more: the window may itself wait for what the thread does."""


class WindowWork:
    """A piece of work of the window; a context manager that is put around it, nested if need be.

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
        if self._depth == 0:
            self.number = 0
            self._done.set()

    def wait(self, seconds: float) -> None:
        """Wait until the piece is done, some time at most."""
        self._done.wait(seconds)


WINDOW_WORK: Final = WindowWork()
"""The work of this process's window."""


def give_way(work: WindowWork = WINDOW_WORK) -> None:
    """Have the calling thread wait for the window's longer work, as long as the thread lives.

    It waits where it enters a Python function. The hook is the one of profilers: a thread that has
    one keeps it.
    """
    if sys.getprofile() is None:
        sys.setprofile(_waiting_hook(work))


def _waiting_hook(work: WindowWork) -> Callable[[FrameType, str, object], None]:
    waited_for = 0
    clock, grace, patience = time.perf_counter, GRACE_SECONDS, PATIENCE_SECONDS

    def on_event(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal waited_for
        number = work.number
        # Not where a function returns: it may just have taken a lock that the window wants.
        if number and number != waited_for and event == "call":
            age = clock() - work.began
            if age > grace:
                waited_for = number
                work.wait(max(0.0, patience - age))

    return on_event
