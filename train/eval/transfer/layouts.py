"""Data sets for semantic segmentation, in the layouts that they are published in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from train.errors import DataError
from train.eval.transfer.pictures import PictureFiles, read_list, require_files
from train.eval.transfer.recipe import DataSettings

VOC_CLASSES: Final = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
LIP_CLASSES: Final = (
    "background", "hat", "hair", "glove", "sunglasses", "upper-clothes", "dress", "coat", "socks",
    "pants", "jumpsuits", "scarf", "skirt", "face", "left-arm", "right-arm", "left-leg",
    "right-leg", "left-shoe", "right-shoe",
)  # fmt: skip
CIHP_CLASSES: Final = (*LIP_CLASSES[:10], "torso-skin", *LIP_CLASSES[11:])
LEFT_AND_RIGHT: Final = ((14, 15), (16, 17), (18, 19))

VOC_TREE: Final = (
    "JPEGImages/*.jpg, SegmentationClass/*.png (SegmentationClassAug/*.png for train_aug) and "
    "ImageSets/Segmentation/*.txt in the folder VOC2012"
)
LIP_TREE: Final = (
    "TrainVal_images/ with train_images/*.jpg, val_images/*.jpg, train_id.txt and val_id.txt, and "
    "TrainVal_parsing_annotations/ with train_segmentations/*.png and val_segmentations/*.png"
)
CIHP_TREE: Final = (
    "Training/ with Images/*.jpg, Category_ids/*.png and train_id.txt, and Validation/ with "
    "Images/*.jpg, Category_ids/*.png and val_id.txt in the folder instance-level_human_parsing"
)


def open_pictures(settings: DataSettings, split: str) -> PictureFiles:
    """Return the labelled pictures of a list of a data set.

    Raises:
        DataError: Something is missing; names the file and what is expected.
    """
    if not settings.root:
        raise DataError("data.root is empty; set it to the folder of the data set.")
    root = Path(settings.root).expanduser()
    if settings.layout == "voc":
        return voc_pictures(root, split)
    if settings.layout == "lip":
        return lip_pictures(root, split)
    if settings.layout == "cihp":
        return cihp_pictures(root, split)
    raise DataError(
        f"data.layout = {settings.layout!r} is none for semantic segmentation; expected voc, lip "
        "or cihp."
    )


def voc_pictures(root: Path, split: str) -> PictureFiles:
    """Return the pictures of a list of PASCAL VOC 2012; ``train_aug`` adds the labels of SBD.

    A line of a list is a name, or both files, ``/JPEGImages/A.jpg /SegmentationClassAug/A.png``, as
    in the published list of the augmented training set. Lists with "aug" in their name take masks
    from ``SegmentationClassAug``.

    Raises:
        DataError: As `open_pictures`.
    """
    tree = f"{VOC_TREE}, below {root}"
    folder = _first([root, root / "VOC2012", root / "VOCdevkit" / "VOC2012"], "JPEGImages", tree)
    lists = folder / "ImageSets" / "Segmentation"
    path = lists / f"{split}.txt"
    if split == "train_aug" and not path.is_file() and (lists / "trainaug.txt").is_file():
        path = lists / "trainaug.txt"
    masks_in = "SegmentationClassAug" if "aug" in split else "SegmentationClass"
    images, masks = [], []
    for line in read_list(path, tree):
        words = line.split()
        if len(words) == 2:
            image, mask = (folder / word.lstrip("/") for word in words)
        else:
            image = folder / "JPEGImages" / f"{line}.jpg"
            mask = folder / masks_in / f"{line}.png"
        images.append(image)
        masks.append(mask)
    return _checked(images, masks, VOC_CLASSES, (), tree)


def lip_pictures(root: Path, split: str) -> PictureFiles:
    """Return the pictures of ``train`` or ``val`` of LIP single-person parsing.

    Folders inside folders of the same name, as the archives unpack to, are found as well.

    Raises:
        DataError: As `open_pictures`.
    """
    tree = f"{LIP_TREE}, below {root}"
    images_in = _nested(root, "TrainVal_images", f"{split}_images", tree)
    masks_in = _nested(root, "TrainVal_parsing_annotations", f"{split}_segmentations", tree)
    path = _beside(images_in, root, f"{split}_id.txt")
    names = [Path(line).stem for line in read_list(path, tree)]
    images = [images_in / f"{name}.jpg" for name in names]
    masks = [masks_in / f"{name}.png" for name in names]
    return _checked(images, masks, LIP_CLASSES, LEFT_AND_RIGHT, tree)


def cihp_pictures(root: Path, split: str) -> PictureFiles:
    """Return the pictures of ``train`` or ``val`` of LIP multi-person parsing (CIHP).

    Raises:
        DataError: As `open_pictures`.
    """
    tree = f"{CIHP_TREE}, below {root}"
    part = {"train": "Training", "val": "Validation"}.get(split, split)
    folder = _first([root, root / "instance-level_human_parsing"], part, tree) / part
    names = [Path(line).stem for line in read_list(folder / f"{split}_id.txt", tree)]
    images = [folder / "Images" / f"{name}.jpg" for name in names]
    masks = [folder / "Category_ids" / f"{name}.png" for name in names]
    return _checked(images, masks, CIHP_CLASSES, LEFT_AND_RIGHT, tree)


def _checked(
    images: list[Path],
    masks: list[Path],
    classes: tuple[str, ...],
    swapped: tuple[tuple[int, int], ...],
    tree: str,
) -> PictureFiles:
    require_files(images, "pictures of the list", tree)
    require_files(masks, "masks of the list", tree)
    return PictureFiles(tuple(images), tuple(masks), classes, swapped)


def _first(folders: list[Path], holds: str, tree: str) -> Path:
    """Return the first of some folders that holds a folder."""
    for folder in folders:
        if (folder / holds).is_dir():
            return folder
    raise DataError(f"The folder {folders[0] / holds} is missing; expected {tree}.")


def _nested(root: Path, outer: str, inner: str, tree: str) -> Path:
    """Return the folder ``inner`` in ``root``, in ``outer``, or in ``outer`` inside ``outer``."""
    for folder in (root, root / outer, root / outer / outer):
        if (folder / inner).is_dir():
            return folder / inner
    raise DataError(f"The folder {root / outer / inner} is missing; expected {tree}.")


def _beside(folder: Path, root: Path, name: str) -> Path:
    """Return the file ``name`` beside a folder, or above it up to ``root``; beside if nowhere."""
    for parent in folder.parents:
        if (parent / name).is_file():
            return parent / name
        if parent == root:
            break
    return folder.parent / name
