"""The layers: what is held still, the parts that move on their own, and what is behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.document.masks import Mask
from cmp_studio.document.scene import Scene
from cmp_studio.document.scene_edits import layer_order, set_layer_order
from cmp_studio.services.brush import FREEZE, Brush
from cmp_studio.services.layer_commands import FILL_HINTS, FILL_NAMES, LayerCommands
from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr
from cmp_studio.services.wording import group_title
from cmp_studio.widgets.controls import (
    ChoiceBox,
    SliderField,
    Switch,
    make_button,
    make_label,
    make_line,
)
from cmp_studio.widgets.overlay_painter import group_color
from cmp_studio.widgets.theme import GRID, ThemeManager

_ID: Final = Qt.ItemDataRole.UserRole
_PICTURES: Final = mark("Pictures (*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp)")


class LayersPanel(QScrollArea):
    """Order, masks and background.

    Signals:
        brush_asked(): The user wants to paint the mask that is chosen.
        warned(text): Something that did not work.
    """

    brush_asked = Signal()
    warned = Signal(str)

    def __init__(
        self,
        session: Session,
        commands: LayerCommands,
        brush: Brush,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._commands = commands
        self._brush = brush
        self._is_filling = False
        self.setAccessibleName(tr("Layers"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(232)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Layers, the front one on top"))
        self.list.setToolTip(tr("Drag to change what passes in front"))
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.list.setMinimumHeight(96)
        self.list.setMaximumHeight(168)
        self.new_button = make_button(tr("New layer"))
        self.new_button.setToolTip(tr("A part that moves on its own; selected tracks go into it"))
        self.remove_button = make_button(tr("Remove"))
        self.mask_title = make_label("", "section")
        self.paint_button = make_button(tr("Paint"))
        self.file_button = make_button(tr("From file…"))
        self.invert_button = make_button(tr("Invert"))
        self.clear_button = make_button(tr("Clear"))
        self.feather = SliderField(tr("Feather"), 0, 100, suffix=" px")
        self.brush_size = SliderField(tr("Brush size"), 1, 400, suffix=" px")
        self.is_on = Switch(tr("On"), themes)
        self.fill = ChoiceBox(tr("Behind what moves"), FILL_NAMES, themes)
        self.fill_hint = make_label("", "muted")
        self.fill_hint.setWordWrap(True)
        self.plate_button = make_button(tr("Choose picture…"))
        self._lay_out()
        self.list.currentItemChanged.connect(self.on_current_changed)
        self.list.itemClicked.connect(self.on_clicked)
        self.list.itemChanged.connect(self.on_item_renamed)
        self.list.model().rowsMoved.connect(self.on_rows_moved)
        self.new_button.clicked.connect(commands.new_group)
        self.remove_button.clicked.connect(self.on_remove_clicked)
        self.paint_button.clicked.connect(self.brush_asked)
        self.file_button.clicked.connect(self.on_file_clicked)
        self.invert_button.clicked.connect(self.on_invert_clicked)
        self.clear_button.clicked.connect(self.on_clear_clicked)
        self.feather.edited.connect(self.on_feather_edited)
        self.brush_size.edited.connect(brush.set_radius)
        self.is_on.clicked.connect(self.on_switched)
        self.fill.chosen.connect(self.on_fill_chosen)
        self.plate_button.clicked.connect(self.on_plate_clicked)
        session.scene_changed.connect(self.on_scene_changed)
        brush.changed.connect(self.on_brush_changed)
        self.on_scene_changed()
        self.on_brush_changed()

    @property
    def target(self) -> int:
        """What is chosen: `FREEZE`, or the id of a group; -1 for the rest of the picture."""
        item = self.list.currentItem()
        value = None if item is None else item.data(_ID)
        return value if isinstance(value, int) else FREEZE

    def on_scene_changed(self) -> None:
        """Show the layers as they are now."""
        scene = self._session.scene
        self.setEnabled(scene is not None)
        if scene is None:
            return
        rows = self._rows(scene)
        shown = [
            (self.list.item(i).data(_ID), self.list.item(i).text())
            for i in range(self.list.count())
        ]
        if shown != rows:
            self._fill_list(scene, rows)
        self.fill.show_value(scene.fill)
        plate = "" if scene.plate is None else f" · {scene.plate.name}"
        self.fill_hint.setText(FILL_HINTS[scene.fill] + (plate if scene.fill == "plate" else ""))
        self.plate_button.setVisible(scene.fill == "plate")
        self._show_mask(scene)

    def on_brush_changed(self) -> None:
        """Show the size and the target of the brush."""
        self.brush_size.show_value(self._brush.radius)
        for index in range(self.list.count()):
            if self.list.item(index).data(_ID) == self._brush.target and self.target != -1:
                self._is_filling = True
                self.list.setCurrentRow(index)
                self._is_filling = False
                self._tell_chosen(is_wanted=False)
        scene = self._session.scene
        if scene is not None:
            self._show_mask(scene)

    def on_current_changed(self) -> None:
        """Paint the chosen mask from now on."""
        scene = self._session.scene
        if self._is_filling or scene is None:
            return
        self._tell_chosen(is_wanted=True)
        if self.target >= 0:
            self._brush.set_target(self.target)
        self._show_mask(scene)

    def on_clicked(self) -> None:
        """Let the layer count for what comes, even where it was the chosen one before."""
        self._tell_chosen(is_wanted=True)

    def on_item_renamed(self, item: QListWidgetItem) -> None:
        """Take the name that was typed."""
        if not self._is_filling and isinstance(item.data(_ID), int):
            self._commands.rename(item.data(_ID), item.text().strip())

    def on_rows_moved(self) -> None:
        """Take the order that was dragged; what is held still stays at the bottom."""
        scene = self._session.scene
        if scene is None or self._is_filling:
            return
        ids = [self.list.item(index).data(_ID) for index in range(self.list.count())]
        order = [0 if name == -1 else name for name in reversed(ids) if name != FREEZE]
        self._session.apply(set_layer_order(scene, order), tr("Change order of layers"))
        self.on_scene_changed()

    def on_remove_clicked(self) -> None:
        """Dissolve the chosen group."""
        if self.target > 0:
            self._commands.remove(self.target)

    def on_file_clicked(self) -> None:
        """Read the mask from a picture."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Mask: white is inside"), str(Path.home()), tr(_PICTURES)
        )
        if chosen:
            self._commands.load_mask(self.target, Path(chosen))

    def on_invert_clicked(self) -> None:
        """Swap inside and outside."""
        self._commands.invert(self.target)

    def on_clear_clicked(self) -> None:
        """Remove the mask."""
        self._commands.clear_mask(self.target)

    def on_feather_edited(self, value: float) -> None:
        """Soften the edge."""
        self._commands.set_feather(self.target, value)

    def on_switched(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Let a group take part, or not."""
        if self.target > 0:
            self._commands.switch(self.target, is_on=is_on)

    def on_fill_chosen(self, value: str) -> None:
        """Show something else behind what moves."""
        scene = self._session.scene
        if value == "plate" and scene is not None and scene.plate is None:
            self.on_plate_clicked()
        else:
            self._commands.set_fill(value)
        self.on_scene_changed()

    def on_plate_clicked(self) -> None:
        """Choose the picture behind."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Background picture"), str(Path.home()), tr(_PICTURES)
        )
        if chosen:
            self._commands.load_plate(Path(chosen))

    # Inside.

    def _rows(self, scene: Scene) -> list[tuple[int, str]]:
        """Id and name of every row, the front one first."""
        names = {group.id: group_title(group) for group in scene.groups}
        rows = [
            (-1, tr("Rest of the photo")) if name == 0 else (name, names[name])
            for name in reversed(layer_order(scene))
        ]
        return [*rows, (FREEZE, tr("Held still"))]

    def _fill_list(self, scene: Scene, rows: list[tuple[int, str]]) -> None:
        target = self.target if self.list.count() else FREEZE
        colors = {group.id: group_color(group.color) for group in scene.groups}
        self._is_filling = True
        self.list.clear()
        flag = Qt.ItemFlag
        for name, text in rows:
            item = QListWidgetItem(text, self.list)
            item.setData(_ID, name)
            flags = flag.ItemIsEnabled | flag.ItemIsSelectable
            if name != FREEZE:
                flags |= flag.ItemIsDragEnabled
            if name > 0:
                flags |= flag.ItemIsEditable
                item.setToolTip(tr("Double-click renames it"))
            item.setFlags(flags)
            sign = QColor(86, 180, 255) if name == FREEZE else colors.get(name)
            item.setIcon(_chip(sign))
        known = [name for name, _ in rows]
        wanted = self._brush.target if target not in known else target
        self.list.setCurrentRow(known.index(wanted) if wanted in known else len(known) - 1)
        self._is_filling = False
        self._tell_chosen(is_wanted=False)

    def _tell_chosen(self, *, is_wanted: bool) -> None:
        layer = None if self.target == FREEZE else max(self.target, 0)
        self._commands.choose(layer, is_wanted=is_wanted)

    def _mask(self, scene: Scene) -> Mask | None:
        if self.target == FREEZE:
            return scene.freeze
        groups = [group for group in scene.groups if group.id == self.target]
        return groups[0].mask if groups else None

    def _show_mask(self, scene: Scene) -> None:
        mask, target = self._mask(scene), self.target
        groups = [group for group in scene.groups if group.id == target]
        is_rest = target == -1
        names = {
            FREEZE: tr("Mask of what is held still"),
            -1: tr("The rest has no mask of its own"),
        }
        title = (
            tr("Mask of {layer}").format(layer=group_title(groups[0]))
            if groups
            else names.get(target, "")
        )
        self.mask_title.setText(title)
        for button in (self.paint_button, self.file_button):
            button.setEnabled(not is_rest)
        for button in (self.invert_button, self.clear_button):
            button.setEnabled(mask is not None)
        self.feather.setEnabled(mask is not None)
        self.feather.show_value(0 if mask is None else mask.feather)
        self.remove_button.setEnabled(bool(groups))
        self.is_on.setVisible(bool(groups))
        self.is_on.setChecked(bool(groups) and groups[0].is_on)

    def _lay_out(self) -> None:
        order = QHBoxLayout()
        order.setSpacing(GRID)
        order.addWidget(self.new_button)
        order.addWidget(self.remove_button)
        order.addStretch(1)
        head = QHBoxLayout()
        head.addWidget(self.mask_title, 1)
        head.addWidget(self.is_on)
        masks = QGridLayout()
        masks.setSpacing(GRID)
        masks.addWidget(self.paint_button, 0, 0)
        masks.addWidget(self.file_button, 0, 1)
        masks.addWidget(self.invert_button, 1, 0)
        masks.addWidget(self.clear_button, 1, 1)
        sliders = QGridLayout()
        sliders.setHorizontalSpacing(GRID)
        sliders.setVerticalSpacing(GRID)
        sliders.setColumnMinimumWidth(0, 72)
        sliders.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(
            ((tr("Brush"), self.brush_size), (tr("Feather"), self.feather))
        ):
            label = make_label(text, "muted")
            label.setBuddy(field)
            sliders.addWidget(label, row, 0)
            sliders.addWidget(field, row, 1)
        panel = QWidget()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(2 * GRID, GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(make_label(tr("Front"), "muted"))
        column.addWidget(self.list)
        column.addLayout(order)
        column.addSpacing(GRID)
        column.addWidget(make_line())
        column.addLayout(head)
        column.addLayout(masks)
        column.addLayout(sliders)
        column.addSpacing(GRID)
        column.addWidget(make_line())
        column.addWidget(make_label(tr("Behind what moves"), "section"))
        column.addWidget(self.fill)
        column.addWidget(self.fill_hint)
        column.addWidget(self.plate_button)
        column.addStretch(1)
        self.setWidget(panel)


def _chip(color: QColor | None) -> QIcon:
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color or QColor(128, 128, 128))
    painter.drawRoundedRect(4, 4, 24, 24, 6, 6)
    painter.end()
    return QIcon(pixmap)
