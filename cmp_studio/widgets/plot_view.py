"""A plot as large as its widget, drawn elsewhere, with a cursor that reads its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from cmp_studio.services.plotter import PlotRequest, Plotter
from cmp_studio.services.probe_views import column_title
from cmp_studio.services.translation import tr
from cmp_studio.widgets.flow_painter import rgba_image
from cmp_studio.widgets.probe_legend import draw_card
from cmp_studio.widgets.theme import ThemeManager

if TYPE_CHECKING:
    from cmp_studio.pipeline.findings import Table
    from cmp_studio.pipeline.probe_plots import PlotPicture

_SETTLE_MS = 60


class PlotView(QWidget):
    """Shows a table as lines or a matrix.

    Signals:
        row_hovered(index): The mouse is over this row of the table; -1 for none.
    """

    row_hovered = Signal(int)

    def __init__(
        self, plotter: Plotter, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._plotter = plotter
        self._themes = themes
        self._table: Table | None = None
        self._plot: PlotPicture | None = None
        self._image = QImage()
        self._words = ""
        self._row = -1
        self._timer = QTimer(self)  # a widget that is being resized asks once, at its end
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self.on_due)
        self.setAccessibleName(tr("Plot"))
        self.setMouseTracking(True)
        self.setMinimumHeight(80)
        plotter.drawn.connect(self.on_drawn)
        themes.changed.connect(self.on_theme_changed)

    @property
    def has_plot(self) -> bool:
        """Whether a plot of the table is there."""
        return self._plot is not None

    def sizeHint(self) -> QSize:
        """Wide enough to read."""
        return QSize(480, 200)

    def show_table(self, table: Table | None, words: str) -> None:
        """Plot this; without a table ``words`` say how to get one."""
        self._words = words if table is None else tr("Plotting…")
        if self._table is None or table is None or table.columns != self._table.columns:
            self._plot = None  # of something else; of the same it stays until the new one is there
        self._table = table
        self._set_row(-1)
        self.on_due()
        self.update()

    def on_due(self) -> None:
        """Ask for the plot in the size and the colours that are there now."""
        if self._table is None or min(self.width(), self.height()) < 40 or not self.isVisible():
            return
        theme, ratio = self._themes.theme, self.devicePixelRatioF()
        size = (round(self.width() * ratio), round(self.height() * ratio))
        colors = (theme.window, theme.text, theme.border)
        self._plotter.ask(PlotRequest(self._table, size, ratio, colors))

    def on_drawn(self, plot: PlotPicture) -> None:
        """Show it."""
        if self._table is not None:
            self._plot = plot
            self._image = rgba_image(plot.pixels)
            self._image.setDevicePixelRatio(self.devicePixelRatioF())
            self.update()

    def on_theme_changed(self) -> None:
        """Draw in other colours."""
        self._timer.start()
        self.update()

    # Inside.

    def _set_row(self, row: int) -> None:
        if row != self._row:
            self._row = row
            self.row_hovered.emit(row)
            self.update()

    def _axes(self) -> QRectF:
        if self._plot is None:
            return QRectF()
        ratio = self.devicePixelRatioF()
        left, top, width, height = self._plot.axes
        return QRectF(left / ratio, top / ratio, width / ratio, height / ratio)

    def _row_at(self, position: QPointF) -> int:
        axes, table = self._axes(), self._table
        if self._plot is None or table is None or table.plot != "lines":
            return -1
        if not axes.contains(position):
            return -1
        low, high = self._plot.x_range
        x = low + (position.x() - axes.left()) / axes.width() * (high - low)
        far = [abs(float(row[0]) - x) for row in table.rows]
        return far.index(min(far)) if far else -1

    # Qt overrides.

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the plot and its cursor, or the words."""
        painter = QPainter(self)
        theme = self._themes.theme
        painter.fillRect(self.rect(), QColor(theme.window))
        if self._plot is None:
            painter.setPen(QColor(theme.muted))
            box = QRectF(self.rect()).adjusted(16, 8, -16, -8)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box, flags, self._words)
        else:
            painter.drawImage(QPointF(0, 0), self._image)
            self._draw_cursor(painter)
        painter.end()

    def _draw_cursor(self, painter: QPainter) -> None:
        table, plot = self._table, self._plot
        if table is None or plot is None or not 0 <= self._row < len(table.rows):
            return
        row, axes = table.rows[self._row], self._axes()
        low, high = plot.x_range
        x = axes.left() + (float(row[0]) - low) / (high - low) * axes.width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._themes.theme.accent), 1.2))
        painter.drawLine(QPointF(x, axes.top()), QPointF(x, axes.bottom()))
        words = "   ".join(
            f"{column_title(name)} {float(value):.2f}"
            for name, value in zip(table.columns, row, strict=True)
            if name not in table.hidden and not isinstance(value, str)
        )
        width = painter.fontMetrics().horizontalAdvance(words) + 12
        left = min(max(x + 8, axes.left()), max(axes.left(), axes.right() - width))
        draw_card(painter, QPointF(left, axes.top() + 4), words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw it in the new size once that stays."""
        super().resizeEvent(event)
        self._timer.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the values under the mouse."""
        self._set_row(self._row_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        """Nothing is read any more."""
        self._set_row(-1)
