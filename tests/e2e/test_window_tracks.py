"""Tracks, the timeline and the history, each driven through `main` by mouse and keys.

A stand-in answers instead of the network: what matters here is the window.
"""

import time
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

import cmp_studio.services.motion_backend as backend
from cmp_studio.document.motion import displacement, loop_gap
from cmp_studio.document.project_file import load_scene
from cmp_studio.document.scene import FilmSettings
from tests.cmp_studio.fakes import FakePredictor, fake_engine
from tests.e2e.window_driver import (
    CTRL,
    LEFT,
    NO_KEYS,
    at,
    drag,
    is_ready,
    key,
    kinds,
    opened,
    pick,
    press_and_move,
    pull,
    run,
)

pytestmark = pytest.mark.usefixtures("stand_in")

ALT = Qt.KeyboardModifier.AltModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_track_when_every_setting_is_changed_then_in_the_scene_and_all_can_be_undone(qapp, photo):
    def script(window):
        yield from opened(window)
        session, section = window.studio.session, window.inspector.track_section
        drag(window, (60, 60), (90, 50))
        track = lambda: session.scene.tracks[0]  # noqa: E731 - short and read once
        for easing in ("linear", "spring", "curve", "ease"):
            pick(section.easing, easing)
            assert track().timing.easing == easing
            assert section.curve.isVisible() == (easing == "curve")
        for repeat in ("ping_pong", "sway", "pulse", "once"):
            pick(section.repeat, repeat)
            assert track().timing.repeat == repeat
            yield is_ready(window)
        section.start.setValue(0.1)
        section.end.setValue(0.4)
        session.commit()
        assert (track().timing.start, track().timing.end) == (0.1, 0.4)
        section.tail_x.setValue(50)
        section.dx.setValue(-12)
        session.commit()
        assert track().tail[0] == 50
        assert track().span[0] == pytest.approx(-12)
        QTest.mouseClick(section.color, LEFT, NO_KEYS, section.color.place(4).toPoint())
        assert track().color == 4
        key(window, "T", CTRL)
        assert not track().is_on
        rows = window.timeline.rows
        rows.rename(track().id)
        rows._editor.setText("Left arm")
        QTest.keyClick(rows._editor, Qt.Key.Key_Return)
        assert track().name == "Left arm"
        session.commit()
        steps = session.steps
        assert steps[0] == ""
        window.history.list.setCurrentRow(0)  # one click back to the start
        assert kinds(window) == []
        window.history.list.setCurrentRow(len(steps) - 1)
        assert track().name == "Left arm"
        while session.undo_label:
            key(window, "Z", CTRL)
        assert kinds(window) == []

    assert run(script, photo) == 0


def test_timeline_when_bars_marks_and_range_are_dragged_then_saved_and_there_again(
    qapp, photo, tmp_path, monkeypatch
):
    path = tmp_path / "timed.cmps"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    def script(window):
        yield from opened(window)
        studio, timeline = window.studio, window.timeline
        session, rows, ruler = studio.session, timeline.rows, timeline.ruler
        key(window, "L")
        for x, y in ((30, 60), (60, 30), (100, 60)):
            QTest.mouseClick(window.canvas, LEFT, NO_KEYS, at(window, x, y))
        key(window, "Return")
        key(window, "V")
        # A double-click on the line puts a point in.
        QTest.mouseClick(window.canvas, LEFT, NO_KEYS, at(window, 60, 30))
        middle = at(window, *displaced(session.scene.tracks[0], 0.2))
        QTest.mouseClick(window.canvas, LEFT, NO_KEYS, middle)
        QTest.mouseDClick(window.canvas, LEFT, NO_KEYS, middle)
        assert len(session.scene.tracks[0].points) == 4
        spot = rows.mark_position(1, 1).toPoint()
        pull(rows, spot, spot + QPoint(90, 0))
        keys = session.scene.tracks[0].keys
        assert all(b > a for a, b in pairwise((0.0, *keys, 1.0)))
        bar = rows.bar_rect(1)
        end = QPoint(round(bar.right()) - 2, round(bar.center().y()))
        pull(rows, end, end - QPoint(round(bar.width() / 4), 0))
        assert session.scene.tracks[0].timing.end is not None
        pull(ruler, QPoint(round(ruler.x_of(1)), 20), QPoint(round(ruler.x_of(3)), 20))
        assert studio.playback.index == 3
        pull(ruler, QPoint(round(ruler.x_of(1)), 20), QPoint(round(ruler.x_of(3)), 20), SHIFT)
        assert studio.playback.range == (1, 3)
        timeline.scale.zoom(4.0, 0.1)
        assert timeline.fit_button.isVisible()
        timeline.fit_button.click()
        assert timeline.scale.is_fitted
        window.canvas.setFocus()
        key(window, "S", CTRL)
        yield lambda: session.path == path
        assert not window.isWindowModified()

    assert run(script, photo) == 0
    saved = load_scene(path)
    assert saved.loop_range is not None
    assert saved.tracks[0].keys

    def again(window):
        yield is_ready(window)
        assert window.studio.session.scene == saved
        assert window.studio.playback.range == (1, 3)

    assert run(again, path) == 0


