"""What can only be judged by pixels, each driven through `main`: who passes in front, sharp
pictures on fine screens, the marks of frames that are rendered.

A stand-in answers instead of the network: what matters here is the window.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QFileDialog

import cmp_studio.services.motion_backend as backend
from cmp_engine.image_io import read_image, write_image
from tests.cmp_studio.fakes import FakePredictor, fake_engine
from tests.e2e.window_driver import CTRL, drag, is_ready, key, opened, run, shorten

pytestmark = pytest.mark.usefixtures("stand_in")

ROOT = Path(__file__).parents[2]
FRAMES = 8
RED, BLUE = (220, 40, 40), (40, 60, 230)


def export_frames(window, folder):
    """Write the film as PNG pictures through the export dialog."""
    key(window, "E", CTRL)
    yield lambda: window.export_dialog is not None and window.export_dialog.isVisible()
    dialog = window.export_dialog
    dialog.format.show_value("png")
    dialog.on_format_chosen("png")
    dialog.path_field.setText(str(folder))
    dialog.start_button.click()
    dialog.close_button.click()
    window.activateWindow()
    yield window.isActiveWindow
    yield lambda: not window.studio.exports.is_busy
    assert window.studio.exports.rows[-1].state == "done", window.studio.exports.rows
    window.canvas.setFocus()


def shares(folder):
    """How much of the place where the parts meet is red and blue, in the frame where one fills it.

    Ground that is neither shows before they are there.
    """
    found = []
    for path in sorted(folder.glob("*.png")):
        place = read_image(path)[54:66, 74:86].reshape(-1, 3).astype(int)
        found.append([float((np.abs(place - c).max(axis=1) < 60).mean()) for c in (RED, BLUE)])
    assert found[0] == [0, 0]
    return max(found, key=max)


def test_layers_when_their_order_changes_then_the_other_one_passes_in_front_in_the_film(
    qapp, tmp_path, monkeypatch
):
    image = np.full((120, 160, 3), 120, np.uint8)
    masks = []
    for number, (x, color) in enumerate(((40, RED), (120, BLUE))):
        cv2.circle(image, (x, 60), 16, color, -1)
        mask = np.zeros(image.shape[:2], np.uint8)
        cv2.circle(mask, (x, 60), 18, 255, -1)
        masks.append(tmp_path / f"mask{number}.png")
        cv2.imwrite(str(masks[-1]), mask)
    photo = tmp_path / "discs.png"
    write_image(photo, image)
    chosen = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(chosen[-1]), ""))

    def script(window):
        yield from opened(window)
        session, panel = window.studio.session, window.layers
        for number, (start, end) in enumerate((((40, 60), (82, 60)), ((120, 60), (78, 60)))):
            session.select([])
            drag(window, start, end)
            key(window, "G", CTRL)
            chosen.append(masks[number])
            panel.file_button.click()
            yield lambda at=number: session.scene.groups[at].mask is not None
        first, second = (group.name for group in session.scene.groups)
        assert [panel.list.item(row).text() for row in (0, 1)] == [second, first]
        yield is_ready(window)
        yield from export_frames(window, tmp_path / "blue")
        assert panel.list.model().moveRow(QModelIndex(), 1, QModelIndex(), 0)
        assert [group.name for group in session.scene.groups] == [second, first]
        yield is_ready(window)
        yield from export_frames(window, tmp_path / "red")
        session.undo()
        assert [group.name for group in session.scene.groups] == [first, second]
        yield from export_frames(window, tmp_path / "undone")

    assert run(script, photo) == 0
    red, blue = shares(tmp_path / "blue")
    assert blue > 0.9
    assert red < 0.1
    red, blue = shares(tmp_path / "red")
    assert red > 0.9
    assert blue < 0.1
    assert shares(tmp_path / "undone") == shares(tmp_path / "blue")


@pytest.mark.parametrize("factor", [1, 2])
def test_window_when_the_screen_is_fine_then_handles_are_hit_and_pictures_sharp(tmp_path, factor):
    columns = np.arange(1600)
    photo = np.where(columns % 4 < 2, 30, 220).astype(np.uint8)  # lines of 2 px
    write_image(tmp_path / "lines.png", np.broadcast_to(photo[None, :, None], (1200, 1600, 3)))
    environment = {**os.environ, "QT_SCALE_FACTOR": str(factor), "PYTHONPATH": str(ROOT)}
    environment["CMP_STUDIO_HOME"] = str(tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.fine_screen", tmp_path / "lines.png", tmp_path],
        capture_output=True, text=True, check=False, timeout=300, env=environment, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["ratio"] == factor
    screenshot = read_image(tmp_path / "window.png")
    assert list(screenshot.shape[:2]) == [factor * side for side in found["window_hw"]]
    # An arrow that is grabbed 11 px beside its tip, in px of the desktop, follows the mouse.
    assert found["grabbed"] == "head"
    assert found["moved_xy"] == pytest.approx([0, 100], abs=3)
    # The lines are a device px wide only where the screen is fine.
    row = read_image(tmp_path / "photo.png")[
        found["row"], found["columns"][0] : found["columns"][1]
    ]
    contrast = float(row.astype(float).std())
    assert (contrast > 66) == (factor == 2), contrast


def marked(window):
    """How light the ruler is below each frame before the turn: rendered ones are marked."""
    ruler = window.timeline.ruler
    image, ratio = ruler.grab().toImage(), ruler.devicePixelRatioF()
    y = round((ruler.height() - 4) * ratio)
    places = [round((ruler.x_of(index) + 3) * ratio) for index in range(FRAMES - 1)]
    return tuple(image.pixelColor(x, y).lightness() for x in places)


def test_timeline_when_frames_are_rendered_then_marked_one_by_one_and_unmarked_by_an_edit(
    qapp, photo, monkeypatch
):
    slow = FakePredictor(seconds=0.05)
    monkeypatch.setattr(backend, "load_engine", lambda choice: fake_engine(choice, slow))

    def script(window):
        yield lambda: window.studio.session.scene is not None
        yield is_ready(window)
        film = window.inspector.film_section
        film.duration.setValue(1)
        film.fps.setValue(FRAMES)
        window.studio.session.commit()
        window.studio.playback.pause()
        window.actions_by_name["tool_arrow"].trigger()
        preview = window.studio.preview
        yield is_ready(window)
        all_marked = set(marked(window))
        assert len(all_marked) == 1  # nothing moves: every frame is the photo, and there
        slow.hold.clear()
        drag(window, (60, 60), (90, 60))
        yield lambda: not all(preview.cached)
        seen = {}

        def look():
            levels = marked(window)
            seen[preview.cached[: FRAMES - 1]] = levels
            slow.hold.set()
            return all(preview.cached) and not preview.is_busy

        yield look
        assert set(marked(window)) == all_marked
        partly = {cached: levels for cached, levels in seen.items() if not all(cached)}
        assert len(partly) > 2
        for cached, levels in partly.items():
            is_marked = tuple({level} == all_marked for level in levels)
            assert is_marked == cached
        window.studio.session.undo()
        assert all(preview.cached)
        assert set(marked(window)) == all_marked
        window.studio.session.redo()
        assert all(preview.cached)  # they were kept
        shorten(window)
        yield is_ready(window)

    assert run(script, photo) == 0
