"""Places on the network grid and features at them; pixel centres are at integers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cell_centers(height: int, width: int, like: Tensor, *, stride: int) -> Tensor:
    """Return the centres of the cells of a stride, (height, width, 2) px."""
    offset = (stride - 1) / 2
    y = torch.arange(height, device=like.device, dtype=like.dtype) * stride + offset
    x = torch.arange(width, device=like.device, dtype=like.dtype) * stride + offset
    return torch.stack([x.expand(height, width), y.unsqueeze(1).expand(height, width)], dim=-1)


def sample_grid(features: Tensor, places: Tensor, stride: int) -> Tensor:
    """Sample (B, C, h, w) of ``stride`` at ``places`` (B, M, K, 2) px; (B, C, M, K), bilinear."""
    height, width = features.shape[-2:]
    x = (places[..., 0] + 0.5) * (2 / (width * stride)) - 1
    y = (places[..., 1] + 0.5) * (2 / (height * stride)) - 1
    grid = torch.stack([x, y], dim=-1)
    return F.grid_sample(
        features, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def sample_places(features: Tensor, places: Tensor, stride: int) -> Tensor:
    """Sample (B, C, h, w) of ``stride`` at ``places`` (B, K, 2) px; (B, C, K)."""
    return sample_grid(features, places.unsqueeze(2), stride).squeeze(3)


def sample(features: Tensor, points: Tensor, stride: int) -> Tensor:
    """Sample (B, C, h, w) of ``stride`` at ``points`` (B, N, 2) px; (B, N, C)."""
    return sample_places(features, points, stride).transpose(1, 2)
