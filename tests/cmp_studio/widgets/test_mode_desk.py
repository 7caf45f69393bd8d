import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from cmp_studio.services.modes import Mode
from cmp_studio.widgets.mode_page import ModePage


class PlainPage(ModePage):
    """A mode that notes what it is asked."""

    def __init__(self):
        super().__init__(Mode("plain", "Plain", "Nothing much"))
        self.said = []
        self.strip = QLabel("strip")

    @property
    def hint(self):
        return "Click to note"

    @property
    def document_title(self):
        return "note"

    def header_strip(self):
        return self.strip

    def commands(self):
        return {"undo": lambda: self.said.append("undo"), "zoom_in": lambda: None}

    def there(self):
        return {"undo", "scene"}

    def titles(self):
        return {"undo": "Undo note"}

    def enter(self):
        self.said.append("enter")

    def leave(self):
        self.said.append("leave")

    def fit(self):
        self.said.append("fit")


@pytest.fixture
def page(opened):
    page = PlainPage()
    opened.window.modes.add(page)
    return page


def test_switch_when_a_mode_was_added_then_its_button_is_there(opened, page):
    switch = opened.window.header.switch
    assert switch.isVisible()
    assert switch.button("animate").isChecked()
    QTest.mouseClick(switch.button("plain"), Qt.MouseButton.LeftButton)
    assert opened.studio.modes.current == "plain"
    assert page.isVisible()
    assert page.strip.isVisible()
    assert not opened.window.canvas.isVisible()
    assert opened.window.windowTitle() == "note[*] - CMP Studio"
    assert opened.window.status.hint.text() == "Click to note"


def test_mode_when_left_then_animate_is_as_before(opened, page):
    opened.studio.playback.play()
    opened.window.modes.choose("plain")
    assert not opened.studio.playback.is_playing
    opened.window.modes.choose("animate")
    assert page.said == ["enter", "leave"]
    assert opened.studio.playback.is_playing
    assert opened.window.canvas.isVisible()
    assert opened.window.windowTitle().startswith("photo")
    assert opened.window.status.hint.text() != "Click to note"


def test_commands_when_in_a_mode_then_the_page_carries_them_out(opened, page):
    actions = opened.window.actions_by_name
    opened.double_click(100, 80)
    opened.window.modes.choose("plain")
    assert actions["undo"].text() == "Undo note"
    actions["undo"].trigger()
    assert page.said == ["enter", "undo"]
    assert len(opened.tracks()) == 1
    assert not actions["redo"].isEnabled()
    assert not actions["tool_pin"].isVisible()
    assert not actions["tool_pin"].isEnabled()
    opened.window.status.zoom.click()
    assert page.said[-1] == "fit"
    opened.window.modes.choose("animate")
    assert actions["undo"].text() == "Undo set pin"
    assert actions["tool_pin"].isEnabled()


def test_menus_when_in_a_mode_then_those_of_the_film_are_gone(opened, page):
    def shown():
        bar = opened.window.menuBar()
        return {a.text().replace("&", "") for a in bar.actions() if a.isVisible()}

    assert {"Track", "Play", "File"} <= shown()
    opened.window.modes.choose("plain")
    assert "File" in shown()
    assert not {"Track", "Play"} & shown()
    QTest.keyClick(opened.window, Qt.Key.Key_F2)
    assert opened.studio.modes.current == "animate"
    assert {"Track", "Play"} <= shown()


def test_question_when_asked_then_answered_on_the_worker_and_the_film_waits(qtbot, opened, page):
    class Question:
        def __call__(self, predictor, is_interrupted):
            return threading.current_thread().name, predictor is opened.predictor

    opened.window.modes.choose("plain")
    assert opened.studio.worker.holds_frames
    question = Question()
    with qtbot.waitSignal(opened.studio.worker.question_answered) as caught:
        opened.studio.worker.ask(question)
    answer = caught.args[0]
    assert answer.question is question
    assert answer.value == ("predictor", True)
    with qtbot.waitSignal(opened.studio.worker.question_answered):
        opened.studio.worker.ask_ahead(question)


def test_question_when_it_fails_then_one_sentence(qtbot, opened, page):
    def question(_predictor, _is_interrupted):
        raise ValueError("no")

    with qtbot.waitSignal(opened.studio.worker.question_failed) as caught:
        opened.studio.worker.ask(question)
    assert caught.args[0] is question
    assert caught.args[1]
