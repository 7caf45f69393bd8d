"""Edits of one track. Pure: each returns a new track, and the window makes one undo step of it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from cmp_studio.document.errors import TrackError
from cmp_studio.document.takes import Take, take_at
from cmp_studio.document.tracks import Point, Timing, Track, move_track

MirrorAxis = Literal["horizontal", "vertical"]


def add_point(track: Track, point: Point) -> Track:
    """Return a path that goes on to ``point``, px, from the end of an arrow or path.

    Raises:
        TrackError: A pin or take has no way to go on.
    """
    return insert_point(track, len(track.points), point)


def insert_point(track: Track, index: int, point: Point) -> Track:
    """Return a path with a new point before number ``index`` of an arrow's or path's points.

    Args:
        track: An arrow or path.
        index: 1 or more: the start is moved, not inserted before.
        point: Px of the picture.

    Raises:
        TrackError: A pin or take, or no such place.
    """
    _need_way(track)
    if not 1 <= index <= len(track.points):
        raise TrackError(
            "A point can be inserted at 1 to {count} of this track, got {index}.",
            count=len(track.points),
            index=index,
        )
    x, y = point
    points = (*track.points[:index], (float(x), float(y)), *track.points[index:])
    keys = track.keys
    if keys:  # the new point is passed half-way between its neighbours
        known = (0.0, *keys, 1.0)
        if index == len(track.points):  # what was the end gets a time of its own
            known = (*(key * (1 - 1 / len(track.points)) for key in known), 1.0)
        else:
            known = (*known[:index], (known[index - 1] + known[index]) / 2, *known[index:])
        keys = known[1:-1]
    return replace(track, kind="path", points=points, keys=keys)


def insert_point_near(track: Track, point: Point) -> tuple[Track, int]:
    """Return a path with a new point at ``point``, in the leg that comes nearest, and its index.

    Raises:
        TrackError: A pin or take.
    """
    _need_way(track)
    legs = [_leg_distance(point, a, b) for a, b in pairwise(track.points)]
    index = min(range(len(legs)), key=legs.__getitem__) + 1
    return insert_point(track, index, point), index


def remove_point(track: Track, index: int) -> Track:
    """Return the track without its point number ``index``; of two points an arrow remains.

    Raises:
        TrackError: No such point, or no path.
    """
    if track.kind != "path" or not 0 <= index < len(track.points):
        raise TrackError("The track has no point number {index} that can be removed.", index=index)
    points = (*track.points[:index], *track.points[index + 1 :])
    if len(points) < 2:
        raise TrackError("A path has at least two points; delete the track instead.")
    keys = track.keys
    if keys:  # where an end goes, its neighbour becomes the end
        gone = min(max(index - 1, 0), len(keys) - 1)
        keys = (*keys[:gone], *keys[gone + 1 :])
    return replace(track, kind="arrow" if len(points) == 2 else "path", points=points, keys=keys)


def set_smooth(track: Track, is_smooth: bool) -> Track:  # noqa: FBT001 - a setter's only value
    """Return the track, a smooth path or one that goes straight from point to point."""
    return replace(track, is_smooth=is_smooth)


def set_start(track: Track, point: Point) -> Track:
    """Return the track moved as a whole so that it starts at ``point``, px."""
    return move_track(track, point[0] - track.tail[0], point[1] - track.tail[1])


def set_displacement(track: Track, dx: float, dy: float) -> Track:
    """Return an arrow or path whose end is ``dx``, ``dy`` px from its start.

    The points between are turned and scaled with the end.

    Raises:
        TrackError: A pin or take has no end; or a closed path is to get one.
    """
    _need_way(track)
    x0, y0 = track.tail
    if len(track.points) == 2:
        return replace(track, points=(track.tail, (x0 + dx, y0 + dy)))
    old = complex(*track.span)
    if old == 0:
        raise TrackError("This path ends where it starts; move its points one by one.")
    turn = complex(dx, dy) / old
    points = [track.tail]
    for x, y in track.points[1:-1]:
        turned = complex(x - x0, y - y0) * turn
        points.append((x0 + turned.real, y0 + turned.imag))
    return replace(track, points=(*points, (x0 + dx, y0 + dy)))


def mirror_track(track: Track, axis: MirrorAxis, about: float) -> Track:
    """Return the mirror image of a track.

    Args:
        track: Any track.
        axis: ``horizontal`` swaps left and right, ``vertical`` up and down.
        about: x or y of the line that it is mirrored at, px. At the track's own start, it stays
            there and moves to the other side.
    """
    if axis == "horizontal":
        points = tuple((2 * about - x, y) for x, y in track.points)
        takes = tuple(_flipped(take, -1, 1) for take in track.takes)
    else:
        points = tuple((x, 2 * about - y) for x, y in track.points)
        takes = tuple(_flipped(take, 1, -1) for take in track.takes)
    return replace(track, points=points, takes=takes)


def with_take(track: Track, take: Take, *, start: float, mode: Literal["layer", "new"]) -> Track:
    """Return the track after a drag of its start was recorded.

    Args:
        track: Any track. A pin, arrow or path becomes a take that moves as recorded alone.
        take: What was recorded.
        start: Seconds on the timeline at which the recording began.
        mode: ``layer`` adds the recording to those of a take; ``new`` puts it in their place.
    """
    if track.kind != "take" or mode == "new":
        timing = Timing(start=start, repeat=track.timing.repeat)
        return replace(
            track, kind="take", points=track.points[:1], takes=(take,), timing=timing, keys=()
        )
    earliest = min(start, track.timing.start)
    old = [_delayed(layer, track.timing.start - earliest) for layer in track.takes]
    takes = (*old, _delayed(take, start - earliest))
    return replace(track, takes=takes, timing=replace(track.timing, start=earliest))


def set_take(track: Track, index: int, take: Take | None) -> Track:
    """Return the track with another recording number ``index``, or without it.

    This is how smoothing, speed and on/off of a layer are changed.

    Raises:
        TrackError: No such recording, or the last one is to go.
    """
    if not 0 <= index < len(track.takes):
        raise TrackError("The track has no recording number {index}.", index=index)
    new = () if take is None else (take,)
    takes = (*track.takes[:index], *new, *track.takes[index + 1 :])
    if not takes:
        raise TrackError("This is the take's only recording; delete the track instead.")
    return replace(track, takes=takes)


def path_from_take(track: Track, *, tolerance: float = 2.0) -> Track:
    """Return a take as a path of few points that are passed when the take passed them.

    Args:
        track: A take.
        tolerance: How far from the recorded way the path may be, px.

    Raises:
        TrackError: No take.
    """
    if track.kind != "take":
        raise TrackError("Only a take can be turned into a path.")
    x0, y0 = track.tail
    seconds = max(take.seconds for take in track.takes)
    count = max(2, math.ceil(seconds * 60) + 1)
    way = []
    for i in range(count):
        at = [take_at(take, seconds * i / (count - 1)) for take in track.takes if take.is_on]
        way.append((x0 + sum(x for x, _ in at), y0 + sum(y for _, y in at)))
    corners = _simplified(way, tolerance)
    points = tuple(way[i] for i in corners)
    keys = tuple(i / (count - 1) for i in corners[1:-1])
    timing = replace(track.timing, end=track.timing.start + seconds, easing="linear")
    kind: Literal["arrow", "path"] = "arrow" if len(points) == 2 else "path"
    return replace(track, kind=kind, points=points, keys=keys, takes=(), timing=timing)


def _simplified(way: list[Point], tolerance: float) -> list[int]:
    """Return which points are corners of a line that all are near to (Douglas, Peucker, 1973)."""
    kept = {0, len(way) - 1}
    spans = [(0, len(way) - 1)]
    while spans:
        first, last = spans.pop()
        inner = range(first + 1, last)
        far = max(inner, key=lambda i: _leg_distance(way[i], way[first], way[last]), default=None)
        if far is not None and _leg_distance(way[far], way[first], way[last]) > tolerance:
            kept.add(far)
            spans += [(first, far), (far, last)]
    return sorted(kept)


def _delayed(take: Take, seconds: float) -> Take:
    """Return a take that begins so much later, seconds."""
    return take if seconds <= 0 else replace(take, delay=take.delay + seconds)


def _flipped(take: Take, sign_x: int, sign_y: int) -> Take:
    samples = tuple((t, sign_x * dx + 0.0, sign_y * dy + 0.0) for t, dx, dy in take.samples)
    return replace(take, samples=samples)


def _need_way(track: Track) -> None:
    if track.kind not in ("arrow", "path"):
        raise TrackError(
            "A {kind} has no points besides its start; draw an arrow or path.", kind=track.kind
        )


def _leg_distance(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    squared = dx * dx + dy * dy
    if squared == 0:
        return math.dist(point, a)
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / squared
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (a[0] + share * dx, a[1] + share * dy))
