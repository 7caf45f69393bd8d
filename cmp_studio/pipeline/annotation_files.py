"""Annotated objects to files: PNG, COCO, labelme, CSV.

Coordinates of polygons are px with the upper left corner of the picture at (0, 0); clicks keep the
program's own, with the centre of the first pixel at (0, 0).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.errors import AnnotationError
from cmp_studio.pipeline.outlines import outlines_of

Bool = NDArray[np.bool_]
CocoShape = Literal["auto", "polygons", "rle"]

MAX_OBJECTS: Final = 254
"""Objects of one picture in an indexed PNG; 0 is background, and 255 stays free for "ignore"."""

TOLERANCE: Final = 0.75
"""How far a simplified polygon may be off, px."""

LABELME_VERSION: Final = "5.5.0"
"""Version of labelme's file format that is written."""

CSV_COLUMNS: Final = (
    "image",
    "object",
    "label",
    "clicks",
    "positive",
    "negative",
    "seconds",
    "area_px",
    "positive_xy",
    "negative_xy",
)


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of a picture.

    Attributes:
        label: Its category.
        mask: (H, W) bool.
        positive: Clicks on it, x, y px of the picture.
        negative: Clicks beside it.
        seconds: Time that was spent on it; None where nobody measured.
    """

    label: str
    mask: Bool
    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class AnnotatedImage:
    """A picture with its objects.

    Attributes:
        name: File name of the picture, as it is to stand in the files.
        size_hw: Height and width, px.
        objects: In order; where masks overlap, the later one lies above.
    """

    name: str
    size_hw: tuple[int, int]
    objects: tuple[AnnotatedObject, ...]

    def __post_init__(self) -> None:
        """Refuse masks of another size."""
        for number, item in enumerate(self.objects, 1):
            if item.mask.shape != self.size_hw or item.mask.dtype != np.bool_:
                raise AnnotationError(
                    "The mask of object {number} of {name} should be bool of the shape {size_hw}, "
                    "got {dtype} of {shape}.",
                    number=number,
                    name=self.name,
                    size_hw=self.size_hw,
                    dtype=item.mask.dtype,
                    shape=item.mask.shape,
                )


def write_mask(path: Path, mask: Bool) -> None:
    """Write one mask as a grey PNG: 255 on the object, 0 elsewhere.

    Raises:
        AnnotationError: The file can't be written.
    """
    _write_picture(path, Image.fromarray(mask.astype(np.uint8) * np.uint8(255)))


def write_score(path: Path, score: NDArray[np.float32]) -> None:
    """Write a score (H, W) in 0..1 as a grey PNG, 255 for 1.

    Raises:
        AnnotationError: The file can't be written.
    """
    _write_picture(path, Image.fromarray(np.rint(score * 255).astype(np.uint8)))


def write_object_masks(
    folder: Path, image: AnnotatedImage, *, stem: str | None = None
) -> list[Path]:
    """Write ``STEM_NUMBER.png`` for each object, 255 on the object, and return the paths.

    Args:
        folder: Where to.
        image: With its objects.
        stem: Start of the names; default that of the picture's name.

    Raises:
        AnnotationError: A file can't be written.
    """
    paths = []
    for number, item in enumerate(image.objects, 1):
        paths.append(folder / f"{stem or Path(image.name).stem}_{number}.png")
        write_mask(paths[-1], item.mask)
    return paths


def write_indexed(path: Path, image: AnnotatedImage) -> None:
    """Write an indexed PNG: 0 background, 1 the first object, 2 the second, each with a colour.

    Raises:
        AnnotationError: More than `MAX_OBJECTS`, or the file can't be written.
    """
    if len(image.objects) > MAX_OBJECTS:
        raise AnnotationError(
            "{name} has {count} objects, and an indexed PNG holds {max_objects}; write a mask for "
            "each object instead.",
            name=image.name,
            count=len(image.objects),
            max_objects=MAX_OBJECTS,
        )
    index = np.zeros(image.size_hw, np.uint8)
    for number, item in enumerate(image.objects, 1):
        index[item.mask] = number
    picture = Image.fromarray(index, mode=None).convert("L")
    picture.putpalette(_palette())
    _write_picture(path, picture)


def write_coco(path: Path, images: Sequence[AnnotatedImage], *, shape: CocoShape = "auto") -> None:
    """Write a COCO file of object instances.

    Args:
        path: The ``.json`` file.
        images: All pictures; objects with empty masks are left out.
        shape: ``polygons`` simplified to `TOLERANCE`, which can't show holes; ``rle`` exact;
            ``auto`` polygons, and RLE for objects with holes.

    Raises:
        AnnotationError: The file can't be written.
    """
    labels = sorted({item.label for image in images for item in image.objects})
    category = {label: number for number, label in enumerate(labels, 1)}
    annotations: list[dict[str, object]] = []
    for image_id, image in enumerate(images, 1):
        for item in image.objects:
            if not item.mask.any():
                continue
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category[item.label],
                    "segmentation": _coco_shape(item.mask, shape),
                    "area": int(item.mask.sum()),
                    "bbox": _box(item.mask),
                    "iscrowd": 0,
                }
            )
    document: dict[str, object] = {
        "info": {"description": "Annotated with CMP Studio", "version": "1.0"},
        "licenses": [],
        "images": [
            {
                "id": n,
                "file_name": image.name,
                "width": image.size_hw[1],
                "height": image.size_hw[0],
            }
            for n, image in enumerate(images, 1)
        ],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label, "supercategory": ""} for label, number in category.items()
        ],
    }
    _write_text(path, json.dumps(document))


def write_labelme(path: Path, image: AnnotatedImage, *, picture: Path | None = None) -> None:
    """Write a labelme file.

    Objects without holes are polygons, those of several parts with one group number; objects with
    holes are masks.

    Args:
        path: The ``.json`` file.
        image: With its objects.
        picture: Where the picture lies, for labelme to find it; default beside the file.

    Raises:
        AnnotationError: The file can't be written.
    """
    shapes: list[dict[str, object]] = []
    for number, item in enumerate(image.objects, 1):
        if not item.mask.any():
            continue
        outlines = outlines_of(item.mask, tolerance=TOLERANCE)
        if outlines.holes:
            shapes.append(_labelme_mask(item))
            continue
        group = number if len(outlines.parts) > 1 else None
        shapes += [
            _labelme_shape(item.label, "polygon", part.tolist(), group) for part in outlines.parts
        ]
    document: dict[str, object] = {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image.name if picture is None else _way(path, picture),
        "imageData": None,
        "imageHeight": image.size_hw[0],
        "imageWidth": image.size_hw[1],
    }
    _write_text(path, json.dumps(document, indent=1))


def write_clicks(path: Path, images: Sequence[AnnotatedImage]) -> None:
    """Write a CSV with one row for each object: clicks, seconds, area.

    Raises:
        AnnotationError: The file can't be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for image in images:
        for number, item in enumerate(image.objects, 1):
            count = len(item.positive), len(item.negative)
            seconds = "" if item.seconds is None else f"{item.seconds:.1f}"
            area = int(item.mask.sum())
            clicks = (format_clicks(item.positive), format_clicks(item.negative))
            writer.writerow(
                [image.name, number, item.label, sum(count), *count, seconds, area, *clicks]
            )
    _write_text(path, text.getvalue())


