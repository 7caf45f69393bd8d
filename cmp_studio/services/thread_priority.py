"""The window goes first: threads that compute step back behind the one that paints.

On two cores, two threads that compute leave the window a third of the time it needs: a dialog that
takes 70 ms to lay out is there after 200. With a lower priority they fill what the window leaves.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

NICENESS: Final = 5
"""What a computing thread adds to the process's niceness: a third of the window's weight."""

SWITCH_SECONDS: Final = 0.001
"""After how long a thread that runs Python hands over to one that waits; Python's own is 5 ms."""

_BELOW_NORMAL: Final = -1


def step_back(niceness: int = NICENESS) -> None:
    """Lower the priority of the calling thread, and of threads that it starts, where that can be.

    On Linux threads have a niceness each, on Windows a priority; elsewhere nothing is done.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        base = os.getpriority(os.PRIO_PROCESS, os.getpid())
        try:
            os.setpriority(os.PRIO_PROCESS, thread, min(19, base + niceness))
        except OSError:  # a thread is never worse off than it was
            return
    elif sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetThreadPriority(kernel.GetCurrentThread(), _BELOW_NORMAL)


def hand_over_quickly() -> None:
    """Have threads that run Python hand over sooner to the window, which waits for its turn."""
    sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
