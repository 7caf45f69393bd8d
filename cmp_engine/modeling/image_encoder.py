"""Backbones that turn an image into features (paper sec. 3.1, "Image Encoder")."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import torchvision
from torch import Tensor, nn

from cmp_engine.modeling.cmp import ImageFeatures
from cmp_engine.modeling.layers import conv_bn_relu, dilate

RESNETS: Final[dict[str, Callable[[], torchvision.models.ResNet]]] = {
    "resnet18": torchvision.models.resnet18,
    "resnet34": torchvision.models.resnet34,
    "resnet50": torchvision.models.resnet50,
    "resnet101": torchvision.models.resnet101,
}


class ImageEncoder(nn.Module, ABC):
    """An image backbone.

    Attributes:
        stride: Image px for each px of the coarsest features.
        skip_channels: Channels of the finer features that follow the coarsest ones.
    """

    stride: int
    skip_channels: tuple[int, ...] = ()

    @abstractmethod
    def forward(self, image: Tensor) -> ImageFeatures:
        """Return the features of (B, 3, H, W) normalised images, coarsest first."""


class ResNetEncoder(ImageEncoder):
    """A torchvision ResNet with layers 3 and 4 dilated 2 and 4, and a 1x1 convolution on top.

    Args:
        name: One of `RESNETS`.
        channels: Channels of the coarsest features.

    Source: paper sec. 3.1 (backbone and the additional layer); the dilation is the published
    networks'.
    """

    stride = 8

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        trunk = RESNETS[name]()
        self.conv1 = trunk.conv1
        self.bn1 = trunk.bn1
        self.relu = trunk.relu
        self.maxpool = trunk.maxpool
        self.layer1 = trunk.layer1
        self.layer2 = trunk.layer2
        self.layer3 = trunk.layer3
        self.layer4 = trunk.layer4
        self.conv5 = nn.Conv2d(trunk.fc.in_features, channels, 1)
        dilate(self.layer3, 2)
        dilate(self.layer4, 4)
        self.skip_channels = (trunk.layer2[0].conv1.in_channels, trunk.conv1.out_channels)

    def forward(self, image: Tensor) -> ImageFeatures:
        """Return the top features at stride 8, layer 1 at stride 4, and the stem at stride 2."""
        stem = self.relu(self.bn1(self.conv1(image)))
        layer1 = self.layer1(self.maxpool(stem))
        top = self.conv5(self.layer4(self.layer3(self.layer2(layer1))))
        return top, layer1, stem


class AlexNetEncoder(ImageEncoder):
    """AlexNet with batch norm, fully convolutional, and a 1x1 convolution on top.

    Args:
        channels: Channels of the features.
        stride: 32, or 8: then the first convolution has stride 2 and the last pool stride 1.

    Source: paper sec. 3.1. The strides at stride 8 are this project's own choice: they leave the
    kernels and the names of the weights as they are at stride 32.
    """

    def __init__(self, channels: int, *, stride: int = 32) -> None:
        super().__init__()
        self.stride = stride
        first, last = (4, 2) if stride == 32 else (2, 1)
        self.conv1 = _block(3, 96, kernel=11, stride=first)
        self.pool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = _block(96, 256, kernel=5)
        self.pool2 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv3 = _block(256, 384, kernel=3)
        self.conv4 = _block(384, 384, kernel=3)
        self.conv5 = _block(384, 256, kernel=3)
        self.pool5 = nn.MaxPool2d(3, stride=last, padding=1)
        self.fc6 = _block(256, 4096, kernel=3)
        self.fc7 = _block(4096, 4096, kernel=1)
        self.conv8 = nn.Conv2d(4096, channels, 1)

    def forward(self, image: Tensor) -> ImageFeatures:
        """Return the features at the encoder's stride."""
        values = self.pool2(self.conv2(self.pool1(self.conv1(image))))
        values = self.pool5(self.conv5(self.conv4(self.conv3(values))))
        return (self.conv8(self.fc7(self.fc6(values))),)


def _block(channels_in: int, channels_out: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*conv_bn_relu(channels_in, channels_out, kernel=kernel, stride=stride))
