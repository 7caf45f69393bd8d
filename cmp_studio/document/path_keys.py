"""When a path passes its points: from progress to the share of its length, and keys for that."""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache
from itertools import pairwise

from cmp_studio.document.curves import line_through
from cmp_studio.document.tracks import Track


def way_share(track: Track, progress: float) -> float:
    """Return which share of a path's length it has gone at this progress.

    Without keys that is the progress itself. With keys, a smooth path changes its speed smoothly
    (a monotone cubic, so it never goes back), a straight one at its points. Beyond the ends it goes
    on at even speed.
    """
    if not track.keys:
        return progress
    if progress <= 0 or progress >= 1:
        return progress
    keys = (0.0, *track.keys, 1.0)
    shares = (0.0, *point_shares(track), 1.0)
    index = min(bisect_right(keys, progress) - 1, len(keys) - 2)
    width, rise = keys[index + 1] - keys[index], shares[index + 1] - shares[index]
    u = (progress - keys[index]) / width
    if not track.is_smooth:
        return shares[index] + rise * u
    slopes = _slopes(keys, shares)
    a, b = slopes[index] * width, slopes[index + 1] * width
    return shares[index] + a * u + (3 * rise - 2 * a - b) * u * u + (a + b - 2 * rise) * u * u * u


def even_keys(track: Track) -> tuple[float, ...]:
    """Return the keys of a path that go at even speed, as it does without keys.

    Points on the same place, which no time lies between, are set a little apart.
    """
    keys = [min(max(share, _APART), 1 - _APART) for share in point_shares(track)]
    for i in range(1, len(keys)):
        keys[i] = max(keys[i], keys[i - 1] + _APART)
    for i in range(len(keys) - 1, -1, -1):
        keys[i] = min(keys[i], (keys[i + 1] if i + 1 < len(keys) else 1.0) - _APART)
    return tuple(keys)


def point_shares(track: Track) -> tuple[float, ...]:
    """Return at which share of a path's length its points between the ends lie."""
    return _point_shares(track.points, track.is_smooth)


_APART = 1e-6


@lru_cache(maxsize=512)
def _point_shares(points: tuple[tuple[float, float], ...], is_smooth: bool) -> tuple[float, ...]:  # noqa: FBT001 - cached by value
    line = line_through(points, is_smooth)
    total = line.lengths[-1]
    if total == 0:
        return tuple((i + 1) / (len(points) - 1) for i in range(len(points) - 2))
    found, at = [], 0
    for point in points[1:-1]:  # the line goes through its points in turn, exactly
        at = min(range(at, len(line.samples)), key=lambda i: math.dist(line.samples[i], point))
        found.append(line.lengths[at] / total)
    return tuple(found)


@lru_cache(maxsize=512)
def _slopes(xs: tuple[float, ...], ys: tuple[float, ...]) -> tuple[float, ...]:
    """Return slopes that make a piecewise cubic rise all the way.

    Source: F. N. Fritsch, J. Butland, "A method for constructing local monotone piecewise cubic
    interpolants", 1984: the weighted harmonic mean of both neighbours.
    """
    widths = [b - a for a, b in pairwise(xs)]
    rises = [(b - a) / w for (a, b), w in zip(pairwise(ys), widths, strict=True)]
    slopes = [rises[0]]
    for (w0, w1), (r0, r1) in zip(pairwise(widths), pairwise(rises), strict=True):
        if r0 <= 0 or r1 <= 0:
            slopes.append(0.0)
            continue
        a, b = 2 * w1 + w0, w1 + 2 * w0
        slopes.append((a + b) / (a / r0 + b / r1))
    return (*slopes, rises[-1])
