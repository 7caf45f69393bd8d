"""The commands as actions with the user's keys, and the menus that hold them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from cmp_studio.services.preferences import Preferences
from cmp_studio.services.shortcuts import Shortcuts
from cmp_studio.widgets.command_table import COMMANDS, MENUS, SUBMENU_TITLES, Command
from cmp_studio.widgets.icons import themed_icon
from cmp_studio.widgets.theme import Theme


class Actions(QObject):
    """The actions by name, and the submenus that are filled elsewhere."""

    def __init__(self, window: QMainWindow, preferences: Preferences) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self.submenus: dict[str, QMenu] = {}
        defaults = {command.name: command.keys for command in COMMANDS}
        self.shortcuts = Shortcuts(defaults, preferences, self)
        for command in COMMANDS:
            self._actions[command.name] = self._make(command, window)
        self.shortcuts.changed.connect(self.on_shortcuts_changed)
        self.on_shortcuts_changed()

    def __getitem__(self, name: str) -> QAction:
        """The action of one command."""
        return self._actions[name]

    def build_menus(self, window: QMainWindow) -> None:
        """Fill the menu bar."""
        bar = window.menuBar()
        for title, names in MENUS:
            menu = bar.addMenu(title)
            for name in names:
                if name == "-":
                    menu.addSeparator()
                elif name.startswith("@"):
                    self.submenus[name] = menu.addMenu(SUBMENU_TITLES[name])
                else:
                    menu.addAction(self._actions[name])
        for name in ("theme_system", "theme_dark", "theme_light"):
            self.submenus["@theme"].addAction(self._actions[name])

    def enable(self, there: set[str]) -> None:
        """Enable the commands whose needs are ``there``, disable the others."""
        for command in COMMANDS:
            if command.needs:
                self._actions[command.name].setEnabled(command.needs in there)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in the colours of a theme."""
        for command in COMMANDS:
            if command.icon:
                is_toggle = command.is_checkable and not command.group
                icon = themed_icon(command.icon, theme, is_toggle=is_toggle)
                self._actions[command.name].setIcon(icon)

    def on_shortcuts_changed(self) -> None:
        """Give every action its keys, and say them in its tool tip."""
        for command in COMMANDS:
            action, keys = self._actions[command.name], self.shortcuts.keys(command.name)
            action.setShortcuts([QKeySequence(key) for key in keys])
            shown = f" ({QKeySequence(keys[0]).toString(_NATIVE)})" if keys else ""
            tip = f"{command.title}{shown}"
            action.setToolTip(f"{tip}\n{command.hint}" if command.hint else tip)

    def _make(self, command: Command, window: QMainWindow) -> QAction:
        action = QAction(command.text, window)
        action.setCheckable(command.is_checkable)
        action.setIconVisibleInMenu(False)
        if command.name == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        if command.name == "about":
            action.setMenuRole(QAction.MenuRole.AboutRole)
        if command.group:
            group = self._groups.setdefault(command.group, QActionGroup(self))
            group.addAction(action)
        window.addAction(action)
        return action


_NATIVE = QKeySequence.SequenceFormat.NativeText
