"""Masks and plates from files, film quality, and the manners of a desktop program, through `main`.

A stand-in answers instead of the network: what matters here is the window.
"""

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

import cmp_studio.services.motion_backend as backend
from cmp_engine.image_io import read_image, write_image
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.project_file import load_scene
from tests.cmp_studio.fakes import FakePredictor, fake_engine, photo_bytes
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
    run,
)

pytestmark = pytest.mark.usefixtures("stand_in")


def test_layers_when_masks_plate_order_and_stiffness_are_set_then_in_the_film_and_undone(
    qapp, photo, tmp_path, monkeypatch
):
    mask_path, plate_path = tmp_path / "mask.png", tmp_path / "plate.png"
    mask = np.zeros((120, 160), np.uint8)
    mask[30:90, 40:110] = 255
    cv2.imwrite(str(mask_path), mask)
    write_image(plate_path, np.full((120, 160, 3), 90, np.uint8))
    chosen = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(chosen[-1]), ""))

    def script(window):
        yield from opened(window)
        studio, panel = window.studio, window.layers
        session = studio.session
        drag(window, (60, 60), (90, 60))
        key(window, "G", CTRL)
        chosen.append(mask_path)
        panel.file_button.click()
        yield lambda: session.scene.groups[0].mask is not None
        assert np.array_equal(mask_to_array(session.scene.groups[0].mask), mask)
        panel.feather.slider.setValue(3)
        yield lambda: session.scene.groups[0].mask.feather == 3
        panel.invert_button.click()
        yield lambda: mask_to_array(session.scene.groups[0].mask)[0, 0] == 255
        chosen.append(plate_path)
        panel.plate_button.click()
        yield lambda: session.scene.fill == "plate"
        yield is_ready(window)
        session.select([])
        drag(window, (20, 20), (30, 30))
        key(window, "G", CTRL)
        first, second = (group.id for group in session.scene.groups)
        studio.layers.new_group()
        order = [group.id for group in session.scene.groups]
        assert order[:2] == [first, second]
        QTest.mouseDClick(window.canvas, LEFT, NO_KEYS, at(window, 140, 110))
        window.inspector.track_section.stiffness.setValue(12)
        session.commit()
        assert session.selected_tracks[0].stiffness == 12
        for name in ("holes", "masks", "onion"):
            window.actions_by_name[name].setChecked(True)
        yield is_ready(window)
        window.canvas.grab()
        while session.undo_label:
            session.undo()
        assert (session.scene.groups, session.scene.plate) == ((), None)

    assert run(script, photo) == 0


def test_film_when_chained_blurred_and_supersampled_then_exported_so_and_the_scene_renders_the_same(
    qapp, photo, tmp_path
):
    scene_path = tmp_path / "fine.cmps"

    def script(window):
        yield from opened(window)
        session, section = window.studio.session, window.inspector.film_section
        drag(window, (60, 60), (90, 50))
        pick(section.mode, "chained")
        section.shutter.slider.setValue(180)
        section.supersample.setValue(2)
        section.strength.slider.setValue(150)
        session.commit()
        film = session.scene.film
        assert (film.mode, film.shutter, film.supersample) == ("chained", 180, 2)
        assert film.strength == 1.5
        window.studio.files.save(scene_path)
        yield lambda: session.path == scene_path
        key(window, "E", CTRL)
        yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
        dialog = window.export_dialog
        dialog.format.show_value("png")
        dialog.on_format_chosen("png")
        dialog.path_field.setText(str(tmp_path / "window"))
        dialog.start_button.click()
        yield lambda: "Done" in dialog.state.text()

    assert run(script, photo) == 0
    from cmp_studio.pipeline.export import export_film

    export_film(load_scene(scene_path), FakePredictor(), tmp_path / "again", format="png")
    names = sorted(path.name for path in (tmp_path / "window").glob("*.png"))
    assert len(names) == 6
    for name in names:
        ours, theirs = (read_image(tmp_path / folder / name) for folder in ("window", "again"))
        assert np.array_equal(ours, theirs)


class HardEdged(FakePredictor):
    """Moves a square about each arrow and nothing else, so that a hole opens behind it."""

    def _flow(self, points, displacements, height, width):
        flow = np.zeros((height, width, 2), np.float32)
        scale = width / self.image_hw[1]
        for (x, y), way in zip(points, displacements, strict=True):
            left, top = round((x - 25) * scale), round((y - 25) * scale)
            size = round(50 * scale)
            flow[max(0, top) : top + size, max(0, left) : left + size] = np.multiply(way, scale)
        return flow


