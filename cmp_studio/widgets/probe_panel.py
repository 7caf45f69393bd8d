"""The panel beside the canvas of the Probe mode: what is asked, how it is shown, what was found."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from cmp_studio.services.probe_show import ProbeShow
from cmp_studio.services.probe_tools import ProbeTools
from cmp_studio.services.probe_views import view_of
from cmp_studio.services.prober import Prober
from cmp_studio.services.translation import tr
from cmp_studio.services.weights_store import WeightsStore
from cmp_studio.widgets.controls import make_label, make_line
from cmp_studio.widgets.probe_ask_sections import PartsSection, PullSection, SidesSection
from cmp_studio.widgets.probe_found_sections import FoundSection, ShowSection
from cmp_studio.widgets.theme import GRID, ThemeManager


class ProbePanel(QScrollArea):
    """One section for each thing that matters to the view."""

    def __init__(
        self,
        prober: Prober,
        tools: ProbeTools,
        show: ProbeShow,
        weights: WeightsStore,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._prober = prober
        self.setAccessibleName(tr("Probe panel"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(296)
        ground = QWidget()
        ground.setProperty("role", "panel")
        column = QVBoxLayout(ground)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        self.title = make_label("", "title")
        self.question = make_label("", "muted")
        self.question.setWordWrap(True)
        head = QVBoxLayout()
        head.setSpacing(4)
        head.addWidget(self.title)
        head.addWidget(self.question)
        self.pull = PullSection(prober, themes)
        self.parts = PartsSection(prober, themes)
        self.sides = SidesSection(prober, tools, weights, themes)
        self.found = FoundSection(prober, show)
        self.looks = ShowSection(show, themes)
        column.addLayout(head)
        column.addWidget(self.sides)
        column.addWidget(self.parts)
        column.addWidget(self.pull)
        column.addWidget(make_line())
        column.addWidget(self.found)
        column.addWidget(make_line())
        column.addWidget(self.looks)
        column.addStretch(1)
        self.setWidget(ground)
        prober.view_changed.connect(self.on_view_changed)
        self.on_view_changed()

    def on_view_changed(self) -> None:
        """Show the sections that matter to the view."""
        view = view_of(self._prober.view)
        self.title.setText(tr(view.title))
        self.question.setText(tr(view.question))
        self.pull.setVisible(view.has_pull or view.has_length or view.has_directions)
        self.parts.setVisible(view.kind == "parts")
        self.sides.setVisible(view.kind == "compare")
