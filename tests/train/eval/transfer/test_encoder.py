"""Encoders: the same features as inside the network that they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig, preset
from cmp_engine.weights import save_model
from train.config import load_recipe
from train.errors import TrainConfigError
from train.eval.transfer.encoder import load_encoder, resnet_trunk, set_norm
from train.eval.transfer.recipe import EncoderSettings
from train.objectives import build_for
from train.train_state import new_state, save_state

CONFIGS = Path(__file__).parents[4] / "train" / "configs"
SMALL = ModelConfig(image_encoder="resnet18", decoder="plain", decoder_channels=8)


def stirred(network: nn.Module) -> nn.Module:
    """Give the batch norms statistics of their own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture
def weights(tmp_path):
    network = stirred(build_network(SMALL)).eval()
    path = tmp_path / "cmp.safetensors"
    save_model(network, path, metadata={"data": "made up", "hours": "0.10"}, half=False)
    return network, path


def test_encoder_when_taken_from_weights_then_gives_the_features_below_the_top(weights):
    network, path = weights
    loaded = load_encoder(EncoderSettings(weights=str(path)))
    encoder = loaded.encoder.eval()
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        features = encoder(image)
        torch.testing.assert_close(
            network.image_encoder.conv5(features), network.image_encoder(image)[0]
        )
    assert features.shape == (2, encoder.channels, 64 // encoder.stride, 96 // encoder.stride)
    assert (loaded.origin.method, loaded.origin.config.image_encoder) == ("cmp", "resnet18")
    assert loaded.origin.metadata["data"] == "made up"
    assert len(loaded.origin.sha256) == 64


@pytest.mark.parametrize("name", ["resnet50_plain", "alexnet_plain", "default"])
def test_encoder_when_random_then_has_the_shape_that_it_says(name):
    config = preset(name)
    settings = EncoderSettings(weights="random", image_encoder=config.image_encoder)
    encoder = load_encoder(settings).encoder.eval()
    with torch.no_grad():
        features = encoder(torch.randn(1, 3, 64, 64))
    side = 64 // encoder.stride
    assert features.shape == (1, encoder.channels, side, side)


def test_encoder_when_from_a_run_then_its_averaged_weights_and_what_is_known(tmp_path):
    recipe = load_recipe(CONFIGS / "tiny.toml")
    torch.manual_seed(0)
    state = new_state(build_network(recipe.model), recipe, torch.device("cpu"))
    for parameter in state.ema.parameters():
        parameter.data += 0.25
    state.step, state.seconds = 7, 1800.0
    save_state(state, recipe, tmp_path / "state.pt")

    loaded = load_encoder(EncoderSettings(weights=str(tmp_path)))

    torch.testing.assert_close(
        loaded.encoder.body.state_dict()["lateral8.weight"],
        state.ema.image_encoder.lateral8.weight,
    )
    assert loaded.origin.method == "cmp"
    assert (loaded.origin.metadata["steps"], loaded.origin.metadata["hours"]) == ("7", "0.50")
    assert "puppet scenes" in loaded.origin.metadata["data"]


@pytest.mark.parametrize("objective", ["walker", "pathak", "mahendran"])
def test_encoder_when_from_a_run_of_another_objective_then_taken_and_named(tmp_path, objective):
    changes = ["encoder_width=16", "image_channels=16", "motion_channels=8", "decoder_channels=16"]
    recipe = load_recipe(
        CONFIGS / f"small_{objective}.toml",
        ["data.pairs=none", *(f"model.{change}" for change in changes)],
    )
    network = build_for(recipe)
    save_state(new_state(network, recipe, torch.device("cpu")), recipe, tmp_path / "state.pt")

    loaded = load_encoder(EncoderSettings(weights=str(tmp_path)))

    assert loaded.origin.method == objective
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = network.eval().image_encoder(image)[0]
        torch.testing.assert_close(loaded.encoder.eval()(image), expected)


def test_encoder_when_random_for_some_weights_then_of_their_network_with_other_values(weights):
    network, path = weights
    torch.manual_seed(3)
    loaded = load_encoder(EncoderSettings(weights=f"random:{path}"))
    assert loaded.origin.method == "random"
    assert loaded.origin.config.image_encoder == "resnet18"
    assert not torch.equal(loaded.encoder.body.conv1.weight, network.image_encoder.conv1.weight)


def test_encoder_when_random_for_a_run_not_begun_then_of_its_recipes_network(tmp_path):
    recipe = load_recipe(CONFIGS / "tiny.toml")
    (tmp_path / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")

    loaded = load_encoder(EncoderSettings(weights=f"random:{tmp_path}"))

    assert loaded.origin.config == recipe.model
    assert (loaded.origin.method, loaded.origin.sha256) == ("random", "")
    assert loaded.encoder.channels == recipe.model.image_channels


@pytest.mark.parametrize("content", ["{", "{}", '{"model": {"image_encoder": "vgg"}}', "[]"])
def test_recipe_of_a_run_when_damaged_then_named(tmp_path, content):
    (tmp_path / "recipe.json").write_text(content, encoding="utf-8")
    with pytest.raises(TrainConfigError, match=r"recipe\.json is not the recipe"):
        load_encoder(EncoderSettings(weights=f"random:{tmp_path}"))


def test_trunk_when_of_a_resnet_then_torchvision_with_the_same_weights(weights):
    network, path = weights
    trunk = resnet_trunk(load_encoder(EncoderSettings(weights=str(path))).encoder).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        stem = trunk.maxpool(trunk.relu(trunk.bn1(trunk.conv1(image))))
        torch.testing.assert_close(
            trunk.layer1(stem), network.image_encoder(image)[1], atol=1e-5, rtol=1e-5
        )
        assert trunk.layer4(trunk.layer3(trunk.layer2(trunk.layer1(stem)))).shape[-1] == 2


def test_imagenet_when_the_file_is_there_then_all_of_its_values(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    published = stirred(torchvision.models.resnet18(weights=None))
    name = Path(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url).name
    torch.save(published.state_dict(), folder / name)

    loaded = load_encoder(EncoderSettings(weights="imagenet", image_encoder="resnet18"))

    expected = published.state_dict()
    for key, tensor in loaded.encoder.body.state_dict().items():
        assert torch.equal(tensor, expected[key]), key
    assert loaded.origin.method == "imagenet"
    assert loaded.origin.metadata["file"] == name


def test_imagenet_when_the_file_is_missing_then_one_sentence_says_where_it_belongs(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    settings = EncoderSettings(weights="imagenet", image_encoder="resnet50")
    with pytest.raises(
        TrainConfigError, match=r"not on this computer: .*resnet50-\w+\.pth"
    ) as info:
        load_encoder(settings)
    assert str(tmp_path) in str(info.value)
    assert "\n" not in str(info.value)


def test_imagenet_when_the_file_is_cut_off_then_says_so(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    path.write_bytes(path.read_bytes()[:100_000])
    settings = EncoderSettings(weights=f"imagenet:{path}", image_encoder="resnet18")
    with pytest.raises(TrainConfigError, match="does not hold whole weights of resnet18"):
        load_encoder(settings)


def test_imagenet_when_asked_of_alexnet_then_says_why_not():
    settings = EncoderSettings(weights="imagenet", image_encoder="alexnet_stride32")
    with pytest.raises(TrainConfigError, match="stays as reported"):
        load_encoder(settings)


def test_weights_when_of_another_network_than_wanted_then_refused(weights):
    settings = EncoderSettings(weights=str(weights[1]), image_encoder="resnet50")
    with pytest.raises(TrainConfigError, match="holds the image encoder resnet18"):
        load_encoder(settings)


def test_random_when_no_network_is_named_then_refused():
    with pytest.raises(TrainConfigError, match=r"needs encoder\.image_encoder"):
        load_encoder(EncoderSettings(weights="random"))


def test_folder_when_it_holds_no_run_then_refused(tmp_path):
    with pytest.raises(TrainConfigError, match=r"state\.pt is missing"):
        load_encoder(EncoderSettings(weights=str(tmp_path)))


def test_norms_when_frozen_then_keep_their_statistics_and_values_while_training(weights):
    encoder = load_encoder(EncoderSettings(weights=str(weights[1]))).encoder
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = encoder.eval()(image)
        found = set_norm(encoder, "frozen").train()(image)
    torch.testing.assert_close(found, expected)
    assert not any("bn" in name for name, _ in encoder.named_parameters())


def test_norms_when_synchronised_then_the_same_in_one_process(weights):
    encoder = load_encoder(EncoderSettings(weights=str(weights[1]))).encoder
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = encoder.train()(image)
        torch.testing.assert_close(set_norm(encoder, "sync")(image), expected)
