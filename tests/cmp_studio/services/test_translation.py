import logging
import re

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

from cmp_engine.errors import ImageError
from cmp_engine.sentences import Sentence
from cmp_studio.document.errors import SceneFileError
from cmp_studio.document.scene import FilmSettings
from cmp_studio.services.error_report import ErrorReporter
from cmp_studio.services.probe_views import number_row
from cmp_studio.services.translation import Words, load_translators, mark, tr, translated
from cmp_studio.services.wording import sentence_of


class Shouting(QTranslator):
    """Every text but its {fields} in capitals, and plurals by a rule that English has not."""

    def translate(self, context, text, disambiguation=None, n=-1):
        if n == 0:
            return "NONE"
        parts = re.split(r"(\{[^}]*\})", text.replace("%n", str(n)))
        return "".join(part if part.startswith("{") else part.upper() for part in parts)

    def isEmpty(self):
        return False


class Made(QTranslator):
    """Exactly these texts."""

    def __init__(self, texts):
        super().__init__()
        self._texts = texts

    def translate(self, context, text, disambiguation=None, n=-1):
        return self._texts.get(text)

    def isEmpty(self):
        return False


@pytest.fixture
def speak(qapp):
    """Installs a made-up translation."""
    installed = []

    def install(texts):
        translator = Made(texts)
        QCoreApplication.installTranslator(translator)
        installed.append(translator)

    yield install
    for translator in installed:
        QCoreApplication.removeTranslator(translator)


@pytest.fixture
def shouting(qapp):
    translator = Shouting()
    QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)


def test_tr_when_there_is_no_translation_then_english_with_its_own_singular(qapp):
    assert tr("Hello {name}") == "Hello {name}"
    assert tr("%n tracks", "", 3, one="1 track") == "3 tracks"
    assert tr("%n tracks", "", 1, one="1 track") == "1 track"


def test_tr_when_there_is_one_then_its_words_and_forms(shouting):
    assert tr("Hello") == "HELLO"
    assert tr("%n tracks", "", 0) == "NONE"
    assert tr("%n tracks", "", 1, one="1 track") == "1 TRACKS"


def test_words_when_read_then_translated_at_that_moment(shouting):
    words = Words({"a": mark("Alpha"), "b": mark("Beta")})
    assert dict(words) == {"a": "ALPHA", "b": "BETA"}
    assert words.get("c", "none") == "none"


def test_load_translators_when_no_file_is_there_or_it_is_damaged_then_none(qapp, tmp_path):
    assert load_translators("de", [tmp_path / "nowhere", tmp_path]) == []
    (tmp_path / "cmp_studio_de.qm").write_bytes(b"nothing")
    assert load_translators("de", [tmp_path]) == []


STRENGTH = "Strength must be from 0 to {max_strength:g}, got {strength}."
DAMAGED = "{name} is damaged or cut off, so it can't be read; get the file anew."


def test_translated_when_there_is_no_translation_then_the_english_of_before(qapp):
    with pytest.raises(Exception, match="Strength") as caught:
        FilmSettings(strength=9)
    assert sentence_of(caught.value) == str(caught.value) == "Strength must be from 0 to 4, got 9."
    assert translated(Sentence("Nothing follows.")) == "Nothing follows."
    assert translated("any {text}") == "any {text}"
    assert translated("") == ""
    assert sentence_of(ValueError()) == "Something went wrong (ValueError)."


def test_translated_when_there_is_one_then_the_values_stand_where_it_wants_them(speak):
    speak({STRENGTH: "{strength} statt 0 bis {max_strength:g} als Stärke."})
    with pytest.raises(Exception, match="Strength") as caught:
        FilmSettings(strength=9)
    assert sentence_of(caught.value) == "9 statt 0 bis 4 als Stärke."


def test_translated_when_a_sentence_holds_another_then_both_are(speak):
    speak({DAMAGED: "{name} ist beschädigt.", "{name}: {error}": "In {name}: {error}"})
    inner = ImageError(DAMAGED, name="photo.png")
    outer = SceneFileError("{name}: {error}", name="a.cmps", error=inner)
    assert str(outer).startswith("a.cmps: photo.png is damaged")
    assert sentence_of(outer) == "In a.cmps: photo.png ist beschädigt."
    unknown = SceneFileError("Look at {name}: {error}", name="a.cmps", error=inner)
    assert sentence_of(unknown) == "Look at a.cmps: photo.png ist beschädigt."


@pytest.mark.parametrize("broken", ["{nam} ist beschädigt.", "{name", "{name.nothing}", "{0}"])
def test_translated_when_it_can_not_be_filled_in_then_english_and_a_line_in_the_log(
    speak, caplog, broken
):
    speak({DAMAGED: broken})
    error = ImageError(DAMAGED, name="photo.png")
    with caplog.at_level(logging.WARNING):
        assert sentence_of(error) == str(error)
    assert broken in caplog.text


def test_error_report_when_an_error_has_a_translation_then_the_dialog_gets_it(speak, caplog):
    speak({
        DAMAGED: "{name} ist beschädigt.",
        "Something went wrong inside CMP Studio: {sentence}": "Da ging etwas schief: {sentence}",
    })  # fmt: skip
    reporter = ErrorReporter()
    reports = []
    reporter.reported.connect(reports.append)
    with caplog.at_level(logging.ERROR):
        reporter.report(ImageError(DAMAGED, name="photo.png"))
    assert [report.sentence for report in reports] == [
        "Da ging etwas schief: photo.png ist beschädigt."
    ]
    assert "photo.png is damaged" in caplog.text  # the log stays English


def test_number_row_when_there_is_a_translation_then_name_and_kind_in_it(speak):
    speak({"part {number} share": "Anteil von Teil {number}", "kind": "Art", "rotate": "dreht"})
    assert number_row("part_3_share", 0.5) == ("Anteil von Teil 3", "50.0 %")
    assert number_row("kind", "rotate") == ("Art", "dreht")
    assert number_row("overlap", 0.25) == ("overlap", "0.25")
