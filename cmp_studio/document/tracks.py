"""Tracks: the arrows, paths, pins and takes that a person puts on the picture, immutable.

Points are ``(x, y)`` in px of the picture, pixel centres at integers, x right and y down. Times are
seconds on the scene's timeline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from cmp_studio.document.errors import TrackError
from cmp_studio.document.takes import Take

Point: TypeAlias = tuple[float, float]
Curve: TypeAlias = tuple[float, float, float, float]
"""Handles x1, y1, x2, y2 of a custom easing: a cubic Bezier from (0, 0) to (1, 1)."""

Easing = Literal["linear", "ease", "spring", "curve"]
Repeat = Literal["once", "ping_pong", "sway", "pulse"]
TrackKind = Literal["arrow", "path", "pin", "take"]

EASINGS: Final = get_args(Easing)
REPEATS: Final = get_args(Repeat)
TRACK_KINDS: Final = get_args(TrackKind)

CURVE: Final[Curve] = (0.4, 0.0, 0.2, 1.0)
"""The custom easing before a person has changed it."""

MAX_POINTS: Final = 10_000
"""Most points that one track may have; far above what a hand draws."""

MAX_TAKES: Final = 64
MAX_CYCLES: Final = 100
MAX_STIFFNESS: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Timing:
    """When and how a track moves.

    Attributes:
        start: Seconds on the timeline; until then the track holds its place.
        end: Seconds on the timeline, or None for the end of the scene.
        easing: Speed along the way: even, gentle at both ends, past the goal and back, or as the
            custom curve says. A take has its own speed.
        repeat: One way; out and back; swinging to both sides; two quick beats.
        curve: Handles x1, y1, x2, y2 of the custom curve, x in [0, 1], y in [-2, 3].
        cycles: How often the repeat is gone through from start to end; ``once`` goes once.
        phase: How far ahead of the others the repeat is, share of a cycle in [0, 1); ``once`` has
            none. Ahead, a track is away from its start in the first frame already.
    """

    start: float = 0.0
    end: float | None = None
    easing: Easing = "ease"
    repeat: Repeat = "once"
    curve: Curve = CURVE
    cycles: int = 1
    phase: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not (math.isfinite(self.start) and self.start >= 0):
            raise TrackError("A track's start must be 0 s or later, got {start}.", start=self.start)
        if self.end is not None and not (math.isfinite(self.end) and self.end > self.start):
            raise TrackError(
                "A track's end must be later than its start at {start} s, got {end}.",
                start=self.start,
                end=self.end,
            )
        if self.easing not in EASINGS:
            raise TrackError(
                "Easing must be one of {easings}, got {easing!r}.",
                easings=", ".join(EASINGS),
                easing=self.easing,
            )
        if self.repeat not in REPEATS:
            raise TrackError(
                "Repeat must be one of {repeats}, got {repeat!r}.",
                repeats=", ".join(REPEATS),
                repeat=self.repeat,
            )
        x1, y1, x2, y2 = self.curve
        if not (0 <= x1 <= 1 and 0 <= x2 <= 1 and -2 <= y1 <= 3 and -2 <= y2 <= 3):
            raise TrackError(
                "The handles of a curve must have x from 0 to 1 and y from -2 to 3, got {curve}.",
                curve=self.curve,
            )
        if not 1 <= self.cycles <= MAX_CYCLES:
            raise TrackError(
                "Cycles must be from 1 to {max_cycles}, got {cycles}.",
                max_cycles=MAX_CYCLES,
                cycles=self.cycles,
            )
        if not 0 <= self.phase < 1:
            raise TrackError("Phase must be 0 or more and below 1, got {phase}.", phase=self.phase)


@dataclass(frozen=True, slots=True)
class Track:
    """One thing that a person told the picture to do.

    Attributes:
        id: Unique in its scene and never used again there; 0 before a scene has taken it in.
        kind: ``arrow`` (start and end), ``path`` (start, ..., end), ``pin`` (one point that stays
            where it is) or ``take`` (one point that moves as it was dragged).
        points: Px of the picture. The first is the spot of the picture that is moved or held.
        name: What the person calls it; empty for none.
        color: Index into the window's palette.
        is_on: Whether it takes part.
        timing: When and how it moves; a pin has no use for it.
        is_smooth: Whether a path is followed as a smooth curve, or straight from point to point.
        stiffness: How far around its start a track holds the picture together, px: the spot and
            this much around it move, or stay, as one. 0 is the spot alone.
        takes: The recorded drags of a take, layered: their displacements add up.
        group: Id of the group that it moves in, 0 for the rest of the picture.
        keys: When a path passes its points between the ends, as progress, rising from 0 to 1; empty
            for even speed along its length.
    """

    id: int
    kind: TrackKind
    points: tuple[Point, ...]
    name: str = ""
    color: int = 0
    is_on: bool = True
    timing: Timing = Timing()
    is_smooth: bool = True
    stiffness: float = 0.0
    takes: tuple[Take, ...] = ()
    group: int = 0
    keys: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.kind not in TRACK_KINDS:
            raise TrackError(
                "A track's kind must be one of {kinds}, got {kind!r}.",
                kinds=", ".join(TRACK_KINDS),
                kind=self.kind,
            )
        if self.id < 0:
            raise TrackError("A track's id must be 0 or more, got {id}.", id=self.id)
        if self.color < 0:
            raise TrackError("A track's colour must be 0 or more, got {color}.", color=self.color)
        count = len(self.points)
        low, high = {"arrow": (2, 2), "path": (2, MAX_POINTS)}.get(self.kind, (1, 1))
        if not low <= count <= high:
            wanted = {"arrow": "two points", "path": f"2 to {MAX_POINTS} points"}
            raise TrackError(
                "A track of kind {kind} has {wanted}, got {count}.",
                kind=self.kind,
                wanted=wanted.get(self.kind, "one"),
                count=count,
            )
        for point in self.points:
            if len(point) != 2 or not all(math.isfinite(value) for value in point):
                raise TrackError(
                    "A track's points must be finite pairs x, y, got {point}.", point=point
                )
        if not 0 <= self.stiffness <= MAX_STIFFNESS:
            raise TrackError(
                "Stiffness must be from 0 to {max_stiffness:g} px, got {stiffness}.",
                max_stiffness=MAX_STIFFNESS,
                stiffness=self.stiffness,
            )
        if self.kind == "take" and not 1 <= len(self.takes) <= MAX_TAKES:
            raise TrackError(
                "A take has 1 to {max_takes} recordings, got {count}.",
                max_takes=MAX_TAKES,
                count=len(self.takes),
            )
        if self.kind != "take" and self.takes:
            raise TrackError(
                "Only a take has recordings, this is a track of kind {kind}.", kind=self.kind
            )
        if self.group < 0:
            raise TrackError("A track's group must be 0 or more, got {group}.", group=self.group)
        if self.keys:
            self._check_keys()

    def _check_keys(self) -> None:
        if self.kind != "path" or len(self.keys) != len(self.points) - 2:
            raise TrackError(
                "A path has a key for each point between its ends, this {kind} of {count} points "
                "has {keys}.",
                kind=self.kind,
                count=len(self.points),
                keys=len(self.keys),
            )
        if not all(a < b for a, b in pairwise((0.0, *self.keys, 1.0))):  # NaN fails too
            raise TrackError(
                "A path's keys must rise from above 0 to below 1, got {keys}.", keys=self.keys
            )

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
        """From tail to head, px: the whole displacement of an arrow or path, 0 for the others."""
        return self.head[0] - self.tail[0], self.head[1] - self.tail[1]


def make_arrow(start: Point, end: Point, *, timing: Timing = Timing()) -> Track:
    """Return an arrow from ``start`` to ``end``, px; the scene gives it its id."""
    return Track(0, "arrow", (_point(start), _point(end)), timing=timing)


def make_path(
    points: tuple[Point, ...], *, timing: Timing = Timing(), is_smooth: bool = True
) -> Track:
    """Return a path through ``points``, px, which are at least two; the scene gives it its id."""
    points = tuple(_point(point) for point in points)
    return Track(0, "path", points, timing=timing, is_smooth=is_smooth)


def make_pin(point: Point, *, stiffness: float = 0.0) -> Track:
    """Return a pin that holds ``point`` and ``stiffness`` px around it; the scene gives its id."""
    return Track(0, "pin", (_point(point),), stiffness=stiffness)


def make_take(point: Point, take: Take, *, start: float = 0.0) -> Track:
    """Return the track of a drag that was recorded on ``point``, px; the scene gives its id.

    Args:
        point: Px of the picture; the spot that was dragged.
        take: What was recorded.
        start: Seconds on the timeline at which it begins.
    """
    return Track(0, "take", (_point(point),), timing=Timing(start=start), takes=(take,))


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
        raise TrackError(
            "The track has points 0 to {last}, got number {index}.",
            last=len(track.points) - 1,
            index=index,
        )
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
