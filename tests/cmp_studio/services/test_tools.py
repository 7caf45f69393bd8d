import pytest

from cmp_studio.services.pointer import HIT_RADIUS_SCREEN_PX, Pointer
from cmp_studio.services.tools import DRAG_SCREEN_PX


def at(x, y, *, scale=4.0, shift=False):
    return Pointer((float(x), float(y)), scale, is_shift=shift)


def drag(tools, start, end, *, shift=False):
    tools.press(at(*start, shift=shift))
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    tools.move(at(*middle))
    tools.move(at(*end))
    tools.release(at(*end))


def tracks_of(session):
    return [(track.kind, track.points) for track in session.scene.tracks]


def test_arrow_tool_when_dragged_then_one_arrow_that_is_selected(session, tools):
    drag(tools, (10, 10), (30, 20))
    assert tracks_of(session) == [("arrow", ((10.0, 10.0), (30.0, 20.0)))]
    assert session.selection == {1}
    assert session.undo_label == "Draw arrow"
    session.undo()
    assert tracks_of(session) == []


def test_arrow_tool_when_the_hand_only_shakes_then_nothing_is_drawn(session, tools):
    step = (DRAG_SCREEN_PX - 1) / 4
    tools.press(at(10, 10))
    tools.move(at(10 + step, 10))
    tools.release(at(10 + step, 10))
    assert tracks_of(session) == []
    assert not session.has_gesture


def test_arrow_tool_when_begun_outside_of_the_photo_then_nothing_is_drawn(session, tools):
    drag(tools, (-30, 10), (20, 20))
    assert tracks_of(session) == []


def test_arrow_tool_when_begun_just_outside_then_starts_at_the_edge(session, tools):
    drag(tools, (-2, 10), (20, 20))
    assert session.scene.tracks[0].tail == (0.0, 10.0)


def test_arrow_tool_when_a_head_is_dragged_then_the_arrow_is_changed(session, tools):
    drag(tools, (10, 10), (40, 10))
    tools.set_tool("arrow")
    session.select([])
    drag(tools, (41, 11), (51, 31))
    assert tracks_of(session) == [("arrow", ((10.0, 10.0), (50.0, 30.0)))]
    assert session.undo_label == "Change arrow"


def test_arrow_tool_when_begun_beside_an_unselected_tail_then_a_second_arrow(session, tools):
    drag(tools, (10, 10), (40, 10))
    session.select([])
    drag(tools, (11, 11), (11, 40))
    assert len(session.scene.tracks) == 2


def test_arrow_tool_when_the_tail_of_the_selected_is_dragged_then_it_moves(session, tools):
    drag(tools, (10, 10), (40, 10))
    drag(tools, (10, 10), (15, 20))
    assert tracks_of(session) == [("arrow", ((15.0, 20.0), (45.0, 20.0)))]
    assert session.undo_label == "Move arrow"


def test_select_tool_when_a_body_is_dragged_then_the_whole_moves(session, tools):
    drag(tools, (10, 10), (50, 10))
    tools.set_tool("select")
    session.select([])
    drag(tools, (30, 11), (35, 21))
    assert tracks_of(session) == [("arrow", ((15.0, 20.0), (55.0, 20.0)))]
    assert session.selection == {1}


def test_select_tool_when_one_of_several_selected_is_dragged_then_all_move(session, tools):
    session.add_pin((10, 10))
    session.add_pin((40, 10))
    session.select_all()
    tools.set_tool("select")
    drag(tools, (10, 10), (12, 15))
    assert [track.tail for track in session.scene.tracks] == [(12.0, 15.0), (42.0, 15.0)]
    assert session.undo_label == "Move 2 pins"


def test_select_tool_when_shift_clicked_then_toggled(session, tools):
    session.add_pin((10, 10))
    session.add_pin((40, 10))
    tools.set_tool("select")
    tools.press(at(10, 10, shift=True))
    tools.release(at(10, 10, shift=True))
    assert session.selection == {1, 2}
    tools.press(at(10, 10, shift=True))
    tools.release(at(10, 10, shift=True))
    assert session.selection == {2}


def test_select_tool_when_dragged_over_nothing_then_the_rectangle_selects(session, tools):
    session.add_pin((10, 10))
    session.add_pin((80, 50))
    tools.set_tool("select")
    tools.press(at(2, 30))
    tools.move(at(20, 2))
    assert tools.band == ((2.0, 30.0), (20.0, 2.0))
    tools.release(at(20, 2))
    assert session.selection == {1}
    assert tools.band is None
    assert session.undo_label == "Set pin"


