"""The contracts in pyproject.toml catch what they are there for.

`make lint` runs them on the project itself; here they run on a small copy of its layout with one
forbidden import planted at a time, so that a contract that matches nothing is noticed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("document", "pipeline", "services", "widgets")
LINT = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture
def layout(tmp_path) -> Path:
    """Empty packages named like the project's, with its contracts."""
    folders = ["cmp_engine", "cmp_engine/modeling", "cmp_studio", "train"]
    folders += [f"cmp_studio/{layer}" for layer in LAYERS]
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_contracts(layout: Path) -> list[str]:
    """The names of the contracts that import-linter finds broken in ``layout``."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=layout,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    output = done.stdout + done.stderr
    assert "Contracts:" in output, output
    return re.findall(r"^(.*) BROKEN$", output, flags=re.MULTILINE)


def test_contracts_when_nothing_is_planted_then_all_hold(layout):
    assert broken_contracts(layout) == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("cmp_engine", "import cmp_studio.pipeline", "studio and train sit on top"),
        ("cmp_engine", "import train", "studio and train sit on top"),
        ("train", "import cmp_studio", "studio and train sit on top"),
        ("cmp_studio/document", "import cmp_studio.pipeline", "inside the studio"),
        ("cmp_studio/pipeline", "import cmp_studio.services", "inside the studio"),
        ("cmp_studio/services", "import cmp_studio.widgets", "inside the studio"),
        ("cmp_engine", "import PySide6.QtGui", "no Qt"),
        ("cmp_studio/pipeline", "from PySide6 import QtCore", "no Qt"),
        ("train", "import PySide6", "no Qt"),
        ("cmp_studio/document", "import torch", "the document model is plain Python"),
        ("cmp_studio/document", "import cmp_engine", "the document model is plain Python"),
        ("cmp_studio/widgets", "import cmp_engine", "widgets reach the model only"),
        ("cmp_engine/modeling", "import cv2", "network modules do no input or output"),
    ],
)
def test_contracts_when_an_import_is_planted_then_the_right_one_breaks(
    layout, module, line, contract
):
    (layout / module / "planted.py").write_text(line + "\n")
    assert any(name.startswith(contract) for name in broken_contracts(layout))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("cmp_studio/widgets", "import cmp_studio.services, PySide6.QtWidgets"),
        ("cmp_studio/pipeline", "import cmp_engine, cmp_studio.document"),
        ("train", "import cmp_engine, torch"),
    ],
)
def test_contracts_when_an_import_is_allowed_then_none_breaks(layout, module, line):
    (layout / module / "planted.py").write_text(line + "\n")
    assert broken_contracts(layout) == []
