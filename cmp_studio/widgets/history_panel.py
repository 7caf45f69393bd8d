"""The undo steps by name: a click goes back or forth to any of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_label
from cmp_studio.widgets.theme import GRID


class HistoryPanel(QFrame):
    """A list of all steps, the oldest on top; those that were undone step back.

    Keys: up and down go from step to step.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: tuple[tuple[str, ...], int | None] = ((), None)
        self.setProperty("role", "panel")
        self.setAccessibleName(tr("History"))
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Steps that can be undone"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.note = make_label("", "muted")
        self.note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.list, 1)
        column.addWidget(self.note)
        self.list.currentRowChanged.connect(self.on_row_changed)
        session.history_changed.connect(self.on_history_changed)
        session.path_changed.connect(self.on_history_changed)
        self.on_history_changed()

    def on_history_changed(self) -> None:
        """Show the steps, and which was the last."""
        session = self._session
        steps, saved = session.steps, session.saved_step
        self.list.blockSignals(True)
        if (steps, saved) != self._shown:
            self._fill(steps, saved)
            self._shown = steps, saved
        now = session.step_index
        if self.list.currentRow() != now:
            self.list.setCurrentRow(now if steps else -1)
        self.list.blockSignals(False)
        self._shade(now)
        self.list.setEnabled(bool(steps))
        undone = len(steps) - 1 - now
        if len(steps) <= 1:
            self.note.setText(tr("Every change will be listed here; click one to go back to it."))
        elif undone:
            self.note.setText(tr("The grey steps are undone; they go when you change something."))
        else:
            self.note.setText(tr("Click a step to go back to it."))

    def on_row_changed(self, row: int) -> None:
        """Go to the step that was clicked."""
        if row >= 0 and row != self._session.step_index:
            self._session.go_to(row)

    def changeEvent(self, event: QEvent) -> None:
        """Shade the steps in the colours of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._shade(self._session.step_index)

    def _fill(self, steps: tuple[str, ...], saved: int | None) -> None:
        """Change only what is different: a new step is one more row."""
        start, note = tr("Start"), tr(" · saved")
        names = [(name or start) + (note if i == saved else "") for i, name in enumerate(steps)]
        for row, name in enumerate(names):
            if row >= self.list.count():
                self.list.addItem(QListWidgetItem(name))
            elif self.list.item(row).text() != name:
                self.list.item(row).setText(name)
        while self.list.count() > len(names):
            self.list.takeItem(self.list.count() - 1)

    def _shade(self, now: int) -> None:
        palette = self.list.palette()
        plain = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Text)
        grey = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        for row in range(self.list.count()):
            color: QColor = grey if row > now else plain
            self.list.item(row).setForeground(color)
