"""The pictures that are annotated one after the other, and their files."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.annotation import Annotation
from cmp_studio.services.annotation_masks import AnnotationMasks, Masks
from cmp_studio.services.annotation_reading import (
    Listed,
    ListFolder,
    LookedAhead,
    OpenedAnnotation,
    ReadAhead,
    ReadFailed,
    ReadPicture,
    WriteAnnotation,
    fitting_labels,
)
from cmp_studio.services.annotation_session import AnnotationSession
from cmp_studio.services.background import Background
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import sentence_of

SAVE_DELAY_MS: Final = 800
_LEAST_SECONDS: Final = 0.5
"""Time that was spent is worth a file from here on."""

_REMEMBERED: Final = 20
_LAST_KEY: Final = "annotate/last"


class AnnotationFolder(QObject):
    """A list of pictures, one of them open, whose annotations are saved by themselves.

    Thread: GUI thread; files are read and written on a thread of its own.

    Signals:
        opened(): Another picture is open, or none.
        listed(): The list of pictures, or which of them are annotated, is another.
        started(sentence): A picture is being opened.
        finished(): No picture is being opened any more.
        saved(): Everything is on disk.
        warned(sentence): Something did not work.
    """

    opened = Signal()
    listed = Signal()
    started = Signal(str)
    finished = Signal()
    saved = Signal()
    warned = Signal(str)

    def __init__(
        self,
        session: AnnotationSession,
        masks: AnnotationMasks,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._masks = masks
        self._preferences = preferences
        self._background = Background(self, name="annotation files")
        self._paths: tuple[Path, ...] = ()
        self._annotated: frozenset[Path] = frozenset()
        self._unreadable: dict[Path, str] = {}
        self._index = -1
        self._picture: OpenedPicture | None = None
        self._store: Path | None = None
        self._number = 0
        self._is_opening = False
        self._wanted: int | None = None
        self._step = 1
        self._ahead: tuple[Path, OpenedPicture] | None = None
        self._written: tuple[Annotation, Masks | None] = (Annotation(), None)
        self._written_seconds = 0.0
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_DELAY_MS)
        self._save_timer.timeout.connect(self.save)
        session.history_changed.connect(self.on_history_changed)
        masks.changed.connect(self.on_masks_changed)
        masks.pending_changed.connect(self.on_pending_changed)

    # What is open.

    @property
    def picture(self) -> OpenedPicture | None:
        """The picture that is annotated."""
        return self._picture

    @property
    def path(self) -> Path | None:
        """Its file; None for one that has none."""
        return self._paths[self._index] if 0 <= self._index < len(self._paths) else None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All pictures of the folder."""
        return self._paths

    @property
    def index(self) -> int:
        """Place of the open picture in the list; -1 where it has none."""
        return self._index

    @property
    def annotated(self) -> frozenset[Path]:
        """The pictures that have objects."""
        return self._annotated

    @property
    def unreadable(self) -> Mapping[Path, str]:
        """Why some pictures can't be read."""
        return self._unreadable

    @property
    def title(self) -> str:
        """What is open, for people; empty for nothing."""
        return "" if self._picture is None else self._picture.picture.name

    @property
    def is_opening(self) -> bool:
        """Whether a picture is being opened."""
        return self._is_opening

    def annotation_files(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """The annotation files that there are or will be once saved, and their pictures."""
        from cmp_studio.pipeline.annotation_store import annotation_path

        if self.path is None:
            if self._store is None or not self._session.annotation.objects:
                return (), ()
            return (self._store,), (Path(self.title),)
        pictures = tuple(path for path in self._paths if path in self._annotated)
        return tuple(annotation_path(path) for path in pictures), pictures

    # Opening.

    def open_folder(self, folder: Path) -> None:
        """Open the pictures of a folder, where work was left last time."""
        self.started.emit(tr("Opening {name}…").format(name=folder.name))
        self._submit(ListFolder(self._next(), folder, None))

    def open_file(self, path: Path) -> None:
        """Open the pictures of a file's folder, at that file."""
        self.started.emit(tr("Opening {name}…").format(name=path.name))
        self._submit(ListFolder(self._next(), path.parent, path))

    def open_picture(self, picture: OpenedPicture) -> None:
        """Open a picture that is no file here, such as the one of the film."""
        self.save()
        self._paths, self._index, self._annotated = (), -1, frozenset()
        self._unreadable = {}
        store = self._preferences.folder / "annotations" / f"{picture.picture.digest[:32]}.json"
        self.started.emit(tr("Opening {name}…").format(name=picture.picture.name))
        self._submit(ReadPicture(self._next(), None, picture, store))

    def close(self) -> None:
        """Forget the pictures; what was marked is saved."""
        self.save()
        self._next()
        self._paths, self._index, self._annotated = (), -1, frozenset()
        self._show(None, Annotation(), {}, {})
        self.listed.emit()

    def last_folder(self) -> Path | None:
        """The folder that was annotated last, if it is still there."""
        for name in reversed(self._last()):
            if Path(name).is_dir():
                return Path(name)
        return None

    def go(self, index: int) -> None:
        """Open another picture of the list, as soon as this one's mask has come."""
        if not 0 <= index < len(self._paths) or index == self._index:
            return
        self._session.commit()
        self._step = 1 if index >= self._index else -1
        self._wanted = index
        self.on_pending_changed()

    def step(self, steps: int) -> None:
        """Open the next picture, or an earlier one with a negative number; skip unreadable ones."""
        start = self._index if self._wanted is None else self._wanted
        index = start + steps
        while 0 <= index < len(self._paths) and self._paths[index] in self._unreadable:
            index += 1 if steps > 0 else -1
        if 0 <= index < len(self._paths):
            self.go(index)
        elif self._paths:
            last, first = tr("This is the last picture"), tr("This is the first one")
            self.warned.emit(last if steps > 0 else first)

    # Saving.

    @property
    def is_saved(self) -> bool:
        """Whether everything that was marked is on disk or on its way there."""
        annotation, masks = self._written
        if annotation is not self._session.annotation:
            return False
        return masks is self._masks.masks or not annotation.objects

    def save(self) -> None:
        """Write what was marked, if it is not on disk yet."""
        self._save_timer.stop()
        self._session.commit()
        annotation, picture = self._session.annotation, self._picture
        seconds = dict(self._session.all_seconds)
        is_timed = abs(sum(seconds.values()) - self._written_seconds) < _LEAST_SECONDS
        if picture is None or self._store is None or (self.is_saved and is_timed):
            return
        from cmp_studio.pipeline.annotation_store import StoredAnnotation

        self._written, self._written_seconds = (
            (annotation, self._masks.masks),
            sum(seconds.values()),
        )
        labels, ready = fitting_labels(self._masks.masks, annotation, picture.image_hw)
        stored = StoredAnnotation(picture.picture.name, annotation, labels, seconds, ready)
        self._background.submit(
            WriteAnnotation(self._store, stored), done=self.on_written, failed=self.on_write_failed
        )
        path = self.path
        if path is not None:
            has_objects = bool(annotation.objects)
            annotated = self._annotated | {path} if has_objects else self._annotated - {path}
            if annotated != self._annotated:
                self._annotated = annotated
                self.listed.emit()

    def submit_after_saving(
        self,
        call: Callable[[], object],
        *,
        done: Callable[[object], None],
        failed: Callable[[object], None],
    ) -> None:
        """Make a call on the thread of the files, when all that was saved so far is on disk."""
        self._background.submit(call, done=done, failed=failed)

    def stop(self) -> bool:
        """Save, end the thread and wait for it; return whether it has ended."""
        self.save()
        return self._background.stop()

    # What happens.

    def on_history_changed(self) -> None:
        """Save soon."""
        if self._picture is not None:
            self._save_timer.start()

    def on_masks_changed(self) -> None:
        """Save soon: masks belong to it."""
        if self._masks.masks is not None and not self.is_saved:
            self._save_timer.start()

    def on_pending_changed(self) -> None:
        """Go on to the picture that is wanted, once nothing would be lost."""
        if self._wanted is None or self._masks.is_pending:
            return
        index, self._wanted = self._wanted, None
        self.save()
        self._read(index)

    def on_done(self, answer: object) -> None:
        """Take what was read."""
        if isinstance(answer, Listed):
            self._on_listed(answer)
        elif isinstance(answer, OpenedAnnotation) and answer.number == self._number:
            self._on_opened(answer)
        elif isinstance(answer, LookedAhead) and self._picture is not None:
            self._ahead = (answer.path, answer.picture)
            self._masks.look_ahead(answer.picture)

    def on_failed(self, error: object) -> None:
        """Say what could not be opened; a picture of a list is skipped."""
        if isinstance(error, ReadFailed):
            if error.number != self._number:
                return
            self._unreadable[error.path] = str(error)
            self.listed.emit()
            index = self._paths.index(error.path) if error.path in self._paths else -1
            following = self._readable_from(index)
            if following is not None:
                self.warned.emit(f"{error} " + tr("It is skipped."))
                self._read(following)
                return
        self._is_opening = False
        if isinstance(error, BaseException):
            self.warned.emit(
                sentence_of(error)
                if not isinstance(error, ReadFailed)
                else f"{error} " + tr("No other picture here can be read either.")
            )
        self.finished.emit()

    def on_looked_ahead_failed(self, _error: object) -> None:
        """The next picture says why when it is opened."""

    def on_written(self, _answer: object) -> None:
        """Everything is on disk."""
        self.saved.emit()

    def on_write_failed(self, error: object) -> None:
        """Say it, and try again at the next change."""
        self._written = (Annotation(), None)
        if isinstance(error, BaseException):
            self.warned.emit(sentence_of(error))

    # Inside.

    def _next(self) -> int:
        self._number += 1
        self._is_opening = True
        return self._number

    def _submit(self, work: Callable[[], object]) -> None:
        self._background.submit(work, done=self.on_done, failed=self.on_failed)

    def _readable_from(self, index: int) -> int | None:
        """The next readable picture in the direction of travel, or in the other one."""
        if index < 0:
            return None
        forth = range(index + 1, len(self._paths))
        back = range(index - 1, -1, -1)
        ways = (*forth, *back) if self._step > 0 else (*back, *forth)
        return next((i for i in ways if self._paths[i] not in self._unreadable), None)

    def _on_listed(self, answer: Listed) -> None:
        if answer.number != self._number:
            return
        self.save()
        self._paths, self._annotated = answer.paths, answer.annotated
        self._unreadable = {}
        self._index = -1
        self.listed.emit()
        last = self._last().get(str(answer.folder), "")
        names = [path.name for path in answer.paths]
        index = 0
        if answer.first is not None and answer.first in answer.paths:
            index = answer.paths.index(answer.first)
        elif last in names:
            index = names.index(last)
        self._step = 1
        self._read(index)

    def _read(self, index: int) -> None:
        from cmp_studio.pipeline.annotation_store import annotation_path

        path = self._paths[index]
        ahead = self._ahead[1] if self._ahead is not None and self._ahead[0] == path else None
        self.started.emit(tr("Opening {name}…").format(name=path.name))
        self._submit(ReadPicture(self._next(), path, ahead, annotation_path(path)))

    def _on_opened(self, answer: OpenedAnnotation) -> None:
        self._index = -1 if answer.path is None else self._paths.index(answer.path)
        self._store = answer.store
        self._show(answer.picture, answer.annotation, answer.masks, answer.seconds)
        self._is_opening = False
        if answer.sentence:
            self.warned.emit(answer.sentence)
        self.finished.emit()
        self.listed.emit()
        if answer.path is not None:
            self._remember(answer.path)
            following = self._readable_from(self._index)
            if following is not None and following > self._index:
                self._background.submit(
                    ReadAhead(self._paths[following]),
                    done=self.on_done,
                    failed=self.on_looked_ahead_failed,
                )

    def _show(
        self,
        picture: OpenedPicture | None,
        annotation: Annotation,
        masks: Mapping[Hashable, NDArray[np.bool_]],
        seconds: Mapping[int, float],
    ) -> None:
        self._save_timer.stop()
        self._picture = picture
        if picture is None:
            self._store = None
        self._masks.open(picture, masks)
        self._session.open(annotation, (0, 0) if picture is None else picture.image_hw, seconds)
        self._written, self._written_seconds = (annotation, None), sum(seconds.values())
        self._save_timer.stop()
        self.opened.emit()

    def _last(self) -> dict[str, str]:
        """The picture that was open last in each of some folders, the newest folder last."""
        try:
            values = json.loads(self._preferences.text(_LAST_KEY, "{}"))
        except ValueError:
            return {}
        return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else {}

    def _remember(self, path: Path) -> None:
        last = self._last()
        last.pop(str(path.parent), None)
        last[str(path.parent)] = path.name
        kept = dict(list(last.items())[-_REMEMBERED:])
        self._preferences.set_text(_LAST_KEY, json.dumps(kept))
