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


def at(window, x, y):
    position = window.canvas.view_transform.to_screen((x, y))
    return QPoint(round(position.x()), round(position.y()))


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
    preview = window.studio.preview
    return lambda: preview.engine is not None and not preview.is_busy and all(preview.cached)


def kinds(window):
    return [track.kind for track in window.studio.session.scene.tracks]


def shorten(window):
    film = window.inspector.film_section
    film.duration.setValue(0.5)
    film.fps.setValue(8)
    window.studio.session.commit()
