import pytest

from cmp_studio.services.pointer import Pointer


def at(x, y, **held):
    return Pointer((float(x), float(y)), 4.0, **held)


def click(tools, x, y):
    tools.press(at(x, y))
    tools.release(at(x, y))


@pytest.fixture
def path_tools(tools):
    tools.set_tool("path")
    return tools


def test_pen_when_clicked_from_point_to_point_then_one_path_and_one_step(session, path_tools):
    for x, y in ((10, 10), (30, 20), (50, 10)):
        click(path_tools, x, y)
    assert session.has_gesture
    path_tools.double_click(at(50, 10))
    (track,) = session.scene.tracks
    assert track.kind == "path"
    assert track.points == ((10.0, 10.0), (30.0, 20.0), (50.0, 10.0))
    assert session.selection == {track.id}
    assert session.undo_label == "Draw path"
    session.undo()
    assert session.scene.tracks == ()


def test_pen_when_enter_then_the_path_ends(session, path_tools):
    click(path_tools, 10, 10)
    click(path_tools, 30, 20)
    assert path_tools.finish()
    assert len(session.scene.tracks) == 1
    assert not path_tools.finish()


def test_pen_when_the_mouse_goes_on_then_the_path_follows_it(session, path_tools):
    click(path_tools, 10, 10)
    path_tools.move(at(40, 30))
    assert session.scene.tracks[0].points[-1] == (40.0, 30.0)
    path_tools.move(at(44, 32))
    assert session.scene.tracks[0].points[-1] == (44.0, 32.0)
    assert "next point" in path_tools.hint


def test_pen_when_escaped_then_nothing_is_left(session, path_tools):
    click(path_tools, 10, 10)
    click(path_tools, 30, 20)
    assert path_tools.cancel()
    assert session.scene.tracks == ()
    assert session.undo_label == ""


def test_pen_when_dragged_then_the_path_is_drawn_in_one_go(session, path_tools):
    path_tools.press(at(10, 10))
    for step in range(1, 11):
        path_tools.move(at(10 + 4 * step, 10 + (step % 3)))
    path_tools.release(at(50, 12))
    (track,) = session.scene.tracks
    assert track.kind == "path"
    assert 4 <= len(track.points) <= 12
    assert track.head == (50.0, 11.0)


def test_pen_when_another_tool_is_taken_then_the_path_ends(session, path_tools):
    click(path_tools, 10, 10)
    click(path_tools, 30, 20)
    path_tools.set_tool("arrow")
    assert len(session.scene.tracks) == 1


def test_points_when_dragged_inserted_and_removed_then_the_path_follows(session, path_tools):
    for x, y in ((10, 10), (40, 10), (40, 40)):
        click(path_tools, x, y)
    path_tools.finish()
    path_tools.press(at(40, 10))
    path_tools.move(at(44, 14))
    path_tools.move(at(46, 16))
    path_tools.release(at(46, 16))
    assert session.scene.tracks[0].points[1] == (46.0, 16.0)
    count = len(session.scene.tracks[0].points)
    middle = session.scene.tracks[0].points[1]
    path_tools.right_click(at(*middle))
    assert len(session.scene.tracks[0].points) == count - 1
    session.undo()
    assert len(session.scene.tracks[0].points) == count


def test_body_when_clicked_with_the_path_tool_then_a_point_is_put_in(session, path_tools):
    scene = session.with_arrow((10.0, 10.0), (70.0, 10.0))
    session.apply(scene, "Draw arrow")
    session.select([scene.tracks[-1].id])
    click(path_tools, 40, 11)
    (track,) = session.scene.tracks
    assert track.kind == "path"
    assert track.points[1] == (40.0, 11.0)
