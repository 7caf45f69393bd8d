"""The image encoder of any CMP weights, or a baseline's, ready to be fine-tuned.

The additional 1x1 convolution that CMP puts on top of its image encoder (paper sec. 3.1) belongs to
the pretext task and is left out: a ResNet ends in layer 4, AlexNet in fc7.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

import torch
import torchvision
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from cmp_engine.build import build_network
from cmp_engine.config import ImageEncoderName, ModelConfig
from cmp_engine.errors import ConfigError
from cmp_engine.modeling.feature_pyramid import EfficientNetLiteEncoder
from cmp_engine.modeling.image_encoder import AlexNetEncoder, ResNetEncoder
from cmp_engine.weights import load_model
from train.errors import TrainConfigError
from train.eval.transfer.recipe import EncoderSettings, Norm
from train.image_weights import load_image_weights
from train.release import describe_run

_PREFIX: Final = "image_encoder."
_DAMAGED: Final = (RuntimeError, ValueError, KeyError, TypeError, EOFError, OSError)
_ALEXNETS: Final = ("alexnet_stride32", "alexnet_stride8")


@dataclass(frozen=True, slots=True)
class EncoderOrigin:
    """Where the weights of an encoder come from.

    Attributes:
        method: Row of the paper's tables: ``random``, ``imagenet``, ``cmp`` or another objective.
        weights: What was asked for.
        config: The whole network that the encoder is a part of.
        sha256: Checksum of the weights, empty for random ones.
        metadata: What the weights tell of themselves: recipe, data, steps, hours, commit.
    """

    method: str
    weights: str
    config: ModelConfig
    sha256: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class TransferEncoder(nn.Module):
    """An image encoder without what belongs to the pretext task.

    Args:
        body: Encoder of the engine; its last convolution is taken away.
        name: Its name.
        image_channels: Channels that a pyramid encoder hands on.

    Attributes:
        channels: Of the features.
        stride: Image px for each px of the features.
    """

    def __init__(self, body: nn.Module, name: str, image_channels: int) -> None:
        super().__init__()
        self.name = name
        if isinstance(body, ResNetEncoder):
            self.channels, self.stride = body.conv5.in_channels, body.stride
            body.conv5 = nn.Identity()  # type: ignore[assignment]  # its place, without weights
        elif isinstance(body, AlexNetEncoder):
            self.channels, self.stride = body.conv8.in_channels, body.stride
            body.conv8 = nn.Identity()  # type: ignore[assignment]  # its place, without weights
        else:
            self.channels, self.stride = image_channels, 8
            body.lateral4 = nn.Identity()  # the finer output, which is not used
        self.body = body

    def forward(self, image: Tensor) -> Tensor:
        """Return (B, channels, H / stride, W / stride) of (B, 3, H, W) normalised images."""
        features: Tensor = self.body(image)[0]
        return features


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """An encoder and where its weights come from."""

    encoder: TransferEncoder
    origin: EncoderOrigin


def random_encoder(config: ModelConfig) -> TransferEncoder:
    """Return the encoder of a network with random weights; `torch.manual_seed` chooses them."""
    body = build_network(config).image_encoder
    return TransferEncoder(body, config.image_encoder, config.image_channels)


def load_encoder(settings: EncoderSettings) -> LoadedEncoder:
    """Return the encoder that a recipe asks for, in training mode, on the CPU.

    Raises:
        TrainConfigError: Settings that do not fit together, or ImageNet weights that are missing.
        WeightsError: CMP weights that are missing, damaged or foreign.
    """
    kind, _, rest = settings.weights.partition(":")
    if kind == "random":
        config = _read_network(rest) if rest else _config_of(settings)
        config = _chosen(config, settings, rest)
        loaded = random_encoder(config)
        origin = EncoderOrigin("random", settings.weights, config)
    elif kind == "imagenet":
        config = _config_of(settings)
        loaded = random_encoder(config)
        sha256, source = _load_imagenet(loaded, Path(rest) if rest else None)
        origin = EncoderOrigin(
            "imagenet", settings.weights, config, sha256, {"data": "ImageNet", "file": source}
        )
    else:
        state, config, metadata, sha256 = _read_weights(settings.weights)
        config = _chosen(config, settings, settings.weights)
        loaded = random_encoder(config)
        _fill(loaded, state, settings.weights)
        method = method_of(metadata.get("recipe", ""))
        origin = EncoderOrigin(method, settings.weights, config, sha256, metadata)
    if settings.method:
        origin = dataclasses.replace(origin, method=settings.method)
    return LoadedEncoder(loaded, origin)


def method_of(recipe: str) -> str:
    """Return which objective a pretraining recipe (JSON) has: ``cmp`` where it names none."""
    try:
        objective = json.loads(recipe).get("objective", "cmp")
    except (ValueError, AttributeError):
        return "cmp"
    if isinstance(objective, Mapping):
        objective = objective.get("kind", objective.get("name", "cmp"))
    return str(objective)


def set_norm(network: nn.Module, norm: Norm) -> nn.Module:
    """Return ``network`` with its batch norms as `EncoderSettings.norm` says; changed in place."""
    if norm == "sync":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch
        return converted
    if norm == "frozen":
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(parent, name, _frozen(child))
    return network


def resnet_trunk(encoder: TransferEncoder) -> torchvision.models.ResNet:
    """Return torchvision's ResNet with an encoder's weights, strides 4 to 32 instead of dilation.

    Raises:
        TrainConfigError: The encoder is no ResNet.
    """
    if not isinstance(encoder.body, ResNetEncoder):
        raise TrainConfigError(
            f"A feature pyramid needs a ResNet encoder, and these weights are of {encoder.name}; "
            "choose weights of resnet50."
        )
    trunk: torchvision.models.ResNet = torchvision.models.get_model(encoder.name, weights=None)
    state = encoder.body.state_dict()
    answer = trunk.load_state_dict(state, strict=False)
    wrong = [*answer.unexpected_keys, *(k for k in answer.missing_keys if not k.startswith("fc."))]
    if wrong:
        raise TrainConfigError(f"The encoder does not fit torchvision's {encoder.name}: {wrong}.")
    trunk.fc = nn.Identity()
    return trunk


def _frozen(norm: nn.BatchNorm2d) -> nn.Module:
    frozen: nn.Module = FrozenBatchNorm2d(norm.num_features, eps=norm.eps)
    state = norm.state_dict()
    frozen.load_state_dict({key: state[key] for key in frozen.state_dict()})
    return frozen


def _config_of(settings: EncoderSettings) -> ModelConfig:
    """Return a network with the encoder that the settings name."""
    name = settings.image_encoder
    if not name:
        raise TrainConfigError(
            f"encoder.weights = {settings.weights!r} needs encoder.image_encoder to be one of "
            f"{', '.join(get_args(ImageEncoderName))}."
        )
    return _with_encoder(name)


def _with_encoder(name: ImageEncoderName) -> ModelConfig:
    if name in ("pyramid", "efficientnet_lite0"):
        return ModelConfig(
            image_encoder=name, decoder="attention", head="regression", image_channels=96
        )
    return ModelConfig(image_encoder=name, decoder="plain")


def _chosen(config: ModelConfig, settings: EncoderSettings, source: str) -> ModelConfig:
    """Return the network of some weights, checked against the one that the recipe wants."""
    wanted = settings.image_encoder
    if not wanted or wanted == config.image_encoder:
        return config
    if wanted in _ALEXNETS and config.image_encoder in _ALEXNETS:
        return dataclasses.replace(config, image_encoder=wanted)
    raise TrainConfigError(
        f"{source} holds the image encoder {config.image_encoder}, and the recipe is for {wanted}; "
        "choose other weights, or set encoder.image_encoder to what they hold."
    )


def _read_network(source: str) -> ModelConfig:
    """Return the network of some weights, or of a run that may not have begun."""
    path = Path(source) / "recipe.json"
    if not path.is_file():
        return _read_weights(source)[1]
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
        return ModelConfig.from_json(json.dumps(recipe["model"]))
    except (*_DAMAGED, ConfigError) as error:
        raise TrainConfigError(
            f"{path} is not the recipe of a pretraining run ({error})."
        ) from error


def _read_weights(
    source: str,
) -> tuple[Mapping[str, Tensor], ModelConfig, Mapping[str, str], str]:
    """Return all tensors of some weights, their network, their metadata and their checksum."""
    path = Path(source)
    if path.is_dir():
        return _read_run(path)
    model = load_model(source)
    return model.network.state_dict(), model.info.config, model.info.metadata, model.info.sha256


def _read_run(run: Path) -> tuple[Mapping[str, Tensor], ModelConfig, Mapping[str, str], str]:
    path = run / "state.pt"
    if not path.is_file():
        raise TrainConfigError(
            f"{run} is no pretraining run: {path} is missing; give the --out folder of "
            "train.pretrain, or a weights file."
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        config = ModelConfig.from_json(json.dumps(json.loads(content["recipe"])["model"]))
        state: Mapping[str, Tensor] = content["ema"] or content["network"]
    except _DAMAGED as error:
        raise TrainConfigError(
            f"{path} is not the state of a pretraining run, or it is damaged ({error})."
        ) from error
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    known = describe_run([content])
    metadata = {key: known[key] for key in ("name", "recipe", "steps", "hours", "data")}
    return state, config, metadata, sha256


def _fill(encoder: TransferEncoder, state: Mapping[str, Tensor], source: str) -> None:
    """Copy the image encoder's tensors, all of them."""
    own = encoder.body.state_dict()
    given = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in state.items()
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) in own
    }
    missing = [n for n in own if n not in given and not n.endswith("num_batches_tracked")]
    if missing:
        raise TrainConfigError(
            f"{source} lacks weights of its image encoder: {', '.join(missing[:3])}."
        )
    encoder.body.load_state_dict(given, strict=False)


