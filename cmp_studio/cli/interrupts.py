"""A request to stop becomes an exception, so that files half written are removed on the way out."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """The system asked the process to end (SIGTERM)."""


@contextmanager
def stop_on_termination() -> Iterator[None]:
    """Raise `Interrupted` in the main thread when SIGTERM comes; Python does so for Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted
