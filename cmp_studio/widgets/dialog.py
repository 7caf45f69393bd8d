"""What all dialogs of the program have in common."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog

from cmp_studio.services.window_work import WINDOW_WORK


class Dialog(QDialog):
    """A dialog that threads which compute wait for while it is laid out and painted."""

    def event(self, event: QEvent) -> bool:
        """Handle it before anything is computed."""
        with WINDOW_WORK:
            return super().event(event)
