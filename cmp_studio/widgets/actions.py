"""The commands as actions with the user's keys, and the menus that hold them."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from cmp_studio.services.modes import ANIMATE
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.shortcuts import ALL_MODES, Shortcuts
from cmp_studio.services.translation import tr
from cmp_studio.widgets.command_table import (
    COMMANDS,
    MENUS,
    SUBMENU_COMMANDS,
    SUBMENU_TITLES,
    Command,
)
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
        scopes = {command.name: command.scope for command in COMMANDS}
        self.shortcuts = Shortcuts(defaults, preferences, self, scopes=scopes)
        self._menus: dict[str, QMenu] = {}
        self._mode: str = ANIMATE
        for command in COMMANDS:
            self._actions[command.name] = self._make(command, window)
        self.shortcuts.changed.connect(self.on_shortcuts_changed)
        self.on_shortcuts_changed()

    def __getitem__(self, name: str) -> QAction:
        """The action of one command."""
        return self._actions[name]

    def get(self, name: str) -> QAction | None:
        """The action of one command, or None where there is no such command."""
        return self._actions.get(name)

    def own_of(self, mode: str) -> tuple[str, ...]:
        """The commands that belong to one mode alone."""
        return tuple(command.name for command in COMMANDS if command.mode == mode)

    def build_menus(self, window: QMainWindow) -> None:
        """Fill the menu bar."""
        bar = window.menuBar()
        for title, names in MENUS:
            menu = self._menus[title] = bar.addMenu(tr(title))
            for name in names:
                if name == "-":
                    menu.addSeparator()
                elif name.startswith("@"):
                    self.submenus[name] = menu.addMenu(tr(SUBMENU_TITLES[name]))
                else:
                    menu.addAction(self._actions[name])
        for title, names in SUBMENU_COMMANDS.items():
            for name in names:
                self.submenus[title].addAction(self._actions[name])

    def show_mode(self, mode: str, known: Collection[str]) -> None:
        """Show the commands and menus of a mode; the others lose their keys meanwhile.

        Args:
            mode: The one that is on.
            known: All that can be chosen; with one alone there is nothing to choose.
        """
        self._mode = mode
        scopes = (mode, ALL_MODES)
        for command in COMMANDS:
            is_shown = command.scope in scopes
            if command.group == "mode":
                is_shown = len(known) > 1 and command.name.removeprefix("mode_") in known
            self._actions[command.name].setVisible(is_shown)
        in_scope = {command.name for command in COMMANDS if command.scope in scopes}
        for title, names in MENUS:
            self._menus[title].menuAction().setVisible(bool(in_scope.intersection(names)))

    def enable(self, there: set[str], carried_out: Collection[str] | None = None) -> None:
        """Enable the commands whose needs are ``there``, disable the others.

        Args:
            there: What is there.
            carried_out: Of the commands for all modes, those that the mode that is on carries out;
                None means every one.
        """
        for command in COMMANDS:
            if not command.needs or command.scope not in (self._mode, ALL_MODES):
                continue
            is_known = carried_out is None or command.name in carried_out
            self._actions[command.name].setEnabled(is_known and command.needs in there)

    def rename(self, name: str, text: str) -> None:
        """Let a command say what it would do now, in the menu and as its tip."""
        action = self._actions[name]
        action.setText(text)
        keys = action.shortcut().toString()
        action.setToolTip(f"{text} ({keys})" if keys else text)

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
            action.setToolTip(f"{tip}\n{command.tip}" if command.tip else tip)

    def _make(self, command: Command, window: QMainWindow) -> QAction:
        action = QAction(command.label, window)
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
