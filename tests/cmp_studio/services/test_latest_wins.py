import threading

import pytest

from cmp_studio.services.latest_wins import Interrupted, LatestWinsRunner


class Gate:
    """Work that a test lets through one by one."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self.seen = []
        self.interrupted = []

    def __call__(self, job, is_interrupted):
        self.seen.append(job.request)
        self.begun.release()
        assert self.let.acquire(timeout=10)
        self.interrupted.append(is_interrupted())
        if isinstance(job.request, Exception):
            raise job.request
        return f"answer to {job.request}"

    def wait_begun(self):
        assert self.begun.acquire(timeout=10)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def runner(qtbot, gate):
    made = LatestWinsRunner(gate, lanes=2)
    made.start()
    yield made
    for _ in range(10):
        gate.let.release()
    assert made.stop()


def answers_of(runner):
    answers = []
    runner.answered.connect(lambda job, answer: answers.append((job.number, answer)))
    return answers


def test_submit_when_many_wait_then_only_the_newest_is_worked_on(qtbot, runner, gate):
    answers = answers_of(runner)
    runner.submit("a")
    gate.wait_begun()
    for request in "bcd":
        runner.submit(request)
    gate.let.release()
    gate.let.release()
    qtbot.waitUntil(lambda: len(answers) == 2)
    assert gate.seen == ["a", "d"]
    assert [answer for _, answer in answers] == ["answer to a", "answer to d"]


def test_submit_when_lane_0_waits_then_it_is_served_before_lane_1(qtbot, runner, gate):
    runner.submit("first", lane=1)
    gate.wait_begun()
    runner.submit("film", lane=1)
    runner.submit("pose", lane=0)
    for _ in range(3):
        gate.let.release()
    qtbot.waitUntil(lambda: not runner.is_busy)
    assert gate.seen == ["first", "pose", "film"]


def test_interruption_when_an_earlier_lane_waits_then_set(qtbot, runner, gate):
    runner.submit("film", lane=1)
    gate.wait_begun()
    runner.submit("pose", lane=0)
    gate.let.release()
    gate.let.release()
    qtbot.waitUntil(lambda: not runner.is_busy)
    assert gate.interrupted == [True, False]


def test_invalidate_when_running_then_its_answer_is_dropped(qtbot, runner, gate):
    answers = answers_of(runner)
    runner.submit("old")
    gate.wait_begun()
    runner.invalidate()
    runner.submit("new")
    gate.let.release()
    gate.let.release()
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert answers[0][1] == "answer to new"


def test_failure_when_work_raises_then_reported_and_no_longer_busy(qtbot, runner, gate):
    error = ValueError("no")
    failures = []
    runner.failed.connect(failures.append)
    runner.submit(error)
    gate.let.release()
    qtbot.waitUntil(lambda: bool(failures))
    qtbot.waitUntil(lambda: not runner.is_busy)
    assert failures[0].error is error


def test_cancel_when_waiting_then_never_worked_on(qtbot, runner, gate):
    runner.submit("a")
    gate.wait_begun()
    runner.submit("b")
    runner.cancel(0)
    gate.let.release()
    qtbot.waitUntil(lambda: not runner.is_busy)
    assert gate.seen == ["a"]


def test_stop_when_never_started_then_true(qtbot, gate):
    assert LatestWinsRunner(gate).stop()


def test_interrupted_work_when_nothing_newer_then_taken_up_again(qtbot):
    rounds = []

    def work(job, is_interrupted):
        rounds.append(job.request)
        if job.request == "film" and rounds.count("film") == 1:
            runner.submit("pose", lane=0)
            raise Interrupted
        return

    runner = LatestWinsRunner(work, lanes=2)
    runner.start()
    runner.submit("film", lane=1)
    qtbot.waitUntil(lambda: rounds == ["film", "pose", "film"] and not runner.is_busy)
    assert runner.stop()
