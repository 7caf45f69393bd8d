"""Image encoders of the default network: a backbone with a top-down pyramid (strides 4 to 32).

`PyramidEncoder` is a slim residual network that starts from nothing. `EfficientNetLiteEncoder` is
EfficientNet-Lite0, whose published ImageNet weights know what a person, a wing or a branch looks
like before any training here (`train.image_weights` converts them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock

from cmp_engine.config import ModelConfig
from cmp_engine.modeling.blocks import conv_block, double, group_norm
from cmp_engine.modeling.cmp import ImageFeatures
from cmp_engine.modeling.image_encoder import ImageEncoder
from cmp_engine.modeling.limb_head import LimbPyramid


class TopDown(ImageEncoder):
    """Adds what coarse stages know to the fine ones; the features for the decoder have stride 8.

    Args:
        stages: Channels of the backbone at strides 4, 8, 16 and 32.
        wide: Channels handed to the decoder.
        limb_channels: Channels of the features about limbs; 0 for none.
        limb_backbone: The backbone of these features, if they have one of their own.
    """

    stride = 8

    def __init__(
        self,
        stages: tuple[int, int, int, int],
        wide: int,
        limb_channels: int,
        limb_backbone: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.skip_channels = (wide // 2,)
        self.lateral32 = nn.Conv2d(stages[3], wide, 1)
        self.lateral16 = nn.Conv2d(stages[2], wide, 1)
        self.lateral8 = nn.Conv2d(stages[1], wide, 1)
        self.smooth16 = conv_block(wide, wide)
        self.smooth8 = conv_block(wide, wide)
        self.lateral4 = nn.Conv2d(stages[0] + wide, wide // 2, 1)
        self.limbs = LimbPyramid(stages, limb_channels, limb_backbone) if limb_channels else None

    def top_down(self, image: Tensor, features: list[Tensor]) -> ImageFeatures:
        """Return features at stride 8 (B, C, ...) and 4 (B, C / 2, ...), then those of limbs."""
        top = self.lateral32(features[3])
        top = top + F.adaptive_avg_pool2d(top, 1)
        mid = self.smooth16(self.lateral16(features[2]) + double(top))
        fine = self.smooth8(self.lateral8(features[1]) + double(mid))
        quarter = self.lateral4(torch.cat([features[0], double(fine)], dim=1))
        if self.limbs is None:
            return fine, quarter
        return fine, quarter, *self.limbs(image, features)


class PyramidEncoder(TopDown):
    """Four residual stages (torchvision's BasicBlock with group norm) and the pyramid."""

    def __init__(self, config: ModelConfig) -> None:
        width = config.encoder_width
        first, second, third, fourth = (
            c // 8 * 8 for c in (width, 2 * width, 4 * width, 5 * width + width // 3)
        )
        super().__init__(
            (first, second, third, fourth), config.image_channels, config.limb_channels
        )
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 2, 5, stride=2, padding=2, bias=False),
            group_norm(width // 2),
            nn.ReLU(inplace=True),
        )
        inside = width // 2
        self.stages = nn.ModuleList()
        for channels in (first, second, third, fourth):
            shortcut = nn.Sequential(
                nn.Conv2d(inside, channels, 1, stride=2, bias=False), group_norm(channels)
            )
            self.stages.append(
                nn.Sequential(
                    BasicBlock(inside, channels, 2, shortcut, norm_layer=group_norm),
                    BasicBlock(channels, channels, norm_layer=group_norm),
                )
            )
            inside = channels

    def forward(self, image: Tensor) -> ImageFeatures:
        """Return features at stride 8 (B, C, ...) and 4 (B, C / 2, ...), then those of limbs."""
        features = []
        x = self.stem(image)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return self.top_down(image, features)


