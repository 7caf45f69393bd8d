"""Published image weights: the same answers as the published network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig, preset
from cmp_engine.geometry import normalize_images
from cmp_engine.modeling.feature_pyramid import (
    LITE0_STAGES,
    LITE0_STEM,
    EfficientNetLiteEncoder,
)
from train.errors import TrainConfigError
from train.image_weights import load_image_weights, start_from_image_weights


def _shapes() -> Iterator[tuple[str, str, tuple[int, ...], int, int]]:
    """Convolution, norm, shape, stride and groups, in the order of the published network."""
    yield "_conv_stem", "_bn0", (LITE0_STEM, 3, 3, 3), 2, 1
    inside, block = LITE0_STEM, 0
    for stage in LITE0_STAGES:
        for index in range(stage.repeats):
            hidden, name = inside * stage.expand, f"_blocks.{block}."
            if stage.expand > 1:
                yield name + "_expand_conv", name + "_bn0", (hidden, inside, 1, 1), 1, 1
            kernel = (hidden, 1, stage.kernel, stage.kernel)
            stride = stage.stride if index == 0 else 1
            yield name + "_depthwise_conv", name + "_bn1", kernel, stride, hidden
            yield name + "_project_conv", name + "_bn2", (stage.channels, hidden, 1, 1), 1, 1
            inside, block = stage.channels, block + 1


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """A state dict as the package has it, with other numbers."""
    generator = torch.Generator().manual_seed(2)
    state = {}
    for conv, norm, shape, _, _ in _shapes():
        fan = shape[1] * shape[2] * shape[3]
        state[f"{conv}.weight"] = torch.randn(shape, generator=generator) * (1.5 / fan) ** 0.5
        for key, low, high in (
            ("weight", 0.5, 1.5),
            ("bias", -0.2, 0.4),
            ("running_mean", -0.3, 0.3),
            ("running_var", 0.4, 2.0),
        ):
            values = torch.rand(shape[0], generator=generator)
            state[f"{norm}.{key}"] = low + (high - low) * values
    return state


@pytest.fixture(scope="module")
def path(published: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "weights.pth"
    torch.save(published, path)
    return path


def _same_padded(x: Tensor, weight: Tensor, stride: int, groups: int) -> Tensor:
    """TensorFlow's SAME convolution of an even size."""
    total = max(weight.shape[-1] - stride, 0)
    before = total // 2
    x = F.pad(x, (before, total - before, before, total - before))
    return F.conv2d(x, weight, stride=stride, groups=groups)


def _reference(state: dict[str, Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
    """What the published network makes of (1, 3, H, W) RGB in 0..255.

    Returns:
        After the first layer, and before the classifier.
    """
    x = (image - 127) / 128
    stem = block_input = x
    for conv, norm, _, stride, groups in _shapes():
        if conv.endswith("_expand_conv") or (conv.startswith("_blocks.0.") and groups > 1):
            block_input = x
        x = _same_padded(x, state[f"{conv}.weight"], stride, groups)
        x = F.batch_norm(
            x,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
            eps=1e-3,
        )
        if not conv.endswith("_project_conv"):
            x = F.relu6(x)
        elif x.shape == block_input.shape:
            x = x + block_input
        if conv == "_conv_stem":
            stem = x
    return stem, x


def _encoder() -> EfficientNetLiteEncoder:
    encoder = build_network(preset("default")).image_encoder
    assert isinstance(encoder, EfficientNetLiteEncoder)
    return encoder


def test_encoder_with_published_weights_then_answers_like_the_published_network(published, path):
    encoder = _encoder()
    load_image_weights(encoder, path)
    generator = torch.Generator().manual_seed(4)
    image = torch.randint(0, 255, (1, 3, 96, 96), generator=generator).float()
    with torch.inference_mode():
        expected_stem, expected = _reference(published, image)
        stem = F.relu6(encoder.stem(normalize_images(image)))
        x = expected_stem
        for stage in encoder.stages:
            x = stage(x)
    # The far border sees its padding in other units.
    torch.testing.assert_close(stem[..., :-1, :-1], expected_stem[..., :-1, :-1])
    assert x.shape == (1, 320, 3, 3)
    torch.testing.assert_close(x, expected, atol=1e-4, rtol=1e-4)


def test_installed_package_then_loads():
    encoder = _encoder()
    before = encoder.stem.weight.clone()
    start_from_image_weights(encoder, "published")
    assert (encoder.stem.weight - before).abs().max() > 0.01


def test_another_encoder_then_says_so():
    config = ModelConfig(
        image_encoder="pyramid", decoder="attention", head="regression", encoder_width=16
    )
    encoder = build_network(config).image_encoder
    with pytest.raises(TrainConfigError, match="efficientnet_lite0"):
        start_from_image_weights(encoder, "published")


def test_foreign_weights_then_says_so(tmp_path: Path):
    path = tmp_path / "other.pth"
    torch.save(nn.Conv2d(3, 3, 3).state_dict(), path)
    with pytest.raises(TrainConfigError, match="does not hold"):
        load_image_weights(_encoder(), path)
