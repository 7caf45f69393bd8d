"""Networks from descriptions: names of the weights, shapes, and the two steps of an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from cmp_engine.build import build_network
from cmp_engine.config import PRESETS, ModelConfig, preset
from cmp_engine.errors import ConfigError
from cmp_engine.modeling.cmp import CMP, Guidance
from cmp_engine.modeling.layers import fold_batch_norm, upsample

SMALL = ModelConfig(
    image_encoder="resnet18",
    decoder="plain",
    num_bins=9,
    image_channels=12,
    motion_channels=4,
    decoder_channels=8,
)
COMBINATIONS = [
    SMALL,
    replace(SMALL, image_encoder="resnet34", propagation_strides=(8,), blocks=1),
    replace(SMALL, image_encoder="resnet50", propagation_strides=(2, 8), head="regression"),
    replace(SMALL, image_encoder="resnet101", propagation_strides=(1, 2, 4, 8), blocks=3),
    replace(SMALL, decoder="skip", propagation_strides=(1, 2, 4, 8), blocks=3),
    replace(SMALL, decoder="skip", propagation_strides=(4,), head="regression"),
    replace(SMALL, image_encoder="resnet50", decoder="skip", propagation_strides=(8, 1)),
    replace(SMALL, image_encoder="alexnet_stride32"),
    replace(SMALL, image_encoder="alexnet_stride8", propagation_strides=(1, 8)),
    replace(SMALL, image_encoder="pyramid", encoder_width=16, image_channels=16),
    preset("default"),
]
FEW = [
    SMALL,
    replace(SMALL, decoder="skip", propagation_strides=(1, 2, 4, 8), blocks=3),
    replace(SMALL, image_encoder="resnet50", propagation_strides=(2, 8), head="regression"),
    preset("default"),
]


def _name(config: ModelConfig) -> str:
    strides = "".join(map(str, config.propagation_strides))
    return f"{config.image_encoder}-{config.decoder}-{strides}-{config.head}"


def _guidance(batch: int, width: int, height: int, count: int = 3) -> Guidance:
    points = torch.rand(batch, count, 2) * torch.tensor([width - 1, height - 1])
    valid = torch.ones(batch, count, dtype=torch.bool)
    return Guidance(points, 10 * torch.randn(batch, count, 2), valid)


def _stride_out(config: ModelConfig) -> int:
    if config.limb_channels:
        return 2
    if config.decoder == "attention":
        return 4
    if config.decoder == "skip":
        return 2
    return 32 if config.image_encoder == "alexnet_stride32" else 8


def _with_statistics(network: CMP) -> CMP:
    """Give batch norm something to do, as training would."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, std=0.1)
    return network


