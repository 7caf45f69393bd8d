"""What a person reads in the window can be translated: no bare words are handed to Qt."""

from __future__ import annotations

import ast
import re
import runpy
import string
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TEXTS = {
    "setText": (0,), "setToolTip": (0,), "setWindowTitle": (0,), "setAccessibleName": (0,),
    "setAccessibleDescription": (0,), "setPlaceholderText": (0,), "setInformativeText": (0,),
    "setStatusTip": (0,), "setWhatsThis": (0,), "setTitle": (0,), "setTabText": (1,),
    "setLabelText": (0,), "setHeaderLabels": (0,), "setHorizontalHeaderLabels": (0,),
    "addAction": (0,), "addMenu": (0,), "addButton": (0,), "addTab": (1,), "addRow": (0,),
    "addItem": (0,), "QLabel": (0,), "QPushButton": (0,), "QAction": (0,), "QDockWidget": (0,),
    "QGroupBox": (0,), "QCheckBox": (0,), "QRadioButton": (0,), "QMessageBox": (1, 2),
    "drawText": (0, 1, 2, 3, 4), "getOpenFileName": (1, 3), "getOpenFileNames": (1, 3),
    "getSaveFileName": (1, 3), "getExistingDirectory": (1,), "question": (1, 2),
    "make_label": (0,), "make_button": (0,), "add_row": (0,), "add_dock": (1,),
    "NumberField": (0,), "SliderField": (0,), "Switch": (0,), "ChoiceBox": (0,), "Segments": (0,),
    "Section": (0,), "CoachStep": (0, 1), "show_message": (0,), "show_work": (0,),
    "on_warned": (0,), "show_problem": (1,), "apply": (1,), "preview": (1,), "adjust": (1,),
    "set_tracks": (1,), "set_film": (1,),
}  # fmt: skip
"""Calls that take words for people, and at which places."""

NAMES = {"CMP Studio"}

_WORD = re.compile(r"[A-Za-z]{2,}")
_UNIT = re.compile(r"^[\W\d_]*(px|fps|ms|MB|min)?[\W\d_]*$")


def bare_words(source: str) -> list[tuple[int, str]]:
    """Line and text of every literal with words that goes to a person without ``tr``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for place in TEXTS.get(name, ()):
            if place < len(node.args):
                found += [(node.lineno, text) for text in _literals(node.args[place])]
    return found


def _literals(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _literals(value)]
    if isinstance(node, ast.BinOp):
        return _literals(node.left) + _literals(node.right)
    if isinstance(node, ast.List | ast.Tuple):
        return [text for value in node.elts for text in _literals(value)]
    if isinstance(node, ast.JoinedStr):
        return [text for value in node.values for text in _literals(value)]
    if isinstance(node, ast.FormattedValue):
        return _literals(node.value)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return []
    text = node.value
    is_plain = text in NAMES or text.startswith("<") or _UNIT.match(text)
    return [] if is_plain or not _WORD.search(text) else [text]


@pytest.mark.parametrize("folder", ["widgets", "services"])
def test_words_when_handed_to_qt_then_translated(folder):
    offenders = [
        f"{path.name}:{line}: {text}"
        for path in sorted((ROOT / "cmp_studio" / folder).glob("*.py"))
        for line, text in bare_words(path.read_text(encoding="utf-8"))
    ]
    assert offenders == [], "put them into cmp_studio.services.translation.tr"


def test_fields_when_a_translated_text_is_filled_in_then_each_has_its_value():
    offenders = []
    for path in sorted((ROOT / "cmp_studio").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = _filled(node)
            if text is None:
                continue
            fields = {name for _, name, _, _ in string.Formatter().parse(text) if name}
            given = {keyword.arg for keyword in node.keywords}
            if fields != given:
                offenders.append(f"{path.name}:{node.lineno}: {sorted(fields ^ given)}")
    assert offenders == []


def _filled(node):
    """The text of ``tr("…").format(…)`` with values by name; None for anything else."""
    is_format = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"
    inner = node.func.value if is_format else None
    is_tr = isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "tr"
    if not is_tr or not isinstance(inner.args[0], ast.Constant):
        return None
    return inner.args[0].value


@pytest.fixture(scope="module")
def update():
    """The script that collects the words."""
    return runpy.run_path(str(ROOT / "assets" / "translations" / "update.py"))


def said_below(update):
    """Place and node of every sentence and error that the layers below the window make."""
    for folder in update["BELOW"]:
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(getattr(node, "func", None), "id", "")
                if isinstance(node, ast.Call) and name in update["speakers"]() and node.args:
                    yield f"{path.name}:{node.lineno}", node


def test_sentences_when_made_below_the_window_then_by_a_template_that_can_be_collected(update):
    places = {place: node.args[0] for place, node in said_below(update)}
    assert len(places) > 300
    assert [place for place, text in places.items() if isinstance(text, ast.JoinedStr)] == []


def test_fields_when_a_template_is_filled_in_below_the_window_then_each_has_its_value(update):
    offenders = []
    for place, node in said_below(update):
        given = {keyword.arg for keyword in node.keywords}
        if isinstance(node.args[0], ast.Constant) and None not in given:
            parsed = string.Formatter().parse(node.args[0].value)
            fields = {name for _, name, _, _ in parsed if name is not None}
            offenders += [f"{place}: {sorted(fields ^ given)}"] if fields != given else []
    assert offenders == []


def test_templates_when_collected_then_those_of_each_layer_are_there(update):
    found = update["templates"]()
    assert len(found) == len(set(found)) > 300
    for text in (
        "{name} is damaged or cut off, so it can't be read; get the file anew.",
        "{path} can't be read: {reason}.",
        "The part rotates about ({x:.0f}, {y:.0f}).",
        "turning share",
    ):
        assert text in found
    assert "{error}" not in found


@pytest.mark.parametrize(
    "source",
    [
        'label.setText("Hello there")',
        'label.setText(f"Hello {name}")',
        'label.setText("Yes" if is_on else tr("No"))',
        'self.add_row("Position", field)',
        'session.apply(scene, f"Move {what}")',
        'tree.setHeaderLabels(["Command", tr("Keys")])',
    ],
)
def test_bare_words_when_there_are_some_then_found(source):
    assert len(bare_words(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'label.setText(tr("Hello {name}").format(name=name))',
        'label.setText(f"{count} px")',
        'box.setWindowTitle("CMP Studio")',
        'self.add_row(mark("Position"), field)',
    ],
)
def test_bare_words_when_translated_or_a_unit_then_none(source):
    assert bare_words(source) == []
