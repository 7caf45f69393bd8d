import shutil

import numpy as np
import pytest

from cmp_studio.pipeline.annotation_store import annotation_path, read_annotation
from cmp_studio.services.annotator import Annotator
from cmp_studio.services.background import Background
from cmp_studio.services.motion_backend import EngineChoice
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import FakePredictor, fake_engine, photo_bytes

WAIT = 60_000


@pytest.fixture(autouse=True, scope="module")
def _engine_is_imported():
    """Its first import takes seconds, outside of any wait."""
    import cmp_engine.segment  # noqa: F401 - imported for the sake of it
    import cmp_studio.pipeline.annotation_export
    import cmp_studio.pipeline.annotation_masks  # noqa: F401 - imported for the sake of it


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in (2, 10, 1):
        (folder / f"photo {number}.png").write_bytes(photo_bytes(96 + number, 64))
    return folder


@pytest.fixture
def predictor():
    return FakePredictor()


@pytest.fixture
def make(qtbot, tmp_path, predictor):
    """Make an annotator of its own, as a run of the program does."""
    made = []

    def make_one():
        preferences = Preferences(tmp_path / "home")
        worker = PredictorWorker(lambda choice: fake_engine(choice, predictor))
        background = Background()
        annotator = Annotator(Session(), worker, background, preferences)
        made.append((annotator, worker, background, preferences))
        with qtbot.waitSignal(worker.loaded, timeout=WAIT):
            worker.load(EngineChoice(), 1)
        annotator.enter()
        return annotator

    yield make_one
    for annotator, worker, background, preferences in made:
        assert annotator.stop()
        assert worker.stop()
        assert background.stop()
        preferences.save()


def opened(qtbot, annotator, folder):
    with qtbot.waitSignal(annotator.folder.finished, timeout=WAIT):
        annotator.folder.open_folder(folder)


def click(qtbot, annotator, x, y):
    annotator.session.begin_click((x, y), is_positive=True)
    annotator.session.commit()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)


def go(qtbot, annotator, steps):
    with qtbot.waitSignal(annotator.folder.finished, timeout=WAIT):
        annotator.folder.step(steps)


def test_folder_when_opened_then_in_the_order_of_the_numbers(qtbot, make, pictures):
    annotator = make()
    opened(qtbot, annotator, pictures)
    assert [path.stem for path in annotator.folder.paths] == ["photo 1", "photo 2", "photo 10"]
    assert annotator.folder.index == 0
    assert annotator.session.size_hw == (64, 97)


def test_click_when_answered_then_a_mask_around_it(qtbot, make, pictures, predictor):
    annotator = make()
    opened(qtbot, annotator, pictures)
    click(qtbot, annotator, 40, 30)
    masks = annotator.masks.masks
    assert masks.labels[30, 40] == 1
    assert 0 < masks.areas[0] < 97 * 64
    assert masks.ready == {1}
    assert predictor.threads == {"predictor"}


def test_threshold_when_changed_then_the_network_is_not_asked_and_undo_neither(
    qtbot, make, pictures, predictor
):
    from dataclasses import replace

    annotator = make()
    opened(qtbot, annotator, pictures)
    click(qtbot, annotator, 40, 30)
    before, asked = annotator.masks.masks.areas[0], len(predictor.calls)
    session = annotator.session
    session.set_settings(replace(session.settings, threshold=0.9), "Change threshold")
    session.commit()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert annotator.masks.masks.areas[0] < before
    session.undo()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert annotator.masks.masks.areas[0] == before
    assert len(predictor.calls) == asked
    session.set_settings(replace(session.settings, speed=60.0), "Change speed")
    session.commit()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert len(predictor.calls) > asked
    asked = len(predictor.calls)
    session.undo()
    session.redo()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert len(predictor.calls) == asked


@pytest.mark.parametrize("change", [{"speed": 60.0}, {"zoom": 0.0}, {"method": "agreement"}])
def test_settings_when_changed_then_what_is_known_is_shown_at_once_and_the_answer_follows(
    qtbot, make, pictures, predictor, change
):
    from dataclasses import replace

    annotator = make()
    opened(qtbot, annotator, pictures)
    click(qtbot, annotator, 40, 30)
    before, session = annotator.masks.masks, annotator.session
    predictor.hold.clear()
    try:
        # The threshold goes up as well: only what is known of the other settings can show that.
        settings = replace(session.settings, threshold=0.9, **change)
        session.set_settings(settings, "Change settings")
        session.commit()
        qtbot.waitUntil(
            lambda: annotator.masks.masks.annotation is session.annotation, timeout=WAIT
        )
        shown = annotator.masks.masks
        assert 0 < shown.areas[0] < before.areas[0]
        assert shown.ready == frozenset()  # it is no answer yet, and is not saved as one
        assert annotator.masks.is_pending
    finally:
        predictor.hold.set()
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert annotator.masks.masks.ready == {1}
    assert annotator.masks.score_of(session.current) is not None


