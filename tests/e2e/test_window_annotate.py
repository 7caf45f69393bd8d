"""Annotate for real: `main` starts the window, a folder is worked through, files come out."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cmp_engine.image_io import write_image
from cmp_studio.document.masks import mask_to_array
from cmp_studio.services.preferences import Preferences
from tests.e2e.window_driver import click_on as click
from tests.e2e.window_driver import run, use

HEIGHT, WIDTH = 120, 160
RIGHT = Qt.MouseButton.RightButton


@pytest.fixture
def pictures(tmp_path):
    """Two pictures with a textured disc each, and a file that is no picture."""
    folder = tmp_path / "discs"
    folder.mkdir()
    rng = np.random.default_rng(2)
    for number, center in enumerate(((60, 60), (100, 50)), 1):
        ground = rng.integers(60, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        image = cv2.GaussianBlur(ground, (0, 0), 3)
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.circle(mask, center, 30, 255, -1)
        disc = np.full_like(image, (220, 60, 40))
        disc += rng.integers(0, 30, disc.shape, dtype=np.uint8)
        image[mask > 0] = disc[mask > 0]
        write_image(folder / f"disc{number}.png", image)
    (folder / "disc1b.png").write_text("no picture")
    return folder


def test_annotate_when_a_folder_is_worked_through_then_masks_files_and_film(
    qapp, trained_weights, pictures, tmp_path
):
    use(trained_weights)
    out = tmp_path / "out"

    def script(window):
        studio, annotator = window.studio, window.studio.annotator

        def trigger(name):
            window.actions_by_name[name].trigger()

        yield lambda: studio.preview.engine is not None
        studio.playback.pause()
        trigger("mode_annotate")
        page = window.modes.page_of("annotate")
        canvas, session = page.canvas, annotator.session
        yield lambda: annotator.folder.picture is not None
        assert annotator.folder.picture is studio.session.picture  # the photo of the film
        annotator.folder.open_folder(pictures)
        yield lambda: annotator.folder.path == pictures / "disc1.png"

        click(canvas, 60, 60)
        yield lambda: not annotator.masks.is_pending
        labels = annotator.masks.masks.labels
        assert labels[60, 60] == 1
        QTest.keyClick(canvas, Qt.Key.Key_Return)
        session.set_label("ground")
        click(canvas, 140, 100)
        click(canvas, 60, 60, RIGHT)  # on the disc's click: takes that object up again
        yield lambda: not annotator.masks.is_pending
        assert [thing.label for thing in session.annotation.objects] == ["object", "ground"]
        assert session.current_id == 1
        click(canvas, 20, 110, RIGHT)
        yield lambda: not annotator.masks.is_pending
        assert annotator.masks.masks.labels[110, 20] != 1
        QTest.keyClick(canvas, Qt.Key.Key_B)
        click(canvas, 10, 10)
        yield lambda: not annotator.masks.is_pending
        assert annotator.masks.masks.labels[10, 10] == 1
        trigger("undo")
        yield lambda: not annotator.masks.is_pending
        assert annotator.masks.masks.labels[10, 10] != 1
        QTest.keyClick(canvas, Qt.Key.Key_B)
        assert not canvas.grab().toImage().isNull()

        trigger("annotate_next")  # at once: nothing of the mask may be lost; disc1b is skipped
        yield lambda: annotator.folder.path == pictures / "disc2.png"
        assert "disc1b.png" in window.status.hint.text()
        click(canvas, 100, 50)
        yield lambda: not annotator.masks.is_pending
        yield lambda: page.strip.done.text() == "2 done"

        trigger("annotate_export")
        dialog = page.export_dialog
        dialog.folder_field.setText(str(out))
        dialog.start_button.click()
        yield lambda: "written to" in dialog.state.text()
        dialog.reject()

        trigger("annotate_freeze")
        yield lambda: studio.modes.current == "animate"
        assert studio.session.title == "disc2"
        freeze = mask_to_array(studio.session.scene.freeze)
        np.testing.assert_array_equal(freeze > 0, annotator.masks.masks.labels == 1)

    assert run(script) == 0
    names = {path.name for path in out.iterdir()}
    assert {"disc1.png", "disc2.png", "disc1_1.png", "disc1_2.png", "disc1.json"} <= names
    assert {"coco_annotations.json", "clicks_and_times.csv"} <= names
    index = np.array(Image.open(out / "disc1.png"))
    assert index[60, 60] == 1
    assert index.max() == 2
    coco = json.loads((out / "coco_annotations.json").read_text())
    assert len(coco["annotations"]) == 3
    rows = (out / "clicks_and_times.csv").read_text().splitlines()
    assert len(rows) == 4
    assert float(rows[1].split(",")[6]) > 0  # seconds of the first object

    resumed = []

    def resume(window):
        annotator = window.studio.annotator
        yield lambda: window.studio.preview.engine is not None
        window.studio.session.close()
        window.actions_by_name["mode_annotate"].trigger()
        page = window.modes.page_of("annotate")
        assert page.start.resume_button.isVisible()
        page.start.resume_button.click()
        yield lambda: annotator.folder.path == pictures / "disc2.png"
        yield lambda: not annotator.masks.is_pending
        resumed.append(annotator.masks.masks.labels[50, 100])

    Preferences().set_flag("window/coached", value=True)
    assert run(resume) == 0
    assert resumed == [1]
