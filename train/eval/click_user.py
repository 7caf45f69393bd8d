"""Objects with true masks, a user who clicks where the answer is wrong, and GrabCut to compare."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmp_engine.errors import ImageError
from cmp_engine.geometry import resize_image
from cmp_engine.image_io import read_image
from cmp_engine.segment import ClickSegmenter
from train.errors import TrainError

Bool: TypeAlias = NDArray[np.bool_]
Click: TypeAlias = tuple[float, float]

IGNORED: Final = 255
"""Mask value of pixels that are neither object nor background."""

GOOD_ENOUGH: Final = 0.95
"""IoU at which the simulated user is content and stops."""

_SMALLEST_OBJECT: Final = 32
_GRABCUT_SIDE: Final = 256
_GRABCUT_ROUNDS: Final = 3


class Segmenter(Protocol):
    """Anything that turns clicks on a picture into a mask."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""

    def segment(self, positive: Sequence[Click], negative: Sequence[Click]) -> Bool:
        """Return the mask (H, W)."""


@dataclass(frozen=True, slots=True)
class TrueObject:
    """One object of one picture.

    Attributes:
        name: For people.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool.
        valid: (H, W) bool, where the mask can be trusted.
    """

    name: str
    image: NDArray[np.uint8]
    mask: Bool
    valid: Bool


@dataclass(frozen=True, slots=True)
class Session:
    """What one user did on one object.

    Attributes:
        name: Of the object.
        positive: Clicks on the object, in order.
        negative: Clicks beside it, in order.
        order: For each click whether it was positive.
        ious: IoU after 1, 2, ... clicks; the last one holds when the user has stopped.
        seconds: Time of the processors until after each click, all threads together, the
            picture's own included.
        mask: (H, W) bool, the last one.
    """

    name: str
    positive: tuple[Click, ...]
    negative: tuple[Click, ...]
    order: tuple[bool, ...]
    ious: tuple[float, ...]
    seconds: tuple[float, ...]
    mask: Bool


def read_objects(folder: Path, *, limit: int | None = None, skip: int = 0) -> Iterator[TrueObject]:
    """Yield the objects of a folder with ``images`` and ``masks`` of the same names.

    Args:
        folder: Masks are indexed PNG: 0 background, 255 ignored, each other value an object.
        limit: Most pictures, spread evenly; None takes all.
        skip: Leave out so many first; with a limit, another selection.

    Raises:
        TrainError: There is no such data.
    """
    masks = sorted((folder / "masks").glob("*.png"))
    if not masks:
        raise TrainError(f"Expected pictures in {folder}/images and masks in {folder}/masks.")
    if limit is not None and limit < len(masks):
        step = len(masks) / limit
        masks = [masks[min(int(i * step) + skip, len(masks) - 1)] for i in range(limit)]
    for path in masks:
        found = sorted((folder / "images").glob(path.stem + ".*"))
        if not found:
            raise TrainError(f"The mask {path} has no picture in {folder}/images.")
        try:
            image = read_image(found[0])
        except ImageError as error:
            raise TrainError(str(error)) from error
        with Image.open(path) as opened:
            index = np.array(opened)
        for value in np.unique(index[(index != 0) & (index != IGNORED)]):
            mask = index == value
            if mask.sum() >= _SMALLEST_OBJECT:
                name = f"{path.stem}" + ("" if value == 1 else f" #{value}")
                yield TrueObject(name, image, mask, index != IGNORED)


def iou(mask: Bool, truth: Bool, valid: Bool) -> float:
    """Return intersection over union within the valid pixels."""
    union = int(((mask | truth) & valid).sum())
    return int((mask & truth & valid).sum()) / union if union else 1.0


def next_click(mask: Bool, item: TrueObject) -> tuple[bool, Click] | None:
    """Return where the user clicks next: in the middle of the largest wrong region.

    Args:
        mask: (H, W) bool, the answer so far.
        item: The truth.

    Returns:
        Whether the click is positive, and x, y px; None where nothing is wrong.
    """
    best: tuple[int, bool, Bool] | None = None
    for is_positive in (True, False):
        wrong = (item.mask & ~mask if is_positive else mask & ~item.mask) & item.valid
        _, label, stats, _ = cv2.connectedComponentsWithStats(
            wrong.astype(np.uint8), connectivity=8
        )
        areas = stats[1:, cv2.CC_STAT_AREA]
        if len(areas) and (best is None or areas.max() > best[0]):
            best = (int(areas.max()), is_positive, label == int(areas.argmax()) + 1)
    if best is None:
        return None
    return best[1], _middle(best[2])


