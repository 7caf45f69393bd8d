import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest

from cmp_studio.document.scene import add_track
from cmp_studio.document.takes import take_from
from cmp_studio.document.track_edits import with_take
from cmp_studio.document.tracks import make_pin, make_take
from cmp_studio.services.bar_edits import dragged
from cmp_studio.services.pictures import open_picture
from cmp_studio.widgets import track_rows
from cmp_studio.widgets.row_painter import ROW_HEIGHT
from cmp_studio.widgets.time_scale import TimeScale
from cmp_studio.widgets.timeline import loop_text
from cmp_studio.widgets.timeline_ruler import runs_of, tick_step
from tests.cmp_studio.fakes import make_scene

LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def pull(widget, start, end, keys=NO_KEYS):
    QTest.mouseMove(widget, start)
    QTest.mousePress(widget, LEFT, keys, start)
    for step in (1, 2, 3):
        QTest.mouseMove(widget, start + (end - start) * step / 3)
    QTest.mouseRelease(widget, LEFT, keys, end)


@pytest.fixture
def with_arrow(opened):
    opened.drag((60, 60), (110, 80))
    return opened


def test_runs_of_when_frames_follow_each_other_then_joined():
    assert runs_of([], 0.1) == []
    assert runs_of([0.0, 0.1, 0.2, 0.5], 0.1) == [(0.0, 0.2), (0.5, 0.5)]


@pytest.mark.parametrize(("duration", "width"), [(0.2, 900), (4, 900), (60, 300), (5000, 120)])
def test_tick_step_when_chosen_then_labels_have_room_or_it_is_the_longest(duration, width):
    step = tick_step(duration, width)
    assert width * step / duration >= 56 or step == 120.0


def test_scale_when_zoomed_then_the_anchor_stays_and_fit_shows_all(qtbot):
    scale = TimeScale()
    scale.set_duration(4.0)
    x = scale.x_of(1.0, 800)
    scale.zoom(2.0, 1.0)
    assert scale.x_of(1.0, 800) == pytest.approx(x)
    assert scale.time_at(x, 800) == pytest.approx(1.0)
    assert not scale.is_fitted
    scale.pan(100)
    assert scale.visible[1] == pytest.approx(4.0)
    scale.fit()
    assert scale.visible == (0.0, 4.0)


def test_ruler_when_pressed_then_pauses_there(opened):
    ruler = opened.window.timeline.ruler
    at = QPoint(round(ruler.x_of(2)), 20)
    QTest.mousePress(ruler, LEFT, NO_KEYS, at)
    assert opened.studio.playback.index == 2
    assert not opened.studio.playback.is_playing


def test_ruler_when_dragged_with_shift_then_only_that_is_played(opened):
    ruler, playback = opened.window.timeline.ruler, opened.studio.playback
    a, b = QPoint(round(ruler.x_of(1)), 20), QPoint(round(ruler.x_of(3)), 20)
    pull(ruler, a, b, SHIFT)
    assert playback.range == (1, 3)
    assert opened.window.timeline.whole_button.isVisible()
    opened.window.timeline.whole_button.click()
    assert playback.range is None


def test_bar_when_dragged_then_the_arrow_moves_later_in_one_step(with_arrow):
    rows, session = with_arrow.window.timeline.rows, with_arrow.studio.session
    end = rows.bar_rect(1)
    at = end.center().toPoint()
    pull(rows, QPoint(round(end.right()) - 2, at.y()), QPoint(round(end.center().x()), at.y()))
    timing = session.scene.tracks[0].timing
    assert timing.start == 0
    assert timing.end == pytest.approx(0.25, abs=0.13)
    bar = rows.bar_rect(1)
    middle = bar.center().toPoint()
    pull(rows, middle, middle + QPoint(round(bar.width()), 0))
    timing = session.scene.tracks[0].timing
    assert timing.start == pytest.approx(0.25, abs=0.13)
    assert session.undo_label == "Change time of arrow"
    session.undo()
    session.undo()
    assert session.scene.tracks[0].timing.end is None


def test_rows_when_clicked_then_switch_select_and_rename(with_arrow):
    rows, session = with_arrow.window.timeline.rows, with_arrow.studio.session
    name = rows.name_rect(1)
    QTest.mouseClick(rows, LEFT, NO_KEYS, QPoint(8, round(name.center().y())))
    assert not session.scene.tracks[0].is_on
    QTest.mouseClick(rows, LEFT, NO_KEYS, name.center().toPoint())
    assert session.selection == {1}
    rows.rename(1)
    rows._editor.setText("Left arm")
    QTest.keyClick(rows._editor, Qt.Key.Key_Return)
    assert session.scene.tracks[0].name == "Left arm"