def format_clicks(clicks: Sequence[Point]) -> str:
    """Return clicks as ``X,Y X,Y``, as list files have them."""
    return " ".join(f"{x:g},{y:g}" for x, y in clicks)


def rle_counts(mask: Bool) -> list[int]:
    """Return COCO's uncompressed run lengths: down the columns, background first."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], changes, [len(flat)]])
    counts = np.diff(ends).tolist()
    return [0, *counts] if flat[0] else counts


def _way(path: Path, picture: Path) -> str:
    """Return the way from a file's folder to a picture; the whole path from another drive."""
    try:
        return Path(os.path.relpath(picture.absolute(), path.absolute().parent)).as_posix()
    except ValueError:
        return picture.absolute().as_posix()


def _coco_shape(mask: Bool, shape: CocoShape) -> object:
    rle = {"size": [mask.shape[0], mask.shape[1]], "counts": rle_counts(mask)}
    if shape == "rle":
        return rle
    outlines = outlines_of(mask, tolerance=TOLERANCE)
    if shape == "auto" and outlines.holes:
        return rle
    return [np.ravel(part).tolist() for part in outlines.parts]


def _labelme_mask(item: AnnotatedObject) -> dict[str, object]:
    left, top, width, height = _box(item.mask)
    part = item.mask[top : top + height, left : left + width]
    buffer = io.BytesIO()
    Image.fromarray(part.astype(np.uint8) * np.uint8(255)).save(buffer, format="PNG")
    corners = [[left, top], [left + width - 1, top + height - 1]]
    shape = _labelme_shape(item.label, "mask", corners, None)
    return {**shape, "mask": base64.b64encode(buffer.getvalue()).decode("ascii")}


def _labelme_shape(label: str, kind: str, points: object, group: int | None) -> dict[str, object]:
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }


def _box(mask: Bool) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a mask that is not empty, px."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def _palette() -> list[int]:
    """Return 256 colours: black, then colours that differ in ever finer steps (VOC's palette)."""
    colors: list[int] = []
    for index in range(256):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
        colors += channels
    return colors


def _write_picture(path: Path, picture: Image.Image) -> None:
    _write(path, lambda partial: picture.save(partial, format="PNG"))


def _write_text(path: Path, text: str) -> None:
    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8", newline="\n")

    _write(path, write)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        if path.is_dir():
            raise AnnotationError(
                "{path} is a folder, and a file is expected; give a name.", path=path
            )
        with partial_file(path) as partial:
            write(partial)
    except OSError as error:
        raise AnnotationError(describe_os_error(error, path)) from error
