"""How the Probe mode shows what was found: which layer, in which colours, with what over it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cmp_studio.pipeline.experiment import ProbeKind
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.probe_views import PHOTO, view_of
from cmp_studio.services.prober import Prober

if TYPE_CHECKING:
    from cmp_studio.document.tracks import Point
    from cmp_studio.pipeline.findings import Finding, Table
    from cmp_studio.pipeline.probe_readout import Layer, Readout


Lines: TypeAlias = tuple[NDArray[np.float32], ...]


class ProbeShow(QObject):
    """The layer that is seen, painted, and what it says under the mouse and along the line.

    Thread: GUI thread only.

    Signals:
        changed(): Something is shown in another way.
        table_changed(): `table` is another.
    """

    changed = Signal()
    table_changed = Signal()

    def __init__(
        self, prober: Prober, preferences: Preferences, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._prober = prober
        self._preferences = preferences
        self._chosen: dict[ProbeKind, str] = {}
        self._opacity = min(max(preferences.number("probe/opacity", 0.8), 0.0), 1.0)
        self._has_needles = preferences.flag("probe/has_needles", default=False)
        self._has_lines = preferences.flag("probe/has_lines", default=True)
        self._is_automatic = preferences.flag("probe/is_scale_automatic", default=True)
        self._scale = max(1.0, preferences.number("probe/scale", 20.0))
        self._painted: Layer | None = None
        self._painted_of: _Key | None = None
        self._lines: tuple[Lines, Lines] = ((), ())
        self._lines_of: Finding | None = None
        self._table: Table | None = None
        self._table_of: _Key | None = None
        prober.shown_changed.connect(self.on_shown_changed)
        prober.board_changed.connect(self.on_shown_changed)
        prober.view_changed.connect(self.on_shown_changed)

    @property
    def finding(self) -> Finding | None:
        """What the view has found, or None."""
        shown = self._prober.shown
        return None if shown is None else shown.finding

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be chosen; the photo alone is the last."""
        finding = self.finding
        if finding is None:
            return (PHOTO,)
        from cmp_studio.pipeline.probe_readout import layers_of

        return (*layers_of(finding), PHOTO)

    @property
    def layer(self) -> str:
        """The layer that is seen."""
        layers = self.layers
        chosen = self._chosen.get(self._prober.view, view_of(self._prober.view).layer)
        if chosen in layers:
            return chosen
        steps = [name for name in layers if name.startswith("flow_")]
        return steps[-1] if steps else layers[0]

    @property
    def opacity(self) -> float:
        """How much the layer covers, from 0 to 1."""
        return self._opacity

    @property
    def has_needles(self) -> bool:
        """Whether a flow is drawn as a field of small arrows, too."""
        return self._has_needles

    @property
    def has_lines(self) -> bool:
        """Whether isolines and outlines are drawn."""
        return self._has_lines

    @property
    def is_scale_automatic(self) -> bool:
        """Whether the pull gets the full colour, instead of `scale`."""
        return self._is_automatic

    @property
    def scale(self) -> float:
        """Length that gets the full colour when it is fixed, px of the picture."""
        return self._scale

    @property
    def painted(self) -> Layer | None:
        """The layer as colours; None for the photo alone."""
        return self._painted

    @property
    def lines(self) -> tuple[Lines, Lines]:
        """Closed lines over the layer, and where the fitted motion takes them, to be drawn.

        Each (N, 2) float32 px of the picture. They are the same objects until something else is
        found.
        """
        finding = self.finding
        if finding is not self._lines_of:
            self._lines_of, self._lines = finding, ((), ())
            if finding is not None:
                from cmp_studio.pipeline.probe_readout import simple_lines

                self._lines = (
                    simple_lines(finding, finding.lines),
                    simple_lines(finding, finding.ghosts),
                )
        return self._lines

    @property
    def table(self) -> Table | None:
        """What is plotted: the values along the line, else the probe's own curve or matrix."""
        return self._table

    def read(self, point: Point) -> Readout | None:
        """What the layer says at a place of the picture, px."""
        finding = self.finding
        if finding is None:
            return None
        from cmp_studio.pipeline.probe_readout import read_at

        return read_at(finding, self.layer, point)

    def part_places(self) -> list[tuple[int, float, float]]:
        """Number and place, px of the picture, of each rigid part of the layer."""
        finding = self.finding
        if finding is None:
            return []
        from cmp_studio.pipeline.probe_readout import part_places

        return part_places(finding, self.layer)

    def set_layer(self, name: str) -> None:
        """Show another layer of this view."""
        if name != self.layer:
            self._chosen[self._prober.view] = name
            self.on_shown_changed()

    def set_opacity(self, opacity: float) -> None:
        """Let the layer cover more or less, from 0 to 1."""
        if opacity != self._opacity:
            self._opacity = opacity
            self._preferences.set_number("probe/opacity", opacity)
            self.changed.emit()

    def set_has_needles(self, *, value: bool) -> None:
        """Draw a field of small arrows, or not."""
        if value != self._has_needles:
            self._has_needles = value
            self._preferences.set_flag("probe/has_needles", value=value)
            self.changed.emit()

    def set_has_lines(self, *, value: bool) -> None:
        """Draw isolines and outlines, or not."""
        if value != self._has_lines:
            self._has_lines = value
            self._preferences.set_flag("probe/has_lines", value=value)
            self.changed.emit()

    def set_scale(self, scale: float, *, is_automatic: bool) -> None:
        """Choose the length that gets the full colour, px of the picture."""
        if (scale, is_automatic) != (self._scale, self._is_automatic):
            self._scale, self._is_automatic = scale, is_automatic
            self._preferences.set_number("probe/scale", scale)
            self._preferences.set_flag("probe/is_scale_automatic", value=is_automatic)
            self.on_shown_changed()

    def on_shown_changed(self) -> None:
        """Paint what is there now."""
        finding = self.finding
        scale = None
        if finding is not None:
            scale = _pull_length(finding) if self._is_automatic else self._scale
        # Compared by identity: a finding holds arrays, and stays in the key as long as it is shown.
        wanted = _Key(finding, self.layer, scale)
        if wanted != self._painted_of:
            self._painted_of, self._painted = wanted, None
            if finding is not None:
                from cmp_studio.pipeline.probe_readout import paint

                self._painted = paint(finding, self.layer, scale=scale)
        self._make_table(finding)
        self.changed.emit()

    def _make_table(self, finding: Finding | None) -> None:
        line, table = self._prober.board.line, None
        wanted = _Key(finding, self.layer, line)
        if wanted == self._table_of:
            return
        self._table_of = wanted
        if finding is not None and line is not None and line[0] != line[1]:
            from cmp_studio.pipeline.probe_readout import profile_table

            table = profile_table(finding, self.layer, line)
        if table is None and finding is not None:
            drawn = [table for table in finding.tables.values() if table.plot != "none"]
            table = drawn[0] if drawn else None
        self._table = table
        self.table_changed.emit()


class _Key:
    """What something was made of; equal where the finding is the same object."""

    def __init__(self, finding: Finding | None, *rest: object) -> None:
        self._finding = finding
        self._rest = rest

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key):
            return NotImplemented
        return self._finding is other._finding and self._rest == other._rest


def ramp_colors(*, is_signed: bool) -> NDArray[np.uint8]:
    """The colours of maps from their lowest to their highest value, (1, 256, 3) uint8 RGB."""
    from cmp_studio.pipeline.probe_pictures import heat_colors

    values = np.linspace(-1 if is_signed else 0, 1, 256, dtype=np.float32)[None]
    return heat_colors(values, 1.0, is_signed=is_signed)


def _pull_length(finding: Finding) -> float | None:
    """The longest of what was pulled, px of the picture; None where that is not known."""
    rows = [row for rows in (finding.arrows, *finding.arrows_of.values()) for row in rows.tolist()]
    longest = max((math.hypot(row[2], row[3]) for row in rows), default=0.0)
    return longest or None
