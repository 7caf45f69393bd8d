import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from cmp_studio.services.bar_edits import dragged
from cmp_studio.widgets.time_scale import TimeScale
from cmp_studio.widgets.timeline import loop_text
from cmp_studio.widgets.timeline_ruler import runs_of, tick_step

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
