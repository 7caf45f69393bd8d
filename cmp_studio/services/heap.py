"""Keeps memory that is free inside of this process small, and gives it back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QObject, QTimer

from cmp_studio.services.background import Background

INTERVAL_MS: Final = 3000
POOLS: Final = 2
_M_ARENA_MAX: Final = -8


class HeapTrimmer(QObject):
    """Trims the heap in the background, some seconds after work was done.

    Frames and flows come and go by the hundred on several threads. glibc keeps what they leave in
    pieces that the next frame may not fit into, so a long session would take more and more memory
    without using it. Other systems look after that by themselves.
    """

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.on_timeout)

    def on_work_done(self) -> None:
        """Something was rendered or read: trim in a while."""
        if not self._timer.isActive():
            self._timer.start()

    def on_timeout(self) -> None:
        """Trim on the background thread."""
        self._background.submit(trim_heap)


def share_pools() -> bool:
    """Let all threads share few pools of memory; return whether this system can.

    glibc gives nearly every thread a pool of its own, and what one thread has left free is of no
    use to the others. Call it before threads are started.
    """
    libc = _libc()
    return libc is not None and libc.mallopt(_M_ARENA_MAX, POOLS) == 1


def trim_heap() -> bool:
    """Give free memory back; return whether this system can. Takes some milliseconds."""
    libc = _libc()
    if libc is None:
        return False
    libc.malloc_trim(0)
    return True


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL | None:
    """The C library where it is glibc; musl and other systems have neither function."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL(None)
        libc.malloc_trim.argtypes = [ctypes.c_size_t]
        libc.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    except (OSError, AttributeError):
        return None
    return libc
