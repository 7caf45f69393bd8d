"""The marks of a track in time, and moving them: points of a path, begin and end of recordings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from cmp_studio.document.motion import progress, track_span
from cmp_studio.document.path_keys import even_keys
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.takes import MAX_DELAY, MAX_SPEED, MIN_SPEED, Take
from cmp_studio.document.track_edits import set_take
from cmp_studio.document.tracks import Track

MarkKind = Literal["point", "begin", "end"]

_STEPS: Final = 480
_LEAST: Final = 1e-3
"""Least progress between two points of a path."""


@dataclass(frozen=True, slots=True)
class TrackMark:
    """Something that happens at a moment of a track.

    Attributes:
        kind: A path passes one of its ``point``s, or a recording has its ``begin`` or ``end``.
        index: Number of the point among the path's points, or of the recording.
        time: Seconds on the timeline.
    """

    kind: MarkKind
    index: int
    time: float


def track_marks(track: Track, film: FilmSettings) -> list[TrackMark]:
    """Return the marks of a track, as they come in time.

    Of a path that goes its way more than once, they are those of the first time. A recording that
    begins with its track has no mark there, and none that ends after its track was cut off.
    """
    first, last = track_span(track, film)
    if track.kind == "take":
        marks = []
        for index, take in enumerate(track.takes):
            if take.is_on and take.delay > 0:
                marks.append(TrackMark("begin", index, track.timing.start + take.delay))
            if take.is_on:
                marks.append(TrackMark("end", index, track.timing.start + take.seconds))
        return sorted((m for m in marks if m.time <= last + 1e-6), key=lambda mark: mark.time)
    if track.kind != "path" or len(track.points) < 3 or last <= first:
        return []
    grid = _first_way(track, film)
    found = []
    for index, key in enumerate(track.keys or even_keys(track), 1):
        time = next((time for time, share in grid if share >= key), None)
        if time is not None:
            found.append(TrackMark("point", index, time))
    return found


def moved_mark(track: Track, film: FilmSettings, mark: TrackMark, time: float) -> Track:
    """Return the track with one of its marks at another time, as near as it can be.

    A point of a path stays between its neighbours. Moving the begin of a recording moves all of it;
    moving its end plays it faster or slower.

    Args:
        track: The track that the mark is of.
        film: Gives the length of the timeline.
        mark: One of `track_marks`.
        time: Seconds on the timeline.
    """
    if mark.kind == "point":
        return _moved_point(track, film, mark.index, time)
    take = track.takes[mark.index]
    at = min(max(time, 0.0), film.duration) - track.timing.start
    if mark.kind == "begin":
        return set_take(track, mark.index, replace(take, delay=min(max(at, 0.0), MAX_DELAY)))
    return set_take(track, mark.index, _stretched(take, at))


def _stretched(take: Take, end: float) -> Take:
    length = take.samples[-1][0]
    fastest = max(length / MAX_SPEED, _LEAST)
    speed = length / max(end - take.delay, fastest)
    return replace(take, speed=min(max(speed, MIN_SPEED), MAX_SPEED))


def _moved_point(track: Track, film: FilmSettings, index: int, time: float) -> Track:
    keys = list(track.keys or even_keys(track))
    low = keys[index - 2] if index > 1 else 0.0
    high = keys[index] if index < len(keys) else 1.0
    least = min(_LEAST, (high - low) / 4)
    way = _first_way(track, film)
    time = min(max(time, way[0][0]), way[-1][0])
    share = progress(track.timing, time, film)
    keys[index - 1] = min(max(share, low + least), high - least)
    return replace(track, keys=tuple(keys))


def _first_way(track: Track, film: FilmSettings) -> list[tuple[float, float]]:
    """Return times and progress from the start of a track until it first is at its goal."""
    first, last = track_span(track, film)
    grid = []
    for step in range(_STEPS + 1):
        time = first + (last - first) * step / _STEPS
        grid.append((time, progress(track.timing, time, film)))
        if grid[-1][1] >= 1:
            break
    top = max(range(len(grid)), key=lambda i: grid[i][1])
    return grid[: top + 1]
