"""The window: panels around the canvas, commands, drop and paste, opening, saving, closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.samples import first_sample
from cmp_studio.services.studio import Studio
from cmp_studio.services.wording import tracks_title
from cmp_studio.widgets.actions import Actions
from cmp_studio.widgets.bars import HeaderBar, ToolColumn, separator
from cmp_studio.widgets.canvas import Canvas
from cmp_studio.widgets.canvas_notes import CoachCard, DropVeil
from cmp_studio.widgets.dialogs import AboutDialog, KeysDialog, show_problem
from cmp_studio.widgets.document_desk import DocumentDesk
from cmp_studio.widgets.export_dialog import ExportDialog
from cmp_studio.widgets.inspector import Inspector
from cmp_studio.widgets.status_bar import StatusBar
from cmp_studio.widgets.submenus import Submenus
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.timeline import Timeline
from cmp_studio.widgets.welcome import Welcome

_INSPECTOR_WIDTH = 264
_STACK_WELCOME, _STACK_STUDIO = 0, 1


class MainWindow(QMainWindow):
    """Puts the panels together and carries out the commands.

    Signals:
        first_painted(): The window is on the screen for the first time.
    """

    first_painted = Signal()

    def __init__(self, studio: Studio, themes: ThemeManager) -> None:
        super().__init__()
        self.studio = studio
        self._themes = themes
        self._was_painted = False
        self.export_dialog: ExportDialog | None = None
        session, preview = studio.session, studio.preview
        playback, tools, options = studio.playback, studio.tools, studio.options
        self.desk = DocumentDesk(studio, self)
        self.actions_by_name = Actions(self)
        self.canvas = Canvas(session, preview, playback, tools, options, themes)
        self.welcome = Welcome(studio.preferences, studio.background, themes)
        self.inspector = Inspector(session, options, themes)
        self.timeline = Timeline(session, playback, preview, themes)
        self.status = StatusBar(tools, preview)
        self.coach = CoachCard(session, themes, self.canvas)
        self._veil = DropVeil(themes, self)
        self._build()
        self.actions_by_name.build_menus(self)
        self.submenus = Submenus(self, studio, self.timeline.loop_menu)
        self._connect()
        self.setAcceptDrops(True)
        self.setWindowTitle("CMP Studio")
        self.resize(1280, 800)
        self.restoreGeometry(studio.preferences.blob("window/geometry"))
        self._is_inspector_wanted = studio.preferences.flag("window/inspector", default=True)
        self.on_theme_changed()
        self.on_options_changed()
        self.on_tool_changed(tools.tool)
        self.on_document_opened()
        self.on_state_changed()

    def expect(self, path: Path | None) -> None:
        """Show the empty canvas where `start` will open something, so that no page flashes by."""
        if path is not None or first_sample() is not None:
            self._stack.setCurrentIndex(_STACK_STUDIO)

    def start(self, path: Path | None) -> None:
        """Open ``path``, or the bundled sample; without one the welcome page stays."""
        self.expect(path)
        sample = first_sample()
        if path is not None:
            self.studio.files.open(path)
        elif sample is not None:
            self.studio.files.open_sample(sample)
        self.welcome.fill()

    # Commands.

    def on_export(self) -> None:
        """Show the export dialog."""
        if self.studio.session.scene is None:
            return
        if self.export_dialog is not None and self.export_dialog.is_running:
            self.export_dialog.raise_()
            self.export_dialog.activateWindow()
            return
        if self.export_dialog is not None:
            self.export_dialog.deleteLater()
        self.studio.session.commit()
        self.export_dialog = ExportDialog(
            self.studio.session,
            self.studio.preferences,
            self._themes,
            self.studio.make_export,
            self,
        )
        self.export_dialog.show()

    def on_switch(self) -> None:
        """Switch the selected tracks on or off."""
        tracks = self.studio.session.selected_tracks
        if tracks:
            is_on = not all(track.is_on for track in tracks)
            verb = "Switch on" if is_on else "Switch off"
            changed = [replace(track, is_on=is_on) for track in tracks]
            self.studio.session.set_tracks(changed, f"{verb} {tracks_title(tracks)}")

    def on_first_frame(self) -> None:
        """Go to the start."""
        self.studio.playback.pause()
        self.studio.playback.seek(0)

    def on_last_frame(self) -> None:
        """Go to the end."""
        self.studio.playback.pause()
        self.studio.playback.seek(self.studio.playback.frame_count - 1)

    def on_inspector_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide the inspector."""
        self._is_inspector_wanted = is_shown
        self.studio.preferences.set_flag("window/inspector", value=is_shown)
        self.inspector.setVisible(is_shown)

    def on_overlays_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide arrows and pins."""
        self.studio.options.set_has_overlays(value=is_shown)

    def on_about(self) -> None:
        """Say what this is."""
        info = self.studio.preview.engine
        weights, device = ("none", "none") if info is None else (info.weights, info.device)
        AboutDialog(weights, device, self).show()

    def on_keys(self) -> None:
        """Say what keys and mouse do."""
        KeysDialog(self).show()

    def on_track_removed(self, title: str) -> None:
        """Say that a right-click took a track away, and how to get it back."""
        self.status.show_message(f"{title} removed · Ctrl+Z brings it back")

    # State.

    def on_document_opened(self) -> None:
        """Show the studio or the welcome page."""
        is_open = self.studio.session.scene is not None
        self._stack.setCurrentIndex(_STACK_STUDIO if is_open else _STACK_WELCOME)
        self.inspector.setVisible(self._is_inspector_wanted)
        self.status.show_document(is_open=is_open)
        if is_open:
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.on_title_changed()

    def on_title_changed(self) -> None:
        """Name the document in the title bar."""
        session = self.studio.session
        title = session.title
        self.setWindowTitle(f"{title}[*] - CMP Studio" if title else "CMP Studio")
        self.setWindowModified(session.is_dirty)

    def on_state_changed(self) -> None:
        """Enable what can be done now."""
        session, actions = self.studio.session, self.actions_by_name
        scene = session.scene
        is_open = scene is not None
        for name in (
            "save", "save_as", "export", "close", "view_photo", "view_motion", "view_flow",
            "overlays", "fit", "actual_size", "zoom_in", "zoom_out", "play", "next_frame",
            "previous_frame", "first_frame", "last_frame", "tool_select", "tool_arrow", "tool_pin",
        ):  # fmt: skip
            actions[name].setEnabled(is_open)
        self.header.setEnabled(is_open)
        has_selection = bool(session.selection)
        for name in ("delete", "duplicate", "switch"):
            actions[name].setEnabled(has_selection)
        has_tracks = scene is not None and bool(scene.tracks)
        for name in ("select_all", "remove_all"):
            actions[name].setEnabled(has_tracks)
        for name, label in (("undo", session.undo_label), ("redo", session.redo_label)):
            verb = name.capitalize()
            actions[name].setEnabled(bool(label))
            actions[name].setText(f"{verb} {label[:1].lower()}{label[1:]}" if label else verb)
            keys = actions[name].shortcut().toString()
            actions[name].setToolTip(f"{actions[name].text()} ({keys})")

    def on_playing_changed(self, is_playing: bool) -> None:  # noqa: FBT001 - a slot
        """Name the play command by what it does."""
        self.actions_by_name["play"].setText("&Pause" if is_playing else "&Play")

    def on_tool_changed(self, name: str) -> None:
        """Show which tool is in use."""
        self.actions_by_name[f"tool_{name}"].setChecked(True)

    def on_options_changed(self) -> None:
        """Show the view options in the menu."""
        options = self.studio.options
        self.actions_by_name[f"view_{options.mode}"].setChecked(True)
        self.actions_by_name["overlays"].setChecked(options.has_overlays)

    def on_theme_changed(self) -> None:
        """Draw the icons anew."""
        self.actions_by_name.set_theme(self._themes.theme)
        name = self.studio.preferences.theme()
        self.actions_by_name[f"theme_{name}"].setChecked(True)

    def on_warned(self, sentence: str) -> None:
        """Say what did not work, without stopping anyone."""
        self.status.show_message(sentence, is_warning=True)

    def on_engine_failed(self, sentence: str) -> None:
        """Say why there is no network."""
        show_problem(self, sentence)

    def on_files_failed(self, sentence: str) -> None:
        """Say that a file could not be opened or saved."""
        show_problem(self, sentence)
        self.on_document_opened()

    def on_files_started(self, sentence: str) -> None:
        """Show that a file is being read or written."""
        self.status.show_work(sentence)

    def on_files_finished(self) -> None:
        """Nothing is being read or written any more."""
        self.status.show_work("")

    # Qt overrides.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Note the first time."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes, then stop everything."""
        if not self.desk.may_close():
            event.ignore()
            return
        if self.export_dialog is not None:
            self.export_dialog.close()
        self.studio.preferences.set_blob("window/geometry", self.saveGeometry())
        self.studio.shutdown()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and pictures from anywhere."""
        mime = event.mimeData()
        if mime.hasUrls() or mime.hasImage():
            event.acceptProposedAction()
            self._veil.cover(self.rect())

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It goes elsewhere."""
        self._veil.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self._veil.hide()
        if self.desk.open_mime(event.mimeData()):
            event.acceptProposedAction()
        else:
            self.on_warned("That is no photo and no scene")

    # Inside.

    def _build(self) -> None:
        actions = self.actions_by_name
        self.header = HeaderBar(
            self.studio.options,
            [actions["undo"], actions["redo"]],
            [actions["overlays"], actions["inspector"]],
            actions["export"],
        )
        self.tool_column = ToolColumn(
            [actions["tool_select"], actions["tool_arrow"], actions["tool_pin"]]
        )
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.canvas)
        self._splitter.addWidget(self.inspector)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setSizes([1000, _INSPECTOR_WIDTH])
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.tool_column)
        middle.addWidget(separator(is_vertical=True))
        middle.addWidget(self._splitter, 1)
        desk = QWidget()
        column = QVBoxLayout(desk)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(separator())
        column.addLayout(middle, 1)
        column.addWidget(separator())
        column.addWidget(self.timeline)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.welcome)
        self._stack.addWidget(desk)
        ground = QWidget()
        whole = QVBoxLayout(ground)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(separator())
        whole.addWidget(self._stack, 1)
        whole.addWidget(separator())
        whole.addWidget(self.status)
        self.setCentralWidget(ground)

    def _connect(self) -> None:
        studio = self.studio
        session, playback, files = studio.session, studio.playback, studio.files
        session.opened.connect(self.on_document_opened)
        session.history_changed.connect(self.on_state_changed)
        session.selection_changed.connect(self.on_state_changed)
        session.dirty_changed.connect(self.setWindowModified)
        session.path_changed.connect(self.on_title_changed)
        playback.playing_changed.connect(self.on_playing_changed)
        studio.tools.tool_changed.connect(self.on_tool_changed)
        studio.options.changed.connect(self.on_options_changed)
        studio.preview.failed.connect(self.on_warned)
        studio.preview.engine_failed.connect(self.on_engine_failed)
        studio.weights.failed.connect(self.on_engine_failed)
        files.started.connect(self.on_files_started)
        files.finished.connect(self.on_files_finished)
        files.failed.connect(self.on_files_failed)
        self.desk.told.connect(self.status.show_message)
        self.desk.warned.connect(self.on_warned)
        self._themes.changed.connect(self.on_theme_changed)
        self.canvas.zoom_changed.connect(self.status.show_zoom)
        self.canvas.track_removed.connect(self.on_track_removed)
        self.status.zoom_clicked.connect(self.canvas.fit)
        self.welcome.open_asked.connect(self.desk.on_open)
        self.welcome.paste_asked.connect(self.desk.on_paste)
        self.welcome.sample_chosen.connect(self.desk.open_sample)
        self.welcome.file_chosen.connect(self.desk.open)
        self._connect_actions()

    def _connect_actions(self) -> None:
        studio, actions = self.studio, self.actions_by_name
        session, playback = studio.session, studio.playback
        tools, options = studio.tools, studio.options
        actions["inspector"].setChecked(studio.preferences.flag("window/inspector", default=True))
        commands: dict[str, Callable[[], object]] = {
            "open": self.desk.on_open,
            "paste": self.desk.on_paste,
            "save": self.desk.on_save,
            "save_as": self.desk.on_save_as,
            "export": self.on_export,
            "close": self.desk.on_close,
            "quit": self.close,
            "undo": session.undo,
            "redo": session.redo,
            "duplicate": session.duplicate_selected,
            "delete": session.remove_selected,
            "select_all": session.select_all,
            "remove_all": session.remove_all,
            "switch": self.on_switch,
            "tool_select": lambda: tools.set_tool("select"),
            "tool_arrow": lambda: tools.set_tool("arrow"),
            "tool_pin": lambda: tools.set_tool("pin"),
            "view_photo": lambda: options.set_mode("photo"),
            "view_motion": lambda: options.set_mode("motion"),
            "view_flow": lambda: options.set_mode("flow"),
            "fit": self.canvas.fit,
            "actual_size": self.canvas.show_actual_size,
            "zoom_in": lambda: self.canvas.zoom_by(1),
            "zoom_out": lambda: self.canvas.zoom_by(-1),
            "theme_system": lambda: studio.preferences.set_theme("system"),
            "theme_dark": lambda: studio.preferences.set_theme("dark"),
            "theme_light": lambda: studio.preferences.set_theme("light"),
            "play": playback.toggle,
            "next_frame": lambda: playback.step(1),
            "previous_frame": lambda: playback.step(-1),
            "first_frame": self.on_first_frame,
            "last_frame": self.on_last_frame,
            "keys": self.on_keys,
            "about": self.on_about,
        }
        for name, command in commands.items():
            actions[name].triggered.connect(_without_argument(command))
        actions["overlays"].toggled.connect(self.on_overlays_toggled)
        actions["inspector"].toggled.connect(self.on_inspector_toggled)


def _without_argument(command: Callable[[], object]) -> Callable[[], None]:
    """Leave out the "checked" that a triggered action hands over."""

    def call() -> None:
        command()

    return call
