from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.motion import frame_times
from cmp_studio.document.scene import FilmSettings, set_film
from cmp_studio.services import film_frames
from cmp_studio.services import preview as preview_module
from cmp_studio.services.film_frames import MAX_FRAMES, coarse_to_fine, previewed_film
from cmp_studio.services.motion_backend import REST, EngineChoice
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.playback import Playback
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import FakePredictor, fake_engine, make_scene

FILM = FilmSettings(duration=0.5, fps=12, loop="ping_pong")


class Bench:
    """A session, a clock that stands still, and a preview on a fake predictor."""

    def __init__(self):
        self.predictor = FakePredictor()
        self.session = Session()
        self.playback = Playback(clock=lambda: 0.0)
        self.worker = PredictorWorker(lambda choice: fake_engine(choice, self.predictor))
        self.preview = Preview(self.session, self.playback, self.worker)

    def open(self, scene):
        self.session.start(set_film(scene, FILM), open_picture(scene.picture))

    def stop(self):
        self.playback.pause()
        self.predictor.hold.set()
        return self.worker.stop()


@pytest.fixture(autouse=True, scope="module")
def _engine_is_imported():
    import cmp_engine.sequence  # noqa: F401 - its first import takes seconds, outside of any wait


@pytest.fixture
def bench(qtbot):
    made = Bench()
    yield made
    assert made.stop()


@pytest.fixture
def loaded(qtbot, bench):
    bench.preview.load_engine(EngineChoice())
    qtbot.waitUntil(lambda: bench.preview.engine is not None, timeout=60_000)
    return bench


def wait_rendered(qtbot, bench):
    qtbot.waitUntil(lambda: all(bench.preview.cached) and not bench.preview.is_busy, timeout=20_000)


def test_open_when_without_tracks_then_the_photo_itself_and_the_network_sees_it(qtbot, loaded):
    loaded.open(make_scene())
    assert loaded.preview.shown.frame is None
    assert loaded.preview.shown.pose == REST
    qtbot.waitUntil(lambda: loaded.predictor.images == 1)
    assert loaded.predictor.calls == []


