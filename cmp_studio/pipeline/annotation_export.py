"""Annotated pictures to a folder of files that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from cmp_engine.errors import Cancelled
from cmp_engine.partial_file import describe_os_error
from cmp_studio.pipeline.annotation_files import (
    AnnotatedImage,
    write_clicks,
    write_coco,
    write_indexed,
    write_labelme,
    write_object_masks,
)
from cmp_studio.pipeline.errors import AnnotationError

FileKind: TypeAlias = Literal["indexed", "objects", "coco", "labelme", "csv"]
FILE_KINDS: Final[tuple[FileKind, ...]] = get_args(FileKind)


def write_annotations(
    folder: Path,
    images: Sequence[AnnotatedImage],
    pictures: Sequence[Path],
    kinds: Sequence[str] = FILE_KINDS,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Path]:
    """Write the files of some kinds and return their paths.

    Args:
        folder: Where to; made where it is missing.
        images: With their objects.
        pictures: Where each picture lies.
        kinds: Of `FILE_KINDS`.
        progress: Called with pictures done and all pictures.
        cancelled: Asked before each picture.

    Raises:
        AnnotationError: A file or the folder can't be written.
        Cancelled: ``cancelled`` said so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotationError(describe_os_error(error, folder)) from error
    outputs: list[Path] = []
    stems = distinct_stems(pictures)
    for number, (stem, picture) in enumerate(zip(stems, pictures, strict=True)):
        if cancelled is not None and cancelled():
            raise Cancelled("Writing the annotations was stopped.")
        image = images[number]
        if "indexed" in kinds:
            outputs.append(folder / f"{stem}.png")
            write_indexed(outputs[-1], image)
        if "objects" in kinds:
            outputs += write_object_masks(folder, image, stem=stem)
        if "labelme" in kinds:
            outputs.append(folder / f"{stem}.json")
            write_labelme(outputs[-1], image, picture=picture)
        if progress is not None:
            progress(number + 1, len(pictures))
    if pictures and "coco" in kinds:
        outputs.append(folder / "coco_annotations.json")
        write_coco(outputs[-1], images)
    if pictures and "csv" in kinds:
        outputs.append(folder / "clicks_and_times.csv")
        write_clicks(outputs[-1], images)
    return outputs


def distinct_stems(pictures: Sequence[Path]) -> list[str]:
    """Return a name for the files of each picture; of pictures with one name, each its own."""
    stems: list[str] = []
    taken: set[str] = set()
    for picture in pictures:
        stem, number = picture.stem, 2
        while stem.casefold() in taken:
            stem, number = f"{picture.stem}-{number}", number + 1
        taken.add(stem.casefold())
        stems.append(stem)
    return stems
