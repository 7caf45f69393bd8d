"""Small pieces that the default network is built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def group_norm(channels: int) -> nn.GroupNorm:
    """Return the default network's normalisation."""
    return nn.GroupNorm(8, channels)


def conv_block(inside: int, outside: int, *, dilation: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution, its norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=dilation, dilation=dilation, bias=False),
        group_norm(outside),
        nn.ReLU(inplace=True),
    )


def double(x: Tensor) -> Tensor:
    """Return (B, C, h, w) features at twice the resolution, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
