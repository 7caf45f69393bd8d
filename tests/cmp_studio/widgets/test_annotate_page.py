import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from cmp_studio.document.masks import mask_to_array
from tests.cmp_studio.fakes import photo_bytes

WAIT = 60_000
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NO_KEYS = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in (1, 2, 3):
        (folder / f"p{number}.png").write_bytes(photo_bytes(240, 160))
    return folder


class Annotating:
    """The window in Annotate, with a hand on its picture."""

    def __init__(self, qtbot, hand):
        self.qtbot, self.hand, self.window = qtbot, hand, hand.window
        self.page = hand.window.modes.page_of("annotate")
        self.annotator = hand.studio.annotator
        self.session = self.annotator.session
        self.canvas = self.page.canvas

    def at(self, x, y):
        position = self.canvas.view_transform.to_screen((x, y))
        return QPoint(round(position.x()), round(position.y()))

    def click(self, x, y, button=LEFT, keys=NO_KEYS):
        QTest.mouseMove(self.canvas, self.at(x, y))
        QTest.mouseClick(self.canvas, button, keys, self.at(x, y))
        self.wait()

    def wait(self):
        self.qtbot.waitUntil(lambda: not self.annotator.masks.is_pending, timeout=WAIT)

    def trigger(self, name):
        self.window.actions_by_name[name].trigger()

    def key(self, key, keys=NO_KEYS):
        QTest.keyClick(self.canvas, key, keys)

    def open(self, folder):
        with self.qtbot.waitSignal(self.annotator.folder.finished, timeout=WAIT):
            self.annotator.folder.open_folder(folder)


@pytest.fixture
def mode(qtbot, opened):
    """Annotate with the photo of the film."""
    opened.trigger("mode_annotate")
    made = Annotating(qtbot, opened)
    qtbot.waitUntil(lambda: made.annotator.folder.picture is not None, timeout=WAIT)
    return made


def test_mode_when_a_film_is_open_then_its_photo_is_there(mode):
    assert mode.window.header.switch.button("annotate").isChecked()
    assert mode.annotator.folder.picture is mode.hand.studio.session.picture
    assert mode.page.isVisible()
    assert "Click on the object" in mode.window.status.hint.text()
    assert mode.window.windowTitle() == "photo.png[*] - CMP Studio"


def test_mode_when_nothing_is_open_then_says_what_to_do(hand):
    hand.trigger("mode_annotate")
    page = hand.window.modes.page_of("annotate")
    assert page.start.isVisible()
    assert not page.canvas.isVisible()
    assert page.start.folder_button.isVisible()
    assert not hand.window.actions_by_name["annotate_brush"].isEnabled()
    assert hand.window.actions_by_name["annotate_folder"].isEnabled()


def test_clicks_when_left_right_and_keys_then_objects_as_marked(mode):
    mode.click(80, 60)
    assert mode.annotator.masks.masks.labels[60, 80] == 1
    mode.click(200, 20, RIGHT)
    assert mode.session.current.negative
    mode.key(Qt.Key.Key_Return)
    mode.key(Qt.Key.Key_S)
    assert mode.annotator.tools.tool == "negative"
    mode.key(Qt.Key.Key_S)
    mode.click(180, 120)
    assert len(mode.session.annotation.objects) == 2
    mode.key(Qt.Key.Key_F)
    assert mode.session.current_id is None
    mode.click(81, 61, keys=Qt.KeyboardModifier.ControlModifier)
    assert mode.session.current_id == 1
    mode.key(Qt.Key.Key_Delete)
    assert [thing.id for thing in mode.session.annotation.objects] == [2]
    mode.trigger("undo")
    assert [thing.id for thing in mode.session.annotation.objects] == [1, 2]
    assert mode.hand.tracks() == []


def test_undo_when_named_then_the_menu_says_what_it_takes_back(mode):
    assert not mode.window.actions_by_name["undo"].isEnabled()
    mode.click(80, 60)
    assert mode.window.actions_by_name["undo"].text() == "Undo add positive click"
    mode.trigger("undo")
    assert mode.window.actions_by_name["redo"].text() == "Redo add positive click"


