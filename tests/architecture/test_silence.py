"""tests/conftest.py fails the tests that it should, and only those."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PREAMBLE = """
import logging, os, random, threading, time
import pytest
from PySide6 import QtCore
log = logging.getLogger("any")
"""
QUIET = [
    "def test_it(): log.info('all is well')",
    "@pytest.mark.expected_logs('lost')\ndef test_it(): log.warning('lost %s', 3)",
    "def test_it(caplog): log.warning('lost')",
    "@pytest.mark.qt_log_ignore('bad')\ndef test_it(): QtCore.qWarning('bad')",
    "def test_it():\n  t = threading.Thread(target=time.sleep, args=(0.1,)); t.start()",
    "def test_it(qapp):\n  t = QtCore.QThread(); t.start(); t.quit(); t.wait()",
    "def test_it(home): assert os.environ['CMP_STUDIO_HOME'] == str(home) and not home.exists()",
    "import numpy\ndef test_it(): assert (random.random(), numpy.random.rand()) == "
    "(random.Random(20190612).random(), numpy.random.RandomState(20190612).rand())",
]
LOUD = [
    ("def test_it(): log.warning('lost')", "unexpected log records"),
    (
        "@pytest.mark.expected_logs('found')\ndef test_it(): log.error('lost')",
        "unexpected log records",
    ),
    ("def test_it(): QtCore.qWarning('bad')", "FAILED"),  # the summary leaves Qt's words out
    ("import warnings\ndef test_it(): warnings.warn('old')", "UserWarning: old"),
    (
        "def test_it(): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "threads still running",
    ),
    (
        "def test_it(qapp):\n  global t\n  t = QtCore.QThread(); t.start()\n"
        "def test_after(): t.quit(); t.wait()",
        "threads still running",
    ),
]


def outcomes(folder: Path, codes: list[str]) -> tuple[str, list[str]]:
    """Run pytest on ``codes`` under the project's configuration and conftest.

    Returns:
        The whole output, and for each code the summary line of its test, "" where it passed.
    """
    numbered = [code.replace("test_it", f"test_{n}_") for n, code in enumerate(codes)]
    file = folder / "test_planted.py"
    file.write_text("\n".join([PREAMBLE, *numbered, ""]))
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(ROOT), "-p", "tests.conftest", "-p", "no:cacheprovider", str(file)]
    output = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    ).stdout
    summary = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return output, [
        next((line for line in summary if f"::test_{n}_" in line), "") for n in range(len(codes))
    ]


def test_conftest_when_tests_are_quiet_then_they_pass(tmp_path):
    output, lines = outcomes(tmp_path, QUIET)
    assert lines == [""] * len(QUIET)
    assert f"{len(QUIET)} passed" in output


def test_conftest_when_tests_are_loud_then_each_fails_with_its_reason(tmp_path):
    output, lines = outcomes(tmp_path, [code for code, _ in LOUD])
    wrong = [
        (code, line) for (code, reason), line in zip(LOUD, lines, strict=True) if reason not in line
    ]
    assert wrong == [], output
