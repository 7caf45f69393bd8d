"""What the window can do beyond the first film, each driven through `main` by mouse and keys.

A stand-in answers instead of the network: what matters here is the window.
"""

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmp_engine.video_io import read_video
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.motion import displacement
from cmp_studio.document.project_file import save_scene
from cmp_studio.document.scene import FilmSettings
from tests.cmp_studio.fakes import make_scene, photo_bytes
from tests.e2e.window_driver import (
    CTRL,
    LEFT,
    NO_KEYS,
    at,
    click,
    drag,
    is_ready,
    key,
    kinds,
    opened,
    press_and_move,
    run,
    undo_all,
)

pytestmark = pytest.mark.usefixtures("stand_in")

SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_path_when_drawn_by_clicks_then_points_can_be_moved_put_in_and_taken_out(qapp, photo):
    def script(window):
        yield from opened(window)
        session = window.studio.session
        key(window, "L")
        yield lambda: window.studio.tools.tool == "path"
        for x, y in ((30, 60), (60, 30), (100, 60)):
            click(window, x, y)
        key(window, "Return")
        assert kinds(window) == ["path"]
        key(window, "V")
        drag(window, (60, 30), (64, 40))
        assert session.scene.tracks[0].points[1] == pytest.approx((64, 40), abs=1)
        yield is_ready(window)
        key(window, "S")
        assert not session.scene.tracks[0].is_smooth
        QTest.mouseClick(window.canvas, Qt.MouseButton.RightButton, NO_KEYS, at(window, 64, 40))
        assert len(session.scene.tracks[0].points) == 2
        undo_all(window)
        assert kinds(window) == []

    assert run(script, photo) == 0


def test_take_when_recorded_then_it_plays_and_a_second_one_is_layered(qapp, photo):
    def script(window):
        yield from opened(window)
        studio = window.studio
        studio.session.set_film(FilmSettings(duration=60, fps=1, loop="once"), "Lengthen")
        for target in ((70, 60), (50, 80)):
            press_and_move(window, (50, 60), target, CTRL)
            assert studio.recorder.is_recording
            assert "Recording" in window.timeline.state.text()
            began = time.monotonic()
            yield lambda since=began: time.monotonic() - since > 0.2
            QTest.mouseRelease(window.canvas, LEFT, CTRL, at(window, *target))
            assert not studio.recorder.is_recording
            assert studio.playback.index == 0
        (track,) = studio.session.scene.tracks
        assert track.kind == "take"
        assert len(track.takes) == 2
        dx, dy = displacement(track, 60.0, studio.session.scene.film)
        assert dx == pytest.approx(20, abs=2)
        assert dy == pytest.approx(20, abs=2)
        yield is_ready(window)
        assert any(not pose.is_rest for pose in studio.preview.poses)
        section = window.inspector.track_section
        section.smoothing.setValue(0.2)
        assert studio.session.scene.tracks[0].takes[0].smoothing == 0.2

    assert run(script, photo) == 0


def test_masks_and_layers_when_painted_then_in_the_scene_and_in_order(qapp, photo):
    def script(window):
        yield from opened(window)
        studio = window.studio
        session = studio.session
        key(window, "B")
        drag(window, (20, 20), (60, 20))
        yield lambda: session.scene.freeze is not None
        drag(window, (20, 20), (60, 20), SHIFT)
        yield lambda: not studio.brush.is_busy
        assert mask_to_array(session.scene.freeze).max() == 0
        key(window, "A")
        drag(window, (40, 60), (60, 60))
        key(window, "G", CTRL)
        (group,) = session.scene.groups
        assert session.scene.tracks[0].group == group.id
        assert window.layers.list.item(0).text() == group.name
        window.layers.paint_button.click()
        drag(window, (40, 60), (50, 60))
        yield lambda: session.scene.groups[0].mask is not None
        yield is_ready(window)
        window.layers.on_fill_chosen("inpaint")
        assert session.scene.fill == "inpaint"
        yield is_ready(window)
        for name in ("masks", "onion", "holes"):
            window.actions_by_name[name].setChecked(True)
        window.canvas.grab()
        undo_all(window)
        assert session.scene.groups == ()

    assert run(script, photo) == 0


