"""Small pictures of recent files, read in the background and kept while the window lives."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.project_file import load_thumbnail
from cmp_studio.services.background import Background
from cmp_studio.services.scene_files import SCENE_SUFFIX

log = logging.getLogger(__name__)

SIDE: Final = 256


class RecentThumbnails(QObject):
    """The small picture of a photo or scene file, once it has been read.

    Signals:
        ready(path): `png` has the picture of this file now.
    """

    ready = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._pictures: dict[tuple[Path, int], bytes] = {}
        self._asked: set[tuple[Path, int]] = set()

    def png(self, path: Path) -> bytes:
        """The small picture as PNG; empty while it is being read, or where there is none."""
        key = _key(path)
        if key not in self._asked:
            self._asked.add(key)
            self._background.submit(_Read(path, key), done=self.on_read)
        return self._pictures.get(key, b"")

    def on_read(self, answer: object) -> None:
        """Keep a picture that was read."""
        if isinstance(answer, _Answer) and answer.png:
            self._pictures[answer.key] = answer.png
            self.ready.emit(answer.key[0])


@dataclass(frozen=True, slots=True)
class _Answer:
    key: tuple[Path, int]
    png: bytes


@dataclass(frozen=True, slots=True)
class _Read:
    path: Path
    key: tuple[Path, int]

    def __call__(self) -> _Answer:
        if self.path.suffix.lower() == SCENE_SUFFIX:
            return _Answer(self.key, load_thumbnail(self.path) or b"")
        return _Answer(self.key, small_png(self.path))


def small_png(path: Path) -> bytes:
    """A photo as a small PNG, or empty where it can't be read."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata
            with Image.open(path) as image:
                image.draft("RGB", (SIDE, SIDE))
                upright = ImageOps.exif_transpose(image)
                upright.thumbnail((SIDE, SIDE))
                buffer = io.BytesIO()
                upright.convert("RGB").save(buffer, "PNG")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        log.info("no small picture of %s: %s", path, error)
        return b""
    return buffer.getvalue()


def _key(path: Path) -> tuple[Path, int]:
    """A file as it is now: written anew, it gets another picture."""
    try:
        return path, path.stat().st_mtime_ns
    except OSError:
        return path, 0
