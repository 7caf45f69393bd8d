import threading

from PySide6.QtWidgets import QFileDialog

import cmp_engine.weights as engine_weights
from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.errors import Cancelled
from cmp_engine.weights import save_model


def test_weights_when_added_from_a_file_then_listed_and_taken(qtbot, opened, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    save_model(build_network(preset("alexnet_plain")), path, metadata={"recipe": "test"})
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    with qtbot.waitSignal(opened.studio.weights.added, timeout=60_000):
        opened.trigger("import_weights")
    menu = opened.window.actions_by_name.submenus["@weights"]
    qtbot.waitUntil(lambda: "mine" in [action.text() for action in menu.actions()])
    qtbot.waitUntil(lambda: opened.studio.preview.engine.choice.weights == "mine")
    assert opened.studio.preferences.text("engine/weights", "") == "mine"


def test_download_when_stopped_then_the_bar_goes(qtbot, opened, monkeypatch):
    began = threading.Event()

    def fetch(progress, cancel):
        progress(50_000_000, 200_000_000)
        began.set()
        while not cancel():
            pass
        raise Cancelled("Stopped.")

    monkeypatch.setattr(engine_weights, "fetch_weights", fetch)
    opened.trigger("fetch_weights")
    qtbot.waitUntil(began.is_set)
    dialog = opened.window.commands.weights_dialog
    qtbot.waitUntil(lambda: "50 of 200 MB" in dialog.state.text())
    assert dialog.bar.isVisible()
    dialog.fetch_button.click()
    qtbot.waitUntil(lambda: not opened.studio.weights.is_fetching)
    qtbot.waitUntil(lambda: not dialog.bar.isVisible())
    assert dialog.fetch_button.text() == "Download…"


def test_menus_when_a_letter_is_underlined_then_it_is_the_only_one_of_its_menu(hand):
    for title in hand.window.menuBar().actions():
        letters = [
            action.text()[action.text().index("&") + 1].lower()
            for action in title.menu().actions()
            if "&" in action.text() and action.isVisible()
        ]
        assert len(letters) == len(set(letters)), (title.text(), sorted(letters))
