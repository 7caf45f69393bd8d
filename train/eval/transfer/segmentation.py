"""Semantic segmentation: an encoder with a head, learned from crops, judged on whole pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.fcn import FCNHead

from cmp_engine.geometry import normalize_images
from train.distributed import World
from train.eval.transfer.confusion import IGNORE, ConfusionMatrix
from train.eval.transfer.crops import EpochOrder, fit_factor, random_crop, resize
from train.eval.transfer.encoder import TransferEncoder, set_norm
from train.eval.transfer.pictures import LabelledPictures
from train.eval.transfer.recipe import CropSettings, HeadKind, TransferRecipe


class SegmentationNetwork(nn.Module):
    """An encoder and a head that gives logits at the encoder's stride.

    Args:
        encoder: Of any weights.
        head: What to put on top.
        classes: How many there are.

    Source: Long et al. 2015, sec. 4, for ``fcn32s`` (the score layer starts at zero; the last
    upsampling is fixed to bilinear).
    """

    def __init__(self, encoder: TransferEncoder, head: HeadKind, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head: nn.Module
        if head == "fcn":
            self.head = FCNHead(encoder.channels, classes)
        else:
            score = nn.Conv2d(encoder.channels, classes, 1)
            nn.init.zeros_(score.weight)
            nn.init.zeros_(score.bias)  # type: ignore[arg-type]  # it has one
            dropout = nn.Dropout(0.5 if head == "fcn32s" else 0.0)
            self.head = nn.Sequential(dropout, score)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, classes, H, W) of (B, 3, H, W) normalised images."""
        logits = self.head(self.encoder(image)).float()
        size = image.shape[-2:]
        return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


@dataclass(frozen=True, slots=True)
class SegmentationBatch:
    """Crops for one forward pass.

    Attributes:
        image: (B, 3, S, S) float32, normalised for the network.
        label: (B, S, S) int64 class numbers, 255 for none.
    """

    image: Tensor
    label: Tensor

    def __len__(self) -> int:
        """Return the number of crops."""
        return len(self.image)


class SegmentationTask:
    """Fine-tunes and judges a network for semantic segmentation.

    Args:
        network: On its device already; it is changed by the run.
        train: What to learn from; may be empty where nothing is trained.
        validation: What to judge on.
        recipe: Crops, batches and seed.
        device: Of the network.
    """

    encoder_prefix = "encoder."

    def __init__(
        self,
        network: nn.Module,
        train: LabelledPictures,
        validation: LabelledPictures,
        recipe: TransferRecipe,
        device: torch.device,
    ) -> None:
        self.network = network
        self.train = train
        self.validation = validation
        self._recipe = recipe
        self._device = device
        self._order = EpochOrder(max(1, len(train)), recipe.seed)

    @property
    def size(self) -> int:
        """Side of the crops, px."""
        return self._recipe.crop.size

    def batch(self, step: int, part: int) -> SegmentationBatch:
        """Return micro-batch ``part`` of step number ``step``."""
        schedule = self._recipe.schedule
        count = schedule.batch // schedule.micro_batches
        first = step * schedule.batch + part * count
        crops = []
        for position in range(first, first + count):
            generator = np.random.default_rng((self._recipe.seed, 2, position))
            labelled = self.train[self._order[position]]
            crops.append(random_crop(labelled, self._recipe.crop, generator, self.train.swapped))
        images = torch.from_numpy(np.stack([image for image, _ in crops]))
        labels = torch.from_numpy(np.stack([label for _, label in crops]))
        images = images.to(self._device).permute(0, 3, 1, 2).float()
        return SegmentationBatch(normalize_images(images), labels.to(self._device).long())

    def loss(self, batch: SegmentationBatch) -> dict[str, Tensor]:
        """Return the mean cross-entropy over the pixels that count, under ``loss``."""
        logits = self.network(batch.image)
        total = functional.cross_entropy(logits, batch.label, ignore_index=IGNORE, reduction="sum")
        return {"loss": total / (batch.label != IGNORE).sum().clamp(min=1)}

    def evaluate(self, world: World) -> dict[str, float]:
        """Return ``miou`` and ``accuracy``, 0 to 1, over all pictures in all processes."""
        return self.scores(self.confusion(world))

    def confusion(self, world: World, others: Sequence[SegmentationTask] = ()) -> ConfusionMatrix:
        """Return the counts over all validation pictures, the same in every process.

        Args:
            world: Each process takes every so many-th picture.
            others: Tasks whose networks' class probabilities are averaged with this one's.
        """
        matrix = ConfusionMatrix(len(self.validation.classes))
        for index in range(world.rank, len(self.validation), world.size):
            image, mask = self.validation[index]
            probabilities = self.probabilities(image)
            for other in others:
                probabilities = probabilities + other.probabilities(image)
            matrix.add(probabilities.argmax(0).cpu(), torch.from_numpy(mask))
        matrix.reduce(world)
        return matrix

    def scores(self, matrix: ConfusionMatrix) -> dict[str, float]:
        """Return the scores of some counts, 0 to 1: their mean and those of classes that occur."""
        known = zip(self.validation.classes, matrix.iou().tolist(), strict=True)
        classes = {f"iou/{name}": iou for name, iou in known if not math.isnan(iou)}
        return {"miou": matrix.mean_iou(), "accuracy": matrix.accuracy(), **classes}

    @torch.no_grad()
    def probabilities(self, image: NDArray[np.uint8]) -> Tensor:
        """Return (classes, H, W) probabilities of a whole picture (H, W, 3) uint8 RGB."""
        was_training = self.network.training
        self.network.eval()
        try:
            return whole_picture(self.network, image, self._recipe.crop, self._device).softmax(0)
        finally:
            self.network.train(was_training)


def whole_picture(
    network: nn.Module, image: NDArray[np.uint8], settings: CropSettings, device: torch.device
) -> Tensor:
    """Return logits (classes, H, W) of a picture (H, W, 3) uint8 RGB, at its own size.

    The picture is padded to sides that the network can take; ``settings.fit`` resizes it first.
    """
    height, width = image.shape[:2]
    factor = fit_factor(height, width, settings)
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    seen = torch.from_numpy(resize(image, rows, columns)).to(device)
    values = normalize_images(seen.permute(2, 0, 1)[None].float())
    values = functional.pad(values, (0, -columns % 32, 0, -rows % 32))
    logits: Tensor = network(values)[..., :rows, :columns]
    if (rows, columns) != (height, width):
        logits = functional.interpolate(
            logits, size=(height, width), mode="bilinear", align_corners=False
        )
    return logits[0]


def build_segmentation(
    encoder: TransferEncoder, recipe: TransferRecipe, classes: int, device: torch.device
) -> nn.Module:
    """Return the network of a recipe on its device; its head is drawn with the recipe's seed."""
    torch.manual_seed(recipe.seed)
    network = SegmentationNetwork(encoder, recipe.head.kind, classes)
    return set_norm(network, recipe.encoder.norm).to(device)
