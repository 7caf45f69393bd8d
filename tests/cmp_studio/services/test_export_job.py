import pytest

from cmp_studio.document.scene import FilmSettings, set_film
from cmp_studio.services.export_job import (
    ExportJob,
    ExportSettings,
    export_film_settings,
    export_summary,
)
from cmp_studio.services.motion_backend import EngineChoice
from cmp_studio.services.pictures import open_picture
from tests.cmp_studio.fakes import FakePredictor, fake_engine, make_scene


@pytest.fixture
def predictor():
    return FakePredictor()


@pytest.fixture
def start(qtbot, tmp_path, predictor):
    jobs = []

    def make(**changes):
        scene = set_film(make_scene(arrows=1), FilmSettings(duration=0.5, fps=10))
        values = {
            "path": tmp_path / "film.gif",
            "format": "gif",
            "size_hw": (64, 96),
            "fps": 10.0,
            "duration": 0.5,
            **changes,
        }
        job = ExportJob(
            scene,
            open_picture(scene.picture),
            ExportSettings(**values),
            EngineChoice(),
            lambda choice: fake_engine(choice, predictor),
        )
        jobs.append(job)
        return job

    yield make
    predictor.hold.set()
    assert all(job.wait() for job in jobs)


def test_export_when_done_then_the_film_is_there_and_progress_reached_the_end(
    qtbot, start, tmp_path
):
    job = start()
    steps = []
    job.progressed.connect(lambda progress: steps.append((progress.done, progress.total)))
    with qtbot.waitSignal(job.succeeded, timeout=60_000) as caught:
        job.start()
    assert caught.args == [tmp_path / "film.gif"]
    assert (tmp_path / "film.gif").stat().st_size > 0
    assert steps[-1][0] == steps[-1][1]


def test_export_when_running_then_its_predictor_is_its_own(qtbot, start, predictor):
    job = start()
    with qtbot.waitSignal(job.ended, timeout=60_000):
        job.start()
    assert predictor.threads == {"export"}


def test_cancel_when_rendering_then_nothing_is_left_behind(qtbot, start, predictor, tmp_path):
    predictor.hold.clear()
    job = start()
    job.start()
    qtbot.waitUntil(predictor.started.is_set, timeout=60_000)
    with qtbot.waitSignal(job.cancelled, timeout=60_000):
        job.cancel()
        predictor.hold.set()
    assert list(tmp_path.iterdir()) == []


def test_export_when_the_folder_is_missing_then_one_sentence(qtbot, start, tmp_path):
    job = start(path=tmp_path / "no" / "film.gif")
    with qtbot.waitSignal(job.failed, timeout=60_000) as caught:
        job.start()
    assert caught.args[0].endswith(".")


def test_export_when_the_engine_fails_then_one_sentence_and_no_file(
    qtbot, start, predictor, tmp_path
):
    predictor.error = ValueError("The arrow is too long.")
    job = start()
    with qtbot.waitSignal(job.failed, timeout=60_000) as caught:
        job.start()
    assert caught.args == ["The arrow is too long."]
    assert list(tmp_path.iterdir()) == []


def test_wait_when_never_started_then_true(start):
    assert start().wait()


def test_summary_when_gone_through_twice_then_twice_the_frames():
    film = export_film_settings(FilmSettings(loop="seamless"), fps=10, duration=3)
    assert export_summary(film, 1) == (30, 3.0)
    assert export_summary(film, 2) == (60, 6.0)
