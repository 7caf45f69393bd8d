import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from cmp_studio.widgets.timeline import runs, tick_step


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((), []),
        ((False, False), []),
        ((True, True, False, True), [(0, 1), (3, 3)]),
        ((False, True, True), [(1, 2)]),
    ],
)
def test_runs_when_marks_then_first_and_last_of_each(marks, expected):
    assert runs(marks) == expected


@pytest.mark.parametrize(("duration", "width"), [(0.2, 900), (4, 900), (60, 300), (5000, 120)])
def test_tick_step_when_chosen_then_labels_have_room_or_it_is_the_longest(duration, width):
    step = tick_step(duration, width)
    assert width * step / duration >= 56 or step == 120.0


def test_ruler_when_pressed_then_pauses_there(opened):
    ruler = opened.window.timeline.ruler
    index = opened.studio.playback.frame_count // 2
    at = QPoint(round(ruler.x_of(index)), 20)
    QTest.mousePress(ruler, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    assert opened.studio.playback.index == index
    assert not opened.studio.playback.is_playing


def test_ruler_when_asked_then_positions_and_frames_agree(opened):
    ruler = opened.window.timeline.ruler
    for index in range(opened.studio.playback.frame_count):
        assert ruler.index_at(ruler.x_of(index)) == index


def test_buttons_when_clicked_then_play_and_step(opened):
    timeline, playback = opened.window.timeline, opened.studio.playback
    timeline.play_button.click()
    assert not playback.is_playing
    playback.seek(1)
    timeline.next_button.click()
    assert playback.index == 2
    timeline.previous_button.click()
    assert playback.index == 1
    assert timeline.time_label.text() == "0:00.1"
