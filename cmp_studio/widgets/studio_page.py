"""The page of Animate: the canvas, tools beside, panels that can be moved around it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QMainWindow,
    QTabWidget,
    QWidget,
)

from cmp_studio.widgets.bars import separator

INSPECTOR_WIDTH: Final = 272
TIMELINE_HEIGHT: Final = 208
_VERSION: Final = 3


class StudioPage(QMainWindow):
    """A window without a frame inside of the main window, for the sake of its docks.

    Signals:
        dock_toggled(name, is_shown): The user showed or closed the panel of this name.
    """

    dock_toggled = Signal(str, bool)

    def __init__(self, tools: QWidget, canvas: QWidget) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.GroupedDragging
        )
        self.setTabPosition(Qt.DockWidgetArea.RightDockWidgetArea, QTabWidget.TabPosition.North)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(tools)
        row.addWidget(separator(is_vertical=True))
        row.addWidget(canvas, 1)
        self.setCentralWidget(middle)
        self._docks: dict[str, QDockWidget] = {}

    def add_dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        """Put a panel beside the canvas.

        Args:
            name: How the code calls it.
            title: Over the panel.
            widget: What is in it.
            area: Where it stands until the user moves it.
        """
        dock = QDockWidget(title, self)
        dock.setObjectName(name)
        dock.setWidget(widget)
        if area == Qt.DockWidgetArea.RightDockWidgetArea:
            dock.setTitleBarWidget(QWidget())  # its tab names it
        dock.installEventFilter(self)
        self.addDockWidget(area, dock)
        self._docks[name] = dock

    def dock(self, name: str) -> QDockWidget:
        """The panel of this name."""
        return self._docks[name]

    def arrange(self) -> None:
        """Put every panel where it belongs, at its own size."""
        areas = {
            "inspector": Qt.DockWidgetArea.RightDockWidgetArea,
            "layers": Qt.DockWidgetArea.RightDockWidgetArea,
            "history": Qt.DockWidgetArea.RightDockWidgetArea,
            "timeline": Qt.DockWidgetArea.BottomDockWidgetArea,
        }
        for name, dock in self._docks.items():
            dock.setFloating(False)
            self.addDockWidget(areas[name], dock)
            dock.show()
        self.tabifyDockWidget(self._docks["inspector"], self._docks["layers"])
        self.tabifyDockWidget(self._docks["layers"], self._docks["history"])
        self._docks["inspector"].raise_()
        self.resizeDocks([self._docks["inspector"]], [INSPECTOR_WIDTH], Qt.Orientation.Horizontal)
        self.resizeDocks([self._docks["timeline"]], [TIMELINE_HEIGHT], Qt.Orientation.Vertical)

    def save(self) -> QByteArray:
        """Where the panels are."""
        return self.saveState(_VERSION)

    def restore(self, state: QByteArray) -> bool:
        """Put the panels where they were; return whether that was possible."""
        return not state.isEmpty() and self.restoreState(state, _VERSION)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice a panel that is shown or closed."""
        kinds = (QEvent.Type.ShowToParent, QEvent.Type.HideToParent)
        if isinstance(watched, QDockWidget) and event.type() in kinds:
            is_shown = event.type() == QEvent.Type.ShowToParent
            self.dock_toggled.emit(watched.objectName(), is_shown)
        return False
