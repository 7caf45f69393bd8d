"""The window: panels around the canvas, commands, drop and paste, opening, saving, closing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from cmp_studio.services.samples import first_sample
from cmp_studio.services.studio import Studio
from cmp_studio.services.tool_hints import TOOLS
from cmp_studio.services.translation import tr
from cmp_studio.services.window_work import WINDOW_WORK
from cmp_studio.widgets.actions import Actions
from cmp_studio.widgets.bars import AnimateStrip, HeaderBar, ToolColumn, separator
from cmp_studio.widgets.canvas import Canvas
from cmp_studio.widgets.canvas_notes import CoachCard, DropVeil
from cmp_studio.widgets.coach import CoachMarks, CoachStep
from cmp_studio.widgets.dialogs import ask_stop_exports, show_problem
from cmp_studio.widgets.document_desk import DocumentDesk
from cmp_studio.widgets.export_dialog import ExportDialog
from cmp_studio.widgets.history_panel import HistoryPanel
from cmp_studio.widgets.inspector import Inspector
from cmp_studio.widgets.layers_panel import LayersPanel
from cmp_studio.widgets.mode_desk import ModeDesk
from cmp_studio.widgets.mode_pages import make_pages
from cmp_studio.widgets.status_bar import StatusBar
from cmp_studio.widgets.studio_page import StudioPage
from cmp_studio.widgets.submenus import Submenus
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.timeline import Timeline
from cmp_studio.widgets.welcome import Welcome
from cmp_studio.widgets.window_commands import WindowCommands

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
        session, preview = studio.session, studio.preview
        playback, tools, options = studio.playback, studio.tools, studio.options
        self.desk = DocumentDesk(studio, self)
        self.actions_by_name = Actions(self, studio.preferences)
        self.canvas = Canvas(
            session, preview, playback, tools, options, studio.brush, studio.tints, themes
        )
        self.welcome = Welcome(studio.preferences, studio.background, studio.thumbnails, themes)
        self.inspector = Inspector(session, options, themes)
        self.layers = LayersPanel(session, studio.layers, studio.brush, themes)
        self.timeline = Timeline(
            session, playback, preview, studio.recorder, studio.loop_range, themes
        )
        self.history = HistoryPanel(session)
        self.status = StatusBar(tools, preview, studio.exports)
        self.coach = CoachCard(session, themes, self.canvas)
        self._veil = DropVeil(themes, self)
        self._build()
        self.coach_marks = CoachMarks(self._coach_steps(), themes, self)
        self.actions_by_name.build_menus(self)
        self.submenus = Submenus(self, studio, self.timeline.loop_menu)
        self.commands = WindowCommands(self, themes)
        self._connect()
        for page in make_pages(studio, self.actions_by_name, themes):
            self.modes.add(page)
        self.modes.on_mode_changed()
        self.setAcceptDrops(True)
        self.setWindowTitle("CMP Studio")
        self.resize(1280, 800)
        self.restoreGeometry(studio.preferences.blob("window/geometry"))
        if not self.page.restore(studio.preferences.blob("window/docks")):
            self.page.arrange()
        self.on_dock_toggled("", is_shown=True)
        self.on_theme_changed()
        self.on_options_changed()
        self.on_tool_changed(tools.tool)
        self.on_document_opened()

    @property
    def export_dialog(self) -> ExportDialog | None:
        """The dialog that was opened last, or None."""
        return self.commands.export_dialog

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
            if not self.studio.preferences.flag("window/coached", default=False):
                self.coach_marks.start()
        self.welcome.fill()
        self.studio.autosave.look()

    # Commands.

    def on_dock_toggled(self, _name: str, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show in the menu which panels are there."""
        for name in ("inspector", "layers", "history", "timeline"):
            self.actions_by_name[name].setChecked(not self.page.dock(name).isHidden())

    def on_inspector_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide the inspector."""
        self.page.dock("inspector").setVisible(is_shown)

    def on_layers_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide the layers."""
        self.page.dock("layers").setVisible(is_shown)
        if is_shown:
            self.page.dock("layers").raise_()

    def on_brush_asked(self) -> None:
        """Paint the mask that was chosen."""
        self.studio.tools.set_tool("brush")
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def on_timeline_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide the timeline."""
        self.page.dock("timeline").setVisible(is_shown)

    def on_history_toggled(self, is_shown: bool) -> None:  # noqa: FBT001 - a slot
        """Show or hide the undo steps."""
        self.page.dock("history").setVisible(is_shown)
        if is_shown:
            self.page.dock("history").raise_()

    def on_coached(self) -> None:
        """The first steps were seen; they come again only when asked for."""
        self.studio.preferences.set_flag("window/coached", value=True)
        if self.canvas.isVisible():
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def on_history_changed(self) -> None:
        """Who has drawn something needs the first mark no longer."""
        if self.studio.session.undo_label:
            self.coach_marks.done(0)

    def on_track_removed(self, title: str) -> None:
        """Say that a right-click took a track away, and how to get it back."""
        self.status.show_message(tr("{title} removed · Ctrl+Z brings it back").format(title=title))

    # State.

    def on_document_opened(self) -> None:
        """Show the studio or the welcome page."""
        is_open = self.studio.session.scene is not None
        self._stack.setCurrentIndex(_STACK_STUDIO if is_open else _STACK_WELCOME)
        self.header.show_document(is_open=is_open)
        if self.modes.page is not None:
            return
        self.status.show_document(is_open=is_open)
        if is_open:
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.on_title_changed()

    def on_title_changed(self) -> None:
        """Name the document in the title bar."""
        session, page = self.studio.session, self.modes.page
        title = session.title if page is None else page.document_title
        self.setWindowTitle(
            tr("{title}[*] - CMP Studio").format(title=title) if title else "CMP Studio"
        )
        self.setWindowModified(bool(title) and session.is_dirty)

    def on_playing_changed(self, is_playing: bool) -> None:  # noqa: FBT001 - a slot
        """Name the play command by what it does."""
        self.actions_by_name["play"].setText(tr("&Pause") if is_playing else tr("&Play"))

    def on_zoom_changed(self, scale: float) -> None:
        """Show the zoom of the canvas, while it is the one that is seen."""
        if self.modes.page is None:
            self.status.show_zoom(scale)

    def on_tool_changed(self, name: str) -> None:
        """Show which tool is in use."""
        self.actions_by_name[f"tool_{name}"].setChecked(True)

    def on_options_changed(self) -> None:
        """Show the view options in the menu."""
        options = self.studio.options
        self.actions_by_name[f"view_{options.mode}"].setChecked(True)
        for name in ("overlays", "masks", "onion", "holes"):
            self.actions_by_name[name].setChecked(getattr(options, f"has_{name}"))

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

    def event(self, event: QEvent) -> bool:
        """Threads that compute wait for long work, the repainting of all panels above all."""
        with WINDOW_WORK:
            return super().event(event)

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
        if not self._may_stop_exports():
            event.ignore()
            return
        if self.export_dialog is not None:
            self.export_dialog.close()
        if self.modes.page is not None:
            self.modes.page.leave()
        self.studio.preferences.set_blob("window/geometry", self.saveGeometry())
        self.studio.preferences.set_blob("window/docks", self.page.save())
        self.studio.autosave.close()
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
        page = self.modes.page
        is_taken = page is not None and page.open_mime(event.mimeData())
        if is_taken or self.desk.open_mime(event.mimeData()):
            event.acceptProposedAction()
        else:
            self.on_warned(tr("That is no photo and no scene"))

    # Inside.

    def _build(self) -> None:
        actions = self.actions_by_name
        strip = AnimateStrip(
            self.studio.options, [actions["overlays"], actions["inspector"]], actions["export"]
        )
        self.header = HeaderBar([actions["undo"], actions["redo"]], strip)
        self.tool_column = ToolColumn([actions[f"tool_{name}"] for name in TOOLS])
        self.page = StudioPage(self.tool_column, self.canvas)
        right, bottom = (
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        self.page.add_dock("inspector", tr("Inspector"), self.inspector, right)
        self.page.add_dock("layers", tr("Layers"), self.layers, right)
        self.page.add_dock("history", tr("History"), self.history, right)
        self.page.add_dock("timeline", tr("Timeline"), self.timeline, bottom)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.welcome)
        self._stack.addWidget(self.page)
        ground = QWidget()
        whole = QVBoxLayout(ground)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self.modes = ModeDesk(self, self._stack)
        whole.addWidget(separator())
        whole.addWidget(self.header)
        whole.addWidget(separator())
        whole.addWidget(self.modes.stack, 1)
        whole.addWidget(separator())
        whole.addWidget(self.status)
        self.setCentralWidget(ground)

    def _connect(self) -> None:
        studio = self.studio
        session, playback, files = studio.session, studio.playback, studio.files
        session.opened.connect(self.on_document_opened)
        session.history_changed.connect(self.on_history_changed)
        session.dirty_changed.connect(self.on_title_changed)
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
        self.canvas.zoom_changed.connect(self.on_zoom_changed)
        self.canvas.track_removed.connect(self.on_track_removed)
        self.status.zoom_clicked.connect(self.modes.on_zoom_clicked)
        self.welcome.open_asked.connect(self.desk.on_open)
        self.welcome.paste_asked.connect(self.desk.on_paste)
        self.welcome.sample_chosen.connect(self.desk.open_sample)
        self.welcome.file_chosen.connect(self.desk.open)
        self.page.dock_toggled.connect(self.on_dock_toggled)
        self.coach_marks.shown.connect(self.coach.on_marks_shown)
        self.coach_marks.finished.connect(self.on_coached)
        studio.modes.changed.connect(self.coach_marks.finish)  # they point at what is gone now
        self.status.exports_clicked.connect(self.commands.on_exports)
        studio.advice.given.connect(self.status.show_advice)
        studio.autosave.failed.connect(self.on_warned)
        studio.layers.warned.connect(self.on_warned)
        self.layers.brush_asked.connect(self.on_brush_asked)
        self.timeline.hint_changed.connect(self.status.show_panel_hint)
        actions = self.actions_by_name
        actions["inspector"].toggled.connect(self.on_inspector_toggled)
        actions["layers"].toggled.connect(self.on_layers_toggled)
        actions["history"].toggled.connect(self.on_history_toggled)
        actions["timeline"].toggled.connect(self.on_timeline_toggled)

    def _may_stop_exports(self) -> bool:
        """Whether no film is being written, or the user lets it go."""
        count = len(self.studio.exports.open_rows)
        return count == 0 or ask_stop_exports(self, count)

    def _coach_steps(self) -> tuple[CoachStep, ...]:
        return (
            CoachStep(
                tr("Drag on the photo"),
                tr(
                    "An arrow says: this spot will go there. Draw one on a part, and what belongs "
                    "to it comes along. Double-click what should stay."
                ),
                lambda: self.canvas,
                "inside",
            ),
            CoachStep(
                tr("It plays while you work"),
                tr(
                    "Every arrow has its bar: drag it to say when it moves. Space plays and pauses."
                ),
                lambda: self.timeline,
                "above",
            ),
            CoachStep(
                tr("Take it with you"),
                tr(
                    "Export writes a film or a GIF. For a photo of your own, drop it anywhere in "
                    "the window."
                ),
                lambda: self.header.animate.export_button,
                "below",
            ),
        )
