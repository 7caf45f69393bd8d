"""Reading and writing annotated pictures, as calls for a thread in the background."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.annotation import Annotation
from cmp_studio.document.errors import PictureError
from cmp_studio.document.scene import picture_from_bytes
from cmp_studio.services.annotation_masks import Masks
from cmp_studio.services.pictures import OpenedPicture, open_picture
from cmp_studio.services.scene_files import PICTURE_SUFFIXES
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import sentence_of


class ReadFailed(Exception):
    """A picture can't be read."""

    def __init__(self, number: int, path: Path, sentence: str) -> None:
        super().__init__(sentence)
        self.number = number
        self.path = path


@dataclass(frozen=True, slots=True)
class Listed:
    """The pictures of a folder, in order."""

    number: int
    folder: Path
    paths: tuple[Path, ...]
    annotated: frozenset[Path]
    first: Path | None


@dataclass(frozen=True, slots=True)
class ListFolder:
    """Look for the pictures of a folder; ``first`` is to be opened first."""

    number: int
    folder: Path
    first: Path | None

    def __call__(self) -> Listed:
        """Return the pictures.

        Raises:
            PictureError: The folder can't be read, or holds none.
        """
        from cmp_studio.pipeline.annotation_store import annotation_path

        try:
            found = sorted(
                (p for p in self.folder.iterdir() if _is_picture(p)), key=lambda p: _natural(p.name)
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise PictureError(
                tr("The folder {folder} can't be opened: {reason}.").format(
                    folder=self.folder, reason=reason.lower()
                )
            ) from error
        first = self.first
        if first is not None and first not in found:
            found.append(first)  # a file of another name is tried, and says why it can't be read
        if not found:
            kinds = ", ".join(s.lstrip(".").upper() for s in PICTURE_SUFFIXES[:4])
            raise PictureError(
                tr("The folder {folder} holds no pictures; choose one with {kinds} files.").format(
                    folder=self.folder.name, kinds=kinds
                )
            )
        annotated = frozenset(path for path in found if annotation_path(path).is_file())
        return Listed(self.number, self.folder, tuple(found), annotated, first)


@dataclass(frozen=True, eq=False)
class OpenedAnnotation:
    """A picture with what was marked on it before; ``sentence`` says what could not be used."""

    number: int
    path: Path | None
    picture: OpenedPicture
    store: Path
    annotation: Annotation = field(default_factory=Annotation)
    masks: dict[Hashable, NDArray[np.bool_]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReadPicture:
    """Decode a picture, if that is still to do, and read its annotation."""

    number: int
    path: Path | None
    picture: OpenedPicture | None
    store: Path

    def __call__(self) -> OpenedAnnotation:
        """Return what is there.

        Raises:
            ReadFailed: The picture can't be read.
        """
        from cmp_studio.pipeline.annotation_store import read_annotation
        from cmp_studio.pipeline.errors import AnnotationError

        picture = self.picture
        if picture is None and self.path is not None:
            try:
                picture = _open(self.path)
            except Exception as error:
                raise ReadFailed(self.number, self.path, sentence_of(error)) from error
        if picture is None:
            raise RuntimeError("neither a picture nor a file to open")
        if not self.store.is_file():
            return OpenedAnnotation(self.number, self.path, picture, self.store)
        try:
            stored = read_annotation(self.store, picture.image_hw)
        except AnnotationError as error:
            aside = self.store.with_name(f"{self.store.name}.damaged")
            self.store.replace(aside)
            kept = tr("It was kept as {name}, and the picture begins anew.")
            sentence = f"{sentence_of(error)} {kept.format(name=aside.name)}"
            return OpenedAnnotation(self.number, self.path, picture, self.store, sentence=sentence)
        masks = {
            thing.mask_key: stored.labels == number
            for number, thing in enumerate(stored.annotation.objects, 1)
            if thing.id in stored.ready and thing.mask_key is not None
        }
        return OpenedAnnotation(
            self.number,
            self.path,
            picture,
            self.store,
            stored.annotation,
            masks,
            dict(stored.seconds),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LookedAhead:
    """The picture that comes next, decoded."""

    path: Path
    picture: OpenedPicture


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """Decode the picture that comes next."""

    path: Path

    def __call__(self) -> LookedAhead:
        """Return the picture."""
        return LookedAhead(self.path, _open(self.path))


@dataclass(frozen=True, slots=True, eq=False)
class WriteAnnotation:
    """Write an annotation, or remove the file of an empty one."""

    path: Path
    stored: object

    def __call__(self) -> None:
        """Write it.

        Raises:
            AnnotationError: It can't be written.
        """
        from cmp_studio.pipeline.annotation_store import StoredAnnotation, write_annotation

        if not isinstance(self.stored, StoredAnnotation):
            return
        if self.stored.annotation.objects:
            write_annotation(self.path, self.stored)
        else:
            self.path.unlink(missing_ok=True)


def fitting_labels(
    masks: Masks | None, annotation: Annotation, size_hw: tuple[int, int]
) -> tuple[NDArray[np.uint8], frozenset[int]]:
    """The labels of an annotation as far as they are known, and the objects that they fit."""
    if masks is None:
        return np.zeros(size_hw, np.uint8), frozenset()
    ids = tuple(thing.id for thing in annotation.objects)
    same = {thing.id for thing in annotation.objects if masks.annotation.find(thing.id) == thing}
    ready = frozenset(same & masks.ready)
    if ids == masks.ids:
        return masks.labels, ready
    table = np.zeros(256, np.uint8)
    for number, object_id in enumerate(masks.ids, 1):
        table[number] = ids.index(object_id) + 1 if object_id in ids else 0
    return table[masks.labels], ready


def _open(path: Path) -> OpenedPicture:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(
            tr("{name} can't be opened: {reason}.").format(name=path.name, reason=reason)
        ) from error
    return open_picture(picture_from_bytes(data, path.name))


def _is_picture(path: Path) -> bool:
    is_named = path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    return is_named and path.is_file()


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which picture 2 comes before picture 10."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for letter in f"{name.casefold()}\0":
        if letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((int(digits), ""))
            digits = ""
        parts.append((-1, letter))
    return parts
