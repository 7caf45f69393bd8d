"""What the commands of the window do, and when they can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from cmp_studio.document.errors import DocumentError
from cmp_studio.services.autosave import Leftover
from cmp_studio.services.layer_commands import LAYER_MOVES
from cmp_studio.services.translation import tr
from cmp_studio.services.window_work import WINDOW_WORK
from cmp_studio.services.wording import sentence_of, tracks_title
from cmp_studio.widgets.clipboard import put_tracks, tracks_on_clipboard
from cmp_studio.widgets.dialogs import AboutDialog
from cmp_studio.widgets.export_dialog import ExportDialog
from cmp_studio.widgets.exports_panel import ExportsPanel
from cmp_studio.widgets.keys_dialogs import KeysDialog, ShortcutsDialog
from cmp_studio.widgets.recovery_dialog import RecoveryDialog
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.weights_dialog import WeightsDialog

if TYPE_CHECKING:
    from cmp_studio.widgets.main_window import MainWindow


class WindowCommands(QObject):
    """Carries out the commands, and enables those that can be used now."""

    def __init__(self, window: MainWindow, themes: ThemeManager) -> None:
        super().__init__(window)
        self._window = window
        self._studio = window.studio
        self._themes = themes
        self._actions = window.actions_by_name
        self.export_dialog: ExportDialog | None = None
        self.exports_panel: ExportsPanel | None = None
        self.weights_dialog: WeightsDialog | None = None
        self.recovery_dialog: RecoveryDialog | None = None
        session = self._studio.session
        session.history_changed.connect(self.on_state_changed)
        session.selection_changed.connect(self.on_state_changed)
        self._studio.layers.chosen_changed.connect(self.on_state_changed)
        self._studio.exports.ended.connect(self.on_export_ended)
        self._studio.autosave.found.connect(self.on_leftovers_found)
        self._connect()
        self.on_state_changed()

    # Dialogs.

    def on_export(self) -> None:
        """Show the export dialog; a film that is being written goes on behind it."""
        if self._studio.session.scene is None:
            return
        if self.export_dialog is not None:
            self.export_dialog.close()
            self.export_dialog.deleteLater()
        self._studio.session.commit()
        self.export_dialog = ExportDialog(
            self._studio.session,
            self._studio.preferences,
            self._themes,
            self._studio.make_export,
            self._studio.exports,
            self._worst_holes,
            self._window,
        )
        self.export_dialog.show()

    def _worst_holes(self) -> tuple[float, float]:
        """The largest share of holes that the preview has seen, and when, in seconds."""
        share, index = self._studio.preview.worst_holes()
        return share, self._studio.preview.time_of(index)

    def on_exports(self) -> None:
        """Show the films that are being written."""
        if self.exports_panel is None:
            self.exports_panel = ExportsPanel(self._studio.exports, self._window)
        self.exports_panel.show()
        self.exports_panel.raise_()
        self.exports_panel.activateWindow()

    def on_weights(self) -> None:
        """Show the weights manager."""
        if self.weights_dialog is None:
            self.weights_dialog = WeightsDialog(self._studio, self._window)
        self.weights_dialog.show()
        self.weights_dialog.raise_()
        self.weights_dialog.activateWindow()

    def on_keys(self) -> None:
        """Say what keys and mouse do."""
        dialog = KeysDialog(self._actions.shortcuts, self._studio.modes, self._window)
        dialog.customise.clicked.connect(self.on_shortcuts)
        dialog.show()

    def on_shortcuts(self) -> None:
        """Change the keys."""
        ShortcutsDialog(self._actions.shortcuts, self._window).show()

    def on_about(self) -> None:
        """Say what this is."""
        info = self._studio.preview.engine
        weights, device = ("none", "none") if info is None else (info.weights, info.device)
        AboutDialog(weights, device, self._window).show()

    def on_leftovers_found(self, leftovers: list[Leftover]) -> None:
        """Offer the unsaved work of a run that crashed."""
        self.recovery_dialog = RecoveryDialog(leftovers, self._window)
        self.recovery_dialog.recover_asked.connect(self.on_recover_asked)
        self.recovery_dialog.discard_asked.connect(self._studio.autosave.discard)
        self.recovery_dialog.finished.connect(self.on_recovery_finished)
        self.recovery_dialog.show()

    def on_recover_asked(self, leftover: Leftover) -> None:
        """Open unsaved work."""
        self._window.desk.recover(leftover)

    def on_recovery_finished(self) -> None:
        """The dialog deletes itself."""
        self.recovery_dialog = None

    # Other commands.

    def on_copy_command(self) -> None:
        """Put the command line that makes the same film on the clipboard."""
        command = self._studio.command()
        if command is None:
            self._window.on_warned(tr("Save the scene first: it holds more than a command can say"))
            return
        QGuiApplication.clipboard().setText(command)
        self._window.status.show_message(tr("Copied the command line that makes this film"))

    def on_copy(self) -> None:
        """Put the selected tracks on the clipboard."""
        put_tracks(self._studio.commands.copied())

    def on_cut(self) -> None:
        """Put the selected tracks on the clipboard and delete them."""
        put_tracks(self._studio.commands.cut())

    def on_paste(self) -> None:
        """Add the tracks of the clipboard, or open its picture."""
        text = tracks_on_clipboard()
        if not text or self._studio.session.scene is None:
            self._window.desk.on_paste()
            return
        try:
            count = self._studio.commands.paste(text)
        except DocumentError as error:
            self._window.on_warned(sentence_of(error))
            return
        self._window.status.show_message(tr("Pasted %n tracks", "", count, one="Pasted 1 track"))

    def on_split(self) -> None:
        """Split the selected arrows that are longer than the network can answer."""
        reach = self._studio.preview.reach_px
        if reach is None or not self._studio.commands.split(reach):
            self._window.status.show_message(tr("No selected arrow is too long for this network"))

    def on_half_speed_toggled(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Record drags at half speed, or at the film's own."""
        self._studio.recorder.set_half_speed(is_on=is_on)

    def on_switch(self) -> None:
        """Switch the selected tracks on or off."""
        tracks = self._studio.session.selected_tracks
        if tracks:
            is_on = not all(track.is_on for track in tracks)
            verb = tr("Switch on") if is_on else tr("Switch off")
            changed = [replace(track, is_on=is_on) for track in tracks]
            self._studio.session.set_tracks(changed, f"{verb} {tracks_title(tracks)}")

    def on_first_frame(self) -> None:
        """Go to the start."""
        self._studio.playback.pause()
        self._studio.playback.seek(0)

    def on_last_frame(self) -> None:
        """Go to the end."""
        self._studio.playback.pause()
        self._studio.playback.seek(self._studio.playback.frame_count - 1)

    def on_export_ended(self, number: int) -> None:
        """Say how a film ended that nobody looks at."""
        row = self._studio.exports.row(number)
        if row is None or (self.export_dialog is not None and self.export_dialog.isVisible()):
            return
        name = row.settings.path.name
        if row.state == "done":
            self._window.status.show_message(
                tr("{name} is done · Ctrl+Shift+E shows the exports").format(name=name)
            )
        elif row.state == "failed":
            self._window.on_warned(f"{name}: {row.sentence}")

    # State.

    def on_state_changed(self) -> None:
        """Enable what can be done now, and name what undo and redo would do."""
        page = self._window.modes.page
        if page is not None:
            titles = page.titles()
            for name in ("undo", "redo"):
                verb = tr("Undo") if name == "undo" else tr("Redo")
                self._actions.rename(name, titles.get(name, verb))
            for name, is_on in page.checked().items():
                self._actions[name].setChecked(is_on)
            self._actions.enable(page.there(), {*page.commands(), *page.toggles()})
            return
        session, actions = self._studio.session, self._actions
        scene = session.scene
        there: set[str] = set()
        if scene is not None:
            there.add("scene")
            if scene.tracks:
                there.add("tracks")
            if session.selection:
                there.add("selection")
            kinds = {track.kind for track in session.selected_tracks}
            there |= kinds
            if kinds - {"pin"}:
                there.add("moving")
            there |= {move for move in LAYER_MOVES if self._studio.layers.can_move(move)}
        for name, label in (("undo", session.undo_label), ("redo", session.redo_label)):
            verb = tr("Undo") if name == "undo" else tr("Redo")
            if label:
                there.add(name)
            actions.rename(name, f"{verb} {label[:1].lower()}{label[1:]}" if label else verb)
        actions.enable(there)
        self._window.header.show_document(is_open=scene is not None)

    # Inside.

    def _connect(self) -> None:
        studio, actions, window = self._studio, self._actions, self._window
        session, playback = studio.session, studio.playback
        tools, options = studio.tools, studio.options
        commands: dict[str, Callable[[], object]] = {
            "open": window.desk.on_open,
            "paste": self.on_paste,
            "save": window.desk.on_save,
            "save_as": window.desk.on_save_as,
            "export": self.on_export,
            "exports": self.on_exports,
            "copy_command": self.on_copy_command,
            "close": window.desk.on_close,
            "quit": window.close,
            "undo": session.undo,
            "redo": session.redo,
            "cut": self.on_cut,
            "copy": self.on_copy,
            "duplicate": session.duplicate_selected,
            "mirror_x": lambda: studio.commands.mirror("horizontal"),
            "mirror_y": lambda: studio.commands.mirror("vertical"),
            "delete": session.remove_selected,
            "select_all": session.select_all,
            "remove_all": session.remove_all,
            "switch": self.on_switch,
            "shortcuts": self.on_shortcuts,
            "tool_select": lambda: tools.set_tool("select"),
            "tool_arrow": lambda: tools.set_tool("arrow"),
            "tool_path": lambda: tools.set_tool("path"),
            "tool_pin": lambda: tools.set_tool("pin"),
            "tool_brush": lambda: tools.set_tool("brush"),
            "brush_larger": lambda: studio.brush.grow(1),
            "brush_smaller": lambda: studio.brush.grow(-1),
            "add_arrow": lambda: studio.commands.add_in_middle("arrow"),
            "add_pin": lambda: studio.commands.add_in_middle("pin"),
            "smooth": studio.commands.toggle_smooth,
            "take_to_path": studio.commands.takes_to_paths,
            "split": self.on_split,
            "group": studio.layers.new_group,
            "ungroup": studio.layers.ungroup,
            "layer_front": lambda: studio.layers.move("front"),
            "layer_forward": lambda: studio.layers.move("forward"),
            "layer_backward": lambda: studio.layers.move("backward"),
            "layer_back": lambda: studio.layers.move("back"),
            "range_start": studio.loop_range.start_here,
            "range_end": studio.loop_range.end_here,
            "range_clear": studio.loop_range.clear,
            "view_photo": lambda: options.set_mode("photo"),
            "view_motion": lambda: options.set_mode("motion"),
            "view_flow": lambda: options.set_mode("flow"),
            "mode_animate": lambda: window.modes.choose("animate"),
            "mode_annotate": lambda: window.modes.choose("annotate"),
            "mode_probe": lambda: window.modes.choose("probe"),
            "reset_panels": window.page.arrange,
            "fit": window.canvas.fit,
            "actual_size": window.canvas.show_actual_size,
            "zoom_in": lambda: window.canvas.zoom_by(1),
            "zoom_out": lambda: window.canvas.zoom_by(-1),
            "theme_system": lambda: studio.preferences.set_theme("system"),
            "theme_dark": lambda: studio.preferences.set_theme("dark"),
            "theme_light": lambda: studio.preferences.set_theme("light"),
            "play": playback.toggle,
            "next_frame": lambda: playback.step(1),
            "previous_frame": lambda: playback.step(-1),
            "first_frame": self.on_first_frame,
            "last_frame": self.on_last_frame,
            "weights": self.on_weights,
            "keys": self.on_keys,
            "first_steps": window.coach_marks.start,
            "about": self.on_about,
        }
        for name, command in commands.items():
            actions[name].triggered.connect(self._in_mode(name, command))
        toggles: dict[str, Callable[[bool], None]] = {
            "half_speed": self.on_half_speed_toggled,
            "onion": lambda is_on: options.set_has_onion(value=is_on),
            "holes": lambda is_on: options.set_has_holes(value=is_on),
            "masks": lambda is_on: options.set_has_masks(value=is_on),
            "overlays": lambda is_on: options.set_has_overlays(value=is_on),
        }
        actions["half_speed"].setChecked(studio.recorder.speed != 1.0)
        for name, toggle in toggles.items():
            actions[name].toggled.connect(toggle)

    def _in_mode(self, name: str, command: Callable[[], object]) -> Callable[[], None]:
        """Let the mode that is on carry out a command, where it has its own way to."""

        def call() -> None:  # leaves out the "checked" that a triggered action hands over
            page = self._window.modes.page
            with WINDOW_WORK:
                (command if page is None else page.commands().get(name, command))()

        return call