class ScaledConv2d(nn.Module):
    """A convolution and the frozen batch norm behind it: conv(x, scale * weight) + shift.

    The norm is a factor and an offset per channel, as it is in any network that is only fine-tuned.
    Padding is TensorFlow's "SAME" for even sizes, which the published weights were trained with: a
    stride of two puts the odd pixel of the padding at the far side.

    Args:
        inside: Channels in.
        outside: Channels out.
        kernel: Side of the kernel, px.
        stride: 1 or 2.
        depthwise: Each channel on its own.
    """

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        depthwise: bool = False,
    ) -> None:
        super().__init__()
        self.groups = inside if depthwise else 1
        self.stride = stride
        self.padding = (kernel - 1) // 2
        self.weight = nn.Parameter(torch.empty(outside, inside // self.groups, kernel, kernel))
        self.scale = nn.Parameter(torch.ones(outside))
        self.shift = nn.Parameter(torch.zeros(outside))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, inside, H, W); H and W are divided by the stride and must be even for 2."""
        weight = self.weight * self.scale[:, None, None, None]
        padding = self.padding
        if self.stride == 2:
            x = F.pad(x, (padding - 1, padding, padding - 1, padding) if padding else (0, 0, 0, 0))
            padding = 0
        return F.conv2d(x, weight, self.shift, self.stride, padding, groups=self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree.

    Source: MobileNetV2 (Sandler et al. 2018, sec. 3.3), with ReLU6 as in EfficientNet-Lite.
    """

    def __init__(self, inside: int, outside: int, *, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        hidden = inside * expand
        self.expand = ScaledConv2d(inside, hidden) if expand > 1 else None
        self.depthwise = ScaledConv2d(hidden, hidden, kernel, stride=stride, depthwise=True)
        self.project = ScaledConv2d(hidden, outside)
        self.is_added = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Transform (B, inside, H, W) to (B, outside, H / stride, W / stride)."""
        hidden = x if self.expand is None else F.relu6(self.expand(x))
        out: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return x + out if self.is_added else out


@dataclass(frozen=True, slots=True)
class LiteStage:
    """A run of equal blocks of EfficientNet-Lite; the first one has the stride."""

    channels: int
    expand: int
    kernel: int
    stride: int
    repeats: int


LITE0_STEM: Final = 32
LITE0_STAGES: Final = (
    LiteStage(16, 1, 3, 1, 1),
    LiteStage(24, 6, 3, 2, 2),
    LiteStage(40, 6, 5, 2, 2),
    LiteStage(80, 6, 3, 2, 3),
    LiteStage(112, 6, 5, 1, 3),
    LiteStage(192, 6, 5, 2, 4),
    LiteStage(320, 6, 3, 1, 1),
)
"""EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation."""

_LITE0_TAPS: Final = (1, 2, 4, 6)
"""The last stages at strides 4, 8, 16 and 32."""

_OWN_STAGES: Final = 5
"""Of a backbone for limbs alone: those up to stride 16. Stride 32 has most of the parameters and
says what a thing is, which is the same for limbs."""


class LiteBackbone(nn.Module):
    """The first stages of EfficientNet-Lite0.

    Args:
        count: Number of stages.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.stem, self.stages = _lite_layers(count)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of (B, 3, H, W) at strides 4, 8, … as far as there are stages."""
        return _lite_features(self.stem, self.stages, image)


class EfficientNetLiteEncoder(TopDown):
    """EfficientNet-Lite0 and the pyramid."""

    def __init__(self, config: ModelConfig) -> None:
        first, second, third, fourth = (LITE0_STAGES[tap].channels for tap in _LITE0_TAPS)
        super().__init__(
            (first, second, third, fourth),
            config.image_channels,
            config.limb_channels,
            LiteBackbone(_OWN_STAGES) if config.limb_backbone else None,
        )
        self.stem, self.stages = _lite_layers(len(LITE0_STAGES))

    def forward(self, image: Tensor) -> ImageFeatures:
        """Return features at stride 8 (B, C, ...) and 4 (B, C / 2, ...), then those of limbs."""
        return self.top_down(image, _lite_features(self.stem, self.stages, image))


def _lite_layers(count: int) -> tuple[ScaledConv2d, nn.ModuleList]:
    stem = ScaledConv2d(3, LITE0_STEM, 3, stride=2)
    stages = nn.ModuleList()
    inside = LITE0_STEM
    for stage in LITE0_STAGES[:count]:
        blocks = []
        for index in range(stage.repeats):
            stride = stage.stride if index == 0 else 1
            blocks.append(
                InvertedResidual(
                    inside, stage.channels, expand=stage.expand, kernel=stage.kernel, stride=stride
                )
            )
            inside = stage.channels
        stages.append(nn.Sequential(*blocks))
    return stem, stages


def _lite_features(stem: ScaledConv2d, stages: nn.ModuleList, image: Tensor) -> list[Tensor]:
    features = []
    x = F.relu6(stem(image))
    for index, stage in enumerate(stages):
        x = stage(x)
        if index in _LITE0_TAPS:
            features.append(x)
    return features
