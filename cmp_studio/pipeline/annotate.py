"""Clicks to masks, for one picture or a list of many."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from cmp_engine.errors import Cancelled, EngineError
from cmp_engine.image_io import read_image
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.annotation_files import AnnotatedImage, AnnotatedObject
from cmp_studio.pipeline.errors import AnnotationError

if TYPE_CHECKING:
    from cmp_engine.segment import ClickSegmenter

LIST_COLUMNS: Final = ("image", "label", "positive", "negative")
_DEFAULT_LABEL: Final = "object"


@dataclass(frozen=True, slots=True)
class ClickedObject:
    """One row of a click list.

    Attributes:
        image: The picture.
        label: Category of the object.
        positive: Clicks on it, x, y px of the picture.
        negative: Clicks beside it.
        line: Line of the list, for messages.
    """

    image: Path
    label: str
    positive: tuple[Point, ...]
    negative: tuple[Point, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Annotated:
    """What came of a click list.

    Attributes:
        images: Pictures with the objects that could be made.
        paths: Where each picture lies.
        failures: A sentence for each row or picture that could not be used.
    """

    images: tuple[AnnotatedImage, ...]
    paths: tuple[Path, ...]
    failures: tuple[str, ...]


def read_click_list(path: Path) -> tuple[list[ClickedObject], list[str]]:
    """Return the rows of a click list, and a sentence for each row that makes no sense.

    The list is a CSV file with the columns ``image``, ``positive`` and, if wanted, ``negative`` and
    ``label``. Clicks are ``X,Y X,Y``, so they stand in quotes. Pictures without a folder lie beside
    the list. One row is one object.

    Raises:
        AnnotationError: The file can't be read, or has no such columns or no rows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise AnnotationError("There is no file {path}; check the name.", path=path) from error
    except OSError as error:
        raise AnnotationError(
            "{path} can't be read: {reason}.", path=path, reason=error.strerror or error
        ) from error
    except UnicodeDecodeError as error:
        raise AnnotationError(
            "{path} is no text in UTF-8; save the list as CSV.", path=path
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    names = {(name or "").strip() for name in reader.fieldnames or ()}
    if not {"image", "positive"} <= names:
        raise AnnotationError(
            "The list {path} should begin with the columns {columns}, got {found}.",
            path=path,
            columns=",".join(LIST_COLUMNS),
            found=",".join(reader.fieldnames or ()) or "nothing",
        )
    objects: list[ClickedObject] = []
    failures: list[str] = []
    for raw in reader:
        row = {(name or "").strip(): value or "" for name, value in raw.items() if name}
        line = reader.line_num
        try:
            objects.append(
                ClickedObject(
                    path.parent / row["image"].strip(),
                    row.get("label", "").strip() or _DEFAULT_LABEL,
                    _clicks(row["positive"]),
                    _clicks(row.get("negative", "")),
                    line,
                )
            )
        except ValueError as error:
            failures.append(f"Line {line} of {path.name}: {error}")
    if not objects and not failures:
        raise AnnotationError("The list {path} has no rows; add one for each object.", path=path)
    return objects, failures


def annotate(
    objects: Sequence[ClickedObject],
    segmenter: ClickSegmenter,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Annotated:
    """Return the masks of many objects; what fails is named, and the rest goes on.

    Objects of one picture are made in order, and what belongs to an earlier one is kept from the
    later ones.

    Args:
        objects: What to make; rows of one picture need not stand together.
        segmenter: Used from the calling thread alone.
        progress: Called with objects done and all objects.
        cancelled: Asked before each object.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    by_image: dict[Path, list[ClickedObject]] = {}
    for item in objects:
        by_image.setdefault(item.image, []).append(item)
    images: list[AnnotatedImage] = []
    paths: list[Path] = []
    failures: list[str] = []
    done = 0
    for path, items in by_image.items():
        made: list[AnnotatedObject] = []
        try:
            picture = read_image(path)
            segmenter.set_image(picture)
        except EngineError as error:
            failures.append(str(error))
            done += len(items)
            continue
        taken = np.zeros(picture.shape[:2], np.bool_)
        for item in items:
            if cancelled is not None and cancelled():
                raise Cancelled("Annotating was stopped.")
            start = time.perf_counter()
            try:
                mask = segmenter.mask(item.positive, item.negative, exclude=taken).mask
            except EngineError as error:
                where = f"line {item.line}, " if item.line else ""
                failures.append(f"{path.name}, {where}{item.label}: {error}")
            else:
                seconds = time.perf_counter() - start
                made.append(
                    AnnotatedObject(item.label, mask, item.positive, item.negative, seconds)
                )
                taken |= mask
            done += 1
            if progress is not None:
                progress(done, len(objects))
        if made:
            size_hw = (picture.shape[0], picture.shape[1])
            images.append(AnnotatedImage(path.name, size_hw, tuple(made)))
            paths.append(path)
    return Annotated(tuple(images), tuple(paths), tuple(failures))


def _clicks(text: str) -> tuple[Point, ...]:
    clicks = []
    for word in text.replace(";", " ").split():
        try:
            x, y = (float(part) for part in word.split(","))
        except ValueError:
            raise ValueError(f"{word!r} should be a click X,Y such as 320,200.") from None
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"{word!r} should be a click of two finite numbers.")
        clicks.append((x, y))
    return tuple(clicks)
