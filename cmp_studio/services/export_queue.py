"""Films that are written one after the other while the work goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.export_job import ExportJob, ExportProgress, ExportSettings

ExportState = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One film of the queue, for showing.

    Attributes:
        number: Counts up over the life of the queue.
        settings: What is written.
        state: How it stands.
        progress: How far it is, or None before it began.
        sentence: Why it failed; empty otherwise.
        result: The film, once it is there.
    """

    number: int
    settings: ExportSettings
    state: ExportState = "waiting"
    progress: ExportProgress | None = None
    sentence: str = ""
    result: Path | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("done", "stopped", "failed")


class ExportQueue(QObject):
    """Runs one export at a time, in the order in which they were asked for.

    Thread: GUI thread only.

    Signals:
        changed(number): This row is another, or new, or gone.
        ended(number): This film is there, was stopped, or failed.
    """

    changed = Signal(int)
    ended = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._rows: dict[int, ExportRow] = {}
        self._jobs: dict[int, ExportJob] = {}
        self._running = 0

    @property
    def rows(self) -> tuple[ExportRow, ...]:
        """Every film, oldest first, with those that are over until `clear`."""
        return tuple(self._rows.values())

    @property
    def open_rows(self) -> tuple[ExportRow, ...]:
        """The films that run or wait."""
        return tuple(row for row in self._rows.values() if not row.is_over)

    @property
    def is_busy(self) -> bool:
        """Whether a film runs or waits."""
        return bool(self.open_rows)

    def row(self, number: int) -> ExportRow | None:
        """The film with this number, or None when it was cleared."""
        return self._rows.get(number)

    def add(self, job: ExportJob) -> int:
        """Queue a job that is not started; return its number."""
        self._number += 1
        self._jobs[self._number] = job
        self._rows[self._number] = ExportRow(self._number, job.settings)
        job.progressed.connect(self.on_progressed)
        job.succeeded.connect(self.on_succeeded)
        job.cancelled.connect(self.on_cancelled)
        job.failed.connect(self.on_failed)
        job.ended.connect(self.on_job_ended)
        number = self._number
        self.changed.emit(number)
        self._start_next()
        return number

    def is_writing_to(self, path: Path) -> bool:
        """Whether a film that runs or waits goes to this file."""
        return any(row.settings.path.absolute() == path.absolute() for row in self.open_rows)

    def cancel(self, number: int) -> None:
        """Stop a film, or take it out of the queue."""
        row, job = self._rows.get(number), self._jobs.get(number)
        if row is None or job is None or row.is_over:
            return
        job.cancel()
        if row.state == "waiting":
            self._end(number, "stopped")
            self._let_go(number)

    def cancel_all(self) -> None:
        """Stop everything."""
        for row in reversed(self.open_rows):  # the waiting ones first, so that none starts
            self.cancel(row.number)

    def stop(self) -> bool:
        """Stop everything and wait for its end; return whether it came."""
        self.cancel_all()
        return all(job.wait() for job in self._jobs.values())

    def clear(self) -> None:
        """Forget the films that are over; the files stay."""
        for row in self.rows:
            if row.is_over:
                del self._rows[row.number]
                self.changed.emit(row.number)

    def on_progressed(self, progress: object) -> None:
        """Show how far the running film is."""
        row = self._rows.get(self._running)
        if row is not None and isinstance(progress, ExportProgress):
            self._set(row, "running", progress=progress)

    def on_succeeded(self, path: object) -> None:
        """The film is there."""
        self._end(self._running, "done", result=Path(str(path)))

    def on_cancelled(self) -> None:
        """It was stopped."""
        self._end(self._running, "stopped")

    def on_failed(self, sentence: str) -> None:
        """It could not be written."""
        self._end(self._running, "failed", sentence=sentence)

    def on_job_ended(self) -> None:
        """Delete the jobs that have said their last word: each holds a photo and a scene."""
        for number in list(self._jobs):
            row = self._rows.get(number)
            if row is None or row.is_over:
                self._let_go(number)

    def _let_go(self, number: int) -> None:
        job = self._jobs.pop(number)
        job.wait()  # at most the end of the call that emitted its last signal
        job.deleteLater()

    def _start_next(self) -> None:
        if self._running:
            return
        waiting = next((row for row in self._rows.values() if row.state == "waiting"), None)
        if waiting is not None:
            self._running = waiting.number
            self._set(waiting, "running")
            self._jobs[waiting.number].start()

    def _end(
        self, number: int, state: ExportState, *, sentence: str = "", result: Path | None = None
    ) -> None:
        row = self._rows.get(number)
        if number == self._running:
            self._running = 0
        if row is not None:
            self._set(row, state, progress=row.progress, sentence=sentence, result=result)
            self.ended.emit(number)
        self._start_next()

    def _set(
        self,
        row: ExportRow,
        state: ExportState,
        *,
        progress: ExportProgress | None = None,
        sentence: str = "",
        result: Path | None = None,
    ) -> None:
        changed = ExportRow(row.number, row.settings, state, progress, sentence, result)
        self._rows[row.number] = changed
        self.changed.emit(row.number)
