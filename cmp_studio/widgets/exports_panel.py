"""The films that are being written, wait, or are done."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.export_queue import ExportQueue, ExportRow
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import duration_text
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.theme import GRID


class ExportsPanel(Dialog):
    """One line for each film of the queue."""

    def __init__(self, queue: ExportQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._lines: dict[int, ExportLine] = {}
        self.setWindowTitle(tr("Exports"))
        self.resize(480, 320)
        self.empty = make_label(
            tr("No film is being written. File > Export film begins one."), "muted"
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        inside = QWidget()
        inside.setProperty("role", "panel")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, GRID, 0)
        self._column.setSpacing(2 * GRID)
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        self.clear_button = make_button(tr("Clear list"))
        self.clear_button.setToolTip(tr("The files stay where they are"))
        self.close_button = make_button(tr("Close"))
        self.close_button.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.clear_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(area, 1)
        column.addLayout(buttons)
        self.clear_button.clicked.connect(queue.clear)
        self.close_button.clicked.connect(self.close)
        queue.changed.connect(self.on_row_changed)
        for row in queue.rows:
            self.on_row_changed(row.number)
        self._update()

    @property
    def lines(self) -> tuple[ExportLine, ...]:
        """The lines, oldest first."""
        return tuple(self._lines.values())

    def on_row_changed(self, number: int) -> None:
        """Show a film as it is now."""
        row = self._queue.row(number)
        line = self._lines.get(number)
        if row is None:
            if line is not None:
                self._column.removeWidget(line)
                line.deleteLater()
                del self._lines[number]
        elif line is None:
            line = ExportLine(self._queue, row)
            self._lines[number] = line
            self._column.insertWidget(self._column.count() - 1, line)
        else:
            line.show_row(row)
        self._update()

    def _update(self) -> None:
        self.empty.setVisible(not self._lines)
        self.clear_button.setEnabled(any(row.is_over for row in self._queue.rows))


class ExportLine(QWidget):
    """A film's name, how far it is, and what can be done with it."""

    def __init__(self, queue: ExportQueue, row: ExportRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._row = row
        self.name = make_label(row.settings.path.name, "title")
        self.name.setToolTip(str(row.settings.path))
        self.state = make_label("", "muted")
        self.state.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of {name}").format(name=row.settings.path.name))
        self.button = make_button(tr("Stop"))
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self.on_clicked)
        text = QVBoxLayout()
        text.setSpacing(GRID // 2)
        text.addWidget(self.name)
        text.addWidget(self.bar)
        text.addWidget(self.state)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2 * GRID)
        line.addLayout(text, 1)
        line.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.show_row(row)

    def show_row(self, row: ExportRow) -> None:
        """Show the film as it is now."""
        self._row = row
        is_running = row.state == "running"
        self.bar.setVisible(is_running)
        if row.progress is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, row.progress.total)
            self.bar.setValue(row.progress.done)
        role = "warning" if row.state == "failed" else "muted"
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().polish(self.state)
        self.state.setText(state_text(row))
        self.button.setText(tr("Show in folder") if row.state == "done" else tr("Stop"))
        self.button.setVisible(row.state in ("waiting", "running", "done"))

    def on_clicked(self) -> None:
        """Stop it, or show where it is."""
        if self._row.state == "done" and self._row.result is not None:
            open_folder(self._row.result)
        else:
            self._queue.cancel(self._row.number)


def state_text(row: ExportRow) -> str:
    """How a film of the queue stands, in words."""
    if row.state == "waiting":
        return tr("Waits for the film before it")
    if row.state == "failed":
        return row.sentence
    if row.state == "stopped":
        return tr("Stopped; nothing was written")
    if row.state == "done":
        return tr("Done: {parent}").format(parent=row.settings.path.parent)
    if row.progress is None:
        return tr("Loading the network…")
    text = tr("{done} of {total}").format(done=row.progress.done, total=row.progress.total)
    if row.progress.seconds_left is not None:
        text += tr(" · {time} left").format(time=duration_text(row.progress.seconds_left))
    return text


def open_folder(path: Path) -> None:
    """Open the folder of a film in the desktop's file manager."""
    folder = path if path.is_dir() else path.parent
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
