"""How the canvas shows the scene; remembered between runs, never part of the document."""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.preferences import Preferences

ViewMode = Literal["photo", "motion", "flow"]
FlowStyle = Literal["colors", "needles", "both"]


class ViewOptions(QObject):
    """What is drawn on the canvas.

    Signals:
        changed(): Some option is another.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._mode: ViewMode = "motion"
        self._has_overlays = True
        self._has_masks = preferences.flag("view/has_masks", default=False)
        self._has_onion = False
        self._has_holes = False
        style = preferences.text("view/flow_style", "colors")
        self._flow_style: FlowStyle = "colors"
        for known in get_args(FlowStyle):
            if style == known:
                self._flow_style = known
        self._flow_opacity = min(max(preferences.number("view/flow_opacity", 0.85), 0.0), 1.0)
        self._is_scale_automatic = preferences.flag("view/is_flow_scale_automatic", default=True)
        self._flow_scale = max(1.0, preferences.number("view/flow_scale", 50.0))

    @property
    def mode(self) -> ViewMode:
        """The still photo, the moving picture, or its flow."""
        return self._mode

    @property
    def has_overlays(self) -> bool:
        """Whether arrows and pins are drawn."""
        return self._has_overlays

    @property
    def has_masks(self) -> bool:
        """Whether masks are tinted."""
        return self._has_masks

    @property
    def has_onion(self) -> bool:
        """Whether the goal of the motion lies over the photo as a ghost."""
        return self._has_onion

    @property
    def has_holes(self) -> bool:
        """Whether holes are marked."""
        return self._has_holes

    @property
    def flow_style(self) -> FlowStyle:
        """Flow as colours, as needles, or both."""
        return self._flow_style

    @property
    def flow_opacity(self) -> float:
        """How much the flow's colours cover, from 0 to 1."""
        return self._flow_opacity

    @property
    def is_scale_automatic(self) -> bool:
        """Whether the longest arrow gets the full colour, instead of `flow_scale`."""
        return self._is_scale_automatic

    @property
    def flow_scale(self) -> float:
        """Length that gets the full colour when the scale is fixed, px of the picture."""
        return self._flow_scale

    def set_mode(self, mode: ViewMode) -> None:
        """Show the photo, the motion or the flow."""
        if mode != self._mode:
            self._mode = mode
            self.changed.emit()

    def set_has_overlays(self, *, value: bool) -> None:
        """Show or hide arrows and pins."""
        if value != self._has_overlays:
            self._has_overlays = value
            self.changed.emit()

    def set_has_masks(self, *, value: bool) -> None:
        """Tint masks, or not."""
        if value != self._has_masks:
            self._has_masks = value
            self._preferences.set_flag("view/has_masks", value=value)
            self.changed.emit()

    def set_has_onion(self, *, value: bool) -> None:
        """Show the onion skin, or not."""
        if value != self._has_onion:
            self._has_onion = value
            self.changed.emit()

    def set_has_holes(self, *, value: bool) -> None:
        """Mark holes, or not."""
        if value != self._has_holes:
            self._has_holes = value
            self.changed.emit()

    def set_flow_style(self, style: FlowStyle) -> None:
        """Show flow as colours, needles or both."""
        if style != self._flow_style:
            self._flow_style = style
            self._preferences.set_text("view/flow_style", style)
            self.changed.emit()

    def set_flow_opacity(self, opacity: float) -> None:
        """Let the flow cover more or less, from 0 to 1."""
        if opacity != self._flow_opacity:
            self._flow_opacity = opacity
            self._preferences.set_number("view/flow_opacity", opacity)
            self.changed.emit()

    def set_flow_scale(self, scale: float, *, is_automatic: bool) -> None:
        """Choose the length that gets the full colour, px of the picture."""
        if (scale, is_automatic) != (self._flow_scale, self._is_scale_automatic):
            self._flow_scale, self._is_scale_automatic = scale, is_automatic
            self._preferences.set_number("view/flow_scale", scale)
            self._preferences.set_flag("view/is_flow_scale_automatic", value=is_automatic)
            self.changed.emit()
