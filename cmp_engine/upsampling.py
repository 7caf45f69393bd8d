"""From the network's coarse flow to the picture's grid, along the picture's edges or bilinear.

The network answers on a grid 2 to 32 times coarser than its input, and the picture is finer
again. Bilinear upsampling (the published way) smears the flow over the outlines of what moves, and
then edges tear and drag the background along. ``edge_aware`` reads the flow at positions moved to
each pixel's own side of the picture's edges (`cmp_engine.edge_positions`), first on the network
grid, then on the grid that was asked for. Where the coarse flow has no border itself, it is read
bilinearly all the same, so that texture does not ripple a smooth motion. All weights depend on the
picture alone: an edit costs three lookups.

Mean end-point error in px of the picture near motion edges (within 8 px of the network grid), and
on moving pixels elsewhere, at stride 4. ``exact``: the network's answer is the exact flow's mean
over each coarse pixel; ``rough``: of a flow whose outlines are off by 2 px, blurred and noisy.

=================== =========== =========== =========== ===========
near, moving        drawn,      drawn,      pictures,   pictures,
                    exact       rough       exact       rough
=================== =========== =========== =========== ===========
bilinear            1.96, 0.00  3.57, 0.25  1.38, 0.00  2.35, 0.14
joint bilateral 5x5 0.82, 0.22  2.60, 0.51  1.23, 0.18  2.12, 0.28
fast guided filter  1.14, 0.20  2.84, 0.47  1.28, 0.14  2.16, 0.24
**edge_aware**      0.74, 0.06  2.21, 0.26  0.97, 0.06  1.73, 0.17
=================== =========== =========== =========== ===========

8 drawn scenes of 640 x 480 px and 8 pictures with object masks, short side 256. Time of the
processors for an edit, on an x86-64 machine with 2 cores: 3 ms at 512 x 384, 13 ms at 1024 x 768,
0.44 s at 4000 x 3000 (bilinear: 0.1 ms, 6 ms, 0.13 s); 0.14 s once for each picture.

Source: own choice; ``python -m tests.benchmarks.bench_upsampling`` prints the table.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from cmp_engine.config import ModelConfig
from cmp_engine.edge_positions import GuidedOffsets, edge_positions
from cmp_engine.errors import FlowError
from cmp_engine.geometry import ImageGeometry, resize_flow, resize_image
from cmp_engine.limb_placement import LimbPlacer
from cmp_engine.modeling.limbs import FlowWithLimbs

Array = NDArray[np.float32]

Upsampling: TypeAlias = Literal["edge_aware", "bilinear"]
GridAlignment: TypeAlias = Literal["corners", "centers"]

_BORDER: Final = 0.05
"""Bend of the coarse flow that counts as a border, in units of its longest displacement."""

_STRIP_PIXELS: Final = 2**20
"""Pixels that are worked on at once, which bounds the memory."""

_CACHED_PIXELS: Final = 2**21
"""The positions of one grid of at most this many pixels are kept between edits."""

_MAX_REMAP_SIDE: Final = 2**14
"""OpenCV's remap takes sides up to 32767."""


def grid_alignment(config: ModelConfig) -> GridAlignment:
    """Return how a network's output grid lies on its input grid.

    ``corners``: the centres of the corner pixels fall together (``align_corners=True``), as the
    published networks are used. ``centers``: the outer borders fall together, so that an output
    pixel is the centre of the block of input pixels that it stands for.
    """
    return "centers" if config.decoder == "attention" else "corners"


def output_stride(config: ModelConfig) -> int:
    """Return the px of the network grid per px of the network's output grid.

    Limbs are put in later, on the network grid (`cmp_engine.limb_placement`).
    """
    if config.decoder == "attention":
        return 4
    if config.decoder == "skip":
        return 2
    return 32 if config.image_encoder == "alexnet_stride32" else 8