def test_rows_when_driven_by_keys_then_select_and_move_bars(with_arrow):
    rows, session = with_arrow.window.timeline.rows, with_arrow.studio.session
    with_arrow.double_click(200, 140)
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_Down)
    assert session.selection == {1}
    QTest.keyClick(rows, Qt.Key.Key_Up)
    assert session.selection == {2}
    session.select([1])
    shorter = dragged(session.scene.tracks[0], session.scene.film, "end", -0.25)
    session.set_tracks([shorter], "Shorten")
    QTest.keyClick(rows, Qt.Key.Key_Right)
    assert session.scene.tracks[0].timing.start == pytest.approx(1 / 8)


@pytest.fixture
def with_path(opened):
    session = opened.studio.session
    scene = session.with_path(((40.0, 40.0), (90.0, 60.0), (140.0, 40.0)))
    session.apply(scene, "Draw path")
    session.select([1])
    return opened


def test_mark_of_a_path_when_dragged_then_the_point_is_passed_later_in_one_step(with_path):
    rows, session = with_path.window.timeline.rows, with_path.studio.session
    at = rows.mark_position(1, 0).toPoint()
    goal = QPoint(round(rows.bar_rect(1).right()) - 20, at.y())
    pull(rows, at, goal)
    (key,) = session.scene.tracks[0].keys
    assert key > 0.7
    assert rows.mark_position(1, 0).x() == pytest.approx(goal.x(), abs=rows.width() / 8)
    assert session.undo_label == "Change time of point"
    session.undo()
    assert session.scene.tracks[0].keys == ()
    assert session.undo_label == "Draw path"


def test_mark_when_escape_is_pressed_while_it_is_dragged_then_stays_where_it_was(with_path):
    rows, session = with_path.window.timeline.rows, with_path.studio.session
    at = rows.mark_position(1, 0).toPoint()
    QTest.mousePress(rows, LEFT, NO_KEYS, at)
    QTest.mouseMove(rows, at + QPoint(60, 0))
    assert session.scene.tracks[0].keys
    QTest.keyClick(rows, Qt.Key.Key_Escape)
    QTest.mouseMove(rows, at + QPoint(90, 0))
    QTest.mouseRelease(rows, LEFT, NO_KEYS, at + QPoint(90, 0))
    assert session.scene.tracks[0].keys == ()
    assert session.undo_label == "Draw path"


def test_mark_when_chosen_and_moved_by_keys_then_goes_frame_by_frame(with_path):
    rows, session = with_path.window.timeline.rows, with_path.studio.session
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_PageDown)
    assert "passes point 2" in with_path.window.status.hint.text()
    before = rows.mark_position(1, 0).x()
    QTest.keyClick(rows, Qt.Key.Key_Right)
    assert rows.mark_position(1, 0).x() > before
    assert session.scene.tracks[0].timing.start == 0
    QTest.keyClick(rows, Qt.Key.Key_Escape)
    QTest.keyClick(rows, Qt.Key.Key_Right)
    assert session.scene.tracks[0].timing.start > 0 or session.scene.tracks[0].timing.end is None


def test_marks_of_a_take_when_dragged_then_later_and_slower(opened):
    session, rows = opened.studio.session, opened.window.timeline.rows
    scene = session.scene
    track = make_take((50.0, 50.0), take_from([(0, 0, 0), (0.1, 20, 0)]))
    track = with_take(track, take_from([(0, 0, 0), (0.1, 0, 20)]), start=0.2, mode="layer")
    session.apply(add_track(scene, track), "Record take")
    begin = rows.mark_position(1, 1).toPoint()
    pull(rows, begin, begin + QPoint(80, 0), SHIFT)
    assert session.scene.tracks[0].takes[1].delay > 0.2
    assert session.undo_label == "Move recording"
    end = rows.mark_position(1, 2).toPoint()
    pull(rows, end, end + QPoint(60, 0), SHIFT)
    assert session.scene.tracks[0].takes[1].speed < 1
    assert session.undo_label == "Change speed of recording"


