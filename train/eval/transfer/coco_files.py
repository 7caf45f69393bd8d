"""COCO 2017 instances on disk: pictures, and the boxes, classes and masks of what is on them."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools.coco import COCO
from torch import Tensor

from train.errors import DataError
from train.eval.transfer.pictures import read_picture

COCO_TREE: Final = (
    "train2017/*.jpg, val2017/*.jpg, and annotations/ with instances_train2017.json and "
    "instances_val2017.json"
)
_SMALLEST_SIDE: Final = 1.0


class CocoFiles:
    """A split of COCO; several threads may ask at once.

    Args:
        root: Folder of the data set.
        split: ``train2017`` or ``val2017``, or another one of the same layout.
        only_labelled: Whether to leave out pictures with nothing to learn from: no object that is
            no crowd and is wider and higher than a pixel, as in torchvision's references.

    Attributes:
        coco: The annotations, as pycocotools has them.
        image_ids: Of the pictures, in order.
        category_ids: COCO's number of each class; class 0 is the background and not among them.

    Raises:
        DataError: Something is missing or damaged; names the file and what is expected.
    """

    def __init__(self, root: str | Path, split: str, *, only_labelled: bool) -> None:
        folder = Path(root).expanduser()
        tree = f"{COCO_TREE}, below {folder}"
        path = folder / "annotations" / f"instances_{split}.json"
        self.coco = _read_annotations(path, tree)
        self.image_ids = sorted(self.coco.getImgIds())
        if only_labelled:
            self.image_ids = [i for i in self.image_ids if self._objects(i)]
        self.category_ids: list[int] = sorted(self.coco.getCatIds())
        self._label = {category: i + 1 for i, category in enumerate(self.category_ids)}
        self._folder = folder / split
        self._check_pictures(tree)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number less one."""
        return tuple(c["name"] for c in self.coco.loadCats(self.category_ids))

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.image_ids)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Return a picture (H, W, 3) uint8 RGB.

        Raises:
            DataError: The file is damaged, or has not the size that the annotations say.
        """
        known = self.coco.imgs[self.image_ids[index]]
        path = self._folder / known["file_name"]
        image = read_picture(path)
        if image.shape[:2] != (known["height"], known["width"]):
            raise DataError(
                f"{path} has {image.shape[1]} x {image.shape[0]} px, and its annotations are for "
                f"{known['width']} x {known['height']}; get it again."
            )
        return image

    def target(self, index: int) -> dict[str, Tensor]:
        """Return what is on a picture, without crowds, as torchvision's detectors want it.

        Returns:
            ``boxes`` (N, 4) float32, left, top, right, bottom in px; ``labels`` (N,) int64 from 1;
            ``masks`` (N, H, W) uint8.
        """
        image_id = self.image_ids[index]
        known = self.coco.imgs[image_id]
        objects = self._objects(image_id)
        boxes = torch.tensor([o["bbox"] for o in objects], dtype=torch.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        boxes[:, 0::2] = boxes[:, 0::2].clamp(0, known["width"])
        boxes[:, 1::2] = boxes[:, 1::2].clamp(0, known["height"])
        masks = [self.coco.annToMask(o) for o in objects]
        shape = (len(objects), known["height"], known["width"])
        return {
            "boxes": boxes,
            "labels": torch.tensor([self._label[o["category_id"]] for o in objects]).long(),
            "masks": torch.from_numpy(np.array(masks, np.uint8).reshape(shape)),
        }

    def _objects(self, image_id: int) -> list[dict[str, Any]]:
        found = self.coco.loadAnns(self.coco.getAnnIds(imgIds=[image_id], iscrowd=False))
        return [o for o in found if min(o["bbox"][2:]) > _SMALLEST_SIDE]

    def _check_pictures(self, tree: str) -> None:
        there: set[str] = set()
        if self._folder.is_dir():
            with os.scandir(self._folder) as entries:
                there = {entry.name for entry in entries if entry.stat().st_size}
        names = [self.coco.imgs[image_id]["file_name"] for image_id in self.image_ids]
        missing = [name for name in names if name not in there]
        if missing:
            raise DataError(
                f"{self._folder / missing[0]} is missing or empty, as are {len(missing)} of "
                f"{len(names)} pictures of the annotations; expected {tree}."
            )
        if not names:
            raise DataError(f"The annotations of {self._folder} name no pictures; expected {tree}.")


def empty_results(coco: COCO) -> COCO:
    """Return results without a detection for some annotations."""
    content = {key: coco.dataset[key] for key in ("images", "categories")}
    return _indexed(content | {"annotations": []})


def quiet() -> contextlib.AbstractContextManager[object]:
    """Keep pycocotools from printing."""
    return contextlib.redirect_stdout(io.StringIO())


def _read_annotations(path: Path, tree: str) -> COCO:
    try:
        content = json.loads(path.read_bytes())
        if not all(isinstance(content[k], list) for k in ("images", "annotations", "categories")):
            raise TypeError("no lists of images, annotations and categories")  # noqa: TRY301 - as below
        return _indexed(content)
    except OSError as error:
        raise DataError(f"{path} is missing or can't be read; expected {tree}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is damaged or was cut off ({error}); get it again, expected {tree}."
        ) from error


def _indexed(content: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = content
    with quiet():
        coco.createIndex()
    return coco
