"""Dense motion decoders of the paper (sec. 3.1, "Dense Motion Decoder").

Both decoders take the image part of their first convolutions in `prepare`; see
`cmp_engine.modeling.cmp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from cmp_engine.modeling.cmp import ImageFeatures, MotionDecoder, PreparedImage
from cmp_engine.modeling.layers import (
    Pool,
    conv_bn_relu,
    convolve_channels,
    convolve_upsampled,
    upsample,
)


class PropagationNet(nn.Sequential):
    """Max pooling and a few Conv-BN-ReLU blocks.

    As a sequence it runs on image and motion features concatenated in this order. `prepare` and
    `propagate` do the same in two steps.

    Args:
        image_channels: Channels of the image features.
        motion_channels: Channels of the encoded motion.
        channels: Channels of every block.
        stride: Pooling stride; 1 means no pooling.
        blocks: Number of blocks.
    """

    def __init__(
        self,
        image_channels: int,
        motion_channels: int,
        channels: int,
        *,
        stride: int,
        blocks: int,
    ) -> None:
        modules: list[nn.Module] = [Pool(stride)] if stride > 1 else []
        self.first = len(modules)
        channels_in = image_channels + motion_channels
        for _ in range(blocks):
            modules += conv_bn_relu(channels_in, channels)
            channels_in = channels
        super().__init__(*modules)
        self.image_channels = image_channels

    def prepare(self, image: Tensor) -> Tensor:
        """Return the image's share of the first convolution, with the bias."""
        return convolve_channels(
            self._convolution(), self._pool(image), 0, self.image_channels, with_bias=True
        )

    def propagate(self, prepared: Tensor, motion: Tensor) -> Tensor:
        """Return (B, channels, H / stride, W / stride)."""
        values = convolve_channels(
            self._convolution(), self._pool(motion), self.image_channels, None, with_bias=False
        )
        values += prepared
        for module in list(self)[self.first + 1 :]:
            values = module(values)
        return values

    def _convolution(self) -> nn.Conv2d:
        return cast(nn.Conv2d, self[self.first])

    def _pool(self, values: Tensor) -> Tensor:
        return self[0](values) if self.first else values


