import sys
from pathlib import Path

import numpy as np
import pytest

from cmp_studio.services import heap
from cmp_studio.services.background import Background
from cmp_studio.services.heap import HeapTrimmer, trim_heap


def resident_mb():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4 / 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's heap alone is trimmed")
def test_trim_when_much_was_freed_between_what_stays_then_the_system_has_it_again():
    arrays = [np.ones(64 * 1024, np.uint8) for _ in range(3200)]  # below what is mapped alone
    kept = arrays[::16]
    full = resident_mb()
    del arrays
    if not trim_heap():
        pytest.skip("this C library has no malloc_trim")
    assert resident_mb() < full - 100
    assert all(array[0] == 1 for array in kept)


def test_work_when_it_goes_on_then_trimmed_once_in_a_while(qtbot, monkeypatch):
    trimmed = []
    monkeypatch.setattr(heap, "INTERVAL_MS", 30)
    monkeypatch.setattr(heap, "trim_heap", lambda: trimmed.append(True))
    background = Background()
    trimmer = HeapTrimmer(background)
    for _ in range(5):
        trimmer.on_work_done()
    qtbot.waitUntil(lambda: len(trimmed) == 1)
    qtbot.wait(100)
    assert len(trimmed) == 1
    trimmer.on_work_done()
    qtbot.waitUntil(lambda: len(trimmed) == 2)
    assert background.stop()
