"""Where every track is at a moment: easing, repeats, curves and loops.

One number says how far along its way a track is: the progress. 0 is where the track starts, 1 is
its goal; a spring goes beyond 1 for a moment, a swing also below 0. `displacement` turns progress
into px. All displacements are total ones, from frame 0.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cmp_studio.document.scene import FilmSettings, Scene
from cmp_studio.document.tracks import Easing, Point, Repeat, Timing, Track

HOLD_SECONDS: Final = 1.0
"""How long a film of loop mode ``hold`` rests on its last frame."""

_CURVE_STEPS: Final = 24
_SPRING_DECAY: Final = 4.0
_SPRING_TURNS: Final = 3 * math.pi


def eased(easing: Easing, u: float) -> float:
    """Return the progress at share ``u`` of the way, exactly 0 at 0 and exactly 1 at 1.

    Args:
        easing: ``linear`` is even; ``ease`` starts and stops gently (3u² − 2u³); ``spring`` shoots
            past the goal by about a sixth and settles on it.
        u: Share of the time, clipped to [0, 1].
    """
    if u <= 0:
        return 0.0
    if u >= 1:
        return 1.0
    if easing == "linear":
        return u
    if easing == "ease":
        return u * u * (3 - 2 * u)
    # A damped swing with no speed at the start; the factor (1 - u) brings it to rest at u = 1.
    swing = math.cos(_SPRING_TURNS * u)
    swing += (_SPRING_DECAY + 1) / _SPRING_TURNS * math.sin(_SPRING_TURNS * u)
    return 1 - (1 - u) * math.exp(-_SPRING_DECAY * u) * swing


def repeated(repeat: Repeat, easing: Easing, u: float) -> float:
    """Return the progress of a repeat at share ``u`` of its time.

    All but ``once`` are exactly 0 at both ends.

    Args:
        repeat: ``once`` goes there; ``ping_pong`` there and back; ``sway`` to one side, through
            the start to the other side, and back; ``pulse`` gives two beats, a strong and a weak
            one, and rests.
        easing: The speed between the turning points. A spring goes out as a spring and comes back
            gently.
        u: Share of the time, clipped to [0, 1].
    """
    u = min(max(u, 0.0), 1.0)
    if repeat == "once":
        return eased(easing, u)
    if repeat == "ping_pong":
        return _out_and_back(easing, u)
    if repeat == "sway":
        if easing == "ease":
            return 0.0 if u in (0.0, 1.0) else math.sin(2 * math.pi * u)
        side = 1.0 if u < 0.5 else -1.0
        return side * _out_and_back(easing, (2 * u) % 1.0) + 0.0  # no -0.0
    if u < 0.35:
        return _out_and_back(easing, u / 0.35)
    if u < 0.7:
        return 0.5 * _out_and_back(easing, (u - 0.35) / 0.35)
    return 0.0


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
    repeat = timing.repeat
    if film.loop == "seamless" and repeat == "once":
        repeat = "ping_pong"
    return repeated(repeat, timing.easing, (time - timing.start) / (end - timing.start))


def displacement(track: Track, time: float, film: FilmSettings) -> Point:
    """Return how far the track's start has moved at a time, ``(dx, dy)`` px of the picture.

    Args:
        track: Any track; a pin never moves.
        time: Seconds on the timeline.
        film: Gives the end of the timeline, the loop mode and the strength.
    """
    if track.kind == "pin":
        return 0.0, 0.0
    return _scaled(along(track, progress(track.timing, time, film)), film.strength)


def along(track: Track, share: float) -> Point:
    """Return the displacement at ``share`` of a track's way, ``(dx, dy)`` px.

    A path is followed as the smooth curve through its points, at even speed in arc length. Beyond
    its ends (a spring, a swing) the way goes on straight.
    """
    if track.kind == "pin" or share == 0:
        return 0.0, 0.0
    if track.kind == "arrow" or len(track.points) == 2:
        dx, dy = track.span
        return dx * share, dy * share
    return _curve(track.points).at(share)


def curve_points(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the smooth curve through ``points`` as a fine polyline, px; for drawing and hitting.

    The curve is a centripetal Catmull-Rom spline, which makes no loops of its own.
    """
    return points if len(points) < 3 else _curve(points).samples


