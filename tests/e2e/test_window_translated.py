"""The window in another language: a message file made by the real tools, found by `main`.

Its words are the English ones in brackets, so that what is not translated is seen.
"""

import re
import runpy
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QTabBar,
    QWidget,
)

import cmp_studio.services.motion_backend as backend
from cmp_studio.services.preferences import Preferences
from cmp_studio.widgets.keys_dialogs import KeysDialog
from tests.cmp_studio.fakes import fake_engine, photo_bytes
from tests.e2e.window_driver import click_on, drag, is_ready, run

ROOT = Path(__file__).parents[2]

QT_WORDS = {
    "Lösen", "Schließen", "Nach links scrollen", "Nach rechts scrollen",
    "Geben Sie ein Tastenkürzel ein",
    "Löst das Dock-Widget und verankert es wieder", "Schließt das Dock-Widget",
}  # fmt: skip
"""What Qt itself says in German of docks, tabs and keys."""

PLAIN = re.compile(
    r"^(CMP Studio|photo|object|default|Processor( · default)?|Creature|Machine|Marionette"
    r"|.*\.(png|gif|mp4|cmps)|/.*|[\W\d]*(px|fps|ms|MB|x|s)?"
    r")$"
)
"""What is the same in every language: names, numbers with units."""


@pytest.fixture
def language(qapp, home, monkeypatch, tmp_path):
    """A message file for German with bracketed words in the user's folder, and asked for."""
    update = runpy.run_path(str(ROOT / "assets" / "translations" / "update.py"))
    if not Path(sys.executable).with_name("pyside6-lupdate").exists():
        pytest.skip("pyside6-lupdate is not beside this Python")
    target = tmp_path / "cmp_studio_de.ts"
    update["collect"](target)
    tree = ET.parse(target)
    for message in tree.iter("message"):
        source, translation = message.find("source"), message.find("translation")
        translation.attrib.pop("type", None)
        words = f"[{source.text}]"
        forms = translation.findall("numerusform")
        for form in forms:
            form.text = words
        if not forms:
            translation.text = words
    tree.write(target, encoding="utf-8", xml_declaration=True)
    update["release"](target)
    folder = home / "translations"
    folder.mkdir(parents=True)
    (tmp_path / "cmp_studio_de.qm").rename(folder / "cmp_studio_de.qm")
    preferences = Preferences()
    preferences.set_text("window/language", "de")
    preferences.save()
    monkeypatch.setattr(backend, "load_engine", fake_engine)


