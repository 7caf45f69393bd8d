"""Opening and saving, in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.errors import PictureError
from cmp_studio.document.project_file import load_scene, save_scene
from cmp_studio.document.scene import Scene, picture_from_bytes
from cmp_studio.services.autosave import Leftover
from cmp_studio.services.background import Background
from cmp_studio.services.pictures import OpenedPicture, open_picture
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import sentence_of

SCENE_SUFFIX: Final = ".cmps"
PICTURE_SUFFIXES: Final = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".avif",
)


@dataclass(frozen=True, slots=True)
class _Opened:
    number: int
    scene: Scene
    picture: OpenedPicture
    path: Path | None
    source: Path | None
    is_saved: bool
    leftover: Path | None = None


@dataclass(frozen=True, slots=True)
class _Saved:
    scene: Scene
    path: Path


class SceneFiles(QObject):
    """Reads and writes files for the session.

    Thread: GUI thread; the work is done in the background.

    Signals:
        started(sentence): Something takes a moment; what it is.
        opened(name): A document was opened; its name for people.
        saved(path): The scene is in this file.
        recovered(path): Unsaved work was opened; its copy at this path is not needed any more.
        failed(sentence): It could not be opened or saved.
        finished(): Nothing is being read or written any more.
    """

    started = Signal(str)
    opened = Signal(str)
    saved = Signal(object)
    recovered = Signal(object)
    failed = Signal(str)
    finished = Signal()

    def __init__(
        self,
        session: Session,
        background: Background,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._preferences = preferences
        self._number = 0

    def open(self, path: Path) -> None:
        """Open a photo or a scene file; of two that are being opened the later one wins."""
        self._submit_open(
            tr("Opening {name}…").format(name=path.name), _FileReader(self._next(), path)
        )

    def open_sample(self, path: Path) -> None:
        """Open a bundled scene: saving asks for another file."""
        self._submit_open(
            tr("Opening {stem}…").format(stem=path.stem),
            _FileReader(self._next(), path, is_sample=True),
        )

    def recover(self, leftover: Leftover) -> None:
        """Open unsaved work that a crash left behind, as if it had never been closed."""
        reader = _LeftoverReader(self._next(), leftover.scene_path, leftover.path)
        self._submit_open(tr("Opening {title}…").format(title=leftover.title), reader)

    def open_bytes(self, encode: Callable[[], bytes], name: str) -> None:
        """Open a photo that is no file (pasted, say).

        Args:
            encode: Returns the bytes of a picture file; called in the background.
            name: What the photo is called.
        """
        self._submit_open(
            tr("Opening {name}…").format(name=name), _BytesReader(self._next(), encode, name)
        )

    def save(self, path: Path) -> None:
        """Write the scene to ``path``."""
        session = self._session
        session.commit()
        if session.scene is None or session.picture is None:
            return
        self.started.emit(tr("Saving {name}…").format(name=path.name))
        writer = _Writer(session.scene, session.picture, path)
        self._background.submit(writer, done=self.on_saved, failed=self.on_failed)

    def on_opened(self, opened: object) -> None:
        """Hand what was read to the session."""
        if not isinstance(opened, _Opened) or opened.number != self._number:
            return
        self._session.start(
            opened.scene, opened.picture, path=opened.path, is_saved=opened.is_saved
        )
        if opened.source is not None:
            self._preferences.add_recent_file(opened.source)
        if opened.leftover is not None:
            self.recovered.emit(opened.leftover)
        self.opened.emit(self._session.title)
        self.finished.emit()

    def on_saved(self, saved: object) -> None:
        """Tell the session that its scene is on disk."""
        if isinstance(saved, _Saved):
            self._session.mark_saved(saved.path, saved.scene)
            self._preferences.add_recent_file(saved.path)
            self.saved.emit(saved.path)
            self.finished.emit()

    def on_failed(self, error: object) -> None:
        """Say what went wrong; the open document stays."""
        if isinstance(error, BaseException):
            self.failed.emit(sentence_of(error))
        self.finished.emit()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _submit_open(self, sentence: str, read: Callable[[], object]) -> None:
        self.started.emit(sentence)
        self._background.submit(read, done=self.on_opened, failed=self.on_failed)


@dataclass(frozen=True, slots=True)
class _FileReader:
    number: int
    path: Path
    is_sample: bool = False

    def __call__(self) -> _Opened:
        is_scene = self.path.suffix.lower() == SCENE_SUFFIX
        if is_scene:
            scene = load_scene(self.path)
        else:
            scene = Scene(picture_from_bytes(_bytes_of(self.path), self.path.name))
        picture = open_picture(scene.picture)
        path = self.path.absolute() if is_scene and not self.is_sample else None
        source = None if self.is_sample else self.path
        return _Opened(self.number, scene, picture, path, source, is_saved=True)


@dataclass(frozen=True, slots=True)
class _LeftoverReader:
    number: int
    scene_path: Path
    path: Path | None

    def __call__(self) -> _Opened:
        scene = load_scene(self.scene_path)
        picture = open_picture(scene.picture)
        return _Opened(
            self.number, scene, picture, self.path, None, is_saved=False, leftover=self.scene_path
        )


@dataclass(frozen=True, slots=True)
class _BytesReader:
    number: int
    encode: Callable[[], bytes]
    name: str

    def __call__(self) -> _Opened:
        scene = Scene(picture_from_bytes(self.encode(), self.name))
        picture = open_picture(scene.picture)
        return _Opened(self.number, scene, picture, None, None, is_saved=False)


@dataclass(frozen=True, slots=True)
class _Writer:
    scene: Scene
    picture: OpenedPicture
    path: Path

    def __call__(self) -> _Saved:
        from cmp_studio.pipeline.thumbnails import thumbnail_png

        save_scene(self.scene, self.path, thumbnail=thumbnail_png(self.picture.levels[-1]))
        return _Saved(self.scene, self.path)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(
            tr("{name} can't be opened: {reason}.").format(name=path.name, reason=reason)
        ) from error
