"""Starts the window."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

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
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        studio_application.show(path)
        return application.exec()
    finally:
        studio_application.close()
