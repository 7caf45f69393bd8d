"""Which weights there are, importing and fetching more, in the background."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from cmp_engine.errors import Cancelled
from cmp_studio.services.background import Background
from cmp_studio.services.translation import tr, translated
from cmp_studio.services.weights_facts import fact_rows
from cmp_studio.services.wording import sentence_of

OFFICIAL_NAME: Final = "cmp-official"


@dataclass(frozen=True, slots=True)
class WeightsRow:
    """One set of weights, for a menu.

    Attributes:
        name: What `load_model` takes.
        title: For people.
        is_there: Whether the file is on this machine.
        problem: Why it can't be used, or empty.
        size: Bytes of the file, or of what would be downloaded.
        facts: Labels and texts of what the file says about itself.
    """

    name: str
    title: str
    is_there: bool
    problem: str = ""
    size: int = 0
    facts: tuple[tuple[str, str], ...] = ()


class WeightsStore(QObject):
    """The weights on this machine. PyTorch is imported with the first call, in the background.

    Thread: GUI thread; the work is done on a thread of its own.

    Signals:
        listed(): `rows` is up to date.
        added(name): Weights were imported or fetched.
        progressed(done, total): Bytes fetched.
        failed(sentence): That did not work.
        busy_changed(): `is_busy` may be another.
    """

    listed = Signal()
    added = Signal(str)
    progressed = Signal(object, object)
    failed = Signal(str)
    busy_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self, name="weights")
        self._background.busy_changed.connect(self.busy_changed)
        self._cancel = threading.Event()
        self._rows: tuple[WeightsRow, ...] = ()
        self._is_fetching = False

    @property
    def rows(self) -> tuple[WeightsRow, ...]:
        """What was found by the last `refresh`."""
        return self._rows

    @property
    def is_fetching(self) -> bool:
        """Whether a download is under way."""
        return self._is_fetching

    def refresh(self) -> None:
        """Look again which weights there are."""
        self._background.submit(_list_rows, done=self.on_listed, failed=self.on_failed)

    def add_file(self, path: Path) -> None:
        """Take a published checkpoint or a ``.safetensors`` file into the user's folder."""
        self._background.submit(_Import(path), done=self.on_added, failed=self.on_failed)

    def fetch_official(self) -> None:
        """Download and convert the checkpoint of the published demos."""
        self._cancel.clear()
        self._is_fetching = True
        self._background.submit(self._fetch, done=self.on_added, failed=self.on_failed)

    def cancel(self) -> None:
        """Stop the download; what is there is kept and resumed the next time."""
        self._cancel.set()

    def stop(self, timeout: float = 20.0) -> bool:
        """Stop the download and end the thread; return whether it has ended."""
        self._cancel.set()
        return self._background.stop(timeout)

    def on_listed(self, rows: object) -> None:
        """Keep the list."""
        if isinstance(rows, tuple):
            self._rows = rows
            self.listed.emit()

    def on_added(self, name: object) -> None:
        """Tell that there are new weights, and list again."""
        self._is_fetching = False
        self.added.emit(str(name))
        self.refresh()

    def on_failed(self, error: object) -> None:
        """Say what went wrong; a download that the user stopped is no failure."""
        self._is_fetching = False
        if isinstance(error, BaseException) and not isinstance(error, Cancelled):
            self.failed.emit(sentence_of(error))
        self.listed.emit()

    def _fetch(self) -> str:
        from cmp_engine.weights import fetch_weights

        return fetch_weights(progress=self._on_progress, cancel=self._cancel.is_set).name

    def _on_progress(self, done: int, total: int) -> None:
        self.progressed.emit(done, total)


@dataclass(frozen=True, slots=True)
class _Import:
    path: Path

    def __call__(self) -> str:
        from cmp_engine.weights import import_weights

        return import_weights(self.path, replace=True).name


def _list_rows() -> tuple[WeightsRow, ...]:
    from cmp_engine.weights import list_weights

    rows = []
    for entry in list_weights():
        title = (
            tr("{name} (published demos)").format(name=entry.name)
            if entry.name == OFFICIAL_NAME
            else entry.name
        )
        is_there = entry.path is not None
        facts = tuple(fact_rows(entry.metadata))
        if entry.path is not None:
            facts += ((tr("File"), str(entry.path)),)
        row = WeightsRow(
            entry.name, title, is_there, translated(entry.problem or ""), entry.size, facts
        )
        rows.append(row)
    return tuple(rows)
