"""One thread that works on the newest request of each lane and drops what came before.

A lane holds at most one waiting request; a newer one replaces it. Lane 0 is served first. A request
in a later lane that is interrupted by an earlier lane goes back to its place and starts again
afterwards, so its work should be cheap to repeat (frames that are already in a cache, say).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.thread_priority import step_back
from cmp_studio.services.window_work import give_way

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """Raised by the work when it stopped early because `Interruption.is_set` said so."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request with its number, lane and epoch; the unit that travels to the thread and back.

    Attributes:
        number: Counts up over the life of the runner; a higher number is newer.
        epoch: `LatestWinsRunner.invalidate` starts a new one; answers of an old one are dropped.
        lane: 0 is served first.
        request: Frozen, with everything that the work needs.
    """

    number: int
    epoch: int
    lane: int
    request: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that raised, and what it raised."""

    job: Job
    error: BaseException


class Work(Protocol):
    """What the thread does with a request: returns the answer, or emits parts on the way."""

    def __call__(self, job: Job, is_interrupted: Callable[[], bool]) -> object:
        """Do the work; raise `Interrupted` when ``is_interrupted()`` and it is not finished."""
        ...  # pragma: no cover


class LatestWinsRunner(QObject):
    """Runs one request at a time on its own thread; the newest of each lane wins.

    Thread: create, submit and stop on the GUI thread. ``work`` runs on the runner's thread. The
    signals are emitted there and reach slots of GUI-thread objects through the event loop.

    Signals:
        answered(job, answer): The work returned; never emitted for a job of an old epoch.
        failed(failure): The work raised something else than `Interrupted`.
        busy_changed(): Something runs or waits, or no longer does; read `is_busy`, because the news
            may be older than what was submitted since. A failed job clears it.
    """

    answered = Signal(object, object)
    failed = Signal(object)
    busy_changed = Signal()

    def __init__(
        self, work: Work, *, lanes: int = 1, name: str = "worker", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._work = work
        self._condition = threading.Condition()
        self._waiting: list[Job | None] = [None] * lanes
        self._running: Job | None = None
        self._superseded = False
        self._epoch = 0
        self._number = 0
        self._is_stopping = False
        self._is_busy = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_busy(self) -> bool:
        """Whether a request runs or waits."""
        with self._condition:
            return self._is_busy

    @property
    def epoch(self) -> int:
        """The current epoch; answers of earlier ones are dropped."""
        with self._condition:
            return self._epoch

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, request: object, *, lane: int = 0) -> int:
        """Put ``request`` into ``lane``, in the place of one that still waits there.

        Returns:
            The number of the job; answers carry it.
        """
        with self._condition:
            self._number += 1
            self._waiting[lane] = Job(self._number, self._epoch, lane, request)
            if self._running is not None and self._running.lane == lane:
                self._superseded = True
            number = self._number
            self._set_busy(is_busy=True)
            self._condition.notify()
        return number

    def cancel(self, lane: int) -> None:
        """Forget what waits in ``lane`` and interrupt what runs there."""
        with self._condition:
            self._waiting[lane] = None
            if self._running is not None and self._running.lane == lane:
                self._superseded = True
            self._settle()

    def invalidate(self) -> None:
        """Start a new epoch: forget all that waits, drop the answer of what runs."""
        with self._condition:
            self._epoch += 1
            self._waiting = [None] * len(self._waiting)
            self._superseded = True
            self._settle()

    def stop(self, timeout: float = 10.0) -> bool:
        """Ask the thread to end and wait for it.

        Args:
            timeout: Seconds to wait at most; a running request ends at its next interruption point.

        Returns:
            Whether the thread has ended.
        """
        with self._condition:
            self._is_stopping = True
            self._waiting = [None] * len(self._waiting)
            self._condition.notify()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("%s did not end within %.0f s", self._thread.name, timeout)
        return not self._thread.is_alive()

    def _is_interrupted(self) -> bool:
        with self._condition:
            running = self._running
            if self._is_stopping or running is None or self._superseded:
                return True
            return any(job is not None for job in self._waiting[: running.lane])

    def _run(self) -> None:
        step_back()
        give_way()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._is_stopping or any(self._waiting))
                if self._is_stopping:
                    self._running = None
                    return
                lane = next(i for i, job in enumerate(self._waiting) if job is not None)
                job = self._waiting[lane]
                self._waiting[lane] = None
                self._running = job
                self._superseded = False
            if job is not None:
                self._do(job)

    def _do(self, job: Job) -> None:
        outcome: tuple[str, object] | None = None
        try:
            outcome = ("answer", self._work(job, self._is_interrupted))
        except Interrupted:
            outcome = None
        except BaseException as error:  # noqa: BLE001 - the border of a thread: reported, not lost
            outcome = ("failure", error)
        with self._condition:
            is_stale = job.epoch != self._epoch or self._is_stopping
            is_wanted = not is_stale and not self._superseded
            if outcome is None and is_wanted and self._waiting[job.lane] is None:
                self._waiting[job.lane] = job
            self._running = None
        if outcome is not None and not is_stale:
            kind, value = outcome
            if kind == "answer":
                self.answered.emit(job, value)
            elif isinstance(value, BaseException):
                self.failed.emit(Failure(job, value))
        with self._condition:
            self._settle()

    def _settle(self) -> None:
        """Work out whether anything is left to do; the lock is held."""
        self._set_busy(is_busy=self._running is not None or any(self._waiting))

    def _set_busy(self, *, is_busy: bool) -> None:
        if is_busy != self._is_busy and not self._is_stopping:
            self._is_busy = is_busy
            self.busy_changed.emit()
