"""A hand that does anything at random, to find what breaks.

By hand, with the program's own window, without a screen and with a stand-in for the network:

    python -m tests.e2e.monkey --events 20000 --seed 1

``--modes`` keeps to Annotate and Probe (`tests.e2e.mode_monkey`).

It prints a verdict on three things and exits with 1 when one of them does not hold:

- no exception, Qt warning, warning in the log, or thread that does not end;
- no turn of the event loop, which is one event sent or one round of what was posted, longer than
  100 ms by the clock, but for one that asks the hand something; on a machine that does other work
  besides, ``--clock cpu`` takes the time that the GUI thread itself worked;
- flat memory: in the second half of the run it grows by at most 5 %; not asked of a short run.
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
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject

LIMIT_MS = 100.0
GROWTH = 0.05
SAMPLES = 40
SETTLED_EVENTS = 500
"""In a shorter run the memory says nothing."""


@dataclass
class Findings:
    """What a run found.

    Attributes:
        problems: Tracebacks and warnings.
        longest_ms: Longest turn of the event loop, and what it was.
        slow: Turns over `LIMIT_MS`, with their time.
        turns: How many turns there were.
        longest_of: Longest turn of each kind, ms.
        memory_mb: Resident memory at equal steps of the run.
        deeds: How often each thing was done.
        answers: How often the program answered: a sign that the hand reaches it.
    """

    problems: list[str] = field(default_factory=list)
    longest_ms: tuple[float, str] = (0.0, "")
    slow: list[tuple[float, str]] = field(default_factory=list)
    turns: int = 0
    longest_of: dict[str, float] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    deeds: Counter = field(default_factory=Counter)
    answers: Counter = field(default_factory=Counter)

    def growth(self):
        """How much the memory grew from the middle of the run to its end, as a share."""
        count = max(1, len(self.memory_mb) // 8)
        middle = len(self.memory_mb) // 2
        before = sorted(self.memory_mb[middle : middle + count])
        after = sorted(self.memory_mb[-count:])
        return after[len(after) // 2] / before[len(before) // 2] - 1

    def verdict(self, *, has_ended=True, has_memory=True):
        """Say what holds and what does not; return the lines and whether all of it holds.

        Args:
            has_ended: Whether all threads did.
            has_memory: Whether memory counts; in a short run caches are still filling.
        """
        growth = self.growth() if has_memory else 0.0
        rows = (
            (not self.problems and has_ended, f"no exception or warning: {len(self.problems)} found"
             + ("" if has_ended else ", and a thread did not end")),
            (not self.slow, f"no frozen event loop: longest of {self.turns} turns "
             f"{self.longest_ms[0]:.0f} ms ({self.longest_ms[1]}), {len(self.slow)} over "
             f"{LIMIT_MS:.0f} ms"),
            (growth <= GROWTH, f"flat memory: {100 * growth:+.1f} % in the second half"),
        )  # fmt: skip
        rows = rows if has_memory else rows[:-1]
        lines = [f"{'PASS' if holds else 'FAIL'}  {text}" for holds, text in rows]
        return lines, all(holds for holds, _ in rows)


class Monkey:
    """Chooses and carries out random events on a window.

    Args:
        window: The main window, shown.
        pictures: Opens one of several scenes: a callable that takes a number.
        folder: Where exports go.
        seed: The same seed chooses the same events.
    """

    def __init__(self, window, pictures, folder, seed, *, clock=time.perf_counter):
        self.window = window
        self.studio = window.studio
        self.random = random.Random(seed)
        self.findings = Findings()
        self._pictures = pictures
        self._folder = Path(folder)
        self._clock = clock
        self._count = 0
        self._name = ""
        self._asked = 0
        self._deeds = [
            (self.drag, 24), (self.half_drag, 6), (self.click, 8), (self.double_click, 4),
            (self.right_click, 5), (self.key, 22), (self.command, 26), (self.wheel, 4),
            (self.hover, 8), (self.timeline, 10), (self.half_timeline, 3), (self.inspector, 8),
            (self.layers, 8), (self.history, 4), (self.resize, 1), (self.reopen, 1),
            (self.export, 1), (self.preset, 2), (self.clipboard, 3), (self.undo_spree, 2),
            (self.dialog, 2), (self.unsaved, 1), (self.mode, 1), (self.save, 1), (self.idle, 6),
        ]  # fmt: skip

    def counter(self, name):
        """What to connect a signal to, so that it is counted among the answers."""
        return _Counter(self.findings.answers, name, self.window).on_answered

    def step(self):
        """Do one random thing; note what breaks and how long each event took."""
        deeds, weights = zip(*self._deeds, strict=True)
        deed = self.random.choices(deeds, weights)[0]
        self._name = deed.__name__
        self.findings.deeds[deed.__name__] += 1
        try:
            deed()
        except Exception:  # noqa: BLE001 - noted among the findings
            logging.getLogger("monkey").info("%s", traceback.format_exc())
            self.findings.problems.append(traceback.format_exc())
        self._count += 1

    def turn(self, work, name=""):
        """Do what is one turn of the event loop, and note how long it takes."""
        before, asked = scheduled_ms(), self._asked
        began = self._clock()
        try:
            return work()
        finally:
            spent = (self._clock() - began) * 1000 if asked == self._asked else 0.0
            self.findings.turns += 1
            name = f"{self._name} {name}".strip()
            longest_of = self.findings.longest_of
            longest_of[name] = max(spent, longest_of.get(name, 0.0))
            if spent > self.findings.longest_ms[0]:
                self.findings.longest_ms = (spent, name)
            if spent > LIMIT_MS:
                self.findings.slow.append((spent, name))
                ran, queued = (b - a for a, b in zip(before, scheduled_ms(), strict=True))
                logging.getLogger("monkey").info(
                    "event %d: %.0f ms, ran %.0f, waited %.0f for a core: %s",
                    self._count,
                    spent,
                    ran,
                    queued,
                    name,
                )

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

        canvas, keys, at = self.window.canvas, self._keys(), self._spot()
        self.turn(lambda: QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, keys, at))
        self._release(self.window.canvas, self._spot(), self._keys())

    def right_click(self):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        canvas, keys, at = self.window.canvas, self._keys(), self._spot()
        self.turn(lambda: QTest.mouseClick(canvas, Qt.MouseButton.RightButton, keys, at))

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
        self.turn(lambda: QApplication.sendEvent(target, event))

    # Keys and commands.

    def key(self):
        name = self.random.choice(_KEYS)
        self._key_on(self.window.canvas, name, self._keys() if name in "LeftRightUpDown" else None)

    def command(self):
        name = self.random.choice(_COMMANDS)
        self._trigger(name)

    def undo_spree(self):
        session = self.studio.session
        for _ in range(self.random.randint(1, 12)):
            self.turn(self.random.choice([session.undo, session.redo]))

    def clipboard(self):
        for name in self.random.sample(["select_all", "copy", "cut", "paste", "duplicate"], 3):
            tracks = self.studio.session.scene.tracks if self.studio.session.scene else ()
            if len(tracks) < 60:
                self._trigger(name)

    def preset(self):
        from cmp_studio.document.errors import DocumentError
        from cmp_studio.document.presets import PRESETS

        if len(getattr(self.studio.session.scene, "tracks", ())) < 60:
            with contextlib.suppress(DocumentError):
                preset = self.random.choice(PRESETS)
                self.turn(lambda: self.studio.commands.apply_preset(preset))

    # Panels.

    def timeline(self):
        timeline = self.window.timeline
        target = self.random.choice([timeline.ruler, timeline.rows, timeline.rows])
        keys = self._keys()
        start, end = self._timeline_spot(target), self._spot_on(target)
        self._press(target, start, keys)
        self._move(target, (start + end) / 2)
        self._move(target, end)
        if self.random.random() < 0.15:
            self._key_on(target, "Escape")
        self._release(target, end, keys)
        if self.random.random() < 0.3:
            self._key_on(target, self.random.choice(("PageDown", "PageUp", "Left", "Right", "Up")))

    def half_timeline(self):
        """A drag on the timeline that something else comes between."""
        rows, keys = self.window.timeline.rows, self._keys()
        self._press(rows, self._timeline_spot(rows), keys)
        self._move(rows, self._spot_on(rows))
        self.random.choice([self.command, self.undo_spree, self.reopen, self.history])()
        self._move(rows, self._spot_on(rows))
        self._release(rows, self._spot_on(rows), keys)

    def _timeline_spot(self, target):
        """Now and then exactly on a mark."""
        from cmp_studio.document.track_marks import track_marks

        rows, scene = self.window.timeline.rows, self.studio.session.scene
        if target is rows and scene is not None and self.random.random() < 0.5:
            marked = [track for track in scene.tracks if track_marks(track, scene.film)]
            if marked:
                return rows.mark_position(self.random.choice(marked).id, 0).toPoint()
        return self._spot_on(target)

    def history(self):
        """Go to any step, back or forth."""
        steps = self.window.history.list
        if steps.count():
            row = self.random.randrange(steps.count())
            self.turn(lambda: steps.setCurrentRow(row))

    def inspector(self):
        from cmp_studio.widgets.controls import ChoiceBox, NumberField, Switch

        kind = self.random.choice([NumberField, ChoiceBox, Switch])
        fields = [f for f in self.window.inspector.findChildren(kind) if f.isVisible()]
        if not fields:
            return
        field_ = self.random.choice(fields)
        if isinstance(field_, NumberField):
            low, high = field_.minimum(), field_.maximum()
            value = self.random.uniform(max(low, -500), min(high, 500))
            self.turn(lambda: field_.setValue(value), field_.accessibleName())
            film = self.studio.session.scene.film
            if film.duration > 4 or film.fps > 24:  # long films only take longer
                self.studio.session.set_film(replace(film, duration=1.0, fps=12.0), "Shorten")
        elif isinstance(field_, ChoiceBox) and field_.count():
            field_.setCurrentIndex(self.random.randrange(field_.count()))
            self.turn(lambda: field_.chosen.emit(field_.value()), field_.accessibleName())
        elif isinstance(field_, Switch):
            self.turn(field_.click, field_.accessibleName())

    def layers(self):
        scene, layers, brush = self.studio.session.scene, self.studio.layers, self.studio.brush
        if scene is None:
            return
        if len(scene.groups) < 4 and self.random.random() < 0.3:
            self.turn(layers.new_group)
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
        self.turn(deed)

    def resize(self):
        size = self.random.randint(700, 1400), self.random.randint(480, 900)
        self.turn(lambda: self.window.resize(*size))

    def reopen(self):
        choice = self.random.random()
        if choice < 0.2:
            self.turn(self.studio.session.close)
        else:
            number = self.random.randrange(3)
            self.turn(lambda: self._pictures(number))

    def export(self):
        exports = self.studio.exports
        if exports.is_busy:
            self.turn(lambda: exports.cancel(exports.open_rows[0].number))
            return
        scene = self.studio.session.scene
        if scene is not None:
            from cmp_studio.services.export_job import ExportSettings

            path = self._folder / f"film{self._count}.gif"
            size_hw = (32, 48)
            settings = ExportSettings(path, "gif", size_hw, 4.0, 0.5)
            self.turn(lambda: exports.add(self.studio.make_export(scene, settings)))
            exports.clear()

    def dialog(self):
        """Open a dialog, do something in it, and leave it by Esc or by closing."""
        from PySide6.QtWidgets import QApplication, QDialog

        self._trigger(self.random.choice(_DIALOGS))
        shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog)]
        for dialog in [w for w in shown if w.isVisible()]:
            self._fumble(dialog)
            if self.random.random() < 0.5:
                self._key_on(dialog, "Escape")
            else:
                self.turn(dialog.close)

    def _fumble(self, parent):
        """Press keys and the mouse on some widgets that do no harm to files."""
        from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QListWidget, QSlider

        kinds = (QAbstractSpinBox, QComboBox, QLineEdit, QListWidget, QSlider)
        found = [w for kind in kinds for w in parent.findChildren(kind) if w.isVisible()]
        for widget in self.random.sample(found, min(2, len(found))):
            for name in self.random.sample(("Up", "Down", "Home", "End", "1", "Backspace"), 2):
                self._key_on(widget, name)

    def unsaved(self):
        """Ask to open something else; where something is unsaved, the hand is asked about it."""
        self._trigger("close")

    def answer(self):
        """Answer a question that waits; the turn that asked took as long as the hand did."""
        from PySide6.QtWidgets import QApplication, QMessageBox

        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            self._asked += 1
            wanted = self.random.choice(("Discard", "Cancel"))
            chosen = [b for b in box.buttons() if b.text().replace("&", "") == wanted]
            if chosen:
                chosen[0].click()
            else:
                box.reject()

    def mode(self):
        """Go to another mode, do something there, and come back."""
        from PySide6.QtWidgets import QAbstractButton, QDialog

        names = [mode.name for mode in self.studio.modes.known if mode.name != "animate"]
        if names:
            desk, name = self.window.modes, self.random.choice(names)
            self.turn(lambda: desk.choose(name), name)
            page = desk.page
            for _ in range(self.random.randint(1, 8)):
                widgets = [w for w in page.findChildren(object) if _is_target(w)]
                if widgets:
                    widget, keys = self.random.choice(widgets), self._keys()
                    if isinstance(widget, QAbstractButton) and "…" in widget.text():
                        continue  # asks for a file
                    start, end = self._spot_on(widget), self._spot_on(widget)
                    self._press(widget, start, keys)
                    self._move(widget, end)
                    self._release(widget, end, keys)
                    for dialog in self.window.findChildren(QDialog):
                        self.turn(dialog.close)
            self.turn(lambda: desk.choose("animate"), "animate")

    def save(self):
        """Save the scene, as Ctrl+S does where it has a file."""
        if self.studio.session.scene is not None:
            path = self._folder / f"scene{self.random.randrange(3)}.cmps"
            self.turn(lambda: self.studio.files.save(path))

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

    def _trigger(self, name):
        action = self.window.actions_by_name[name]
        if action.isEnabled():
            self.turn(action.trigger, name)

    def _press(self, widget, at, keys):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        self.turn(lambda: QTest.mousePress(widget, Qt.MouseButton.LeftButton, keys, at), "press")

    def _move(self, widget, at):
        from PySide6.QtTest import QTest

        self.turn(lambda: QTest.mouseMove(widget, at), "move")

    def _release(self, widget, at, keys):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        button = Qt.MouseButton.LeftButton
        self.turn(lambda: QTest.mouseRelease(widget, button, keys, at), "release")

    def _key_on(self, widget, name, keys=None):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        key = getattr(Qt.Key, f"Key_{name}")
        held = keys if keys is not None else self._no_keys()
        self.turn(lambda: QTest.keyClick(widget, key, held), name)


class _Counter(QObject):
    """Counts a signal."""

    def __init__(self, answers, name, parent):
        super().__init__(parent)
        self._answers = answers
        self._name = name

    def on_answered(self, *_):
        self._answers[self._name] += 1


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
    "zoom_in", "zoom_out", "theme_dark", "theme_light", "history", "play", "next_frame",
    "previous_frame", "first_frame", "last_frame", "copy_command", "brush_larger",
    "brush_smaller", "first_steps", "layer_front", "layer_forward", "layer_backward",
    "layer_back",
)  # fmt: skip


_DIALOGS = ("export", "exports", "weights", "keys", "shortcuts", "about")


def _is_target(widget):
    from PySide6.QtWidgets import QWidget

    return isinstance(widget, QWidget) and widget.isVisible() and widget.isEnabled()


def scheduled_ms():
    """How long this thread ran, and how long it waited for a core, or zeros where nobody knows."""
    try:
        ran, queued = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[:2]
    except OSError:
        return 0.0, 0.0
    return int(ran) / 1e6, int(queued) / 1e6


def memory_mb():
    """Resident memory of this process, or 0 where it can't be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run(monkey, *, events):
    """Carry out ``events`` random events, letting the event loop run between them."""
    from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop

    loop = QEventLoop()
    every = max(1, events // SAMPLES)
    for number in range(events):
        monkey.step()
        monkey.turn(
            lambda: loop.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5), "afterwards"
        )
        # The whole run is one event of the outer loop, which would delete only after it.
        monkey.turn(
            lambda: QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete), "deleting"
        )
        if number % every == every - 1:
            gc.collect()
            monkey.findings.memory_mb.append(round(memory_mb(), 1))
            logging.getLogger("monkey").info("%d events, %.0f MB", number + 1, memory_mb())
    return monkey.findings


