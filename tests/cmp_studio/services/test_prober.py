import importlib
import threading
from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.probe_board import ProbeBoard
from cmp_studio.pipeline.experiment import KINDS, changed_numbers
from cmp_studio.services.latest_wins import Interrupted
from cmp_studio.services.motion_backend import EngineChoice
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.playback import Playback
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preview import Preview
from cmp_studio.services.probe_question import ProbeQuestion, ProbeStage
from cmp_studio.services.prober import Prober
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import FakePredictor, fake_engine, make_scene

SMALL = replace(ProbeBoard(), directions=2, probes=9)


@pytest.fixture(autouse=True, scope="module")
def _probes_are_imported():
    importlib.import_module("cmp_studio.pipeline.probe_finders")  # seconds, outside of any wait


@pytest.fixture
def predictor():
    return FakePredictor()


@pytest.fixture
def made(qtbot, predictor):
    """A prober that is on, with a photo and a loaded engine, and what it stands on."""
    session = Session()
    worker = PredictorWorker(lambda choice: fake_engine(choice, predictor))
    preview = Preview(session, Playback(), worker)
    worker.hold_frames(is_held=True)
    prober = Prober(session, preview, worker, lambda choice: fake_engine(choice, FakePredictor()))
    scene = make_scene()
    session.start(scene, open_picture(scene.picture))
    preview.load_engine(EngineChoice())
    qtbot.waitUntil(lambda: preview.engine is not None)
    prober.enter()
    prober.apply(SMALL, "Small")
    yield prober, session
    predictor.hold.set()
    assert worker.stop()


@pytest.fixture
def prober(made):
    return made[0]


def is_settled(prober):
    return lambda: prober.shown is not None and not prober.is_waiting and not prober.is_outdated


def test_hover_when_the_mouse_moves_then_the_place_under_it_is_pulled(qtbot, prober):
    prober.hover_at((30, 20))
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.experiment.points == ((30, 20),)
    prober.hover_at((50, 30))
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.experiment.points == ((50, 30),)
    assert "flow" in prober.shown.finding.flows


def test_hover_when_many_places_are_passed_then_only_the_newest_waits(qtbot, prober, predictor):
    predictor.hold.clear()
    for x in range(10, 60):
        prober.hover_at((x, 20))
    predictor.started.wait(10)
    predictor.hold.set()
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.experiment.points == ((59, 20),)
    assert len(predictor.calls) < 10


def test_hover_when_a_point_is_set_then_changes_nothing(qtbot, prober):
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    prober.hover_at((50, 30))
    assert prober.hover is None
    assert prober.pulled == (30, 20)


@pytest.mark.parametrize("kind", KINDS)
def test_view_when_its_marks_are_there_then_finds_something(qtbot, prober, kind):
    board = replace(
        prober.board,
        points=((30.0, 20.0), (60.0, 40.0)),
        arrows=((30.0, 20.0, 5.0, 0.0), (60.0, 40.0, 0.0, 5.0)),
        other_arrows=((30.0, 20.0, -5.0, 0.0),),
    )
    prober.apply(board, "Everything")
    prober.set_view(kind)
    if kind == "parts":
        assert not prober.is_waiting
        prober.find()
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.finding.kind == kind


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "parts"])
def test_view_when_nothing_is_placed_then_asks_nothing(prober, predictor, kind):
    prober.set_view(kind)
    assert prober.wanted() is None
    assert not prober.is_waiting
    assert prober.shown is None


def test_points_when_undone_and_redone_then_what_is_shown_follows(qtbot, prober):
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    prober.apply(replace(prober.board, points=((50.0, 20.0),)), "Set point")
    prober.undo()
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.experiment.points == ((30, 20),)
    assert (prober.undo_label, prober.redo_label) == ("Set point", "Set point")
    prober.redo()
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.experiment.points == ((50, 20),)


def test_settings_when_changed_quickly_then_are_one_step(prober):
    for angle in (10.0, 20.0, 30.0):
        prober.adjust(replace(prober.board, angle=angle), "Turn the pull")
    prober.commit()
    prober.undo()
    assert prober.board.angle == 0


def test_drag_when_given_up_then_the_board_is_as_before(prober):
    before = prober.board
    prober.preview_board(replace(before, points=((1.0, 1.0),)), "Set point")
    prober.abort()
    assert prober.board == before


def test_parts_when_cancelled_then_stops_and_goes_on_where_it_was(qtbot, prober, predictor):
    prober.set_view("parts")
    predictor.started.clear()
    predictor.hold.clear()
    prober.find()
    assert predictor.started.wait(10)
    prober.cancel()
    predictor.hold.set()
    assert not prober.is_waiting
    qtbot.wait(50)
    assert prober.shown is None
    before = len(predictor.calls)
    assert before < 18
    prober.find()
    qtbot.waitUntil(is_settled(prober))
    assert len(predictor.calls) <= 18  # what was answered before is not asked again


