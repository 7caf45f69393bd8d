"""Which files the annotations are written to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.annotator import Annotator
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.translation import mark, tr
from cmp_studio.widgets.controls import Switch, make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.theme import GRID, ThemeManager

KINDS: Final = {
    "indexed": (mark("Indexed PNG"), mark("a picture of numbers: 1 is the first object")),
    "objects": (mark("A mask for each object"), mark("PNG, 255 on the object, 0 elsewhere")),
    "coco": ("COCO", mark("one JSON; polygons, or run lengths with holes")),
    "labelme": ("labelme", mark("a JSON for each picture, opens in labelme")),
    "csv": ("CSV", mark("clicks and seconds of every object")),
}


class AnnotateExportDialog(Dialog):
    """Folder and kinds of files; writing goes on in the background."""

    def __init__(
        self,
        annotator: Annotator,
        preferences: Preferences,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._annotator = annotator
        self._preferences = preferences
        self.setWindowTitle(tr("Export annotations"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(580)
        chosen = preferences.text("annotate/kinds", " ".join(KINDS)).split()
        self.switches: dict[str, Switch] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        for row, (kind, (name, what)) in enumerate(KINDS.items()):
            switch = Switch(tr(name), themes)
            switch.setChecked(kind in chosen)
            switch.toggled.connect(self.on_changed)
            self.switches[kind] = switch
            grid.addWidget(switch, row, 0)
            grid.addWidget(make_label(tr(what), "muted"), row, 1)
        grid.setColumnStretch(1, 1)
        self.folder_field = QLineEdit(str(self._proposal()))
        self.folder_field.setAccessibleName(tr("Folder for the files"))
        self.folder_field.textChanged.connect(self.on_changed)
        browse = make_button(tr("Choose…"))
        browse.clicked.connect(self.on_browse)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(self.folder_field, 1)
        line.addWidget(browse)
        self.state = make_label("", "muted")
        self.state.setWordWrap(True)
        self.start_button = make_button(tr("Export"), "primary")
        self.start_button.setDefault(True)
        self.start_button.clicked.connect(self.on_start)
        close = make_button(tr("Close"))
        close.setAutoDefault(False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.state, 1)
        buttons.addWidget(close)
        buttons.addWidget(self.start_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(make_label(tr("Files"), "section"))
        column.addLayout(grid)
        column.addWidget(make_label(tr("Folder"), "section"))
        column.addLayout(line)
        column.addLayout(buttons)
        annotator.exported.connect(self.on_exported)
        annotator.failed.connect(self.on_failed)
        self.on_changed()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are switched on."""
        return tuple(kind for kind, switch in self.switches.items() if switch.isChecked())

    def on_changed(self) -> None:
        """Say what would be written."""
        count = len(self._annotator.folder.annotation_files()[0])
        is_ready = bool(self.kinds) and bool(self.folder_field.text().strip())
        self.start_button.setEnabled(is_ready)
        if not self.kinds:
            self._say(tr("Switch on at least one kind of file"))
        elif not is_ready:
            self._say(tr("Choose a folder"))
        else:
            self._say(
                tr("%n pictures with objects", "", max(count, 1), one="1 picture with objects")
            )

    def on_browse(self) -> None:
        """Choose a folder."""
        chosen = QFileDialog.getExistingDirectory(
            self, tr("Folder for the files"), self.folder_field.text()
        )
        if chosen:
            self.folder_field.setText(chosen)

    def on_start(self) -> None:
        """Write the files."""
        folder = Path(self.folder_field.text().strip()).expanduser()
        self._preferences.set_text("annotate/kinds", " ".join(self.kinds))
        self._preferences.set_text("annotate/export_folder", str(folder))
        self.start_button.setEnabled(False)
        self._say(tr("Writing…"))
        if not self._annotator.export(folder, self.kinds):
            self.on_failed(tr("Nothing is marked yet; click on an object first."))

    def on_exported(self, sentence: str) -> None:
        """Say what was written."""
        self.start_button.setEnabled(True)
        self._say(sentence)

    def on_failed(self, sentence: str) -> None:
        """Say why not."""
        self.start_button.setEnabled(True)
        self._say(sentence, role="warning")

    def _proposal(self) -> Path:
        path = self._annotator.folder.path
        if path is not None:
            return path.parent / "annotations" / "export"
        kept = self._preferences.text("annotate/export_folder", "")
        return Path(kept) if kept else Path.home() / "annotations"

    def _say(self, text: str, *, role: str = "muted") -> None:
        if self.state.property("role") != role:
            self.state.setProperty("role", role)
            self.state.style().polish(self.state)
        self.state.setText(text)
