"""Encoder of sparse motion (paper sec. 3.1, "Sparse Motion Encoder")."""

from __future__ import annotations

from torch import Tensor, nn

from cmp_engine.modeling.cmp import Guidance, MotionEncoder
from cmp_engine.modeling.layers import conv_bn_relu


class SparseMotionEncoder(MotionEncoder):
    """Two Conv-BN-ReLU-Pooling blocks on the rasterised guidance.

    Args:
        channels: Channels of the encoded motion.
        stride: Stride of the image features, at least 4; the last pooling makes up for it.

    Source: paper sec. 3.1: "It contains two stacked Conv-BN-ReLU-Pooling blocks and encodes sparse
    motion into 16 channels. The spatial stride depends on the stride of the image encoder." Kernel
    sizes, kinds of pooling and the doubled mask channel are the published networks'.
    """

    def __init__(self, channels: int, *, stride: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *conv_bn_relu(4, channels, kernel=5, stride=2),
            nn.MaxPool2d(2),
            *conv_bn_relu(channels, channels),
            nn.AvgPool2d(stride // 4),
        )

    def forward(self, guidance: Guidance, height: int, width: int) -> tuple[Tensor, ...]:
        """Return (B, channels, height / stride, width / stride)."""
        return (self.features(guidance.rasterize(height, width)),)
