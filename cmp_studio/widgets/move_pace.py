"""How often a moving mouse is followed, so that the picture can follow it too.

The mouse reports 125 times a second and more. Were each report answered at once, the window would
be at work all the time, and threads that render what is dragged would hardly get at Python: a
picture takes ten times as long then. So the window rests after each move, longer where it is slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget

REST: Final = 3.0
"""The rest after a move, in times of what it took with its repaint."""

LONGEST_REST_SECONDS: Final = 0.04
"""Something that is dragged stays under the hand even where the window is slow."""


_INPUT: Final = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonRelease,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.Wheel,
    QEvent.Type.KeyPress,
)


class MovePace(QObject):
    """Hands on the newest move when the window has rested from the one before.

    What comes after a move finds it done: a press, a key or the wheel does not wait for the rest,
    and a move that waits when the mouse leaves is forgotten.

    Args:
        hand_on: Follows the mouse; gets what `move` got.
        view: What is moved on; it calls `move` and `on_painted`.
    """

    def __init__(self, hand_on: Callable[[Any], None], view: QWidget) -> None:
        super().__init__(view)
        view.installEventFilter(self)
        self._hand_on = hand_on
        self._waiting: Any = None
        self._began: float | None = None
        self._rests_until = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.flush)

    def move(self, pointer: object, *, is_each_wanted: bool = False) -> None:
        """Follow the mouse there, now or after the rest unless it moves on before.

        Args:
            pointer: Where it is, as `hand_on` wants it.
            is_each_wanted: Whether it leaves a trace, so that no place may be left out.
        """
        rest = self._rests_until - time.perf_counter()
        self._waiting = pointer
        if is_each_wanted or rest <= 0:
            self.flush()
        elif not self._timer.isActive():
            self._timer.start(max(1, round(rest * 1000)))

    def flush(self) -> None:
        """Follow the mouse to where it is now; something else is about to happen."""
        self._timer.stop()
        pointer, self._waiting = self._waiting, None
        if pointer is None:
            return
        self._began = time.perf_counter()
        self._hand_on(pointer)
        self._rest_from(self._began)

    def drop(self) -> None:
        """Forget a move that waits; the mouse is elsewhere."""
        self._timer.stop()
        self._waiting = None

    def on_painted(self) -> None:
        """What the last move changed is painted now, so the rest begins."""
        if self._began is not None:
            self._rest_from(self._began)
            self._began = None

    def eventFilter(self, _view: QObject, event: QEvent) -> bool:
        """Follow the mouse before anything else is done with it."""
        if event.type() in _INPUT:
            self.flush()
        elif event.type() == QEvent.Type.Leave:
            self.drop()
        return False

    def _rest_from(self, began: float) -> None:
        now = time.perf_counter()
        self._rests_until = now + min(LONGEST_REST_SECONDS, REST * (now - began))
