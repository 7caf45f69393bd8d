"""Scene files: ``NAME.cmps``, a zip of all that a scene is.

====================== =========================================================================
``scene.json``         the values; every field is described in `cmp_studio.document.scene_json`
``picture.SUFFIX``     the original file's bytes, untouched (.jpg .png .webp .tif .bmp)
``masks/freeze.png``   8-bit grey, only where the scene has a freeze mask
``masks/group-ID.png`` 8-bit grey, one for each group that has a mask
``plate.SUFFIX``       the background plate's bytes, only where the scene has one
``thumbnail.png``      a small picture for file lists, where the writer had one
====================== =========================================================================

Members are stored or deflated, never encrypted. The same scene gives the same bytes. A file is
written under a temporary name beside the target and renamed, so a crash never leaves half a scene.
Reading takes nothing on trust: names, sizes, counts and every field are checked first.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import zipfile
import zlib
from pathlib import Path
from typing import Final

from cmp_studio.document.errors import DocumentError, MaskError, PictureError, SceneFileError
from cmp_studio.document.masks import Mask, mask_from_png, mask_to_array
from cmp_studio.document.scene import (
    PICTURE_SUFFIXES,
    Picture,
    Scene,
    picture_from_bytes,
    picture_suffix,
)
from cmp_studio.document.scene_json import (
    FREEZE_FILE,
    group_file,
    migrated,
    scene_from_json,
    scene_to_json,
)

SUFFIX: Final = ".cmps"

_SCENE_FILE: Final = "scene.json"
_THUMBNAIL_FILE: Final = "thumbnail.png"
_PICTURE_FILES: Final = tuple(sorted({f"picture{suffix}" for suffix in PICTURE_SUFFIXES.values()}))
_PLATE_FILES: Final = tuple(sorted({f"plate{suffix}" for suffix in PICTURE_SUFFIXES.values()}))
_GROUP_FILE: Final = re.compile(r"masks/group-\d{1,16}\.png")
_MAX_MEMBERS: Final = 64
_MIB: Final = 1 << 20
_MAX_BYTES: Final = {
    _SCENE_FILE: 64 * _MIB,
    _THUMBNAIL_FILE: 8 * _MIB,
    FREEZE_FILE: 256 * _MIB,
    **dict.fromkeys(_PICTURE_FILES + _PLATE_FILES, 1024 * _MIB),
}
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def save_scene(scene: Scene, path: Path, *, thumbnail: bytes | None = None) -> None:
    """Write a scene file, whole or not at all.

    Args:
        scene: The scene.
        path: Target; a file that is there is replaced.
        thumbnail: A small PNG for file lists.

    Raises:
        SceneFileError: The folder is missing, not writable or full.
    """
    picture_file = f"picture{picture_suffix(scene.picture)}"
    plate_file = None if scene.plate is None else f"plate{picture_suffix(scene.plate)}"
    values = scene_to_json(scene, picture_file=picture_file, plate_file=plate_file)
    text = json.dumps(values, indent=1, allow_nan=False)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, _SCENE_FILE, text.encode(), zipfile.ZIP_DEFLATED)
        _add(archive, picture_file, scene.picture.data, zipfile.ZIP_STORED)
        if scene.freeze is not None:
            _add(archive, FREEZE_FILE, scene.freeze.png, zipfile.ZIP_STORED)
        for group in scene.groups:
            if group.mask is not None:
                _add(archive, group_file(group.id), group.mask.png, zipfile.ZIP_STORED)
        if scene.plate is not None and plate_file is not None:
            _add(archive, plate_file, scene.plate.data, zipfile.ZIP_STORED)
        if thumbnail is not None:
            _add(archive, _THUMBNAIL_FILE, thumbnail, zipfile.ZIP_STORED)
    _write_whole(path, buffer.getbuffer())


def load_scene(path: Path) -> Scene:
    """Read a scene file.

    Raises:
        SceneFileError: No such file, no scene file, damaged, or not to be trusted.
        SceneVersionError: A newer program wrote it.
    """
    try:
        with _open(path) as archive:
            values = _read_json(archive)
            return scene_from_json(
                values,
                read_picture=lambda *names: _picture(archive, *names),
                read_mask=lambda *wanted: _mask(archive, *wanted),
            )
    except SceneFileError as error:
        raise type(error)("{name}: {error}", name=path.name, error=error) from error
    except (MaskError, PictureError) as error:
        raise SceneFileError(
            "{name}: The scene file is damaged: {error}", name=path.name, error=error
        ) from error
    except OSError as error:
        raise SceneFileError(
            "{path} can't be read: {reason}.", path=path, reason=error.strerror or error
        ) from error


def load_thumbnail(path: Path) -> bytes | None:
    """Return the small PNG of a scene file, or None where it has none or can't be read."""
    try:
        with _open(path) as archive:
            if _THUMBNAIL_FILE in archive.namelist():
                return _read(archive, _THUMBNAIL_FILE)
    except (DocumentError, OSError):
        return None
    return None


