from types import SimpleNamespace

import numpy as np
import pytest

from cmp_studio.document.annotation import Annotation
from cmp_studio.services.annotate_tools import AnnotateTools
from cmp_studio.services.annotation_clock import IDLE_SECONDS, AnnotationClock
from cmp_studio.services.annotation_session import AnnotationSession
from cmp_studio.services.pointer import Pointer


@pytest.fixture
def session(qtbot):
    made = AnnotationSession()
    made.open(Annotation(), (60, 80))
    return made


@pytest.fixture
def tools(session):
    masks = SimpleNamespace(masks=None)
    made = AnnotateTools(session, masks)
    made.masks_of_test = masks
    return made


def at(x, y, **keys):
    return Pointer((x, y), 4.0, **keys)


def click(tools, x, y, button="left"):
    tools.press(at(x, y), button)
    tools.release(at(x, y))


def test_press_when_left_and_right_then_positive_and_negative(session, tools):
    click(tools, 10, 10)
    click(tools, 30, 10, "right")
    assert session.current.positive == ((10, 10),)
    assert session.current.negative == ((30, 10),)


def test_swap_when_pressed_then_left_is_negative(session, tools):
    tools.swap()
    assert tools.tool == "negative"
    click(tools, 10, 10)
    click(tools, 30, 10, "right")
    assert session.current.negative == ((10, 10),)
    assert session.current.positive == ((30, 10),)
    tools.swap()
    assert tools.tool == "positive"


def test_press_when_on_a_click_and_not_moved_then_removed(session, tools):
    click(tools, 10, 10)
    click(tools, 30, 30)
    tools.move(at(10.5, 10))
    assert "removes it" in tools.hint
    click(tools, 10.5, 10)
    assert session.current.positive == ((30, 30),)
    assert session.undo_label == "Remove click"


def test_drag_when_on_a_click_then_moved_in_one_step(session, tools):
    click(tools, 10, 10)
    tools.press(at(10, 10), "left")
    for x in (12, 15, 20):
        tools.move(at(x, 12))
        assert session.has_gesture
    tools.release(at(20, 12))
    assert session.current.positive == ((20, 12),)
    assert session.undo_label == "Move click"
    session.undo()
    assert session.current.positive == ((10, 10),)


def test_drag_when_escaped_then_the_click_is_back(session, tools):
    click(tools, 10, 10)
    tools.press(at(10, 10), "left")
    tools.move(at(30, 30))
    assert tools.cancel()
    tools.release(at(30, 30))
    assert session.current.positive == ((10, 10),)
    assert not tools.cancel()


def test_press_when_on_the_click_of_another_object_then_that_one_is_worked_on(session, tools):
    click(tools, 10, 10)
    session.next_object()
    click(tools, 50, 50)
    assert session.current_id == 2
    click(tools, 10, 10)
    assert session.current_id == 1
    assert session.current.positive == ((10, 10),)


def test_press_when_with_control_then_the_object_under_the_mouse(session, tools):
    click(tools, 10, 10)
    session.next_object()
    labels = np.zeros((60, 80), np.uint8)
    labels[:20, :20] = 1
    tools.masks_of_test.masks = SimpleNamespace(labels=labels, ids=(1,))
    tools.press(at(5, 5, is_control=True), "left")
    tools.release(at(5, 5))
    assert session.current_id == 1
    tools.press(at(70, 50, is_control=True), "left")
    assert session.current_id == 1
    assert len(session.current.clicks) == 1


def test_press_when_outside_then_nothing(session, tools):
    click(tools, -20, 10)
    click(tools, 10, 200)
    assert session.annotation.objects == ()


def test_brush_when_dragged_then_a_stroke_and_right_erases(session, tools):
    tools.toggle_brush()
    tools.press(at(10, 10), "left")
    tools.move(at(20, 10))
    assert tools.stroke.points == ((10, 10), (20, 10))
    tools.release(at(20, 10))
    assert session.current.strokes[0].points == ((10, 10), (20, 10))
    click(tools, 15, 10, "right")
    assert session.current.strokes[1].is_erasing
    tools.press(at(15, 10, is_shift=True), "left")
    assert tools.stroke.is_erasing
    assert tools.cancel()
    assert len(session.current.strokes) == 2
    tools.toggle_brush()
    assert tools.tool == "positive"


def test_brush_size_when_changed_then_within_bounds(session, tools):
    tools.set_radius(1000)
    assert tools.radius == 40
    tools.grow(-50)
    assert tools.radius == 0.5


def test_hint_when_nothing_is_open_then_what_to_do(session, tools):
    assert tools.hint.startswith("Click on the object")
    session.close()
    assert "folder" in tools.hint


def test_clock_when_someone_works_then_the_object_gets_the_time_and_rest_does_not(session):
    now = SimpleNamespace(time=100.0)
    clock = AnnotationClock(session, now=lambda: now.time)
    clock.set_on(is_on=True)
    now.time += 5
    clock.on_tick()
    session.begin_click((5, 5), is_positive=True)
    session.commit()
    clock.touch()
    now.time += 3
    clock.on_tick()
    assert session.seconds(1) == 3
    now.time += IDLE_SECONDS
    clock.on_tick()
    assert session.seconds(1) == 3
    clock.touch()
    now.time += 1
    clock.set_on(is_on=False)
    now.time += 7
    clock.on_tick()
    assert session.seconds(1) == 4
    clock.set_on(is_on=False)
