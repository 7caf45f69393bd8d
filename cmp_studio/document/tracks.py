"""Tracks: the arrows, paths and pins that a person puts on the picture, as immutable values.

Points are ``(x, y)`` in px of the picture, pixel centres at integers, x right and y down. Times are
seconds on the scene's timeline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from cmp_studio.document.errors import TrackError

Point: TypeAlias = tuple[float, float]
Easing = Literal["linear", "ease", "spring"]
Repeat = Literal["once", "ping_pong", "sway", "pulse"]
TrackKind = Literal["arrow", "path", "pin"]

EASINGS: Final = get_args(Easing)
REPEATS: Final = get_args(Repeat)
TRACK_KINDS: Final = get_args(TrackKind)

MAX_POINTS: Final = 10_000
"""Most points that one track may have; far above what a hand draws."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When and how a track moves.

    Attributes:
        start: Seconds on the timeline; until then the track holds its place.
        end: Seconds on the timeline, or None for the end of the scene.
        easing: Speed along the way: even, gentle at both ends, or past the goal and back.
        repeat: One way; out and back; swinging to both sides; two quick beats.
    """

    start: float = 0.0
    end: float | None = None
    easing: Easing = "ease"
    repeat: Repeat = "once"

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not (math.isfinite(self.start) and self.start >= 0):
            raise TrackError(f"A track's start must be 0 s or later, got {self.start}.")
        if self.end is not None and not (math.isfinite(self.end) and self.end > self.start):
            raise TrackError(
                f"A track's end must be later than its start at {self.start} s, got {self.end}."
            )
        if self.easing not in EASINGS:
            raise TrackError(f"Easing must be one of {', '.join(EASINGS)}, got {self.easing!r}.")
        if self.repeat not in REPEATS:
            raise TrackError(f"Repeat must be one of {', '.join(REPEATS)}, got {self.repeat!r}.")


@dataclass(frozen=True, slots=True)
class Track:
    """One thing that a person told the picture to do.

    Attributes:
        id: Unique in its scene and never used again there; 0 before a scene has taken it in.
        kind: ``arrow`` (start and end), ``path`` (start, ..., end; followed as a smooth curve) or
            ``pin`` (one point that stays where it is).
        points: Px of the picture. The first is the spot of the picture that is moved or held.
        name: What the person calls it; empty for none.
        color: Index into the window's palette.
        is_on: Whether it takes part.
        timing: When and how it moves; a pin has no use for it.
    """

    id: int
    kind: TrackKind
    points: tuple[Point, ...]
    name: str = ""
    color: int = 0
    is_on: bool = True
    timing: Timing = Timing()

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.kind not in TRACK_KINDS:
            raise TrackError(
                f"A track's kind must be one of {', '.join(TRACK_KINDS)}, got {self.kind!r}."
            )
        if self.id < 0:
            raise TrackError(f"A track's id must be 0 or more, got {self.id}.")
        if self.color < 0:
            raise TrackError(f"A track's colour must be 0 or more, got {self.color}.")
        count = len(self.points)
        fits = {"arrow": count == 2, "path": 2 <= count <= MAX_POINTS, "pin": count == 1}
        if not fits[self.kind]:
            wanted = {"arrow": "two points", "path": f"2 to {MAX_POINTS} points", "pin": "one"}
            raise TrackError(f"A track of kind {self.kind} has {wanted[self.kind]}, got {count}.")
        for point in self.points:
            if len(point) != 2 or not all(math.isfinite(value) for value in point):
                raise TrackError(f"A track's points must be finite pairs x, y, got {point}.")

    @property
    def tail(self) -> Point:
        """Where the track starts: the spot of the picture that is moved or held, px."""
        return self.points[0]

    @property
    def head(self) -> Point:
        """Where the track ends, px; a pin's only point."""
        return self.points[-1]

    @property
    def span(self) -> Point:
        """From tail to head, px: the whole displacement of an arrow or path."""
        return self.head[0] - self.tail[0], self.head[1] - self.tail[1]


def make_arrow(start: Point, end: Point, *, timing: Timing = Timing()) -> Track:
    """Return an arrow from ``start`` to ``end``, px; the scene gives it its id."""
    return Track(0, "arrow", (_point(start), _point(end)), timing=timing)


def make_path(points: tuple[Point, ...], *, timing: Timing = Timing()) -> Track:
    """Return a path through ``points``, px, which are at least two; the scene gives it its id."""
    return Track(0, "path", tuple(_point(point) for point in points), timing=timing)


def make_pin(point: Point) -> Track:
    """Return a pin that holds ``point``, px; the scene gives it its id."""
    return Track(0, "pin", (_point(point),))


def move_track(track: Track, dx: float, dy: float) -> Track:
    """Return ``track`` with every point moved by ``dx``, ``dy`` px."""
    return replace(track, points=tuple((x + dx, y + dy) for x, y in track.points))


def move_head(track: Track, point: Point) -> Track:
    """Return ``track`` with its last point at ``point``, px.

    A pin has one point, so it moves as a whole.
    """
    return replace(track, points=(*track.points[:-1], _point(point)))


def move_tail(track: Track, point: Point) -> Track:
    """Return ``track`` with its first point at ``point``, px; the others stay."""
    return replace(track, points=(_point(point), *track.points[1:]))


def move_point(track: Track, index: int, point: Point) -> Track:
    """Return ``track`` with its point number ``index`` at ``point``, px.

    Raises:
        TrackError: The track has no such point.
    """
    if not 0 <= index < len(track.points):
        raise TrackError(f"The track has points 0 to {len(track.points) - 1}, got number {index}.")
    points = (*track.points[:index], _point(point), *track.points[index + 1 :])
    return replace(track, points=points)


def keep_inside(track: Track, width: int, height: int) -> Track:
    """Return ``track``, moved as a whole where needed so that its tail lies on the picture.

    Args:
        track: Any track.
        width: Width of the picture, px.
        height: Height of the picture, px.
    """
    x, y = track.tail
    dx = min(max(x, 0.0), width - 1.0) - x
    dy = min(max(y, 0.0), height - 1.0) - y
    return track if dx == 0 and dy == 0 else move_track(track, dx, dy)


def _point(point: Point) -> Point:
    x, y = point
    return float(x), float(y)
