"""The bar over the canvas and the column of tools beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.modes import ANIMATE, Mode
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.view_options import ViewMode, ViewOptions
from cmp_studio.widgets.controls import Segments, make_button
from cmp_studio.widgets.theme import GRID

VIEW_NAMES: Final[Words[ViewMode]] = Words(
    {
        "photo": mark("Photo"),
        "motion": mark("Motion"),
        "flow": mark("Flow"),
    }
)
VIEW_HINTS: Final[Words[ViewMode]] = Words(
    {
        "photo": mark("The photo, still (Ctrl+1)"),
        "motion": mark("The photo, moving (Ctrl+2)"),
        "flow": mark("The flow in colours over the photo (Ctrl+3)"),
    }
)


class HeaderBar(QFrame):
    """Undo and redo on the left, the modes on the right, and the mode's own part between.

    Args:
        left: Actions of every mode.
        animate: The part of Animate.
    """

    def __init__(
        self, left: list[QAction], animate: AnimateStrip, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setFixedHeight(44)
        self.animate = animate
        self.switch = Segments(tr("Mode"), {ANIMATE: tr("Animate")})
        self.switch.hide()
        self._buttons = QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(GRID // 2)
        for action in left:
            buttons.addWidget(action_button(action))
        self._strips = QStackedWidget()
        self._blank = QWidget()
        self._by_mode: dict[str, QWidget] = {ANIMATE: animate}
        self._strips.addWidget(self._blank)
        self._strips.addWidget(animate)
        self._mode: str = ANIMATE
        self._is_blank = False
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, 0, GRID, 0)
        row.setSpacing(GRID)
        row.addWidget(self._buttons)
        row.addWidget(self._strips, 1)
        row.addSpacing(GRID)
        row.addWidget(self.switch)
        self._show_strip()

    def add_strip(self, mode: str, strip: QWidget | None) -> None:
        """Take the part of another mode."""
        if strip is not None:
            self._by_mode[mode] = strip
            self._strips.addWidget(strip)

    def show_modes(self, modes: Sequence[Mode]) -> None:
        """Show a button for each mode, where there is more than one."""
        self.switch.set_choices({mode.name: tr(mode.title) for mode in modes})
        for mode in modes:
            self.switch.button(mode.name).setToolTip(tr(mode.hint))
        self.switch.setVisible(len(modes) > 1)
        self.switch.show_value(self._mode)

    def show_mode(self, mode: str) -> None:
        """Show which mode is on, and its part."""
        self._mode = mode
        self.switch.show_value(mode)
        self._show_strip()

    def show_document(self, *, is_open: bool) -> None:
        """Leave only the switch in Animate where nothing is open."""
        self._is_blank = not is_open
        self._show_strip()

    def _show_strip(self) -> None:
        is_blank = self._is_blank and self._mode == ANIMATE
        strip = self._blank if is_blank else self._by_mode.get(self._mode, self._blank)
        self._strips.setCurrentWidget(strip)
        self._buttons.setVisible(not is_blank)


class AnimateStrip(QWidget):
    """What the canvas shows, and export."""

    def __init__(
        self,
        options: ViewOptions,
        right: list[QAction],
        export: QAction,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._options = options
        self.views = Segments(tr("View"), VIEW_NAMES)
        for mode, hint in VIEW_HINTS.items():
            self.views.button(mode).setToolTip(hint)
        self.export_button = make_button(tr("Export…"), "primary")
        self.export_button.setToolTip(tr("Write the film to a file (Ctrl+E)"))
        self.export_button.clicked.connect(export.trigger)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addStretch(1)
        row.addWidget(self.views)
        row.addStretch(1)
        for action in right:
            row.addWidget(action_button(action))
        row.addSpacing(GRID)
        row.addWidget(self.export_button)
        self.views.chosen.connect(self.on_view_chosen)
        options.changed.connect(self.on_options_changed)
        self.on_options_changed()

    def on_view_chosen(self, value: str) -> None:
        """Show the photo, the motion or the flow."""
        for mode in VIEW_NAMES:
            if mode == value:
                self._options.set_mode(mode)

    def on_options_changed(self) -> None:
        """Show which view is on."""
        self.views.show_value(self._options.mode)


class ToolColumn(QFrame):
    """The tools, one of them in use."""

    def __init__(self, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAccessibleName(tr("Tools"))
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        column.setSpacing(GRID // 2)
        for action in actions:
            column.addWidget(action_button(action))
        column.addStretch(1)
        self.setFixedWidth(48)


def action_button(action: QAction) -> QToolButton:
    """A button for an action: its icon, and its name with its key as the tip."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(22, 22))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text().replace("&", ""))
    if action.isCheckable() and action.actionGroup() is None:
        button.setProperty("role", "toggle")
    return button


def separator(*, is_vertical: bool = False) -> QFrame:
    """A thin line between two panels."""
    line = QFrame()
    line.setProperty("role", "line")
    if is_vertical:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line