def test_rows_when_another_document_opens_during_a_drag_then_it_stays_as_it_is(with_path):
    rows, studio = with_path.window.timeline.rows, with_path.studio
    at = rows.mark_position(1, 0).toPoint()
    QTest.mousePress(rows, LEFT, NO_KEYS, at)
    studio.session.start(make_scene(120, 90), open_picture(make_scene(120, 90).picture))
    QTest.mouseMove(rows, at + QPoint(60, 0))
    QTest.mouseRelease(rows, LEFT, NO_KEYS, at + QPoint(60, 0))
    assert studio.session.scene.picture.width == 120
    assert not studio.session.undo_label


def test_range_when_dragged_then_in_the_scene_as_one_step_and_undone(opened):
    ruler, studio = opened.window.timeline.ruler, opened.studio
    a, b = QPoint(round(ruler.x_of(1)), 20), QPoint(round(ruler.x_of(3)), 20)
    pull(ruler, a, b, SHIFT)
    preview = studio.preview
    assert studio.session.scene.loop_range == (preview.time_of(1), preview.time_of(3))
    assert studio.session.undo_label == "Set loop range"
    studio.session.undo()
    assert studio.session.scene.loop_range is None
    assert studio.playback.range is None
    studio.session.redo()
    assert studio.playback.range == (1, 3)


def test_range_when_escape_is_pressed_while_it_is_dragged_then_as_before(opened):
    ruler, studio = opened.window.timeline.ruler, opened.studio
    a, b = QPoint(round(ruler.x_of(1)), 20), QPoint(round(ruler.x_of(3)), 20)
    QTest.mousePress(ruler, LEFT, SHIFT, a)
    QTest.mouseMove(ruler, b)
    assert studio.playback.range == (1, 3)
    QTest.keyClick(ruler, Qt.Key.Key_Escape)
    QTest.mouseRelease(ruler, LEFT, SHIFT, b)
    assert studio.session.scene.loop_range is None
    assert studio.playback.range is None


def test_keys_when_the_ruler_has_the_focus_then_step_and_play(opened):
    ruler, playback = opened.window.timeline.ruler, opened.studio.playback
    playback.pause()
    playback.seek(1)
    ruler.setFocus()
    QTest.keyClick(ruler, Qt.Key.Key_Right)
    assert playback.index == 2
    QTest.keyClick(opened.window.timeline.rows, Qt.Key.Key_Space)
    assert playback.is_playing


def test_rows_when_the_mouse_is_over_a_bar_then_the_status_line_says_what_it_does(with_arrow):
    rows = with_arrow.window.timeline.rows
    QTest.mouseMove(rows, rows.bar_rect(1).center().toPoint())
    assert "Drag to move when Arrow 1 moves" in with_arrow.window.status.hint.text()


def test_loop_text_when_it_joins_or_jumps_then_says_the_number():
    assert loop_text(0.0, "seamless") == "First equals last"
    assert loop_text(40.0, "once") == "Jumps back by 40 px at the end"
    assert "way it went" in loop_text(3.0, "ping_pong")


def test_buttons_when_clicked_then_play_and_step(opened):
    timeline, playback = opened.window.timeline, opened.studio.playback
    timeline.play_button.click()
    assert not playback.is_playing
    playback.seek(1)
    timeline.next_button.click()
    assert playback.index == 2
    timeline.previous_button.click()
    assert playback.index == 1


def test_rows_when_there_are_more_than_fit_then_only_those_in_sight_are_drawn(opened, monkeypatch):
    session, rows = opened.studio.session, opened.window.timeline.rows
    scene = session.scene
    for number in range(60):
        scene = add_track(scene, make_pin((5.0 + number, 20.0)))
    session.apply(scene, "Set pins")
    drawn = []
    draw = track_rows.draw_row
    monkeypatch.setattr(
        track_rows, "draw_row", lambda *args: drawn.append(args[1].name) or draw(*args)
    )
    rows.resize(rows.width(), 61 * ROW_HEIGHT)
    sight = QRect(0, 10 * ROW_HEIGHT, rows.width(), 3 * ROW_HEIGHT)
    part = rows.grab(sight).toImage()
    assert len(drawn) == 3
    drawn.clear()
    whole = rows.grab().toImage()
    assert len(drawn) == 60
    assert part == whole.copy(QRect(sight.topLeft() * whole.devicePixelRatio(), part.size()))
