from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QDialog, QFileDialog, QMessageBox

import cmp_studio.widgets.document_desk as desk_module
from cmp_studio.widgets.command_table import COMMANDS, MENUS, SUBMENU_COMMANDS
from cmp_studio.widgets.main_window import MainWindow
from cmp_studio.widgets.welcome import RecentButton
from tests.cmp_studio.fakes import photo_bytes


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "holiday.png"
    path.write_bytes(photo_bytes(120, 80))
    return path


def answer_unsaved(monkeypatch, answer):
    asked = []

    def ask(_parent, title):
        asked.append(title)
        return answer

    monkeypatch.setattr(desk_module, "ask_unsaved", ask)
    return asked


def test_window_when_empty_then_welcome_and_nothing_to_do_but_open(hand):
    assert hand.window.welcome.isVisible()
    assert not hand.window.canvas.isVisible()
    assert not hand.window.actions_by_name["export"].isEnabled()
    assert hand.window.actions_by_name["open"].isEnabled()
    assert hand.window.windowTitle() == "CMP Studio"


def test_window_when_first_painted_then_said_once(qtbot, hand):
    said = []
    hand.window.first_painted.connect(lambda: said.append(1))
    hand.window.grab()
    hand.window.repaint()
    qtbot.waitUntil(lambda: bool(said))
    hand.window.repaint()
    assert said == [1]


def test_start_when_a_path_is_given_then_it_is_opened(qtbot, hand, photo):
    with qtbot.waitSignal(hand.studio.files.opened):
        hand.window.start(photo)
    assert hand.window.canvas.isVisible()
    assert hand.window.windowTitle().startswith("holiday")


def test_drop_when_a_file_then_opened(qtbot, hand, photo):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(photo))])
    actions, button, nothing = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(50, 50), actions, mime, button, nothing)
    hand.window.dragEnterEvent(enter)
    assert enter.isAccepted()
    assert hand.window._veil.isVisible()
    hand.window.grab()
    with qtbot.waitSignal(hand.studio.files.opened):
        hand.window.dropEvent(QDropEvent(QPoint(50, 50), actions, mime, button, nothing))
    assert not hand.window._veil.isVisible()


def test_paste_when_a_picture_then_opened_as_unsaved(qtbot, hand):
    picture = QImage(64, 48, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(picture)
    with qtbot.waitSignal(hand.studio.files.opened):
        hand.trigger("paste")
    assert hand.studio.session.picture.image_hw == (48, 64)
    assert hand.window.isWindowModified()
    hand.studio.session.close()


def test_paste_when_words_then_said_that_there_is_no_picture(hand):
    QGuiApplication.clipboard().setText("words")
    hand.trigger("paste")
    assert "no picture" in hand.window.status.hint.text()


def test_undo_when_named_then_the_menu_says_what_it_takes_back(opened):
    undo = opened.window.actions_by_name["undo"]
    assert not undo.isEnabled()
    opened.double_click(100, 80)
    assert undo.text() == "Undo set pin"
    opened.trigger("undo")
    assert opened.tracks() == []
    assert opened.window.actions_by_name["redo"].text() == "Redo set pin"
    opened.trigger("redo")
    assert len(opened.tracks()) == 1


def test_commands_when_something_is_selected_then_duplicate_switch_delete(opened):
    opened.double_click(100, 80)
    opened.trigger("duplicate")
    assert len(opened.tracks()) == 2
    opened.trigger("select_all")
    opened.trigger("switch")
    assert [track.is_on for track in opened.studio.session.scene.tracks] == [False, False]
    opened.trigger("switch")
    assert [track.is_on for track in opened.studio.session.scene.tracks] == [True, True]
    opened.trigger("delete")
    assert opened.tracks() == []


def test_tools_when_triggered_then_in_use(opened):
    for name in ("select", "pin", "arrow"):
        opened.trigger(f"tool_{name}")
        assert opened.studio.tools.tool == name
        assert opened.window.actions_by_name[f"tool_{name}"].isChecked()


def test_views_when_triggered_then_shown_in_header_and_inspector(opened):
    opened.trigger("view_flow")
    assert opened.window.header.animate.views.button("flow").isChecked()
    assert opened.window.inspector.flow_section.isVisible()
    opened.trigger("view_photo")
    assert not opened.window.inspector.flow_section.isVisible()


def test_panels_when_hidden_then_remembered_until_reset(qtbot, opened, themes):
    opened.trigger("inspector")
    assert not opened.window.inspector.isVisible()
    assert not opened.window.actions_by_name["inspector"].isChecked()
    opened.window.close()
    again = MainWindow(opened.studio, themes)
    qtbot.addWidget(again)
    again.show()
    assert again.page.dock("inspector").isHidden()
    assert not again.page.dock("timeline").isHidden()
    again.actions_by_name["reset_panels"].trigger()
    assert not again.page.dock("inspector").isHidden()
    assert again.actions_by_name["inspector"].isChecked()


def test_title_when_a_mode_has_nothing_open_then_no_mark_of_unsaved_changes_without_a_place(opened):
    window = opened.window
    opened.double_click(100, 80)
    assert window.isWindowModified()
    window.modes.choose("annotate")
    assert window.windowTitle() == "CMP Studio"
    assert not window.isWindowModified()
    opened.studio.session.add_pin((20.0, 20.0))  # Qt warns of a mark that has no place
    window.modes.choose("animate")
    assert window.isWindowModified()


def test_theme_when_chosen_then_the_palette_follows(qtbot, opened):
    opened.trigger("theme_light")
    qtbot.waitUntil(lambda: not opened.window._themes.is_busy)
    light = opened.window.palette().window().color().lightness()
    opened.trigger("theme_dark")
    qtbot.waitUntil(lambda: not opened.window._themes.is_busy)
    assert opened.window.palette().window().color().lightness() < light


def test_save_when_new_then_asks_for_a_file_and_adds_the_suffix(
    qtbot, opened, tmp_path, monkeypatch
):
    chosen = str(tmp_path / "my scene")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, ""))
    opened.double_click(100, 80)
    assert opened.window.isWindowModified()
    with qtbot.waitSignal(opened.studio.files.saved, timeout=60_000):
        opened.trigger("save")
    assert (tmp_path / "my scene.cmps").is_file()
    assert not opened.window.isWindowModified()
    assert opened.window.windowTitle().startswith("my scene")