def texts_of(widget):
    """What a widget says."""
    found = [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
    if isinstance(widget, QLabel | QAbstractButton):
        found.append(widget.text())
    if isinstance(widget, QLineEdit):
        found.append(widget.placeholderText())
    if isinstance(widget, QComboBox):
        found += [widget.itemText(i) for i in range(widget.count())]
    if isinstance(widget, QListWidget):
        found += [widget.item(i).text() for i in range(widget.count())]
    if isinstance(widget, QTabBar):
        found += [widget.tabText(i) for i in range(widget.count())]
    if isinstance(widget, QDialog | QDockWidget):
        found.append(widget.windowTitle())
    return [line for text in found for line in text.splitlines()]


def is_keys(text):
    """Whether a text is keys, by the names that Qt has for them."""
    native = QKeySequence.SequenceFormat.NativeText
    parts = text.split("  ")
    return all(QKeySequence.fromString(part, native).toString(native) == part for part in parts)


def english_of(window):
    """Everything in the window that has words without brackets."""
    found = {text for widget in window.findChildren(QWidget) for text in texts_of(widget)}
    for menu in window.menuBar().actions():
        found.add(menu.text())
        found |= {action.text() for action in menu.menu().actions()}
    return untranslated(found)


def untranslated(texts):
    """Those that have words without brackets."""
    ours = {text for text in texts if not {"[", "]"} & set(text)} - QT_WORDS
    return {text for text in ours if not PLAIN.match(text) and not is_keys(text)}


def test_window_when_there_is_a_message_file_then_every_word_comes_from_it(
    language, qapp, tmp_path
):
    photo = tmp_path / "photo.png"
    photo.write_bytes(photo_bytes(160, 120))
    seen = {}

    def script(window):
        yield lambda: window.studio.session.scene is not None
        yield is_ready(window)
        studio = window.studio
        seen["menu"] = [action.text() for action in window.menuBar().actions()]
        seen["empty"] = english_of(window)
        drag(window, (60, 60), (90, 50))
        session = studio.session
        session.add_pin((20.0, 100.0))
        session.apply(session.with_path(((10.0, 10.0), (20.0, 30.0), (40.0, 10.0))), "[Path]")
        for track in session.scene.tracks:
            session.select([track.id])
            seen[track.kind] = english_of(window)
        studio.layers.new_group()
        seen["undo"] = [window.actions_by_name["undo"].text()]
        for name in ("export", "exports", "weights", "keys", "shortcuts", "about", "first_steps"):
            window.actions_by_name[name].trigger()
            yield lambda: True
            seen[name] = english_of(window)
            for sheet in window.findChildren(KeysDialog):
                for mode in ("annotate", "probe"):
                    sheet.choice.button(mode).click()
                    seen[f"keys in {mode}"] = english_of(window)
            for dialog in window.findChildren(QDialog):
                dialog.close()
        window.coach_marks.skip_button.click()
        for name in ("annotate", "probe"):
            window.modes.choose(name)
            yield lambda: True
            seen[name] = english_of(window) | untranslated([window.status.hint.text()])
        window.modes.choose("animate")
        yield is_ready(window)

    assert run(script, photo) == 0
    assert seen.pop("menu")[:2] == ["[&File]", "[&Edit]"]
    assert seen.pop("undo") == ["[Undo] [New layer]"]
    assert {"keys", "keys in annotate", "keys in probe"} <= set(seen)
    left = {place: words for place, words in seen.items() if words}
    assert left == {}, left


def test_sentences_when_they_come_from_below_the_window_then_translated_with_their_values(
    language, qapp, tmp_path
):
    photo, damaged = tmp_path / "photo.png", tmp_path / "broken.png"
    photo.write_bytes(photo_bytes(160, 120))
    damaged.write_bytes(photo.read_bytes()[:200])

    def script(window):
        yield lambda: window.studio.session.scene is not None
        yield is_ready(window)
        studio, hint = window.studio, window.status.hint
        drag(window, (60, 60), (90, 50))
        window.actions_by_name["switch"].trigger()
        yield lambda: studio.advice.sentence != ""
        assert hint.text().endswith("[Every track is switched off, so nothing moves]")

        studio.session.mark_saved(None, studio.session.scene)  # or it would be asked about
        window.desk.open(damaged)
        yield lambda: window.findChild(QMessageBox) is not None
        box = window.findChild(QMessageBox)
        assert re.fullmatch(r"\[broken\.png is .*\]", box.text()), box.text()
        box.close()
        assert studio.session.scene is not None

        window.modes.choose("probe")
        page, prober = window.modes.page, studio.prober
        click_on(page.canvas, 60, 60)
        yield lambda: prober.shown is not None and not prober.is_waiting
        found = page.panel.found
        assert re.fullmatch(
            r"\[[\d.]+ % of the picture follows at least by half\.\]", found.sentence.text()
        )
        assert "[follows by half]" in found.names.text()
        assert "[pull x]" in found.names.text()
        page.on_snapshot()
        window.modes.choose("animate")
        yield is_ready(window)

    assert run(script, photo) == 0


def test_window_when_there_is_none_for_the_language_then_english(qapp, monkeypatch, tmp_path):
    preferences = Preferences()
    preferences.set_text("window/language", "de")
    preferences.save()
    monkeypatch.setattr(backend, "load_engine", fake_engine)
    photo = tmp_path / "photo.png"
    photo.write_bytes(photo_bytes(160, 120))

    def script(window):
        yield is_ready(window)
        assert window.menuBar().actions()[0].text() == "&File"

    assert run(script, photo) == 0
