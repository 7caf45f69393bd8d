"""Every command of the window as an action, and the menus that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from cmp_studio.widgets.icons import themed_icon
from cmp_studio.widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: How the code calls it.
        text: In the menu; an ampersand marks the letter for the keyboard.
        keys: Shortcuts, the first is shown.
        icon: Name of its icon, or empty.
        hint: More words for the tool tip, or empty.
        is_checkable: Whether it is on or off.
        group: Commands of the same group exclude each other.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    hint: str = ""
    is_checkable: bool = False
    group: str = ""


COMMANDS: Final = (
    Command("open", "&Open…", ("Ctrl+O",), "open"),
    Command("paste", "&Paste picture", ("Ctrl+V",)),
    Command("save", "&Save scene", ("Ctrl+S",)),
    Command("save_as", "Save scene &as…", ("Ctrl+Shift+S",)),
    Command("export", "&Export film…", ("Ctrl+E",), "export"),
    Command("close", "&Close scene", ("Ctrl+W",)),
    Command("quit", "&Quit", ("Ctrl+Q",)),
    Command("undo", "&Undo", ("Ctrl+Z",), "undo"),
    Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    Command("duplicate", "D&uplicate", ("Ctrl+D",)),
    Command("delete", "&Delete", ("Del", "Backspace"), "delete"),
    Command("select_all", "Select &all", ("Ctrl+A",)),
    Command("remove_all", "Delete all &tracks"),
    Command("tool_select", "&Select", ("V",), "select", "Select and move arrows and pins",
            is_checkable=True, group="tool"),
    Command("tool_arrow", "&Arrow", ("A",), "arrow", "Drag: this spot will go there",
            is_checkable=True, group="tool"),
    Command("tool_pin", "&Pin", ("P",), "pin", "Click: this spot stays where it is",
            is_checkable=True, group="tool"),
    Command("switch", "Switch &on or off", ("Ctrl+T",)),
    Command("view_photo", "&Photo", ("Ctrl+1",), is_checkable=True, group="view"),
    Command("view_motion", "&Motion", ("Ctrl+2",), is_checkable=True, group="view"),
    Command("view_flow", "&Flow", ("Ctrl+3",), is_checkable=True, group="view"),
    Command("overlays", "Show &arrows and pins", ("H",), "overlays", is_checkable=True),
    Command("inspector", "Show &inspector", ("I",), "panel", is_checkable=True),
    Command("fit", "&Whole photo", ("F", "Ctrl+0")),
    Command("actual_size", "&100 %", ("1",)),
    Command("zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+=", "+")),
    Command("zoom_out", "Zoom &out", ("Ctrl+-", "-")),
    Command("theme_system", "As the &desktop", is_checkable=True, group="theme"),
    Command("theme_dark", "&Dark", is_checkable=True, group="theme"),
    Command("theme_light", "&Light", is_checkable=True, group="theme"),
    Command("play", "&Play", ("K",), "play"),
    Command("next_frame", "&Next frame", (".",)),
    Command("previous_frame", "Pre&vious frame", (",",)),
    Command("first_frame", "&First frame", ("Home",)),
    Command("last_frame", "&Last frame", ("End",)),
    Command("import_weights", "&Add weights from a file…"),
    Command("fetch_weights", "&Download the published weights…"),
    Command("keys", "&Keys", ("F1", "?")),
    Command("about", "&About CMP Studio"),
)  # fmt: skip

MENUS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("&File", ("open", "@recent", "@samples", "paste", "-", "save", "save_as", "export", "-",
               "close", "quit")),
    ("&Edit", ("undo", "redo", "-", "duplicate", "delete", "select_all", "remove_all")),
    ("&View", ("view_photo", "view_motion", "view_flow", "-", "overlays", "inspector", "-",
               "fit", "actual_size", "zoom_in", "zoom_out", "-", "@theme")),
    ("&Track", ("tool_select", "tool_arrow", "tool_pin", "-", "switch")),
    ("&Play", ("play", "previous_frame", "next_frame", "first_frame", "last_frame", "-",
               "@loop")),
    ("&Weights", ("@weights", "@device", "-", "import_weights", "fetch_weights")),
    ("&Help", ("keys", "about")),
)  # fmt: skip

SUBMENU_TITLES: Final = {
    "@recent": "Open &recent",
    "@samples": "Open sa&mple",
    "@theme": "&Theme",
    "@loop": "L&oop",
    "@weights": "&Network",
    "@device": "&Device",
}


class Actions(QObject):
    """The actions by name, and the submenus that are filled elsewhere."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self.submenus: dict[str, QMenu] = {}
        for command in COMMANDS:
            self._actions[command.name] = self._make(command, window)

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

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in the colours of a theme."""
        for command in COMMANDS:
            if command.icon:
                is_toggle = command.is_checkable and not command.group
                icon = themed_icon(command.icon, theme, is_toggle=is_toggle)
                self._actions[command.name].setIcon(icon)

    def _make(self, command: Command, window: QMainWindow) -> QAction:
        action = QAction(command.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        action.setCheckable(command.is_checkable)
        plain = command.text.replace("&", "").rstrip("…")
        keys = f" ({command.keys[0]})" if command.keys else ""
        action.setToolTip(f"{plain}{keys}\n{command.hint}" if command.hint else f"{plain}{keys}")
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
