"""Starts the window."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from cmp_studio.system_libraries import problem

log = logging.getLogger(__name__)


def run_window(path: Path | None) -> int:
    """Show the window and return the exit status when it is closed.

    Args:
        path: Photo or scene to open; None for the bundled sample.
    """
    sentence = problem()
    if sentence is not None:
        sys.stderr.write(f"{sentence}\n")
        return 1

    from PySide6.QtWidgets import QApplication

    from cmp_studio.services.motion_backend import load_engine
    from cmp_studio.widgets.application import StudioApplication

    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    studio_application = StudioApplication(application, load_engine)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        application.exit(0)  # not quit(), which would ask about unsaved changes

    try:
        for number in handlers:
            signal.signal(number, on_signal)
        studio_application.show(path)
        status = application.exec()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        has_ended = studio_application.close()
    if not has_ended:
        # A thread hangs in a library; waiting for it would keep a process without a window.
        logging.shutdown()
        os._exit(status)
    return status
