"""A heading over a grid of labels and fields, as the panels are made of."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_label
from cmp_studio.widgets.theme import GRID

_LABEL_WIDTH: Final = 88


class Section(QWidget):
    """A heading over a grid of labels and fields."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = make_label(title, "section")
        self._head = QHBoxLayout()
        self._head.setContentsMargins(0, 0, 0, 0)
        self._head.addWidget(self._title, 1)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID + 4)
        column.addLayout(self._head)
        column.addLayout(self._grid)
        self._rows: dict[str, list[QWidget]] = {}

    def add_row(self, text: str, *fields: QWidget) -> None:
        """Add a label and its field, or two fields beside each other.

        Args:
            text: The label, marked; `show_row` knows the row by it.
            fields: One or two.
        """
        row = self._grid.rowCount()
        label = make_label(tr(text), "muted")
        label.setBuddy(fields[0])
        self._grid.addWidget(label, row, 0)
        if len(fields) == 1:
            self._grid.addWidget(fields[0], row, 1, 1, 2)
        else:
            for column, field in enumerate(fields, 1):
                self._grid.addWidget(field, row, column)
        self._rows[text] = [label, *fields]

    def least_width(self) -> int:
        """Return the width that the widest row needs, hidden ones too, px of the desktop."""
        labels = [_least_width(row[0]) for row in self._rows.values()]
        fields = [sum(_least_width(f) + GRID for f in row[1:]) for row in self._rows.values()]
        return max(_LABEL_WIDTH, *labels) + max(fields) if self._rows else 0

    def show_row(self, text: str, *, is_shown: bool) -> None:
        """Show or hide the row with this label."""
        for widget in self._rows[text]:
            widget.setVisible(is_shown)


def _least_width(widget: QWidget) -> int:
    return max(widget.minimumWidth(), widget.minimumSizeHint().width())
