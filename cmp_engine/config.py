"""What a network is made of, as data, and the presets by name.

A `ModelConfig` is all that `cmp_engine.build.build_network` needs; it travels in the metadata of
every weights file, so that a file alone says which network it belongs to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Final, Literal, get_args

from cmp_engine.errors import ConfigError

ImageEncoderName = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "alexnet_stride32",
    "alexnet_stride8",
    "pyramid",
    "efficientnet_lite0",
]
DecoderName = Literal["plain", "skip", "attention"]
HeadName = Literal["bins", "regression"]

PROPAGATION_STRIDES: Final = (1, 2, 4, 8)
PYRAMID_ENCODERS: Final = ("pyramid", "efficientnet_lite0")
"""Image encoders that end in a feature pyramid, as the attention decoder needs."""

_WHOLE_NUMBERS: Final = (
    "blocks",
    "num_bins",
    "image_channels",
    "motion_channels",
    "decoder_channels",
    "encoder_width",
    "attention_heads",
    "short_side",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """One network: image encoder, motion encoder, dense motion decoder (paper sec. 3.1).

    Attributes:
        image_encoder: Backbone. The ResNets are dilated to stride 8 for the decoders ``plain`` and
            ``skip``. ``pyramid`` is a slim residual feature pyramid, ``efficientnet_lite0`` one on
            EfficientNet-Lite0; both fit the decoders ``attention`` and ``plain``.
        decoder: ``plain`` and ``skip`` are the paper's propagation and fusion nets, without and
            with skip connections to the image; ``attention`` lets each pixel look at the arrows
            themselves (this project's default network).
        propagation_strides: Pooling strides of the propagation nets, a subset of {1, 2, 4, 8}.
            The attention decoder has none.
        blocks: Conv-BN-ReLU blocks in each propagation net. The paper prints two; the published
            demo model has three.
        head: ``bins`` for the cross-entropy classes of eq. (1), ``regression`` for flow in px.
        num_bins: C of eq. (1), per axis.
        max_flow: Clipping bound of the bins, in px of the network grid. The bins cover
            [-max_flow, max_flow].
        image_channels: Channels that the image encoder hands to the decoder.
        motion_channels: Channels of the encoded sparse motion.
        decoder_channels: Channels of each propagation net; for the attention decoder its width.
        encoder_width: Channels of the pyramid encoder's first stage; the later ones have 2, 4 and 5
            times as many. Other encoders have the widths of their publications.
        attention_heads: Heads of the attention decoder.
        limb_channels: Channels of the attention decoder's features about limbs that turn, a
            multiple of 16; 0 for a decoder that knows of none.
        limb_backbone: Whether those features have the first stages of the backbone, to stride 16,
            of their own.
        short_side: Short side of the picture that the network likes best, px. 384 is what the
            published networks were trained with.
    """

    image_encoder: ImageEncoderName
    decoder: DecoderName
    propagation_strides: tuple[int, ...] = (1, 2, 4)
    blocks: int = 2
    head: HeadName = "bins"
    num_bins: int = 99
    max_flow: float = 50.0
    image_channels: int = 256
    motion_channels: int = 16
    decoder_channels: int = 128
    encoder_width: int = 48
    attention_heads: int = 4
    limb_channels: int = 0
    limb_backbone: bool = False
    short_side: int = 384

    def __post_init__(self) -> None:
        """Check every field; ConfigError says which one is wrong."""
        _check_types(self)
        _check_choice("image_encoder", self.image_encoder, get_args(ImageEncoderName))
        _check_choice("decoder", self.decoder, get_args(DecoderName))
        _check_choice("head", self.head, get_args(HeadName))
        strides = self.propagation_strides
        if self.decoder != "attention" and (
            not strides
            or len(set(strides)) != len(strides)
            or not set(strides) <= set(PROPAGATION_STRIDES)
        ):
            raise ConfigError(
                "propagation_strides must be one or more different values of "
                "{propagation_strides}, got {strides}.",
                propagation_strides=PROPAGATION_STRIDES,
                strides=strides,
            )
        if self.decoder == "skip" and not self.image_encoder.startswith("resnet"):
            raise ConfigError(
                "The skip decoder needs a ResNet encoder; {image_encoder} has no skips.",
                image_encoder=self.image_encoder,
            )
        if self.decoder == "attention" and self.image_encoder not in PYRAMID_ENCODERS:
            raise ConfigError(
                "The attention decoder needs an encoder with a pyramid: {encoders}.",
                encoders=" or ".join(PYRAMID_ENCODERS),
            )
        if self.decoder == "attention" and self.head != "regression":
            raise ConfigError("The attention decoder answers in px; its head must be regression.")
        for name in _WHOLE_NUMBERS:
            if getattr(self, name) < 1:
                raise ConfigError(
                    "{name} must be at least 1, got {value}.", name=name, value=getattr(self, name)
                )
        if self.limb_channels < 0 or self.limb_channels % 16:
            raise ConfigError(
                "limb_channels must be 0 or a multiple of 16, got {limb_channels}.",
                limb_channels=self.limb_channels,
            )
        if self.limb_channels and self.decoder != "attention":
            raise ConfigError("Only the attention decoder has limb_channels.")
        if self.limb_backbone and not (
            self.limb_channels and self.image_encoder == "efficientnet_lite0"
        ):
            raise ConfigError("limb_backbone needs limb_channels and efficientnet_lite0.")
        if not self.max_flow > 0:
            raise ConfigError("max_flow must be positive, got {max_flow}.", max_flow=self.max_flow)

    @property
    def reach(self) -> float | None:
        """Longest displacement per axis that one prediction can answer, px at network scale.

        The centre of the outermost bin for a network with bins; None where there is no bound.
        """
        if self.head == "bins" and self.decoder != "attention":
            return self.max_flow - self.max_flow / self.num_bins
        return None

    def to_json(self) -> str:
        """Return this description as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read a description that `to_json` wrote.

        Raises:
            ConfigError: Not JSON, an unknown field, or a value out of range.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(
                "The network description is not JSON: {error}.", error=error
            ) from error
        if not isinstance(values, dict):
            raise ConfigError(
                "The network description must be a JSON object, got {text!r}.", text=text[:60]
            )
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(
                "The network description has fields unknown here: {unknown}. It may come from a "
                "newer version of CMP Studio.",
                unknown=", ".join(unknown),
            )
        if isinstance(values.get("propagation_strides"), list):
            values["propagation_strides"] = tuple(values["propagation_strides"])
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(
                "The network description is incomplete: {error}.", error=error
            ) from error


def _check_types(config: ModelConfig) -> None:
    """Descriptions are read from files: a text may stand where a number should."""
    strides: object = config.propagation_strides
    if not isinstance(strides, tuple) or not all(_is_whole(stride) for stride in strides):
        raise ConfigError(
            "propagation_strides must be a list of whole numbers, got {strides!r}.", strides=strides
        )
    for name in (*_WHOLE_NUMBERS, "limb_channels"):
        if not _is_whole(getattr(config, name)):
            raise ConfigError(
                "{name} must be a whole number, got {value!r}.",
                name=name,
                value=getattr(config, name),
            )
    own: object = config.limb_backbone
    if not isinstance(own, bool):
        raise ConfigError("limb_backbone must be true or false, got {own!r}.", own=own)
    reach: object = config.max_flow
    if not isinstance(reach, float) and not _is_whole(reach):
        raise ConfigError("max_flow must be a number, got {reach!r}.", reach=reach)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(
            "{name} must be one of {choices}, got {value!r}.",
            name=name,
            choices=", ".join(choices),
            value=value,
        )


_RESNET50_PLAIN = ModelConfig(image_encoder="resnet50", decoder="plain")

PRESETS: Final[dict[str, ModelConfig]] = {
    "resnet50_plain": _RESNET50_PLAIN,
    "resnet50_skip": replace(
        _RESNET50_PLAIN, decoder="skip", propagation_strides=(1, 2, 4, 8), blocks=3
    ),
    "alexnet_plain": replace(_RESNET50_PLAIN, image_encoder="alexnet_stride32"),
    "alexnet_stride8_plain": replace(_RESNET50_PLAIN, image_encoder="alexnet_stride8"),
    "default": ModelConfig(
        image_encoder="efficientnet_lite0",
        decoder="attention",
        propagation_strides=(),
        head="regression",
        image_channels=96,
        motion_channels=32,
        decoder_channels=96,
        limb_channels=64,
        limb_backbone=True,
        short_side=256,
    ),
}


def preset(name: str) -> ModelConfig:
    """Return the network description called ``name``.

    Raises:
        ConfigError: No preset has that name.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(
            "There is no network preset {name!r}; the presets are {presets}.",
            name=name,
            presets=", ".join(PRESETS),
        ) from None
