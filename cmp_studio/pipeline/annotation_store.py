"""The file that keeps what was marked on a picture, so that work can go on another day.

Beside the pictures of a folder lies a folder ``annotations`` with ``PICTURE.annotation.json`` for
each picture that was worked on: clicks, strokes, settings, times, and the masks that they came to.
Points are px of the picture, pixel centres at integers; ``masks`` is an indexed PNG in Base64, 0
background, 1 the first object.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_studio.document.annotation import (
    MAX_OBJECTS,
    METHODS,
    Annotation,
    BrushStroke,
    Click,
    ClickedThing,
    MaskSettings,
)
from cmp_studio.document.errors import DocumentError
from cmp_studio.document.json_reader import JsonReader
from cmp_studio.pipeline.annotation_files import AnnotatedImage, AnnotatedObject
from cmp_studio.pipeline.errors import AnnotationError

Labels = NDArray[np.uint8]

FOLDER_NAME: Final = "annotations"
SUFFIX: Final = ".annotation.json"
FORMAT: Final = "cmp-studio-annotation"
VERSION: Final = 1
_MAX_MARKS: Final = 100_000


@dataclass(frozen=True, eq=False)
class StoredAnnotation:
    """What was marked on a picture, with its masks.

    Attributes:
        name: File name of the picture.
        annotation: Its objects.
        labels: (H, W) uint8, 0 background, 1 the first object, and so on.
        seconds: Time that was spent on each object, by id.
        ready: Ids of the objects whose masks belong to their clicks; the others had none yet.
    """

    name: str
    annotation: Annotation
    labels: Labels
    seconds: Mapping[int, float] = field(default_factory=dict)
    ready: frozenset[int] = frozenset()

    def annotated_image(self) -> AnnotatedImage:
        """Return the objects with their masks, as the files of other programs want them."""
        objects = tuple(
            AnnotatedObject(
                thing.label,
                self.labels == number,
                thing.positive,
                thing.negative,
                self.seconds.get(thing.id),
            )
            for number, thing in enumerate(self.annotation.objects, 1)
        )
        return AnnotatedImage(self.name, (self.labels.shape[0], self.labels.shape[1]), objects)


def annotation_path(picture: Path) -> Path:
    """Return where the annotation of a picture file lies."""
    return picture.parent / FOLDER_NAME / f"{picture.name}{SUFFIX}"


def write_annotation(path: Path, stored: StoredAnnotation) -> None:
    """Write an annotation; a file of that name is replaced when the new one is whole.

    Raises:
        AnnotationError: The file can't be written.
    """
    values = {
        "format": FORMAT,
        "version": VERSION,
        "image": {
            "name": stored.name,
            "width": stored.labels.shape[1],
            "height": stored.labels.shape[0],
        },
        "next_id": stored.annotation.next_id,
        "objects": [_object_values(thing, stored) for thing in stored.annotation.objects],
        "masks": _png_text(stored.labels),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(path) as partial:
            partial.write_text(json.dumps(values), encoding="utf-8", newline="\n")
    except OSError as error:
        raise AnnotationError(describe_os_error(error, path)) from error


def read_annotation(path: Path, size_hw: tuple[int, int] | None = None) -> StoredAnnotation:
    """Return what a file holds.

    Args:
        path: As `annotation_path` names it.
        size_hw: Of the picture that it should belong to; None takes any.

    Raises:
        AnnotationError: The file can't be read, is damaged, or belongs to another picture.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AnnotationError(
            "{path} can't be read: {reason}.", path=path, reason=error.strerror or error
        ) from error
    except UnicodeDecodeError as error:
        raise AnnotationError(
            "{name} is damaged: it is no text in UTF-8.", name=path.name
        ) from error
    try:
        reader = JsonReader(json.loads(text), path.name, file="annotation")
        stored = _stored(reader)
    except (AnnotationError, DocumentError, ValueError, RecursionError) as error:
        raise AnnotationError(
            "{name} can't be used. {error}", name=path.name, error=error
        ) from error
    if size_hw is not None and stored.labels.shape != size_hw:
        height, width = stored.labels.shape
        raise AnnotationError(
            "{file} was made for a picture of {width} x {height} px, and {name} has {now_width} x "
            "{now_height} now; move the file away to begin anew.",
            file=path.name,
            width=width,
            height=height,
            name=stored.name,
            now_width=size_hw[1],
            now_height=size_hw[0],
        )
    return stored


