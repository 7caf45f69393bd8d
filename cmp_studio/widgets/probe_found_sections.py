"""Sections of the Probe panel that show what was found, and how."""

from __future__ import annotations

from html import escape
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from cmp_studio.services.probe_show import ProbeShow
from cmp_studio.services.probe_views import LAYER_HINTS, PHOTO, layer_title, number_row, view_of
from cmp_studio.services.prober import Prober
from cmp_studio.services.translation import mark, tr, translated
from cmp_studio.widgets.controls import (
    ChoiceBox,
    NumberField,
    SliderField,
    Switch,
    make_button,
    make_label,
)
from cmp_studio.widgets.section import Section
from cmp_studio.widgets.theme import GRID, ThemeManager

_MOST_NUMBERS: Final = 24
_LINES: Final = '<p align="{}" style="line-height: 135%">{}</p>'


class FoundSection(QWidget):
    """The result in words and numbers, progress and Cancel."""

    def __init__(self, prober: Prober, show: ProbeShow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prober = prober
        self._show = show
        self.sentence = make_label("")
        self.sentence.setWordWrap(True)
        self.sentence.setAccessibleName(tr("Result"))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Progress"))
        self.cancel = make_button(tr("Cancel"))
        self.cancel.clicked.connect(prober.cancel)
        self._work = QWidget()
        work = QHBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(GRID)
        work.addWidget(self.progress, 1)
        work.addWidget(self.cancel)
        self.names = make_label("", "muted")
        self.values = QLabel()
        self.values.setAlignment(Qt.AlignmentFlag.AlignRight)
        for label in (self.names, self.values):  # a list must not be cut where room is scarce
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.values.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.values.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        numbers = QHBoxLayout()
        numbers.setSpacing(GRID)
        numbers.addWidget(self.names)
        numbers.addStretch(1)
        numbers.addWidget(self.values)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(make_label(tr("Found"), "section"))
        column.addWidget(self.sentence)
        column.addWidget(self._work)
        column.addLayout(numbers)
        prober.shown_changed.connect(self.on_shown_changed)
        prober.board_changed.connect(self.on_shown_changed)
        prober.view_changed.connect(self.on_shown_changed)
        prober.waiting_changed.connect(self.on_waiting_changed)
        self.on_shown_changed()
        self.on_waiting_changed()

    def on_shown_changed(self) -> None:
        """Show what was found, or how to begin."""
        finding, view = self._show.finding, view_of(self._prober.view)
        if finding is None:
            is_missing = self._prober.picture is None
            missing = tr("Open a photo: drop one on the window, or Ctrl+O.")
            how = missing if is_missing else tr(view.how)
            self._say(tr("Asking the network…") if self._prober.is_waiting else how, "muted")
            self.names.clear()
            self.values.clear()
            return
        old = view.kind == "parts" and self._prober.is_outdated and not self._prober.is_waiting
        words = [translated(finding.sentence), tr("Press Find parts for the new settings.")]
        self._say(" ".join(words[: 1 + old]), "")
        rows = [number_row(name, value) for name, value in finding.numbers.items()]
        if len(rows) > _MOST_NUMBERS:
            more = len(rows) - _MOST_NUMBERS
            left = tr("and {count} more, in the table").format(count=more)
            rows = [*rows[:_MOST_NUMBERS], (left, "")]
        self.names.setText(_LINES.format("left", "<br>".join(escape(name) for name, _ in rows)))
        self.values.setText(_LINES.format("right", "<br>".join(escape(value) for _, value in rows)))

    def on_waiting_changed(self) -> None:
        """Show how far it is; a quick answer needs no bar."""
        prober, progress = self._prober, self._prober.progress
        is_known = progress is not None and progress.total > 1
        self._work.setVisible(prober.is_waiting and (is_known or prober.view == "parts"))
        if progress is not None and is_known:
            self.progress.setRange(0, progress.total)
            self.progress.setValue(progress.done)
        else:
            self.progress.setRange(0, 0)
        if self._show.finding is None:
            self.on_shown_changed()

    def _say(self, text: str, role: str) -> None:
        if self.sentence.property("role") != role:
            self.sentence.setProperty("role", role)
            self.sentence.style().polish(self.sentence)
        self.sentence.setText(text)


class ShowSection(Section):
    """The layer over the photo, its colours, and what is drawn over it."""

    def __init__(
        self, show: ProbeShow, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Shown"), parent)
        self._show = show
        self._layers: tuple[str, ...] = ()
        self.layer = ChoiceBox(tr("Layer"), {PHOTO: tr("Photo")}, themes)
        self.opacity = SliderField(tr("Opacity"), 0, 100)
        self.is_automatic = Switch(tr("As long as the pull"), themes)
        self.is_automatic.setToolTip(tr("The length of the pull gets the full colour"))
        self.scale = NumberField(tr("Length of the full colour"), 1, 2000, suffix=" px")
        self.needles = Switch(tr("Quiver"), themes)
        self.needles.setToolTip(tr("The flow as a field of small arrows (Q)"))
        self.lines = Switch(tr("Isolines and outlines"), themes)
        self.lines.setToolTip(tr("Lines where pixels follow equally far (I)"))
        self.add_row(mark("Layer"), self.layer)
        self.add_row(mark("Opacity"), self.opacity)
        self.add_row(mark("Scale"), self.is_automatic)
        self.add_row(mark("Full at"), self.scale)
        self.add_row(mark("Over it"), self.needles)
        self.add_row("", self.lines)
        self.layer.chosen.connect(show.set_layer)
        self.opacity.edited.connect(self.on_opacity_edited)
        self.is_automatic.clicked.connect(self.on_scale_edited)
        self.scale.edited.connect(self.on_scale_edited)
        self.needles.clicked.connect(self.on_needles_clicked)
        self.lines.clicked.connect(self.on_lines_clicked)
        show.changed.connect(self.on_changed)
        self.on_changed()

    def on_changed(self) -> None:
        """Show the settings as they are now, and the layers that there are."""
        show = self._show
        if show.layers != self._layers:
            self._layers = show.layers
            self.layer.clear()
            for name in self._layers:
                self.layer.addItem(layer_title(name), name)
        self.layer.show_value(show.layer)
        self.layer.setToolTip(LAYER_HINTS.get(show.layer, LAYER_HINTS["flow"]))
        is_flow = show.painted is not None and show.painted.legend == "wheel"
        for text in ("Scale", "Full at"):
            self.show_row(text, is_shown=is_flow)
        self.opacity.show_value(show.opacity * 100)
        self.is_automatic.setChecked(show.is_scale_automatic)
        self.scale.setEnabled(not show.is_scale_automatic)
        painted = show.painted
        shown = painted.high if painted is not None and show.is_scale_automatic else show.scale
        self.scale.show_value(shown)
        self.needles.setChecked(show.has_needles)
        self.needles.setEnabled(is_flow)
        self.lines.setChecked(show.has_lines)

    def on_opacity_edited(self, value: float) -> None:
        """Cover more or less of the photo."""
        self._show.set_opacity(value / 100)

    def on_scale_edited(self) -> None:
        """Fix the scale, or let it follow the pull."""
        self._show.set_scale(self.scale.value(), is_automatic=self.is_automatic.isChecked())

    def on_needles_clicked(self) -> None:
        """Draw the quiver, or not."""
        self._show.set_has_needles(value=self.needles.isChecked())

    def on_lines_clicked(self) -> None:
        """Draw isolines and outlines, or not."""
        self._show.set_has_lines(value=self.lines.isChecked())
