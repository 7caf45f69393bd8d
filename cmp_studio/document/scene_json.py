"""A scene as JSON values, and back with every field checked.

``scene.json``, version 3. All numbers are finite; px are of the picture, pixel centres at integers,
x right, y down; times are seconds.

==================  ============================================================================
``format``          always ``"cmp-studio-scene"``
``version``         3; a newer program may write more, an older file is migrated step by step
``picture``         object: ``file`` (member of the archive: ``picture`` with the suffix of its
                    kind), ``name`` (the file name it was opened under), ``width`` and ``height``
                    (px as shown, after the camera's orientation), ``sha256`` (of the member)
``tracks``          list in drawing order, each an object: ``id`` (1 or more, unique among tracks
                    and groups), ``kind`` (``arrow``, ``path``, ``pin``, ``take``), ``points``
                    (list of ``[x, y]``), ``name`` (text), ``color`` (0 or more), ``is_on`` (bool),
                    ``timing`` (see below), ``is_smooth`` (bool; of a path), ``stiffness`` (px,
                    0 or more), ``takes`` (list, filled for a take only; see below), ``group``
                    (id of a group, or 0), ``keys`` (list of progress, rising between 0 and 1: when
                    a path passes its points between the ends; empty for even speed)
``film``            object: ``duration``, ``fps``, ``loop`` (``once``, ``ping_pong``, ``seamless``,
                    ``hold``), ``strength``, ``mode`` (``total``, ``chained``), ``shutter``
                    (degrees), ``subframes``, ``supersample``
``freeze``          null, or object: ``file`` (``masks/freeze.png``, 8-bit grey, 255 = held still),
                    ``feather`` (px)
``next_id``         the id of the next track or group, above every id ever used
``groups``          list from back to front, each an object: ``id``, ``name``, ``is_on``,
                    ``color``, ``mask`` (null, or object: ``file``, ``masks/group-ID.png``, 255 =
                    belongs to it, and ``feather``)
``base_place``      how many of the groups lie behind the rest of the picture
``fill``            what holes show: ``stretch``, ``inpaint``, ``plate``
``plate``           null, or an object like ``picture``, whose file is ``plate`` with its suffix
``loop_range``      null, or ``[first, last]``: the seconds that the window plays over and over
==================  ============================================================================

The ``timing`` of a track is an object: ``start``, ``end`` or null, ``easing`` (``linear``,
``ease``, ``spring``, ``curve``), ``repeat`` (``once``, ``ping_pong``, ``sway``, ``pulse``),
``curve`` (``[x1, y1, x2, y2]``), ``cycles`` (1 or more), ``phase`` (0 or more, below 1). Each of
its ``takes`` is an object: ``samples`` (list of ``[t, dx, dy]``), ``smoothing`` (s), ``speed``,
``is_on``, ``delay`` (s).

A field that is missing, unknown or out of range makes the file unreadable: a scene is loaded whole
or not at all. To change the format, raise `VERSION` and add to
`cmp_studio.document.migrations` the function that turns the last version's values into the new
one's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cmp_studio.document.errors import DocumentError, SceneFileError, SceneVersionError
from cmp_studio.document.groups import Group
from cmp_studio.document.json_reader import JsonObject, JsonReader
from cmp_studio.document.masks import Mask
from cmp_studio.document.migrations import MIGRATIONS
from cmp_studio.document.scene import (
    HOLE_FILLS,
    LOOP_MODES,
    MAX_GROUPS,
    SEQUENCE_MODES,
    FilmSettings,
    Picture,
    Scene,
)
from cmp_studio.document.track_json import MAX_TRACKS, track_from_json, track_to_json

FORMAT: Final = "cmp-studio-scene"
VERSION: Final = 3
FREEZE_FILE: Final = "masks/freeze.png"


def group_file(group_id: int) -> str:
    """Return the name of the member that holds a group's mask."""
    return f"masks/group-{group_id}.png"


def scene_to_json(scene: Scene, *, picture_file: str, plate_file: str | None = None) -> JsonObject:
    """Return what ``scene.json`` holds for a scene.

    Args:
        scene: Any scene.
        picture_file: Name of the picture in the archive.
        plate_file: Name of the plate in the archive, for a scene that has one.
    """
    film, plate = scene.film, scene.plate
    return {
        "format": FORMAT,
        "version": VERSION,
        "picture": _picture_to_json(scene.picture, picture_file),
        "tracks": [track_to_json(track) for track in scene.tracks],
        "film": {
            "duration": film.duration,
            "fps": film.fps,
            "loop": film.loop,
            "strength": film.strength,
            "mode": film.mode,
            "shutter": film.shutter,
            "subframes": film.subframes,
            "supersample": film.supersample,
        },
        "freeze": _mask_to_json(scene.freeze, FREEZE_FILE),
        "next_id": scene.next_id,
        "groups": [
            {
                "id": group.id,
                "name": group.name,
                "is_on": group.is_on,
                "color": group.color,
                "mask": _mask_to_json(group.mask, group_file(group.id)),
            }
            for group in scene.groups
        ],
        "base_place": scene.base_place,
        "fill": scene.fill,
        "plate": None
        if plate is None or plate_file is None
        else _picture_to_json(plate, plate_file),
        "loop_range": None if scene.loop_range is None else list(scene.loop_range),
    }


