"""Where the mouse is, as the tools see it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from cmp_studio.document.tracks import Point

HIT_RADIUS_SCREEN_PX: Final = 14.0
"""How far from a handle a press still takes hold of it; never less than 12."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is and which keys are held.

    Attributes:
        point: Px of the picture; may lie outside of it.
        scale: Screen px per px of the picture.
        is_shift: Shift is held.
        is_control: Ctrl (Cmd on a Mac) is held.
        is_alt: Alt is held.
    """

    point: Point
    scale: float = 1.0
    is_shift: bool = False
    is_control: bool = False
    is_alt: bool = False

    @property
    def hit_radius(self) -> float:
        """How far from a handle a press still takes hold of it, px of the picture."""
        return HIT_RADIUS_SCREEN_PX / self.scale

    def screen_distance(self, other: Pointer) -> float:
        """Distance to ``other`` on the screen, px."""
        return self.screen_distance_to(other.point)

    def screen_distance_to(self, point: Point) -> float:
        """Distance to a point of the picture on the screen, px."""
        return math.dist(self.point, point) * self.scale
