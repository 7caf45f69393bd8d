"""The small benchmark's tasks: a few labelled pictures each, in memory, resized.

* ``puppets``: parts of synthetic puppets by their place in the tree of limbs.
* ``camvid``: street scenes, 11 classes.
* ``ccp``: clothes parsing, 8 coarse classes.

Pictures and masks are resized to one short side, and measured at that size.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.data.puppets import PuppetBatch, PuppetGenerator
from train.errors import DataError
from train.eval.transfer.confusion import IGNORE
from train.eval.transfer.crops import resize
from train.eval.transfer.pictures import Labelled, PictureFiles, read_list, require_files

TaskName: TypeAlias = Literal["puppets", "camvid", "ccp"]

PUPPET_ROLES: Final = ("background", "thing", "body", "limb", "end")
"""Classes of puppet parts; see `puppet_roles`."""

_PUPPET_SEED: Final = 1_000_003  # never a seed of training
_SCENES_DRAWN: Final = 3
_CAMVID_CLASSES: Final = 11


@dataclass(frozen=True, slots=True)
class PicturesInMemory:
    """Labelled pictures, ready made.

    Attributes:
        pictures: Each with its mask.
        classes: Names of the classes, by number.
        swapped: Pairs of classes that a mirror image exchanges.
    """

    pictures: tuple[Labelled, ...]
    classes: tuple[str, ...]
    swapped: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.pictures)

    def __getitem__(self, index: int) -> Labelled:
        """Return a picture and its mask."""
        return self.pictures[index]


@dataclass(frozen=True, slots=True)
class SmallTask:
    """A segmentation task.

    Attributes:
        train: To learn from.
        test: To measure on.
    """

    train: PicturesInMemory
    test: PicturesInMemory


def puppet_roles(scenes: PuppetBatch) -> Tensor:
    """Return the role (B, H, W) uint8 of the part shown at each pixel, numbers in `PUPPET_ROLES`.

    A *thing* is an object of one part, still or not. In a puppet of several parts an *end* is one
    on which nothing hangs (a hand, a foot, a head), a *body* the root or a part on which two or
    more hang, and a *limb* all else.
    """
    parents, labels = scenes.parents, scenes.labels
    children = torch.zeros_like(parents)
    children.scatter_add_(1, parents, (parents > 0).long())
    is_root = parents == 0
    role = torch.full_like(parents, PUPPET_ROLES.index("limb"))
    role[children == 0] = PUPPET_ROLES.index("end")
    role[is_root | (children > 1)] = PUPPET_ROLES.index("body")
    role[is_root & (children == 0)] = PUPPET_ROLES.index("thing")
    role[:, 0] = 0
    return role.gather(1, labels.flatten(1)).view_as(labels).to(torch.uint8)


def puppet_task(size: int, *, train: int, test: int) -> SmallTask:
    """Return the task of finding puppets' parts, on scenes that no training here draws.

    Of three scenes drawn, the one with the least background is kept: where nearly all is
    background, a network learns for long to say nothing else.

    Args:
        size: Side of the pictures, px.
        train: Pictures to learn from.
        test: Pictures to measure on.
    """
    generator = PuppetGenerator(size, seed=_PUPPET_SEED, with_next=False)
    made = []
    for step, count in enumerate((train, test)):
        scenes = generator.batch(_SCENES_DRAWN * count, step)
        roles = puppet_roles(scenes)
        is_background = (roles == 0).flatten(1).float().mean(1).view(count, _SCENES_DRAWN)
        kept = is_background.argmin(1) + _SCENES_DRAWN * torch.arange(count)
        images = scenes.image[kept].round().clamp(0, 255).to(torch.uint8)
        both = zip(images.permute(0, 2, 3, 1).numpy(), roles[kept].numpy(), strict=True)
        pictures = tuple((image, role) for image, role in both)
        made.append(PicturesInMemory(pictures, PUPPET_ROLES))
    return SmallTask(made[0], made[1])


def camvid_task(folder: Path, short_side: int) -> SmallTask:
    """Return the street scenes of CamVid.

    Args:
        folder: ``images/NAME.jpg``, ``masks/NAME.png`` (classes 0 to 10, 11 ignored), ``train.txt``
            and ``test.txt`` with a NAME a line, ``labels.txt`` with ``NUMBER CLASS`` a line.
        short_side: Of the pictures to work at, px.

    Raises:
        DataError: A file is missing or can't be used.
    """
    lines = read_list(folder / "labels.txt", _TREE)
    names = tuple(line.partition(" ")[2].strip() for line in lines)[:_CAMVID_CLASSES]
    table = np.full(256, IGNORE, np.uint8)
    table[: len(names)] = np.arange(len(names))
    train, test = (_read_set(folder, part, names, table, short_side) for part in ("train", "test"))
    return SmallTask(train, test)


def ccp_task(folder: Path, short_side: int) -> SmallTask:
    """Return the clothes of CCP, with coarse labels.

    Args:
        folder: As for `camvid_task`; ``labels_coarse.csv`` has the columns ``label``, ``coarse``
            and ``coarse_name``.
        short_side: Of the pictures to work at, px.

    Raises:
        DataError: A file is missing or can't be used.
    """
    path = folder / "labels_coarse.csv"
    table = np.full(256, IGNORE, np.uint8)
    named: dict[int, str] = {}
    try:
        for row in csv.DictReader(read_list(path, _TREE)):
            table[int(row["label"])] = int(row["coarse"])
            named[int(row["coarse"])] = row["coarse_name"]
    except (KeyError, ValueError, IndexError) as error:
        raise DataError(
            f"{path} must have the columns label, coarse and coarse_name, with whole numbers in "
            f"the first two: {error}."
        ) from error
    names = tuple(named[number] for number in sorted(named))
    train, test = (_read_set(folder, part, names, table, short_side) for part in ("train", "test"))
    return SmallTask(train, test)


def _read_set(
    folder: Path,
    part: str,
    classes: tuple[str, ...],
    table: NDArray[np.uint8],
    short_side: int,
) -> PicturesInMemory:
    names = read_list(folder / f"{part}.txt", _TREE)
    images = tuple(folder / "images" / f"{name}.jpg" for name in names)
    masks = tuple(folder / "masks" / f"{name}.png" for name in names)
    require_files([*images, *masks], f"files of {part}.txt", _TREE)
    files = PictureFiles(images, masks, classes, table=table)
    pictures = tuple(_resized(files[index], short_side) for index in range(len(files)))
    return PicturesInMemory(pictures, classes)


def _resized(labelled: Labelled, short_side: int) -> Labelled:
    image, mask = labelled
    scale = short_side / min(mask.shape)
    height, width = (max(1, round(scale * side)) for side in mask.shape)
    nearest = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return resize(image, height, width), nearest.astype(np.uint8, copy=False)


_TREE: Final = (
    "images/NAME.jpg, masks/NAME.png, train.txt and test.txt with a NAME a line, and labels.txt "
    "(CamVid) or labels_coarse.csv (CCP)"
)
