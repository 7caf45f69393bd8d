"""All services of Annotate, made in the right order and stopped in the right order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cmp_studio.document.errors import DocumentError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import Mask, mask_from_array, mask_to_array
from cmp_studio.document.scene import Scene, set_freeze
from cmp_studio.document.scene_edits import add_group
from cmp_studio.services.annotate_tools import AnnotateTools
from cmp_studio.services.annotation_clock import AnnotationClock
from cmp_studio.services.annotation_folder import AnnotationFolder
from cmp_studio.services.annotation_masks import AnnotationMasks
from cmp_studio.services.annotation_session import AnnotationSession
from cmp_studio.services.background import Background
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.session import PALETTE_SIZE, Session
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import sentence_of

FilmUse = Literal["freeze", "layer"]


class Annotator(QObject):
    """What the pages of Annotate work with.

    Args:
        film: The scene that masks can be put into.
        worker: Asks the network.
        background: Writes files.
        preferences: What is remembered between runs.

    Signals:
        exported(sentence): Files were written; what.
        failed(sentence): They could not be, or a mask could not be used.
        film_mask_made(mask): A `FilmMask` that was asked for.
    """

    exported = Signal(str)
    failed = Signal(str)
    film_mask_made = Signal(object)

    def __init__(
        self,
        film: Session,
        worker: PredictorWorker,
        background: Background,
        preferences: Preferences,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._film = film
        self._background = background
        self._is_on = False
        self._is_making_mask = False
        self._wanted: tuple[Path, tuple[str, ...]] | None = None
        self.session = AnnotationSession(self)
        self.masks = AnnotationMasks(self.session, worker, self)
        self.folder = AnnotationFolder(self.session, self.masks, preferences, self)
        self.tools = AnnotateTools(self.session, self.masks, self)
        self.clock = AnnotationClock(self.session, self)
        self.tools.touched.connect(self.clock.touch)
        self.masks.pending_changed.connect(self.on_pending_changed)
        film.opened.connect(self.on_film_opened)

    def enter(self) -> None:
        """The mode is on: go on with what is open, or take the film's photo."""
        self._is_on = True
        self.masks.set_on(is_on=True)
        self.clock.set_on(is_on=True)
        picture, here = self._film.picture, self.folder.picture
        is_film = self.folder.path is None
        if picture is not None and is_film and not self.folder.is_opening and here is not picture:
            self.folder.open_picture(picture)

    def leave(self) -> None:
        """The mode is off: everything is saved, and the network is left to others."""
        self._is_on = False
        self.tools.cancel()
        self.clock.set_on(is_on=False)
        self.folder.save()
        self.masks.set_on(is_on=False)

    def on_film_opened(self) -> None:
        """A photo was opened or pasted for the film while this mode is on: take it."""
        if self._is_on and self._film.picture is not None:
            self.enter()

    # Files.

    def export(self, folder: Path, kinds: Sequence[str]) -> bool:
        """Write the annotated pictures as files, once all masks have come.

        Returns:
            Whether there is anything to write.
        """
        self.session.commit()
        is_any = bool(self.session.annotation.objects) or bool(self.folder.annotation_files()[0])
        if is_any:
            self._wanted = (folder, tuple(kinds))
            self.on_pending_changed()
        return is_any

    def on_pending_changed(self) -> None:
        """Write the files that are wanted, once nothing is missing from them."""
        if self._wanted is None or self.masks.is_pending:
            return
        (folder, kinds), self._wanted = self._wanted, None
        self.folder.save()
        stored, pictures = self.folder.annotation_files()
        self.folder.submit_after_saving(
            _Export(folder, stored, pictures, kinds), done=self.on_exported, failed=self.on_failed
        )

    def on_exported(self, answer: object) -> None:
        """Say what was written."""
        if isinstance(answer, str):
            self.exported.emit(answer)

    def on_failed(self, error: object) -> None:
        """Say what did not work."""
        if isinstance(error, BaseException):
            self.failed.emit(sentence_of(error))

    # Into the film.

    def make_film_mask(self, use: FilmUse) -> bool:
        """Make a mask for the film of the object that is worked on; return whether there is one.

        While one is being made, no other is.
        """
        self.session.commit()
        thing, masks, picture = self.session.current, self.masks.masks, self.folder.picture
        if thing is None and self.session.annotation.objects:
            thing = self.session.annotation.objects[-1]
        if thing is None or masks is None or picture is None or thing.id not in masks.ids:
            return False
        number = masks.ids.index(thing.id) + 1
        if not masks.areas[number - 1]:
            return False
        if not self._is_making_mask:
            self._is_making_mask = True
            make = _MakeMask(masks.labels, number, thing.label, picture, use)
            self._background.submit(make, done=self.on_mask_made, failed=self.on_mask_failed)
        return True

    def on_mask_made(self, answer: object) -> None:
        """Hand the mask on."""
        self._is_making_mask = False
        if isinstance(answer, FilmMask):
            self.film_mask_made.emit(answer)

    def on_mask_failed(self, error: object) -> None:
        """Say what did not work."""
        self._is_making_mask = False
        self.on_failed(error)

    def is_of_film(self, mask: FilmMask) -> bool:
        """Whether a mask belongs to the photo of the film."""
        picture = self._film.picture
        return picture is not None and picture.picture.digest == mask.picture.picture.digest

    def put_into_film(self, mask: FilmMask) -> None:
        """Hold an object still in the film, or make a layer of it; one undo step.

        Of another photo than the film's a new scene is opened first.
        """
        film = self._film
        film.commit()
        if not self.is_of_film(mask):
            film.start(Scene(mask.picture.picture), mask.picture)
        scene = film.scene
        if scene is None:
            return
        try:
            if mask.use == "freeze":
                film.apply(
                    set_freeze(scene, _joined(scene.freeze, mask)),
                    tr("Hold {label} still").format(label=mask.label),
                )
            else:
                group = Group(
                    name=mask.label, mask=mask.mask, color=(len(scene.groups) + 2) % PALETTE_SIZE
                )
                changed = add_group(scene, group, track_ids=_tracks_in(scene, mask))
                film.apply(changed, tr("New layer {label}").format(label=mask.label))
        except DocumentError as error:
            self.failed.emit(sentence_of(error))

    def stop(self) -> bool:
        """Save, end the threads and wait for them; return whether they have ended."""
        self.clock.set_on(is_on=False)
        has_ended = self.folder.stop()
        return self.masks.stop() and has_ended


