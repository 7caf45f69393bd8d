"""Unsaved work, kept beside the preferences until it is saved or given up."""

from __future__ import annotations

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from cmp_studio.document.errors import DocumentError
from cmp_studio.document.project_file import load_thumbnail, save_scene
from cmp_studio.document.scene import Scene
from cmp_studio.services.background import Background
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr, translated

log = logging.getLogger(__name__)

DELAY_MS: Final = 4000
"""How long the hand rests before unsaved work is written."""

_FOLDER: Final = "autosave"


@dataclass(frozen=True, slots=True)
class Leftover:
    """Unsaved work of a run that did not end as it should.

    Attributes:
        scene_path: The scene as it was last written.
        title: What the window called it.
        path: The file that the user saved it to before, or None.
        saved_at: When it was written, seconds since the epoch.
        thumbnail: A small PNG, or empty.
    """

    scene_path: Path
    title: str
    path: Path | None
    saved_at: float
    thumbnail: bytes = field(default=b"", repr=False)


class Autosave(QObject):
    """Writes the open scene while it has unsaved changes, and finds what earlier runs left.

    Every run writes under a name of its own and holds a lock beside it. What lies there without a
    living owner is left over from a crash.

    Thread: GUI thread; files are read and written in the background.

    Signals:
        found(leftovers): What `look` found, newest first; a list of `Leftover`, never empty.
        written(): The open scene is in the autosave.
        failed(sentence): It can't be written; said once.
    """

    found = Signal(object)
    written = Signal()
    failed = Signal(str)

    def __init__(
        self,
        session: Session,
        background: Background,
        folder: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._folder = folder / _FOLDER
        self._name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:8]}"
        self._lock: QLockFile | None = None
        self._last: Scene | None = None
        self._has_failed = False
        self._is_closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.write)
        session.scene_changed.connect(self.on_scene_changed)
        session.opened.connect(self.on_opened)
        session.dirty_changed.connect(self.on_dirty_changed)

    @property
    def scene_path(self) -> Path:
        """Where this run keeps its unsaved work."""
        return self._folder / f"{self._name}.cmps"

    def look(self) -> None:
        """Look for what earlier runs left; `found` follows when there is something."""
        self._background.submit(_Look(self._folder, self._name), done=self.on_looked)

    def discard(self, leftovers: list[Leftover]) -> None:
        """Delete what was left over."""
        paths = [leftover.scene_path for leftover in leftovers]
        self._background.submit(_Delete(tuple(paths)))

    def on_recovered(self, path: Path) -> None:
        """The leftover at ``path`` is open: write it under this run's name, then delete it."""
        self.write()
        self._background.submit(_Delete((path,)))

    def write(self) -> None:
        """Write the open scene now, if it has unsaved changes that are not written yet."""
        session = self._session
        scene, picture = session.scene, session.picture
        if scene is None or picture is None or not session.is_dirty or scene is self._last:
            return
        if self._is_closed:
            return
        if session.has_gesture:
            self._timer.start()
            return
        if not self._take_lock():
            return
        self._last = scene
        write = _Write(scene, picture, self.scene_path, session.title, session.path)
        self._background.submit(write, done=self.on_written, failed=self.on_write_failed)

    def finish(self) -> None:
        """Delete this run's unsaved work: it was saved or given up."""
        self._timer.stop()
        self._last = None
        if self._lock is not None:
            self._background.submit(_Delete((self.scene_path,)))

    def close(self) -> None:
        """The user closes the window in order: delete the unsaved work, and write no more."""
        self._is_closed = True
        self.finish()

    def release(self) -> None:
        """Give the lock back; call it when the background has come to rest."""
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def on_scene_changed(self) -> None:
        """Write it when the hand rests."""
        if self._session.is_dirty and not self._timer.isActive():
            self._timer.start()

    def on_opened(self) -> None:
        """The scene before was saved or given up."""
        self.finish()

    def on_dirty_changed(self, is_dirty: bool) -> None:  # noqa: FBT001 - a slot
        """What is saved needs no second copy."""
        if not is_dirty:
            self.finish()
        elif not self._timer.isActive():
            self._timer.start()

    def on_looked(self, leftovers: object) -> None:
        """Tell what was found."""
        if isinstance(leftovers, list) and leftovers:
            self.found.emit(leftovers)

    def on_written(self, _result: object) -> None:
        """It is on the disk; if it was saved meanwhile, it goes again."""
        if not self._session.is_dirty:
            self.finish()
        self._has_failed = False
        self.written.emit()

    def on_write_failed(self, error: object) -> None:
        """Say it once; try again with the next change."""
        self._last = None
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(
                tr("Unsaved work can't be kept for a crash: {error}").format(
                    error=translated(error)
                )
            )

    def _take_lock(self) -> bool:
        if self._lock is not None:
            return True
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.on_write_failed(error.strerror or str(error))
            return False
        lock = _lock_of(self.scene_path)
        if not lock.tryLock(0):
            self.on_write_failed(tr("{folder} can't be written").format(folder=self._folder))
            return False
        self._lock = lock
        return True


@dataclass(frozen=True, slots=True)
class _Write:
    scene: Scene
    picture: OpenedPicture
    scene_path: Path
    title: str
    path: Path | None

    def __call__(self) -> None:
        from cmp_studio.pipeline.thumbnails import thumbnail_png

        facts = {"title": self.title, "path": "" if self.path is None else str(self.path)}
        save_scene(self.scene, self.scene_path, thumbnail=thumbnail_png(self.picture.levels[-1]))
        self.scene_path.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Delete:
    paths: tuple[Path, ...]

    def __call__(self) -> None:
        for path in self.paths:
            for suffix in (".cmps", ".json"):
                path.with_suffix(suffix).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Look:
    folder: Path
    own_name: str

    def __call__(self) -> list[Leftover]:
        found = []
        for path in self.folder.glob("*.cmps"):
            if path.stem == self.own_name:
                continue
            lock = _lock_of(path)
            if not lock.tryLock(0):
                continue  # another window is at it
            lock.unlock()
            leftover = _leftover(path)
            if leftover is not None:
                found.append(leftover)
        return sorted(found, key=lambda leftover: leftover.saved_at, reverse=True)


def _leftover(path: Path) -> Leftover | None:
    try:
        thumbnail = load_thumbnail(path) or b""
        saved_at = path.stat().st_mtime
    except (DocumentError, OSError) as error:
        log.info("no use in %s: %s", path, error)
        return None
    title, saved_path = path.stem, None
    try:
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        title = str(facts["title"]) or title
        saved_path = Path(str(facts["path"])) if facts["path"] else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("no facts beside %s: %s", path, error)
    return Leftover(path, title, saved_path, saved_at, thumbnail)


def _lock_of(path: Path) -> QLockFile:
    lock = QLockFile(str(path.with_suffix(".lock")))
    lock.setStaleLockTime(0)  # never by age; a dead owner's lock is stale all the same
    return lock
