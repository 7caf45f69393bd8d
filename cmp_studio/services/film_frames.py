"""Which pose each frame of the preview shows, and in which order they are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from cmp_studio.document.motion import displacement, frame_times
from cmp_studio.document.scene import FilmSettings, Scene
from cmp_studio.document.tracks import Track
from cmp_studio.services.motion_backend import Pose, make_pose

MAX_LOOKS: Final = 240
"""How many moments are looked at to find where most moves."""

_MAX_DISPLACEMENTS: Final = 2400
"""How many tracks are looked at in all these moments together: it happens at each mouse move."""

MAX_FRAMES: Final = 1440
"""A longer film is previewed at a lower frame rate; it is exported at its own."""


def coarse_to_fine(poses: Sequence[Pose]) -> list[Pose]:
    """The same poses, the last first, then every 16th, every 8th and so on."""
    order = dict.fromkeys(poses[-1:])
    for stride in (16, 8, 4, 2, 1):
        order.update(dict.fromkeys(poses[::stride]))
    return list(order)


def peak_index(scene: Scene, track_ids: frozenset[int], current: int) -> int:
    """The first frame in which these tracks have gone furthest; ``current`` when none moves."""
    tracks = [track for track in scene.tracks if track.id in track_ids and track.is_on]
    if len(tracks) == 1 and tracks[0].kind == "arrow" and tracks[0].tail != tracks[0].head:
        # Wherever it points, it is furthest at the same time: this is asked at each mouse move.
        unit = replace(tracks[0], id=0, points=((0.0, 0.0), (1.0, 0.0)))
        return _arrow_peak(unit, scene.film, current)
    return _peak(tracks, scene.film, current)


@lru_cache(maxsize=32)
def _arrow_peak(track: Track, film: FilmSettings, current: int) -> int:
    return _peak([track], film, current)


def _peak(tracks: Sequence[Track], film: FilmSettings, current: int) -> int:
    times = preview_times(film)
    last = times.index(max(times))
    best, best_way = current, 0.0
    looks = max(24, min(MAX_LOOKS, _MAX_DISPLACEMENTS // max(1, len(tracks))))
    for index in range(0, last + 1, 1 + last // looks):
        time = times[index]
        ways = (displacement(track, time, film) for track in tracks)
        way = sum(dx * dx + dy * dy for dx, dy in ways)
        if way > best_way * (1 + 1e-9):
            best, best_way = index, way
    return best


def posed(scene: Scene, time: float, reach_px: float | None) -> Pose:
    """The pose of a scene at a time.

    Args:
        scene: Any scene.
        time: Seconds on the timeline.
        reach_px: How far one prediction can go, px of the picture; None has no bound.
    """
    # Not at the top: it reads pictures too, and nothing is open when the window first shows.
    from cmp_studio.pipeline.stage import scene_pose, step_of

    return make_pose(scene_pose(scene, time, step_px=step_of(scene, reach_px)).layers)


def previewed_film(film: FilmSettings) -> FilmSettings:
    """The film at the rate at which it is previewed: its own, unless it is very long."""
    rounds = 2 if film.loop == "ping_pong" else 1
    frames = film.duration * film.fps * rounds
    return film if frames <= MAX_FRAMES else replace(film, fps=film.fps * MAX_FRAMES / frames)


@lru_cache(maxsize=32)
def preview_times(film: FilmSettings) -> tuple[float, ...]:
    """What each frame of the preview shows, seconds on the timeline."""
    return tuple(frame_times(previewed_film(film)))