def test_panel_when_sliders_move_then_the_mask_follows_and_lists_show_it(mode):
    mode.click(80, 60)
    before = mode.annotator.masks.masks.areas[0]
    mode.page.panel.threshold.slider.setValue(90)
    mode.wait()
    assert mode.annotator.masks.masks.areas[0] < before
    mode.page.panel.speed.slider.setValue(60)
    mode.page.panel.zoom.slider.setValue(0)
    mode.wait()
    assert mode.session.settings.speed == 60
    assert mode.session.settings.zoom == 0
    tree = mode.page.panel.tree
    assert tree.topLevelItemCount() == 2
    assert tree.topLevelItem(0).text(1) == "1 click"
    assert mode.page.panel.total.text().startswith("1 object · 1 click")
    mode.page.panel.on_method_chosen("published")
    mode.wait()
    assert mode.session.settings.method == "published"
    assert mode.session.settings.zoom == 4


def test_flow_when_chosen_then_drawn_in_place_of_the_mask(mode):
    mode.click(80, 60)
    masks = mode.canvas.grab().toImage()
    mode.key(Qt.Key.Key_G)
    assert mode.canvas.direction == 0
    flow = mode.canvas.grab().toImage()
    assert flow != masks
    assert mode.page.panel.flow.count() == 3
    mode.page.panel.flow.setCurrentIndex(2)
    mode.page.panel.flow.on_activated(2)
    assert mode.canvas.direction == 1
    assert mode.canvas.grab().toImage() != flow
    mode.key(Qt.Key.Key_G)
    assert mode.canvas.direction is None
    mode.key(Qt.Key.Key_H)
    assert not mode.canvas.has_masks
    assert mode.canvas.grab().toImage() != masks


def test_label_when_typed_then_given_to_the_object_and_the_keys_return(mode):
    mode.click(80, 60)
    mode.key(Qt.Key.Key_L)
    edit = mode.page.panel.label_edit
    QTest.keyClicks(edit, "sheep")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert mode.session.current.label == "sheep"
    assert mode.page.panel.tree.topLevelItem(0).text(0) == "sheep"
    assert len(mode.session.annotation.objects) == 1


def test_brush_when_painted_then_in_the_mask(mode):
    mode.key(Qt.Key.Key_B)
    assert mode.window.actions_by_name["annotate_brush"].isChecked()
    mode.key(Qt.Key.Key_BracketRight)
    a, b = mode.at(30, 30), mode.at(60, 30)
    QTest.mousePress(mode.canvas, LEFT, NO_KEYS, a)
    QTest.mouseMove(mode.canvas, (a + b) / 2)
    mode.canvas.grab()
    QTest.mouseMove(mode.canvas, b)
    QTest.mouseRelease(mode.canvas, LEFT, NO_KEYS, b)
    mode.wait()
    assert mode.annotator.masks.masks.labels[30, 45] == 1
    mode.click(45, 30, RIGHT)
    assert mode.annotator.masks.masks.labels[30, 45] == 0


def test_folder_when_dropped_then_opened_and_walked_through(qtbot, mode, pictures):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(pictures))])
    with qtbot.waitSignal(mode.annotator.folder.finished, timeout=WAIT):
        mode.window.dropEvent(
            QDropEvent(QPoint(50, 50), Qt.DropAction.CopyAction, mime, LEFT, NO_KEYS)
        )
    assert mode.page.strip.place.text() == "1 / 3  p1.png"
    assert not mode.window.actions_by_name["annotate_previous"].isEnabled()
    mode.click(80, 60)
    with qtbot.waitSignal(mode.annotator.folder.finished, timeout=WAIT):
        mode.key(Qt.Key.Key_D)
    assert mode.page.strip.place.text() == "2 / 3  p2.png"
    assert mode.page.strip.progress.value() == 1
    assert mode.page.strip.done.text() == "1 done"
    assert mode.window.windowTitle() == "p2.png (2 of 3)[*] - CMP Studio"
    with qtbot.waitSignal(mode.annotator.folder.finished, timeout=WAIT):
        mode.key(Qt.Key.Key_A)
    assert len(mode.session.annotation.objects) == 1
    mode.trigger("annotate_close")
    assert mode.page.start.isVisible()
    assert mode.page.start.resume_button.text() == "Go on with pictures"