def test_close_when_unsaved_and_cancelled_then_stays_open(opened, monkeypatch):
    asked = answer_unsaved(monkeypatch, "cancel")
    opened.double_click(100, 80)
    assert not opened.window.close()
    assert asked == ["photo"]
    assert opened.window.isVisible()


def test_close_when_unsaved_and_discarded_then_closed(opened, monkeypatch):
    answer_unsaved(monkeypatch, "discard")
    opened.double_click(100, 80)
    assert opened.window.close()


def test_close_when_unsaved_and_saved_then_closed_after_the_file_is_there(
    qtbot, opened, monkeypatch, tmp_path
):
    answer_unsaved(monkeypatch, "save")
    path = tmp_path / "kept.cmps"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    opened.double_click(100, 80)
    assert not opened.window.close()
    qtbot.waitUntil(lambda: not opened.window.isVisible(), timeout=60_000)
    assert path.is_file()


def test_open_when_unsaved_and_cancelled_then_the_old_stays(opened, photo, monkeypatch):
    answer_unsaved(monkeypatch, "cancel")
    opened.double_click(100, 80)
    opened.window.desk.open(photo)
    assert opened.studio.session.title == "photo"


def test_close_scene_when_clean_then_welcome(opened):
    opened.trigger("close")
    assert opened.window.welcome.isVisible()


def test_open_when_no_picture_then_one_sentence_and_welcome(qtbot, hand, tmp_path):
    path = tmp_path / "words.png"
    path.write_text("words")
    with qtbot.waitSignal(hand.studio.files.failed):
        hand.window.start(path)
    box = hand.window.findChild(QMessageBox)
    assert "words.png" in box.text()
    box.close()
    assert hand.window.welcome.isVisible()


def test_recent_files_when_opened_then_in_menu_and_on_the_welcome_page(qtbot, hand, photo):
    with qtbot.waitSignal(hand.studio.files.opened):
        hand.window.start(photo)
    menu = hand.window.actions_by_name.submenus["@recent"]
    assert menu.isEnabled()
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "holiday.png"
    qtbot.waitUntil(lambda: not menu.actions()[0].icon().isNull())
    hand.trigger("close")
    shown = [button.path.name for button in hand.window.welcome.findChildren(RecentButton)]
    assert shown == ["holiday.png"]
    with qtbot.waitSignal(hand.studio.files.opened):
        menu.actions()[0].trigger()
    menu.actions()[-1].trigger()
    assert not menu.isEnabled()


def test_dialogs_when_asked_then_about_and_keys_are_shown(opened):
    opened.trigger("about")
    opened.trigger("keys")
    dialogs = opened.window.findChildren(QDialog)
    assert {d.windowTitle() for d in dialogs} == {"About CMP Studio", "Keys and mouse"}
    for dialog in dialogs:
        dialog.accept()


def test_menus_when_built_then_every_command_is_in_one_of_them():
    named = {name for _, names in MENUS for name in names}
    inside = {name for names in SUBMENU_COMMANDS.values() for name in names}
    assert set(SUBMENU_COMMANDS) <= named
    assert {command.name for command in COMMANDS} - inside == {
        name for name in named if name != "-" and not name.startswith("@")
    }


def test_shortcuts_when_listed_then_no_two_commands_share_one():
    for mode in {command.scope for command in COMMANDS}:
        meeting = [command for command in COMMANDS if command.scope in (mode, "all")]
        keys = [key for command in meeting for key in command.keys]
        assert len(keys) == len(set(keys))