def guidance_at(scene: Scene, time: float) -> tuple[list[Point], list[Point]]:
    """Return what the network is told at a time: points and total displacements, px of the picture.

    Tracks that are off are left out; pins give zeros.
    """
    tracks = [track for track in scene.tracks if track.is_on]
    points = [track.tail for track in tracks]
    return points, [displacement(track, time, scene.film) for track in tracks]


def peak_guidance(scene: Scene) -> tuple[list[Point], list[Point]]:
    """Return points and displacements with every track at its goal, whatever its timing."""
    tracks = [track for track in scene.tracks if track.is_on]
    points = [track.tail for track in tracks]
    return points, [_scaled(along(track, 1.0), scene.film.strength) for track in tracks]


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


def _out_and_back(easing: Easing, u: float) -> float:
    if u <= 0.5:
        return eased(easing, 2 * u)
    return eased("ease" if easing == "spring" else easing, 2 - 2 * u)


def _scaled(vector: Point, factor: float) -> Point:
    return vector[0] * factor, vector[1] * factor


@dataclass(frozen=True, slots=True)
class _Curve:
    """A curve as a polyline with the length up to every point, px."""

    samples: tuple[Point, ...]
    lengths: tuple[float, ...]

    def at(self, share: float) -> Point:
        """Return the displacement from the start at ``share`` of the length."""
        (x0, y0), total = self.samples[0], self.lengths[-1]
        if total == 0:
            return 0.0, 0.0
        if share == 1:
            return self.samples[-1][0] - x0, self.samples[-1][1] - y0
        wanted = share * total
        index = bisect_right(self.lengths, wanted) - 1
        index = min(max(index, 0), len(self.lengths) - 2)
        (ax, ay), (bx, by) = self.samples[index], self.samples[index + 1]
        part = (wanted - self.lengths[index]) / (self.lengths[index + 1] - self.lengths[index])
        return ax + part * (bx - ax) - x0, ay + part * (by - ay) - y0


@lru_cache(maxsize=512)
def _curve(points: tuple[Point, ...]) -> _Curve:
    corners = [points[0], *(b for a, b in pairwise(points) if math.dist(a, b) > 0)]
    samples = [corners[0]]
    for i in range(len(corners) - 1):
        before = corners[i - 1] if i > 0 else _mirrored(corners[0], corners[1])
        after = corners[i + 2] if i + 2 < len(corners) else _mirrored(corners[i + 1], corners[i])
        samples += _span(before, corners[i], corners[i + 1], after)
    lengths, kept = [0.0], [samples[0]]
    for point in samples[1:]:
        step = math.dist(kept[-1], point)
        if step > 0:
            kept.append(point)
            lengths.append(lengths[-1] + step)
    return _Curve(tuple(kept), tuple(lengths))


def _mirrored(at: Point, other: Point) -> Point:
    return 2 * at[0] - other[0], 2 * at[1] - other[1]


def _span(p0: Point, p1: Point, p2: Point, p3: Point) -> list[Point]:
    """Return the centripetal Catmull-Rom curve from ``p1`` (left out) to ``p2``.

    Source: the recursion of Barry and Goldman (1988) with knots at the square root of the chord.
    """
    t1 = math.sqrt(math.dist(p0, p1))
    t2 = t1 + math.sqrt(math.dist(p1, p2))
    t3 = t2 + math.sqrt(math.dist(p2, p3))
    if t1 == 0 or t3 == t2:  # points closer than a float can tell apart: a straight piece
        return [p2]
    points = []
    for step in range(1, _CURVE_STEPS):
        t = t1 + (t2 - t1) * step / _CURVE_STEPS
        a1, a2, a3 = _mix(p0, p1, 0, t1, t), _mix(p1, p2, t1, t2, t), _mix(p2, p3, t2, t3, t)
        b1, b2 = _mix(a1, a2, 0, t2, t), _mix(a2, a3, t1, t3, t)
        points.append(_mix(b1, b2, t1, t2, t))
    return [*points, p2]


def _mix(a: Point, b: Point, ta: float, tb: float, t: float) -> Point:
    share = (t - ta) / (tb - ta)
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
