import importlib
from dataclasses import dataclass

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest

from cmp_studio.document.scene import FilmSettings, set_film
from cmp_studio.services.motion_backend import EngineChoice
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.studio import Studio
from cmp_studio.widgets import move_pace
from cmp_studio.widgets.main_window import MainWindow
from cmp_studio.widgets.theme import ThemeManager
from tests.cmp_studio.fakes import FakePredictor, fake_engine, make_scene


@pytest.fixture(autouse=True)
def _every_move_is_followed_at_once(monkeypatch):
    """A test says what comes of a move in the next line; a hand comes later."""
    monkeypatch.setattr(move_pace, "REST", 0.0)


@pytest.fixture(autouse=True, scope="session")
def _engine_is_imported():
    # Their first import takes seconds: here, outside of any wait.
    for name in ("cmp_engine.sequence", "cmp_engine.weights", "cmp_studio.pipeline.probe_finders"):
        importlib.import_module(name)


@dataclass
class Hand:
    """The window with a hand on its mouse and keys."""

    window: MainWindow
    studio: Studio
    predictor: FakePredictor

    def at(self, x, y):
        position = self.window.canvas.view_transform.to_screen((x, y))
        return QPoint(round(position.x()), round(position.y()))

    def drag(self, start, end, *, release=True, modifiers=Qt.KeyboardModifier.NoModifier):
        canvas = self.window.canvas
        a, b = self.at(*start), self.at(*end)
        QTest.mouseMove(canvas, a)
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, modifiers, a)
        for step in (1, 2, 3, 4):
            QTest.mouseMove(canvas, a + (b - a) * step / 4)
        if release:
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, modifiers, b)

    def click(self, x, y, *, button=Qt.MouseButton.LeftButton):
        QTest.mouseClick(self.window.canvas, button, Qt.KeyboardModifier.NoModifier, self.at(x, y))

    def double_click(self, x, y):
        canvas, at = self.window.canvas, self.at(x, y)
        nothing = Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, nothing, at)
        QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, nothing, at)

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.window.canvas, key, modifiers)

    def trigger(self, name):
        self.window.actions_by_name[name].trigger()

    def tracks(self):
        return [(track.kind, track.points) for track in self.studio.session.scene.tracks]


@pytest.fixture
def preferences(qtbot, tmp_path):
    return Preferences(tmp_path / "home")


@pytest.fixture
def themes(preferences):
    return ThemeManager(preferences)


@pytest.fixture
def hand(qtbot, preferences, themes, monkeypatch, tmp_path):
    """The window, empty, with a fake predictor that is not loaded yet."""
    import cmp_studio.services.samples as samples

    monkeypatch.setattr(samples, "samples_folder", lambda: None)
    predictor = FakePredictor()
    studio = Studio(preferences, lambda choice: fake_engine(choice, predictor))
    window = MainWindow(studio, themes)
    window.show()
    yield Hand(window, studio, predictor)
    predictor.hold.set()
    window.hide()
    window.deleteLater()
    assert studio.shutdown()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


@pytest.fixture
def opened(qtbot, hand):
    """The window with a small photo open and the engine loaded."""
    hand.studio.load_engine(EngineChoice())
    scene = set_film(make_scene(240, 160), FilmSettings(duration=0.5, fps=8))
    hand.studio.session.start(scene, open_picture(scene.picture))
    qtbot.waitUntil(
        lambda: hand.studio.preview.engine is not None and not hand.studio.preview.is_busy
    )
    return hand
