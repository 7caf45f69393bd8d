import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox, QWidget

from cmp_studio.services.error_report import ErrorReport
from cmp_studio.widgets.dialogs import ask_unsaved, program_version, show_error, show_problem


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.mark.parametrize(
    ("button", "answer"), [("Save", "save"), ("Discard", "discard"), ("Cancel", "cancel")]
)
def test_ask_unsaved_when_answered_then_that(qtbot, parent, button, answer):
    texts = []

    def click():
        box = parent.findChild(QMessageBox)
        texts.append(box.text())
        next(b for b in box.buttons() if b.text() == button).click()

    QTimer.singleShot(0, click)
    assert ask_unsaved(parent, "marionette") == answer
    assert "marionette" in texts[0]


def test_show_error_when_shown_then_one_sentence_with_details_and_log(parent, tmp_path):
    box = show_error(parent, ErrorReport("It broke.", "Traceback"), tmp_path / "a.log")
    assert box.text() == "It broke."
    assert "a.log" in box.informativeText()
    assert box.detailedText() == "Traceback"
    assert not box.isModal()
    box.close()


def test_show_problem_when_shown_then_the_window_stays_in_use(parent):
    box = show_problem(parent, "There is no such file.")
    assert box.text() == "There is no such file."
    assert not box.isModal()
    box.close()


def test_program_version_when_asked_then_something_to_show():
    assert program_version()
