"""Gives memory that is free inside of this process back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QObject, QTimer

from cmp_studio.services.background import Background

INTERVAL_MS: Final = 5000


class HeapTrimmer(QObject):
    """Trims the heap in the background, some seconds after work was done.

    Frames and flows come and go by the hundred on several threads. glibc keeps what they leave in
    one pool for each thread, in pieces that the next frame may not fit into, so a long session
    would take more and more memory without using it. Other systems look after that by themselves.
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


def trim_heap() -> bool:
    """Give free memory back; return whether this system can. Takes some milliseconds."""
    trim = _malloc_trim()
    if trim is None:
        return False
    trim(0)
    return True


@lru_cache(maxsize=1)
def _malloc_trim() -> ctypes._NamedFuncPointer | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim  # glibc's; musl has none
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
