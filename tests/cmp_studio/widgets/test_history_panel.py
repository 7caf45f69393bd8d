import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest


def texts(panel):
    return [panel.list.item(row).text() for row in range(panel.list.count())]


@pytest.fixture
def panel(opened):
    opened.drag((60, 60), (110, 80))
    opened.double_click(200, 140)
    return opened.window.history


def test_panel_when_things_were_done_then_lists_them_by_name(panel):
    assert texts(panel) == ["Start · saved", "Draw arrow", "Set pin"]
    assert panel.list.currentRow() == 2


def test_panel_when_an_old_step_is_clicked_then_goes_back_and_forth(opened, panel):
    session = opened.studio.session
    session.mark_saved(session.path, session.scene)
    assert texts(panel) == ["Start", "Draw arrow", "Set pin · saved"]
    rect = panel.list.visualItemRect(panel.list.item(0))
    opened.window.actions_by_name["history"].setChecked(True)
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert session.scene.tracks == ()
    assert session.is_dirty
    assert texts(panel) == ["Start", "Draw arrow", "Set pin · saved"]
    assert "undone" in panel.note.text()
    panel.list.setCurrentRow(2)
    assert [track.kind for track in session.scene.tracks] == ["arrow", "pin"]
    assert not session.is_dirty


def test_panel_when_something_else_is_done_then_what_was_undone_goes(opened, panel):
    panel.list.setCurrentRow(1)
    opened.double_click(220, 40)
    assert texts(panel) == ["Start · saved", "Draw arrow", "Set pin"]
    assert panel.list.currentRow() == 2


def test_panel_when_nothing_is_open_then_is_empty(hand):
    assert texts(hand.window.history) == []
    assert not hand.window.history.list.isEnabled()