def test_step_when_clicked_just_before_then_the_mask_is_waited_for_and_saved(
    qtbot, make, pictures, predictor
):
    annotator = make()
    opened(qtbot, annotator, pictures)
    qtbot.waitUntil(lambda: annotator.masks._has_looked, timeout=WAIT)
    predictor.hold.clear()
    annotator.session.begin_click((40, 30), is_positive=True)
    annotator.session.commit()
    annotator.folder.step(1)
    assert annotator.folder.index == 0
    with qtbot.waitSignal(annotator.folder.finished, timeout=WAIT):
        predictor.hold.set()
    assert annotator.folder.index == 1
    stored = read_annotation(annotation_path(pictures / "photo 1.png"))
    assert stored.ready == {1}
    assert stored.labels[30, 40] == 1
    assert annotator.folder.annotated == {pictures / "photo 1.png"}


def test_resume_when_opened_again_then_where_it_was_left_with_masks_and_no_question(
    qtbot, make, pictures, predictor
):
    annotator = make()
    opened(qtbot, annotator, pictures)
    go(qtbot, annotator, 1)
    annotator.session.set_label("cat")
    click(qtbot, annotator, 40, 30)
    annotator.session.spend(4.0)
    labels = annotator.masks.masks.labels
    assert annotator.stop()
    asked = len(predictor.calls)

    again = make()
    assert again.folder.last_folder() == pictures
    opened(qtbot, again, pictures)
    assert again.folder.path.name == "photo 2.png"
    qtbot.waitUntil(lambda: not again.masks.is_pending, timeout=WAIT)
    assert again.session.annotation.objects[0].label == "cat"
    assert 4.0 <= again.session.seconds(1) < 60.0
    np.testing.assert_array_equal(again.masks.masks.labels, labels)
    assert len(predictor.calls) == asked


def test_folder_when_a_picture_is_damaged_then_one_sentence_and_the_rest_goes_on(
    qtbot, make, pictures
):
    (pictures / "photo 2.png").write_text("words")
    annotator = make()
    said = []
    annotator.folder.warned.connect(said.append)
    opened(qtbot, annotator, pictures)
    go(qtbot, annotator, 1)
    assert annotator.folder.path.name == "photo 10.png"
    assert len(said) == 1
    assert "photo 2.png" in said[0]
    assert "skipped" in said[0]
    go(qtbot, annotator, -1)
    assert annotator.folder.path.name == "photo 1.png"
    assert len(said) == 1


