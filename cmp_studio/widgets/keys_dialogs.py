"""The sheet of all keys, and the dialog that changes them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.shortcuts import Shortcuts
from cmp_studio.services.translation import tr
from cmp_studio.widgets.command_table import (
    ANNOTATE_GESTURES,
    COMMANDS,
    GESTURES,
    command,
    menu_of,
)
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.theme import GRID

_NAME: Final = Qt.ItemDataRole.UserRole
_ROWS_PER_COLUMN: Final = 28


class KeysDialog(QDialog):
    """What keys and mouse do, on one sheet.

    Args:
        shortcuts: The keys as they are now.
        parent: The window.
    """

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys and mouse"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet = QHBoxLayout()
        sheet.setSpacing(5 * GRID)
        for rows in _columns(shortcuts):
            grid = QGridLayout()
            grid.setHorizontalSpacing(2 * GRID)
            grid.setVerticalSpacing(3)
            for row, (keys, words) in enumerate(rows):
                if not words:
                    if row:
                        grid.setRowMinimumHeight(row, 4 * GRID)
                    section = make_label(keys, "section")
                    grid.addWidget(section, row, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
                    continue
                grid.addWidget(make_label(keys, "title"), row, 0)
                grid.addWidget(make_label(words, "muted"), row, 1)
            grid.setRowStretch(len(rows), 1)
            sheet.addLayout(grid)
        self.customise = make_button(tr("Customise…"))
        close = make_button(tr("Close"))
        close.setDefault(True)
        close.clicked.connect(self.accept)
        self.customise.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.customise)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addLayout(sheet)
        column.addLayout(buttons)


def _columns(shortcuts: Shortcuts) -> list[list[tuple[str, str]]]:
    """Rows of keys and words, in columns; a row without words is a heading."""
    sections: dict[str, list[tuple[str, str]]] = {
        tr("On the photo"): [(tr(what), tr(does)) for what, does in GESTURES],
        tr("When annotating"): [(tr(what), tr(does)) for what, does in ANNOTATE_GESTURES],
    }
    for known in COMMANDS:
        keys = shortcuts.keys(known.name)
        if keys:
            rows = sections.setdefault(menu_of(known.name), [])
            rows.append(("  ".join(_native(key) for key in keys[:2]), known.title))
    columns: list[list[tuple[str, str]]] = [[]]
    for title, rows in sections.items():
        if columns[-1] and len(columns[-1]) + len(rows) + 1 > _ROWS_PER_COLUMN:
            columns.append([])
        columns[-1] += [(title, ""), *rows]
    return columns


class ShortcutsDialog(QDialog):
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
