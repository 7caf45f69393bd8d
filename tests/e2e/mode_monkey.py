"""A hand that does anything at random in Annotate and Probe, on large pictures.

    python -m tests.e2e.monkey --modes --events 600 --clock cpu [--side 4000]

The verdict is that of `tests.e2e.monkey`: nothing breaks, and no turn of the event loop is long.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.e2e.monkey import Monkey


class ModeMonkey(Monkey):
    """Chooses and carries out random events in the two modes.

    Args:
        dialogs: What file dialogs answer next: a list that ``file`` is put into.
    """

    def __init__(self, *arguments, dialogs, side, **options):
        super().__init__(*arguments, **options)
        self._dialogs = dialogs
        self._large = self._make_folder("large", ((side, side * 3 // 4), (side // 2, side // 2)))
        self._small = self._make_folder("small", [(160 + 8 * (i % 5), 120) for i in range(40)])
        (self._small / "picture7.png").write_text("no picture")
        self._empty = self._folder / "empty"
        self._empty.mkdir()
        annotator, files = self.studio.annotator, self.studio.probe_exports
        for name, signal in (
            ("masks", annotator.masks.answered), ("annotations written", annotator.exported),
            ("pictures opened", annotator.folder.opened), ("probes", self.studio.prober.answered),
            ("findings written", files.told), ("plots", self.studio.plotter.drawn),
        ):  # fmt: skip
            signal.connect(self.counter(name))
        self._elsewhere = [(self.switch, 4), (self.theme, 1), (self.resize, 1), (self.idle, 16)]
        self._in = {
            "annotate": [
                (self.click_object, 20), (self.drag_click, 8), (self.paint, 10), (self.slide, 14),
                (self.annotate_command, 22), (self.go_on, 6), (self.choose_object, 4),
                (self.open_pictures, 3), (self.label, 3), (self.zoom, 5), (self.write, 2),
                (self.hover_page, 6), (self.into_film, 1), *self._elsewhere,
            ],
            "probe": [
                (self.hover_page, 24), (self.probe_click, 14), (self.probe_drag, 12),
                (self.view, 9), (self.slide, 12), (self.zoom, 10), (self.probe_command, 18),
                (self.find, 5), (self.write_finding, 4), (self.board, 3), (self.rerun, 1),
                *self._elsewhere,
            ],
        }  # fmt: skip

    def _make_folder(self, name, sizes):
        from cmp_engine.image_io import write_image

        folder = self._folder / name
        folder.mkdir()
        rng = np.random.default_rng(3)
        for number, (width, height) in enumerate(sizes):
            small = rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)
            rows = np.arange(height) * 9 // height
            columns = np.arange(width) * 12 // width
            write_image(folder / f"picture{number}.png", small[rows][:, columns])
        return folder

    @property
    def _page(self):
        return self.window.modes.page

    @property
    def _deeds_now(self):
        if self._page is None:
            return [(self.switch, 1)]
        return self._in[self._page.mode.name]

    def step(self):
        self._deeds = self._deeds_now
        super().step()

    def settle(self, seconds=120):
        """Wait until nothing is computed or written, so that closing need not wait for it."""
        until = time.monotonic() + seconds
        busy = (
            self.studio.worker,
            self.studio.background,
            self.studio.annotator.folder._background,
        )
        while any(part.is_busy for part in busy) and time.monotonic() < until:
            time.sleep(0.02)
            self._let(name="settled")

    # In both.

    def switch(self):
        """Go to another mode; of the film only for a moment."""
        choices = ["annotate", "probe", "animate"]
        name = self.random.choices(choices, [5, 5, 1])[0]
        self.turn(lambda: self.window.modes.choose(name), name)

    def idle(self):
        """Wait for what was asked, as a person does, if not for long."""
        until = time.monotonic() + 1.5
        while self.studio.worker.is_busy and time.monotonic() < until:
            time.sleep(0.02)
            self._let(name="answered")

    def theme(self):
        self._trigger(self.random.choice(("theme_dark", "theme_light")))

    def hover_page(self):
        for _ in range(self.random.randint(1, 6)):
            self._move(self._page.canvas, self._spot_on(self._page.canvas))
            self._let(name="hovered")

    def zoom(self):
        """Turn the wheel over the canvas, with keys held; or a command of the view."""
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtWidgets import QApplication

        target = self._page.canvas
        at = QPointF(self._spot_on(target))
        delta = QPoint(0, self.random.choice([-240, -120, 120, 240]))
        event = QWheelEvent(
            at, QPointF(target.mapToGlobal(at.toPoint())), QPoint(), delta,
            Qt.MouseButton.NoButton, self._keys(), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        self.turn(lambda: QApplication.sendEvent(target, event))
        if self.random.random() < 0.2:
            self._trigger(self.random.choice(("zoom_in", "zoom_out", "actual_size")))

    def slide(self):
        """Move a slider or a number, choose from a list, press a switch."""
        from cmp_studio.widgets.controls import ChoiceBox, NumberField, SliderField, Switch

        kind = self.random.choice([SliderField, SliderField, NumberField, ChoiceBox, Switch])
        fields = [f for f in self._page.findChildren(kind) if f.isVisible() and f.isEnabled()]
        if not fields:
            return
        field = self.random.choice(fields)
        if isinstance(field, SliderField):
            slider = field.slider
            for _ in range(self.random.randint(1, 5)):
                value = self.random.randint(slider.minimum(), slider.maximum())
                self.turn(lambda value=value: slider.setValue(value), field.accessibleName())
                self._let(name="slid")
        elif isinstance(field, NumberField):
            value = self.random.uniform(max(field.minimum(), -500), min(field.maximum(), 60))
            self.turn(lambda: field.setValue(value), field.accessibleName())
        elif isinstance(field, ChoiceBox) and field.count():
            field.setCurrentIndex(self.random.randrange(field.count()))
            self.turn(lambda: field.chosen.emit(field.value()), field.accessibleName())
        elif isinstance(field, Switch):
            self.turn(field.click, field.accessibleName())

    def _let(self, milliseconds=5, name="let"):
        from PySide6.QtCore import QEventLoop

        time.sleep(0.004)  # the other threads get Python's lock, as between a person's events
        loop = QEventLoop()
        every = QEventLoop.ProcessEventsFlag.AllEvents
        self.turn(lambda: loop.processEvents(every, milliseconds), name)

    # Annotate.

    def click_object(self):
        self._any_click(self.random.choice(["Left", "Left", "Right"]))

    def _any_click(self, button, at=None):
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest

        canvas, keys = self._page.canvas, self._keys()
        at = at or self._spot_on(canvas)
        side = getattr(Qt.MouseButton, f"{button}Button")
        self.turn(lambda: QTest.mouseMove(canvas, at), "move")
        self.turn(lambda: QTest.mouseClick(canvas, side, keys, at), button)

    def _on_a_click(self):
        annotation = self.studio.annotator.session.annotation
        clicks = [click for thing in annotation.objects for click in thing.clicks]
        if not clicks:
            return None
        point = self.random.choice(clicks).point
        return self._page.canvas.view_transform.to_screen(point).toPoint()

    def drag_click(self):
        """Drag a click, or press it away."""
        canvas, start = self._page.canvas, self._on_a_click()
        if start is None:
            return
        if self.random.random() < 0.3:
            self._any_click("Left", start)
            return
        end = self._spot_on(canvas)
        self._press(canvas, start, self._no_keys())
        for step in range(1, self.random.randint(3, 8)):
            self._move(canvas, start + (end - start) * step / 8)
            self._let(name="dragged")
        if self.random.random() < 0.2:
            self._key_on(canvas, "Escape")
        self._release(canvas, end, self._no_keys())

    def paint(self):
        self.turn(lambda: self.studio.annotator.tools.set_tool("brush"))
        canvas, keys = self._page.canvas, self._keys()
        at = self._spot_on(canvas)
        self._press(canvas, at, keys)
        for _ in range(self.random.randint(1, 12)):
            self._move(canvas, self._spot_on(canvas))
            self._let(name="painted")
        if self.random.random() < 0.1:
            self._key_on(canvas, "Escape")
        self._release(canvas, self._spot_on(canvas), keys)
        self.turn(lambda: self.studio.annotator.tools.set_tool("positive"))

    def annotate_command(self):
        self._trigger(self.random.choice(_ANNOTATE))

    def go_on(self):
        self._trigger(self.random.choice(("annotate_next", "annotate_next", "annotate_previous")))

    def choose_object(self):
        tree = self._page.panel.tree
        if tree.topLevelItemCount():
            item = tree.topLevelItem(self.random.randrange(tree.topLevelItemCount()))
            self.turn(lambda: tree.setCurrentItem(item))

    def open_pictures(self):
        folders = [self._large, self._large, self._small, self._empty, self._folder / "missing"]
        folder = self.random.choice(folders)
        self.turn(lambda: self.studio.annotator.folder.open_folder(folder), folder.name)

    def label(self):
        from PySide6.QtTest import QTest

        self._trigger("annotate_label")
        edit = self._page.panel.label_edit
        self.turn(lambda: QTest.keyClicks(edit, self.random.choice(("fox", "a", "Übung, 3"))))
        self._key_on(edit, "Return")

    def write(self):
        """Export the annotations through the dialog."""
        self._trigger("annotate_export")
        dialog = getattr(self._page, "export_dialog", None)
        if dialog is not None:
            self.turn(lambda: dialog.folder_field.setText(str(self._folder / "exported")))
            self.turn(dialog.start_button.click, "export")
            self._let(30)
            self.turn(dialog.close)

    def into_film(self):
        session = self.studio.session
        if session.scene is not None:
            session.mark_saved(session.path, session.scene)  # or a dialog asks
        self._trigger(self.random.choice(("annotate_freeze", "annotate_layer")))

    # Probe.

    def probe_click(self):
        self._any_click(self.random.choice(["Left", "Left", "Left", "Right"]))

    def probe_drag(self):
        canvas, keys = self._page.canvas, self._keys()
        start, end = self._spot_on(canvas), self._spot_on(canvas)
        self._press(canvas, start, keys)
        for step in range(1, self.random.randint(3, 8)):
            self._move(canvas, start + (end - start) * step / 8)
            self._let(name="dragged")
        if self.random.random() < 0.15:
            self._key_on(canvas, "Escape")
        self._release(canvas, end, keys)

    def view(self):
        from cmp_studio.services.probe_views import VIEWS

        self._trigger(f"probe_{self.random.choice(VIEWS).kind}")

    def probe_command(self):
        if self.random.random() < 0.3:
            keys = ("Left", "Right", "Up", "Down", "Escape", "Return")
            self._key_on(self._page.canvas, self.random.choice(keys))
        else:
            self._trigger(self.random.choice(_PROBE))

    def find(self):
        """Begin what takes long; sometimes give it up at once."""
        self._trigger(self.random.choice(("probe_rigidity", "probe_parts", "probe_influence")))
        self._trigger("probe_find")
        self._let(40)
        if self.random.random() < 0.4:
            self._trigger("probe_cancel")

    def board(self):
        self._trigger("probe_snapshot")
        self._trigger("probe_board")
        self._let(20)

    def write_finding(self):
        suffix = self.random.choice(("png", "flo", "npz", "csv", "html", ""))
        self._dialogs.append(str(self._folder / f"finding{self._count}") + f".{suffix}".rstrip("."))
        self._trigger("probe_export" if suffix else "probe_save")
        self._dialogs.clear()

    def rerun(self):
        found = sorted(Path(self._folder).glob("finding*/experiment.json"))
        if found:
            self.turn(lambda: self.studio.probe_exports.open(self.random.choice(found)))


_ANNOTATE = (
    "undo", "undo", "redo", "delete", "annotate_swap", "annotate_larger", "annotate_smaller",
    "annotate_next_object", "annotate_next_object", "annotate_masks", "annotate_flow",
    "annotate_fit", "annotate_save", "annotate_positive", "annotate_negative",
)  # fmt: skip

_PROBE = (
    "undo", "redo", "delete", "probe_line", "probe_no_line", "probe_needles", "probe_lines",
    "probe_board", "probe_snapshot", "probe_clear", "probe_fit", "probe_find", "probe_cancel",
)  # fmt: skip
