"""Training crops of labelled pictures, and the order in which an epoch goes through them."""

from __future__ import annotations

from threading import Lock
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.geometry import IMAGE_MEAN
from train.eval.transfer.confusion import IGNORE
from train.eval.transfer.pictures import Labelled
from train.eval.transfer.recipe import CropSettings

_PAD: Final = tuple(round(value) for value in IMAGE_MEAN)


class EpochOrder:
    """Endless picture numbers: every epoch has each of them once, in an order of its own.

    Args:
        count: How many pictures there are.
        seed: Of the orders.
    """

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._seed = seed
        self._orders: dict[int, NDArray[np.int64]] = {}
        self._lock = Lock()

    def __getitem__(self, position: int) -> int:
        """Return the picture at a position of the whole run."""
        epoch, place = divmod(position, self._count)
        with self._lock:
            if epoch not in self._orders:
                for old in [known for known in self._orders if known < epoch - 1]:
                    del self._orders[old]
                generator = np.random.default_rng((self._seed, 1, epoch))
                self._orders[epoch] = generator.permutation(self._count)
            return int(self._orders[epoch][place])


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) at another size; averages where it shrinks."""
    if image.shape[:2] == (height, width):
        return image
    shrinks = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method).astype(np.uint8, copy=False)


def fit_factor(height: int, width: int, settings: CropSettings) -> float:
    """Return the factor that a picture is resized by before all else."""
    return settings.size / max(height, width) if settings.fit else 1.0


def random_crop(
    labelled: Labelled,
    settings: CropSettings,
    generator: np.random.Generator,
    swapped: tuple[tuple[int, int], ...] = (),
) -> Labelled:
    """Return a square crop of a picture, resized and mirrored at random.

    Places outside of the picture get ImageNet's mean colour and count for nothing.

    Args:
        labelled: Picture and mask.
        settings: What to draw.
        generator: Of the random numbers.
        swapped: Pairs of classes that a mirror image exchanges.
    """
    image, mask = labelled
    size = settings.size
    low, high = settings.scale
    factor = float(np.exp(generator.uniform(np.log(low), np.log(high))))
    factor *= fit_factor(mask.shape[0], mask.shape[1], settings)
    height, width = (max(1, round(side * factor)) for side in mask.shape)
    image = resize(image, height, width)
    if mask.shape != (height, width):
        nearest = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
        mask = nearest.astype(np.uint8, copy=False)
    top, left = (_start(side, size, generator) for side in (height, width))
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = _PAD
    labels = np.full((size, size), IGNORE, np.uint8)
    source = (slice(max(0, top), top + size), slice(max(0, left), left + size))
    piece = mask[source]
    target = (
        slice(max(0, -top), max(0, -top) + piece.shape[0]),
        slice(max(0, -left), max(0, -left) + piece.shape[1]),
    )
    picture[target], labels[target] = image[source], piece
    if settings.flip and generator.random() < 0.5:
        picture, labels = picture[:, ::-1], labels[:, ::-1]
        labels = exchange(labels, swapped)
    return np.ascontiguousarray(picture), np.ascontiguousarray(labels)


def exchange(labels: NDArray[np.uint8], swapped: tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    """Return labels with both classes of each pair exchanged."""
    table = np.arange(256, dtype=np.uint8)
    for first, second in swapped:
        table[first], table[second] = second, first
    return table[labels] if swapped else labels


def _start(side: int, size: int, generator: np.random.Generator) -> int:
    """Return where a crop begins; a picture smaller than the crop lies anywhere inside it."""
    low, high = sorted((0, side - size))
    return int(generator.integers(low, high + 1))
