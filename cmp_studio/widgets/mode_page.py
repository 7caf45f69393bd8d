"""What a mode brings to the window: the seam between the window and its modes.

To add a mode:

1. Name it in `cmp_studio.services.modes.ModeName`, and put its commands into
   `cmp_studio.widgets.command_table` with ``mode="probe"`` (say), in a menu of their own. A command
   ``mode_NAME`` with a key is its menu entry. Keys only have to be free within the mode.
2. Derive from `ModePage`: a widget with the mode's own tool column, canvas and side panel, which
   fills the window between header and status bar. Its state lives in services; what has to be asked
   of the network goes through `PredictorWorker.ask` and `PredictorWorker.ask_ahead`.
3. Return it from `cmp_studio.widgets.mode_pages.make_pages`. Its button in the header, its menu and
   its keys appear by that, and not before.

While another mode than Animate is on, the film is paused and nothing of it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtWidgets import QWidget

from cmp_studio.services.modes import Mode

Commands = Mapping[str, Callable[[], object]]


class ModePage(QWidget):
    """The page of one mode; the methods below are what the window asks it.

    Args:
        mode: What it is called.

    Signals:
        hint_changed(): `hint` is another sentence.
        state_changed(): `there`, `titles`, `checked` or `document_title` are others.
        zoom_changed(scale): Device px of the screen per px of the picture.
        answered(seconds): The network answered in this time.
        told(text): Something worth a line in the status bar.
        warned(text): Something that did not work.
        film_asked(call, is_new): The page wants to put something into the film: the callable does
            it. The window goes to Animate, and asks about unsaved changes where another scene is
            to be opened for it.
    """

    hint_changed = Signal()
    state_changed = Signal()
    zoom_changed = Signal(float)
    answered = Signal(float)
    told = Signal(str)
    warned = Signal(str)
    film_asked = Signal(object, bool)

    def __init__(self, mode: Mode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode = mode

    @property
    def hint(self) -> str:
        """What a click would do now, for the status bar."""
        return ""

    @property
    def document_title(self) -> str:
        """What is open, for the title bar; empty where nothing is."""
        return ""

    @property
    def has_document(self) -> bool:
        """Whether zoom and speed of the status bar have something to belong to."""
        return bool(self.document_title)

    def header_strip(self) -> QWidget | None:
        """The mode's own part of the header, between undo and the switch; made once."""
        return None

    def commands(self) -> Commands:
        """What to call for commands: the mode's own, and shared ones that mean the page here.

        Shared are the commands with ``mode="all"`` in the table, such as undo, export and zoom. One
        that is not listed here can't be used in this mode, unless it needs nothing.
        """
        return {}

    def toggles(self) -> Mapping[str, Callable[[bool], object]]:
        """The same for commands that are on or off; they are called with the new state."""
        return {}

    def there(self) -> set[str]:
        """What of the commands' needs is there, as ``Command.needs`` names it."""
        return set()

    def titles(self) -> Mapping[str, str]:
        """Words for commands that say what they would do, such as "Undo remove point"."""
        return {}

    def checked(self) -> Mapping[str, bool]:
        """Which of the mode's commands are on; the window shows that with each state."""
        return {}

    def enter(self) -> None:
        """The window goes to this mode."""

    def leave(self) -> None:
        """The window goes to another mode, or closes."""

    def open_mime(self, mime: QMimeData) -> bool:
        """Open what was dropped or pasted; return whether the page takes it."""
        return False

    def fit(self) -> None:
        """Show the whole picture; the zoom of the status bar was clicked."""