class StoredImages(Sequence[AnnotatedImage]):
    """The pictures of many annotation files, each read when it is asked for, and not kept.

    Args:
        paths: The annotation files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._paths)

    def __getitem__(self, index: int | slice) -> AnnotatedImage:  # type: ignore[override]  # no slices are asked for
        """Return one picture.

        Raises:
            AnnotationError: Its file can't be read any more.
        """
        if isinstance(index, slice):
            raise TypeError("annotations are read one by one; ask for one index")
        return read_annotation(self._paths[index]).annotated_image()


def _object_values(thing: ClickedThing, stored: StoredAnnotation) -> dict[str, object]:
    settings = thing.settings
    return {
        "id": thing.id,
        "label": thing.label,
        "clicks": [[*click.point, int(click.is_positive)] for click in thing.clicks],
        "others": [list(point) for point in thing.others],
        "strokes": [
            {
                "points": [list(point) for point in stroke.points],
                "radius": stroke.radius,
                "erases": stroke.is_erasing,
            }
            for stroke in thing.strokes
        ],
        "method": settings.method,
        "threshold": settings.threshold,
        "speed": settings.speed,
        "zoom": settings.zoom,
        "seconds": round(stored.seconds.get(thing.id, 0.0), 2),
        "ready": thing.id in stored.ready,
    }


def _stored(reader: JsonReader) -> StoredAnnotation:
    if reader.text("format") != FORMAT:
        raise AnnotationError("It is no annotation of CMP Studio.")
    version = reader.integer("version")
    if version > VERSION:
        raise AnnotationError(
            "It is of version {version}, and this program knows up to {newest}; update it.",
            version=version,
            newest=VERSION,
        )
    image = reader.child("image")
    size_hw = (image.integer("height"), image.integer("width"))
    things, seconds, ready = [], {}, set()
    for number, values in enumerate(reader.items("objects", MAX_OBJECTS), 1):
        part = JsonReader(values, f"object {number}", file="annotation")
        thing = _thing(part)
        things.append(thing)
        seconds[thing.id] = max(0.0, part.number("seconds"))
        if part.flag("ready"):
            ready.add(thing.id)
    if len({thing.id for thing in things}) != len(things):
        raise AnnotationError("Two of its objects have the same id.")
    next_id = max([reader.integer("next_id"), 1, *(thing.id + 1 for thing in things)])
    labels = _labels(reader.text("masks"), size_hw, len(things))
    annotation = Annotation(tuple(things), next_id)
    return StoredAnnotation(image.text("name"), annotation, labels, seconds, frozenset(ready))


def _thing(reader: JsonReader) -> ClickedThing:
    clicks = []
    for value in reader.items("clicks", _MAX_MARKS):
        x, y, side = reader.numbers("clicks", value, 3, "[x, y, 1 or 0]")
        clicks.append(Click((x, y), is_positive=side != 0))
    strokes = []
    for value in reader.items("strokes", _MAX_MARKS):
        stroke = JsonReader(value, "a stroke", file="annotation")
        points = tuple(stroke.point(point) for point in stroke.items("points", _MAX_MARKS))
        strokes.append(BrushStroke(points, stroke.number("radius"), stroke.flag("erases")))
    settings = MaskSettings(
        reader.choice("method", METHODS),
        reader.number("threshold"),
        reader.number("speed"),
        reader.number("zoom"),
    )
    others = tuple(reader.point(value) for value in reader.items("others", _MAX_MARKS))
    return ClickedThing(
        reader.integer("id"), reader.text("label"), tuple(clicks), tuple(strokes), others, settings
    )


def _png_text(labels: Labels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(labels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _labels(text: str, size_hw: tuple[int, int], count: int) -> Labels:
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if picture.mode != "L" or picture.size != (size_hw[1], size_hw[0]):
                raise AnnotationError("Its masks don't fit its picture.")
            labels = cast("Labels", np.array(picture, dtype=np.uint8))
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise AnnotationError("Its masks are no readable PNG.") from error
    if int(labels.max(initial=0)) > count:
        raise AnnotationError("Its masks show more objects than it has.")
    return labels