def test_open_when_with_arrows_then_each_pose_is_rendered_once(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    wait_rendered(qtbot, loaded)
    different = {pose for pose in loaded.preview.poses if pose != REST}
    assert len(loaded.predictor.calls) == len(different)
    assert len(loaded.preview.poses) == len(frame_times(FILM)) > len(different)


def test_rendering_when_done_then_only_the_worker_touched_the_predictor(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    wait_rendered(qtbot, loaded)
    assert loaded.predictor.threads == {"predictor"}


def test_undo_when_rendered_before_then_nothing_is_rendered_again(qtbot, loaded):
    loaded.open(make_scene(arrows=2))
    wait_rendered(qtbot, loaded)
    loaded.session.remove([1])
    wait_rendered(qtbot, loaded)
    calls = len(loaded.predictor.calls)
    loaded.session.undo()
    wait_rendered(qtbot, loaded)
    assert len(loaded.predictor.calls) == calls


def test_drag_when_it_goes_on_then_the_picture_moves_before_it_ends(qtbot, loaded):
    loaded.open(make_scene())
    qtbot.waitUntil(lambda: not loaded.preview.is_busy)
    drawn = loaded.session.with_arrow((20, 20), (30, 20))
    with qtbot.waitSignal(loaded.preview.answered, timeout=20_000):
        loaded.session.preview(drawn, "Draw arrow", edited=[1])
    shown = loaded.preview.shown
    assert shown.is_exact
    assert shown.pose.layers[0].displacements == ((10.0, 0.0),)
    still = loaded.session.picture.image
    assert np.abs(shown.frame.image.astype(int) - still).max() > 0


def test_drag_when_aborted_then_the_photo_is_back(qtbot, loaded):
    loaded.open(make_scene())
    drawn = loaded.session.with_arrow((20, 20), (30, 20))
    with qtbot.waitSignal(loaded.preview.answered, timeout=20_000):
        loaded.session.preview(drawn, "Draw arrow", edited=[1])
    loaded.session.abort()
    assert loaded.preview.shown.frame is None


def test_drag_when_faster_than_the_network_then_newest_wins(qtbot, loaded):
    loaded.open(make_scene())
    qtbot.waitUntil(lambda: not loaded.preview.is_busy)
    loaded.predictor.hold.clear()
    loaded.predictor.started.clear()
    for x in range(30, 60):
        drawn = loaded.session.with_arrow((20, 20), (x, 20))
        loaded.session.preview(drawn, "Draw arrow", edited=[1])
        if x == 30:
            qtbot.waitUntil(loaded.predictor.started.is_set)
    loaded.predictor.hold.set()
    qtbot.waitUntil(lambda: not loaded.preview.is_busy)
    qtbot.waitUntil(lambda: loaded.preview.shown.is_exact)
    assert [call[1][0][0] for call in loaded.predictor.calls] == [10.0, 39.0]
    assert loaded.preview.shown.pose.layers[0].displacements == ((39.0, 0.0),)


def test_drag_when_committed_then_the_playhead_stands_at_the_peak(qtbot, loaded):
    loaded.open(make_scene())
    loaded.playback.pause()
    drawn = loaded.session.with_arrow((20, 20), (30, 20))
    loaded.session.preview(drawn, "Draw arrow", edited=[1])
    loaded.session.commit()
    assert loaded.playback.index == round(FILM.duration * FILM.fps) - 1
    wait_rendered(qtbot, loaded)
    assert loaded.preview.shown.pose.layers[0].displacements == ((10.0, 0.0),)


def test_playing_when_a_frame_is_missing_then_its_neighbour_stands_in(qtbot, loaded):
    loaded.predictor.hold.clear()
    loaded.open(make_scene(arrows=1))
    loaded.playback.play()
    loaded.playback.seek(1)
    assert not loaded.preview.shown.is_exact
    loaded.predictor.hold.set()
    wait_rendered(qtbot, loaded)
    assert loaded.preview.shown.is_exact
    assert loaded.preview.shown.pose == loaded.preview.poses[1]


def test_open_when_before_the_engine_then_rendered_once_it_is_there(qtbot, bench):
    bench.open(make_scene(arrows=1))
    assert not all(bench.preview.cached)
    bench.preview.load_engine(EngineChoice())
    assert bench.preview.is_loading
    wait_rendered(qtbot, bench)


def test_engine_when_it_cannot_be_loaded_then_said_and_the_old_one_stays(qtbot, bench):
    def fail(choice):
        if choice.weights == "gone":
            raise OSError("There are no weights called gone.")
        return fake_engine(choice, bench.predictor)

    bench.worker._backend._make_engine = fail
    bench.preview.load_engine(EngineChoice())
    qtbot.waitUntil(lambda: bench.preview.engine is not None)
    with qtbot.waitSignal(bench.preview.engine_failed) as caught:
        bench.preview.load_engine(EngineChoice("gone"))
    assert caught.args == ["There are no weights called gone."]
    assert not bench.preview.is_loading
    assert bench.preview.engine.choice.weights == "default"
    bench.open(make_scene(arrows=1))
    wait_rendered(qtbot, bench)


def test_engine_when_changed_then_everything_is_rendered_anew(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    wait_rendered(qtbot, loaded)
    calls = len(loaded.predictor.calls)
    loaded.preview.load_engine(EngineChoice("other"))
    qtbot.waitUntil(lambda: loaded.preview.engine.choice.weights == "other")
    wait_rendered(qtbot, loaded)
    assert len(loaded.predictor.calls) == 2 * calls


def test_rendering_when_it_fails_then_said_and_not_busy_for_ever(qtbot, loaded):
    loaded.predictor.error = ValueError("The arrow is too long.")
    with qtbot.waitSignal(loaded.preview.failed) as caught:
        loaded.open(make_scene(arrows=1))
    assert caught.args == ["The arrow is too long."]
    qtbot.waitUntil(lambda: not loaded.preview.is_busy)
    loaded.predictor.error = None
    loaded.session.add_pin((5, 5))
    wait_rendered(qtbot, loaded)


def test_film_settings_when_adjusted_then_playback_follows(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    film = replace(FILM, duration=1.0, loop="once")
    loaded.session.set_film(film, "Change film")
    assert loaded.playback.frame_count == 12
    assert not loaded.playback._is_looping


def test_close_when_open_then_nothing_is_shown(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    wait_rendered(qtbot, loaded)
    loaded.session.close()
    assert loaded.preview.shown.frame is None
    assert not loaded.playback.is_playing


def test_coarse_to_fine_when_ordered_then_each_once_and_the_last_first():
    order = coarse_to_fine(list(range(40)))
    assert sorted(order) == list(range(40))
    assert order[:4] == [39, 0, 16, 32]


def test_previewed_film_when_very_long_then_at_a_lower_rate():
    film = FilmSettings(duration=600, fps=240)
    assert len(frame_times(previewed_film(film))) <= MAX_FRAMES
    assert previewed_film(FILM) is FILM


def test_film_when_its_rate_grows_while_frames_are_cached_then_a_near_one_stands_in(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    loaded.playback.pause()
    wait_rendered(qtbot, loaded)
    loaded.playback.seek(3)
    loaded.predictor.hold.clear()
    film = replace(loaded.session.scene.film, fps=60.0)
    loaded.session.set_film(film, "Change frame rate")
    assert len(loaded.preview.cached) == loaded.playback.frame_count
    assert loaded.preview.shown.frame is not None


def test_gesture_when_live_then_shown_at_the_playhead_and_not_at_its_goal(qtbot, loaded):
    loaded.open(make_scene(arrows=1))
    loaded.playback.pause()
    loaded.playback.seek(2)
    wait_rendered(qtbot, loaded)
    scene = loaded.session.moved([1], 3, 0)
    loaded.session.preview(scene, "Record take", edited=[1], is_live=True)
    assert loaded.playback.index == 2
    assert loaded.session.is_live
    loaded.session.abort()
    assert not loaded.session.is_live


def test_goal_frame_when_asked_again_then_looked_for_only_once_for_a_scene(
    qtbot, bench, monkeypatch
):
    looked = []
    find = preview_module.peak_index
    monkeypatch.setattr(
        preview_module, "peak_index", lambda *args: looked.append(args[0]) or find(*args)
    )
    bench.preview.load_engine(EngineChoice())
    bench.open(make_scene(arrows=1))
    qtbot.waitUntil(lambda: bench.preview.goal_frame() is not None)
    looked.clear()
    bench.session.apply(bench.session.with_arrow((50.0, 30.0), (60.0, 30.0)), "Draw arrow")
    for _ in range(5):
        bench.preview.goal_frame()
    assert looked == [bench.session.scene]


def test_peak_index_when_there_are_many_tracks_then_few_moments_are_looked_at(monkeypatch):
    scene = set_film(make_scene(600, 64, arrows=28), FilmSettings(duration=10, fps=24, loop="once"))
    ids = frozenset(track.id for track in scene.tracks)
    asked = []
    ask = film_frames.displacement
    monkeypatch.setattr(film_frames, "displacement", lambda *args: asked.append(1) or ask(*args))
    assert film_frames.peak_index(scene, ids, 0) > 230
    assert len(asked) < 3000
    asked.clear()
    assert film_frames.peak_index(scene, frozenset([1]), 0) == 239
    assert len(asked) == 240
