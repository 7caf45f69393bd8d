"""Starts the window on a screen of another fineness, for `test_window_picture`.

``python -m tests.e2e.fine_screen PHOTO FOLDER`` writes screenshots into the folder and prints what
it found as JSON. The factor of a screen is read once in the life of a process, so this is one.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

import cmp_studio.services.motion_backend as backend
from tests.cmp_studio.fakes import fake_engine
from tests.e2e.window_driver import LEFT, NO_KEYS, at, drag, is_ready, opened, run


def main() -> int:
    photo, folder = (Path(word) for word in sys.argv[1:3])
    backend.load_engine = fake_engine
    application = QApplication(sys.argv[:1])  # the driver's clock needs it before `main`
    found = {}

    def script(window):
        window.resize(1240, 800)
        yield from opened(window)
        canvas, session = window.canvas, window.studio.session
        found["ratio"] = canvas.devicePixelRatioF()
        found["window_hw"] = [window.height(), window.width()]
        window.actions_by_name["actual_size"].trigger()
        window.actions_by_name["fit"].trigger()
        drag(window, (600, 500), (900, 500))
        window.actions_by_name["tool_select"].trigger()
        yield is_ready(window)
        beside = at(window, 900, 500) + QPoint(0, -11)
        before = session.scene.tracks[0].points[-1]
        QTest.mouseMove(canvas, beside)
        hovered = window.studio.tools.hovered
        found["grabbed"] = None if hovered is None else hovered.part
        step = at(window, 900, 600) - at(window, 900, 500)
        QTest.mousePress(canvas, LEFT, NO_KEYS, beside)
        for part in (1, 2, 3):
            QTest.mouseMove(canvas, beside + step * part / 3)
        QTest.mouseRelease(canvas, LEFT, NO_KEYS, beside + step)
        after = session.scene.tracks[0].points[-1]
        found["moved_xy"] = [after[0] - before[0], after[1] - before[1]]
        yield is_ready(window)
        window.grab().save(str(folder / "window.png"))
        window.actions_by_name["overlays"].trigger()
        window.actions_by_name["view_photo"].trigger()
        canvas.grab().save(str(folder / "photo.png"))
        ratio = canvas.devicePixelRatioF()
        found["columns"] = [round(at(window, x, 300).x() * ratio) for x in (300, 1300)]
        found["row"] = round(at(window, 300, 300).y() * ratio)
        found["scale"] = canvas.view_transform.scale

    status = run(script, photo)
    print(json.dumps(found))
    del application
    return status


if __name__ == "__main__":
    sys.exit(main())
