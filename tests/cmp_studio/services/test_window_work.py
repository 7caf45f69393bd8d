import sys
import threading
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication

from cmp_studio.services.background import Background
from cmp_studio.services.latest_wins import LatestWinsRunner
from cmp_studio.services.window_work import (
    GRACE_SECONDS,
    PATIENCE_SECONDS,
    WINDOW_WORK,
    WindowWork,
    WorkEnd,
    give_way,
)


def step():
    """What a thread that computes enters all the time."""


class Thread:
    """Counts until it is told to end."""

    def __init__(self, work):
        self.count, self._is_wanted, self._work = 0, True, work
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_wanted = False
        self._thread.join()

    def _run(self):
        give_way(self._work)
        while self._is_wanted:
            step()
            self.count += 1

    def stands_still(self):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            before = self.count
            time.sleep(0.05)
            if self.count == before:
                return True
        return False

    def goes_on(self):
        before, until = self.count, time.monotonic() + 5
        while self.count < before + 1000:
            if time.monotonic() > until:
                return False
            time.sleep(0.001)
        return True


def test_give_way_when_the_window_works_long_then_waits_and_goes_on(monkeypatch):
    import cmp_studio.services.window_work as module

    monkeypatch.setattr(module, "PATIENCE_SECONDS", 30.0)
    work = WindowWork()
    with Thread(work) as thread:
        assert thread.goes_on()
        with work:
            time.sleep(GRACE_SECONDS * 3)
            assert thread.stands_still()
            with work:  # a piece inside a piece ends nothing
                pass
            assert thread.stands_still()
        assert thread.goes_on()


def test_give_way_when_the_window_waits_itself_then_patience_ends():
    work = WindowWork()
    with Thread(work) as thread:
        with work:
            time.sleep(PATIENCE_SECONDS * 2)
            assert thread.goes_on()
        with work:  # the next piece is waited for again
            assert thread.goes_on()


def test_work_when_it_fails_then_it_is_over_all_the_same():
    work, numbers = WindowWork(), []

    def fail():
        with work:
            numbers.append(work.number)
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        fail()
    numbers.append(work.number)
    with work:
        numbers.append(work.number)
    assert numbers == [1, 0, 2]


def test_give_way_when_a_profiler_is_at_work_then_it_stays():
    found = []

    def profiler(*_):
        pass

    def run():
        sys.setprofile(profiler)
        give_way(WindowWork())
        found.append(sys.getprofile())
        sys.setprofile(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [profiler]


def test_background_gives_way_and_this_thread_does_not(qtbot):
    background, found = Background(), []
    background.submit(lambda: found.append(sys.getprofile()))
    assert background.stop()
    assert found[0] is not None
    assert sys.getprofile() is None


def test_dialog_when_it_handles_an_event_then_the_window_is_at_work(qtbot):
    from cmp_studio.widgets.dialog import Dialog

    seen = []

    class Told(Dialog):
        def changeEvent(self, _event):
            seen.append(WINDOW_WORK.number)

    dialog = Told()
    qtbot.addWidget(dialog)
    seen.clear()
    QApplication.sendEvent(dialog, QEvent(QEvent.Type.LanguageChange))
    assert [bool(number) for number in seen] == [True]
    assert WINDOW_WORK.number == 0


class Receiver(QObject):
    """Notes whether the window is at work when an event comes, and posts another one."""

    def __init__(self, work):
        super().__init__()
        self.seen, self._work = [], work

    def customEvent(self, event):
        self.seen.append(bool(self._work.number))
        if len(self.seen) < 3:
            post(self)


def post(receiver):
    low = Qt.EventPriority.LowEventPriority.value  # as Qt posts repaints
    QCoreApplication.postEvent(receiver, QEvent(QEvent.Type.User), low)


def test_work_end_when_something_was_posted_then_it_belongs_to_the_piece(qapp):
    work = WindowWork()
    end, receiver = WorkEnd(work), Receiver(work)
    with work:
        post(receiver)
        with work:
            pass
    with work:
        number = work.number
    assert number == 2  # each piece is a new one, though the first has not ended
    for _ in range(3):  # what is posted meanwhile comes with the next round
        assert work.number == 2
        QCoreApplication.sendPostedEvents()
    assert receiver.seen == [True, True, True]
    assert work.number == 0
    with work:
        qapp.processEvents()  # a dialog asks within a piece, which goes on
        assert work.number == 3
    end.stop()
    assert work.number == 0
    with work:
        pass
    assert work.number == 0


def test_runner_when_its_thread_waits_then_the_window_never_waits_for_its_lock(qapp, monkeypatch):
    import cmp_studio.services.window_work as module

    monkeypatch.setattr(module, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5.0)
    goes_on = threading.Event()

    def ask(_job, is_interrupted):
        while not goes_on.is_set():
            is_interrupted()  # takes the lock, again and again

    runner = LatestWinsRunner(ask, lanes=2)
    runner.start()
    runner.submit("question", lane=1)
    longest = 0.0
    for _ in range(200):
        time.sleep(0.001)
        began = time.perf_counter()
        with WINDOW_WORK:
            runner.cancel(0)
        longest = max(longest, time.perf_counter() - began)
    goes_on.set()
    assert runner.stop()
    assert longest < 2.0
