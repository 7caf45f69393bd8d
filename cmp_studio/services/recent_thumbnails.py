"""Small pictures of recent files, read in the background and kept while the window lives."""

from __future__ import annotations

import io
import logging
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.project_file import load_thumbnail
from cmp_studio.services.background import Background
from cmp_studio.services.scene_files import SCENE_SUFFIX

log = logging.getLogger(__name__)

SIDE: Final = 256
_KEPT: Final = 64
"""Files whose pictures are kept."""


class RecentThumbnails(QObject):
    """The small picture of a photo or scene file, once it has been read.

    Signals:
        ready(path): `png` has the picture of this file now.
    """

    ready = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._pictures: OrderedDict[Path, _Answer] = OrderedDict()
        self._asked: dict[Path, int] = {}

    def png(self, path: Path) -> bytes:
        """The small picture as PNG; empty while it is being read, or where there is none."""
        written_at = _written_at(path)
        known = self._pictures.get(path)
        is_known = known is not None and known.written_at == written_at
        if not is_known and self._asked.get(path) != written_at:
            self._asked[path] = written_at
            self._background.submit(_Read(path, written_at), done=self.on_read)
        return b"" if known is None or not is_known else known.png

    def on_read(self, answer: object) -> None:
        """Keep a picture that was read, in the place of an older one of the same file."""
        if not isinstance(answer, _Answer):
            return
        self._asked.pop(answer.path, None)
        self._pictures.pop(answer.path, None)
        self._pictures[answer.path] = answer
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        if answer.png:
            self.ready.emit(answer.path)


@dataclass(frozen=True, slots=True)
class _Answer:
    path: Path
    written_at: int
    png: bytes


@dataclass(frozen=True, slots=True)
class _Read:
    path: Path
    written_at: int

    def __call__(self) -> _Answer:
        if self.path.suffix.lower() == SCENE_SUFFIX:
            return _Answer(self.path, self.written_at, load_thumbnail(self.path) or b"")
        return _Answer(self.path, self.written_at, small_png(self.path))


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


def _written_at(path: Path) -> int:
    """When a file was written: written anew, it gets another picture."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