def scene_from_json(
    values: JsonObject,
    *,
    read_picture: Callable[[str, str], Picture],
    read_mask: Callable[[str, float], Mask],
) -> Scene:
    """Return the scene of ``scene.json``.

    Args:
        values: What `migrated` gave.
        read_picture: Called with a picture's member name and its name for people.
        read_mask: Called with a mask's member name and its feather, px.

    Raises:
        SceneFileError: A field is missing, unknown, of the wrong type or out of range.
    """
    top = JsonReader(values, "the scene")
    top.only(
        "format", "version", "picture", "tracks", "film", "freeze", "next_id", "groups",
        "base_place", "fill", "plate", "loop_range",
    )  # fmt: skip
    tracks = top.items("tracks", MAX_TRACKS)
    groups = top.items("groups", MAX_GROUPS)
    plate = None if top.value("plate") is None else top.child("plate")
    try:
        return Scene(
            picture=_picture_from_json(top.child("picture"), read_picture),
            tracks=tuple(
                track_from_json(JsonReader(v, f"track {i}")) for i, v in enumerate(tracks)
            ),
            film=_film_from_json(top.child("film")),
            freeze=_mask_from_json(top, "freeze", FREEZE_FILE, read_mask),
            next_id=top.integer("next_id"),
            groups=tuple(
                _group_from_json(JsonReader(v, f"group {i}"), read_mask)
                for i, v in enumerate(groups)
            ),
            base_place=top.integer("base_place"),
            fill=top.choice("fill", HOLE_FILLS),
            plate=None if plate is None else _picture_from_json(plate, read_picture),
            loop_range=_range_from_json(top),
        )
    except SceneFileError:
        raise
    except DocumentError as error:
        raise SceneFileError("The scene file is damaged: {error}", error=error) from error


def migrated(values: object) -> JsonObject:
    """Return what the JSON reader gave in the newest version's form.

    Raises:
        SceneFileError: Not a scene, or of a version that can't be read any more.
        SceneVersionError: A newer program wrote it.
    """
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise SceneFileError(
            "This is not a scene of CMP Studio: scene.json must be an object of format {format!r}.",
            format=FORMAT,
        )
    version = JsonReader(values, "the scene").integer("version")
    if version > VERSION:
        raise SceneVersionError(
            "The scene file has version {version}, this program reads up to {newest}; open it with "
            "a newer CMP Studio.",
            version=version,
            newest=VERSION,
        )
    while version < VERSION:
        step = MIGRATIONS.get(version)
        if step is None:
            raise SceneFileError(
                "The scene file has version {version}, which this program can't read any more; it "
                "reads versions {oldest} to {newest}.",
                version=version,
                oldest=min(MIGRATIONS, default=VERSION),
                newest=VERSION,
            )
        values = {**step(dict(values)), "version": version + 1}
        version += 1
    return values


def _picture_to_json(picture: Picture, file: str) -> JsonObject:
    return {
        "file": file,
        "name": picture.name,
        "width": picture.width,
        "height": picture.height,
        "sha256": picture.digest,
    }


def _mask_to_json(mask: Mask | None, file: str) -> JsonObject | None:
    return None if mask is None else {"file": file, "feather": mask.feather}


def _mask_from_json(
    owner: JsonReader, name: str, file: str, read_mask: Callable[[str, float], Mask]
) -> Mask | None:
    if owner.value(name) is None:
        return None
    values = owner.child(name)
    values.only("file", "feather")
    return read_mask(values.choice("file", (file,)), values.number("feather"))


def _range_from_json(top: JsonReader) -> tuple[float, float] | None:
    value = top.value("loop_range")
    if value is None:
        return None
    first, last = top.numbers("loop_range", value, 2, "null or two finite numbers")
    return first, last


def _group_from_json(values: JsonReader, read_mask: Callable[[str, float], Mask]) -> Group:
    values.only("id", "name", "is_on", "color", "mask")
    group_id = values.integer("id")
    return Group(
        id=group_id,
        name=values.text("name"),
        mask=_mask_from_json(values, "mask", group_file(group_id), read_mask),
        is_on=values.flag("is_on"),
        color=values.integer("color"),
    )


def _picture_from_json(values: JsonReader, read_picture: Callable[[str, str], Picture]) -> Picture:
    values.only("file", "name", "width", "height", "sha256")
    picture = read_picture(values.text("file"), values.text("name"))
    if picture.digest != values.text("sha256"):
        raise SceneFileError(
            "The picture in the scene file is damaged: it is not the one that was saved (its "
            "SHA-256 differs). Use a copy of the file if there is one."
        )
    if (picture.width, picture.height) != (values.integer("width"), values.integer("height")):
        raise SceneFileError(
            "The scene file is damaged: it says that its picture is {said_width} x {said_height}, "
            "but that is {width} x {height}.",
            said_width=values.integer("width"),
            said_height=values.integer("height"),
            width=picture.width,
            height=picture.height,
        )
    return picture


def _film_from_json(values: JsonReader) -> FilmSettings:
    values.only(
        "duration", "fps", "loop", "strength", "mode", "shutter", "subframes", "supersample"
    )
    return FilmSettings(
        duration=values.number("duration"),
        fps=values.number("fps"),
        loop=values.choice("loop", LOOP_MODES),
        strength=values.number("strength"),
        mode=values.choice("mode", SEQUENCE_MODES),
        shutter=values.number("shutter"),
        subframes=values.integer("subframes"),
        supersample=values.integer("supersample"),
    )
