import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QObject

from cmp_studio.services.background import Background, BackgroundTask


@pytest.fixture
def background(qtbot):
    made = Background()
    yield made
    assert made.stop()


class Receiver(QObject):
    def __init__(self):
        super().__init__()
        self.heard = []

    def on_done(self, result):
        self.heard.append(("done", result, threading.current_thread() is threading.main_thread()))

    def on_failed(self, error):
        self.heard.append(("failed", str(error)))


def test_submit_when_call_returns_then_done_on_the_gui_thread(qtbot, background):
    receiver = Receiver()
    background.submit(lambda: threading.current_thread().name, done=receiver.on_done)
    qtbot.waitUntil(lambda: bool(receiver.heard))
    assert receiver.heard == [("done", "background", True)]


def test_submit_when_call_raises_then_failed_and_the_next_still_runs(qtbot, background):
    def fail():
        raise OSError("no such thing")

    receiver = Receiver()
    background.submit(fail, failed=receiver.on_failed)
    background.submit(lambda: 7, done=receiver.on_done)
    qtbot.waitUntil(lambda: len(receiver.heard) == 2 and not background.is_busy)
    assert receiver.heard == [("failed", "no such thing"), ("done", 7, True)]


def test_stop_when_unused_then_no_thread_was_ever_started(qtbot):
    before = threading.active_count()
    assert Background().stop()
    assert threading.active_count() == before


def test_submit_when_stopped_before_then_starts_no_thread(qtbot):
    background = Background()
    assert background.stop()
    called = threading.Event()
    background.submit(called.set)
    assert not background.is_busy
    assert not background._thread.is_alive()
    assert not called.is_set()


def test_task_when_it_ran_then_deleted_with_all_that_its_call_held(qtbot, background):
    class Scene:
        def save(self):
            return None

    receiver, scene = Receiver(), Scene()
    gone = weakref.ref(scene)
    background.submit(scene.save, done=receiver.on_done)
    del scene
    qtbot.waitUntil(lambda: bool(receiver.heard) and not background.findChildren(BackgroundTask))
    gc.collect()
    assert gone() is None
