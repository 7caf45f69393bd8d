"""House rules that neither ruff nor import-linter can express."""

from __future__ import annotations

import ast
import itertools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("cmp_engine", "cmp_studio", "train")
MAX_LINES = 500


def modules(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(tree: ast.AST) -> set[str]:
    """Every dotted name that the code imports, wherever in the module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_module_when_counted_then_has_at_most_500_lines():
    lengths = {
        name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in modules(*PACKAGES)
    }
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


def test_services_when_they_import_qt_then_only_its_core():
    offenders = {
        (name_of(path), name)
        for path in modules("cmp_studio/services")
        for name in imported_names(tree_of(path))
        if name.startswith("PySide6") and not name.startswith("PySide6.QtCore")
    }
    assert offenders == set()


def test_imports_when_written_then_absolute():
    offenders = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules(*PACKAGES, "tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert offenders == []


def test_print_when_called_then_only_at_a_command_line():
    """A module may print when it is one: ``__main__``, ``cli*``, or guarded by ``__main__``."""
    offenders = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules(*PACKAGES)
        if not _is_command_line(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert offenders == []


def _is_command_line(path: Path) -> bool:
    parts = path.relative_to(ROOT).with_suffix("").parts
    if any(part == "__main__" or part.startswith("cli") for part in parts):
        return True
    return any(
        isinstance(node, ast.If) and "__name__" in ast.dump(node.test)
        for node in tree_of(path).body
    )


def test_all_when_declared_then_lists_each_name_once_and_defines_it():
    offenders = []
    for path in modules(*PACKAGES):
        tree = tree_of(path)
        listed = _declared_all(tree)
        if listed is None:
            continue
        lazy = any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in tree.body)
        missing = [] if lazy else sorted(set(listed) - _top_level_names(tree))
        doubled = sorted({name for name in listed if listed.count(name) > 1})
        if missing or doubled:
            offenders.append((name_of(path), missing, doubled))
    assert offenders == []


def _declared_all(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            try:
                return list(ast.literal_eval(node.value))
            except ValueError:  # computed, for example from the table of lazy names
                return None
    return None


def _top_level_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    plain = [node for node in tree.body if not _opens_scope(node)]
    for node in itertools.chain.from_iterable(ast.walk(statement) for statement in plain):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return names | {n.name for n in tree.body if _opens_scope(n)}


def _opens_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def test_module_name_when_chosen_then_hides_no_standard_module():
    offenders = [
        name_of(p)
        for p in modules(*PACKAGES)
        if p.stem in sys.stdlib_module_names and not p.stem.startswith("__")
    ]
    assert offenders == []


def test_test_names_when_collected_then_unique_within_a_module():
    """A second function of the same name silently replaces the first."""
    offenders = []
    for path in modules("tests"):
        names = [n.name for n in tree_of(path).body if isinstance(n, ast.FunctionDef)]
        offenders += [(name_of(path), n) for n in set(names) if names.count(n) > 1]
    assert offenders == []


@pytest.mark.parametrize("exempt", ["type: ignore", "noqa"])
def test_exemption_when_made_then_carries_its_code_and_reason(exempt: str):
    marker = "# " + exempt
    offenders = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in modules(*PACKAGES, "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marker in line and not _has_code_and_reason(line.split(marker, 1)[1])
    ]
    assert offenders == []


def _has_code_and_reason(rest: str) -> bool:
    code, _, reason = rest.partition("#")
    has_code = code.strip().startswith(("[", ":"))
    # The reason may follow the codes without a second hash: "noqa: BLE001 - a thread's border".
    words = reason.split() or code.strip().lstrip(":[").split()[1:]
    return has_code and bool(words)