def test_export_when_holes_are_large_then_warned_before(qapp, photo, monkeypatch):
    monkeypatch.setattr(backend, "load_engine", lambda choice: fake_engine(choice, HardEdged()))

    def script(window):
        yield from opened(window)
        drag(window, (60, 60), (130, 60))
        yield is_ready(window)
        yield lambda: window.studio.preview.worst_holes()[0] > 0.02
        key(window, "E", CTRL)
        yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
        assert "of the picture is smeared" in window.export_dialog.holes.text()
        window.export_dialog.close()

    assert run(script, photo) == 0


def test_unsaved_changes_when_another_photo_is_dropped_then_asked_and_kept_or_let_go(
    qapp, photo, tmp_path
):
    other = tmp_path / "other.png"
    other.write_bytes(photo_bytes(100, 80))

    def answer(text):
        def on_asked():
            box = QApplication.activeModalWidget()
            assert isinstance(box, QMessageBox)
            assert "“photo”" in box.text()
            next(b for b in box.buttons() if b.text().replace("&", "") == text).click()

        QTimer.singleShot(0, on_asked)

    def drop(window):
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(other))])
        window.dropEvent(
            QDropEvent(QPointF(QPoint(50, 50)), Qt.DropAction.CopyAction, mime, LEFT, NO_KEYS)
        )

    def script(window):
        yield from opened(window)
        session = window.studio.session
        session.mark_saved(None, session.scene)
        drag(window, (60, 60), (90, 60))
        assert window.isWindowModified()
        answer("Cancel")
        drop(window)
        assert kinds(window) == ["arrow"]
        answer("Discard")
        drop(window)
        yield lambda: session.scene.picture.width == 100
        assert not window.isWindowModified()
        recent = [path.name for path in window.studio.preferences.recent_files()]
        assert recent[:2] == ["other.png", "photo.png"]
        window.submenus.on_recent_about_to_show()
        menu = window.actions_by_name.submenus["@recent"]
        assert [a.text() for a in menu.actions()[:2]] == recent[:2]
        yield lambda: all(not a.icon().isNull() for a in menu.actions()[:2])

    assert run(script, photo) == 0


def test_panels_when_moved_and_hidden_then_as_they_were_at_the_next_start(qapp, photo):
    def first(window):
        yield is_ready(window)
        key(window, "T")
        window.page.dock("history").raise_()
        window.page.addDockWidget(
            Qt.DockWidgetArea.LeftDockWidgetArea, window.page.dock("inspector")
        )
        yield lambda: window.page.dock("timeline").isHidden()

    assert run(first, photo) == 0

    def second(window):
        yield is_ready(window)
        page = window.page
        assert page.dock("timeline").isHidden()
        area = page.dockWidgetArea(page.dock("inspector"))
        assert area == Qt.DockWidgetArea.LeftDockWidgetArea
        window.actions_by_name["reset_panels"].trigger()
        assert not page.dock("timeline").isHidden()
        area = page.dockWidgetArea(page.dock("inspector"))
        assert area == Qt.DockWidgetArea.RightDockWidgetArea

    assert run(second, photo) == 0


def test_weights_when_a_file_is_added_then_listed_with_what_it_learned_and_taken(
    qapp, photo, tmp_path, monkeypatch
):
    import torch

    from cmp_engine.build import build_network
    from cmp_engine.config import PRESETS
    from cmp_engine.weights import save_model

    torch.manual_seed(3)
    path = tmp_path / "mine.safetensors"
    facts = {"recipe": "random", "data": "nothing at all"}
    save_model(build_network(PRESETS["default"]), path, metadata=facts)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))

    def script(window):
        yield from opened(window)
        studio = window.studio
        window.actions_by_name["weights"].trigger()
        dialog = window.commands.weights_dialog
        yield lambda: dialog.list.count() >= 2
        dialog.add_button.click()
        yield lambda: studio.preview.engine.choice.weights == "mine"
        assert studio.engine_choice().weights == "mine"
        yield lambda: dialog.list.findItems("mine", Qt.MatchFlag.MatchStartsWith)
        (row,) = dialog.list.findItems("mine", Qt.MatchFlag.MatchStartsWith)
        dialog.list.setCurrentItem(row)
        assert "nothing at all" in dialog.facts.toPlainText()
        drag(window, (60, 60), (90, 60))
        assert kinds(window) == ["arrow"]
        dialog.close()
        yield is_ready(window)

    assert run(script, photo) == 0
