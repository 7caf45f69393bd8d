"""Small controls that the panels are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from cmp_studio.widgets.theme import ThemeManager

ValueT = TypeVar("ValueT", bound=str)

_SWITCH: Final = QSize(32, 18)


def make_label(text: str, role: str = "", parent: QWidget | None = None) -> QLabel:
    """A label; the roles are those of the style sheet: muted, section, title, heading, warning."""
    label = QLabel(text, parent)
    if role:
        label.setProperty("role", role)
    return label


def make_line(parent: QWidget | None = None) -> QFrame:
    """A thin horizontal line between two sections."""
    line = QFrame(parent)
    line.setProperty("role", "line")
    line.setFixedHeight(1)
    return line


def make_button(text: str, role: str = "", parent: QWidget | None = None) -> QPushButton:
    """A push button that a mouse click does not focus, so that keys stay with the canvas."""
    button = QPushButton(text, parent)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if role:
        button.setProperty("role", role)
    return button


def field_height(widget: QWidget) -> int:
    """Height that all fields in a row share, logical px."""
    return max(28, widget.fontMetrics().height() + 12)


class NumberField(QDoubleSpinBox):
    """A number that is typed, stepped by keys or wheel; it speaks once it is whole.

    Signals:
        edited(value): The user, not the program, changed the number.
    """

    edited = Signal(float)

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        *,
        decimals: int = 0,
        step: float = 1.0,
        suffix: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setRange(low, high)
        self.setDecimals(decimals)
        self.setSingleStep(step)
        self.setSuffix(suffix)
        self.setKeyboardTracking(False)
        # The style sheet makes the buttons vanish. With NoButtons and a border, Qt gives the text
        # a width of one px.
        self.lineEdit().setTextMargins(8, 0, 8, 0)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(72)
        self.setFixedHeight(field_height(self))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.valueChanged.connect(self.on_value_changed)
        self._is_showing = False

    def show_value(self, value: float) -> None:
        """Show ``value`` without `edited`; a field that is being typed in is left alone."""
        if self.lineEdit().isModified() and self.hasFocus():
            return
        self._is_showing = True
        self.setValue(value)
        self._is_showing = False

    def on_value_changed(self, value: float) -> None:
        """Say that the user changed the number."""
        if not self._is_showing:
            self.lineEdit().setModified(False)
            self.edited.emit(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step only while the field has the focus, so that scrolling the panel changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceBox(QComboBox):
    """A drop-down list of values with names.

    Signals:
        chosen(value): The user picked this value.
    """

    chosen = Signal(str)

    def __init__(
        self,
        name: str,
        choices: Mapping[ValueT, str],
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(field_height(self))
        for value, text in choices.items():
            self.addItem(text, value)
        self.activated.connect(self.on_activated)

    def value(self) -> str:
        """The chosen value; empty when none is."""
        data = self.currentData()
        return data if isinstance(data, str) else ""

    def show_value(self, value: str) -> None:
        """Show ``value`` without `chosen`; an unknown one (several differ, say) shows nothing."""
        self.setCurrentIndex(self.findData(value))

    def on_activated(self, _index: int) -> None:
        """Say what the user picked."""
        self.chosen.emit(self.value())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the panel."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box and its chevron, which the style sheet has no picture for."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        pen = QPen(QColor(theme.muted if self.isEnabled() else theme.disabled), 1.5)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        x, y = self.width() - 14.0, self.height() / 2 - 1.5
        painter.drawPolyline(
            QPolygonF([QPointF(x - 3.5, y), QPointF(x, y + 3.5), QPointF(x + 3.5, y)])
        )
        painter.end()


class Switch(QAbstractButton):
    """An on-off switch with its words beside it."""

    def __init__(self, text: str, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        themes.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for the switch and its words."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(_SWITCH.width() + (words + 8 if words else 0), 24)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the track, the knob and the words."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = _SWITCH.width(), _SWITCH.height()
        track = QRectF(0.5, (self.height() - height) / 2 + 0.5, width - 1, height - 1)
        is_on = self.isChecked()
        ground = QColor(theme.accent if is_on else theme.pressed)
        if not self.isEnabled():
            ground = QColor(theme.pressed)
        painter.setPen(QPen(QColor(theme.text), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        knob = QColor(theme.on_accent if is_on else theme.text)
        if not self.isEnabled():
            knob = QColor(theme.disabled)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(knob)
        radius = height / 2 - 4
        x = track.right() - radius - 4 if is_on else track.left() + radius + 4
        painter.drawEllipse(QPointF(x, track.center().y()), radius, radius)
        painter.setPen(QColor(theme.text if self.isEnabled() else theme.disabled))
        words = QRectF(width + 8, 0, self.width() - width - 8, self.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


_USUAL_VALUE = "100 px"
"""Sliders below each other leave room for as much, so that they end alike."""


class SliderField(QWidget):
    """A slider with its value beside it.

    Signals:
        edited(value): The user, not the program, moved it.
    """

    edited = Signal(float)

    def __init__(
        self, name: str, low: int, high: int, *, suffix: str = " %", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._suffix = suffix
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(low, high)
        self._slider.setPageStep(max(1, (high - low) // 10))
        self._slider.setAccessibleName(name)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._label = make_label("", "muted")
        self._label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        metrics = self._label.fontMetrics()
        widest = max(metrics.horizontalAdvance(text) for text in (f"{high}{suffix}", _USUAL_VALUE))
        self._label.setFixedWidth(widest + 4)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._slider, 1)
        row.addWidget(self._label)
        self._is_showing = False
        self._slider.valueChanged.connect(self.on_value_changed)

    @property
    def slider(self) -> QSlider:
        """The slider itself."""
        return self._slider

    def show_range(self, low: int, high: int) -> None:
        """Let it go from ``low`` to ``high``, without `edited`."""
        self._is_showing = True
        self._slider.setRange(low, high)
        self._slider.setPageStep(max(1, (high - low) // 10))
        self._is_showing = False

    def show_value(self, value: float) -> None:
        """Show ``value`` without `edited`."""
        self._is_showing = True
        self._slider.setValue(round(value))
        self._is_showing = False
        self._label.setText(f"{self._slider.value()}{self._suffix}")

    def on_value_changed(self, value: int) -> None:
        """Say that the user moved the slider."""
        self._label.setText(f"{value}{self._suffix}")
        if not self._is_showing:
            self.edited.emit(float(value))


class Segments(QWidget):
    """A row of buttons of which one is on.

    Signals:
        chosen(value): The user picked this one.
    """

    chosen = Signal(str)

    def __init__(
        self, name: str, choices: Mapping[ValueT, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._group.idClicked.connect(self.on_clicked)
        self.set_choices(choices)

    def set_choices(self, choices: Mapping[ValueT, str]) -> None:
        """Offer these in place of those before; none is on until `show_value`."""
        for button in self._buttons.values():
            self._group.removeButton(button)
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons.clear()
        last = len(choices) - 1
        for index, (value, text) in enumerate(choices.items()):
            button = make_button(text, "segment")
            button.setCheckable(True)
            button.setProperty("edge", "first" if index == 0 else "last" if index == last else "")
            # The bold face of the chosen one must not move its neighbours.
            font = button.font()
            font.setBold(True)
            button.setMinimumWidth(self.fontMetrics().horizontalAdvance(text) + 34)
            self._group.addButton(button, index)
            self._buttons[value] = button
            self._row.addWidget(button)

    def button(self, value: str) -> QPushButton:
        """The button of one choice."""
        return self._buttons[value]

    def show_value(self, value: str) -> None:
        """Switch one on without `chosen`."""
        self._buttons[value].setChecked(True)

    def on_clicked(self, index: int) -> None:
        """Say what the user picked."""
        self.chosen.emit(list(self._buttons)[index])
