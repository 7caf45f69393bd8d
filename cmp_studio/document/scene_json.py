"""A scene as JSON values, and back with every field checked.

``scene.json``, version 1. All numbers are finite; px are of the picture, pixel centres at integers,
x right, y down; times are seconds.

==================  ============================================================================
``format``          always ``"cmp-studio-scene"``
``version``         1; a newer program may write more, an older file is migrated step by step
``picture``         object: ``file`` (member of the archive: ``picture`` with the suffix of its
                    kind), ``name`` (the file name it was opened under), ``width`` and ``height``
                    (px as shown, after the camera's orientation), ``sha256`` (of the member)
``tracks``          list in drawing order, each an object: ``id`` (1 or more, unique), ``kind``
                    (``arrow``, ``path``, ``pin``), ``points`` (list of ``[x, y]``), ``name``
                    (text), ``color`` (0 or more), ``is_on`` (bool), ``timing`` (object: ``start``,
                    ``end`` or null, ``easing`` of ``linear``, ``ease``, ``spring``, ``repeat`` of
                    ``once``, ``ping_pong``, ``sway``, ``pulse``)
``film``            object: ``duration``, ``fps``, ``loop`` (``once``, ``ping_pong``, ``seamless``,
                    ``hold``), ``strength``
``freeze``          null, or object: ``file`` (``masks/freeze.png``, 8-bit grey, 255 = held still)
``next_id``         the id of the next track, above every id ever used
==================  ============================================================================

A field that is missing, unknown or out of range makes the file unreadable: a scene is loaded whole
or not at all. To change the format, raise `VERSION` and add to `MIGRATIONS` the function that turns
the last version's values into the new one's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from cmp_studio.document.errors import DocumentError, SceneFileError, SceneVersionError
from cmp_studio.document.scene import LOOP_MODES, FilmSettings, Picture, Scene
from cmp_studio.document.tracks import (
    EASINGS,
    MAX_POINTS,
    REPEATS,
    TRACK_KINDS,
    Point,
    Timing,
    Track,
)

JsonObject: TypeAlias = dict[str, object]

FORMAT: Final = "cmp-studio-scene"
VERSION: Final = 1
FREEZE_FILE: Final = "masks/freeze.png"
MAX_TRACKS: Final = 10_000

MIGRATIONS: dict[int, Callable[[JsonObject], JsonObject]] = {}
"""By version: what turns the values of that version into those of the next one."""

_ChoiceT = TypeVar("_ChoiceT", bound=str)


def scene_to_json(scene: Scene, *, picture_file: str) -> JsonObject:
    """Return what ``scene.json`` holds for a scene.

    Args:
        scene: Any scene.
        picture_file: Name of the picture in the archive.
    """
    picture, film = scene.picture, scene.film
    return {
        "format": FORMAT,
        "version": VERSION,
        "picture": {
            "file": picture_file,
            "name": picture.name,
            "width": picture.width,
            "height": picture.height,
            "sha256": picture.digest,
        },
        "tracks": [_track_to_json(track) for track in scene.tracks],
        "film": {
            "duration": film.duration,
            "fps": film.fps,
            "loop": film.loop,
            "strength": film.strength,
        },
        "freeze": None if scene.freeze is None else {"file": FREEZE_FILE},
        "next_id": scene.next_id,
    }


def scene_from_json(values: JsonObject, *, read_picture: Callable[[str, str], Picture]) -> Scene:
    """Return the scene of ``scene.json``, without its masks.

    Args:
        values: What `migrated` gave.
        read_picture: Called with the picture's member name and its name for people.

    Raises:
        SceneFileError: A field is missing, unknown, of the wrong type or out of range.
    """
    top = _Object(values, "the scene")
    top.only("format", "version", "picture", "tracks", "film", "freeze", "next_id")
    tracks = top.items("tracks", MAX_TRACKS)
    try:
        return Scene(
            picture=_picture_from_json(top.child("picture"), read_picture),
            tracks=tuple(_track_from_json(_Object(v, f"track {i}")) for i, v in enumerate(tracks)),
            film=_film_from_json(top.child("film")),
            next_id=top.integer("next_id"),
        )
    except SceneFileError:
        raise
    except DocumentError as error:
        raise SceneFileError(f"The scene file is damaged: {error}") from error


def freeze_file(values: JsonObject) -> str | None:
    """Return the name of the freeze mask's member, or None for a scene without one.

    Raises:
        SceneFileError: The field is not what `scene_to_json` writes.
    """
    top = _Object(values, "the scene")
    if top.value("freeze") is None:
        return None
    freeze = top.child("freeze")
    freeze.only("file")
    return freeze.choice("file", (FREEZE_FILE,))


def migrated(values: object) -> JsonObject:
    """Return what the JSON reader gave in the newest version's form.

    Raises:
        SceneFileError: Not a scene, or of a version that can't be read any more.
        SceneVersionError: A newer program wrote it.
    """
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise SceneFileError(
            f"This is not a scene of CMP Studio: scene.json must be an object of format {FORMAT!r}."
        )
    version = _Object(values, "the scene").integer("version")
    if version > VERSION:
        raise SceneVersionError(
            f"The scene file has version {version}, this program reads up to {VERSION}; "
            "open it with a newer CMP Studio."
        )
    while version < VERSION:
        step = MIGRATIONS.get(version)
        if step is None:
            raise SceneFileError(
                f"The scene file has version {version}, which this program can't read any more; "
                f"it reads versions {min(MIGRATIONS, default=VERSION)} to {VERSION}."
            )
        values = {**step(dict(values)), "version": version + 1}
        version += 1
    return values


def _track_to_json(track: Track) -> JsonObject:
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
        },
    }


def _picture_from_json(values: _Object, read_picture: Callable[[str, str], Picture]) -> Picture:
    values.only("file", "name", "width", "height", "sha256")
    picture = read_picture(values.text("file"), values.text("name"))
    if picture.digest != values.text("sha256"):
        raise SceneFileError(
            "The picture in the scene file is damaged: it is not the one that was saved "
            "(its SHA-256 differs). Use a copy of the file if there is one."
        )
    if (picture.width, picture.height) != (values.integer("width"), values.integer("height")):
        raise SceneFileError(
            f"The scene file is damaged: it says that its picture is {values.integer('width')} x "
            f"{values.integer('height')}, but that is {picture.width} x {picture.height}."
        )
    return picture


def _track_from_json(values: _Object) -> Track:
    values.only("id", "kind", "points", "name", "color", "is_on", "timing")
    timing = values.child("timing")
    timing.only("start", "end", "easing", "repeat")
    end = None if timing.value("end") is None else timing.number("end")
    return Track(
        id=values.integer("id"),
        kind=values.choice("kind", TRACK_KINDS),
        points=tuple(values.point(point) for point in values.items("points", MAX_POINTS)),
        name=values.text("name"),
        color=values.integer("color"),
        is_on=values.flag("is_on"),
        timing=Timing(
            start=timing.number("start"),
            end=end,
            easing=timing.choice("easing", EASINGS),
            repeat=timing.choice("repeat", REPEATS),
        ),
    )


def _film_from_json(values: _Object) -> FilmSettings:
    values.only("duration", "fps", "loop", "strength")
    return FilmSettings(
        duration=values.number("duration"),
        fps=values.number("fps"),
        loop=values.choice("loop", LOOP_MODES),
        strength=values.number("strength"),
    )


class _Object:
    """A JSON object whose fields are asked for by type; the wrong type is a sentence."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise SceneFileError(f"The scene file is damaged: {where} must be an object.")
        self._values = values
        self._where = where

    def only(self, *names: str) -> None:
        """Refuse fields with other names."""
        unknown = sorted(str(name) for name in self._values if name not in names)
        if unknown:
            raise SceneFileError(
                f"The scene file is damaged: {self._where} has the unknown field {unknown[0]!r}."
            )

    def value(self, name: str) -> object:
        """Return a field of any type."""
        if name not in self._values:
            raise SceneFileError(f"The scene file is damaged: {self._where} lacks {name!r}.")
        return self._values[name]

    def child(self, name: str) -> _Object:
        """Return a field that is an object."""
        return _Object(self.value(name), f"{name!r} of {self._where}")

    def items(self, name: str, limit: int) -> list[object]:
        """Return a field that is a list of at most ``limit`` items."""
        value = self.value(name)
        if not isinstance(value, list) or len(value) > limit:
            raise self._wrong(name, f"a list of at most {limit} items")
        return value

    def text(self, name: str) -> str:
        """Return a field that is text."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def integer(self, name: str) -> int:
        """Return a field that is a whole number."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise self._wrong(name, "a whole number of 0 or more")
        return value

    def number(self, name: str) -> float:
        """Return a field that is a finite number."""
        number = _number(self.value(name))
        if number is None:
            raise self._wrong(name, "a finite number")
        return number

    def choice(self, name: str, choices: tuple[_ChoiceT, ...]) -> _ChoiceT:
        """Return a field that is one of ``choices``."""
        value = self.value(name)
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, f"one of {', '.join(choices)}")

    def point(self, value: object) -> Point:
        """Return an item that is a point."""
        if isinstance(value, list) and len(value) == 2:
            x, y = _number(value[0]), _number(value[1])
            if x is not None and y is not None:
                return x, y
        raise self._wrong("points", "pairs [x, y] of finite numbers")

    def _wrong(self, name: str, wanted: str) -> SceneFileError:
        came = repr(self.value(name))
        came = came if len(came) <= 60 else f"{came[:57]}..."
        return SceneFileError(
            f"The scene file is damaged: {name!r} of {self._where} must be {wanted}, got {came}."
        )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