def displaced(track, share):
    from cmp_studio.document.motion import along

    dx, dy = along(track, share)
    return track.tail[0] + dx, track.tail[1] + dy


def test_takes_when_recorded_at_half_speed_and_stretched_then_the_film_follows(qapp, photo):
    def script(window):
        yield from opened(window)
        studio = window.studio
        session = studio.session
        session.set_film(FilmSettings(duration=60, fps=1, loop="once"), "Lengthen")
        window.actions_by_name["half_speed"].setChecked(True)
        press_and_move(window, (50, 60), (70, 60), CTRL)
        began = time.monotonic()
        yield lambda: time.monotonic() - began > 0.4
        assert "half speed" in window.timeline.state.text()
        QTest.mouseRelease(window.canvas, LEFT, CTRL, at(window, 70, 60))
        (take,) = session.scene.tracks[0].takes
        assert take.seconds < (time.monotonic() - began) * 0.8
        section = window.inspector.track_section
        section.speed.setValue(50)
        session.commit()
        assert session.scene.tracks[0].takes[0].speed == pytest.approx(0.5)
        window.actions_by_name["take_to_path"].trigger()
        assert kinds(window)[0] in ("path", "arrow")
        window.actions_by_name["half_speed"].setChecked(False)
        # Esc gives a recording up.
        press_and_move(window, (20, 20), (40, 20), CTRL)
        key(window, "Escape")
        QTest.mouseRelease(window.canvas, LEFT, CTRL, at(window, 40, 20))
        assert len(session.scene.tracks) == 1

    assert run(script, photo) == 0


@pytest.mark.parametrize("loop", ["once", "ping_pong", "seamless", "hold"])
def test_loop_when_chosen_then_said_and_true(qapp, photo, loop):
    def script(window):
        yield from opened(window)
        session = window.studio.session
        drag(window, (60, 60), (90, 50))
        action = next(a for a in window.timeline.loop_menu.actions() if a.data() == loop)
        action.trigger()
        yield is_ready(window)
        scene, film = session.scene, session.scene.film
        assert film.loop == loop
        said = window.timeline.state.text()
        gap = loop_gap(scene)
        if loop == "seamless":
            assert (gap, said) == (0, "First equals last")
            first = displacement(scene.tracks[0], 0.0, film)
            assert displacement(scene.tracks[0], film.duration, film) == first
        elif loop == "ping_pong":
            assert said == "Comes back the way it went"
        else:
            assert f"{gap:.0f} px" in said

    assert run(script, photo) == 0


def test_arrow_when_beyond_the_reach_then_amber_and_split(qapp, photo, monkeypatch):
    class Short(FakePredictor):
        reach_px = 15.0

    monkeypatch.setattr(backend, "load_engine", lambda choice: fake_engine(choice, Short()))

    def script(window):
        yield from opened(window)
        session = window.studio.session
        drag(window, (60, 60), (100, 60))
        yield lambda: "Amber" in window.status.hint.text()
        window.actions_by_name["split"].trigger()
        assert kinds(window) == ["path"]
        assert len(session.scene.tracks[0].points) == 4
        yield lambda: "Amber" not in window.status.hint.text()

    assert run(script, photo) == 0


def test_keyboard_when_it_is_all_there_is_then_an_arrow_is_made_aimed_moved_and_played(qapp, photo):
    def script(window):
        yield from opened(window)
        session = window.studio.session
        key(window, "A", CTRL | ALT)
        yield lambda: kinds(window) == ["arrow"]
        start = session.scene.tracks[0].tail
        key(window, "Right", SHIFT)
        key(window, "Down")
        assert session.scene.tracks[0].tail == (start[0] + 10, start[1] + 1)
        field = window.inspector.track_section.dx
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, "25")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert session.scene.tracks[0].span[0] == pytest.approx(25)
        window.canvas.setFocus()
        key(window, "P", CTRL | ALT)
        yield lambda: kinds(window) == ["arrow", "pin"]
        key(window, "Space")
        assert window.studio.playback.is_playing
        for widget in (window.canvas, window.timeline.rows, window.timeline.ruler, field,
                       window.history.list, window.layers.list):  # fmt: skip
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            assert widget.accessibleName()

    assert run(script, photo) == 0
