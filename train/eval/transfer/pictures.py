"""Pictures with a class for each pixel: what a data set of them gives, and reading their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from train.errors import DataError
from train.eval.transfer.confusion import IGNORE

Labelled: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A picture (H, W, 3) uint8 RGB and its mask (H, W) uint8 of class numbers, 255 for none."""


class LabelledPictures(Protocol):
    """A data set for semantic segmentation; several threads may ask at once."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number."""

    @property
    def swapped(self) -> tuple[tuple[int, int], ...]:
        """Pairs of classes that a mirror image exchanges."""

    def __len__(self) -> int:
        """Return how many pictures there are."""

    def __getitem__(self, index: int) -> Labelled:
        """Return a picture and its mask."""


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Pictures and masks in files.

    Attributes:
        images: One file for each picture.
        masks: The file of its mask: indexed or grey, a class number for each pixel.
        classes: Names of the classes, by number.
        swapped: Pairs of classes that a mirror image exchanges.
        table: (256,) uint8, the class of each number in the files; None takes them as they are.
    """

    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    classes: tuple[str, ...]
    swapped: tuple[tuple[int, int], ...] = ()
    table: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.images)

    def __getitem__(self, index: int) -> Labelled:
        """Return a picture and its mask.

        Raises:
            DataError: A file is damaged, or is not what it should be.
        """
        image = read_picture(self.images[index])
        mask = read_mask(self.masks[index])
        if self.table is not None:
            mask = self.table[mask]
        if mask.shape != image.shape[:2]:
            raise DataError(
                f"{self.masks[index]} has {mask.shape[1]} x {mask.shape[0]} px and its picture "
                f"{image.shape[1]} x {image.shape[0]}; they must agree, so get both again."
            )
        unknown = mask[(mask >= len(self.classes)) & (mask != IGNORE)]
        if unknown.size:
            raise DataError(
                f"{self.masks[index]} holds class {unknown.max()}; expected 0 to "
                f"{len(self.classes) - 1} and {IGNORE} for pixels that do not count."
            )
        return image, mask


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) uint8 RGB as it is stored, as labels are drawn on it.

    Raises:
        DataError: The file is missing, damaged or no picture.
    """
    with _opened(path) as picture:
        return np.array(_decoded(picture, path).convert("RGB"))


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Return a mask (H, W) uint8 of the numbers in an indexed or grey file.

    Raises:
        DataError: The file is missing, damaged, or has no single number for each pixel.
    """
    with _opened(path) as picture:
        if picture.mode not in ("P", "L"):
            raise DataError(
                f"{path} is a picture of mode {picture.mode}; expected an indexed or grey 8-bit "
                "picture with a class number for each pixel."
            )
        return np.array(_decoded(picture, path))


def require_files(files: Sequence[Path], what: str, tree: str) -> None:
    """Check that files are there and not empty.

    Args:
        files: All that must be.
        what: What they are, in the plural.
        tree: What the folder should hold, for the message.

    Raises:
        DataError: Names the first one that is missing, how many are, and the expected tree.
    """
    missing = [path for path in files if not path.is_file() or not path.stat().st_size]
    if missing:
        raise DataError(
            f"{missing[0]} is missing or empty, as are {len(missing)} of {len(files)} {what}; "
            f"expected {tree}."
        )


def read_list(path: Path, tree: str) -> list[str]:
    """Return the lines of a list of pictures that are not empty.

    Raises:
        DataError: It is missing, empty or no text.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list {path} is missing or no text; expected {tree}.") from error
    lines = [line for line in lines if line]
    if not lines:
        raise DataError(f"The list {path} is empty; expected {tree}.")
    return lines


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(
            f"{path} is missing or can't be read as a picture; get it again."
        ) from error


def _decoded(picture: Image.Image, path: Path) -> Image.Image:
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on broken bytes
        raise DataError(f"{path} is damaged or was cut off ({error}); get it again.") from error
    return picture
