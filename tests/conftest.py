"""What every test runs under: no screen, no user folders, no warnings, no leftovers.

Silence is required. A Python warning (``filterwarnings = error``), a Qt warning
(``qt_log_level_fail = WARNING``) or a log record of level WARNING or above fails the test that
caused it. A test that expects a record says so, by the marker
``@pytest.mark.expected_logs("pattern", ...)`` or by asking for ``caplog`` and looking itself; one
that expects a Qt message uses pytest-qt's ``@pytest.mark.qt_log_ignore("pattern")``.
"""

from __future__ import annotations

import itertools
import logging
import os
import random
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import hypothesis
import pytest

# Before anything imports Qt, torch or OpenCV: they read these once. (Neither import above does.)
os.environ["QT_QPA_PLATFORM"] = "offscreen"
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
_SESSION_HOME = tempfile.TemporaryDirectory(prefix="cmp-studio-tests-", ignore_cleanup_errors=True)
os.environ["CMP_STUDIO_HOME"] = _SESSION_HOME.name
for _variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
    os.environ[_variable] = str(Path(_SESSION_HOME.name) / _variable.lower())

ROOT = Path(__file__).parents[1]
SEED = 20190612
THREAD_GRACE_SECONDS = 5.0
_home_numbers = itertools.count()

hypothesis.settings.register_profile(
    "project", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("project")


def _data_folder() -> tuple[Path | None, str]:
    """Return the folder of pictures and clips to measure on, or why there is none."""
    named = os.environ.get("CMP_STUDIO_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder, ""
    how = "CMP_STUDIO_DATA names it" if named else "set CMP_STUDIO_DATA to the folder"
    return None, f"no pictures and clips at {folder} ({how})"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine can't run, with the reason."""
    if item.get_closest_marker("data") is not None:
        folder, reason = _data_folder()
        if folder is None:
            pytest.skip(reason)
    if item.get_closest_marker("cuda") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device on this machine")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of pictures and clips to measure on; skips where there is none."""
    folder, reason = _data_folder()
    if folder is None:
        pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user folder of the test's own (not created): preferences, autosaves, imported weights."""
    folder = tmp_path_factory.getbasetemp() / "homes" / str(next(_home_numbers))
    monkeypatch.setenv("CMP_STUDIO_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(SEED)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(SEED)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(SEED)


class _LoudRecords(logging.Handler):
    """Keeps every record of level WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_unexpected_logs(request: pytest.FixtureRequest):
    handler = _LoudRecords()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if "caplog" in request.fixturenames:
        return
    marker = request.node.get_closest_marker("expected_logs")
    patterns = marker.args if marker is not None else ()
    unexpected = [
        f"{record.levelname} {record.name}: {record.getMessage()}"
        for record in handler.records
        if not any(re.search(pattern, record.getMessage()) for pattern in patterns)
    ]
    if unexpected:
        pytest.fail("unexpected log records:\n" + "\n".join(unexpected), pytrace=False)


def _own_threads() -> set[threading.Thread]:
    # A Qt thread that ran Python shows up as a dummy for ever; Qt threads are checked below.
    return {t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)}


@pytest.fixture(autouse=True)
def _no_leaked_threads(monkeypatch: pytest.MonkeyPatch):
    before = _own_threads()
    qt_threads: list = []
    qt_core = sys.modules.get("PySide6.QtCore")
    if qt_core is not None:
        start = qt_core.QThread.start

        def start_and_remember(thread, *args):
            qt_threads.append(thread)
            return start(thread, *args)

        monkeypatch.setattr(qt_core.QThread, "start", start_and_remember)
    yield
    leaked = [f"QThread {t!r}" for t in qt_threads if _is_running(t)]
    limit = time.monotonic() + THREAD_GRACE_SECONDS
    for thread in _own_threads() - before:
        thread.join(max(0.0, limit - time.monotonic()))
        if thread.is_alive():
            leaked.append(f"{thread!r}")
    if qt_core is not None and not qt_core.QThreadPool.globalInstance().waitForDone(
        int(THREAD_GRACE_SECONDS * 1000)
    ):
        leaked.append("a runnable in Qt's global thread pool")
    if leaked:
        pytest.fail("threads still running after the test: " + ", ".join(leaked), pytrace=False)


@pytest.fixture(autouse=True)
def _no_leaked_windows():
    """What a test leaves on the screen is painted during the next one, in that one's language."""
    yield
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return
    left = [w for w in widgets.QApplication.topLevelWidgets() if w.isVisible()]
    for widget in left:
        widget.hide()
    if left:
        pytest.fail(f"windows still shown after the test: {left}", pytrace=False)


def _is_running(thread) -> bool:
    try:
        return bool(thread.isRunning())
    except RuntimeError:  # the C++ object is gone, and its thread with it
        return False
