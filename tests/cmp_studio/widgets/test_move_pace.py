import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from cmp_studio.services.pointer import Pointer
from cmp_studio.widgets import move_pace
from cmp_studio.widgets.move_pace import LONGEST_REST_SECONDS, REST, MovePace


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(move_pace, "time", clock)
    monkeypatch.setattr(move_pace, "REST", REST)
    return clock


@pytest.fixture
def followed():
    return []


@pytest.fixture
def pace(qtbot, clock, followed):
    def follow(pointer):
        followed.append(pointer.point[0])
        clock.now += 0.002  # the session and all that listens to it

    view = QWidget()
    qtbot.addWidget(view)
    yield MovePace(follow, view)
    view.hide()


def at(x):
    return Pointer((float(x), 0.0), 1.0)


def test_move_when_it_comes_within_the_rest_then_only_the_newest_is_followed(
    pace, clock, followed, qtbot
):
    pace.move(at(1))
    clock.now += 0.003  # the repaint
    pace.on_painted()
    pace.move(at(2))
    pace.move(at(3))
    assert followed == [1]
    clock.now += REST * 0.005
    qtbot.waitUntil(lambda: followed == [1, 3])


def test_move_when_the_window_has_rested_then_it_is_followed_at_once(pace, clock, followed):
    pace.move(at(1))
    pace.on_painted()
    clock.now += REST * 0.002
    pace.move(at(2))
    assert followed == [1, 2]


def test_move_when_the_window_is_very_slow_then_the_rest_is_short_all_the_same(
    pace, clock, followed
):
    pace.move(at(1))
    clock.now += 1.0
    pace.on_painted()
    clock.now += LONGEST_REST_SECONDS
    pace.move(at(2))
    assert followed == [1, 2]


def test_move_when_each_leaves_a_trace_then_none_is_left_out(pace, followed):
    for x in range(5):
        pace.move(at(x), is_each_wanted=True)
    assert followed == [0, 1, 2, 3, 4]


def test_flush_and_drop_when_a_move_waits_then_it_is_followed_or_forgotten(pace, clock, followed):
    pace.move(at(1))
    pace.move(at(2))
    pace.flush()
    pace.flush()
    assert followed == [1, 2]
    pace.move(at(3))
    QTest.keyClick(pace.parent(), Qt.Key.Key_A)
    assert followed == [1, 2, 3]
    pace.move(at(4))
    QApplication.sendEvent(pace.parent(), QEvent(QEvent.Type.Leave))
    pace.flush()
    assert followed == [1, 2, 3]


def test_canvas_when_moves_come_quickly_then_the_last_one_counts(opened, monkeypatch):
    monkeypatch.setattr(move_pace, "REST", 1e6)
    monkeypatch.setattr(move_pace, "LONGEST_REST_SECONDS", 1e6)
    canvas, drawn = opened.window.canvas, []
    opened.studio.session.scene_changed.connect(lambda: drawn.append(1))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=opened.at(20, 20))
    for x in range(30, 60, 2):
        QTest.mouseMove(canvas, opened.at(x, 24))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=opened.at(60, 24))
    assert len(drawn) <= 4  # the first move, the last one, and the step in the history
    assert opened.studio.session.scene.tracks[-1].head == pytest.approx((58, 24), abs=1)


def test_playhead_when_it_is_dragged_quickly_then_it_ends_under_the_hand(opened, monkeypatch):
    monkeypatch.setattr(move_pace, "REST", 1e6)
    monkeypatch.setattr(move_pace, "LONGEST_REST_SECONDS", 1e6)
    ruler, seen = opened.window.timeline.ruler, []
    ruler.scrubbed.connect(seen.append)
    places = [QPoint(round(ruler.x_of(index)), 20) for index in range(4)]
    QTest.mousePress(ruler, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        QTest.mouseMove(ruler, place)
    QTest.mouseRelease(ruler, Qt.MouseButton.LeftButton, pos=places[-1])
    assert seen == [0, 1, 3]
    assert opened.studio.playback.index == 3