@pytest.mark.parametrize("config", COMBINATIONS, ids=_name)
def test_output_of_any_combination_has_the_stride_and_channels_of_its_description(config):
    height, width = 64, 96
    network = build_network(config).eval()

    with torch.inference_mode():
        output = network(torch.randn(1, 3, height, width), _guidance(1, width, height))
        flow = network.to_flow(output)

    stride = _stride_out(config)
    assert output.shape[1] == (18 if config.head == "bins" else 2)
    assert flow.shape == (1, 2, height // stride, width // stride)
    assert flow.isfinite().all()


@pytest.mark.parametrize("config", FEW, ids=_name)
def test_answer_when_batch_norm_is_folded_then_is_the_same(config):
    network = _with_statistics(build_network(config)).eval()
    image, guidance = torch.randn(1, 3, 64, 64), _guidance(1, 64, 64)

    folded = fold_batch_norm(network)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        expected = network.to_flow(network(image, guidance))
        torch.testing.assert_close(
            folded.to_flow(folded(image, guidance)), expected, atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("config", FEW, ids=_name)
def test_answer_when_one_image_serves_several_guidance_sets_then_is_that_of_each(config):
    network = build_network(config).eval()
    image, guidance = torch.randn(1, 3, 64, 64), _guidance(3, 64, 64)

    with torch.inference_mode():
        together = network.propagate(network.prepare(image), guidance, 64, 64)
        for index in range(3):
            one = Guidance(
                *(part[index : index + 1] for part in (guidance.points, guidance.vectors)),
                guidance.valid[index : index + 1],
            )
            torch.testing.assert_close(
                together[index : index + 1], network(image, one), atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("config", FEW, ids=_name)
def test_gradients_reach_every_parameter(config):
    network = build_network(config)
    guidance = _guidance(2, 64, 64)
    output = network(torch.randn(2, 3, 64, 64), guidance)

    (output * torch.randn_like(output)).sum().backward()

    # Joints of limbs are not learned through the flow (tests/train/test_limb_loss.py).
    learned = [(name, p) for name, p in network.named_parameters() if ".limbs." not in name]
    without = [name for name, value in learned if value.grad is None]
    assert without == []
    assert all(value.grad.isfinite().all() for _, value in learned)


@pytest.mark.parametrize("encoder", ["resnet18", "alexnet_stride32"])
def test_answer_on_the_smallest_grid_is_finite(encoder):
    network = build_network(replace(SMALL, image_encoder=encoder)).eval()

    with torch.inference_mode():
        output = network(torch.randn(1, 3, 32, 32), _guidance(1, 32, 32))

    assert output.isfinite().all()


def test_split_answer_of_the_plain_decoder_equals_the_concatenated_one():
    network = build_network(replace(SMALL, propagation_strides=(1, 2, 8), blocks=2))
    image, guidance = torch.randn(2, 3, 64, 96), _guidance(2, 96, 64)
    decoder = network.flow_decoder

    (top, *_), (motion,) = network.image_encoder(image), network.flow_encoder(guidance, 64, 96)
    together = torch.cat([top, motion], dim=1)
    nets = [decoder.decoder1, decoder.decoder2, decoder.decoder8]
    answers = [upsample(net(together), 8, 12) for net in nets]
    expected = decoder.head(torch.cat(answers, dim=1))

    # In train mode, where batch norm sees the sum of both parts.
    torch.testing.assert_close(network(image, guidance), expected, atol=1e-4, rtol=1e-4)


def test_split_answer_of_the_skip_decoder_equals_the_concatenated_one():
    config = replace(SMALL, decoder="skip", propagation_strides=(1, 4), decoder_channels=16)
    network = build_network(config)
    image, guidance = torch.randn(2, 3, 64, 96), _guidance(2, 96, 64)
    decoder = network.flow_decoder

    (top, layer1, stem), (motion,) = (
        network.image_encoder(image),
        network.flow_encoder(guidance, 64, 96),
    )
    together = torch.cat([top, motion], dim=1)
    answers = [upsample(net(together), 8, 12) for net in (decoder.decoder1, decoder.decoder4)]
    values = decoder.fusion8(torch.cat(answers, dim=1))
    values = torch.cat([upsample(values, 16, 24), decoder.skipconv4(layer1)], dim=1)
    values = torch.cat([upsample(decoder.fusion4(values), 32, 48), decoder.skipconv2(stem)], dim=1)
    expected = decoder.head(decoder.fusion2(values))

    torch.testing.assert_close(network(image, guidance), expected, atol=1e-4, rtol=1e-4)


def test_preparing_the_image_leaves_no_image_work_to_the_edit():
    network = build_network(replace(SMALL, decoder="skip")).eval()
    image_convolutions = [
        module
        for part in (
            network.image_encoder,
            network.flow_decoder.skipconv4,
            network.flow_decoder.skipconv2,
        )
        for module in part.modules()
        if isinstance(module, nn.Conv2d)
    ]
    calls: list[nn.Module] = []
    for module in image_convolutions:
        module.register_forward_hook(lambda module, *_: calls.append(module))

    with torch.inference_mode():
        prepared = network.prepare(torch.randn(1, 3, 32, 32))
        assert len(calls) == len(image_convolutions)
        calls.clear()
        network.propagate(prepared, _guidance(1, 32, 32), 32, 32)

    assert calls == []


@pytest.mark.parametrize("name", PRESETS)
def test_state_of_a_preset_holds_everything_that_it_needs(name):
    with torch.device("meta"):
        network = build_network(preset(name))

    saved = set(network.state_dict())
    needed = {name for name, _ in network.named_parameters()}
    assert needed | {name for name, _ in network.named_buffers()} == saved


def test_names_of_the_weights_follow_the_description():
    with torch.device("meta"):
        plain = build_network(replace(SMALL, propagation_strides=(1, 8), blocks=2)).state_dict()
        skip = build_network(replace(SMALL, decoder="skip", blocks=3)).state_dict()

    assert plain["flow_decoder.decoder1.0.weight"].shape == (8, 16, 3, 3)
    assert plain["flow_decoder.decoder8.1.weight"].shape == (8, 16, 3, 3)
    assert plain["flow_decoder.head.weight"].shape == (18, 16, 1, 1)
    assert not any("decoder2" in name for name in plain)
    assert "flow_decoder.decoder1.6.weight" in skip
    assert "flow_decoder.decoder1.6.weight" not in plain
    assert skip["flow_decoder.fusion8.0.weight"].shape == (16, 24, 3, 3)
    assert skip["flow_decoder.skipconv2.0.weight"].shape == (2, 64, 3, 3)


def test_build_gives_a_network_in_train_mode():
    assert build_network(SMALL).training


def test_build_when_the_skip_decoder_is_too_narrow_then_says_so():
    with pytest.raises(ConfigError, match="at least 4 decoder_channels, got 3"):
        build_network(replace(SMALL, decoder="skip", decoder_channels=3))
