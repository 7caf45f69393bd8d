"""Three marks on the first run: what to drag, when it moves, how to take it along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.theme import GRID, ThemeManager

Side = Literal["inside", "above", "below"]

_TIP: Final = 9
_WIDTH: Final = 304


@dataclass(frozen=True, slots=True)
class CoachStep:
    """One mark.

    Attributes:
        title: What it is about.
        words: What to do.
        target: The widget that it points to.
        side: Where the mark stands, seen from the target.
    """

    title: str
    words: str
    target: Callable[[], QWidget]
    side: Side


class CoachMarks(QWidget):
    """A small card that goes from one widget to the next.

    Signals:
        shown(bool): The first mark came, or the last one went.
        finished(): The last mark was read, or they were skipped.
    """

    shown = Signal(bool)
    finished = Signal()

    def __init__(self, steps: tuple[CoachStep, ...], themes: ThemeManager, window: QWidget) -> None:
        super().__init__(window)
        self._steps = steps
        self._themes = themes
        self._window = window
        self._index = 0
        self._tip = QPointF()
        self.setAccessibleName(tr("First steps"))
        self._title = make_label("", "title")
        self._words = make_label("")
        self._words.setWordWrap(True)
        self._count = make_label("", "muted")
        self.skip_button = make_button(tr("Skip"), "flat")
        self.next_button = make_button(tr("Next"), "primary")
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self._count)
        buttons.addStretch(1)
        buttons.addWidget(self.skip_button)
        buttons.addWidget(self.next_button)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID + _TIP, 2 * GRID, GRID + 4 + _TIP)
        column.setSpacing(GRID)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(buttons)
        self.setFixedWidth(_WIDTH)
        self.skip_button.clicked.connect(self.finish)
        self.next_button.clicked.connect(self.go_on)
        window.installEventFilter(self)
        themes.changed.connect(self.update)
        self.hide()

    @property
    def index(self) -> int:
        """Number of the mark that is shown, from 0."""
        return self._index

    def start(self) -> None:
        """Show the first mark."""
        self._index = 0
        self._show_step()
        self.show()
        self.raise_()
        self.shown.emit(True)

    def go_on(self) -> None:
        """Show the next mark, or finish."""
        if self._index + 1 >= len(self._steps):
            self.finish()
            return
        self._index += 1
        self._show_step()

    def done(self, index: int) -> None:
        """Go on when the user has done what mark ``index`` says, while it is shown."""
        if self.isVisible() and index == self._index:
            self.go_on()

    def finish(self) -> None:
        """Hide the marks for good."""
        if not self.isHidden():
            self.hide()
            self.shown.emit(False)
            self.finished.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay beside the target; Escape that nothing else in the window wants skips the marks."""
        if watched is not self._window or self.isHidden():
            return False
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._place()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            is_escape = event.key() == Qt.Key.Key_Escape
            if is_escape:
                self.finish()
            return is_escape
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the card and its tip."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(self.rect()).adjusted(1, _TIP, -1, -_TIP)
        ground = QColor(theme.raised)
        painter.setPen(QPen(QColor(theme.accent), 1.5))
        painter.setBrush(ground)
        painter.drawRoundedRect(card, 8, 8)
        if not self._tip.isNull():
            is_up = self._tip.y() < self.height() / 2
            base = card.top() if is_up else card.bottom()
            inward = 1.5 if is_up else -1.5
            left, right = QPointF(self._tip.x() - _TIP, base), QPointF(self._tip.x() + _TIP, base)
            tip = QPolygonF([left, self._tip, right])
            painter.drawPolyline(tip)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(tip.translated(0, inward))
        painter.end()

    def _show_step(self) -> None:
        step = self._steps[self._index]
        is_last = self._index + 1 == len(self._steps)
        self._title.setText(step.title)
        self._words.setText(step.words)
        self._count.setText(
            tr("{value} of {count}").format(value=self._index + 1, count=len(self._steps))
        )
        self.next_button.setText(tr("Done") if is_last else tr("Next"))
        self.skip_button.setVisible(not is_last)
        self._place()

    def _place(self) -> None:
        step = self._steps[self._index]
        target = step.target()
        corner = target.mapTo(self._window, QPoint(0, 0))
        rect = QRect(corner, target.size())
        self.resize(_WIDTH, max(self._column.heightForWidth(_WIDTH), 120))
        room = self._window.rect().adjusted(GRID, GRID, -GRID, -GRID)
        x = rect.center().x() - _WIDTH // 2
        x = min(max(x, room.left()), room.right() - _WIDTH)
        if step.side == "inside":
            y = rect.top() + 2 * GRID
            self._tip = QPointF()
        elif step.side == "above":
            y = rect.top() - self.height()
        else:
            y = rect.bottom()
        y = min(max(y, room.top()), room.bottom() - self.height())
        self.move(x, y)
        if step.side != "inside":
            middle = min(max(rect.center().x() - x, 3 * GRID), _WIDTH - 3 * GRID)
            self._tip = QPointF(middle, self.height() - 1 if step.side == "above" else 1)
        self.update()