def test_layers_when_sent_behind_by_keys_then_so_in_the_list_and_the_frame_and_undone(qapp, photo):
    def script(window):
        yield from opened(window)
        studio, panel = window.studio, window.layers
        session, actions = studio.session, window.actions_by_name
        key(window, "A")
        for start, end in (((40, 60), (60, 60)), ((100, 60), (80, 60))):
            session.select([])
            drag(window, start, end)
            key(window, "G", CTRL)
        first, second = (group.name for group in session.scene.groups)

        def rows():
            return [panel.list.item(row).text() for row in range(3)]

        assert rows() == [second, first, "Rest of the photo"]
        assert not actions["layer_forward"].isEnabled()
        assert actions["layer_backward"].isEnabled()
        steps = len(session.steps)
        key(window, "PageUp", CTRL)
        assert len(session.steps) == steps
        key(window, "PageDown", CTRL)
        assert rows() == [first, second, "Rest of the photo"]
        assert actions["undo"].text() == "Undo send layer backward"
        key(window, "PageDown", CTRL | SHIFT)
        assert rows() == [first, "Rest of the photo", second]
        assert not actions["layer_back"].isEnabled()
        yield is_ready(window)
        key(window, "PageUp", CTRL)
        key(window, "PageUp", CTRL | SHIFT)
        assert rows() == [second, first, "Rest of the photo"]
        session.select([])
        row = panel.list.visualItemRect(panel.list.item(1)).center()
        window.page.dock("layers").raise_()
        yield panel.list.isVisible
        QTest.mouseClick(panel.list.viewport(), LEFT, NO_KEYS, row)
        QTest.keyClick(panel.list, Qt.Key.Key_PageUp, CTRL)
        assert rows() == [first, second, "Rest of the photo"]
        key(window, "Z", CTRL)
        assert rows() == [second, first, "Rest of the photo"]
        undo_all(window)
        assert session.scene.groups == ()
        assert not actions["layer_front"].isEnabled()

    assert run(script, photo) == 0


def test_tracks_when_selected_together_then_copied_mirrored_and_pasted_elsewhere(
    qapp, photo, tmp_path
):
    other = tmp_path / "other.png"
    other.write_bytes(photo_bytes(200, 150))

    def script(window):
        yield from opened(window)
        session = window.studio.session
        drag(window, (30, 30), (50, 40))
        QTest.mouseDClick(window.canvas, LEFT, NO_KEYS, at(window, 60, 90))
        key(window, "V")
        drag(window, (15, 15), (90, 110))
        assert len(session.selection) == 2
        key(window, "D", CTRL)
        yield lambda: len(session.scene.tracks) == 4
        before = session.scene.track(3).points
        key(window, "Right", SHIFT)
        assert session.scene.track(3).points[0][0] == before[0][0] + 10
        key(window, "M", CTRL)
        assert session.scene.track(3).span[0] == pytest.approx(-20, abs=1)
        key(window, "C", CTRL)
        session.mark_saved(None, session.scene)
        window.desk.open(other)
        yield lambda: session.picture is not None and session.picture.image_hw == (150, 200)
        window.canvas.setFocus()
        key(window, "V", CTRL)
        yield lambda: len(session.scene.tracks) == 2
        assert kinds(window) == ["arrow", "pin"]

    assert run(script, photo) == 0


def test_timeline_when_a_range_is_chosen_then_only_it_is_played(qapp, photo):
    def script(window):
        yield from opened(window)
        drag(window, (30, 30), (60, 40))
        yield is_ready(window)
        playback = window.studio.playback
        playback.seek(1)
        key(window, "BracketLeft", CTRL)
        playback.seek(2)
        key(window, "BracketRight", CTRL)
        assert playback.range == (1, 2)
        playback.play()
        seen = set()

        def has_looped():
            seen.add(playback.index)
            return len(seen) == 2 and playback.index == 1

        yield has_looped
        assert seen == {1, 2}

    assert run(script, photo) == 0


def test_preset_when_chosen_then_its_tracks_can_be_edited_and_undone(qapp, photo):
    def script(window):
        yield from opened(window)
        menu = window.actions_by_name.submenus["@presets"]
        assert len(menu.actions()) == 6
        for action in menu.actions():
            action.trigger()
            assert window.studio.session.scene.tracks
            yield is_ready(window)
            assert any(not pose.is_rest for pose in window.studio.preview.poses)
            window.studio.session.remove_all()
        undo_all(window)
        assert kinds(window) == []

    assert run(script, photo) == 0


def test_exports_when_two_are_asked_for_then_written_in_turn_while_the_work_goes_on(
    qapp, photo, tmp_path
):
    def script(window):
        yield from opened(window)
        exports = window.studio.exports
        drag(window, (60, 60), (90, 50))
        for suffix in ("mp4", "gif", "webm", "png"):
            key(window, "E", CTRL)
            yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
            dialog = window.export_dialog
            dialog.format.show_value(suffix)
            dialog.on_format_chosen(suffix)
            name = "frames" if suffix == "png" else f"film.{suffix}"
            dialog.path_field.setText(str(tmp_path / name))
            dialog.start_button.click()
            dialog.close_button.click()
            window.activateWindow()
            yield window.isActiveWindow
            window.canvas.setFocus()
        assert len(exports.rows) == 4
        drag(window, (20, 100), (40, 100))
        assert kinds(window) == ["arrow", "arrow"]
        key(window, "E", CTRL | SHIFT)
        yield lambda: window.commands.exports_panel is not None
        assert len(window.commands.exports_panel.lines) == 4
        yield lambda: not exports.is_busy
        assert [row.state for row in exports.rows] == ["done"] * 4, exports.rows
        assert window.commands.exports_panel.lines[0].button.text() == "Show in folder"
        window.commands.exports_panel.clear_button.click()
        assert exports.rows == ()

    assert run(script, photo) == 0
    for suffix in ("mp4", "gif", "webm"):
        assert len(list(read_video(tmp_path / f"film.{suffix}"))) == 6
    assert len(list((tmp_path / "frames").glob("*.png"))) == 6


