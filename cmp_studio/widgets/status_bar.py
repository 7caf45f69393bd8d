"""The line at the bottom: what a click would do, and what answers."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QWidget

from cmp_studio.services.export_queue import ExportQueue
from cmp_studio.services.preview import Preview
from cmp_studio.services.tools import CanvasTools
from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.theme import GRID

MESSAGE_MS: Final = 6000
BUSY_DELAY_MS: Final = 150


class StatusBar(QFrame):
    """Hint on the left; engine, speed and zoom on the right.

    Signals:
        zoom_clicked(): The user wants the whole photo in view.
        exports_clicked(): The user wants to see the films that are being written.
    """

    zoom_clicked = Signal()
    exports_clicked = Signal()

    def __init__(
        self,
        tools: CanvasTools,
        preview: Preview,
        exports: ExportQueue,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._exports = exports
        self._advice = ""
        self._panel_hint = ""
        self._mode_hint: str | None = None
        self._tools = tools
        self._preview = preview
        self.setProperty("role", "panel")
        self.setFixedHeight(28)
        self.hint = make_label("", "muted")
        self.hint.setAccessibleName(tr("Hint"))
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setFixedWidth(64)
        self.busy.setAccessibleName(tr("Working"))
        self.busy.hide()
        self.exports = make_button("", "flat")
        self.exports.setAccessibleName(tr("Exports"))
        self.exports.setToolTip(tr("Show the films that are being written"))
        self.exports.hide()
        self.engine = make_label("", "muted")
        self.speed = make_label("", "muted")
        self.speed.setToolTip(tr("Time of the last answer of the network"))
        self.zoom = make_button("", "flat")
        self.zoom.setAccessibleName(tr("Zoom"))
        self.zoom.setToolTip(tr("Show the whole photo (F)"))
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, 0, GRID, 0)
        row.setSpacing(2 * GRID)
        row.addWidget(self.hint, 1)
        row.addWidget(self.busy)
        row.addWidget(self.exports)
        row.addWidget(self.engine)
        row.addWidget(self.speed)
        row.addWidget(self.zoom)
        self._message = ""
        self._message_timer = QTimer(self)
        self._message_timer.setSingleShot(True)
        self._message_timer.timeout.connect(self.on_message_over)
        self._busy_timer = QTimer(self)
        self._busy_timer.setSingleShot(True)
        self._busy_timer.setInterval(BUSY_DELAY_MS)
        self._busy_timer.timeout.connect(self.on_busy_due)
        self._work = ""
        self.zoom.clicked.connect(self.zoom_clicked)
        self.exports.clicked.connect(self.exports_clicked)
        exports.changed.connect(self.on_exports_changed)
        tools.hint_changed.connect(self.on_hint_changed)
        preview.engine_changed.connect(self.on_engine_changed)
        preview.busy_changed.connect(self.on_busy_changed)
        preview.answered.connect(self.on_answered)
        self.on_hint_changed()
        self.on_engine_changed()
        self.show_document(is_open=False)

    def show_document(self, *, is_open: bool) -> None:
        """Show speed and zoom only where there is a photo that they belong to."""
        self.speed.setVisible(is_open)
        self.zoom.setVisible(is_open)

    def show_message(self, text: str, *, is_warning: bool = False) -> None:
        """Say something for a few seconds in the place of the hint."""
        self._message = text
        self._set_hint(text, role="warning" if is_warning else "")
        self._message_timer.start(MESSAGE_MS)

    def show_panel_hint(self, text: str) -> None:
        """Say what a press on a panel would do; empty when the mouse is elsewhere."""
        self._panel_hint = text
        self.on_hint_changed()

    def show_mode_hint(self, text: str | None) -> None:
        """Say what a click would do in another mode than Animate; None returns to Animate."""
        self._mode_hint = text
        self.on_hint_changed()

    def show_advice(self, sentence: str) -> None:
        """Say what to try, before the hint, until there is nothing to say or the mouse is busy."""
        self._advice = sentence
        self.on_hint_changed()

    def on_exports_changed(self, _number: int) -> None:
        """Show how far the films are that are being written."""
        rows = self._exports.open_rows
        self.exports.setVisible(bool(rows))
        running = next((row for row in rows if row.state == "running"), None)
        if running is None:
            return
        progress = running.progress
        share = "…"
        if progress is not None and progress.total:
            share = f" {100 * progress.done // progress.total} %"
        more = tr(" · {value} more").format(value=len(rows) - 1) if len(rows) > 1 else ""
        self.exports.setText(tr("Exporting{share}{more}").format(share=share, more=more))

    def show_work(self, text: str) -> None:
        """Say what is being done until `show_work("")`."""
        self._work = text
        self.on_hint_changed()
        self.on_busy_changed()

    def show_zoom(self, scale: float) -> None:
        """Show the zoom; 1 is one px of the photo on one px of the screen."""
        self.zoom.setText(f"{scale * 100:.0f} %" if scale >= 0.1 else f"{scale * 100:.1f} %")

    def on_message_over(self) -> None:
        """Return to the hint."""
        self._message = ""
        self.on_hint_changed()

    def on_hint_changed(self) -> None:
        """Show what a click would do, unless there is something to say."""
        if self._message:
            return
        if self._panel_hint:
            self._set_hint(self._panel_hint, role="muted")
            return
        if self._mode_hint is not None:
            self._set_hint(self._work or self._mode_hint, role="muted")
            return
        if self._advice and not self._work and not self._tools.is_active:
            self._set_hint(f"{self._tools.hint}  ·  {self._advice}", role="muted")
            return
        self._set_hint(self._work or self._tools.hint, role="muted")

    def on_engine_changed(self) -> None:
        """Show which weights answer on which device."""
        info = self._preview.engine
        if self._preview.is_loading:
            self.engine.setText(tr("Loading the network…"))
        elif info is None:
            self.engine.setText(tr("No network"))
        else:
            self.engine.setText(f"{info.device} · {info.weights}")
            self.engine.setToolTip(info.details)

    def on_answered(self, seconds: float) -> None:
        """Show how long the last answer took."""
        self.speed.setText(tr("{value:.0f} ms").format(value=seconds * 1000))

    def on_busy_changed(self) -> None:
        """Show that something runs, if it takes longer than a moment."""
        if self._preview.is_busy or self._work:
            if not self._busy_timer.isActive() and self.busy.isHidden():
                self._busy_timer.start()
        else:
            self._busy_timer.stop()
            self.busy.hide()

    def on_busy_due(self) -> None:
        """It takes longer than a moment."""
        self.busy.setVisible(self._preview.is_busy or bool(self._work))

    def _set_hint(self, text: str, *, role: str) -> None:
        if self.hint.property("role") != role:
            self.hint.setProperty("role", role)
            self.hint.style().polish(self.hint)
        elide = self.hint.fontMetrics().horizontalAdvance(text) > self.hint.width() > 0
        self.hint.setToolTip(text if elide else "")
        self.hint.setText(text)
