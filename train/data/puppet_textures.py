"""Procedural textures and backgrounds of the synthetic puppets, made once per generator."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

TEXTURE_SIDE: Final = 128
"""Side of a texture, a power of two, because textures repeat by bit masking."""


def _noise(side: int, cells: int, count: int, generator: torch.Generator) -> Tensor:
    """Return tileable smooth noise (count, side, side) in about 0..1."""
    coarse = torch.rand(count, 1, cells, cells, generator=generator)
    padded = torch.cat([coarse, coarse[:, :, :3]], dim=2)
    padded = torch.cat([padded, padded[:, :, :, :3]], dim=3)
    step = side // cells
    smooth = interpolate(padded, scale_factor=step, mode="bicubic", align_corners=False)
    return smooth[:, 0, step : step + side, step : step + side]


def _unit(values: Tensor) -> Tensor:
    low = values.amin(dim=(-2, -1), keepdim=True)
    high = values.amax(dim=(-2, -1), keepdim=True)
    return (values - low) / (high - low).clamp_min(1e-6)


def make_textures(count: int, generator: torch.Generator) -> Tensor:
    """Return tileable patterns (count, side, side) float32 in 0..1: noise, stripes, checks, dots.

    The side is `TEXTURE_SIDE`.
    """
    side = TEXTURE_SIDE
    made = []
    axis = torch.arange(side, dtype=torch.float32) * (2 * torch.pi / side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")

    def pick(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    for index in range(count):
        octaves = torch.zeros(side, side)
        weight = 1.0
        falloff = 0.4 + 0.5 * float(torch.rand((), generator=generator))
        for cells in (4, 8, 16, 32, 64):
            octaves = octaves + weight * _noise(side, cells, 1, generator)[0]
            weight *= falloff
        octaves = _unit(octaves)
        kind = index % 8
        if kind < 3:
            pattern = octaves
        elif kind == 3:  # stripes, straight or wavy
            wave = pick(1, 14) * x + pick(-3, 3) * y + pick(0, 4) * octaves
            pattern = torch.sigmoid(torch.sin(wave) * (1 + pick(0, 8)))
        elif kind == 4:  # checks
            times = pick(2, 10)
            pattern = torch.sigmoid(8 * torch.sin(times * x) * torch.sin(times * y))
        elif kind == 5:  # dots
            times = pick(2, 10)
            pattern = torch.sigmoid(8 * (torch.cos(times * x) * torch.cos(times * y) - 0.4))
        elif kind == 6:  # patches
            pattern = torch.sigmoid((octaves - 0.5) * 30)
        else:  # fur and wood: noise drawn out along the part
            long = interpolate(
                _noise(side, 32, 1, generator)[None, :, :, :16],
                size=(side, side),
                mode="bilinear",
                align_corners=False,
            )[0, 0]
            pattern = _unit(0.6 * long + 0.4 * octaves)
        made.append(pattern)
    return torch.stack(made).contiguous()


def textures_from(pictures: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` patterns (count, side, side) in 0..1 cut out of pictures, mirrored to tile.

    Args:
        pictures: (K, 3, h, w) uint8, at least 64 px a side.
        count: How many.
        generator: Chooses the places.
    """
    half = TEXTURE_SIDE // 2
    height, width = pictures.shape[-2:]
    made = []
    for _ in range(count):
        which = int(torch.randint(0, len(pictures), (), generator=generator))
        top = int(torch.randint(0, height - half + 1, (), generator=generator))
        left = int(torch.randint(0, width - half + 1, (), generator=generator))
        piece = pictures[which, :, top : top + half, left : left + half].float().mean(0)
        piece = torch.cat([piece, piece.flip(1)], 1)
        made.append(_unit(torch.cat([piece, piece.flip(0)], 0)))
    return torch.stack(made)


def _random_colors(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Return (count, 3) colours 0..255, from grey to saturated, from dark to light."""
    value = rng.uniform(20, 250, (count, 1))
    tint = rng.uniform(0, 1, (count, 3)) ** 0.7
    saturation = rng.beta(1.2, 2.0, (count, 1))
    return (value * (1 - saturation + saturation * tint)).astype(np.float32)


def make_backgrounds(count: int, side: int, seed: int) -> Tensor:
    """Return backgrounds (count, 3, side, side) uint8: noise, ramps, rooms, clutter.

    Args:
        count: How many.
        side: Their side, px; divisible by 64.
        seed: Same seed, same backgrounds.
    """
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    made = []
    for _ in range(count):
        colors = torch.from_numpy(_random_colors(rng, 8))
        turn = rng.uniform(0, 2 * np.pi)
        blend = _unit(x * np.cos(turn) + y * np.sin(turn))
        weight, falloff = rng.uniform(0.0, 1.5), rng.uniform(0.3, 0.9)
        for cells in (4, 8, 16, 32, 64):
            blend = blend + weight * (_noise(side, cells, 1, generator)[0] - 0.5)
            weight *= falloff
        blend = blend.clamp(0, 1)
        image = colors[0, :, None, None] * (1 - blend) + colors[1, :, None, None] * blend
        if rng.random() < 0.4:  # a floor, sometimes with boards or tiles
            horizon = rng.uniform(-0.4, 0.6)
            floor = (y > horizon).float()
            depth = 1 / (y - horizon + 0.15).clamp_min(0.02)
            ground = colors[2, :, None, None].expand(3, side, side)
            if rng.random() < 0.6:
                lines = torch.sin(x * depth * rng.uniform(4, 20))
                if rng.random() < 0.5:
                    lines = lines * torch.sin(depth * rng.uniform(4, 20))
                ground = ground * (1 + rng.uniform(0.05, 0.4) * torch.sigmoid(6 * lines)[None])
            image = image * (1 - floor) + ground * floor
        for _ in range(int(rng.integers(0, 18))):
            image = _add_clutter(image, x, y, rng)
        image = image + rng.uniform(0, 12) * torch.randn(1, side, side, generator=generator)
        made.append(image.clamp(0, 255).byte())
    return torch.stack(made)


def _add_clutter(image: Tensor, x: Tensor, y: Tensor, rng: np.random.Generator) -> Tensor:
    """Paint one box, ellipse or bar over an image."""
    turn = rng.uniform(0, np.pi) if rng.random() < 0.6 else float(rng.integers(0, 2)) * np.pi / 2
    center = rng.uniform(-1, 1, 2)
    half = rng.uniform(0.03, 0.5, 2) * rng.uniform(0.2, 1)
    u = ((x - center[0]) * np.cos(turn) + (y - center[1]) * np.sin(turn)) / half[0]
    v = ((y - center[1]) * np.cos(turn) - (x - center[0]) * np.sin(turn)) / half[1]
    distance = torch.maximum(u.abs(), v.abs()) if rng.random() < 0.6 else (u * u + v * v).sqrt()
    cover = torch.sigmoid((1 - distance) * 60 * min(half))
    color = torch.from_numpy(_random_colors(rng, 1))[0, :, None, None]
    if rng.random() < 0.4:
        color = color * (1 + 0.4 * torch.sin(u * rng.uniform(2, 12))[None])
    return image * (1 - cover) + color * cover
