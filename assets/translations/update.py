"""Collects the words of the window into a translation, and makes a message file of it.

    python assets/translations/update.py LANGUAGE [--release]

Words are those in calls of ``tr`` and ``mark``, the tables of commands and modes, which are
translated where they are shown, and the templates of sentences and errors of the layers below the
window.
"""

from __future__ import annotations

import argparse
import ast
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cmp_studio"
BELOW = (ROOT / "cmp_engine", PACKAGE / "document", PACKAGE / "pipeline")
"""What speaks English only, in templates that the window can translate."""


def table_words() -> list[str]:
    """Return the words of the tables: commands, menus, gestures, modes."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Command", "Mode"):
                found += [text for text in _texts(node) if _is_for_people(text)]
    from cmp_studio.widgets import command_table

    found += [title for title, _ in command_table.MENUS]
    found += command_table.SUBMENU_TITLES.values()
    for name, table in vars(command_table).items():
        if name.endswith("GESTURES"):
            found += [text for row in table for text in row]
    return list(dict.fromkeys(found))


def templates() -> list[str]:
    """Return the templates of sentences and errors of the layers below the window."""
    found = []
    for folder in BELOW:
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in speakers():
                    found += [text for text in _first_text(node) if _has_words(text)]
    return list(dict.fromkeys(found))


@cache
def speakers() -> frozenset[str]:
    """Names of what is called with a template: the sentence itself, and every error."""
    import cmp_engine.errors
    import cmp_studio.document.errors
    import cmp_studio.pipeline.errors
    from cmp_engine.sentences import Sentence

    modules = (cmp_engine.errors, cmp_studio.document.errors, cmp_studio.pipeline.errors)
    errors = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    return frozenset({Sentence.__name__, *errors})


def _first_text(node: ast.Call) -> Iterator[str]:
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value


def _has_words(template: str) -> bool:
    parts = "".join(part for part, _, _, _ in string.Formatter().parse(template))
    return any(map(str.isalpha, parts))


def _is_for_people(text: str) -> bool:
    return " " in text or "&" in text or text[:1].isupper()


def _texts(node: ast.Call) -> Iterator[str]:
    values = [*node.args[1:], *(k.value for k in node.keywords if k.arg in ("hint", "text"))]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def collect(target: Path) -> None:
    """Write or refresh a ``.ts`` file with every word of the window."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder) / "tables.py"
        lines = [f"tr({text!r})" for text in (*table_words(), *templates())]
        tables.write_text("\n".join(lines), encoding="utf-8")
        sources = [str(path) for path in sorted(PACKAGE.rglob("*.py"))]
        command = ["pyside6-lupdate", "-tr-function-alias", "QT_TR_NOOP+=mark", *sources]
        _run([*command, str(tables), "-ts", str(target), "-locations", "none", "-no-obsolete"])


def release(target: Path) -> None:
    """Make the message file of a ``.ts`` file, beside it."""
    _run(["pyside6-lrelease", str(target), "-qm", str(target.with_suffix(".qm"))])


def _run(command: list[str]) -> None:
    command[0] = str(Path(sys.executable).with_name(command[0]))
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", help="such as de or pt_BR")
    parser.add_argument("--release", action="store_true", help="make the message file")
    options = parser.parse_args()
    target = ROOT / "assets" / "translations" / f"cmp_studio_{options.language}.ts"
    if options.release:
        release(target)
    else:
        collect(target)


if __name__ == "__main__":
    main()