def _middle(region: Bool) -> Click:
    """Return x, y of the pixel that is farthest from the region's border."""
    padded = np.pad(region.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(column), float(row)


def simulate(item: TrueObject, segmenter: Segmenter, *, clicks: int) -> Session:
    """Let a user click until the mask is good enough or the clicks are used up."""
    start = time.process_time()
    segmenter.set_image(item.image)
    positive: list[Click] = []
    negative: list[Click] = []
    order: list[bool] = []
    ious: list[float] = []
    seconds: list[float] = []
    mask = np.zeros_like(item.mask)
    used = time.process_time() - start
    for _ in range(clicks):
        following = next_click(mask, item)
        if following is None or (ious and ious[-1] >= GOOD_ENOUGH):
            break
        (positive if following[0] else negative).append(following[1])
        order.append(following[0])
        start = time.process_time()
        mask = segmenter.segment(positive, negative)
        used += time.process_time() - start
        ious.append(iou(mask, item.mask, item.valid))
        seconds.append(used)
    missing = clicks - len(ious)
    return Session(
        item.name,
        tuple(positive),
        tuple(negative),
        tuple(order),
        tuple(ious + ious[-1:] * missing),
        tuple(seconds + seconds[-1:] * missing),
        mask,
    )


def replay(
    item: TrueObject, session: Session, segmenter: Segmenter, marks: Sequence[int]
) -> dict[int, float]:
    """Return the IoU of another segmenter with the very clicks of a session, at some counts."""
    segmenter.set_image(item.image)
    result: dict[int, float] = {}
    last = 0
    for mark in marks:
        count = min(mark, len(session.order))
        if count == last:
            result[mark] = result[marks[marks.index(mark) - 1]]
            continue
        last = count
        ups = sum(session.order[:count])
        mask = segmenter.segment(session.positive[:ups], session.negative[: count - ups])
        result[mark] = iou(mask, item.mask, item.valid)
    return result


class NetworkSegmenter:
    """`ClickSegmenter` as a `Segmenter`."""

    def __init__(self, segmenter: ClickSegmenter) -> None:
        self._segmenter = segmenter

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""
        self._segmenter.set_image(image)

    def segment(self, positive: Sequence[Click], negative: Sequence[Click]) -> Bool:
        """Return the mask (H, W)."""
        return self._segmenter.mask(positive, negative).mask


class GrabCut:
    """OpenCV's GrabCut, seeded with clicks.

    Clicks are discs of sure object or sure background. Around each positive click, up to
    ``reach`` of the picture's short side and no further than half way to the nearest negative one,
    pixels are probably the object; all others are probably background. Of the answer counts what
    hangs together with a positive click. It runs at short side 256, where it takes a tenth of the
    time.

    Args:
        reach: Radius of the probable object, in units of the short side.
    """

    def __init__(self, *, reach: float = 0.25) -> None:
        self._reach = reach

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""
        self._size_hw = (image.shape[0], image.shape[1])
        self._scale = min(1.0, _GRABCUT_SIDE / min(self._size_hw))
        small = (round(image.shape[0] * self._scale), round(image.shape[1] * self._scale))
        self._image = np.ascontiguousarray(resize_image(image, small)[..., ::-1])

    def segment(self, positive: Sequence[Click], negative: Sequence[Click]) -> Bool:
        """Return the mask (H, W)."""
        height, width = self._image.shape[:2]
        seeds = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
        ups, downs = (
            [np.floor((np.array(click) + 0.5) * self._scale).astype(int) for click in part]
            for part in (positive, negative)
        )
        for up in ups:
            nearest = min((float(np.hypot(*(up - down))) for down in downs), default=np.inf)
            radius = min(self._reach * min(height, width), nearest / 2)
            cv2.circle(seeds, tuple(up.tolist()), max(1, round(radius)), cv2.GC_PR_FGD, -1)
        for part, value in ((ups, cv2.GC_FGD), (downs, cv2.GC_BGD)):
            for place in part:
                cv2.circle(seeds, tuple(place.tolist()), 2, value, -1)
        if (seeds & 1).all():  # there must be two sides
            seeds[[0, -1]] = cv2.GC_BGD
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(
            self._image, seeds, (0, 0, 0, 0), *models, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK
        )
        _, label = cv2.connectedComponents((seeds & 1).astype(np.uint8), connectivity=8)
        keep = {int(label[up[1], up[0]]) for up in ups} - {0}
        mask = np.isin(label, sorted(keep)).astype(np.float32)
        full = cv2.resize(mask, self._size_hw[::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(full > 0.5)
