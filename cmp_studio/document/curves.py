"""The line that a path follows: a smooth curve through its points, or straight legs."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cmp_studio.document.tracks import Point

_CURVE_STEPS: Final = 24


@dataclass(frozen=True, slots=True)
class Line:
    """A line as a polyline with the length up to every point, px."""

    samples: tuple[Point, ...]
    lengths: tuple[float, ...]

    def at(self, share: float) -> Point:
        """Return the displacement from the start at ``share`` of the length.

        Beyond its ends the way goes on straight.
        """
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


def curve_points(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the smooth curve through ``points`` as a fine polyline, px; for drawing and hitting.

    The curve is a centripetal Catmull-Rom spline, which makes no loops of its own.
    """
    return points if len(points) < 3 else line_through(points, True).samples


@lru_cache(maxsize=512)
def line_through(points: tuple[Point, ...], is_smooth: bool) -> Line:  # noqa: FBT001 - cached by value
    """Return the line through two or more points."""
    corners = [points[0], *(b for a, b in pairwise(points) if math.dist(a, b) > 0)]
    samples = [corners[0]]
    for i in range(len(corners) - 1):
        if not is_smooth:
            samples.append(corners[i + 1])
            continue
        before = corners[i - 1] if i > 0 else _mirrored(corners[0], corners[1])
        after = corners[i + 2] if i + 2 < len(corners) else _mirrored(corners[i + 1], corners[i])
        samples += _span(before, corners[i], corners[i + 1], after)
    lengths, kept = [0.0], [samples[0]]
    for point in samples[1:]:
        step = math.dist(kept[-1], point)
        if step > 0:
            kept.append(point)
            lengths.append(lengths[-1] + step)
    return Line(tuple(kept), tuple(lengths))


def _mirrored(at: Point, other: Point) -> Point:
    return 2 * at[0] - other[0], 2 * at[1] - other[1]


def _span(p0: Point, p1: Point, p2: Point, p3: Point) -> list[Point]:
    """Return the centripetal Catmull-Rom curve from ``p1`` (left out) to ``p2``.

    Source: the recursion of Barry and Goldman (1988) with knots at the square root of the chord.
    """
    t1 = math.sqrt(math.dist(p0, p1))
    t2 = t1 + math.sqrt(math.dist(p1, p2))
    t3 = t2 + math.sqrt(math.dist(p2, p3))
    if (
        t1 == 0 or t2 == t1 or t3 == t2
    ):  # points closer than a float can tell apart: a straight piece
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
