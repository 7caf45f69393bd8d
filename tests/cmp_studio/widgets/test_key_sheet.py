import numpy as np
import pytest
from PySide6.QtGui import QColor

from cmp_studio.widgets.key_sheet import KeySheet

FEW = [[("Edit", ""), ("Ctrl+Z", "Undo")]]
MANY = [
    [("On the photo", ""), ("Drag", "Draw an arrow"), ("View", ""), ("F", "Whole photo")],
    [("Play", ""), ("K", "Play")],
]


@pytest.fixture
def sheet(qtbot):
    sheet = KeySheet({"few": FEW, "many": MANY})
    qtbot.addWidget(sheet)
    sheet.resize(sheet.sizeHint())
    return sheet


def inked(widget):
    """Where something is drawn, as a mask."""
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    ground = QColor(image.pixel(image.width() - 1, image.height() - 1))
    rgb = np.array([ground.blue(), ground.green(), ground.red()])
    return np.abs(pixels[..., :3].astype(int) - rgb).max(-1) > 60


def test_sheet_when_another_is_shown_then_its_words_are_said_and_drawn(sheet):
    assert sheet.accessibleDescription().splitlines() == ["Edit", "Ctrl+Z: Undo"]
    few = inked(sheet)
    size = sheet.sizeHint()
    sheet.show_sheet("many")
    assert "F: Whole photo" in sheet.accessibleDescription().splitlines()
    many = inked(sheet)
    assert sheet.sizeHint() == size  # room for each, so the dialog stays as large
    assert many.sum() > 2 * few.sum() > 0


def test_sheet_when_drawn_then_nothing_is_cut_off(sheet):
    sheet.show_sheet("many")
    exact = inked(sheet)
    sheet.resize(sheet.width() + 60, sheet.height() + 40)
    assert inked(sheet).sum() == exact.sum()
    assert not inked(sheet)[:, exact.shape[1] :].any()