class _PropagationDecoder(MotionDecoder):
    def __init__(
        self,
        image_channels: int,
        motion_channels: int,
        channels: int,
        *,
        strides: Sequence[int],
        blocks: int,
    ) -> None:
        super().__init__()
        self._names = [f"decoder{stride}" for stride in sorted(strides)]
        for name, stride in zip(self._names, sorted(strides), strict=True):
            net = PropagationNet(
                image_channels, motion_channels, channels, stride=stride, blocks=blocks
            )
            self.add_module(name, net)

    def _nets(self) -> list[PropagationNet]:
        return [cast(PropagationNet, self.get_submodule(name)) for name in self._names]

    def _prepare_nets(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(net.prepare(image) for net in self._nets())

    def _propagate_nets(self, prepared: PreparedImage, motion: Tensor) -> list[Tensor]:
        return [
            net.propagate(part, motion) for net, part in zip(self._nets(), prepared, strict=True)
        ]


class PlainDecoder(_PropagationDecoder):
    """Propagation nets and a single fusing convolution; the output has the features' stride.

    Args:
        image_channels: Channels of the image features.
        motion_channels: Channels of the encoded motion.
        channels: Channels of each propagation net.
        strides: Pooling strides of the propagation nets.
        blocks: Conv-BN-ReLU blocks of each propagation net.
        channels_out: Channels of the raw output.

    Source: paper sec. 3.1; the fusing convolution is 1x1 in the published networks.
    """

    def __init__(
        self,
        image_channels: int,
        motion_channels: int,
        channels: int,
        *,
        strides: Sequence[int],
        blocks: int,
        channels_out: int,
    ) -> None:
        super().__init__(image_channels, motion_channels, channels, strides=strides, blocks=blocks)
        self.head = nn.Conv2d(channels * len(strides), channels_out, 1)

    def prepare(self, features: ImageFeatures) -> PreparedImage:
        """Return the image's share of each propagation net."""
        return self._prepare_nets(features[0])

    def propagate(self, prepared: PreparedImage, motion: tuple[Tensor, ...]) -> Tensor:
        """Return the raw output at the stride of the image features."""
        height, width = motion[0].shape[-2:]
        answers = self._propagate_nets(prepared, motion[0])
        raw: Tensor = self.head(torch.cat([upsample(x, height, width) for x in answers], dim=1))
        return raw


class SkipDecoder(_PropagationDecoder):
    """Propagation nets, fused at stride 8, then refined at 4 and 2 with skips from the image.

    Args:
        image_channels: Channels of the image features.
        motion_channels: Channels of the encoded motion.
        channels: Channels of each propagation net, at least 4.
        strides: Pooling strides of the propagation nets.
        blocks: Conv-BN-ReLU blocks of each propagation net.
        skip_channels: Channels of the image features at stride 4 and 2.
        channels_out: Channels of the raw output.

    Source: the published demo model; the paper has no skips.
    """

    def __init__(
        self,
        image_channels: int,
        motion_channels: int,
        channels: int,
        *,
        strides: Sequence[int],
        blocks: int,
        skip_channels: tuple[int, ...],
        channels_out: int,
    ) -> None:
        super().__init__(image_channels, motion_channels, channels, strides=strides, blocks=blocks)
        coarse, middle, fine = 2 * channels, channels, channels // 2
        skip4, skip2 = channels, channels // 4
        self.fusion8 = nn.Sequential(*conv_bn_relu(channels * len(strides), coarse))
        self.skipconv4 = nn.Sequential(*conv_bn_relu(skip_channels[0], skip4))
        self.fusion4 = nn.Sequential(*conv_bn_relu(coarse + skip4, middle))
        self.skipconv2 = nn.Sequential(*conv_bn_relu(skip_channels[1], skip2))
        self.fusion2 = nn.Sequential(*conv_bn_relu(middle + skip2, fine))
        self.head = nn.Conv2d(fine, channels_out, 1)
        self._coarse, self._middle = coarse, middle

    def prepare(self, features: ImageFeatures) -> PreparedImage:
        """Return the skips' share of both fusions, then the image's of each propagation net."""
        top, layer1, stem = features
        return (
            _image_part(self.fusion4, self.skipconv4(layer1), self._coarse),
            _image_part(self.fusion2, self.skipconv2(stem), self._middle),
            *self._prepare_nets(top),
        )

    def propagate(self, prepared: PreparedImage, motion: tuple[Tensor, ...]) -> Tensor:
        """Return the raw output at stride 2."""
        height, width = motion[0].shape[-2:]
        skip4, skip2, *parts = prepared
        answers = self._propagate_nets(tuple(parts), motion[0])
        values = _fuse(self.fusion8, answers, (height, width))
        values = _fuse(self.fusion4, [values], _size(skip4), image_part=skip4)
        values = _fuse(self.fusion2, [values], _size(skip2), image_part=skip2)
        raw: Tensor = self.head(values)
        return raw


def _image_part(fusion: nn.Sequential, skip: Tensor, start: int) -> Tensor:
    convolution = cast(nn.Conv2d, fusion[0])
    return convolve_channels(convolution, skip, start, None, with_bias=True)


def _fuse(
    fusion: nn.Sequential,
    coarse: Sequence[Tensor],
    size_hw: tuple[int, int],
    *,
    image_part: Tensor | None = None,
) -> Tensor:
    """Return the fusion of ``coarse``, upsampled and concatenated, and of the image's share.

    The image's share, if there is one, brings the bias.
    """
    convolution = cast(nn.Conv2d, fusion[0])
    start, total = 0, image_part
    for values in coarse:
        stop = start + values.shape[1]
        part = convolve_upsampled(
            convolution, values, start, stop, size_hw=size_hw, with_bias=total is None
        )
        total = part if total is None else part.add_(total)
        start = stop
    for module in list(fusion)[1:]:
        total = module(total)
    return cast(Tensor, total)


def _size(values: Tensor) -> tuple[int, int]:
    return values.shape[-2], values.shape[-1]
