"""Scene files of older versions, turned step by step into those of the next one.

The values come from a file that nobody vouches for. What is not as its version had it is left as it
is, and refused by the reader of the newest version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cmp_studio.document.json_reader import JsonObject


def to_version_2(values: JsonObject) -> JsonObject:
    """Return version 1 as version 2: with custom curves, takes, groups and a background."""
    tracks, film, freeze = values.get("tracks"), values.get("film"), values.get("freeze")
    result = {**values, "groups": [], "base_place": 0, "fill": "stretch", "plate": None}
    if isinstance(tracks, list):
        result["tracks"] = [_track_to_2(track) for track in tracks]
    if isinstance(film, dict):
        new = {"mode": "total", "shutter": 0.0, "subframes": 8, "supersample": 1}
        result["film"] = {**film, **new}
    if isinstance(freeze, dict):
        result["freeze"] = {**freeze, "feather": 0.0}
    return result


def _track_to_2(track: object) -> object:
    if not isinstance(track, dict):
        return track
    result = {**track, "is_smooth": True, "stiffness": 0.0, "takes": [], "group": 0}
    timing = track.get("timing")
    if isinstance(timing, dict):
        result["timing"] = {**timing, "curve": [0.4, 0.0, 0.2, 1.0], "cycles": 1, "phase": 0.0}
    return result


def to_version_3(values: JsonObject) -> JsonObject:
    """Return version 2 as version 3: with keys of paths, delays of takes and the loop range."""
    tracks = values.get("tracks")
    result = {**values, "loop_range": None}
    if isinstance(tracks, list):
        result["tracks"] = [track_to_3(track) for track in tracks]
    return result


def track_to_3(track: object) -> object:
    """Return a track of version 2 as version 3 has it."""
    if not isinstance(track, dict):
        return track
    result, takes = {**track, "keys": []}, track.get("takes")
    if isinstance(takes, list):
        result["takes"] = [
            {**take, "delay": 0.0} if isinstance(take, dict) else take for take in takes
        ]
    return result


MIGRATIONS: Final[dict[int, Callable[[JsonObject], JsonObject]]] = {
    1: to_version_2,
    2: to_version_3,
}
"""By version: what turns the values of that version into those of the next one."""