def test_export_when_started_then_files_and_said(qtbot, mode, pictures, tmp_path):
    mode.open(pictures)
    mode.click(80, 60)
    mode.trigger("annotate_export")
    dialog = mode.page.export_dialog
    assert dialog.folder_field.text() == str(pictures / "annotations" / "export")
    for kind in ("objects", "coco", "labelme", "csv"):
        dialog.switches[kind].setChecked(False)
    dialog.folder_field.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(mode.annotator.exported, timeout=WAIT):
        dialog.start_button.click()
    assert dialog.state.text().startswith("1 file for 1 picture")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["p1.png"]
    dialog.switches["indexed"].setChecked(False)
    assert not dialog.start_button.isEnabled()
    dialog.reject()


@pytest.mark.parametrize(("command", "use"), [("annotate_layer", "layer"), ("annotate_freeze", "")])
def test_film_when_a_mask_is_used_then_in_the_scene_of_the_same_photo(qtbot, mode, command, use):
    mode.session.set_label("cat")
    mode.click(80, 60)
    labels = mode.annotator.masks.masks.labels
    with qtbot.waitSignal(mode.hand.studio.modes.changed, timeout=WAIT):
        mode.trigger(command)
    scene = mode.hand.studio.session.scene
    assert mode.hand.studio.modes.current == "animate"
    mask = scene.groups[0].mask if use else scene.freeze
    np.testing.assert_array_equal(mask_to_array(mask) > 0, labels == 1)
    if use:
        assert scene.groups[0].name == "cat"
    assert mode.window.canvas.isVisible()
    mode.hand.trigger("undo")
    scene = mode.hand.studio.session.scene
    assert scene.freeze is None
    assert scene.groups == ()


def test_film_when_the_picture_is_another_then_a_scene_of_it_is_opened(qtbot, mode, pictures):
    (pictures / "p1.png").write_bytes(photo_bytes(200, 120))
    mode.open(pictures)
    mode.click(80, 60)
    with qtbot.waitSignal(mode.hand.studio.modes.changed, timeout=WAIT):
        mode.trigger("annotate_freeze")
    assert mode.hand.studio.session.title == "p1"
    assert mode.hand.studio.session.scene.freeze.width == 200
    mode.hand.studio.session.close()


def test_open_when_asked_in_annotate_then_pictures_and_not_the_film(
    qtbot, mode, pictures, monkeypatch
):
    chosen = str(pictures / "p2.png")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (chosen, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(pictures))
    with qtbot.waitSignal(mode.annotator.folder.finished, timeout=WAIT):
        mode.trigger("open")
    assert mode.annotator.folder.path.name == "p2.png"
    with qtbot.waitSignal(mode.annotator.folder.finished, timeout=WAIT):
        mode.trigger("annotate_folder")
    assert mode.annotator.folder.path.name == "p2.png"
    assert mode.hand.studio.session.title == "photo"


def test_view_when_zoomed_and_panned_then_the_clicks_stay_where_they_are(mode):
    mode.trigger("zoom_in")
    scale = mode.canvas.view_transform.scale
    mode.trigger("actual_size")
    mode.click(80, 60)
    assert mode.session.current.positive[0] == pytest.approx((80, 60), abs=0.6)
    mode.trigger("zoom_out")
    mode.trigger("annotate_fit")
    assert mode.canvas.view_transform.scale < scale
    QTest.keyPress(mode.canvas, Qt.Key.Key_Space)
    before = mode.canvas.view_transform.left
    a = mode.at(100, 80)
    QTest.mousePress(mode.canvas, LEFT, NO_KEYS, a)
    QTest.mouseMove(mode.canvas, a + QPoint(40, 0))
    QTest.mouseRelease(mode.canvas, LEFT, NO_KEYS, a + QPoint(40, 0))
    QTest.keyRelease(mode.canvas, Qt.Key.Key_Space)
    assert mode.canvas.view_transform.left == before + 40
    assert len(mode.session.current.clicks) == 1
