"""What Annotate shows while no picture is open."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from cmp_studio.services.annotation_folder import AnnotationFolder
from cmp_studio.services.translation import mark, tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.theme import GRID, ThemeManager

_STEPS: Final = (
    (mark("Click"), mark("on an object: its mask appears")),
    (mark("Right-click"), mark("beside it, where the mask went too far")),
    (mark("Enter"), mark("begins the next object")),
    (mark("D"), mark("goes to the next picture; all is saved by itself")),
)


class AnnotateStart(QWidget):
    """The empty state: what to do, and the buttons for it.

    Signals:
        folder_asked(): The user wants to choose a folder.
        file_asked(): The user wants to choose a picture.
        resumed(): The user wants to go on with the last folder.
    """

    folder_asked = Signal()
    file_asked = Signal()
    resumed = Signal()

    def __init__(
        self, folder: AnnotationFolder, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._themes = themes
        self.folder_button = make_button(tr("Open folder…"), "primary")
        self.file_button = make_button(tr("Open picture…"))
        self.resume_button = make_button("")
        self.words = make_label(tr("Or drop a folder of pictures anywhere in the window."), "muted")
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        for row, (what, does) in enumerate(_STEPS):
            grid.addWidget(make_label(tr(what), "title"), row, 0, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(make_label(tr(does), "muted"), row, 1)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.resume_button)
        buttons.addWidget(self.folder_button)
        buttons.addWidget(self.file_button)
        buttons.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(2 * GRID)
        column.addStretch(2)
        column.addWidget(make_label(tr("Cut out objects with a few clicks"), "heading"))
        column.addLayout(grid)
        column.addLayout(buttons)
        column.addWidget(self.words)
        column.addStretch(3)
        row_ = QHBoxLayout(self)
        row_.addStretch(1)
        row_.addLayout(column)
        row_.addStretch(1)
        self.folder_button.clicked.connect(self.folder_asked)
        self.file_button.clicked.connect(self.file_asked)
        self.resume_button.clicked.connect(self.resumed)
        themes.changed.connect(self.update)
        self.fill()

    def fill(self) -> None:
        """Offer to go on where work was left."""
        last = self._folder.last_folder()
        self.resume_button.setVisible(last is not None)
        if last is not None:
            name = last.name if len(last.name) <= 32 else f"{last.name[:31]}…"
            self.resume_button.setText(tr("Go on with {name}").format(name=name))
            self.resume_button.setToolTip(str(last))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill the ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._themes.theme.canvas))
        painter.end()