@dataclass(frozen=True, slots=True, eq=False)
class FilmMask:
    """The mask of an object, on its way into the film.

    Attributes:
        mask: 255 on the object.
        inside: The same as (H, W) bool.
        label: What the object is called.
        picture: Whose object it is.
        use: What it is for.
    """

    mask: Mask
    inside: NDArray[np.bool_]
    label: str
    picture: OpenedPicture
    use: FilmUse


@dataclass(frozen=True, slots=True, eq=False)
class _MakeMask:
    labels: NDArray[np.uint8]
    number: int
    label: str
    picture: OpenedPicture
    use: FilmUse

    def __call__(self) -> FilmMask:
        inside = self.labels == self.number
        mask = mask_from_array(inside.astype(np.uint8) * np.uint8(255))
        return FilmMask(mask, inside, self.label, self.picture, self.use)


@dataclass(frozen=True, slots=True)
class _Export:
    folder: Path
    stored: tuple[Path, ...]
    pictures: tuple[Path, ...]
    kinds: tuple[str, ...]

    def __call__(self) -> str:
        from cmp_studio.pipeline.annotation_export import write_annotations
        from cmp_studio.pipeline.annotation_store import StoredImages

        outputs = write_annotations(
            self.folder, StoredImages(self.stored), self.pictures, self.kinds
        )
        pictures, files = len(self.pictures), len(outputs)
        written = tr("%n files", "", files, one="1 file")
        shown = tr("%n pictures", "", pictures, one="1 picture")
        return tr("{files} for {pictures} written to {folder}").format(
            files=written, pictures=shown, folder=self.folder
        )


def _joined(old: Mask | None, mask: FilmMask) -> Mask:
    """A freeze mask that holds the object as well as what it held before."""
    if old is None:
        return mask.mask
    array = np.maximum(mask_to_array(old), mask.inside.astype(np.uint8) * np.uint8(255))
    return replace(mask_from_array(array), feather=old.feather)


def _tracks_in(scene: Scene, mask: FilmMask) -> frozenset[int]:
    """The tracks that pull at the object: they begin in its mask, and are in no layer yet."""
    height, width = mask.inside.shape
    found = set()
    for track in scene.tracks:
        x, y = round(track.tail[0]), round(track.tail[1])
        if 0 <= x < width and 0 <= y < height and mask.inside[y, x] and track.group == 0:
            found.add(track.id)
    return frozenset(found)
