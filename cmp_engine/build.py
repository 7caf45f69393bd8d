"""Composes networks from their description."""

from __future__ import annotations

from cmp_engine.config import ModelConfig
from cmp_engine.errors import ConfigError
from cmp_engine.modeling.attention import ArrowAttentionDecoder, ArrowEncoder
from cmp_engine.modeling.cmp import CMP, MotionDecoder
from cmp_engine.modeling.feature_pyramid import EfficientNetLiteEncoder, PyramidEncoder
from cmp_engine.modeling.image_encoder import AlexNetEncoder, ImageEncoder, ResNetEncoder
from cmp_engine.modeling.motion_decoder import PlainDecoder, SkipDecoder
from cmp_engine.modeling.motion_encoder import SparseMotionEncoder


def build_network(config: ModelConfig) -> CMP:
    """Return the network that ``config`` describes, with random weights, in train mode.

    Raises:
        ConfigError: The pieces do not fit together.
    """
    if config.decoder == "attention":
        return _build_attention(config)
    image_encoder = _image_encoder(config)
    motion_encoder = SparseMotionEncoder(config.motion_channels, stride=image_encoder.stride)
    return CMP(image_encoder, motion_encoder, _motion_decoder(config, image_encoder), config)


def _channels_out(config: ModelConfig) -> int:
    """Return the channels of the raw output: logits of both axes, or dx and dy."""
    return 2 * config.num_bins if config.head == "bins" else 2


def _image_encoder(config: ModelConfig) -> ImageEncoder:
    if config.image_encoder == "pyramid":
        return PyramidEncoder(config)
    if config.image_encoder == "efficientnet_lite0":
        return EfficientNetLiteEncoder(config)
    if config.image_encoder == "alexnet_stride32":
        return AlexNetEncoder(config.image_channels, stride=32)
    if config.image_encoder == "alexnet_stride8":
        return AlexNetEncoder(config.image_channels, stride=8)
    return ResNetEncoder(config.image_encoder, config.image_channels)


def _motion_decoder(config: ModelConfig, image_encoder: ImageEncoder) -> MotionDecoder:
    if config.decoder == "plain":
        return PlainDecoder(
            config.image_channels,
            config.motion_channels,
            config.decoder_channels,
            strides=config.propagation_strides,
            blocks=config.blocks,
            channels_out=_channels_out(config),
        )
    if config.decoder_channels < 4:
        raise ConfigError(
            "The skip decoder needs at least 4 decoder_channels, got {decoder_channels}.",
            decoder_channels=config.decoder_channels,
        )
    return SkipDecoder(
        config.image_channels,
        config.motion_channels,
        config.decoder_channels,
        strides=config.propagation_strides,
        blocks=config.blocks,
        skip_channels=image_encoder.skip_channels,
        channels_out=_channels_out(config),
    )


def _build_attention(config: ModelConfig) -> CMP:
    return CMP(_image_encoder(config), ArrowEncoder(), ArrowAttentionDecoder(config), config)
