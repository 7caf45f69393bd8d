"""Pictures side by side: all that a probe has found, and snapshots that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.theme import GRID, ThemeManager

_TILE_WIDTH: Final = 256
_MOST_COLUMNS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One picture of the board.

    Attributes:
        image: What is seen.
        title: What it is.
        words: What it says, or empty.
        key: Number of a snapshot, which can be thrown away; -1 for others.
    """

    image: QImage
    title: str
    words: str = ""
    key: int = -1


class PictureBoard(QScrollArea):
    """Tiles in as many columns as there is room for, under two headings.

    Signals:
        removed(key): The user threw a snapshot away.
    """

    removed = Signal(int)

    def __init__(self, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._sections: tuple[tuple[str, tuple[Tile, ...], str], ...] = ()
        self._columns = 0
        self.setAccessibleName(tr("Side by side"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_sections(self, sections: tuple[tuple[str, tuple[Tile, ...], str], ...]) -> None:
        """Show these: a heading, its tiles, and what to say where there are none."""
        self._sections = sections
        self._fill()

    @property
    def tile_count(self) -> int:
        """How many pictures are there."""
        return sum(len(tiles) for _, tiles, _ in self._sections)

    def _fill(self) -> None:
        ground = QWidget()
        ground.setProperty("role", "panel")
        column = QVBoxLayout(ground)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID + 4)
        self._columns = self._fitting_columns()
        for heading, tiles, words in self._sections:
            column.addWidget(make_label(heading, "section"))
            if not tiles:
                column.addWidget(make_label(words, "muted"))
                continue
            grid = QGridLayout()
            grid.setSpacing(2 * GRID)
            for index, tile in enumerate(tiles):
                grid.addWidget(self._tile(tile), index // self._columns, index % self._columns)
            for place in range(self._columns):
                grid.setColumnStretch(place, 1)
            column.addLayout(grid)
        column.addStretch(1)
        self.setWidget(ground)

    def _tile(self, tile: Tile) -> QWidget:
        card = QWidget()
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(make_label(tile.title, "title"), 1)
        if tile.key >= 0:
            button = _ForgetButton(tile.key)
            button.forgotten.connect(self.removed)
            row.addWidget(button)
        column.addWidget(_PictureLabel(tile.image, tile.title, self._themes))
        column.addLayout(row)
        if tile.words:
            words = make_label(tile.words, "muted")
            words.setWordWrap(True)
            column.addWidget(words)
        column.addStretch(1)
        return card

    def _fitting_columns(self) -> int:
        room = self.viewport().width() - 2 * GRID
        return min(max(1, room // (_TILE_WIDTH + 2 * GRID)), _MOST_COLUMNS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room that there is."""
        super().resizeEvent(event)
        if self._sections and self._fitting_columns() != self._columns:
            self._fill()


class _ForgetButton(QWidget):
    """Throws a snapshot away."""

    forgotten = Signal(int)

    def __init__(self, key: int) -> None:
        super().__init__()
        self._key = key
        button = make_button(tr("Remove"), "flat")
        button.setToolTip(tr("Throw this snapshot away"))
        button.clicked.connect(self.on_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(button)

    def on_clicked(self) -> None:
        """Say which one."""
        self.forgotten.emit(self._key)


class _PictureLabel(QWidget):
    """A picture as wide as there is room, with its own aspect."""

    def __init__(self, image: QImage, name: str, themes: ThemeManager) -> None:
        super().__init__()
        self._image = image
        self._themes = themes
        self.setAccessibleName(name)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        """Whether the height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height that keeps the aspect."""
        if self._image.isNull():
            return width
        return round(width * self._image.height() / self._image.width())

    def sizeHint(self) -> QSize:
        """The width of a tile."""
        return QSize(_TILE_WIDTH, self.heightForWidth(_TILE_WIDTH))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture, whole."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(self.rect())
        painter.fillRect(room, QColor(self._themes.theme.canvas))
        if not self._image.isNull():
            scale = min(room.width() / self._image.width(), room.height() / self._image.height())
            place = QRectF(0, 0, self._image.width() * scale, self._image.height() * scale)
            place.moveCenter(room.center())
            painter.drawImage(place, self._image, QRectF(self._image.rect()))
        painter.end()
