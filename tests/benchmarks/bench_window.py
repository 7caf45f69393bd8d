"""How long until the window is there, and until a drag moves the picture.

Run: ``python -m tests.benchmarks.bench_window [--runs N] [--edits N] [--quick S] [--weights NAME]``

* ``start``: from the start of the process to the first paint of the window, with a photo given;
  beside it the same for an empty Qt window, which is what nothing can beat.
* ``drag``: from the mouse event to the paint of the moved picture, and what of it the worker took.
* ``quick hand``: pictures a second while the mouse moves 125 times a second on a bundled scene, and
  how many if the window answered each move at once.
* ``gap``: the longest time in which the window did not answer while the network was loaded and the
  film rendered in the background.

Budgets on two CPU cores with nothing else running: first paint within 1 s and before PyTorch; a
drag within 0.3 s; no gap above 0.1 s but one of 0.3 s while PyTorch starts, which holds Python's
lock for as long.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cmp_studio.widgets.application import StudioApplication

EMPTY = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget
class Window(QWidget):
    def paintEvent(self, event):
        print(time.time() - float(sys.argv[1]), time.process_time(), flush=True)
        QTimer.singleShot(0, app.quit)
app = QApplication([])
window = Window()
window.resize(1280, 800)
window.show()
app.exec()
"""

STUDIO = """
import sys, time
from pathlib import Path
from PySide6.QtWidgets import QApplication
from cmp_studio.services.motion_backend import load_engine
from cmp_studio.widgets.application import StudioApplication
app = QApplication([])
studio = StudioApplication(app, load_engine)
def painted():
    cpu, has_torch = time.process_time(), "torch" in sys.modules
    print(time.time() - float(sys.argv[1]), cpu, has_torch, flush=True)
    app.quit()
studio.window.first_painted.disconnect(studio.on_first_painted)
studio.window.first_painted.connect(painted)
studio.show(Path(sys.argv[2]))
app.exec()
studio.close()
"""


def start_seconds(code: str, photo: Path) -> tuple[float, float, bool]:
    """Seconds and CPU seconds to the first paint, and whether PyTorch was loaded by then."""
    command = [sys.executable, "-c", code, repr(time.time()), str(photo)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, cpu, *loaded = result.stdout.split()
    return float(seconds), float(cpu), loaded == ["True"]


def show(name: str, values: list[float]) -> None:
    """Print median and spread in milliseconds."""
    ordered = sorted(values)
    print(
        f"{name:34} {statistics.median(ordered) * 1e3:8.0f} ms   "
        f"({ordered[0] * 1e3:.0f} to {ordered[-1] * 1e3:.0f}, {len(ordered)} runs)"
    )


def bench_start(runs: int, photo: Path) -> None:
    """Measure in turns, so that both are disturbed alike."""
    empty, studio = [], []
    for _ in range(runs + 1):
        empty.append(start_seconds(EMPTY, photo))
        studio.append(start_seconds(STUDIO, photo))
    if any(has_torch for _, _, has_torch in studio):
        print("PyTorch was imported before the first paint!")
    for place, what in enumerate(("", ", CPU")):
        low, high = [run[place] for run in empty[1:]], [run[place] for run in studio[1:]]
        show(f"start{what}, empty Qt window", low)
        show(f"start{what}, CMP Studio", high)
        print(f"{'  ratio':34} {statistics.median(high) / statistics.median(low):8.2f}")


def bench_drag(edits: int, weights: str, photo: Path) -> None:
    """Measure drags on the real window with the real network."""
    from PySide6.QtCore import QPoint, Qt, QTimer
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from cmp_studio.services.motion_backend import EngineChoice, load_engine
    from cmp_studio.widgets.application import StudioApplication

    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    owner = StudioApplication(application, load_engine)
    studio, window = owner.studio, owner.window
    gaps: list[float] = []
    last = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        gaps.append(now - last[0])
        last[0] = now

    studio.preferences.set_text("engine/weights", weights)
    owner.show(photo)
    heart = QTimer()
    heart.timeout.connect(tick)
    heart.start(5)
    _wait_for(lambda: studio.preview.engine is not None and not studio.preview.is_busy)
    load_gap = max(gaps)
    info = studio.preview.engine
    assert info is not None
    assert info.choice == EngineChoice(weights)
    print(f"device: {info.device}; weights: {info.weights}")

    scene = studio.session.scene
    assert scene is not None
    studio.session.set_film(replace(scene.film, duration=1.0, fps=12), "Shorten")
    canvas = window.canvas
    seconds: list[float] = []
    working: list[float] = []
    cpu: list[float] = []
    studio.preview.answered.connect(working.append)
    start = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    gaps.clear()
    for number in range(edits + 2):
        before = studio.preview.shown.frame
        begun, cpu_begun = time.perf_counter(), time.process_time()
        QTest.mouseMove(canvas, start + QPoint(30 + 3 * number, -20 + number))
        _wait_for(lambda old=before: studio.preview.shown.frame is not old)
        canvas.repaint()
        seconds.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - cpu_begun)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    show("drag, event to picture", seconds[2:])
    show("  of it on the worker", working[2:])
    show("  CPU of all threads", cpu[2:])
    gaps.clear()
    begun = time.perf_counter()
    _wait_for(lambda: all(studio.preview.cached))
    frames = len(set(studio.preview.poses))
    print(f"{'film rendered':34} {(time.perf_counter() - begun) * 1e3:8.0f} ms   ({frames} poses)")
    print(f"{'gap, while the network is loaded':34} {load_gap * 1e3:8.0f} ms   (longest)")
    print(f"{'gap, while the film is rendered':34} {max(gaps) * 1e3:8.0f} ms   (longest)")
    studio.session.abort()
    owner.close()


