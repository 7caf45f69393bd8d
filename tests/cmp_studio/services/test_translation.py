import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

from cmp_studio.services.translation import Words, load_translators, mark, tr


class Shouting(QTranslator):
    """Every text in capitals, and plurals by a rule that English has not."""

    def translate(self, context, text, disambiguation=None, n=-1):
        if n == 0:
            return "NONE"
        return text.replace("%n", str(n)).upper()

    def isEmpty(self):
        return False


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
