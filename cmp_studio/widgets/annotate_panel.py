"""The panel beside the annotated picture: objects, how clicks become masks, and what is shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.document.annotation import ClickedThing, MaskSettings, Method
from cmp_studio.document.tracks import Point
from cmp_studio.services.annotator import Annotator
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.wording import clock_text
from cmp_studio.widgets.annotation_painter import object_color
from cmp_studio.widgets.controls import (
    ChoiceBox,
    SliderField,
    field_height,
    make_button,
    make_label,
    make_line,
)
from cmp_studio.widgets.section import Section
from cmp_studio.widgets.theme import GRID, ThemeManager

PANEL_WIDTH: Final = 288
_ID: Final = Qt.ItemDataRole.UserRole
_METHODS: Final[Words[Method]] = Words(
    {
        "colors": mark("Motion and colours"),
        "agreement": mark("Motion alone"),
        "agreement8": mark("Motion, 8 pulls"),
        "published": mark("As published"),
    }
)
_METHOD_HINT: Final = mark(
    "Motion and colours: the network, and the picture's colours and edges. Motion alone: the "
    "network in 4 or 8 directions. As published: the rule of the paper's demo."
)
_WAYS: Final = (
    mark("Pull to the right"),
    mark("Pull to the lower right"),
    mark("Pull to the bottom"),
    mark("Pull to the lower left"),
    mark("Pull to the left"),
    mark("Pull to the upper left"),
    mark("Pull to the top"),
    mark("Pull to the upper right"),
)
_NO_FLOW: Final = "off"


class AnnotatePanel(QScrollArea):
    """Shows the objects and the settings of the one that is worked on.

    Signals:
        flow_chosen(direction): Show the flow of this pull; -1 shows masks.
        freeze_asked(): Hold the object still in the film.
        layer_asked(): Make a layer of it in the film.
    """

    flow_chosen = Signal(int)
    freeze_asked = Signal()
    layer_asked = Signal()

    def __init__(
        self, annotator: Annotator, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._annotator = annotator
        self._session = annotator.session
        self._is_filling = False
        self._directions: tuple[Point, ...] = ()
        self.setAccessibleName(tr("Objects"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(PANEL_WIDTH)
        self.tree = _make_tree()
        self.next_button = make_button(tr("Next object"))
        self.next_button.setToolTip(tr("Finish this object and begin the next (Enter or F)"))
        self.remove_button = make_button(tr("Remove"))
        self.remove_button.setToolTip(tr("Remove this object (Del)"))
        self.label = _make_label_box()
        self.label_edit = QLineEdit()
        self.label.setLineEdit(self.label_edit)
        self.method = ChoiceBox(tr("Method"), _METHODS, themes)
        self.method.setToolTip(tr(_METHOD_HINT))
        self.threshold = SliderField(tr("Threshold"), 0, 100)
        self.threshold.setToolTip(tr("How sure a pixel must be to belong to the object"))
        self.speed = SliderField(tr("Speed"), 5, 100, suffix=" px")
        self.speed.setToolTip(tr("How far each click is pulled, at a short side of 384 px"))
        self.zoom = SliderField(tr("Zoom"), 0, 8, suffix=" x")
        self.zoom.setToolTip(
            tr(
                "Small objects are looked at again in a crop of so many times their size; "
                "0 never is"
            )
        )
        self.flow = ChoiceBox(tr("Flow"), {_NO_FLOW: tr("Off")}, themes)
        self.flow.setToolTip(
            tr("What the network answered to a pull of the clicks in one direction")
        )
        self.brush_size = SliderField(tr("Brush size"), 1, 200, suffix=" px")
        self.freeze_button = make_button(tr("Hold still"))
        self.freeze_button.setToolTip(
            tr("The object becomes a freeze mask of the film (Ctrl+Shift+G)")
        )
        self.layer_button = make_button(tr("Make a layer"))
        self.layer_button.setToolTip(tr("The object becomes a part that moves on its own (Ctrl+G)"))
        self.total = make_label("", "muted")
        self._lay_out()
        self._connect()
        self.on_changed()
        self.on_brush_changed()

    # What happens.

    def on_changed(self) -> None:
        """Show the objects and the settings as they are now."""
        session = self._session
        self.setEnabled(session.is_open)
        self._fill_tree()
        self._show_labels()
        settings = session.settings
        self.method.show_value(settings.method)
        self.threshold.show_value(settings.threshold * 100)
        self.speed.show_value(settings.speed)
        self.zoom.show_value(settings.zoom)
        has_object = session.current is not None
        self.remove_button.setEnabled(has_object)
        self.next_button.setEnabled(has_object)
        self.on_masks_changed()
        self.on_ticked()

    def on_masks_changed(self) -> None:
        """Offer the flows that there are, and the film where there is a mask."""
        masks = self._annotator.masks.masks
        self.freeze_button.setEnabled(masks is not None and any(masks.areas))
        self.layer_button.setEnabled(masks is not None and any(masks.areas))
        thing = self._session.current
        answer = None if thing is None else self._annotator.masks.score_of(thing)
        if answer is None or answer.directions == self._directions:
            return
        self._directions = answer.directions
        chosen = self.flow.value()
        self.flow.clear()
        self.flow.addItem(tr("Off"), _NO_FLOW)
        for number, direction in enumerate(self._directions):
            self.flow.addItem(_way(direction), str(number))
        self.flow.show_value(chosen if self.flow.findData(chosen) >= 0 else _NO_FLOW)

    def on_ticked(self) -> None:
        """Show the time of the object that is worked on, and of all."""
        session = self._session
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
            if item is not None and item.data(0, _ID) == session.current_id is not None:
                item.setText(2, clock_text(session.seconds(item.data(0, _ID))))
        objects = session.annotation.objects
        clicks = sum(len(thing.clicks) for thing in objects)
        time = clock_text(sum(session.all_seconds.values()))
        self.total.setText(
            tr("%n objects", "", len(objects), one="1 object")
            + " · "
            + tr("%n clicks", "", clicks, one="1 click")
            + f" · {time}"
        )

    def on_brush_changed(self) -> None:
        """Show the size of the brush."""
        self.brush_size.show_value(self._annotator.tools.radius)

    def on_current_changed(self) -> None:
        """Work on the object that was chosen in the list."""
        item = self.tree.currentItem()
        if not self._is_filling and item is not None:
            self._session.select(item.data(0, _ID) or None)

    def on_label_chosen(self) -> None:
        """Take the label that was typed or picked."""
        self._session.set_label(self.label.currentText())

    def on_method_chosen(self, value: str) -> None:
        """Let the clicks become a mask in another way."""
        method: Method = next(known for known in get_args(Method) if known == value)
        zoom = 4.0 if method == "published" else 2.0
        self._set(tr("Change method"), lambda old: replace(old, method=method, zoom=zoom))

    def on_threshold_edited(self, value: float) -> None:
        """Ask for more or less certainty."""
        self._set(tr("Change threshold"), lambda old: replace(old, threshold=value / 100))

    def on_speed_edited(self, value: float) -> None:
        """Pull further or less far."""
        self._set(tr("Change speed"), lambda old: replace(old, speed=value))

    def on_zoom_edited(self, value: float) -> None:
        """Look at small objects in a larger or smaller crop."""
        self._set(tr("Change zoom"), lambda old: replace(old, zoom=value))

    def on_flow_chosen(self, value: str) -> None:
        """Show the flow of a pull, or masks."""
        self.flow_chosen.emit(-1 if value == _NO_FLOW else int(value))

    def show_direction(self, direction: int) -> None:
        """Show which flow is drawn; -1 for none."""
        self.flow.show_value(_NO_FLOW if direction < 0 else str(direction))

    # Inside.

    def _set(self, step: str, change: Callable[[MaskSettings], MaskSettings]) -> None:
        self._session.set_settings(change(self._session.settings), step)

    def _fill_tree(self) -> None:
        rows = [_row(thing) for thing in self._session.annotation.objects]
        rows.append((0, self._session.label, "next", ""))
        self._is_filling = True
        while self.tree.topLevelItemCount() > len(rows):
            self.tree.takeTopLevelItem(self.tree.topLevelItemCount() - 1)
        for number, (object_id, label, clicks, _) in enumerate(rows):
            item = self.tree.topLevelItem(number)
            if item is None:
                item = QTreeWidgetItem(self.tree)
                for column in (1, 2):
                    item.setTextAlignment(
                        column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
            shown = object_id or self._session.annotation.next_id
            if item.data(0, _ID) != object_id or item.data(1, _ID) != shown:
                item.setData(0, _ID, object_id)
                item.setData(1, _ID, shown)
                item.setIcon(0, _swatch(object_color(shown), is_filled=object_id != 0))
            item.setText(0, label)
            item.setText(1, clicks)
            item.setText(2, clock_text(self._session.seconds(object_id)) if object_id else "")
            if (self._session.current_id or 0) == object_id:
                self.tree.setCurrentItem(item)
        self._is_filling = False

    def _show_labels(self) -> None:
        if self.label_edit.isModified() and self.label.hasFocus():
            return
        wanted = list(dict.fromkeys((*self._session.labels, self._session.label)))
        if [self.label.itemText(i) for i in range(self.label.count())] != wanted:
            self.label.clear()
            self.label.addItems(wanted)
        self.label.setCurrentText(self._session.label)

    def _connect(self) -> None:
        session, annotator = self._session, self._annotator
        self.tree.currentItemChanged.connect(self.on_current_changed)
        self.next_button.clicked.connect(session.next_object)
        self.remove_button.clicked.connect(session.remove_current)
        self.label_edit.editingFinished.connect(self.on_label_chosen)
        self.label.activated.connect(self.on_label_chosen)
        self.method.chosen.connect(self.on_method_chosen)
        self.threshold.edited.connect(self.on_threshold_edited)
        self.speed.edited.connect(self.on_speed_edited)
        self.zoom.edited.connect(self.on_zoom_edited)
        self.flow.chosen.connect(self.on_flow_chosen)
        self.brush_size.edited.connect(annotator.tools.set_radius)
        self.freeze_button.clicked.connect(self.freeze_asked)
        self.layer_button.clicked.connect(self.layer_asked)
        session.changed.connect(self.on_changed)
        annotator.masks.changed.connect(self.on_masks_changed)
        annotator.clock.ticked.connect(self.on_ticked)
        annotator.tools.brush_changed.connect(self.on_brush_changed)

    def _lay_out(self) -> None:
        panel = QWidget()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        objects = QVBoxLayout()
        objects.setSpacing(GRID)
        objects.addWidget(make_label(tr("Objects"), "section"))
        objects.addWidget(self.tree)
        objects.addWidget(self.total)
        objects.addLayout(_pair(self.next_button, self.remove_button))
        column.addLayout(objects)
        self.mask_section = Section(tr("This object"))
        for text, field in (
            (mark("Label"), self.label),
            (mark("Method"), self.method),
            (mark("Threshold"), self.threshold),
            (mark("Speed"), self.speed),
            (mark("Zoom"), self.zoom),
        ):
            self.mask_section.add_row(text, field)
        view = Section(tr("Show and paint"))
        view.add_row(mark("Flow"), self.flow)
        view.add_row(mark("Brush"), self.brush_size)
        film = QVBoxLayout()
        film.setSpacing(GRID)
        film.addWidget(make_label(tr("Use it in the film"), "section"))
        film.addLayout(_pair(self.freeze_button, self.layer_button))
        for part in (self.mask_section, view):
            column.addWidget(make_line())
            column.addWidget(part)
        column.addWidget(make_line())
        column.addLayout(film)
        column.addStretch(1)
        self.setWidget(panel)


def _make_tree() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName(tr("Objects of this picture"))
    tree.setColumnCount(3)
    tree.setHeaderHidden(True)
    tree.setRootIsDecorated(False)
    tree.setIndentation(0)
    tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    tree.setMinimumHeight(112)
    tree.setMaximumHeight(200)
    tree.setUniformRowHeights(True)
    tree.setStyleSheet("QTreeView::item:selected { border-radius: 0; }")  # one row, not cells
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
    return tree


def _make_label_box() -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setAccessibleName(tr("Label of this object"))
    box.setToolTip(tr("What it is: type a new label, or pick one of this picture (L)"))
    box.setFixedHeight(field_height(box))
    box.setStyleSheet(
        "QComboBox QLineEdit { background: transparent; border: 0; padding: 0; min-height: 0; }"
    )
    return box


def _row(thing: ClickedThing) -> tuple[int, str, str, str]:
    count = len(thing.clicks)
    clicks = tr("%n clicks", "", count, one="1 click") if count else tr("painted")
    return thing.id, thing.label, clicks, ""


def _pair(first: QWidget, second: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(GRID)
    row.addWidget(first, 1)
    row.addWidget(second, 1)
    return row


def _swatch(color: QColor, *, is_filled: bool) -> QIcon:
    """A dot in an object's colour; an empty one for the object that is not there yet."""
    pixmap = QPixmap(28, 28)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(0, 0, 0, 150) if is_filled else color)
    painter.setBrush(color if is_filled else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QRectF(2, 2, 10, 10))
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # or Qt tints it
    return icon


def _way(direction: Point) -> str:
    angle = math.degrees(math.atan2(direction[1], direction[0])) % 360
    return tr(_WAYS[round(angle / 45) % 8])
