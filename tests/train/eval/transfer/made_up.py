"""Tiny data sets in the true layouts, and plain ways to count what the tasks count."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from pycocotools import mask as coco_mask
from torch.nn.functional import interpolate

from train.eval.transfer.encoder import random_encoder
from train.eval.transfer.results import read_run
from train.eval.transfer.segmentation import SegmentationNetwork

ROOT = Path(__file__).parents[4]


def plain_iou(predictions: list[np.ndarray], truths: list[np.ndarray], classes: int) -> np.ndarray:
    """Return each class's intersection over union, class by class, from all pixels at once."""
    found = np.concatenate([p.ravel() for p in predictions])
    true = np.concatenate([t.ravel() for t in truths])
    found, true = found[true != 255], true[true != 255]
    with np.errstate(invalid="ignore"):
        return np.array(
            [
                np.float64(((found == c) & (true == c)).sum()) / ((found == c) | (true == c)).sum()
                for c in range(classes)
            ]
        )


def plain_evaluation(runs: list[Path], images: list[Path], masks: list[Path]) -> np.ndarray:
    """Return each class's IoU of the mean of some runs' networks.

    Nothing of the evaluation's own code is used but the network.
    """
    networks = []
    for run in runs:
        description = read_run(run)
        state = torch.load(run / "state.pt", weights_only=True)["network"]
        classes = state["head.4.bias"].numel()
        encoder = random_encoder(description.origin.config)
        network = SegmentationNetwork(encoder, description.recipe.head.kind, classes).eval()
        network.load_state_dict(state)
        networks.append((network, description.recipe.crop))
    mean = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
    std = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
    predictions, truths = [], []
    for image_file, mask_file in zip(images, masks, strict=True):
        picture = np.asarray(Image.open(image_file).convert("RGB"))
        total = 0
        for network, crop in networks:
            rows, columns = size = picture.shape[:2]
            seen = picture.copy()
            if crop.fit:
                factor = crop.size / max(size)
                rows, columns = round(factor * rows), round(factor * columns)
                method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
                seen = cv2.resize(picture, (columns, rows), interpolation=method)
            values = torch.from_numpy(seen).permute(2, 0, 1)[None].float()
            padded = torch.zeros(1, 3, -(-rows // 32) * 32, -(-columns // 32) * 32)
            padded[..., :rows, :columns] = (values - mean) / std
            with torch.no_grad():
                logits = network(padded)[..., :rows, :columns]
            if crop.fit:
                logits = interpolate(logits, size=size, mode="bilinear", align_corners=False)
            total = total + logits.softmax(1)
        predictions.append(total[0].argmax(0).numpy())
        truths.append(np.asarray(Image.open(mask_file)))
    return plain_iou(predictions, truths, classes)


def scene(number: int, classes: int, *, ignore: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture of a few coloured shapes and its mask."""
    rng = np.random.default_rng(number)
    height, width = (int(side) for side in rng.integers(40, 72, 2))
    mask = np.zeros((height, width), np.uint8)
    for label in rng.integers(1, classes, 3):
        top, left = rng.integers(0, height - 16), rng.integers(0, width - 16)
        mask[top : top + 16, left : left + 16] = label
    if ignore:
        mask[:3] = 255
    colors = np.random.default_rng(0).integers(0, 255, (256, 3))
    noise = rng.integers(-12, 13, (height, width, 3))
    return (colors[mask] + noise).clip(0, 255).astype(np.uint8), mask


def write_jpeg(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=95)


def write_mask(path: Path, mask: np.ndarray, *, has_palette: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(mask)
    if has_palette:
        picture = Image.frombytes("P", picture.size, mask.tobytes())
        palette = np.random.default_rng(1).integers(0, 256, 768).astype(np.uint8)
        picture.putpalette(palette.tobytes())
    picture.save(path)


def make_voc(root: Path, train: int = 4, validation: int = 3) -> Path:
    """Make VOCdevkit/VOC2012 with train, val and train_aug; return it."""
    folder = root / "VOCdevkit" / "VOC2012"
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    names = [f"2007_{number:06d}" for number in range(train + validation)]
    for number, name in enumerate(names):
        image, mask = scene(number, 21)
        write_jpeg(folder / "JPEGImages" / f"{name}.jpg", image)
        write_mask(folder / "SegmentationClass" / f"{name}.png", mask)
        write_mask(folder / "SegmentationClassAug" / f"{name}.png", mask, has_palette=False)
    (lists / "train.txt").write_text("\n".join(names[:train]) + "\n")
    (lists / "val.txt").write_text("\n".join(names[train:]) + "\n")
    lines = [f"/JPEGImages/{n}.jpg /SegmentationClassAug/{n}.png" for n in names[:train]]
    (lists / "train_aug.txt").write_text("\n".join(lines) + "\n")
    return folder


def make_lip(root: Path, count: int = 3) -> Path:
    """Make LIP as its archives unpack: the images beside their lists, masks one folder deeper."""
    for part, first in (("train", 0), ("val", 100)):
        names = []
        for number in range(first, first + count):
            name = f"{number}_{number + 7}"
            image, mask = scene(number, 20, ignore=False)
            write_jpeg(root / "TrainVal_images" / f"{part}_images" / f"{name}.jpg", image)
            annotations = root / "TrainVal_parsing_annotations" / "TrainVal_parsing_annotations"
            masks = annotations / f"{part}_segmentations"
            write_mask(masks / f"{name}.png", mask, has_palette=False)
            names.append(name)
        (root / "TrainVal_images" / f"{part}_id.txt").write_text("\n".join(names) + "\n")
    return root


def make_cihp(root: Path, count: int = 3) -> Path:
    """Make the folder instance-level_human_parsing; return it."""
    folder = root / "instance-level_human_parsing"
    for part, split, first in (("Training", "train", 200), ("Validation", "val", 300)):
        names = [f"{number:07d}" for number in range(first, first + count)]
        for name in names:
            image, mask = scene(int(name), 20, ignore=False)
            write_jpeg(folder / part / "Images" / f"{name}.jpg", image)
            write_mask(folder / part / "Category_ids" / f"{name}.png", mask, has_palette=False)
        (folder / part / f"{split}_id.txt").write_text("\n".join(names) + "\n")
    return folder


def make_coco(root: Path, train: int = 3, validation: int = 3) -> Path:
    """Make COCO 2017: polygons, a crowd as uncompressed runs, a picture with nothing on it."""
    rng = np.random.default_rng(11)
    categories = [{"id": 1, "name": "disc"}, {"id": 18, "name": "bar"}, {"id": 90, "name": "cross"}]
    (root / "annotations").mkdir(parents=True)
    for split, count, first in (("train2017", train, 1), ("val2017", validation, 1001)):
        images, annotations = [], []
        for number in range(first, first + count + 1):
            height, width = 96, 112
            image = rng.integers(0, 70, (height, width, 3)).astype(np.uint8)
            file = f"{number:012d}.jpg"
            images.append({"id": number, "file_name": file, "height": height, "width": width})
            for category in [1, 18, 90][: 0 if number == first + count else 3]:
                outline = _outline(category, rng.integers(24, 72, 2))
                cv2.fillPoly(image, [outline.astype(np.int32)], [40, 200, 40 + category])
                annotations.append(_annotation(len(annotations) + 1, number, category, outline))
            if number == first:
                annotations.append(_crowd(len(annotations) + 1, number, height, width))
            write_jpeg(root / split / file, image)
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    return root


def _outline(category: int, center: np.ndarray) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    stretch = {1: (16, 16), 18: (22, 9), 90: (9, 22)}[category]
    return center + np.stack([np.cos(angles), np.sin(angles)], axis=1) * stretch


def _annotation(number: int, image: int, category: int, outline: np.ndarray) -> dict:
    low, high = outline.min(0), outline.max(0)
    x, y = outline[:, 0], outline[:, 1]
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": [outline.ravel().tolist()],
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "area": float(area),
        "iscrowd": 0,
    }


def _crowd(number: int, image: int, height: int, width: int) -> dict:
    mask = np.zeros((height, width), np.uint8, order="F")
    mask[:20, :30] = 1
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"))) + 1
    counts = np.diff([0, *changes.tolist(), mask.size]).tolist()
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "segmentation": {"size": [height, width], "counts": [0, *counts]},
        "bbox": coco_mask.toBbox(coco_mask.encode(mask)).tolist(),
        "area": int(mask.sum()),
        "iscrowd": 1,
    }


def launch(module: str, arguments: list[str], processes: int = 1) -> None:
    """Run a command in ``processes`` gloo processes; its failure fails the test."""
    command = [sys.executable]
    if processes > 1:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command += ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
        command += ["--master-port", str(port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
