"""Recipes of downstream tasks: TOML files that say what a run computes.

A recipe has the tables ``[encoder]``, ``[data]``, ``[crop]`` or ``[detection]``, ``[head]`` and
``[schedule]``, and ``seed``; a file in ``train/configs/`` shows each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from cmp_engine.config import ImageEncoderName
from train.config import read_seed, read_settings, read_table, read_tables
from train.errors import TrainConfigError

Norm = Literal["train", "sync", "frozen"]
HeadKind = Literal["fcn32s", "fcn", "linear"]
Layout = Literal["voc", "lip", "cihp", "coco"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """The image encoder that is fine-tuned.

    Attributes:
        weights: ``random``, ``imagenet``, ``imagenet:FILE``, ``random:WEIGHTS`` (random values for
            the network of those weights, or of the recipe of a run's folder), or CMP weights: a
            name, a ``.safetensors`` or published ``.pth.tar`` file, or the folder of a pretraining
            run.
        image_encoder: Name of the network (`cmp_engine.config.ImageEncoderName`). Needed for
            ``random`` and ``imagenet``; weights that are of another network are refused. Empty
            takes what the weights are.
        method: Row of the paper's tables that the run belongs to: ``random``, ``imagenet``,
            ``cmp``, ``walker``, ``pathak``, ``mahendran`` or another name; empty takes what the
            weights say.
        norm: Batch norms while fine-tuning: ``train`` (of each micro-batch), ``sync`` (over all
            processes; needs GPUs), or ``frozen`` (as pretrained).
    """

    weights: str = "random"
    image_encoder: ImageEncoderName | Literal[""] = ""
    method: str = ""
    norm: Norm = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Where the task's data lie.

    Attributes:
        root: Folder of the data set.
        layout: How it is laid out there.
        train: Name of the list to train on.
        validation: Name of the list to evaluate on.
    """

    root: str = ""
    layout: Layout = "voc"
    train: str = "train"
    validation: str = "val"


@dataclass(frozen=True, slots=True, kw_only=True)
class CropSettings:
    """What a training crop of a picture is.

    Attributes:
        size: Side of the square crops, px.
        scale: Smallest and largest factor that a picture is resized by.
        flip: Whether half of the crops are mirrored, with left and right labels exchanged.
        fit: Whether a picture is first resized so that its long side equals ``size``; pictures are
            then evaluated at that size as well, and otherwise as they are.
    """

    size: int = 512
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    fit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSettings:
    """What stands on top of the encoder in semantic segmentation.

    Attributes:
        kind: ``fcn32s``: dropout and one 1x1 convolution, as on fc7 of FCN-32s (Long et al. 2015);
            ``fcn``: torchvision's FCN head (3x3 convolution, batch norm, ReLU, dropout, 1x1
            convolution); ``linear``: one 1x1 convolution. All answers are upsampled bilinearly.
    """

    kind: HeadKind = "fcn"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """Sizes of the pictures for Mask R-CNN, and of its parts.

    Attributes:
        short_sides: Short side of a training picture, px; one is drawn for each.
        short_side: In evaluation, px.
        max_side: Longest side, px.
        channels: Of the feature pyramid.
        proposals: Boxes of a training picture that the heads learn from.
        detections: Most objects that are found on a picture; COCO counts 100.
    """

    short_sides: tuple[int, ...] = (800,)
    short_side: int = 800
    max_side: int = 1333
    channels: int = 256
    proposals: int = 512
    detections: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """Steps, optimizer and learning rate.

    Attributes:
        steps: Iterations of the whole run.
        batch: Pictures a step, over all processes.
        micro_batches: Parts that a batch is cut into; each has its own random numbers, so that any
            number of processes that divides it computes the same step. Batch norms (``train``) see
            one part at a time.
        optimizer: ``sgd`` or ``adamw``.
        learning_rate: At the start, after the warm-up.
        head_rate: Factor of the learning rate for all but the encoder.
        momentum: Of ``sgd``.
        weight_decay: On all weights.
        decay: ``poly``: (1 - done)^0.9; ``drops``: divided by 10 at each of ``drops``;
            ``constant``.
        drops: Shares of the steps at which ``drops`` divides.
        warmup: Steps of linear warm-up.
        clip: Largest gradient norm; 0 clips nothing.
    """

    steps: int = 20000
    batch: int = 16
    micro_batches: int = 2
    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.01
    head_rate: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay: Literal["poly", "drops", "constant"] = "poly"
    drops: tuple[float, ...] = ()
    warmup: int = 0
    clip: float = 0.0

    def rate_at(self, step: int) -> float:
        """Return the learning rate of step number ``step``."""
        done = step / self.steps
        factor = 1.0
        if self.decay == "poly":
            factor = (1 - done) ** 0.9
        elif self.decay == "drops":
            factor = 0.1 ** sum(done >= drop for drop in self.drops)
        if step < self.warmup:
            factor *= (step + 1) / self.warmup
        return self.learning_rate * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRecipe:
    """All that decides what a fine-tuning run computes."""

    name: str
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    data: DataSettings = field(default_factory=DataSettings)
    crop: CropSettings = field(default_factory=CropSettings)
    head: HeadSettings = field(default_factory=HeadSettings)
    detection: DetectionSettings = field(default_factory=DetectionSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    seed: int = 0

    def to_json(self) -> str:
        """Return the recipe as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    def identity(self) -> str:
        """Return as JSON what a run computes, wherever its data and weights lie.

        The weights' checksum belongs to it as well.
        """
        values = asdict(self)
        kind = self.encoder.weights.partition(":")[0]
        values["data"]["root"] = ""
        values["encoder"]["weights"] = kind if kind in ("random", "imagenet") else ""
        return json.dumps(values, sort_keys=True)


_TABLES: Final = ("encoder", "data", "crop", "head", "detection", "schedule")
_LISTS: Final = (("crop", "scale"), ("detection", "short_sides"), ("schedule", "drops"))


def load_transfer_recipe(path: Path, overrides: Sequence[str] = ()) -> TransferRecipe:
    """Read a recipe and apply ``table.key=value`` overrides.

    Raises:
        TrainConfigError: Missing file, bad TOML, an unknown key, or a value that can't be.
    """
    return parse_transfer_recipe(read_tables(path, overrides), path.stem)


def parse_transfer_recipe(tables: Mapping[str, Any], name: str) -> TransferRecipe:
    """Return the recipe with the values of some tables.

    Raises:
        TrainConfigError: An unknown key, or a value that can't be.
    """
    if unknown := sorted(set(tables) - {*_TABLES, "seed", "name"}):
        raise TrainConfigError(
            f"Recipe {name} has unknown entries {', '.join(unknown)}; known are "
            f"{', '.join(sorted([*_TABLES, 'seed']))}."
        )
    values = {table: read_table(tables, table, name) for table in _TABLES}
    for table, key in _LISTS:
        if key in values[table]:
            given = values[table][key]
            values[table][key] = tuple(given) if isinstance(given, list | tuple) else (given,)
    recipe = TransferRecipe(
        name=str(tables.get("name", name)),
        encoder=read_settings(EncoderSettings, values["encoder"], name, "encoder"),
        data=read_settings(DataSettings, values["data"], name, "data"),
        crop=read_settings(CropSettings, values["crop"], name, "crop"),
        head=read_settings(HeadSettings, values["head"], name, "head"),
        detection=read_settings(DetectionSettings, values["detection"], name, "detection"),
        schedule=read_settings(ScheduleSettings, values["schedule"], name, "schedule"),
        seed=read_seed(tables, name),
    )
    _check(recipe)
    return recipe


def _check(recipe: TransferRecipe) -> None:
    schedule, crop = recipe.schedule, recipe.crop
    for where, number in (
        ("schedule.steps", schedule.steps),
        ("schedule.batch", schedule.batch),
        ("schedule.micro_batches", schedule.micro_batches),
        ("crop.size", crop.size),
    ):
        if number < 1:
            raise TrainConfigError(f"{where} must be a whole number from 1, got {number}.")
    if schedule.batch % schedule.micro_batches:
        raise TrainConfigError(
            f"schedule.batch ({schedule.batch}) must be divisible by schedule.micro_batches "
            f"({schedule.micro_batches})."
        )
    if not 0 < crop.scale[0] <= crop.scale[1]:
        raise TrainConfigError(
            f"crop.scale must be the smallest and the largest factor, got {list(crop.scale)}."
        )
