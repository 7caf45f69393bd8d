"""Offers unsaved work that a crash left behind."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.autosave import Leftover
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import ago_text
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.theme import GRID

_PICTURE: Final = QSize(96, 72)
_INDEX: Final = Qt.ItemDataRole.UserRole


class RecoveryDialog(Dialog):
    """Lists what was left over; "Later" keeps it for the next start.

    Signals:
        recover_asked(leftover): Open this one.
        discard_asked(leftovers): Delete all of them.
    """

    recover_asked = Signal(object)
    discard_asked = Signal(object)

    def __init__(self, leftovers: list[Leftover], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._leftovers = leftovers
        self.setWindowTitle(tr("Unsaved work"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        heading = make_label(tr("CMP Studio did not end as it should"), "title")
        words = make_label(
            tr("Your unsaved work was kept. Open it and save it, or discard it for good."), "muted"
        )
        words.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Unsaved work"))
        self.list.setIconSize(_PICTURE)
        self.list.setSpacing(2)
        for index, leftover in enumerate(leftovers):
            item = QListWidgetItem(_text(leftover), self.list)
            item.setData(_INDEX, index)
            pixmap = QPixmap()
            if leftover.thumbnail and pixmap.loadFromData(leftover.thumbnail):
                item.setIcon(QIcon(pixmap))
        self.list.setCurrentRow(0)
        rows = min(3, len(leftovers))
        self.list.setFixedHeight(rows * (_PICTURE.height() + 3 * GRID) + GRID)
        self.discard_button = make_button(
            tr("Discard") if len(leftovers) == 1 else tr("Discard all")
        )
        self.later_button = make_button(tr("Later"))
        self.recover_button = make_button(tr("Open it"), "primary")
        self.recover_button.setDefault(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.discard_button)
        buttons.addStretch(1)
        buttons.addWidget(self.later_button)
        buttons.addWidget(self.recover_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(heading)
        column.addWidget(words)
        column.addSpacing(GRID)
        column.addWidget(self.list)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self.list.itemDoubleClicked.connect(self.on_recover_clicked)
        self.recover_button.clicked.connect(self.on_recover_clicked)
        self.discard_button.clicked.connect(self.on_discard_clicked)
        self.later_button.clicked.connect(self.reject)

    def on_recover_clicked(self) -> None:
        """Open the selected one."""
        item = self.list.currentItem()
        if item is not None:
            self.recover_asked.emit(self._leftovers[item.data(_INDEX)])
            self.accept()

    def on_discard_clicked(self) -> None:
        """Delete all."""
        self.discard_asked.emit(self._leftovers)
        self.accept()


def _text(leftover: Leftover) -> str:
    where = tr("never saved") if leftover.path is None else str(leftover.path)
    return f"{leftover.title}\n{ago_text(time.time() - leftover.saved_at)}\n{where}"
