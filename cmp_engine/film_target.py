"""Where a film goes: the format that its name asks for, and whether the place is fit for it.

Everything here speaks of names and folders; nothing of pictures.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

from cmp_engine.errors import VideoError
from cmp_engine.partial_file import describe_os_error
from cmp_engine.sentences import Sentence
from cmp_engine.video_encoders import VideoFormat

FRAME_NAME: Final = "frame_%05d.png"
"""Names of the pictures of a PNG sequence, which is numbered from 1."""

FRAME_PATTERN: Final = re.compile(r"frame_\d{5,}\.png")
"""What the names of such pictures look like."""

_FORMAT_OF_SUFFIX: Final[dict[str, VideoFormat]] = {
    ".mp4": "mp4", ".gif": "gif", ".webm": "webm", ".webp": "webp", "": "png",
}  # fmt: skip


def film_format_of(target: Path, chosen: VideoFormat | None) -> VideoFormat:
    """Return the format of a film: the chosen one, else what its name or an existing folder says.

    Raises:
        VideoError: The name says nothing known, or something else than what was chosen.
    """
    suffix = target.suffix.lower()
    by_suffix = _FORMAT_OF_SUFFIX.get(suffix)
    if chosen is not None and chosen not in get_args(VideoFormat):
        raise VideoError(
            "A film can be {formats}, and {chosen!r} was asked for.",
            formats=", ".join(get_args(VideoFormat)),
            chosen=chosen,
        )
    is_folder = os.path.isdir(target)  # noqa: PTH112 - Path.is_dir raises on names that can't be
    if chosen == "png" or (chosen is None and is_folder and (by_suffix or "png") == "png"):
        if suffix == ".png" and not is_folder:
            raise VideoError(
                "PNG frames go to a folder, and {name} is the name of one picture; name a folder.",
                name=target.name,
            )
        return "png"
    if chosen is None and by_suffix is None:
        raise VideoError(
            "A film's name ends in .mp4, .gif, .webm or .webp, or is a folder for PNG frames; "
            "{name} ends in {suffix}, change the name.",
            name=target.name,
            suffix=suffix,
        )
    if chosen is not None and suffix in _FORMAT_OF_SUFFIX and by_suffix not in (chosen, "png"):
        raise VideoError(
            "{name} ends in {suffix}, and {chosen} was asked for; change one of them.",
            name=target.name,
            suffix=suffix,
            chosen=chosen,
        )
    return chosen or by_suffix or "png"


def check_target(target: Path, film_format: VideoFormat) -> None:
    """Find out what is wrong with the place before anything is computed for it.

    Raises:
        VideoError: A folder is where a file should be or the other way round, or a folder for PNG
            pictures holds something else.
    """
    try:
        if film_format == "png":
            if target.is_file():
                raise VideoError(
                    "{target} is a file, and PNG frames go to a folder; name another.",
                    target=target,
                )
            if target.is_dir():
                strangers = [
                    entry.name
                    for entry in target.iterdir()
                    if not FRAME_PATTERN.fullmatch(entry.name)
                ]
                if strangers:
                    raise VideoError(
                        "The folder {target} holds other files, such as {stranger}; choose a new "
                        "or an empty one.",
                        target=target,
                        stranger=sorted(strangers)[0],
                    )
        elif target.is_dir():
            raise VideoError(
                "{target} is a folder, and a file is expected; choose another name.", target=target
            )
    except OSError as error:
        raise VideoError(describe_os_error(error, target)) from error


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden folder on the film's own disk, removed at the end with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix=".film-", suffix=".part", dir=target.absolute().parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install(film: Path, target: Path) -> None:
    """Give the finished film its name."""
    if not film.is_dir():
        film.replace(target)
        return
    target.mkdir(exist_ok=True)
    for earlier in target.iterdir():
        if FRAME_PATTERN.fullmatch(earlier.name):
            earlier.unlink()
    for picture in film.iterdir():
        picture.replace(target / picture.name)


def describe_failure(complaint: str, target: Path) -> Sentence:
    """Return one sentence on why ffmpeg failed, from what it complained of."""
    folder = target.absolute().parent
    try:
        is_full = shutil.disk_usage(folder).free < 64 * 1024
    except OSError:
        is_full = False
    if is_full or "no space left" in complaint.lower() or "disk quota" in complaint.lower():
        return Sentence(
            "The disk that holds {folder} is full, so {name} can't be written; free some space or "
            "choose another folder.",
            folder=folder,
            name=target.name,
        )
    if "unknown encoder" in complaint.lower():
        return Sentence(
            "The ffmpeg found here can't write {format} films; install the package imageio-ffmpeg "
            "anew, or choose another format.",
            format=target.suffix or "PNG",
        )
    return Sentence(
        "The video program ffmpeg failed, so {name} was not written; try another format or size, "
        "the log has what it said.",
        name=target.name,
    )
