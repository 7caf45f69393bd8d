"""What a researcher has put on a picture to probe it: points, arrows, a line, the pull."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from cmp_studio.document.tracks import Point

Arrow: TypeAlias = tuple[float, float, float, float]
"""A place and a displacement x, y, dx, dy, px of the picture."""

Side: TypeAlias = Literal["a", "b"]

DEFAULT_PULL_SHARE: Final = 1 / 24
"""Length of the pull as a share of the picture's short side, unless chosen; as the engine's."""

LONGEST_PULL_SHARE: Final = 1 / 3
"""The longest pull that can be chosen, as a share of the short side."""


@dataclass(frozen=True, slots=True)
class ProbeBoard:
    """What is asked about one picture, apart from which probe asks. Places are px of the picture.

    Attributes:
        points: Places to probe. Probes of one place take the first.
        arrows: For the growth with the number of arrows, in order, and side A of a comparison.
        other_arrows: Side B; empty takes A's.
        line: Start and end of the line that values are read along, or None.
        angle: Direction of the pull, degrees from +x, clockwise on the screen, in (-180, 180].
        length: Of the pull, px; None is a 24th of the short side.
        is_every_way: Whether shift or rotate pulls in all directions, not in the pull's alone.
        directions: Number of directions of probes that pull all around.
        parts: Number of rigid parts; None lets the eigengap choose.
        probes: Number of places that the search for rigid parts pulls at.
        other_weights: Name of B's weights; None takes A's.
    """

    points: tuple[Point, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    other_arrows: tuple[Arrow, ...] = ()
    line: tuple[Point, Point] | None = None
    angle: float = 0.0
    length: float | None = None
    is_every_way: bool = True
    directions: int = 8
    parts: int | None = None
    probes: int = 144
    other_weights: str | None = None

    def pull_length(self, image_hw: tuple[int, int]) -> float:
        """Length of the pull on a picture of this size, px."""
        return DEFAULT_PULL_SHARE * min(image_hw) if self.length is None else self.length

    def pull(self, image_hw: tuple[int, int]) -> tuple[float, float]:
        """The pull dx, dy on a picture of this size, px."""
        length, angle = self.pull_length(image_hw), math.radians(self.angle)
        # Rounded, so that a straight pull is straight in files, too.
        return round(length * math.cos(angle), 4), round(length * math.sin(angle), 4)


def set_first_point(board: ProbeBoard, point: Point) -> ProbeBoard:
    """Return the board with another first point; the others stay."""
    return replace(board, points=(point, *board.points[1:]))


def add_point(board: ProbeBoard, point: Point) -> ProbeBoard:
    """Return the board with one more point at the end."""
    return replace(board, points=(*board.points, point))


def move_point(board: ProbeBoard, index: int, point: Point) -> ProbeBoard:
    """Return the board with one point elsewhere."""
    points = list(board.points)
    points[index] = point
    return replace(board, points=tuple(points))


def remove_point(board: ProbeBoard, index: int) -> ProbeBoard:
    """Return the board without one point."""
    return replace(board, points=board.points[:index] + board.points[index + 1 :])


def arrows_of(board: ProbeBoard, side: Side) -> tuple[Arrow, ...]:
    """The arrows of one side; B's own only."""
    return board.arrows if side == "a" else board.other_arrows


def set_arrows(board: ProbeBoard, side: Side, arrows: tuple[Arrow, ...]) -> ProbeBoard:
    """Return the board with other arrows on one side."""
    if side == "a":
        return replace(board, arrows=arrows)
    return replace(board, other_arrows=arrows)


def with_pull(board: ProbeBoard, dx: float, dy: float, image_hw: tuple[int, int]) -> ProbeBoard:
    """Return the board with this pull, at least 1 px and at most a third of the short side long."""
    longest = LONGEST_PULL_SHARE * min(image_hw)
    length = min(max(math.hypot(dx, dy), 1.0), longest)
    return replace(board, angle=wrapped(math.degrees(math.atan2(dy, dx))), length=length)


def turned(board: ProbeBoard, degrees: float) -> ProbeBoard:
    """Return the board with the pull turned clockwise."""
    return replace(board, angle=wrapped(board.angle + degrees))


def wrapped(degrees: float) -> float:
    """The same angle in (-180, 180]."""
    turned_back = (degrees + 180) % 360 - 180
    return 180.0 if turned_back == -180 else round(turned_back, 4)


def kept_on(board: ProbeBoard, image_hw: tuple[int, int]) -> ProbeBoard:
    """Return the board without what lies outside of a picture of this size."""
    height, width = image_hw

    def is_on(x: float, y: float) -> bool:
        return -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5

    line = board.line
    if line is not None and not (is_on(*line[0]) and is_on(*line[1])):
        line = None
    return replace(
        board,
        points=tuple(point for point in board.points if is_on(*point)),
        arrows=tuple(arrow for arrow in board.arrows if is_on(*arrow[:2])),
        other_arrows=tuple(arrow for arrow in board.other_arrows if is_on(*arrow[:2])),
        line=line,
    )
