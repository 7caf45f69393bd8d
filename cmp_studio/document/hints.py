"""What a person should know about tracks before the film does: too far, too near the border."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Final

from cmp_studio.document.curves import line_through
from cmp_studio.document.scene import Scene
from cmp_studio.document.tracks import Point, Track

BORDER_SHARE: Final = 0.02
"""A start nearer to the border than this part of the shorter side is hinted at."""


def beyond_reach(scene: Scene, reach_px: float | None) -> tuple[int, ...]:
    """Return the ids of the tracks that are on and have a leg beyond the network's reach.

    Such a leg is walked in steps; with points in between, the person says along which way.

    Args:
        scene: Any scene; its strength counts.
        reach_px: Of the predictor, px of the picture and axis; None for a network without bound.
    """
    if reach_px is None:
        return ()
    limit = reach_px + 1e-6
    return tuple(
        track.id
        for track in scene.tracks
        if track.is_on and _longest_leg(track) * scene.film.strength > limit
    )


def split_track(track: Track, reach_px: float) -> Track:
    """Return an arrow or path as a path whose legs are all within the reach.

    New points lie on the line that the track follows anyway. Other kinds come back as they are.

    Args:
        track: Any track.
        reach_px: What a leg may be at most, px of the picture and axis; for a scene with another
            strength than 1, the predictor's reach divided by it.
    """
    if track.kind not in ("arrow", "path") or _longest_leg(track) <= reach_px:
        return track
    points: list[Point] = [track.points[0]]
    for leg in _legs(track):
        lengths = [0.0]
        for a, b in pairwise(leg):
            lengths.append(lengths[-1] + math.dist(a, b))
        straight = max(abs(leg[-1][0] - leg[0][0]), abs(leg[-1][1] - leg[0][1]))
        far = straight if len(leg) == 2 else lengths[-1]
        count = max(1, math.ceil(far / reach_px - 1e-9))
        points += [_at(leg, lengths, part / count) for part in range(1, count)]
        points.append(leg[-1])
    return replace(track, kind="path", points=tuple(points))


def near_border(scene: Scene) -> tuple[int, ...]:
    """Return the ids of the arrows, paths and takes that start close to the border."""
    width, height = scene.picture.width, scene.picture.height
    margin = BORDER_SHARE * min(width, height)

    def is_near(x: float, y: float) -> bool:
        return min(x, y, width - 1 - x, height - 1 - y) < margin

    return tuple(
        track.id
        for track in scene.tracks
        if track.is_on and track.kind != "pin" and is_near(*track.tail)
    )


def _longest_leg(track: Track) -> float:
    return max(
        (max(abs(b[0] - a[0]), abs(b[1] - a[1])) for a, b in pairwise(track.points)), default=0.0
    )


def _legs(track: Track) -> list[list[Point]]:
    """Return the line of a track in pieces, from each of its points to the next."""
    if not track.is_smooth or len(track.points) == 2:
        return [[a, b] for a, b in pairwise(track.points)]
    samples = line_through(track.points, True).samples
    legs, start = [], 0
    for a, b in pairwise(track.points):
        if a == b:
            continue
        end = samples.index(b, start + 1)
        legs.append(list(samples[start : end + 1]))
        start = end
    return legs


def _at(leg: list[Point], lengths: list[float], share: float) -> Point:
    wanted = share * lengths[-1]
    for (a, b), (low, high) in zip(pairwise(leg), pairwise(lengths), strict=True):
        if wanted <= high:
            part = (wanted - low) / (high - low)
            return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])
    return leg[-1]
