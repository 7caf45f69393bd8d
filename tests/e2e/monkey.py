"""A hand that does anything at random, to find what breaks.

By hand, with its own window, without a screen and with a stand-in for the network:

    python -m tests.e2e.monkey --events 20000 --seed 1

It prints every exception and Qt warning, the longest time that the GUI thread worked without
returning to the event loop, and the memory along the way; it exits with 1 when something broke.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass
class Findings:
    """What a run found.

    Attributes:
        problems: Tracebacks and warnings.
        longest_ms: Longest CPU time of the GUI thread for one event, and what it was.
        slow: Events over 100 ms of CPU time, with their time.
        memory_mb: Resident memory at each tenth of the run.
    """

    problems: list[str] = field(default_factory=list)
    longest_ms: tuple[float, str] = (0.0, "")
    slow: list[tuple[float, str]] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


class Monkey:
    """Chooses and carries out random events on a window.

    Args:
        window: The main window, shown.
        pictures: Opens one of several scenes: a callable that takes a number.
        folder: Where exports go.
        seed: The same seed chooses the same events.
    """

    def __init__(self, window, pictures, folder, seed):
        self.window = window
        self.studio = window.studio
        self.random = random.Random(seed)
        self.findings = Findings()
        self._pictures = pictures
        self._folder = Path(folder)
        self._count = 0
        self._held = False
        self._deeds = [
            (self.drag, 24), (self.half_drag, 6), (self.click, 8), (self.double_click, 4),
            (self.right_click, 5), (self.key, 22), (self.command, 26), (self.wheel, 4),
            (self.hover, 8), (self.timeline, 10), (self.inspector, 8), (self.layers, 8),
            (self.resize, 1), (self.reopen, 1), (self.export, 1), (self.preset, 2),
            (self.clipboard, 3), (self.undo_spree, 2), (self.idle, 6),
        ]  # fmt: skip

    def step(self):
        """Do one random thing; note what breaks and how long it took."""
        deeds, weights = zip(*self._deeds, strict=True)
        deed = self.random.choices(deeds, weights)[0]
        began = time.thread_time()
        try:
            name = f"{deed.__name__} {deed() or ''}"
        except Exception:  # noqa: BLE001 - noted among the findings
            name = deed.__name__
            logging.getLogger("monkey").info("%s", traceback.format_exc())
            self.findings.problems.append(traceback.format_exc())
        self._count += 1
        spent = (time.thread_time() - began) * 1000
        if spent > self.findings.longest_ms[0]:
            self.findings.longest_ms = (spent, name)
        if spent > 100:
            self.findings.slow.append((spent, name))

    # Mouse on the photo.

    def drag(self):
        canvas, keys = self.window.canvas, self._keys()
        start, end = self._spot(), self._spot()
        self._press(canvas, start, keys)
        for step in range(1, self.random.randint(2, 6)):
            self._move(canvas, start + (end - start) * step / 5)
        if self.random.random() < 0.15:
            self._key_on(canvas, "Escape")
        self._release(canvas, end, keys)
        return f"{self.studio.tools.tool} {keys}"

    def half_drag(self):
        """A drag that something else comes between."""
        canvas = self.window.canvas
        start = self._spot()
        self._press(canvas, start, self._keys())
        self._move(canvas, self._spot())
        self.random.choice([self.key, self.command, self.wheel, self.hover, self.reopen])()
        self._release(canvas, self._spot(), self._keys())

    def click(self):
        at, keys = self._spot(), self._keys()
        self._press(self.window.canvas, at, keys)
        self._release(self.window.canvas, at, keys)

    def double_click(self):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.mouseDClick(self.window.canvas, Qt.MouseButton.LeftButton, self._keys(), self._spot())
        self._release(self.window.canvas, self._spot(), self._keys())

    def right_click(self):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.mouseClick(self.window.canvas, Qt.MouseButton.RightButton, self._keys(), self._spot())

    def hover(self):
        self._move(self.window.canvas, self._spot())

    def wheel(self):
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtWidgets import QApplication

        target = self.random.choice(
            [self.window.canvas, self.window.timeline.ruler, self.window.timeline.rows]
        )
        at = QPointF(self._spot_on(target))
        delta = QPoint(0, self.random.choice([-240, -120, 120, 240]))
        keys = self.random.choice([self._no_keys(), Qt.KeyboardModifier.ControlModifier])
        event = QWheelEvent(
            at, QPointF(target.mapToGlobal(at.toPoint())), QPoint(), delta,
            Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(target, event)

    # Keys and commands.

    def key(self):
        name = self.random.choice(_KEYS)
        self._key_on(self.window.canvas, name, self._keys() if name in "LeftRightUpDown" else None)
        return name

    def command(self):
        name = self.random.choice(_COMMANDS)
        action = self.window.actions_by_name[name]
        if action.isEnabled():
            action.trigger()
        return name

    def undo_spree(self):
        session = self.studio.session
        for _ in range(self.random.randint(1, 12)):
            self.random.choice([session.undo, session.redo])()

    def clipboard(self):
        for name in self.random.sample(["select_all", "copy", "cut", "paste", "duplicate"], 3):
            tracks = self.studio.session.scene.tracks if self.studio.session.scene else ()
            if len(tracks) < 60 and self.window.actions_by_name[name].isEnabled():
                self.window.actions_by_name[name].trigger()

    def preset(self):
        from cmp_studio.document.errors import DocumentError
        from cmp_studio.document.presets import PRESETS

        if len(getattr(self.studio.session.scene, "tracks", ())) < 60:
            with contextlib.suppress(DocumentError):
                self.studio.commands.apply_preset(self.random.choice(PRESETS))

    # Panels.

    def timeline(self):
        timeline = self.window.timeline
        target = self.random.choice([timeline.ruler, timeline.rows, timeline.rows])
        keys = self._keys()
        start, end = self._spot_on(target), self._spot_on(target)
        self._press(target, start, keys)
        self._move(target, (start + end) / 2)
        self._move(target, end)
        self._release(target, end, keys)

    def inspector(self):
        from cmp_studio.widgets.controls import ChoiceBox, NumberField, Switch

        kind = self.random.choice([NumberField, ChoiceBox, Switch])
        fields = [f for f in self.window.inspector.findChildren(kind) if f.isVisible()]
        if not fields:
            return ""
        field_ = self.random.choice(fields)
        if isinstance(field_, NumberField):
            low, high = field_.minimum(), field_.maximum()
            field_.setValue(self.random.uniform(max(low, -500), min(high, 500)))
            film = self.studio.session.scene.film
            if film.duration > 4 or film.fps > 24:  # long films only take longer
                self.studio.session.set_film(replace(film, duration=1.0, fps=12.0), "Shorten")
        elif isinstance(field_, ChoiceBox) and field_.count():
            field_.setCurrentIndex(self.random.randrange(field_.count()))
            field_.chosen.emit(field_.value())
        elif isinstance(field_, Switch):
            field_.click()
        return field_.accessibleName()

    def layers(self):
        scene, layers, brush = self.studio.session.scene, self.studio.layers, self.studio.brush
        if scene is None:
            return
        if len(scene.groups) < 4 and self.random.random() < 0.3:
            layers.new_group()
            return
        panel = self.window.layers
        panel.list.setCurrentRow(self.random.randrange(max(1, panel.list.count())))
        deed = self.random.choice(
            [panel.on_remove_clicked, panel.on_invert_clicked, panel.on_clear_clicked,
             lambda: panel.on_feather_edited(self.random.uniform(0, 20)),
             lambda: layers.set_fill(self.random.choice(["stretch", "inpaint"])),
             lambda: brush.set_radius(self.random.uniform(1, 60)),
             lambda: panel.on_switched(self.random.random() < 0.5)]
        )  # fmt: skip
        deed()

    def resize(self):
        self.window.resize(self.random.randint(700, 1400), self.random.randint(480, 900))

    def reopen(self):
        choice = self.random.random()
        if choice < 0.2:
            self.studio.session.close()
        else:
            self._pictures(self.random.randrange(3))

    def export(self):
        exports = self.studio.exports
        if exports.is_busy:
            exports.cancel(exports.open_rows[0].number)
            return "cancel"
        scene = self.studio.session.scene
        if scene is not None:
            from cmp_studio.services.export_job import ExportSettings

            path = self._folder / f"film{self._count}.gif"
            size_hw = (32, 48)
            settings = ExportSettings(path, "gif", size_hw, 4.0, 0.5)
            exports.add(self.studio.make_export(scene, settings))
        return "start"

    def idle(self):
        """Let what was asked for arrive."""

    # Inside.

    def _keys(self):
        from PySide6.QtCore import Qt

        held = Qt.KeyboardModifier
        return self.random.choices(
            [held.NoModifier, held.ShiftModifier, held.ControlModifier, held.AltModifier],
            [10, 3, 3, 1],
        )[0]

    @staticmethod
    def _no_keys():
        from PySide6.QtCore import Qt

        return Qt.KeyboardModifier.NoModifier

    def _spot(self):
        return self._spot_on(self.window.canvas)

    def _spot_on(self, widget):
        from PySide6.QtCore import QPoint

        return QPoint(
            self.random.randrange(max(1, widget.width())),
            self.random.randrange(max(1, widget.height())),
        )

    @staticmethod
    def _press(widget, at, keys):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.mousePress(widget, Qt.MouseButton.LeftButton, keys, at)

    @staticmethod
    def _move(widget, at):
        from PySide6.QtTest import QTest

        QTest.mouseMove(widget, at)

    @staticmethod
    def _release(widget, at, keys):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, keys, at)

    def _key_on(self, widget, name, keys=None):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        key = getattr(Qt.Key, f"Key_{name}")
        QTest.keyClick(widget, key, keys if keys is not None else self._no_keys())


_KEYS = (
    "Left", "Right", "Up", "Down", "Escape", "Return", "Space", "Delete", "Home", "End", "V", "A",
    "L", "P", "B", "H", "I", "T", "O", "G", "M", "S", "BracketLeft", "BracketRight", "Comma",
    "Period", "F", "1", "Tab", "K",
)  # fmt: skip

_COMMANDS = (
    "undo", "undo", "redo", "duplicate", "delete", "select_all", "remove_all", "mirror_x",
    "mirror_y", "tool_select", "tool_arrow", "tool_path", "tool_pin", "tool_brush", "switch",
    "smooth", "take_to_path", "split", "group", "ungroup", "half_speed", "range_start",
    "range_end", "range_clear", "onion", "holes", "masks", "layers", "view_photo", "view_motion",
    "view_flow", "overlays", "inspector", "timeline", "reset_panels", "fit", "actual_size",
    "zoom_in", "zoom_out", "theme_dark", "theme_light", "play", "next_frame", "previous_frame",
    "first_frame", "last_frame", "copy_command", "brush_larger", "brush_smaller", "first_steps",
)  # fmt: skip


def memory_mb():
    """Resident memory of this process, or 0 where it can't be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(window, pictures, folder, *, events, seed):
    """Carry out ``events`` random events, letting the event loop run between them."""
    from PySide6.QtCore import QEventLoop

    monkey = Monkey(window, pictures, folder, seed)
    loop = QEventLoop()
    for number in range(events):
        monkey.step()
        loop.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        if number % max(1, events // 10) == 0:
            gc.collect()
            monkey.findings.memory_mb.append(round(memory_mb(), 1))
            logging.getLogger("monkey").info("%d events, %.0f MB", number, memory_mb())
    return monkey.findings


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = tempfile.TemporaryDirectory(prefix="cmp-studio-monkey-", ignore_cleanup_errors=True)
    os.environ["CMP_STUDIO_HOME"] = folder.name
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    from cmp_studio.document.scene import FilmSettings, set_film
    from cmp_studio.services.motion_backend import EngineChoice
    from cmp_studio.services.pictures import open_picture
    from cmp_studio.services.preferences import Preferences
    from cmp_studio.services.studio import Studio
    from cmp_studio.widgets.main_window import MainWindow
    from cmp_studio.widgets.theme import ThemeManager
    from tests.cmp_studio.fakes import fake_engine, make_scene

    problems = []

    class Listener(logging.Handler):
        def emit(self, record):
            if record.name == "monkey":
                print(record.getMessage(), flush=True)
            elif record.levelno >= logging.WARNING:
                problems.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    logging.getLogger().addHandler(Listener())
    logging.getLogger("monkey").setLevel(logging.INFO)

    def hook(kind, error, trace):
        problems.append("".join(traceback.format_exception(kind, error, trace)))
        print(problems[-1], flush=True)

    sys.excepthook = hook
    harmless = "This plugin does not support"
    qInstallMessageHandler(
        lambda kind, context, text: text.startswith(harmless) or problems.append(f"Qt: {text}")
    )
    application = QApplication([])
    preferences = Preferences(Path(folder.name))
    studio = Studio(preferences, fake_engine)
    window = MainWindow(studio, ThemeManager(preferences))
    window.show()
    scenes = [make_scene(240, 160), make_scene(160, 200, arrows=2, pins=2), make_scene(400, 300)]
    scenes = [set_film(scene, FilmSettings(duration=0.5, fps=8)) for scene in scenes]
    opened = [open_picture(scene.picture) for scene in scenes]

    def open_one(number):
        studio.session.start(scenes[number], opened[number])

    studio.preview._cache._max_bytes = 24 * 2**20  # so that what grows is not the cache
    open_one(0)
    studio.load_engine(EngineChoice())
    began = time.monotonic()
    findings = run(window, open_one, folder.name, events=options.events, seed=options.seed)
    studio.session.close()
    studio.autosave.close()
    has_ended = studio.shutdown()
    del application
    problems += findings.problems
    print(f"{options.events} events, seed {options.seed}, {time.monotonic() - began:.0f} s")
    print(f"longest event: {findings.longest_ms[0]:.0f} ms of the GUI thread: "
          f"{findings.longest_ms[1]}; over 100 ms: {len(findings.slow)}")  # fmt: skip
    for spent, name in sorted(findings.slow, reverse=True)[:8]:
        print(f"  {spent:.0f} ms {name}")
    print(f"memory, MB: {findings.memory_mb}")
    print(f"threads ended: {has_ended}; problems: {len(problems)}")
    seen = dict.fromkeys(problems)
    for problem in list(seen)[:12]:
        print("-" * 60)
        print(problem)
    sys.stdout.flush()
    os._exit(1 if problems or not has_ended else 0)


if __name__ == "__main__":
    main()