def _add(archive: zipfile.ZipFile, name: str, data: bytes, method: int) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = method
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


def _write_whole(path: Path, data: memoryview) -> None:
    target = path.resolve() if path.is_symlink() else path
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except FileNotFoundError as error:
        raise SceneFileError(
            "The scene can't be saved: the folder {parent} does not exist.", parent=target.parent
        ) from error
    except OSError as error:
        raise SceneFileError(
            "The scene can't be saved as {target}: {reason}.",
            target=target,
            reason=error.strerror or error,
        ) from error


def _open(path: Path) -> zipfile.ZipFile:
    """Open the archive and check what its table says before anything is unpacked."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise SceneFileError("There is no such file: {path}.", path=path) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise SceneFileError("This is not a scene file ({error}).", error=error) from error
    try:
        _check_members(archive.infolist())
    except SceneFileError:
        archive.close()
        raise
    return archive


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if len(names) > _MAX_MEMBERS or len(set(names)) != len(names):
        raise SceneFileError(
            "The scene file is damaged: it holds {count} members, some twice or too many.",
            count=len(names),
        )
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise SceneFileError(
                "The scene file is not to be trusted: it names {name!r}.", name=name
            )
        if member.flag_bits & 0x1 or member.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise SceneFileError(
                "The scene file is damaged: {name!r} is encrypted or packed in an unknown way.",
                name=name,
            )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise SceneFileError(
            "The scene file is damaged: {name!r} is missing in it.", name=name
        ) from error
    limit = _MAX_BYTES[FREEZE_FILE if _GROUP_FILE.fullmatch(name) else name]
    if info.file_size > limit:
        raise SceneFileError(
            "The scene file is not to be trusted: {name!r} unpacks to {file_size} bytes, at most "
            "{limit} are expected.",
            name=name,
            file_size=info.file_size,
            limit=limit,
        )
    try:
        return archive.read(info)  # never more than file_size, whatever the packed bytes say
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise SceneFileError(
            "The scene file is damaged: {name!r}: {error}.", name=name, error=error
        ) from error


def _read_json(archive: zipfile.ZipFile) -> dict[str, object]:
    if _SCENE_FILE not in archive.namelist():
        raise SceneFileError(
            "This is not a scene file: it has no {scene_file}.", scene_file=_SCENE_FILE
        )
    data = _read(archive, _SCENE_FILE)
    try:
        values = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SceneFileError(
            "The scene file is damaged: {scene_file}: {error}.", scene_file=_SCENE_FILE, error=error
        ) from error
    return migrated(values)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number that JSON knows")


def _picture(archive: zipfile.ZipFile, member: str, name: str) -> Picture:
    if member not in _PICTURE_FILES + _PLATE_FILES:
        raise SceneFileError(
            "The scene file is not to be trusted: its picture must be one of {kinds}, got "
            "{member!r}.",
            kinds=", ".join(_PICTURE_FILES),
            member=member[:60],
        )
    return picture_from_bytes(_read(archive, member), name)


def _mask(archive: zipfile.ZipFile, member: str, feather: float) -> Mask:
    mask = mask_from_png(_read(archive, member), feather=feather)
    mask_to_array(mask)
    return mask
