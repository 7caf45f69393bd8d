import pytest

from cmp_studio.document.motion import displacement
from cmp_studio.services.pointer import Pointer


def at(x, y, **held):
    return Pointer((float(x), float(y)), 4.0, is_control=True, **held)


def record(tools, recorder, clock, way, *, step=0.1):
    """Drag along ``way`` with Ctrl held, ``step`` seconds from point to point."""
    tools.press(at(*way[0]))
    for x, y in way[1:]:
        tools.move(at(x, y))
        clock.now += step
        recorder.on_tick()
    tools.release(at(*way[-1]))


def test_ctrl_drag_when_on_the_photo_then_a_take_of_one_step(session, tools, recorder, clock):
    record(tools, recorder, clock, [(20, 20), (26, 20), (32, 22), (38, 24)])
    (track,) = session.scene.tracks
    assert track.kind == "take"
    assert track.tail == (20.0, 20.0)
    assert session.undo_label == "Record take"
    dx, dy = displacement(track, 0.35, session.scene.film)
    assert dx == pytest.approx(18, abs=1)
    assert dy == pytest.approx(4, abs=1)
    session.undo()
    assert session.scene.tracks == ()


def test_ctrl_drag_when_a_pin_then_it_becomes_a_take(session, tools, recorder, clock):
    session.add_pin((20.0, 20.0))
    record(tools, recorder, clock, [(20, 20), (30, 20), (30, 30)])
    (track,) = session.scene.tracks
    assert track.kind == "take"


def test_second_drag_when_of_a_take_then_it_is_layered_over_the_first(
    session, tools, recorder, clock
):
    record(tools, recorder, clock, [(20, 20), (26, 20), (32, 20)])
    record(tools, recorder, clock, [(20, 20), (20, 26), (20, 32)])
    (track,) = session.scene.tracks
    assert len(track.takes) == 2
    dx, dy = displacement(track, 0.3, session.scene.film)
    assert dx == pytest.approx(12, abs=1)
    assert dy == pytest.approx(12, abs=1)


def test_recording_when_let_go_then_the_playhead_returns(
    session, tools, recorder, clock, playback, preview
):
    playback.pause()
    playback.seek(6)
    begin = preview.due_time
    tools.press(at(20, 20))
    tools.move(at(30, 20))
    clock.now += 0.5
    recorder.on_tick()
    assert recorder.is_recording
    assert preview.due_time == pytest.approx(begin + 0.5, abs=0.05)
    tools.release(at(30, 20))
    assert playback.index == 6
    assert session.scene.tracks[0].timing.start == pytest.approx(begin)


def test_recording_when_at_half_speed_then_the_take_is_half_as_long(
    session, tools, recorder, clock
):
    recorder.set_half_speed(is_on=True)
    record(tools, recorder, clock, [(20, 20), (26, 20), (32, 20), (38, 20)], step=0.2)
    assert session.scene.tracks[0].takes[0].seconds == pytest.approx(0.3, abs=0.01)


def test_recording_when_the_timeline_is_over_then_it_ends_by_itself(
    session, tools, recorder, clock
):
    tools.press(at(20, 20))
    tools.move(at(30, 20))
    clock.now += 1.0
    recorder.on_tick()
    clock.now += 5.0
    recorder.on_tick()
    assert not recorder.is_recording
    assert not tools.is_active
    assert session.scene.tracks[0].kind == "take"
    tools.release(at(40, 20))
    assert len(session.scene.tracks) == 1


def test_recording_when_escaped_then_nothing_is_left(session, tools, recorder, clock):
    tools.press(at(20, 20))
    tools.move(at(30, 20))
    clock.now += 0.2
    recorder.on_tick()
    tools.cancel()
    assert session.scene.tracks == ()
    assert not recorder.is_recording


def test_ctrl_click_when_not_dragged_then_only_the_selection_changes(session, tools):
    session.add_pin((20.0, 20.0))
    tools.press(at(20, 20))
    tools.release(at(20, 20))
    assert session.selection == frozenset()
    assert session.scene.tracks[0].kind == "pin"
