"""The sheet of all keys, and the dialog that changes them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.modes import Modes
from cmp_studio.services.shortcuts import ALL_MODES, Shortcuts
from cmp_studio.services.translation import tr
from cmp_studio.widgets.command_table import (
    ANNOTATE_GESTURES,
    COMMANDS,
    GESTURES,
    PROBE_GESTURES,
    command,
    menu_of,
)
from cmp_studio.widgets.controls import Segments, make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.key_sheet import Column, KeySheet
from cmp_studio.widgets.theme import GRID

_NAME: Final = Qt.ItemDataRole.UserRole
_ROWS_PER_COLUMN: Final = 26


class KeysDialog(Dialog):
    """What keys and mouse do, on one sheet for each mode.

    Args:
        shortcuts: The keys as they are now.
        modes: Whose sheets there are; that of the current one is shown.
        parent: The window.
    """

    def __init__(self, shortcuts: Shortcuts, modes: Modes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys and mouse"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        titles = {str(mode.name): tr(mode.title) for mode in modes.known}
        self.choice = Segments(tr("Mode"), titles)
        self.sheet = KeySheet({name: _columns(shortcuts, name) for name in titles}, self)
        self.choice.chosen.connect(self.sheet.show_sheet)
        self.choice.show_value(modes.current)
        self.sheet.show_sheet(modes.current)
        self.customise = make_button(tr("Customise…"))
        close = make_button(tr("Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        self.customise.clicked.connect(self.accept)
        head = QHBoxLayout()
        head.addWidget(self.choice)
        head.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.customise)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        if len(titles) > 1:
            column.addLayout(head)
        column.addWidget(self.sheet)
        column.addLayout(buttons)


def _columns(shortcuts: Shortcuts, mode: str) -> list[Column]:
    """Rows of keys and words, in columns; a row without words is a heading."""
    gestures = _MODE_GESTURES[mode]
    sections = {tr("On the photo"): [(tr(what), tr(does)) for what, does in gestures]}
    for known in COMMANDS:
        keys = shortcuts.keys(known.name)
        if keys and known.scope in (mode, ALL_MODES):
            rows = sections.setdefault(menu_of(known.name), [])
            rows.append(("  ".join(_native(key) for key in keys[:2]), known.title))
    columns: list[list[tuple[str, str]]] = [[]]
    for title, rows in sections.items():
        room = _ROWS_PER_COLUMN - len(rows) - 1
        column = next((column for column in columns if len(column) <= room), None)
        if column is None:
            column = []
            columns.append(column)
        column += [(title, ""), *rows]
    return list(columns)


_MODE_GESTURES: Final = {
    "animate": GESTURES,
    "annotate": ANNOTATE_GESTURES,
    "probe": PROBE_GESTURES,
}


class ShortcutsDialog(Dialog):
    """Gives commands other keys; every change counts at once."""

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self.setWindowTitle(tr("Customise keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 600)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Find a command or a key"))
        self.filter.setAccessibleName(tr("Find a command or a key"))
        self.filter.setClearButtonEnabled(True)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(tr("Commands and their keys"))
        self.tree.setHeaderLabels([tr("Command"), tr("Keys")])
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(GRID)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.words = make_label(tr("Choose a command, then press its new keys."), "muted")
        self.words.setWordWrap(True)
        self.edit = QKeySequenceEdit()
        self.edit.setAccessibleName(tr("New keys"))
        self.edit.setMaximumSequenceLength(1)
        self.edit.setClearButtonEnabled(True)
        self.reset_button = make_button(tr("Default"))
        self.reset_button.setToolTip(tr("Give this command its default keys back"))
        self.reset_all_button = make_button(tr("Reset all"))
        close = make_button(tr("Close"))
        close.clicked.connect(self.accept)
        for button in (self.reset_button, self.reset_all_button, close):
            button.setAutoDefault(False)
        keys_row = QHBoxLayout()
        keys_row.setSpacing(GRID)
        keys_row.addWidget(make_label(tr("New keys"), "muted"))
        keys_row.addWidget(self.edit, 1)
        keys_row.addWidget(self.reset_button)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reset_all_button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(self.filter)
        column.addWidget(self.tree, 1)
        column.addLayout(keys_row)
        column.addWidget(self.words)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._fill()
        self.filter.textChanged.connect(self.on_filter_changed)
        self.tree.currentItemChanged.connect(self.on_current_changed)
        self.edit.editingFinished.connect(self.on_keys_edited)
        self.reset_button.clicked.connect(self.on_reset_clicked)
        self.reset_all_button.clicked.connect(self.on_reset_all_clicked)
        shortcuts.changed.connect(self.on_shortcuts_changed)
        self.on_shortcuts_changed()
        self.on_current_changed()

    def choose(self, name: str) -> None:
        """Select a command in the list."""
        self.tree.setCurrentItem(self._items[name])

    @property
    def current(self) -> str:
        """The selected command; empty when none is."""
        item = self.tree.currentItem()
        name = None if item is None else item.data(0, _NAME)
        return name if isinstance(name, str) else ""

    def on_filter_changed(self, text: str) -> None:
        """Show the commands that have the text in their name or keys."""
        wanted = text.strip().casefold()
        for name, item in self._items.items():
            words = f"{item.text(0)} {item.text(1)}".casefold()
            item.setHidden(wanted not in words)
            if name == self.current and item.isHidden():
                self.tree.setCurrentIndex(QModelIndex())
        for index in range(self.tree.topLevelItemCount()):
            section = self.tree.topLevelItem(index)
            if section is not None:
                children = [section.child(row) for row in range(section.childCount())]
                section.setHidden(all(child is None or child.isHidden() for child in children))

    def on_current_changed(self) -> None:
        """Show the keys of the selected command."""
        name = self.current
        self.edit.setEnabled(bool(name))
        self.reset_button.setEnabled(bool(name) and self._shortcuts.is_own(name))
        keys = self._shortcuts.keys(name) if name else ()
        self.edit.setKeySequence(QKeySequence(keys[0] if keys else ""))
        self._say("" if name else tr("Choose a command, then press its new keys."))

    def on_keys_edited(self) -> None:
        """Take the keys that were pressed."""
        name, key = self.current, self.edit.keySequence().toString()
        if not name:
            return
        old = self._shortcuts.keys(name)
        if (old[:1] or ("",))[0] == key:
            return
        loser = self._shortcuts.owner(key, but=name) if key else ""
        self._shortcuts.set_keys(name, (key, *old[1:]) if key else ())
        if loser:
            self._say(
                tr("{keys} was “{title}”, which has lost it.").format(
                    keys=_native(key), title=command(loser).title
                )
            )
        elif key:
            self._say(
                tr("{keys} now calls “{title}”.").format(
                    keys=_native(key), title=command(name).title
                )
            )
        else:
            self._say(tr("“{title}” has no keys now.").format(title=command(name).title))

    def on_reset_clicked(self) -> None:
        """Give the selected command its default keys back."""
        if self.current:
            self._shortcuts.reset(self.current)
            self.on_current_changed()

    def on_reset_all_clicked(self) -> None:
        """Give every command its default keys back."""
        self._shortcuts.reset_all()
        self.on_current_changed()

    def on_shortcuts_changed(self) -> None:
        """Show the keys as they are now."""
        for name, item in self._items.items():
            item.setText(1, "  ".join(_native(key) for key in self._shortcuts.keys(name)))
            font = item.font(1)
            font.setBold(self._shortcuts.is_own(name))
            item.setFont(1, font)
        self.reset_all_button.setEnabled(self._shortcuts.has_own)
        self.reset_button.setEnabled(bool(self.current) and self._shortcuts.is_own(self.current))

    def _fill(self) -> None:
        sections: dict[str, QTreeWidgetItem] = {}
        for known in COMMANDS:
            title = menu_of(known.name)
            if title not in sections:
                section = QTreeWidgetItem(self.tree, [title])
                section.setFlags(Qt.ItemFlag.ItemIsEnabled)
                section.setFirstColumnSpanned(True)
                font = section.font(0)
                font.setBold(True)
                section.setFont(0, font)
                section.setExpanded(True)
                sections[title] = section
            item = QTreeWidgetItem(sections[title], [known.title])
            item.setData(0, _NAME, known.name)
            self._items[known.name] = item

    def _say(self, text: str) -> None:
        self.words.setText(text)


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
