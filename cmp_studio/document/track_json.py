"""Tracks as JSON values and as text for the clipboard, and back with every field checked.

The fields are described in `cmp_studio.document.scene_json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from cmp_studio.document.errors import DocumentError, SceneFileError, TrackError
from cmp_studio.document.json_reader import JsonObject, JsonReader
from cmp_studio.document.migrations import track_to_3
from cmp_studio.document.takes import MAX_SAMPLES, Take
from cmp_studio.document.tracks import (
    EASINGS,
    MAX_POINTS,
    MAX_TAKES,
    REPEATS,
    TRACK_KINDS,
    Timing,
    Track,
)

TRACKS_FORMAT: Final = "cmp-studio-tracks"
TRACKS_VERSION: Final = 3
MAX_TRACKS: Final = 10_000

_MAX_TEXT: Final = 64 << 20


def tracks_to_text(tracks: Iterable[Track]) -> str:
    """Return tracks as JSON text, for the clipboard and for files."""
    values = {
        "format": TRACKS_FORMAT,
        "version": TRACKS_VERSION,
        "tracks": [track_to_json(track) for track in tracks],
    }
    return json.dumps(values, indent=1, allow_nan=False)


def tracks_from_text(text: str) -> tuple[Track, ...]:
    """Return the tracks of `tracks_to_text`; `scene_edits.add_tracks` puts them into a scene.

    Raises:
        TrackError: The text is something else, or damaged.
    """
    if len(text) > _MAX_TEXT:
        raise TrackError("There are no tracks to paste: the text is too long.")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrackError("There are no tracks to paste: the text is not JSON.") from error
    if not isinstance(values, dict) or values.get("format") != TRACKS_FORMAT:
        raise TrackError("There are no tracks to paste: the text is something else.")
    try:
        top = JsonReader(values, "the text")
        top.only("format", "version", "tracks")
        version = top.integer("version")
        if version not in (TRACKS_VERSION - 1, TRACKS_VERSION):
            raise TrackError(
                "The tracks were copied from another version of CMP Studio; this one pastes "
                "versions {oldest} and {tracks_version}.",
                oldest=TRACKS_VERSION - 1,
                tracks_version=TRACKS_VERSION,
            )
        items = top.items("tracks", MAX_TRACKS)
        if version < TRACKS_VERSION:
            items = [track_to_3(track) for track in items]
        return tuple(track_from_json(JsonReader(v, f"track {i}")) for i, v in enumerate(items))
    except SceneFileError as error:
        reason = str(error).removeprefix("The scene file is damaged: ")
        raise TrackError("The tracks can't be pasted: {reason}", reason=reason) from error


def track_to_json(track: Track) -> JsonObject:
    """Return a track as JSON values."""
    timing = track.timing
    return {
        "id": track.id,
        "kind": track.kind,
        "points": [list(point) for point in track.points],
        "name": track.name,
        "color": track.color,
        "is_on": track.is_on,
        "timing": {
            "start": timing.start,
            "end": timing.end,
            "easing": timing.easing,
            "repeat": timing.repeat,
            "curve": list(timing.curve),
            "cycles": timing.cycles,
            "phase": timing.phase,
        },
        "is_smooth": track.is_smooth,
        "stiffness": track.stiffness,
        "takes": [
            {
                "samples": [list(sample) for sample in take.samples],
                "smoothing": take.smoothing,
                "speed": take.speed,
                "is_on": take.is_on,
                "delay": take.delay,
            }
            for take in track.takes
        ],
        "group": track.group,
        "keys": list(track.keys),
    }


def track_from_json(values: JsonReader) -> Track:
    """Return the track of `track_to_json`.

    Raises:
        SceneFileError: A field is missing, unknown, of the wrong type or out of range.
    """
    values.only(
        "id", "kind", "points", "name", "color", "is_on", "timing", "is_smooth", "stiffness",
        "takes", "group", "keys",
    )  # fmt: skip
    takes = values.items("takes", MAX_TAKES)
    try:
        return Track(
            id=values.integer("id"),
            kind=values.choice("kind", TRACK_KINDS),
            points=tuple(values.point(point) for point in values.items("points", MAX_POINTS)),
            name=values.text("name"),
            color=values.integer("color"),
            is_on=values.flag("is_on"),
            timing=_timing_from_json(values.child("timing")),
            is_smooth=values.flag("is_smooth"),
            stiffness=values.number("stiffness"),
            takes=tuple(_take_from_json(JsonReader(take, "a take")) for take in takes),
            group=values.integer("group"),
            keys=values.numbers_of("keys", MAX_POINTS),
        )
    except SceneFileError:
        raise
    except DocumentError as error:
        raise SceneFileError("The scene file is damaged: {error}", error=error) from error


def _timing_from_json(values: JsonReader) -> Timing:
    values.only("start", "end", "easing", "repeat", "curve", "cycles", "phase")
    wanted = "four finite numbers"
    x1, y1, x2, y2 = values.numbers("curve", values.value("curve"), 4, wanted)
    return Timing(
        start=values.number("start"),
        end=None if values.value("end") is None else values.number("end"),
        easing=values.choice("easing", EASINGS),
        repeat=values.choice("repeat", REPEATS),
        curve=(x1, y1, x2, y2),
        cycles=values.integer("cycles"),
        phase=values.number("phase"),
    )


def _take_from_json(values: JsonReader) -> Take:
    values.only("samples", "smoothing", "speed", "is_on", "delay")
    samples = []
    for item in values.items("samples", MAX_SAMPLES):
        t, dx, dy = values.numbers("samples", item, 3, "triples [t, dx, dy] of finite numbers")
        samples.append((t, dx, dy))
    return Take(
        samples=tuple(samples),
        smoothing=values.number("smoothing"),
        speed=values.number("speed"),
        is_on=values.flag("is_on"),
        delay=values.number("delay"),
    )
