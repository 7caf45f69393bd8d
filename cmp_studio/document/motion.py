"""Where every track is at a moment: timing, repeats, ways and loops.

One number says how far along its way a track is: the progress, see `cmp_studio.document.easing`.
`displacement` turns progress into px. All displacements are total ones, from frame 0.
"""

from __future__ import annotations

import math
from typing import Final

from cmp_studio.document.curves import curve_points, line_through
from cmp_studio.document.easing import eased, repeated
from cmp_studio.document.path_keys import way_share
from cmp_studio.document.scene import FilmSettings, Scene
from cmp_studio.document.takes import take_at
from cmp_studio.document.tracks import Point, Repeat, Timing, Track

__all__ = [
    "HOLD_SECONDS",
    "along",
    "curve_points",
    "displacement",
    "displacement_on_way",
    "drawn_line",
    "eased",
    "film_seconds",
    "frame_times",
    "goal",
    "guidance_at",
    "guide_points",
    "loop_gap",
    "peak_guidance",
    "progress",
    "repeated",
    "track_span",
    "way_length",
]

HOLD_SECONDS: Final = 1.0
"""How long a film of loop mode ``hold`` rests on its last frame."""

_CYCLE_OF_TAKE: Final[dict[Repeat, float]] = {
    "once": 1.0, "ping_pong": 2.0, "sway": 4.0, "pulse": 2 / 0.35,
}  # fmt: skip
"""How long a cycle of each repeat lasts, in lengths of the take, so that it goes at its speed."""

_RINGS: Final = ((1.0, 8), (0.5, 4))
"""Rings around a stiff track's start: radius in its stiffness, and how many guides are on it."""


def progress(timing: Timing, time: float, film: FilmSettings) -> float:
    """Return how far along its way a track with this timing is.

    In a seamless film every motion is back at its start when the film ends: a track that goes once
    goes there and back instead.

    Args:
        timing: The track's.
        time: Seconds on the timeline.
        film: Gives the end of the timeline and the loop mode.
    """
    end = film.duration if timing.end is None else min(timing.end, film.duration)
    if end <= timing.start:
        return 0.0
    u = (time - timing.start) / (end - timing.start)
    repeat = timing.repeat
    if film.loop == "seamless" and repeat == "once":
        return repeated("ping_pong", timing.easing, u, curve=timing.curve)
    if repeat == "once":
        return repeated(repeat, timing.easing, u, curve=timing.curve)
    return repeated(repeat, timing.easing, _in_cycle(timing, u), curve=timing.curve)


def displacement(track: Track, time: float, film: FilmSettings) -> Point:
    """Return how far the track's start has moved at a time, ``(dx, dy)`` px of the picture.

    Args:
        track: Any track; a pin never moves.
        time: Seconds on the timeline.
        film: Gives the end of the timeline, the loop mode and the strength.
    """
    return _scaled(_moved(track, time, film, 1.0), film.strength)


def along(track: Track, share: float) -> Point:
    """Return the displacement at ``share`` of a track's way, ``(dx, dy)`` px.

    A path is followed at even speed in arc length, or as its keys say, a take in its own time.
    Beyond its ends (a spring, a swing) the way of an arrow or path goes on straight; a take swings
    to the other side.
    """
    if track.kind == "pin" or share == 0:
        return 0.0, 0.0
    if track.kind == "take":
        at = abs(share) * _take_seconds(track)
        parts = [take_at(take, at) for take in track.takes if take.is_on]
        return _scaled(
            (sum(x for x, _ in parts), sum(y for _, y in parts)), math.copysign(1, share)
        )
    if track.kind == "arrow" or len(track.points) == 2:
        dx, dy = track.span
        return dx * share, dy * share
    return line_through(track.points, track.is_smooth).at(way_share(track, share))


def goal(track: Track) -> Point:
    """Return the displacement of a track at its goal, px; of a take where it is farthest."""
    if track.kind != "take":
        return along(track, 1.0)
    count = 65
    ways = [along(track, i / (count - 1)) for i in range(count)]
    return max(ways, key=lambda way: math.hypot(*way))


def drawn_line(track: Track) -> tuple[Point, ...]:
    """Return what a track's way looks like as a polyline, px; for drawing and hitting."""
    if track.kind == "take":
        count = max(2, min(240, math.ceil(_take_seconds(track) * 30) + 1))
        x, y = track.tail
        ways = [along(track, i / (count - 1)) for i in range(count)]
        return tuple((x + dx, y + dy) for dx, dy in ways)
    if len(track.points) < 3:
        return track.points
    return line_through(track.points, track.is_smooth).samples


def track_span(track: Track, film: FilmSettings) -> tuple[float, float]:
    """Return when a track moves, seconds on the timeline: the bar in a timeline.

    A take without an end plays its own length; a pin is there from start to end.
    """
    if track.kind == "pin":
        return 0.0, film.duration
    start, end = track.timing.start, track.timing.end
    if end is None:
        end = start + _take_span(track) if track.kind == "take" else film.duration
    return min(start, film.duration), min(end, film.duration)


def guide_points(track: Track, width: int, height: int) -> list[Point]:
    """Return the places that a track guides, px: its start, and around it where it is stiff.

    Places outside of the picture are left out.
    """
    x, y = track.tail
    places = [track.tail]
    if track.stiffness > 0:
        for part, count in _RINGS:
            for i in range(count):
                angle = 2 * math.pi * i / count
                at = (
                    x + part * track.stiffness * math.cos(angle),
                    y + part * track.stiffness * math.sin(angle),
                )
                if 0 <= at[0] <= width - 1 and 0 <= at[1] <= height - 1:
                    places.append(at)
    return places


