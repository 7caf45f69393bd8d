import gc
import threading

import pytest
from PySide6.QtCore import QObject

from cmp_studio.services.collector import Collector


class Node:
    """Cyclic garbage that notes the thread on which it goes."""

    def __init__(self, threads):
        self.me = self
        self.threads = threads
        self.qt = QObject()

    def __del__(self):
        self.threads.append(threading.current_thread() is threading.main_thread())


@pytest.fixture
def collector(qtbot):
    gc.enable()
    made = Collector()
    made.start()
    yield made
    made.stop()
    assert gc.isenabled()


def test_garbage_when_a_worker_allocates_then_goes_on_the_gui_thread(qtbot, collector):
    threads = []
    for _ in range(50):
        Node(threads)

    kept = []

    def allocate():
        kept.extend([number] for number in range(20_000))

    worker = threading.Thread(target=allocate)
    worker.start()
    worker.join()
    assert threads == []
    qtbot.waitUntil(lambda: len(threads) == 50)
    assert all(threads)


def test_stop_when_called_then_the_last_garbage_is_gone_and_python_collects_again(qtbot):
    gc.enable()
    collector = Collector()
    collector.start()
    assert not gc.isenabled()
    threads = []
    Node(threads)
    collector.stop()
    assert threads == [True]
    assert gc.isenabled()