def test_buttons_when_shown_then_each_has_a_name_for_screen_readers(opened):
    nameless = [
        button
        for button in opened.window.findChildren(QAbstractButton)
        if not (button.accessibleName() or button.text())
        and button.objectName() != "qt_toolbar_ext_button"
        and button.isVisible()
    ]
    assert nameless == []


def test_device_menu_when_the_engine_is_there_then_lists_what_it_can_use(qtbot, opened):
    menu = opened.window.actions_by_name.submenus["@device"]
    assert [action.text() for action in menu.actions()] == ["Automatic", "Processor"]
    with qtbot.waitSignal(opened.studio.worker.loaded):
        menu.actions()[1].trigger()
    assert opened.studio.preferences.text("engine/device", "") == "cpu"


def test_export_when_done_then_the_film_is_there(qtbot, opened, tmp_path):
    opened.drag((60, 60), (110, 80))
    opened.trigger("export")
    dialog = opened.window.export_dialog
    dialog.format.show_value("gif")
    dialog.on_format_chosen("gif")
    dialog.path_field.setText(str(tmp_path / "film.gif"))
    with qtbot.waitSignal(opened.studio.exports.ended, timeout=60_000):
        dialog.start_button.click()
    assert (tmp_path / "film.gif").stat().st_size > 0
    assert dialog.show_button.isVisible()
    assert dialog.start_button.text() == "Export"
    opened.trigger("export")
    assert Path(opened.window.export_dialog.path_field.text()).parent == tmp_path
    answer = opened.window.export_dialog.settings()
    assert answer.format == "gif"
    opened.studio.session.close()


def test_export_when_cancelled_then_no_file_and_said(qtbot, opened, tmp_path):
    opened.drag((60, 60), (110, 80))
    qtbot.waitUntil(lambda: not opened.studio.preview.is_busy, timeout=20_000)
    opened.trigger("export")
    dialog = opened.window.export_dialog
    dialog.path_field.setText(str(tmp_path / "film.mp4"))
    opened.predictor.hold.clear()
    opened.predictor.started.clear()
    dialog.start_button.click()
    qtbot.waitUntil(opened.predictor.started.is_set, timeout=60_000)
    assert dialog.start_button.text() == "Stop"
    opened.studio.session.select_all()
    opened.trigger("view_flow")
    dialog.start_button.click()
    opened.predictor.hold.set()
    qtbot.waitUntil(lambda: "Stopped" in dialog.state.text(), timeout=60_000)
    assert list(tmp_path.glob("film*")) == []
    opened.studio.session.close()


def test_export_when_the_file_exists_then_asks_before_replacing(opened, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_text("precious")
    opened.trigger("export")
    dialog = opened.window.export_dialog
    dialog.path_field.setText(str(path))
    dialog.start_button.click()
    assert "already there" in dialog.state.text()
    assert not dialog.is_running
    assert path.read_text() == "precious"


def test_export_when_settings_change_then_the_summary_follows(opened):
    opened.trigger("export")
    dialog = opened.window.export_dialog
    dialog.fps.setValue(10)
    dialog.duration.setValue(2)
    dialog.loops.setValue(3)
    assert dialog.summary.text() == "114 frames, 11.4 s"
    dialog.size_box.show_value("480")
    dialog.on_settings_changed()
    assert dialog.size_hint.text() == "720 x 480 px"
    dialog.path_field.setText("")
    dialog.start_button.click()
    assert "Choose where" in dialog.state.text()


def test_export_when_closed_or_escaped_then_the_dialog_goes(opened):
    opened.trigger("export")
    assert opened.window.export_dialog.close()
    assert not opened.window.export_dialog.isVisible()
    opened.trigger("export")
    QTest.keyClick(opened.window.export_dialog, Qt.Key.Key_Escape)
    assert not opened.window.export_dialog.isVisible()


def test_shutdown_when_a_film_is_being_written_then_it_is_stopped_and_leaves_nothing(
    qtbot, opened, tmp_path
):
    opened.drag((60, 60), (110, 80))
    qtbot.waitUntil(lambda: not opened.studio.preview.is_busy, timeout=20_000)
    opened.trigger("export")
    dialog = opened.window.export_dialog
    dialog.path_field.setText(str(tmp_path / "film.mp4"))
    opened.predictor.hold.clear()
    opened.predictor.started.clear()
    dialog.start_button.click()
    qtbot.waitUntil(opened.predictor.started.is_set, timeout=60_000)
    opened.studio.exports.cancel_all()
    opened.predictor.hold.set()
    assert opened.studio.shutdown()
    assert list(tmp_path.glob("film*")) == []


def test_memory_when_any_mode_has_worked_then_given_back_in_a_while(opened):
    studio = opened.studio
    for worked in (studio.worker.busy_changed, studio.annotator.masks.changed):
        studio.heap._timer.stop()
        worked.emit()
        assert studio.heap._timer.isActive()