def guidance_at(scene: Scene, time: float) -> tuple[list[Point], list[Point]]:
    """Return what the network is told at a time: points and total displacements, px of the picture.

    Tracks that are off are left out; pins give zeros. Groups are taken together here; see
    `cmp_studio.document.posing` for each on its own.
    """
    tracks = [track for track in scene.tracks if track.is_on]
    return _guides(scene, tracks, [displacement(track, time, scene.film) for track in tracks])


def peak_guidance(scene: Scene) -> tuple[list[Point], list[Point]]:
    """Return points and displacements with every track at its goal, whatever its timing."""
    tracks = [track for track in scene.tracks if track.is_on]
    return _guides(scene, tracks, [_scaled(goal(track), scene.film.strength) for track in tracks])


def frame_times(film: FilmSettings) -> list[float]:
    """Return the time of every frame of the film, seconds on the timeline, in showing order.

    ``once`` starts at 0 and ends exactly at the duration. ``ping_pong`` goes there and back, and
    both turning points come once: after the last frame the first one follows. ``seamless`` leaves
    out the end, which is the start again. ``hold`` goes on with its last frame for `HOLD_SECONDS`.
    """
    count = max(2, round(film.duration * film.fps))
    if film.loop == "seamless":
        return [film.duration * (i / count) for i in range(count)]
    there = [film.duration * (i / (count - 1)) for i in range(count)]
    if film.loop == "ping_pong":
        return there + there[-2:0:-1]
    if film.loop == "hold":
        return there + [film.duration] * round(HOLD_SECONDS * film.fps)
    return there


def film_seconds(film: FilmSettings) -> float:
    """Return how long one round of the film lasts when played, seconds."""
    return len(frame_times(film)) / film.fps


def loop_gap(scene: Scene) -> float:
    """Return how far anything jumps where the film begins again, px of the picture.

    It is the largest difference between where a track is in the first frame and where it is at the
    end of the timeline, which the first frame then follows. A ping-pong film comes back the way it
    went, so it has none; a seamless one has exactly none.
    """
    film = scene.film
    if film.loop == "ping_pong":
        return 0.0
    gaps = [
        math.dist(displacement(track, 0.0, film), displacement(track, film.duration, film))
        for track in scene.tracks
        if track.is_on
    ]
    return max(gaps, default=0.0)


def way_length(track: Track, time: float, film: FilmSettings) -> float:
    """Return how long the way is that a track has gone from rest, px: along its line for a path.

    Of an arrow or take it is the larger of both axes' displacements, which is what bounds a
    prediction.
    """
    dx, dy = displacement(track, time, film)
    if track.kind != "path" or len(track.points) == 2:
        return max(abs(dx), abs(dy))
    line = line_through(track.points, track.is_smooth)
    share = abs(way_share(track, progress(track.timing, time, film)))
    return line.lengths[-1] * share * film.strength


def displacement_on_way(track: Track, time: float, film: FilmSettings, share: float) -> Point:
    """Return where a track is at ``share`` of the way from rest to where it is at a time, px."""
    return _scaled(_moved(track, time, film, share), film.strength)


def _moved(track: Track, time: float, film: FilmSettings, share: float) -> Point:
    if track.kind == "pin":
        return 0.0, 0.0
    if track.kind != "take":
        return along(track, progress(track.timing, time, film) * share)
    way = _take_way(track, time)
    if film.loop == "seamless":  # what is missing at the end is made up for all along
        first, last = _take_way(track, 0.0), _take_way(track, film.duration)
        part = eased("ease", time / film.duration)
        if part == 1:
            return _scaled(first, share)
        way = way[0] - part * (last[0] - first[0]), way[1] - part * (last[1] - first[1])
    return _scaled(way, share)


def _take_way(track: Track, time: float) -> Point:
    """Return where a take is at a time before strength and loop."""
    timing, length = track.timing, _take_seconds(track)
    stop = math.inf if timing.end is None else timing.end
    at = min(time, stop) - timing.start
    if at <= 0 or length == 0:
        return 0.0, 0.0
    if timing.repeat == "once":
        return along(track, min(at / length, 1.0))
    u = at / (_CYCLE_OF_TAKE[timing.repeat] * length * timing.cycles)
    return along(track, repeated(timing.repeat, "linear", _in_cycle(timing, u)))


def _take_seconds(track: Track) -> float:
    return max((take.seconds for take in track.takes if take.is_on), default=0.0)


def _take_span(track: Track) -> float:
    timing = track.timing
    cycles = 1 if timing.repeat == "once" else timing.cycles
    return _CYCLE_OF_TAKE[timing.repeat] * _take_seconds(track) * cycles


def _in_cycle(timing: Timing, u: float) -> float:
    """Return the share of a cycle that has passed at share ``u`` of the track's time."""
    if u >= 1:
        u = 0.0  # where it ends is where it began
    return (max(u, 0.0) * timing.cycles + timing.phase) % 1.0


def _guides(
    scene: Scene, tracks: list[Track], ways: list[Point]
) -> tuple[list[Point], list[Point]]:
    points: list[Point] = []
    displacements: list[Point] = []
    for track, way in zip(tracks, ways, strict=True):
        places = guide_points(track, scene.picture.width, scene.picture.height)
        points += places
        displacements += [way] * len(places)
    return points, displacements


def _scaled(vector: Point, factor: float) -> Point:
    return vector[0] * factor, vector[1] * factor
