import subprocess
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


COUNT_POOLS = """
import ctypes, sys, threading
from cmp_studio.services.heap import POOLS, share_pools

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
if sys.argv[2] == "shared" and not share_pools():
    sys.exit(77)
threads = 8
together = threading.Barrier(threads)


def work():
    libc.malloc(1000)
    together.wait()


running = [threading.Thread(target=work) for _ in range(threads)]
for thread in running:
    thread.start()
for thread in running:
    thread.join()
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


def pools(path, how):
    done = subprocess.run(
        [sys.executable, "-c", COUNT_POOLS, path, how], check=False, cwd=Path(__file__).parents[3]
    )
    if done.returncode == 77:
        pytest.skip("this C library has no mallopt")
    assert done.returncode == 0
    return path.read_text().count("<heap nr=")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's heap alone is shared")
def test_pools_when_shared_then_many_threads_use_few(tmp_path):
    assert pools(tmp_path / "shared.xml", "shared") <= heap.POOLS
    assert pools(tmp_path / "usual.xml", "usual") > heap.POOLS
