"""What lies under a point of the picture. Pure; the window asks and draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from cmp_studio.document.motion import curve_points
from cmp_studio.document.scene import Scene
from cmp_studio.document.tracks import Point, Track

HitPart = Literal["tail", "head", "body", "pin"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A track and the part of it that was hit."""

    track_id: int
    part: HitPart


def hit(scene: Scene, point: Point, radius: float) -> Hit | None:
    """Return what a press at ``point`` takes hold of, or None.

    The nearest handle (head, tail, pin) within the radius wins; only where there is none, the
    nearest shaft. At equal distance the later track wins, and a head over its tail, so that an
    arrow drawn too short can be pulled out again.

    Args:
        scene: Tracks that are off count too.
        point: Px of the picture.
        radius: Px of the picture; the window turns its screen px into these.
    """
    handles: list[tuple[float, Hit]] = []
    bodies: list[tuple[float, Hit]] = []
    for track in reversed(scene.tracks):
        if track.kind == "pin":
            handles.append((math.dist(point, track.tail), Hit(track.id, "pin")))
            continue
        handles.append((math.dist(point, track.head), Hit(track.id, "head")))
        handles.append((math.dist(point, track.tail), Hit(track.id, "tail")))
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
    if len(track.points) == 1:
        return math.dist(point, track.tail)
    line = curve_points(track.points)
    return min(_segment_distance(point, a, b) for a, b in pairwise(line))


def _segment_distance(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    squared = dx * dx + dy * dy
    if squared == 0:
        return math.dist(point, a)
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / squared
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (a[0] + share * dx, a[1] + share * dy))
