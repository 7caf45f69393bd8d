"""The CMP network: image encoder, sparse motion encoder, dense motion decoder (paper sec. 3.1).

The decoder works in two steps, so that an edit costs a fraction of the whole network. `prepare`
does all that depends on the image alone, `propagate` the rest. A convolution over concatenated
channels is the sum of two convolutions, so the split is exact up to float rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from cmp_engine.config import ModelConfig
from cmp_engine.flow_bins import FlowBins

ImageFeatures: TypeAlias = tuple[Tensor, ...]
"""What an image encoder returns, coarsest first; each (B, C, H / stride, W / stride)."""

PreparedImage: TypeAlias = tuple[Tensor, ...]
"""What a decoder's `prepare` returns: everything that depends on the image alone, batch first."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """Sparse motion guidance of a batch: arrows and pins, padded to the same count.

    Attributes:
        points: (B, N, 2) float32, x and y in px of the network grid, pixel centres at integers.
        vectors: (B, N, 2) float32 forward displacement, px of the network grid; zero is a pin.
        valid: (B, N) bool, False for padding. N may be 0.
    """

    points: Tensor
    vectors: Tensor
    valid: Tensor

    def to(self, device: torch.device) -> Guidance:
        """Return the same guidance on ``device``."""
        return Guidance(self.points.to(device), self.vectors.to(device), self.valid.to(device))

    def rasterize(self, height: int, width: int) -> Tensor:
        """Return the published networks' input: u, v, and the mask twice.

        One pixel per arrow, coordinates truncated to integers as the published code does; of two
        arrows on one pixel the later one counts. Arrows off the grid are dropped.

        Returns:
            (B, 4, height, width) float32. u, v in px at the guided pixels, zero elsewhere.

        Source: paper sec. 3.1 "Sparse Motion Encoder" (there with one mask channel).
        """
        batch, count = self.valid.shape
        sparse = self.vectors.new_zeros(batch, 4, height, width)
        column, row = self.points.long().unbind(-1)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & self.valid
        values = torch.cat([self.vectors, torch.ones_like(self.vectors)], dim=-1)
        for index in range(count):
            rows = torch.nonzero(inside[:, index]).squeeze(-1)
            sparse[rows, :, row[rows, index], column[rows, index]] = values[rows, index]
        return sparse


class MotionEncoder(nn.Module, ABC):
    """Encodes sparse guidance into tensors that the decoder understands."""

    @abstractmethod
    def forward(self, guidance: Guidance, height: int, width: int) -> tuple[Tensor, ...]:
        """Return the encoded motion for a network grid of ``height`` x ``width`` px."""


class MotionDecoder(nn.Module, ABC):
    """Propagates encoded motion over the image."""

    @abstractmethod
    def prepare(self, features: ImageFeatures) -> PreparedImage:
        """Return everything that depends on the image alone."""

    @abstractmethod
    def propagate(self, prepared: PreparedImage, motion: tuple[Tensor, ...]) -> Tensor:
        """Return the raw output (B, C, H / stride out, W / stride out).

        ``prepared`` has batch B or 1; a single image is shared by all B guidance sets.
        """


class CMP(nn.Module):
    """The whole network.

    Image tensors are (B, 3, H, W) float32, normalised by `cmp_engine.geometry`; H and W are
    multiples of 32.
    """

    def __init__(
        self,
        image_encoder: nn.Module,
        flow_encoder: MotionEncoder,
        flow_decoder: MotionDecoder,
        config: ModelConfig,
    ) -> None:
        super().__init__()
        # The attribute names are those of the published state dicts.
        self.image_encoder = image_encoder
        self.flow_encoder = flow_encoder
        self.flow_decoder = flow_decoder
        self.config = config
        self.bins = FlowBins(config.num_bins, config.max_flow)

    def prepare(self, image: Tensor) -> PreparedImage:
        """Return all that depends on the image alone."""
        prepared: PreparedImage = self.flow_decoder.prepare(self.image_encoder(image))
        return prepared

    def propagate(
        self, prepared: PreparedImage, guidance: Guidance, height: int, width: int
    ) -> Tensor:
        """Return the raw output for guidance sets on one prepared image, or one image each.

        Returns:
            (B, 2 * num_bins, h, w) logits, x axis first, or (B, 2, h, w) flow in px of the network
            grid, for the two kinds of head.
        """
        motion = self.flow_encoder(guidance, height, width)
        return self.flow_decoder.propagate(prepared, motion)

    def to_flow(self, output: Tensor) -> Tensor:
        """Return forward flow (B, 2, h, w) in px of the network grid, from the raw output."""
        if self.config.head == "regression":
            return output
        return self.bins.decode(output)

    def forward(self, image: Tensor, guidance: Guidance) -> Tensor:
        """Return the raw output for a batch of images with a guidance set each."""
        height, width = image.shape[-2:]
        return self.propagate(self.prepare(image), guidance, height, width)
