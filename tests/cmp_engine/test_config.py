"""Descriptions of networks."""

from __future__ import annotations

import json

import pytest

from cmp_engine.config import PRESETS, ModelConfig, preset
from cmp_engine.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_config_when_written_and_read_then_is_the_same(name):
    config = preset(name)

    assert ModelConfig.from_json(config.to_json()) == config


def test_published_presets_are_what_the_published_networks_are():
    skip, plain, alexnet = (
        preset(name) for name in ("resnet50_skip", "resnet50_plain", "alexnet_plain")
    )

    assert (skip.decoder, skip.propagation_strides, skip.blocks) == ("skip", (1, 2, 4, 8), 3)
    assert (plain.decoder, plain.propagation_strides, plain.blocks) == ("plain", (1, 2, 4), 2)
    assert alexnet.image_encoder == "alexnet_stride32"
    assert skip.num_bins == plain.num_bins == alexnet.num_bins == 99


def test_reach_of_bins_is_the_centre_of_the_outermost_bin():
    assert preset("resnet50_skip").reach == pytest.approx(50 - 50 / 99)


def test_reach_of_a_regression_head_is_unbounded():
    assert ModelConfig(image_encoder="resnet18", decoder="plain", head="regression").reach is None
    assert preset("default").reach is None


def test_preset_when_unknown_then_says_which_there_are():
    with pytest.raises(ConfigError, match=r"'resnet51'.*resnet50_skip"):
        preset("resnet51")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_encoder": "vgg"}, "image_encoder must be one of"),
        ({"decoder": "dense"}, "decoder must be one of"),
        ({"head": "logits"}, "head must be one of"),
        ({"propagation_strides": ()}, "propagation_strides"),
        ({"propagation_strides": (1, 3)}, "propagation_strides"),
        ({"propagation_strides": (2, 2)}, "propagation_strides"),
        ({"image_encoder": "alexnet_stride8", "decoder": "skip"}, "no skips"),
        ({"image_encoder": "pyramid", "decoder": "skip"}, "pyramid has no skips"),
        ({"decoder": "attention"}, "needs an encoder with a pyramid"),
        ({"blocks": 0}, "blocks must be at least 1"),
        ({"num_bins": 0}, "num_bins must be at least 1"),
        ({"max_flow": 0.0}, "max_flow must be positive"),
        ({"max_flow": float("nan")}, "max_flow must be positive"),
        ({"max_flow": None}, "max_flow must be a number, got None"),
        ({"num_bins": "x"}, "num_bins must be a whole number, got 'x'"),
        ({"blocks": True}, "blocks must be a whole number"),
        ({"propagation_strides": 5}, "must be a list of whole numbers, got 5"),
    ],
)
def test_config_when_a_value_makes_no_sense_then_names_it(change, message):
    values = {"image_encoder": "resnet18", "decoder": "plain", **change}

    with pytest.raises(ConfigError, match=message):
        ModelConfig(**values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "JSON object"),
        ("{}", "incomplete"),
        (json.dumps({"image_encoder": "resnet18", "decoder": "plain", "x": 1}), "unknown here: x"),
    ],
)
def test_config_when_the_text_is_no_description_then_says_why(text, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_json(text)
