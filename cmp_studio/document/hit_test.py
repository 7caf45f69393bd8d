"""What lies under a point of the picture. Pure; the window asks and draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cmp_studio.document.motion import drawn_line
from cmp_studio.document.scene import Scene
from cmp_studio.document.tracks import Point, Track

HitPart = Literal["tail", "head", "body", "pin", "point"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A track and the part of it that was hit.

    Attributes:
        track_id: The track.
        part: ``pin`` is the only point of a pin or take, ``point`` a point of a path between its
            ends.
        index: Number of a ``point`` among the path's points; -1 for the other parts.
    """

    track_id: int
    part: HitPart
    index: int = -1


def hit(
    scene: Scene,
    point: Point,
    radius: float,
    *,
    has_points: bool = False,
    has_takes: bool = True,
) -> Hit | None:
    """Return what a press at ``point`` takes hold of, or None.

    The nearest handle (head, tail, pin) within the radius wins; only where there is none, the
    nearest shaft. At equal distance the later track wins, and a head over its tail, so that an
    arrow drawn too short can be pulled out again.

    Args:
        scene: Tracks that are off count too.
        point: Px of the picture.
        radius: Px of the picture; the window turns its screen px into these.
        has_points: Whether the points of a path between its ends are handles too.
        has_takes: Whether the way of a take can be hit too, besides its start.
    """
    handles: list[tuple[float, Hit]] = []
    bodies: list[tuple[float, Hit]] = []
    for track in reversed(scene.tracks):
        if track.kind in ("pin", "take"):
            handles.append((math.dist(point, track.tail), Hit(track.id, "pin")))
            if track.kind == "take" and has_takes:
                bodies.append((distance_to(track, point), Hit(track.id, "body")))
            continue
        last = len(track.points) - 1
        handles.append((math.dist(point, track.head), Hit(track.id, "head")))
        handles.append((math.dist(point, track.tail), Hit(track.id, "tail")))
        if has_points:
            for index in range(1, last):
                place = track.points[index]
                handles.append((math.dist(point, place), Hit(track.id, "point", index)))
        bodies.append((distance_to(track, point), Hit(track.id, "body")))
    for candidates in (handles, bodies):
        within = [candidate for candidate in candidates if candidate[0] <= radius]
        if within:
            return min(within, key=lambda candidate: candidate[0])[1]
    return None


def nearest_track(scene: Scene, point: Point) -> Track | None:
    """Return the track that comes nearest to ``point`` (px), however far; the later of two."""
    tracks = reversed(scene.tracks)
    return min(tracks, key=lambda track: distance_to(track, point), default=None)


def distance_to(track: Track, point: Point) -> float:
    """Return the distance from ``point`` to the nearest part of a track, px of the picture."""
    if track.kind == "pin":
        return math.dist(point, track.tail)
    line = drawn_line(track)
    return min(_segment_distance(point, a, b) for a, b in pairwise(line))


def tracks_in(scene: Scene, one: Point, other: Point) -> tuple[int, ...]:
    """Return the ids of the tracks with a point within a rectangle, for box selection.

    Args:
        scene: Tracks that are off count too.
        one: A corner, px of the picture.
        other: The opposite corner.
    """
    left, right = sorted((one[0], other[0]))
    top, bottom = sorted((one[1], other[1]))
    return tuple(
        track.id
        for track in scene.tracks
        if any(left <= x <= right and top <= y <= bottom for x, y in track.points)
    )


def _segment_distance(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    squared = dx * dx + dy * dy
    if squared == 0:
        return math.dist(point, a)
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / squared
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (a[0] + share * dx, a[1] + share * dy))