def bench_quick_hand(seconds: float, weights: str) -> None:
    """Draw an arrow in circles, in turns with and without the rest between moves."""
    from PySide6.QtWidgets import QApplication

    from cmp_studio.services.motion_backend import load_engine
    from cmp_studio.services.samples import first_sample
    from cmp_studio.widgets import move_pace
    from cmp_studio.widgets.application import StudioApplication

    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)
    sample = first_sample()
    if sample is None:
        print("quick hand: no bundled scene here")
        return
    owner = StudioApplication(application, load_engine)
    owner.studio.preferences.set_text("engine/weights", weights)
    owner.show(sample)
    preview = owner.studio.preview
    _wait_for(lambda: preview.engine is not None and not preview.is_busy)
    rates: dict[float, list[float]] = {move_pace.REST: [], 0.0: []}
    for rest in (*rates, *rates):
        move_pace.REST = rest  # type: ignore[misc]  # what is measured
        rates[rest].append(_pictures_a_second(owner, seconds))
    with_rest, without = (statistics.mean(values) for values in rates.values())
    print(
        f"{'quick hand, pictures a second':34} {with_rest:8.1f}      (without rest {without:.1f})"
    )
    owner.studio.session.abort()
    owner.close()


def _pictures_a_second(owner: StudioApplication, seconds: float) -> float:
    from PySide6.QtCore import QPoint, Qt, QTimer
    from PySide6.QtTest import QTest

    canvas, count, began = owner.window.canvas, 0, time.perf_counter()
    middle, moves = QPoint(canvas.width() // 2, canvas.height() // 2), 0

    def count_one(_seconds: float) -> None:
        nonlocal count
        count += 1

    def move() -> None:
        nonlocal moves
        moves += 1
        way = QPoint(round(60 * math.cos(moves / 20)), round(60 * math.sin(moves / 20)))
        QTest.mouseMove(canvas, middle + way)

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(move)
    owner.studio.preview.answered.connect(count_one)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    timer.start(8)
    _wait_for(lambda: time.perf_counter() - began > seconds)
    timer.stop()
    owner.studio.preview.answered.disconnect(count_one)
    owner.studio.tools.cancel()
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle)
    return count / seconds


def _wait_for(condition: Callable[[], bool]) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(1)
    loop.exec()


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--quick", type=float, default=6.0, help="of the quick hand, seconds")
    parser.add_argument("--weights", default="default")
    parser.add_argument("--size", type=int, nargs=2, default=(1500, 1000), help="photo, px")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CMP_STUDIO_HOME"] = folder
        photo = Path(folder) / "photo.png"
        width, height = options.size
        write_photo(photo, width, height)
        import PySide6

        print(
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, ", end=""
        )
        print(
            f"Python {platform.python_version()}, PySide6 {PySide6.__version__}, {width} x {height}"
        )
        bench_start(options.runs, photo)
        bench_drag(options.edits, options.weights, photo)
        bench_quick_hand(options.quick, options.weights)


def write_photo(path: Path, width: int, height: int) -> None:
    """A photo-like picture: smooth patches with edges."""
    import cv2

    from cmp_engine.image_io import write_image

    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (height // 100, width // 100, 3), dtype=np.uint8)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    write_image(path, np.asarray(image, dtype=np.uint8))


if __name__ == "__main__":
    main()
