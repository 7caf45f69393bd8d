"""The page of Annotate: tools, the picture, the panel, and going from picture to picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.annotate_tools import AnnotateTool
from cmp_studio.services.annotator import FilmMask
from cmp_studio.services.modes import Mode
from cmp_studio.services.scene_files import PICTURE_SUFFIXES
from cmp_studio.services.studio import Studio
from cmp_studio.services.translation import tr
from cmp_studio.widgets.actions import Actions
from cmp_studio.widgets.annotate_canvas import AnnotateCanvas
from cmp_studio.widgets.annotate_export import AnnotateExportDialog
from cmp_studio.widgets.annotate_panel import AnnotatePanel
from cmp_studio.widgets.annotate_start import AnnotateStart
from cmp_studio.widgets.bars import ToolColumn, action_button, separator
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.mode_page import Commands, ModePage
from cmp_studio.widgets.theme import GRID, ThemeManager

ANNOTATE: Final = Mode(
    "annotate", "Annotate", "Cut out objects with a few clicks, in whole folders (F3)"
)
_TOOLS: Final = ("annotate_positive", "annotate_negative", "annotate_brush")
_START, _PICTURE = 0, 1


class AnnotatePage(ModePage):
    """Cuts out objects with a few clicks, picture after picture."""

    def __init__(
        self, studio: Studio, actions: Actions, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(ANNOTATE, parent)
        self._studio = studio
        self._themes = themes
        self._actions = actions
        self._annotator = studio.annotator
        self.canvas = AnnotateCanvas(studio.annotator, themes)
        self.panel = AnnotatePanel(studio.annotator, themes)
        self.start = AnnotateStart(studio.annotator.folder, themes)
        self.strip = AnnotateStrip(actions)
        self.tool_column = ToolColumn([actions[name] for name in _TOOLS])
        self.export_dialog: AnnotateExportDialog | None = None
        self._work = ""
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.tool_column)
        row.addWidget(separator(is_vertical=True))
        row.addWidget(self.canvas, 1)
        row.addWidget(separator(is_vertical=True))
        row.addWidget(self.panel)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.start)
        self._stack.addWidget(work)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._connect()
        self.on_opened()
        self.on_tool_changed(self._annotator.tools.tool)
        actions["annotate_masks"].setChecked(True)

    # What the window asks.

    @property
    def hint(self) -> str:
        """What a click would do."""
        return self._work or self._annotator.tools.hint

    @property
    def document_title(self) -> str:
        """The picture, and where in its folder it is."""
        folder = self._annotator.folder
        if folder.path is None:
            return folder.title
        return tr("{name} ({number} of {count})").format(
            name=folder.title, number=folder.index + 1, count=len(folder.paths)
        )

    @property
    def has_document(self) -> bool:
        """Whether a picture is open."""
        return self._annotator.folder.picture is not None

    def header_strip(self) -> QWidget:
        """Going from picture to picture, and export."""
        return self.strip

    def commands(self) -> Commands:
        """What the commands do here."""
        session, tools, folder = (
            self._annotator.session,
            self._annotator.tools,
            self._annotator.folder,
        )
        return {
            "open": self.on_open_file,
            "undo": session.undo,
            "redo": session.redo,
            "delete": session.remove_current,
            "actual_size": self.canvas.show_actual_size,
            "zoom_in": lambda: self.canvas.zoom_by(1),
            "zoom_out": lambda: self.canvas.zoom_by(-1),
            "annotate_folder": self.on_open_folder,
            "annotate_save": self.on_save,
            "annotate_export": self.on_export,
            "annotate_close": folder.close,
            "annotate_positive": lambda: tools.set_tool("positive"),
            "annotate_negative": lambda: tools.set_tool("negative"),
            "annotate_brush": self.on_brush,
            "annotate_swap": tools.swap,
            "annotate_larger": lambda: tools.grow(1),
            "annotate_smaller": lambda: tools.grow(-1),
            "annotate_next_object": session.next_object,
            "annotate_label": self.on_label,
            "annotate_freeze": self.on_freeze,
            "annotate_layer": self.on_layer,
            "annotate_next": lambda: folder.step(1),
            "annotate_previous": lambda: folder.step(-1),
            "annotate_fit": self.canvas.fit,
        }

    def toggles(self) -> Mapping[str, Callable[[bool], object]]:
        """What the commands that are on or off do here."""
        return {
            "annotate_masks": lambda is_on: self.canvas.set_has_masks(value=is_on),
            "annotate_flow": self.on_flow_toggled,
        }

    def there(self) -> set[str]:
        """What the commands need."""
        session, folder = self._annotator.session, self._annotator.folder
        there: set[str] = set()
        if folder.picture is not None:
            there |= {"picture", "scene"}
        if session.annotation.objects or folder.annotated:
            there.add("objects")
        if session.current is not None:
            there.add("selection")
        if session.undo_label:
            there.add("undo")
        if session.redo_label:
            there.add("redo")
        if 0 <= folder.index < len(folder.paths) - 1:
            there.add("next")
        if folder.index > 0:
            there.add("previous")
        return there

    def titles(self) -> Mapping[str, str]:
        """Name what undo and redo would do."""
        session = self._annotator.session
        titles = {}
        for name, label in (("undo", session.undo_label), ("redo", session.redo_label)):
            if label:
                verb = tr("Undo") if name == "undo" else tr("Redo")
                titles[name] = f"{verb} {label[:1].lower()}{label[1:]}"
        return titles

    def enter(self) -> None:
        """Go on with what is open, or take the photo of the film."""
        self._annotator.enter()
        self.start.fill()
        self.zoom_changed.emit(self.canvas.shown_scale)
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        """Save, and leave the network to others."""
        self._annotator.leave()

    def open_mime(self, mime: QMimeData) -> bool:
        """Open a folder or a picture that was dropped."""
        for url in mime.urls():
            path = Path(url.toLocalFile())
            if url.isLocalFile() and path.is_dir():
                self._annotator.folder.open_folder(path)
                return True
            if url.isLocalFile() and path.suffix.lower() in PICTURE_SUFFIXES:
                self._annotator.folder.open_file(path)
                return True
        return False

    def fit(self) -> None:
        """Show the whole picture."""
        self.canvas.fit()

    # What happens.

    def on_open_folder(self) -> None:
        """Choose a folder and open its pictures."""
        chosen = QFileDialog.getExistingDirectory(
            self.window(), tr("Open a folder of pictures"), str(self._place())
        )
        if chosen:
            self._annotator.folder.open_folder(Path(chosen))

    def on_open_file(self) -> None:
        """Choose a picture; the others of its folder come with it."""
        pictures = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileName(
            self.window(),
            tr("Open a picture"),
            str(self._place()),
            tr("Pictures") + f" ({pictures})",
        )
        if chosen:
            self._annotator.folder.open_file(Path(chosen))

    def on_resumed(self) -> None:
        """Go on with the last folder."""
        last = self._annotator.folder.last_folder()
        if last is not None:
            self._annotator.folder.open_folder(last)

    def on_opened(self) -> None:
        """Show the picture, or how to begin."""
        has_picture = self._annotator.folder.picture is not None
        self._stack.setCurrentIndex(_PICTURE if has_picture else _START)
        self.start.fill()
        self.on_listed()
        if has_picture and self.isVisible():
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def on_listed(self) -> None:
        """Show where in the folder this is."""
        folder = self._annotator.folder
        self.strip.show_place(folder.title, folder.index, len(folder.paths), len(folder.annotated))
        self.state_changed.emit()

    def on_started(self, sentence: str) -> None:
        """Say what is being opened."""
        self._work = sentence
        self.hint_changed.emit()

    def on_finished(self) -> None:
        """Nothing is being opened any more."""
        self._work = ""
        self.hint_changed.emit()

    def on_save(self) -> None:
        """Write what was marked now."""
        self._annotator.folder.save()
        self.told.emit(tr("Saved; this happens by itself after every change"))

    def on_export(self) -> None:
        """Choose files and write them."""
        if self.export_dialog is not None:
            self.export_dialog.close()
        self.export_dialog = AnnotateExportDialog(
            self._annotator, self._studio.preferences, self._themes, self.window()
        )
        self.export_dialog.finished.connect(self.on_export_closed)
        self.export_dialog.show()

    def on_export_closed(self) -> None:
        """The dialog deletes itself."""
        self.export_dialog = None

    def on_failed(self, sentence: str) -> None:
        """Say what did not work, unless the dialog says it."""
        if self.export_dialog is None:
            self.warned.emit(sentence)

    def on_exported(self, sentence: str) -> None:
        """Say what was written, unless the dialog says it."""
        if self.export_dialog is None:
            self.told.emit(sentence)

    def on_brush(self) -> None:
        """Take the brush, or return to clicking."""
        self._annotator.tools.toggle_brush()
        self.on_tool_changed(self._annotator.tools.tool)

    def on_label(self) -> None:
        """Type the label."""
        self.panel.label.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.panel.label_edit.selectAll()

    def on_label_typed(self) -> None:
        """Give the keys back to the picture."""
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def on_tool_changed(self, name: AnnotateTool) -> None:
        """Show which tool is in use."""
        self._actions[f"annotate_{name}"].setChecked(True)

    def on_flow_toggled(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show the flow of the first pull, or masks."""
        self.panel.show_direction(0 if is_on else -1)
        self.canvas.set_direction(0 if is_on else None)

    def on_flow_chosen(self, direction: int) -> None:
        """Show the flow of a pull, or masks."""
        action = self._actions["annotate_flow"]
        action.blockSignals(True)
        action.setChecked(direction >= 0)
        action.blockSignals(False)
        self.canvas.set_direction(direction if direction >= 0 else None)

    def on_freeze(self) -> None:
        """Hold the object still in the film."""
        if not self._annotator.make_film_mask("freeze"):
            self.warned.emit(tr("There is no mask yet; click on an object first"))

    def on_layer(self) -> None:
        """Make a layer of the object in the film."""
        if not self._annotator.make_film_mask("layer"):
            self.warned.emit(tr("There is no mask yet; click on an object first"))

    def on_film_mask_made(self, mask: FilmMask) -> None:
        """Go to the film with it."""
        annotator, options = self._annotator, self._studio.options

        def put() -> None:
            annotator.put_into_film(mask)
            options.set_has_masks(value=True)

        self.film_asked.emit(put, not annotator.is_of_film(mask))

    # Inside.

    def _place(self) -> Path:
        path = self._annotator.folder.path
        if path is not None:
            return path.parent
        return self._annotator.folder.last_folder() or Path.home()

    def _connect(self) -> None:
        annotator = self._annotator
        folder, session = annotator.folder, annotator.session
        folder.opened.connect(self.on_opened)
        folder.listed.connect(self.on_listed)
        folder.started.connect(self.on_started)
        folder.finished.connect(self.on_finished)
        folder.warned.connect(self.warned)
        session.changed.connect(self.state_changed)
        session.history_changed.connect(self.state_changed)
        annotator.tools.hint_changed.connect(self.hint_changed)
        annotator.tools.tool_changed.connect(self.on_tool_changed)
        annotator.masks.answered.connect(self.answered)
        annotator.masks.failed.connect(self.warned)
        annotator.failed.connect(self.on_failed)
        annotator.exported.connect(self.on_exported)
        annotator.film_mask_made.connect(self.on_film_mask_made)
        self.canvas.zoom_changed.connect(self.zoom_changed)
        self.panel.flow_chosen.connect(self.on_flow_chosen)
        self.panel.freeze_asked.connect(self.on_freeze)
        self.panel.layer_asked.connect(self.on_layer)
        self.panel.label_edit.returnPressed.connect(self.on_label_typed)
        self.start.folder_asked.connect(self.on_open_folder)
        self.start.file_asked.connect(self.on_open_file)
        self.start.resumed.connect(self.on_resumed)