def test_folder_when_nothing_can_be_read_then_said_and_nothing_is_open(qtbot, make, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    annotator = make()
    said = []
    annotator.folder.warned.connect(said.append)
    opened(qtbot, annotator, folder)
    assert "holds no pictures" in said[-1]
    (folder / "a.jpg").write_text("words")
    opened(qtbot, annotator, folder)
    assert "a.jpg" in said[-1]
    assert annotator.folder.picture is None
    opened(qtbot, annotator, tmp_path / "nowhere")
    assert "can't be opened" in said[-1]


def test_annotation_when_damaged_then_kept_aside_and_begun_anew(qtbot, make, pictures):
    path = annotation_path(pictures / "photo 1.png")
    path.parent.mkdir()
    path.write_text("{")
    annotator = make()
    said = []
    annotator.folder.warned.connect(said.append)
    opened(qtbot, annotator, pictures)
    assert "damaged" in said[0]
    assert annotator.session.annotation.objects == ()
    assert [p.name for p in path.parent.iterdir()] == [f"{path.name}.damaged"]


def test_save_when_the_folder_can_not_be_written_then_one_sentence(qtbot, make, pictures):
    (pictures / "annotations").write_text("in the way")
    annotator = make()
    opened(qtbot, annotator, pictures)
    with qtbot.waitSignal(annotator.folder.warned, timeout=WAIT) as caught:
        click(qtbot, annotator, 40, 30)
    assert "photo 1.png" in caught.args[0]
    (pictures / "annotations").unlink()
    with qtbot.waitSignal(annotator.folder.saved, timeout=WAIT):
        annotator.folder.save()


def test_save_when_all_objects_are_removed_then_the_file_goes(qtbot, make, pictures):
    annotator = make()
    opened(qtbot, annotator, pictures)
    with qtbot.waitSignal(annotator.folder.saved, timeout=WAIT):
        click(qtbot, annotator, 40, 30)
    assert annotation_path(pictures / "photo 1.png").is_file()
    with qtbot.waitSignal(annotator.folder.saved, timeout=WAIT):
        annotator.session.undo()
    assert not annotation_path(pictures / "photo 1.png").exists()
    assert annotator.folder.annotated == frozenset()


def test_prefetch_when_a_picture_is_open_then_the_network_looks_at_the_next(
    qtbot, make, pictures, predictor
):
    annotator = make()
    opened(qtbot, annotator, pictures)
    qtbot.waitUntil(lambda: predictor.seen_sizes[-2:] == [(64, 97), (64, 98)], timeout=WAIT)
    looked = len(predictor.seen_sizes)
    go(qtbot, annotator, 1)
    click(qtbot, annotator, 40, 30)
    assert (64, 98) not in predictor.seen_sizes[looked:]


def test_export_when_asked_then_files_of_all_annotated_pictures(qtbot, make, pictures, tmp_path):
    annotator = make()
    opened(qtbot, annotator, pictures)
    assert not annotator.export(tmp_path / "out", ("indexed",))
    click(qtbot, annotator, 40, 30)
    go(qtbot, annotator, 2)
    click(qtbot, annotator, 20, 30)
    with qtbot.waitSignal(annotator.exported, timeout=WAIT) as caught:
        assert annotator.export(tmp_path / "out", ("indexed", "csv"))
    assert "3 files for 2 pictures" in caught.args[0]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "clicks_and_times.csv",
        "photo 1.png",
        "photo 10.png",
    ]
    (tmp_path / "taken").write_text("a file")
    with qtbot.waitSignal(annotator.failed, timeout=WAIT):
        annotator.export(tmp_path / "taken", ("indexed",))


def test_network_when_it_fails_then_said_once_and_the_rest_works(qtbot, make, pictures, predictor):
    from cmp_engine.errors import EngineError

    annotator = make()
    opened(qtbot, annotator, pictures)
    qtbot.waitUntil(lambda: annotator.masks._has_looked, timeout=WAIT)
    said = []
    annotator.masks.failed.connect(said.append)
    predictor.error = EngineError("The network tripped.")
    click(qtbot, annotator, 40, 30)
    assert said == ["The network tripped."]
    predictor.error = None
    click(qtbot, annotator, 60, 30)
    assert annotator.masks.masks.areas[0] > 0


def test_folder_when_a_file_is_opened_then_its_folder_comes_with_it(qtbot, make, pictures):
    annotator = make()
    with qtbot.waitSignal(annotator.folder.finished, timeout=WAIT):
        annotator.folder.open_file(pictures / "photo 10.png")
    assert annotator.folder.index == 2
    annotator.folder.step(1)
    shutil.rmtree(pictures)
    annotator.folder.close()
    assert annotator.folder.picture is None
    assert annotator.folder.paths == ()


def test_step_when_there_is_no_network_then_it_does_not_wait_for_a_mask(
    qtbot, tmp_path, pictures, predictor
):
    preferences = Preferences(tmp_path / "home")
    worker = PredictorWorker(lambda choice: fake_engine(choice, predictor))
    background = Background()
    annotator = Annotator(Session(), worker, background, preferences)
    annotator.enter()
    opened(qtbot, annotator, pictures)
    click(qtbot, annotator, 40, 30)
    go(qtbot, annotator, 1)
    assert annotator.folder.index == 1
    stored = read_annotation(annotation_path(pictures / "photo 1.png"))
    assert stored.ready == frozenset()
    assert not stored.labels.any()
    go(qtbot, annotator, -1)
    with qtbot.waitSignal(annotator.masks.answered, timeout=WAIT):
        worker.load(EngineChoice(), 1)
    qtbot.waitUntil(lambda: not annotator.masks.is_pending, timeout=WAIT)
    assert annotator.masks.masks.labels[30, 40] == 1
    assert annotator.stop()
    assert worker.stop()
    assert background.stop()
