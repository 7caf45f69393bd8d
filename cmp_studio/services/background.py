"""Short jobs off the GUI thread: reading a picture, writing a scene, listing weights."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.thread_priority import step_back
from cmp_studio.services.window_work import give_way

log = logging.getLogger(__name__)


class BackgroundTask(QObject):
    """One call that runs on the background thread.

    Thread: lives on the GUI thread; connect bound methods of QObjects.

    Signals:
        done(result): The call returned.
        failed(error): The call raised; an `Exception`.
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, call: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._call = call

    def run(self) -> None:
        """Make the call, once, and emit what came of it. Thread: the background thread."""
        call, self._call = self._call, _nothing
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - the border of a thread: reported, not lost
            log.info("background task failed: %s", error)
            self.failed.emit(error)
        else:
            self.done.emit(result)


def _nothing() -> None:
    """Stand in for a call that was made, so that what it holds can go."""


class Background(QObject):
    """A thread that makes calls one after the other.

    Signals:
        busy_changed(): Some call runs or waits, or none does any more; read `is_busy`.
        ran(task): This `BackgroundTask` has emitted what came of it, and can go.
    """

    busy_changed = Signal()
    ran = Signal(object)

    def __init__(self, parent: QObject | None = None, *, name: str = "background") -> None:
        super().__init__(parent)
        self._queue: queue.SimpleQueue[BackgroundTask | None] = queue.SimpleQueue()
        self._open = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._is_started = False
        self._is_stopped = False
        self.ran.connect(self.on_ran)

    @property
    def is_busy(self) -> bool:
        """Whether a call runs or waits."""
        with self._lock:
            return self._open > 0

    def submit(
        self,
        call: Callable[[], object],
        *,
        done: Callable[[object], None] | None = None,
        failed: Callable[[object], None] | None = None,
    ) -> None:
        """Queue ``call``; ``done`` or ``failed`` (bound methods of QObjects) hear of it.

        After `stop` nothing is called: a signal that was still on its way may ask for work while
        the program ends.
        """
        if self._is_stopped:
            return
        task = BackgroundTask(call, self)
        if done is not None:
            task.done.connect(done)
        if failed is not None:
            task.failed.connect(failed)
        with self._lock:
            self._open += 1
            is_first = self._open == 1
        if is_first:
            self.busy_changed.emit()
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        self._queue.put(task)

    def stop(self, timeout: float = 10.0) -> bool:
        """Finish what is queued, end the thread and wait for it, ``timeout`` seconds at most."""
        self._is_stopped = True
        if not self._is_started:
            return True
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def on_ran(self, task: BackgroundTask) -> None:
        """Delete a task on its own thread, now that the other one is done with it."""
        task.deleteLater()

    def _run(self) -> None:
        step_back()
        give_way()
        while (task := self._queue.get()) is not None:
            task.run()
            self.ran.emit(task)
            with self._lock:
                self._open -= 1
                is_idle = self._open == 0
            if is_idle:
                self.busy_changed.emit()