def test_select_tool_when_nothing_is_clicked_then_nothing_is_selected(session, tools):
    session.add_pin((10, 10))
    tools.set_tool("select")
    tools.press(at(60, 60))
    tools.release(at(60, 60))
    assert session.selection == frozenset()


def test_pin_tool_when_clicked_then_a_pin(session, tools):
    tools.set_tool("pin")
    tools.press(at(20, 30))
    tools.release(at(20, 30))
    assert tracks_of(session) == [("pin", ((20.0, 30.0),))]


def test_pin_tool_when_dragged_then_the_pin_is_dropped_there(session, tools):
    tools.set_tool("pin")
    drag(tools, (20, 30), (40, 50))
    assert tracks_of(session) == [("pin", ((40.0, 50.0),))]


@pytest.mark.parametrize("tool", ["select", "arrow", "pin"])
def test_double_click_when_on_the_photo_then_exactly_one_pin(session, tools, tool):
    tools.set_tool(tool)
    tools.press(at(20, 30))
    tools.release(at(20, 30))
    tools.double_click(at(20, 30))
    tools.release(at(20, 30))
    assert tracks_of(session) == [("pin", ((20.0, 30.0),))]


def test_double_click_when_outside_then_nothing(session, tools):
    tools.double_click(at(500, 30))
    assert tracks_of(session) == []


def test_right_click_when_anywhere_then_the_nearest_goes_however_far(session, tools):
    session.add_pin((10, 10))
    session.add_pin((80, 50))
    removed = tools.right_click(at(60, 60))
    assert removed.id == 2
    assert [track.id for track in session.scene.tracks] == [1]
    assert session.undo_label == "Delete pin"


def test_right_click_when_empty_then_nothing(session, tools):
    assert tools.right_click(at(10, 10)) is None


def test_cancel_when_drawing_then_no_trace(session, tools):
    tools.press(at(10, 10))
    tools.move(at(40, 40))
    assert session.has_gesture
    assert tools.cancel()
    tools.release(at(40, 40))
    assert tracks_of(session) == []
    assert session.undo_label == ""
    assert not tools.cancel()


def test_press_when_within_twelve_screen_px_then_takes_hold(session, tools):
    session.add_pin((40, 40))
    assert HIT_RADIUS_SCREEN_PX >= 12
    tools.set_tool("select")
    for scale in (0.25, 1.0, 8.0):
        tools.move(at(40 + 12 / scale, 40, scale=scale))
        assert tools.hovered is not None
        tools.move(at(40 + 20 / scale, 40, scale=scale))
        assert tools.hovered is None


def test_hint_when_the_situation_changes_then_says_what_a_click_would_do(session, tools):
    tools.move(at(60, 50))
    assert tools.hint.startswith("Drag draws an arrow")
    assert tools.cursor == "cross"
    drag(tools, (10, 10), (40, 10))
    tools.move(at(40, 10))
    assert tools.hint.startswith("Drag to aim and lengthen Arrow 1")
    assert tools.cursor == "move"
    tools.press(at(40, 10))
    tools.move(at(50, 20))
    assert tools.hint.startswith("Moves by +40, +10 px")
    tools.release(at(50, 20))
    tools.set_tool("pin")
    tools.move(at(80, 50))
    assert tools.hint.startswith("Click sets a pin")
    tools.set_tool("select")
    assert tools.hint.startswith("Click selects")
    session.close()
    assert "open one" in tools.hint


def test_leave_when_hovering_then_nothing_is_hovered(session, tools):
    session.add_pin((40, 40))
    tools.move(at(40, 40))
    tools.leave()
    assert tools.hovered is None


def test_set_tool_when_in_a_gesture_then_the_gesture_ends(session, tools):
    tools.press(at(10, 10))
    tools.move(at(40, 40))
    tools.set_tool("select")
    assert not session.has_gesture
    assert not tools.is_active


def test_hint_when_the_hovered_track_has_just_gone_then_is_that_of_an_empty_place(session, tools):
    drag(tools, (10, 10), (40, 30))
    tools.set_tool("select")
    tools.move(at(10, 10))
    assert tools.hovered is not None
    session.blockSignals(True)  # the hint is asked for before the tools hear of the change
    session.undo()
    session.blockSignals(False)
    tools.on_recording_changed(False)
    assert "Arrow" not in tools.hint
