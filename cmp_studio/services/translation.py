"""Words in the user's language: what the window says goes through `tr`.

English is in the source. Another language is a Qt message file, ``cmp_studio_LANGUAGE.qm``, made as
``assets/translations/README.md`` tells; it is found in ``assets/translations`` or in the folder
``translations`` beside the preferences.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

import cmp_studio

KeyT = TypeVar("KeyT")

log = logging.getLogger(__name__)

_CONTEXT = ""
_NAME = "cmp_studio"


def tr(text: str, comment: str = "", n: int = -1, *, one: str = "") -> str:
    """Return a text of the window in the user's language.

    Fields such as ``{name}`` are filled in by the caller, after translation.

    Args:
        text: English. With ``n`` it holds ``%n`` where the number goes.
        comment: Tells the translator, and tells two uses of the same words apart.
        n: How many there are, for languages that have a form for it.
        one: The English words for ``n`` of 1.
    """
    found = QCoreApplication.translate(_CONTEXT, text, comment or None, n)
    if n == 1 and one and found == text.replace("%n", "1"):
        return one.replace("%n", "1")
    return found


def mark(text: str) -> str:
    """Return ``text`` as it is: it stands in a table, and is translated where it is shown."""
    return text


@runtime_checkable
class Templated(Protocol):
    """What a layer below the window says: a sentence, or an error, that knows how it was made.

    Attributes:
        template: English, with fields for the values.
        values: By name.
    """

    template: str
    values: Mapping[str, object]


def translated(said: object) -> str:
    """Return what a layer below the window says in the user's language.

    A template with values is translated and then filled in; values that are sentences or errors are
    translated, too. Anything else is translated where its text as a whole is known.

    Args:
        said: A sentence, or an error with its message.
    """
    if not isinstance(said, Templated):
        text = str(said)
        return tr(text) if text else ""
    template = tr(said.template) if said.template else ""
    if not said.values:
        return template
    values = {
        name: translated(value) if isinstance(value, Templated) else value
        for name, value in said.values.items()
    }
    try:
        return template.format(**values)
    except (LookupError, ValueError, TypeError, AttributeError):
        log.warning("this translation can't be filled in: %r", template)
        return str(said)


class Words(Mapping[KeyT, str]):
    """A table of marked words that gives them in the user's language.

    Args:
        english: The words, each of them marked.
    """

    def __init__(self, english: Mapping[KeyT, str]) -> None:
        self._english = dict(english)

    def __getitem__(self, key: KeyT) -> str:
        """The words for ``key`` in the user's language."""
        return tr(self._english[key])

    def __iter__(self) -> Iterator[KeyT]:
        """The keys in their order."""
        return iter(self._english)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._english)


def translation_folders(home: Path) -> list[Path]:
    """Return where message files may be: the user's folder, then those of the program."""
    package = Path(cmp_studio.__file__).parent
    places = (package / "assets", package.parent / "assets")
    return [home / "translations", *(place / "translations" for place in places)]


def load_translators(language: str, folders: list[Path]) -> list[QTranslator]:
    """Return translators for a language, the window's own last; none where there is no file.

    Args:
        language: Such as ``de`` or ``pt_BR``; empty for the one of the system.
        folders: Where to look for the window's words, the first that has them counts.
    """
    locale = QLocale(language) if language else QLocale.system()
    found = []
    qt, own = QTranslator(), QTranslator()
    qt_folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for folder in folders:
        if own.load(locale, _NAME, "_", str(folder)):
            # Qt's own words only with ours, so that no dialog speaks two languages.
            if qt.load(locale, "qtbase", "_", qt_folder):
                found.append(qt)
            found.append(own)
            break
    return found
