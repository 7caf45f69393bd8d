"""Counts of true against predicted classes, and the intersection over union that they give."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from train.distributed import World, sum_values

IGNORE: Final = 255
"""Label of pixels that count for nothing."""


class ConfusionMatrix:
    """Counts pixels by true and predicted class, in whole numbers, so that any order is the same.

    Args:
        classes: How many there are.
        ignore: Label of pixels that are not counted.

    Attributes:
        counts: (classes, classes) int64 on the CPU: row of the truth, column of the prediction.
    """

    def __init__(self, classes: int, ignore: int = IGNORE) -> None:
        self.classes = classes
        self.ignore = ignore
        self.counts = torch.zeros(classes, classes, dtype=torch.int64)

    def add(self, prediction: Tensor, truth: Tensor) -> None:
        """Count the pixels of two integer tensors of one shape.

        Raises:
            ValueError: The shapes differ, or a label is none of the classes.
        """
        if prediction.shape != truth.shape:
            raise ValueError(
                f"Prediction and truth must have one shape, got {tuple(prediction.shape)} and "
                f"{tuple(truth.shape)}."
            )
        counted = truth != self.ignore
        true, found = truth[counted].long(), prediction[counted].long()
        both = torch.stack([true, found])
        if both.numel() and not 0 <= int(both.min()) <= int(both.max()) < self.classes:
            raise ValueError(
                f"Labels are 0 to {self.classes - 1}, got {int(both.min())} to {int(both.max())}."
            )
        pairs = torch.bincount(self.classes * true + found, minlength=self.classes**2)
        self.counts += pairs.reshape(self.classes, self.classes).cpu()

    def reduce(self, world: World) -> None:
        """Sum over all processes; each of them has the whole then."""
        self.counts = sum_values(self.counts.to(world.device), world).cpu()

    def iou(self) -> Tensor:
        """Return (classes,) float64: intersection over union; NaN for a class that is nowhere."""
        counts = self.counts.double()
        both = counts.diagonal()
        return both / (counts.sum(0) + counts.sum(1) - both)

    def mean_iou(self) -> float:
        """Return the mean over the classes that are in the truth or the prediction, 0 to 1."""
        return float(self.iou().nanmean())

    def accuracy(self) -> float:
        """Return the share of counted pixels whose class is right, 0 to 1."""
        return float(self.counts.diagonal().sum()) / max(1, int(self.counts.sum()))
