"""Movable groups: parts of the picture whose tracks are predicted on their own.

A group has a mask (or none) and a place in the layer order: what is in front passes in front.
"""

from __future__ import annotations

from dataclasses import dataclass

from cmp_studio.document.errors import SceneError
from cmp_studio.document.masks import Mask


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the picture that moves on its own.

    Attributes:
        id: Unique among groups and tracks of its scene; 0 before a scene has taken it in.
        name: What the person calls it; empty for none.
        mask: What belongs to it, 255 inside; None for all that its tracks move. A group with a
            mask and no tracks stands still in its place, and others pass behind or before it.
        is_on: Whether it counts. Off, its tracks don't move, and what is in its mask belongs to
            what is behind it.
        color: Index into the window's palette.
    """

    id: int = 0
    name: str = ""
    mask: Mask | None = None
    is_on: bool = True
    color: int = 0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.id < 0 or self.color < 0:
            raise SceneError(
                "A group's id and colour must be 0 or more, got {id} and {color}.",
                id=self.id,
                color=self.color,
            )
