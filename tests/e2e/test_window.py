"""The window for real: `main` starts it, mouse and keys drive it, films and scenes come out.

The shipped weights are used where they are there, else a small network with random weights, which
moves things somehow.
"""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from cmp_engine.video_io import read_video
from cmp_studio.cli import main
from cmp_studio.document.project_file import load_scene
from tests.e2e.window_driver import (
    CTRL,
    LEFT,
    NO_KEYS,
    at,
    drag,
    is_ready,
    kinds,
    picture_of,
    press_and_move,
    run,
    shorten,
    use,
)

HEIGHT, WIDTH = 120, 160


def test_window_when_driven_by_mouse_and_keys_then_does_the_whole_job(
    qapp, weights, disc, tmp_path, monkeypatch
):
    use(weights)
    scene_path = tmp_path / "disc.cmps"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(scene_path), ""))

    def script(window):
        studio, canvas = window.studio, window.canvas
        yield lambda: studio.session.scene is not None
        assert window.coach.isVisible()
        yield is_ready(window)
        shorten(window)
        still = picture_of(window)

        # An arrow is drawn, and the photo moves under the cursor before the button is let go.
        press_and_move(window, (60, 60), (85, 50))
        yield lambda: studio.preview.shown.frame is not None
        assert studio.session.has_gesture
        assert picture_of(window) != still
        assert "Esc cancels" in window.status.hint.text()
        QTest.mouseRelease(canvas, LEFT, NO_KEYS, at(window, 85, 50))
        assert kinds(window) == ["arrow"]
        assert window.inspector.track_section.dx.value() == pytest.approx(25, abs=1)

        # A pin; undo and redo by keys.
        QTest.mouseDClick(canvas, LEFT, NO_KEYS, at(window, 20, 100))
        assert kinds(window) == ["arrow", "pin"]
        QTest.keyClick(canvas, Qt.Key.Key_Z, CTRL)
        yield lambda: kinds(window) == ["arrow"]
        QTest.keyClick(canvas, Qt.Key.Key_Y, CTRL)
        yield lambda: kinds(window) == ["arrow", "pin"]

        # Select, move, delete, and take that back.
        QTest.keyClick(canvas, Qt.Key.Key_V)
        yield lambda: studio.tools.tool == "select"
        before = studio.session.scene.tracks[0].points
        drag(window, (60, 60), (55, 65))
        after = studio.session.scene.tracks[0].points
        for (x0, y0), (x1, y1) in zip(before, after, strict=True):
            assert (x1 - x0, y1 - y0) == pytest.approx((-5, 5), abs=0.6)
        QTest.keyClick(canvas, Qt.Key.Key_Delete)
        yield lambda: kinds(window) == ["pin"]
        QTest.keyClick(canvas, Qt.Key.Key_Z, CTRL)
        yield lambda: kinds(window) == ["arrow", "pin"]

        # Play and pause.
        yield is_ready(window)
        assert studio.playback.is_playing
        index = studio.playback.index
        yield lambda: studio.playback.index != index
        QTest.keyClick(canvas, Qt.Key.Key_Space)
        assert not studio.playback.is_playing
        studio.playback.seek(3)
        yield is_ready(window)

        # The flow in colours, with its wheel.
        moving = picture_of(window)
        QTest.keyClick(canvas, Qt.Key.Key_3, CTRL)
        yield lambda: studio.options.mode == "flow"
        assert picture_of(window) != moving

        # Films.
        for suffix in ("mp4", "gif"):
            QTest.keyClick(canvas, Qt.Key.Key_E, CTRL)
            yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
            dialog = window.export_dialog
            dialog.format.show_value(suffix)
            dialog.on_format_chosen(suffix)
            dialog.path_field.setText(str(tmp_path / f"film.{suffix}"))
            dialog.start_button.click()
            yield lambda shown=dialog: "Done" in shown.state.text()
            assert "Done" in dialog.state.text(), dialog.state.text()
            dialog.close()
            yield lambda shown=dialog: not shown.isVisible()
            window.activateWindow()
            yield window.isActiveWindow

        # Save.
        QTest.keyClick(canvas, Qt.Key.Key_S, CTRL)
        yield lambda: studio.session.path == scene_path
        assert not window.isWindowModified()

    assert run(script, disc) == 0
    for suffix in ("mp4", "gif"):
        frames = list(read_video(tmp_path / f"film.{suffix}"))
        assert len(frames) == 6
        assert frames[0].shape == (HEIGHT, WIDTH, 3)
        assert np.abs(frames[0].astype(int) - frames[3]).max() > 8
    saved = load_scene(scene_path)
    assert [track.kind for track in saved.tracks] == ["arrow", "pin"]

    def reopen(window):
        yield is_ready(window)
        assert window.studio.session.scene == saved
        assert window.studio.session.path == scene_path
        assert any(not pose.is_rest for pose in window.studio.preview.poses)

    assert run(reopen, scene_path) == 0


def test_window_when_shown_then_before_torch_is_asked_for(qapp, weights, disc):
    use(weights)

    def script(window):
        assert window.studio.preview.engine is None
        yield is_ready(window)
        assert window.studio.preview.engine.weights

    assert run(script, disc) == 0


def test_window_when_the_weights_are_gone_then_says_so_and_stays_in_use(qapp, disc, tmp_path):
    use(str(tmp_path / "gone.safetensors"))

    def script(window):
        from PySide6.QtWidgets import QMessageBox

        yield lambda: window.findChild(QMessageBox) is not None
        box = window.findChild(QMessageBox)
        assert "gone.safetensors" in box.text()
        box.close()
        yield lambda: window.studio.session.scene is not None
        drag(window, (60, 60), (85, 50))
        assert kinds(window) == ["arrow"]
        assert window.status.engine.text() == "No network"

    assert run(script, disc) == 0


def test_window_when_closed_while_the_network_is_loading_then_ends(qapp, weights, disc):
    use(weights)

    def script(window):
        yield lambda: window.studio.preview.is_loading

    assert run(script, disc) == 0


def test_export_when_the_scene_is_rendered_from_the_command_line_then_the_frames_are_the_same(
    qapp, weights, disc, tmp_path
):
    use(weights)
    scene_path, folder = tmp_path / "disc.cmps", tmp_path / "window"

    def script(window):
        studio = window.studio
        yield lambda: studio.session.scene is not None
        yield is_ready(window)
        shorten(window)
        drag(window, (60, 60), (80, 50))
        QTest.mouseDClick(window.canvas, LEFT, NO_KEYS, at(window, 20, 100))
        studio.files.save(scene_path)
        yield lambda: studio.session.path == scene_path
        QTest.keyClick(window.canvas, Qt.Key.Key_E, CTRL)
        yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
        dialog = window.export_dialog
        dialog.format.show_value("png")
        dialog.on_format_chosen("png")
        dialog.path_field.setText(str(folder))
        dialog.start_button.click()
        yield lambda: "Done" in dialog.state.text()

    assert run(script, disc) == 0
    rendered = tmp_path / "rendered"
    words = ["render", scene_path, "-o", rendered, "--weights", weights, "--format", "png", "-q"]
    assert main([str(word) for word in words]) == 0
    names = sorted(path.name for path in folder.glob("*.png"))
    assert len(names) == 6
    assert names == sorted(path.name for path in rendered.glob("*.png"))
    for name in names:
        assert (folder / name).read_bytes() == (rendered / name).read_bytes()