def test_parts_when_another_number_is_chosen_then_nothing_is_predicted_again(
    qtbot, prober, predictor
):
    prober.set_view("parts")
    prober.find()
    qtbot.waitUntil(is_settled(prober))
    before = len(predictor.calls)
    prober.adjust(replace(prober.board, parts=3), "Change number of parts")
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.finding.numbers["parts"] == 3
    assert len(predictor.calls) == before


def test_parts_when_places_change_then_wait_until_asked(qtbot, prober):
    prober.set_view("parts")
    prober.find()
    qtbot.waitUntil(is_settled(prober))
    prober.adjust(replace(prober.board, probes=16), "Change places")
    assert prober.is_outdated
    assert not prober.is_waiting


def test_long_probe_when_it_runs_then_tells_its_progress(qtbot, prober):
    seen = []
    prober.waiting_changed.connect(lambda: seen.append(prober.progress))
    prober.set_view("rigidity")
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    qtbot.waitUntil(is_settled(prober))
    assert any(step is not None and step.done == step.total == 6 for step in seen)


def test_answer_when_the_view_is_another_by_then_is_dropped(qtbot, prober, predictor):
    prober.set_view("rigidity")
    predictor.started.clear()
    predictor.hold.clear()
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    assert predictor.started.wait(10)
    prober.set_view("response")
    predictor.hold.set()
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.finding.kind == "response"
    prober.set_view("influence")
    assert prober.shown is None


def test_network_when_it_fails_then_says_so_once_and_goes_on(qtbot, prober, predictor):
    predictor.error = ValueError("The network is tired.")
    with qtbot.waitSignal(prober.failed) as heard:
        prober.hover_at((30, 20))
    assert heard.args == ["The network is tired."]
    assert not prober.is_waiting
    predictor.error = None
    prober.hover_at((31, 20))
    qtbot.waitUntil(is_settled(prober))


def test_picture_when_another_is_opened_then_the_marks_are_gone(qtbot, made):
    prober, session = made
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    scene = make_scene(60, 50)
    session.start(scene, open_picture(scene.picture))
    assert prober.board.points == ()
    assert prober.shown is None
    assert prober.undo_label == ""


def test_experiment_when_run_again_then_says_that_the_numbers_are_the_same(qtbot, prober):
    prober.set_view("motion")
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    qtbot.waitUntil(is_settled(prober))
    saved, finding = prober.shown.experiment, prober.shown.finding
    with qtbot.waitSignal(prober.compared) as heard:
        prober.run_again(saved, {"motion": finding.numbers})
    assert heard.args == ["The numbers are the same as before"]
    assert changed_numbers({"motion": finding.numbers}, [prober.shown.finding]) == []
    other = {**finding.numbers, "turning_share": 7.0}
    with qtbot.waitSignal(prober.compared) as heard:
        prober.run_again(saved, {"motion": other})
    assert "turning_share: 7.0 before" in heard.args[0]


def test_compare_when_b_has_other_weights_then_they_are_loaded(qtbot, prober):
    prober.set_view("compare")
    board = replace(prober.board, arrows=((30.0, 20.0, 5.0, 0.0),), other_weights="second")
    prober.apply(board, "Weights")
    qtbot.waitUntil(is_settled(prober))
    assert prober.shown.finding.numbers["mean_distance"] == 0  # the same fake network


def test_question_when_interrupted_then_goes_on_where_it_was(prober):
    scene = make_scene()
    picture = open_picture(scene.picture)
    prober.set_view("rigidity")
    prober.apply(replace(prober.board, points=((30.0, 20.0),)), "Set point")
    predictor = FakePredictor()
    question = ProbeQuestion(prober.wanted(), picture, ProbeStage(fake_engine))
    looks = iter([False, False, True])
    with pytest.raises(Interrupted):
        question(predictor, lambda: next(looks))
    assert len(predictor.calls) == 4
    whole = question(predictor, lambda: False)
    assert len(predictor.calls) == 6
    fresh = ProbeQuestion(prober.wanted(), picture, ProbeStage(fake_engine))
    again = fresh(FakePredictor(), lambda: False)
    for name, values in whole.finding.maps.items():
        np.testing.assert_array_equal(values, again.finding.maps[name])


def test_work_when_asked_then_runs_on_the_worker_alone(qtbot, prober, predictor):
    prober.hover_at((30, 20))
    qtbot.waitUntil(is_settled(prober))
    assert threading.current_thread().name not in predictor.threads
    assert predictor.threads == {"predictor"}
