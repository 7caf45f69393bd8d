"""Sections of the Probe panel that say what is asked: the pull, the parts, A and B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QWidget

from cmp_studio.document.probe_board import LONGEST_PULL_SHARE
from cmp_studio.services.probe_tools import ProbeTools
from cmp_studio.services.probe_views import view_of
from cmp_studio.services.prober import Prober
from cmp_studio.services.translation import mark, tr
from cmp_studio.services.weights_store import WeightsStore
from cmp_studio.widgets.controls import (
    ChoiceBox,
    NumberField,
    Segments,
    SliderField,
    Switch,
    make_button,
)
from cmp_studio.widgets.direction_dial import DirectionDial
from cmp_studio.widgets.section import Section
from cmp_studio.widgets.theme import GRID, ThemeManager

_SAME: Final = ""


class PullSection(Section):
    """Direction and length of the pull, and how many directions where it pulls all around."""

    def __init__(self, prober: Prober, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(tr("Pull"), parent)
        self._prober = prober
        self.dial = DirectionDial(tr("Direction"), themes)
        self.angle = NumberField(tr("Direction in degrees"), -180, 180, step=15, suffix="°")
        self.angle.setToolTip(tr("0° is to the right, 90° down"))
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.dial)
        row.addWidget(self.angle, 1)
        self.length = SliderField(tr("Length of the pull"), 1, 1999, suffix=" px")
        self.every_way = Switch(tr("All directions"), themes)
        self.every_way.setToolTip(tr("Pull all around, instead of one way"))
        self.count = NumberField(tr("Number of directions"), 1, 64)
        self.count.setToolTip(tr("Evenly around; more take longer"))
        self.add_row(mark("Way"), self.every_way)
        self.add_row(mark("Direction"), both)
        self.add_row(mark("Length"), self.length)
        self.add_row(mark("Directions"), self.count)
        self.dial.edited.connect(self.on_angle_edited)
        self.angle.edited.connect(self.on_angle_edited)
        self.length.edited.connect(self.on_length_edited)
        self.every_way.clicked.connect(self.on_every_way_clicked)
        self.count.edited.connect(self.on_count_edited)
        prober.board_changed.connect(self.on_board_changed)
        prober.view_changed.connect(self.on_board_changed)
        self.on_board_changed()

    def on_board_changed(self) -> None:
        """Show the pull as it is now, and what of it matters."""
        board, picture, view = self._prober.board, self._prober.picture, view_of(self._prober.view)
        is_motion = view.kind == "motion"
        is_one_way = view.has_pull and not (is_motion and board.is_every_way)
        self.show_row("Way", is_shown=is_motion)
        self.show_row("Direction", is_shown=is_one_way)
        self.show_row("Length", is_shown=view.has_length)
        self.show_row("Directions", is_shown=view.has_directions and not is_one_way)
        self.every_way.setChecked(board.is_every_way)
        self.dial.show_value(board.angle)
        self.angle.show_value(board.angle)
        self.count.show_value(board.directions)
        if picture is not None:
            longest = max(2, round(LONGEST_PULL_SHARE * min(picture.image_hw)))
            if self.length.slider.maximum() != longest:
                self.length.show_range(1, longest)
            self.length.show_value(board.pull_length(picture.image_hw))

    def on_angle_edited(self, degrees: float) -> None:
        """Turn the pull."""
        self._prober.adjust(replace(self._prober.board, angle=degrees), tr("Turn the pull"))

    def on_length_edited(self, length: float) -> None:
        """Make the pull longer or shorter."""
        self._prober.adjust(replace(self._prober.board, length=length), tr("Change length"))

    def on_every_way_clicked(self) -> None:
        """Pull all around, or one way."""
        is_on = self.every_way.isChecked()
        self._prober.apply(
            replace(self._prober.board, is_every_way=is_on),
            tr("Pull all around") if is_on else tr("Pull one way"),
        )

    def on_count_edited(self, count: float) -> None:
        """Pull in more or fewer directions."""
        board = replace(self._prober.board, directions=round(count))
        self._prober.adjust(board, tr("Change directions"))


class PartsSection(Section):
    """How many parts, from how many places, and the button."""

    def __init__(self, prober: Prober, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(tr("Parts"), parent)
        self._prober = prober
        self.is_open = Switch(tr("Found by itself"), themes)
        self.is_open.setToolTip(
            tr("The largest gap of the eigenvalues says how many parts there are")
        )
        self.count = NumberField(tr("Number of parts"), 1, 32)
        self.places = NumberField(tr("Places to pull"), 9, 400, step=9)
        self.places.setToolTip(tr("More find smaller parts, and take longer"))
        self.find_button = make_button(tr("Find parts"), "primary")
        self.find_button.setToolTip(tr("Pull at all places and group them (Enter)"))
        self.add_row(mark("Number"), self.is_open)
        self.add_row(mark("Parts"), self.count)
        self.add_row(mark("Places"), self.places)
        self.add_row("", self.find_button)
        self.is_open.clicked.connect(self.on_open_clicked)
        self.count.edited.connect(self.on_count_edited)
        self.places.edited.connect(self.on_places_edited)
        self.find_button.clicked.connect(prober.find)
        prober.board_changed.connect(self.on_board_changed)
        prober.shown_changed.connect(self.on_board_changed)
        prober.waiting_changed.connect(self.on_board_changed)
        self.on_board_changed()

    def on_board_changed(self) -> None:
        """Show the numbers as they are now."""
        prober, board = self._prober, self._prober.board
        self.is_open.setChecked(board.parts is None)
        self.show_row("Parts", is_shown=board.parts is not None)
        self.count.show_value(board.parts or self._found)
        self.places.show_value(board.probes)
        is_new = prober.shown is None or prober.is_outdated
        self.find_button.setEnabled(prober.picture is not None and is_new and not prober.is_waiting)

    @property
    def _found(self) -> int:
        shown = self._prober.shown
        found = 0 if shown is None else shown.finding.numbers.get("parts", 0)
        return found if isinstance(found, int) and found > 0 else 6

    def on_open_clicked(self) -> None:
        """Let the number be found, or choose it."""
        parts = None if self.is_open.isChecked() else self._found
        self._prober.apply(replace(self._prober.board, parts=parts), tr("Change number of parts"))

    def on_count_edited(self, count: float) -> None:
        """Ask for so many parts."""
        board = replace(self._prober.board, parts=round(count))
        self._prober.adjust(board, tr("Change number of parts"))

    def on_places_edited(self, count: float) -> None:
        """Pull at more or fewer places."""
        board = replace(self._prober.board, probes=round(count))
        self._prober.adjust(board, tr("Change places"))


class SidesSection(Section):
    """Which arrows are drawn, and the weights of B."""

    def __init__(
        self,
        prober: Prober,
        tools: ProbeTools,
        weights: WeightsStore,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(tr("A and B"), parent)
        self._prober = prober
        self._tools = tools
        self._weights = weights
        self.side = Segments(tr("Side to draw"), {"a": "A", "b": "B"})
        self.copy = make_button(tr("Copy A's arrows to B"))
        choices: Mapping[str, str] = {_SAME: tr("The same")}
        self.weights = ChoiceBox(tr("Weights of B"), choices, themes)
        self.weights.setToolTip(tr("Other weights for B; without arrows of its own, B takes A's"))
        self.add_row(mark("Draw"), self.side)
        self.add_row("", self.copy)
        self.add_row(mark("B's network"), self.weights)
        self.side.chosen.connect(self.on_side_chosen)
        self.copy.clicked.connect(self.on_copy_clicked)
        self.weights.chosen.connect(self.on_weights_chosen)
        tools.changed.connect(self.on_tools_changed)
        weights.listed.connect(self.on_listed)
        prober.board_changed.connect(self.on_board_changed)
        self.on_tools_changed()
        self.on_listed()

    def on_tools_changed(self) -> None:
        """Show which side is drawn."""
        self.side.show_value(self._tools.side)

    def on_listed(self) -> None:
        """Offer the weights that are on this machine."""
        self.weights.clear()
        self.weights.addItem(tr("The same"), _SAME)
        for row in self._weights.rows:
            if row.is_there and not row.problem:
                self.weights.addItem(row.title, row.name)
        self.on_board_changed()

    def on_board_changed(self) -> None:
        """Show B's weights, also those that are no longer listed."""
        board = self._prober.board
        name = board.other_weights or _SAME
        if self.weights.findData(name) < 0:
            self.weights.addItem(name, name)
        self.weights.show_value(name)
        self.copy.setEnabled(bool(board.arrows) and board.other_arrows != board.arrows)

    def on_side_chosen(self, side: str) -> None:
        """Draw for A or for B."""
        self._tools.set_side("b" if side == "b" else "a")

    def on_copy_clicked(self) -> None:
        """Begin B as A is."""
        board = self._prober.board
        self._prober.apply(replace(board, other_arrows=board.arrows), tr("Copy arrows to B"))
        self._tools.set_side("b")

    def on_weights_chosen(self, name: str) -> None:
        """Take other weights for B."""
        board = replace(self._prober.board, other_weights=name or None)
        self._prober.apply(board, tr("Change weights of B"))
