"""The pose of a scene at a time: what each layer of it is told, back to front."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from cmp_studio.document.motion import (
    displacement_on_way,
    goal,
    guide_points,
    way_length,
)
from cmp_studio.document.scene import Scene
from cmp_studio.document.scene_edits import layer_order
from cmp_studio.document.tracks import Point, Track

_StepsOf: TypeAlias = Callable[[list[Track]], tuple[list[Point], list[list[Point]]]]
"""Displacements of tracks, and those on the way there."""


@dataclass(frozen=True, slots=True)
class LayerPose:
    """What the network is told of one layer.

    Attributes:
        group: Id of the group, 0 for the rest of the picture.
        points: Where, px of the picture.
        displacements: How far in all, px, one for each point.
        via: Displacements on the way there, where it is long: the picture is moved so far, looked
            at again, and moved on. One per point each.
    """

    group: int
    points: tuple[Point, ...] = ()
    displacements: tuple[Point, ...] = ()
    via: tuple[tuple[Point, ...], ...] = ()

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves."""
        return all(dx == 0 and dy == 0 for dx, dy in self.displacements)


def pose_at(scene: Scene, time: float, *, step_px: float | None = None) -> tuple[LayerPose, ...]:
    """Return what every layer is told at a time, back to front.

    Tracks and groups that are off are left out; the rest of the picture, group 0, is always there.

    Args:
        scene: Any scene.
        time: Seconds on the timeline.
        step_px: How far one prediction may go, px of the picture; longer ways are given in steps.
            None has no bound.
    """
    film = scene.film

    def steps_of(tracks: list[Track]) -> tuple[list[Point], list[list[Point]]]:
        ways = [displacement_on_way(track, time, film, 1.0) for track in tracks]
        if step_px is None:
            return ways, []
        both = list(zip(tracks, ways, strict=True))
        longest = max(
            (
                way_length(track, time, film) if _bends(track) else max(abs(way[0]), abs(way[1]))
                for track, way in both
            ),
            default=0.0,
        )
        via = [
            [
                displacement_on_way(track, time, film, share)
                if _bends(track)
                else _scaled(way, share)
                for track, way in both
            ]
            for share in _shares(longest, step_px)
        ]
        return ways, via

    return tuple(_layer(scene, group, steps_of) for group in _layers(scene))


def peak_pose(scene: Scene, *, step_px: float | None = None) -> tuple[LayerPose, ...]:
    """Return what every layer is told with every track at its goal, whatever its timing."""
    strength = scene.film.strength

    def steps_of(tracks: list[Track]) -> tuple[list[Point], list[list[Point]]]:
        ways = [_scaled(goal(track), strength) for track in tracks]
        longest = max((max(abs(dx), abs(dy)) for dx, dy in ways), default=0.0)
        via = [[_scaled(way, share) for way in ways] for share in _shares(longest, step_px)]
        return ways, via

    return tuple(_layer(scene, group, steps_of) for group in _layers(scene))


def _layers(scene: Scene) -> list[int]:
    is_on = {0: True, **{group.id: group.is_on for group in scene.groups}}
    return [group for group in layer_order(scene) if is_on[group]]


def _layer(scene: Scene, group: int, steps_of: _StepsOf) -> LayerPose:
    tracks = [track for track in scene.tracks if track.is_on and track.group == group]
    width, height = scene.picture.width, scene.picture.height
    places = [guide_points(track, width, height) for track in tracks]
    ways, via = steps_of(tracks)

    def spread(values: list[Point]) -> tuple[Point, ...]:
        pairs = zip(values, places, strict=True)
        return tuple(value for value, spots in pairs for _ in spots)

    points = tuple(spot for spots in places for spot in spots)
    return LayerPose(group, points, spread(ways), tuple(spread(step) for step in via))


def _bends(track: Track) -> bool:
    """Whether a share of a track's way is elsewhere than on the straight line to its end."""
    return track.kind == "path" and len(track.points) > 2


def _shares(longest: float, step_px: float | None) -> list[float]:
    """Return the shares of a way at which it is looked at again; all steps but the last are full.

    So a growing way passes through the same places.
    """
    if step_px is None or longest <= step_px:
        return []
    count = math.ceil(longest / step_px - 1e-6)
    return [step * step_px / longest for step in range(1, count)]


def _scaled(vector: Point, factor: float) -> Point:
    return vector[0] * factor, vector[1] * factor