def test_work_when_the_program_ends_without_asking_then_offered_at_the_next_start(qapp, photo):
    def ends(window):
        yield from opened(window)
        drag(window, (60, 60), (90, 50))
        autosave = window.studio.autosave
        autosave.write()
        yield autosave.scene_path.exists
        QApplication.exit(0)  # what the system's SIGTERM does
        yield lambda: False

    with pytest.raises(AssertionError):  # the script did not come to its end
        run(ends, photo)

    def comes_back(window):
        yield lambda: window.commands.recovery_dialog is not None
        dialog = window.commands.recovery_dialog
        assert "never saved" in dialog.list.item(0).text()
        dialog.recover_button.click()
        yield lambda: kinds(window) == ["arrow"] if window.studio.session.scene else False
        assert window.isWindowModified()
        assert window.windowTitle().startswith("photo")

    assert run(comes_back, photo) == 0

    def has_nothing_left(window):
        yield is_ready(window)
        yield lambda: not window.studio.background.is_busy
        assert window.commands.recovery_dialog is None

    assert run(has_nothing_left, photo) == 0


def test_keys_when_customised_then_the_new_ones_work_and_are_on_the_sheet(qapp, photo):
    def script(window):
        yield from opened(window)
        window.actions_by_name["shortcuts"].trigger()
        from cmp_studio.widgets.keys_dialogs import KeysDialog, ShortcutsDialog

        dialog = window.findChild(ShortcutsDialog)
        dialog.filter.setText("freeze")
        dialog.choose("tool_brush")
        dialog.edit.setKeySequence("F6")
        dialog.edit.editingFinished.emit()
        assert "F6" in dialog.words.text()
        dialog.accept()
        window.activateWindow()
        yield window.isActiveWindow
        window.canvas.setFocus()
        key(window, "F6")
        yield lambda: window.studio.tools.tool == "brush"
        key(window, "F1")
        yield lambda: window.findChild(KeysDialog) is not None
        from cmp_studio.widgets.key_sheet import KeySheet

        said = window.findChild(KeySheet).accessibleDescription().splitlines()
        assert "F6: Freeze brush" in said
        assert any(line.endswith(": Bring layer to front") for line in said)
        window.findChild(KeysDialog).accept()

    assert run(script, photo) == 0


def test_first_run_when_the_sample_plays_then_three_marks_and_never_again(
    qapp, tmp_path, monkeypatch
):
    import cmp_studio.services.samples as samples

    save_scene(make_scene(120, 90, arrows=2), tmp_path / "marionette.cmps", thumbnail=None)
    monkeypatch.setattr(samples, "samples_folder", lambda: tmp_path)

    def first(window):
        yield lambda: window.studio.session.scene is not None
        marks = window.coach_marks
        assert marks.isVisible()
        drag(window, (80, 60), (100, 60))
        assert marks.index == 1
        marks.next_button.click()
        assert marks.next_button.text() == "Done"
        marks.next_button.click()
        assert not marks.isVisible()
        yield is_ready(window)

    assert run(first) == 0

    def second(window):
        yield lambda: window.studio.session.scene is not None
        assert not window.coach_marks.isVisible()
        yield is_ready(window)

    assert run(second) == 0


def test_first_steps_when_another_photo_is_opened_then_said_once_and_escape_ends_them(qapp, photo):
    def script(window):
        yield lambda: window.studio.session.scene is not None
        marks = window.coach_marks
        assert window.coach.isVisible()
        marks.start()
        assert marks.isVisible()
        assert not window.coach.isVisible()
        window.canvas.setFocus()
        key(window, "Escape")
        assert not marks.isVisible()
        assert window.coach.isVisible()
        marks.start()
        window.studio.modes.choose("probe")  # has nothing that the marks point at
        assert not marks.isVisible()
        window.studio.modes.choose("animate")
        yield is_ready(window)

    assert run(script, photo) == 0


def test_command_when_copied_then_it_is_on_the_clipboard(qapp, photo):
    def script(window):
        yield from opened(window)
        drag(window, (60, 60), (90, 50))
        window.actions_by_name["copy_command"].trigger()
        text = QGuiApplication.clipboard().text()
        assert text.startswith("cmp-studio animate photo.png --arrow ")

    assert run(script, photo) == 0


def test_hint_when_an_arrow_is_too_short_then_says_what_to_try(qapp, photo):
    def script(window):
        yield from opened(window)
        session = window.studio.session
        session.apply(session.with_arrow((60.0, 60.0), (61.0, 60.0)), "Draw arrow")
        session.select([1])
        yield lambda: "too short" in window.status.hint.text()

    assert run(script, photo) == 0
