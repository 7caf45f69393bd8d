"""Keeps Python's garbage collection on the GUI thread."""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS: Final = 500


class Collector(QObject):
    """Collects cyclic garbage on the thread that it lives on, and nowhere else.

    Python collects on whatever thread happens to allocate. When that is a worker, the garbage may
    hold Qt objects of the GUI thread, and their destruction on another thread ends the process.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = False
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.on_timeout)

    def start(self) -> None:
        """Take over from Python's own collection."""
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        """Give back to Python's own collection, after a last round here."""
        self._timer.stop()
        gc.unfreeze()
        gc.collect()
        if self._was_enabled:
            gc.enable()

    def spare_what_is_there(self) -> None:
        """Never look again at what exists now: the modules of PyTorch, which stay anyway.

        A whole round then takes a millisecond instead of a fifth of a second.
        """
        gc.freeze()

    def on_timeout(self) -> None:
        """Collect the generations that are due, as Python itself would."""
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation]:
                gc.collect(generation)
                return
