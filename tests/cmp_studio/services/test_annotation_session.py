from dataclasses import replace

import pytest

from cmp_studio.document.annotation import Annotation, BrushStroke
from cmp_studio.services.annotation_session import AnnotationSession


@pytest.fixture
def session(qtbot):
    made = AnnotationSession()
    made.open(Annotation(), (60, 80))
    return made


def click(session, x, y, *, is_positive=True):
    session.begin_click((x, y), is_positive=is_positive)
    session.commit()


def test_click_when_nothing_is_there_then_makes_the_object(session):
    assert session.current is None
    click(session, 10, 20)
    assert session.current.label == "object"
    assert session.current.positive == ((10, 20),)
    assert session.undo_label == "Add positive click"
    session.undo()
    assert session.annotation.objects == ()
    assert session.current is None
    session.redo()
    assert session.current.positive == ((10, 20),)


def test_click_when_outside_then_put_on_the_edge(session):
    click(session, -5, 100)
    assert session.current.positive == ((0, 59),)


def test_drag_when_a_new_click_is_dragged_then_one_step(session):
    index = session.begin_click((10, 20), is_positive=True)
    session.drag_click(index, (11, 22))
    session.drag_click(index, (12, 24))
    session.commit()
    assert session.current.positive == ((12, 24),)
    session.undo()
    assert session.annotation.objects == ()


def test_drag_when_aborted_then_as_before(session):
    click(session, 10, 20)
    session.drag_click(0, (50, 50))
    session.abort()
    assert session.current.positive == ((10, 20),)
    assert session.undo_label == "Add positive click"


def test_abort_when_it_was_the_first_click_then_no_object_stays(session):
    session.begin_click((10, 20), is_positive=True)
    session.abort()
    assert session.annotation.objects == ()
    assert session.current_id is None
    click(session, 3, 4)
    assert len(session.annotation.objects) == 1


def test_next_object_when_clicked_then_another_with_the_same_label_and_settings(session):
    click(session, 10, 20)
    session.set_label("sheep")
    session.set_settings(replace(session.settings, threshold=0.7), "Change threshold")
    session.next_object()
    assert session.current_id is None
    assert session.label == "sheep"
    assert session.settings.threshold == 0.7
    click(session, 40, 40)
    assert [thing.label for thing in session.annotation.objects] == ["sheep", "sheep"]
    assert session.current.others == ((10, 20),)
    assert session.labels == ("sheep",)


def test_settings_when_changed_quickly_then_one_step(session):
    click(session, 10, 20)
    for threshold in (0.6, 0.7, 0.8):
        session.set_settings(replace(session.settings, threshold=threshold), "Change threshold")
    session.set_settings(replace(session.settings, speed=40.0), "Change speed")
    session.commit()
    assert session.undo_label == "Change speed"
    session.undo()
    assert session.settings.threshold == 0.8
    session.undo()
    assert session.settings.threshold == 0.5


def test_undo_when_it_is_about_another_object_then_that_one_is_worked_on(session):
    click(session, 10, 20)
    click(session, 12, 22, is_positive=False)
    session.next_object()
    session.undo()
    assert session.current_id == 1
    assert session.current.negative == ()


def test_remove_click_when_it_is_the_last_then_the_object_goes_and_comes_back(session):
    click(session, 10, 20)
    session.remove_click(0)
    assert session.annotation.objects == ()
    session.undo()
    assert session.current.positive == ((10, 20),)


def test_stroke_when_painted_without_clicks_then_an_object_of_strokes(session):
    session.add_stroke(BrushStroke(((5.0, 5.0),), 3.0))
    assert session.current.strokes
    assert session.undo_label == "Paint mask"


def test_remove_current_when_removed_then_the_next_one_is_new(session):
    click(session, 10, 20)
    session.remove_current()
    assert session.annotation.objects == ()
    assert session.undo_label == "Remove object"
    session.remove_current()
    assert session.undo_label == "Remove object"


def test_seconds_when_spent_then_kept_by_object_and_only_for_those_there(session):
    session.spend(1.0)
    click(session, 10, 20)
    session.spend(2.0)
    session.next_object()
    click(session, 30, 30)
    session.spend(0.5)
    assert dict(session.all_seconds) == {1: 2.0, 2: 0.5}
    session.undo()
    assert dict(session.all_seconds) == {1: 2.0}


def test_label_when_blank_then_object(session):
    click(session, 10, 20)
    session.set_label("   ")
    assert session.label == "object"
    session.set_label(" cat ")
    assert session.undo_label == "Change label"
    assert session.current.label == "cat"


def test_open_when_it_has_objects_then_the_next_one_is_new_and_nothing_to_undo(session):
    click(session, 10, 20)
    session.set_label("cat")
    annotation = session.annotation
    session.open(annotation, (60, 80), {1: 4.0})
    assert session.current_id is None
    assert session.label == "cat"
    assert session.undo_label == ""
    assert session.seconds(1) == 4.0
    session.close()
    assert not session.is_open
