from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal

from cmp_studio.services.export_job import ExportProgress, ExportSettings
from cmp_studio.services.export_queue import ExportQueue
from cmp_studio.widgets.exports_panel import state_text


class Job(QObject):
    """An export that a test drives by hand."""

    progressed = Signal(object)
    succeeded = Signal(object)
    cancelled = Signal()
    failed = Signal(str)
    ended = Signal()

    def __init__(self, name):
        super().__init__()
        self.settings = ExportSettings(Path(f"/films/{name}"), "gif", (10, 10), 8.0, 1.0)
        self.is_started = self.is_cancelled = False

    def start(self):
        self.is_started = True

    def cancel(self):
        self.is_cancelled = True

    def wait(self):
        return self.is_cancelled


@pytest.fixture
def queue(qtbot):
    return ExportQueue()


def test_queue_when_two_are_added_then_one_after_the_other(queue):
    jobs = [Job("a.gif"), Job("b.gif")]
    numbers = [queue.add(job) for job in jobs]
    assert [job.is_started for job in jobs] == [True, False]
    assert queue.is_writing_to(Path("/films/b.gif"))
    jobs[0].progressed.emit(ExportProgress(3, 8, 12.0))
    assert state_text(queue.row(numbers[0])) == "3 of 8 · 12 s left"
    assert "Waits" in state_text(queue.row(numbers[1]))
    jobs[0].succeeded.emit(Path("/films/a.gif"))
    assert jobs[1].is_started
    jobs[1].failed.emit("The disk is full.")
    assert [row.state for row in queue.rows] == ["done", "failed"]
    assert state_text(queue.rows[1]) == "The disk is full."
    assert not queue.is_busy
    queue.clear()
    assert queue.rows == ()


def test_queue_when_all_are_stopped_then_none_starts(queue):
    jobs = [Job("a.gif"), Job("b.gif"), Job("c.gif")]
    for job in jobs:
        queue.add(job)
    queue.cancel_all()
    jobs[0].cancelled.emit()
    assert all(job.is_cancelled for job in jobs)
    assert [job.is_started for job in jobs] == [True, False, False]
    assert {row.state for row in queue.rows} == {"stopped"}


def test_jobs_when_they_are_over_then_deleted_with_what_they_hold(qtbot, queue):
    jobs = [Job("a.gif"), Job("b.gif"), Job("c.gif")]
    gone = []
    for job in jobs:
        job.destroyed.connect(lambda _=None, name=job.settings.path.name: gone.append(name))
        number = queue.add(job)
    queue.cancel(number)
    jobs[0].succeeded.emit(Path("/films/a.gif"))
    jobs[0].ended.emit()
    qtbot.waitUntil(lambda: len(gone) == 2)
    assert sorted(gone) == ["a.gif", "c.gif"]
    assert jobs[1].is_started


def test_stop_when_a_job_started_after_others_then_waits_for_it(queue):
    jobs = [Job("a.gif"), Job("b.gif"), Job("c.gif")]
    for job in jobs:
        queue.add(job)
    jobs[0].succeeded.emit(Path("/films/a.gif"))
    jobs[0].ended.emit()
    waited = []
    jobs[1].wait = lambda: waited.append("b.gif") or False
    assert not queue.stop()
    assert waited == ["b.gif"]
    assert not jobs[2].is_started
