from dataclasses import dataclass

import pytest

from cmp_studio.services.background import Background
from cmp_studio.services.brush import Brush
from cmp_studio.services.path_pen import PathPen
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.playback import Playback
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.preview import Preview
from cmp_studio.services.recorder import Recorder
from cmp_studio.services.session import Session
from cmp_studio.services.tools import CanvasTools
from cmp_studio.services.track_commands import TrackCommands
from tests.cmp_studio.fakes import fake_engine, make_scene


@dataclass
class Clock:
    """Time that a test moves on by hand, seconds."""

    now: float = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def session(qtbot):
    """A session with a small photo open."""
    made = Session()
    scene = make_scene()
    made.start(scene, open_picture(scene.picture))
    return made


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    assert made.stop()


@pytest.fixture
def playback(session):
    return Playback()


@pytest.fixture
def preview(qtbot, session, playback):
    """A preview without an engine: it knows which frame is due, and renders nothing."""
    worker = PredictorWorker(fake_engine)
    made = Preview(session, playback, worker)
    made.on_scene_changed()
    yield made
    assert worker.stop()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(session, preview, playback, clock, tmp_path):
    return Recorder(session, preview, playback, Preferences(tmp_path / "home"), clock=clock)


@pytest.fixture
def brush(session, background):
    return Brush(session, background)


@pytest.fixture
def pen(session):
    return PathPen(session)


@pytest.fixture
def commands(session):
    return TrackCommands(session)


@pytest.fixture
def tools(session, commands, pen, brush, recorder):
    return CanvasTools(session, commands, pen, brush, recorder)