class AnnotateStrip(QWidget):
    """The part of the header: which picture of how many, and export."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = make_label("", "title")
        self.done = make_label("", "muted")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(96)
        self.progress.setAccessibleName(tr("Pictures with objects"))
        self.previous = action_button(actions["annotate_previous"])
        self.next = action_button(actions["annotate_next"])
        self.export_button = make_button(tr("Export…"), "primary")
        self.export_button.setToolTip(tr("Write masks and annotation files (Ctrl+E)"))
        self._export = actions["annotate_export"]
        self.export_button.clicked.connect(self._export.trigger)
        self._export.enabledChanged.connect(self.export_button.setEnabled)
        self.export_button.setEnabled(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(action_button(actions["annotate_folder"]))
        row.addStretch(1)
        row.addWidget(self.previous)
        row.addWidget(self.place)
        row.addWidget(self.next)
        row.addSpacing(GRID)
        row.addWidget(self.progress)
        row.addWidget(self.done)
        row.addStretch(1)
        row.addWidget(action_button(actions["annotate_masks"]))
        row.addSpacing(GRID // 2)
        row.addWidget(self.export_button)

    def show_place(self, name: str, index: int, count: int, done: int) -> None:
        """Show which picture of how many is open, and how many have objects."""
        has_list = count > 1 and index >= 0
        short = name if len(name) <= 28 else f"{name[:13]}…{name[-14:]}"
        self.place.setText(f"{index + 1} / {count}  {short}" if has_list else short)
        self.place.setToolTip(name)
        self.done.setText(tr("{count} done").format(count=done))
        for widget in (self.previous, self.next, self.progress, self.done):
            widget.setVisible(has_list)
        self.progress.setMaximum(max(1, count))
        self.progress.setValue(done)
