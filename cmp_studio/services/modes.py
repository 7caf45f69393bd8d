"""Which mode the window is in: animating a photo, or one of the researcher's modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.translation import mark

ModeName = Literal["animate", "annotate", "probe"]
ANIMATE: Final = "animate"


@dataclass(frozen=True, slots=True)
class Mode:
    """One mode of the window.

    Attributes:
        name: How the code calls it.
        title: On its button.
        hint: What it is for, in a few words.
    """

    name: ModeName
    title: str
    hint: str


ANIMATE_MODE: Final = Mode(
    ANIMATE, mark("Animate"), mark("Drag arrows on a photo and make a film of it")
)


class Modes(QObject):
    """The modes that there are, and the one that the window is in.

    A mode is there once it was added; the window starts in Animate.

    Thread: GUI thread only.

    Signals:
        changed(name): The window is in this mode now.
        added(name): There is one mode more to choose.
    """

    changed = Signal(str)
    added = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._modes: dict[ModeName, Mode] = {ANIMATE: ANIMATE_MODE}
        self._current: ModeName = ANIMATE

    @property
    def current(self) -> ModeName:
        """The mode that the window is in."""
        return self._current

    @property
    def known(self) -> tuple[Mode, ...]:
        """All modes that can be chosen, in the order of their buttons."""
        return tuple(self._modes.values())

    def add(self, mode: Mode) -> None:
        """Let a mode be chosen.

        Raises:
            ValueError: It is there already.
        """
        if mode.name in self._modes:
            raise ValueError(f"The mode {mode.name!r} is there already; a mode is added once.")
        self._modes[mode.name] = mode
        self.added.emit(mode.name)

    def choose(self, name: ModeName) -> None:
        """Go to another mode.

        Raises:
            ValueError: There is no such mode (yet).
        """
        if name not in self._modes:
            raise ValueError(f"There is no mode {name!r}; there are {', '.join(self._modes)}.")
        if name != self._current:
            self._current = name
            self.changed.emit(name)
