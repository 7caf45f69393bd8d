"""Make the pictures of README.md: the bundled scenes as GIFs, and the window with one of them.

``PYTHONPATH=. python assets/readme/make_pictures.py`` from the top of the checkout; no screen.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
SAMPLES = FOLDER.parent / "samples"
GIF_SIDE, GIF_FPS = 400, 15
WINDOW_WH = (1280, 800)
SECONDS = 600


def make_films() -> None:
    """Write one GIF for each bundled scene."""
    from cmp_studio.cli import main

    for scene in sorted(SAMPLES.glob("*.cmps")):
        film = FOLDER / f"{scene.stem}.gif"
        options = ["--max-side", str(GIF_SIDE), "--fps", str(GIF_FPS), "--device", "cpu"]
        status = main(["render", str(scene), "-o", str(film), *options])
        if status:
            sys.exit(status)


def photograph_window() -> None:
    """Write a picture of the window, in the middle of the marionette's film."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QElapsedTimer, QTimer
    from PySide6.QtWidgets import QApplication

    from cmp_studio.services.motion_backend import load_engine
    from cmp_studio.widgets.application import StudioApplication

    application = QApplication(sys.argv[:1])
    studio_application = StudioApplication(application, load_engine)
    window, studio = studio_application.window, studio_application.studio
    clock = QElapsedTimer()
    clock.start()

    def look() -> None:
        preview, session = studio.preview, studio.session
        is_ready = preview.engine is not None and not preview.is_busy and all(preview.cached)
        if clock.elapsed() > 1000 * SECONDS:
            application.exit(1)
        elif session.scene is not None and is_ready:
            if studio.playback.is_playing:
                studio.playback.toggle()
                studio.playback.seek(len(preview.cached) // 3)
                arrows = [track.id for track in session.scene.tracks if track.kind != "pin"]
                session.select(arrows[:1])
                return
            window.grab().save(str(FOLDER / "window.jpg"), "JPG", 92)
            application.exit(0)

    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(500)
    window.resize(*WINDOW_WH)
    studio_application.show(SAMPLES / "marionette.cmps")
    status = application.exec()
    studio_application.close()
    if status:
        sys.exit("The window was not ready in time.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["CMP_STUDIO_HOME"] = home  # the window as a newcomer sees it
        make_films()
        photograph_window()