class FlowUpsampler:
    """Brings flows of one picture from the network's output grid to any grid of the picture.

    Not thread-safe.

    Args:
        image: (H, W, 3) uint8 RGB. It must not change as long as this object is used.
        on_network: (h, w, 3) uint8 RGB, the same picture on the network grid, padded.
        geometry: The picture's way to the network.
        stride: Px of the network grid per px of the output grid.
        alignment: How the output grid lies on the network grid.
        has_limbs: Whether there can be limbs to put in.
    """

    def __init__(
        self,
        image: NDArray[np.uint8],
        on_network: NDArray[np.uint8],
        geometry: ImageGeometry,
        *,
        stride: int,
        alignment: GridAlignment,
        has_limbs: bool = False,
    ) -> None:
        self._image = image
        self._geometry = geometry
        self._alignment = alignment
        resized = on_network[: geometry.resized_hw[0], : geometry.resized_hw[1]]
        # Two coarse pixels off an edge the flow is that of one side alone.
        self._positions = edge_positions(resized, float(np.clip(4 * stride, 8, 32)))
        self._coarse: tuple[tuple[int, int], tuple[Array, Array]] | None = None
        self._offsets = GuidedOffsets(resized)
        self._cached: tuple[tuple[int, int], tuple[Array, Array]] | None = None
        self._placer = LimbPlacer(resized, geometry.network_hw) if has_limbs else None

    def upsample(self, flow: Array | FlowWithLimbs, *, method: Upsampling, out: Array) -> None:
        """Write one flow on a grid of the picture.

        Args:
            flow: (h, w, 2) float32 on the network's output grid, px of the network grid; or that
                of one set with limbs to put in.
            method: ``bilinear`` as published, or ``edge_aware``.
            out: (H, W, 2) float32, any grid of the picture; gets the flow in px of that grid.

        Raises:
            FlowError: An unknown method.
        """
        if method not in ("edge_aware", "bilinear"):
            raise FlowError(
                "Upsampling must be edge_aware or bilinear, got {method!r}.", method=method
            )
        answer = flow if isinstance(flow, FlowWithLimbs) else None
        if isinstance(flow, FlowWithLimbs):
            flow = np.ascontiguousarray(flow.flow[0].permute(1, 2, 0).numpy())
        has_limbs = answer is not None and self._placer is not None and len(answer.sets) > 0
        if not flow.any() and not has_limbs:
            out[:] = 0
            return
        is_edge_aware = method == "edge_aware"
        whole = self._edge_aware_on_network(flow) if is_edge_aware else self._on_network(flow)
        if answer is not None and self._placer is not None:
            self._placer.put_over(whole, answer, is_edge_aware=is_edge_aware)
        if is_edge_aware:
            self._follow_edges(whole, out)
        else:
            size_hw = (out.shape[0], out.shape[1])
            out[:] = self._geometry.flow_to_image(whole, size_hw=size_hw)

    def _on_network(self, field: Array) -> Array:
        """Return a coarse field (h, w, C) on the network grid, bilinear, padding included."""
        height, width = self._geometry.network_hw
        if self._alignment == "centers":
            return np.asarray(cv2.resize(field, (width, height)), np.float32).reshape(
                height, width, -1
            )
        full = functional.interpolate(
            torch.from_numpy(field).permute(2, 0, 1).unsqueeze(0),
            size=(height, width),
            mode="bilinear",
            align_corners=True,
        )
        return np.ascontiguousarray(full.squeeze(0).permute(1, 2, 0).numpy())

    def _edge_aware_on_network(self, flow: Array) -> Array:
        """Return a coarse flow on the network grid, along edges, without the padding."""
        height, width = self._geometry.resized_hw
        if not flow.any():
            return np.zeros((height, width, 2), np.float32)
        smooth = self._on_network(flow)[:height, :width]
        share = self._on_network(_near_border(flow))[:height, :width]
        coarse_hw = (flow.shape[0], flow.shape[1])
        if self._coarse is None or self._coarse[0] != coarse_hw:
            self._coarse = (coarse_hw, self._to_coarse(coarse_hw))
        sharp = _read(flow, *self._coarse[1])
        sharp -= smooth
        sharp *= share
        sharp += smooth
        return sharp

    def _to_coarse(self, coarse_hw: tuple[int, int]) -> tuple[Array, Array]:
        """Return the positions beside the edges, x and y in px of the network's output grid."""
        converted = []
        sides = zip(coarse_hw[::-1], self._geometry.network_hw[::-1], strict=True)
        for positions, (coarse, network) in zip(self._positions, sides, strict=True):
            if self._alignment == "corners":
                converted.append(positions * np.float32((coarse - 1) / (network - 1)))
            else:
                half = np.float32(0.5)
                converted.append((positions + half) * np.float32(coarse / network) - half)
        return converted[0], converted[1]

    def _follow_edges(self, flow: Array, out: Array) -> None:
        """Write a flow of the network grid, without padding, on a grid of the picture."""
        height, width = out.shape[:2]
        if height <= flow.shape[0] and width <= flow.shape[1]:
            out[:] = resize_flow(flow, (height, width))
            return
        scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
        if self._cached is not None and self._cached[0] == (height, width):
            out[:] = _read(flow, *self._cached[1])
            out *= scale
            return
        picture = resize_image(self._image, (height, width))
        rows = height if height * width <= _CACHED_PIXELS else max(1, _STRIP_PIXELS // width)
        for start in range(0, height, rows):
            strip = out[start : start + rows]
            positions = self._offsets.strip(picture, start, start + len(strip))
            if rows == height:
                self._cached = ((height, width), positions)
            strip[:] = _read(flow, *positions)
            strip *= scale


def _near_border(flow: Array) -> Array:
    """Return how near a border between motions is, (h, w, 1) in 0..1.

    The flow of a rigid part, turning or not, is a plane; its second difference is zero. It is
    measured in units of the longest displacement, so that twice the pull is twice the flow.
    """
    around = cv2.copyMakeBorder(flow, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    bend = np.maximum(
        np.abs(around[1:-1, 2:] + around[1:-1, :-2] - 2 * flow),
        np.abs(around[2:, 1:-1] + around[:-2, 1:-1] - 2 * flow),
    ).max(axis=2)
    relative = cv2.dilate(bend, np.ones((3, 3), np.uint8)) / np.abs(flow).max()
    near = cv2.blur(np.minimum(relative / np.float32(_BORDER), 1), (3, 3))
    return np.asarray(near, np.float32)[..., None]


def _read(flow: Array, x: Array, y: Array) -> Array:
    """Return a flow (h, w, 2) read bilinearly at x and y, each (H, W) px of its grid."""
    if x.shape[1] <= _MAX_REMAP_SIDE and x.shape[0] <= _MAX_REMAP_SIDE:
        read = cv2.remap(flow, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(read, np.float32)
    out = np.empty((*x.shape, 2), np.float32)
    for top in range(0, x.shape[0], _MAX_REMAP_SIDE):
        for left in range(0, x.shape[1], _MAX_REMAP_SIDE):
            part = np.s_[top : top + _MAX_REMAP_SIDE, left : left + _MAX_REMAP_SIDE]
            out[part] = _read(flow, x[part], y[part])
    return out
