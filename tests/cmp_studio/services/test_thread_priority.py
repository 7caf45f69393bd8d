import os
import sys
import threading

import pytest

from cmp_studio.services.background import Background
from cmp_studio.services.thread_priority import (
    NICENESS,
    SWITCH_SECONDS,
    hand_over_quickly,
    step_back,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness on Linux only")


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
def test_step_back_when_called_on_a_thread_then_it_alone_is_nicer():
    before, found = niceness(), []

    def work():
        step_back()
        step_back()  # not a second time
        found.append(niceness())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [min(19, before + NICENESS)]
    assert niceness() == before


@linux
def test_background_when_it_works_then_behind_the_window(qtbot):
    background, found = Background(), []
    background.submit(lambda: found.append(niceness()))
    assert background.stop()
    assert found == [min(19, niceness() + NICENESS)]


def test_hand_over_quickly_never_makes_it_slower():
    before = sys.getswitchinterval()
    try:
        hand_over_quickly()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        sys.setswitchinterval(SWITCH_SECONDS / 4)
        hand_over_quickly()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS / 4)
    finally:
        sys.setswitchinterval(before)