def _load_imagenet(encoder: TransferEncoder, path: Path | None) -> tuple[str, str]:
    """Fill an encoder with ImageNet weights; return their checksum and name."""
    body = encoder.body
    if isinstance(body, EfficientNetLiteEncoder):
        load_image_weights(body, path)
        return (_checksum(path), path.name) if path else ("", "efficientnet-lite0-57934424.pth")
    url = ""
    if path is None:
        if not isinstance(body, ResNetEncoder):
            raise TrainConfigError(
                f"No ImageNet weights are published for {encoder.name} (torchvision's AlexNet has "
                "other layers), so that row stays as reported; a file of your own is given as "
                "encoder.weights = imagenet:FILE."
            )
        enum = torchvision.models.get_model_weights(encoder.name)
        url = enum["IMAGENET1K_V1"].url
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not path.is_file():
        advice = f"get it from {url} and put it there" if url else "check the name"
        raise TrainConfigError(
            f"The ImageNet weights of {encoder.name} are not on this computer: {path} is missing; "
            f"{advice}."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        own = body.state_dict()
        given = {name: tensor for name, tensor in state.items() if name in own}
        missing = [n for n in own if n not in given and not n.endswith("num_batches_tracked")]
        if missing:
            raise KeyError(", ".join(missing[:3]))
        body.load_state_dict(given, strict=False)
    except _DAMAGED as error:
        raise TrainConfigError(
            f"{path} does not hold whole weights of {encoder.name} ({error}); get it again."
        ) from error
    return _checksum(path), path.name


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
