"""Keys and what they do, painted: two hundred labels would take a tenth of a second to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from cmp_studio.widgets.theme import GRID

_ROW_GAP: Final = 5
_SECTION_GAP: Final = 3 * GRID
_COLUMN_GAP: Final = 3 * GRID
_KEY_GAP: Final = 12


Column = Sequence[tuple[str, str]]


class KeySheet(QWidget):
    """Columns of keys and words, with headings.

    A column is a list of rows of keys and words; a row without words is a heading.

    Args:
        sheets: Columns by the name of what they are for; the widget has room for each of them.
        parent: The dialog.
    """

    def __init__(
        self, sheets: Mapping[str, Sequence[Column]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._sheets = sheets
        self._bold = QFont(self.font())
        self._bold.setWeight(QFont.Weight.DemiBold)
        bold, plain = QFontMetrics(self._bold), self.fontMetrics()
        self._row_height = max(bold.height(), plain.height()) + _ROW_GAP
        self._widths = {
            name: [_widths(rows, bold, plain) for rows in columns]
            for name, columns in sheets.items()
        }
        self._name = ""
        self.show_sheet(next(iter(sheets)))

    def show_sheet(self, name: str) -> None:
        """Show the keys for this."""
        self._name = name
        self.setAccessibleDescription(
            "\n".join(": ".join(filter(None, row)) for rows in self._sheets[name] for row in rows)
        )
        self.update()

    def sizeHint(self) -> QSize:
        """The largest of the sheets."""
        widths = [
            sum(keys + _KEY_GAP + words + _COLUMN_GAP for keys, words in columns) - _COLUMN_GAP
            for columns in self._widths.values()
        ]
        heights = [self._height(rows) for columns in self._sheets.values() for rows in columns]
        return QSize(max(widths), max(heights))

    def minimumSizeHint(self) -> QSize:
        """All of it: nothing is cut off."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the columns."""
        painter, left = QPainter(self), 0
        strong = self.palette().color(QPalette.ColorRole.WindowText)
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        columns = zip(self._sheets[self._name], self._widths[self._name], strict=True)
        for rows, (keys_width, words_width) in columns:
            top, words_left = 0, left + keys_width + _KEY_GAP
            for number, (keys, words) in enumerate(rows):
                top += _SECTION_GAP if number and not words else 0
                painter.setFont(self._bold)
                painter.setPen(strong if words else muted)
                width = keys_width if words else keys_width + _KEY_GAP + words_width
                painter.drawText(left, top, width, self._row_height, _ALIGNMENT, keys)
                if words:
                    painter.setFont(self.font())
                    painter.setPen(muted)
                    place = words_left, top, words_width, self._row_height
                    painter.drawText(*place, _ALIGNMENT, words)
                top += self._row_height
            left = words_left + words_width + _COLUMN_GAP
        painter.end()

    def _height(self, rows: Column) -> int:
        gaps = sum(not words for _, words in rows[1:])
        return len(rows) * self._row_height + gaps * _SECTION_GAP


_ALIGNMENT: Final = (Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value


def _widths(rows: Column, bold: QFontMetrics, plain: QFontMetrics) -> tuple[int, int]:
    """How wide the keys and the words of a column are, px."""
    keys = max((bold.horizontalAdvance(keys) for keys, words in rows if words), default=0)
    words = max((plain.horizontalAdvance(words) for _, words in rows), default=0)
    heads = max((bold.horizontalAdvance(keys) for keys, words in rows if not words), default=0)
    return keys + 1, max(words, heads - keys - _KEY_GAP) + 1