class Listener(logging.Handler):
    """Prints what the hand says, and keeps every warning of the program, Qt's among them."""

    def __init__(self):
        super().__init__()
        self.problems = []

    def emit(self, record):
        if record.name == "monkey":
            print(record.getMessage(), flush=True)
        elif record.levelno >= logging.WARNING and _HARMLESS not in record.getMessage():
            self.problems.append(f"{record.levelname} {record.name}: {record.getMessage()}")
            print(self.problems[-1], flush=True)


_HARMLESS = "This plugin does not support"
"""What Qt says of a platform without a screen."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--modes", action="store_true", help="keep to Annotate and Probe")
    parser.add_argument("--side", type=int, default=4000, help="of the large pictures there, px")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    folder = tempfile.TemporaryDirectory(prefix="cmp-studio-monkey-", ignore_cleanup_errors=True)
    os.environ["CMP_STUDIO_HOME"] = folder.name
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QFileDialog

    from cmp_studio.document.scene import FilmSettings, set_film
    from cmp_studio.services.motion_backend import EngineChoice
    from cmp_studio.services.pictures import open_picture
    from cmp_studio.widgets.application import StudioApplication
    from tests.cmp_studio.fakes import FakePredictor, fake_engine, make_scene

    class ForgetfulPredictor(FakePredictor):
        def predict_many(self, *arguments, **options):
            self.calls.clear()
            return super().predict_many(*arguments, **options)

    listener = Listener()
    logging.getLogger().addHandler(listener)
    logging.getLogger("monkey").setLevel(logging.INFO)
    dialogs = []
    for name in ("getOpenFileName", "getSaveFileName", "getOpenFileNames"):
        setattr(QFileDialog, name, lambda *_, **__: (dialogs[-1] if dialogs else "", ""))
    QFileDialog.getExistingDirectory = lambda *_, **__: ""
    application = QApplication([])
    studio_application = StudioApplication(
        application, lambda choice: fake_engine(choice, ForgetfulPredictor())
    )
    studio, window = studio_application.studio, studio_application.window
    window.first_painted.disconnect()
    window.show()
    scenes = [make_scene(240, 160), make_scene(160, 200, arrows=2, pins=2), make_scene(400, 300)]
    scenes = [set_film(scene, FilmSettings(duration=0.5, fps=8)) for scene in scenes]
    opened = [open_picture(scene.picture) for scene in scenes]

    if options.modes:
        scene = make_scene(options.side, options.side * 3 // 4)
        scenes[1], opened[1] = scene, open_picture(scene.picture)

    def open_one(number):
        studio.session.start(scenes[number], opened[number])

    studio.preview._cache._max_bytes = 24 * 2**20  # so that what grows is not the cache
    open_one(1 if options.modes else 0)
    studio.load_engine(EngineChoice())
    # As when a real network is loaded, PyTorch is there before the collector of garbage spares it.
    import cmp_engine.predictor
    import cmp_engine.weights

    if not options.modes:
        # Modules that are imported at their first use are no part of the program's own turns.
        import cmp_engine.sequence
        import cmp_engine.video_io  # noqa: F401 - see above
        import cmp_studio.pipeline.export  # noqa: F401 - see above

    clock = time.perf_counter if options.clock == "wall" else time.thread_time
    findings, has_ended = Findings(), False
    began = time.monotonic()

    def play():
        nonlocal findings, has_ended
        arguments = (window, open_one, folder.name, options.seed)
        if options.modes:
            from tests.e2e.mode_monkey import ModeMonkey

            monkey = ModeMonkey(*arguments, clock=clock, dialogs=dialogs, side=options.side)
        else:
            monkey = Monkey(*arguments, clock=clock)
        studio.worker.frame_ready.connect(monkey.counter("frames"))
        studio.exports.changed.connect(monkey.counter("news of exports"))
        answering = QTimer(window)
        answering.timeout.connect(monkey.answer)
        answering.start(20)
        findings = run(monkey, events=options.events)
        answering.stop()
        if options.modes:
            monkey.settle()
        studio.session.close()
        studio.autosave.close()
        has_ended = studio_application.close()
        application.quit()

    def begin():
        """Play once the network is there; its first import takes seconds."""
        if studio.preview.engine is None:
            QTimer.singleShot(100, begin)
        else:
            play()

    QTimer.singleShot(500, begin)
    application.exec()
    findings.problems += listener.problems
    deeds = ", ".join(f"{name} {count}" for name, count in findings.deeds.most_common())
    seconds = time.monotonic() - began
    print(f"{options.events} events, seed {options.seed}, {seconds:.0f} s: {deeds}")
    for name, spent in sorted(findings.longest_of.items(), key=lambda item: -item[1])[:8]:
        print(f"  {spent:.0f} ms at most: {name}")
    print(f"memory, MB: {findings.memory_mb}")
    for problem in list(dict.fromkeys(findings.problems))[:12]:
        print("-" * 60)
        print(problem)
    print("answers:", ", ".join(f"{name} {count}" for name, count in findings.answers.items()))
    has_memory = options.events >= SETTLED_EVENTS
    lines, is_good = findings.verdict(has_ended=has_ended, has_memory=has_memory)
    print("\n".join(lines))
    print("PASSED" if is_good else "FAILED")
    sys.stdout.flush()
    os._exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
