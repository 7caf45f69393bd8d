"""The submenus whose contents change: recent files, samples, loop, weights, device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QIcon, QPixmap
from PySide6.QtWidgets import QMenu

from cmp_studio.document.errors import DocumentError
from cmp_studio.document.presets import PRESETS
from cmp_studio.services.samples import samples_folder
from cmp_studio.services.studio import Studio
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import PRESET_HINTS, PRESET_NAMES, sentence_of

if TYPE_CHECKING:
    from cmp_studio.widgets.main_window import MainWindow


class Submenus(QObject):
    """Fills the submenus and carries out what is chosen there."""

    def __init__(self, window: MainWindow, studio: Studio, loop_menu: QMenu) -> None:
        super().__init__(window)
        self._window = window
        self._studio = studio
        actions = window.actions_by_name
        self._menus = actions.submenus
        self._weights_group = QActionGroup(self)
        self._device_group = QActionGroup(self)
        for action in loop_menu.actions():
            self._menus["@loop"].addAction(action)
        self._menus["@recent"].aboutToShow.connect(self.on_recent_about_to_show)
        self._weights_group.triggered.connect(self.on_weights_triggered)
        self._device_group.triggered.connect(self.on_device_triggered)
        actions["import_weights"].triggered.connect(self.on_import_weights)
        actions["fetch_weights"].triggered.connect(self.on_fetch_weights)
        studio.preferences.recent_files_changed.connect(self.on_recent_files_changed)
        studio.preview.engine_changed.connect(self.on_engine_changed)
        studio.weights.listed.connect(self.on_weights_listed)
        studio.weights.added.connect(self.on_weights_added)
        studio.thumbnails.ready.connect(self.on_thumbnail_ready)
        self._fill_samples()
        self._fill_presets()
        studio.session.opened.connect(self.on_document_opened)
        self.on_document_opened()
        self.on_recent_files_changed()
        self.on_weights_listed()

    def on_recent_files_changed(self) -> None:
        """Say whether there are any; they are listed when somebody looks."""
        self._menus["@recent"].setEnabled(bool(self._studio.preferences.recent_files()))

    def on_recent_about_to_show(self) -> None:
        """List the files that were open last."""
        menu = self._menus["@recent"]
        menu.clear()
        files = self._studio.preferences.recent_files()
        for path in files:
            action = menu.addAction(path.name)
            action.setData(str(path))
            self._set_thumbnail(action, path)
            action.setToolTip(str(path))
            action.triggered.connect(self.on_file_triggered)
        menu.setEnabled(bool(files))
        if files:
            menu.addSeparator()
            menu.addAction(tr("Clear list")).triggered.connect(self.on_clear_recent)

    def on_thumbnail_ready(self, path: Path) -> None:
        """Show the small picture of a recent file."""
        for action in self._menus["@recent"].actions():
            if action.data() == str(path):
                self._set_thumbnail(action, path)

    def on_clear_recent(self) -> None:
        """Forget the files that were open last."""
        self._studio.preferences.clear_recent_files()

    def on_file_triggered(self) -> None:
        """Open a recent file."""
        action = self.sender()
        if isinstance(action, QAction):
            self._window.desk.open(Path(str(action.data())))

    def on_sample_triggered(self) -> None:
        """Open a bundled scene."""
        action = self.sender()
        if isinstance(action, QAction):
            self._window.desk.open_sample(Path(str(action.data())))

    def on_engine_changed(self) -> None:
        """Tick the weights and the device in use, and list what else there is."""
        info = self._studio.preview.engine
        if info is None or self._studio.preview.is_loading:
            return
        menu = self._menus["@device"]
        menu.clear()
        for device in ("auto", *info.devices):
            action = menu.addAction(_device_text(device))
            action.setData(device)
            action.setCheckable(True)
            action.setChecked(device == info.choice.device)
            self._device_group.addAction(action)
        self._studio.weights.refresh()

    def on_weights_listed(self) -> None:
        """List the weights on this machine."""
        info = self._studio.preview.engine
        menu = self._menus["@weights"]
        menu.clear()
        rows = self._studio.weights.rows
        for row in rows:
            if not row.is_there:
                continue
            action = menu.addAction(row.title)
            action.setData(row.name)
            action.setCheckable(True)
            action.setEnabled(not row.problem)
            action.setToolTip(row.problem)
            action.setChecked(info is not None and info.choice.weights == row.name)
            self._weights_group.addAction(action)
        menu.setEnabled(not menu.isEmpty())
        self._menus["@device"].setEnabled(not self._menus["@device"].isEmpty())

    def on_weights_triggered(self, action: QAction) -> None:
        """Take other weights."""
        choice = replace(self._studio.engine_choice(), weights=str(action.data()))
        self._studio.load_engine(choice)

    def on_device_triggered(self, action: QAction) -> None:
        """Compute on another device."""
        choice = replace(self._studio.engine_choice(), device=str(action.data()))
        self._studio.load_engine(choice)

    def on_weights_added(self, name: str) -> None:
        """Take the weights that were just added."""
        self._window.status.show_message(tr("Added the weights “{name}”").format(name=name))
        self._studio.load_engine(replace(self._studio.engine_choice(), weights=name))

    def on_import_weights(self) -> None:
        """Choose a file of weights and add it."""
        self._window.commands.on_weights()
        if self._window.commands.weights_dialog is not None:
            self._window.commands.weights_dialog.on_add_clicked()

    def on_fetch_weights(self) -> None:
        """Download the weights of the published demos."""
        self._window.commands.on_weights()
        dialog = self._window.commands.weights_dialog
        if dialog is not None and not self._studio.weights.is_fetching:
            dialog.on_fetch_clicked()

    def _set_thumbnail(self, action: QAction, path: Path) -> None:
        png, pixmap = self._studio.thumbnails.png(path), QPixmap()
        if png and pixmap.loadFromData(png):
            action.setIcon(QIcon(pixmap))
            action.setIconVisibleInMenu(True)

    def on_document_opened(self) -> None:
        """Presets need something to be put onto."""
        self._menus["@presets"].setEnabled(self._studio.session.scene is not None)

    def on_preset_triggered(self) -> None:
        """Put a recipe of tracks onto the selected pins, the chosen mask, or what fits."""
        action = self.sender()
        preset = next(
            (p for p in PRESETS if isinstance(action, QAction) and p == action.data()), None
        )
        if preset is None:
            return
        try:
            self._studio.commands.apply_preset(preset, group=self._studio.brush.target)
        except DocumentError as error:
            self._window.on_warned(sentence_of(error))
            return
        name = PRESET_NAMES[preset]
        self._window.status.show_message(
            tr("{name}: its tracks are selected, change them as you like").format(name=name)
        )

    def _fill_presets(self) -> None:
        menu = self._menus["@presets"]
        menu.setToolTipsVisible(True)
        for preset in PRESETS:
            action = menu.addAction(PRESET_NAMES[preset])
            action.setData(preset)
            action.setToolTip(PRESET_HINTS[preset])
            action.triggered.connect(self.on_preset_triggered)

    def _fill_samples(self) -> None:
        menu = self._menus["@samples"]
        folder = samples_folder()
        paths = [] if folder is None else sorted(folder.glob("*.cmps"))
        for path in paths:
            action = menu.addAction(path.stem.replace("_", " ").capitalize())
            action.setData(str(path))
            action.triggered.connect(self.on_sample_triggered)
        menu.menuAction().setVisible(bool(paths))


def _device_text(device: str) -> str:
    if device == "auto":
        return tr("Automatic")
    if device.startswith("cuda"):
        return tr("GPU {number} (CUDA)").format(number=device.removeprefix("cuda:"))
    return {"cpu": tr("Processor"), "mps": tr("GPU (Metal)")}.get(device, device)
