"""Drives the window that `main` shows, from inside of its event loop."""

import time

from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmp_studio.cli import main
from cmp_studio.services.preferences import Preferences
from cmp_studio.widgets.main_window import MainWindow

STEP_SECONDS = 120.0
LEFT = Qt.MouseButton.LeftButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier


class Driver(QObject):
    """Carries out a script inside of the event loop that `main` runs.

    The script is a generator of the window; what it yields is called until it returns something
    true. Whatever goes wrong ends the loop and is raised after it.
    """

    def __init__(self, script):
        super().__init__()
        self._make_script = script
        self._script = None
        self._condition = None
        self._limit = 0.0
        self.error = None
        self.is_done = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.on_timeout)
        self._timer.start(10)

    def on_timeout(self):
        try:
            self._step()
        except Exception as error:  # noqa: BLE001 - raised again outside of the event loop
            self.error = error
            self._timer.stop()
            QApplication.exit(99)

    def _step(self):
        window = next((w for w in QApplication.topLevelWidgets() if is_shown(w)), None)
        if self._script is None:
            if window is not None:
                self._script = self._make_script(window)
                self._condition = lambda: True
                self._limit = time.monotonic() + STEP_SECONDS
            return
        if not self._condition():
            if time.monotonic() > self._limit:
                raise TimeoutError(f"waited {STEP_SECONDS:.0f} s: {self._script.gi_frame}")
            return
        try:
            self._condition = next(self._script)
            self._limit = time.monotonic() + STEP_SECONDS
        except StopIteration:
            self._timer.stop()
            self.is_done = True
            discard_and_close(window)


def is_shown(widget):
    return isinstance(widget, MainWindow) and widget.isVisible()


def discard_and_close(window):
    session = window.studio.session
    session.commit()
    if session.is_dirty:
        session.mark_saved(session.path, session.scene)
    window.close()


def run(script, *arguments):
    driver = Driver(script)
    status = main([str(argument) for argument in arguments])
    if driver.error is not None:
        raise driver.error
    assert driver.is_done
    return status


def use(weights):
    """Let the window start with these weights."""
    preferences = Preferences()
    preferences.set_text("engine/weights", weights)
    preferences.save()


def at_on(canvas, x, y):
    """Where a point of the picture lies on a canvas."""
    position = canvas.view_transform.to_screen((x, y))
    return QPoint(round(position.x()), round(position.y()))


def at(window, x, y):
    return at_on(window.canvas, x, y)


def click_on(canvas, x, y, button=LEFT):
    QTest.mouseMove(canvas, at_on(canvas, x + 2, y))
    QTest.mouseMove(canvas, at_on(canvas, x, y))
    QTest.mouseClick(canvas, button, NO_KEYS, at_on(canvas, x, y))


def click(window, x, y, keys=NO_KEYS):
    QTest.mouseClick(window.canvas, LEFT, keys, at(window, x, y))


def key(window, name, keys=NO_KEYS):
    QTest.keyClick(window.canvas, getattr(Qt.Key, f"Key_{name}"), keys)


def pull(widget, start, end, keys=NO_KEYS):
    """Drag on any widget, its own px."""
    QTest.mouseMove(widget, start)
    QTest.mousePress(widget, LEFT, keys, start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(widget, start + (end - start) * step / 4)
    QTest.mouseRelease(widget, LEFT, keys, end)


def drag_on(canvas, start, end):
    pull(canvas, at_on(canvas, *start), at_on(canvas, *end))


def press_and_move(window, start, end, keys=NO_KEYS):
    canvas, a, b = window.canvas, at(window, *start), at(window, *end)
    QTest.mouseMove(canvas, a)
    QTest.mousePress(canvas, LEFT, keys, a)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(canvas, a + (b - a) * step / 4)


def drag(window, start, end, keys=NO_KEYS):
    press_and_move(window, start, end, keys)
    QTest.mouseRelease(window.canvas, LEFT, keys, at(window, *end))


def picture_of(window):
    return window.canvas.grab().toImage()


def is_ready(window):
    """Whether what was opened is there, with all of its film."""
    session, preview = window.studio.session, window.studio.preview
    return lambda: (
        session.scene is not None
        and preview.engine is not None
        and not preview.is_busy
        and all(preview.cached)
    )


def kinds(window):
    return [track.kind for track in window.studio.session.scene.tracks]


def shorten(window):
    film = window.inspector.film_section
    film.duration.setValue(0.5)
    film.fps.setValue(8)
    window.studio.session.commit()


def pick(box, value):
    """Choose something in a box."""
    box.show_value(value)
    box.chosen.emit(value)


def opened(window):
    """Wait for the photo, and pause at the beginning of a short film."""
    yield lambda: window.studio.session.scene is not None
    yield is_ready(window)
    shorten(window)
    window.studio.playback.pause()
    window.studio.playback.seek(0)
    window.canvas.setFocus()


def undo_all(window):
    """Undo to the start; return how many steps that were."""
    session = window.studio.session
    steps = 0
    while session.undo_label and steps < 100:
        session.undo()
        steps += 1
    return steps
