"""What a network must beat: zero flow, nearest guidance, edge-aware diffusion of the guidance.

Each has the interface of `cmp_engine.MotionPredictor`: `set_image` once, then `predict_many`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu
from scipy.spatial import cKDTree

Float: TypeAlias = NDArray[np.float32]
GuidanceSet: TypeAlias = tuple[Float, Float]
"""Points (N, 2) x, y and displacements (N, 2), px of the image."""


class FlowPredictor(Protocol):
    """Anything that answers guidance on a picture with dense flow."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""

    def predict_many(self, guidance: Sequence[GuidanceSet]) -> Float:
        """Return forward flow (B, H, W, 2) px, one for each guidance set."""


class ZeroFlow:
    """Nothing moves."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""
        self._size_hw = image.shape[:2]

    def predict_many(self, guidance: Sequence[GuidanceSet]) -> Float:
        """Return zeros (B, H, W, 2)."""
        return np.zeros((len(guidance), *self._size_hw, 2), np.float32)


class NearestGuidance:
    """Every pixel moves as the point of guidance nearest to it."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB."""
        height, width = image.shape[:2]
        y, x = np.mgrid[:height, :width]
        self._pixels = np.stack([x, y], -1)

    def predict_many(self, guidance: Sequence[GuidanceSet]) -> Float:
        """Return forward flow (B, H, W, 2) px."""
        flows = np.zeros((len(guidance), *self._pixels.shape), np.float32)
        for flow, (points, vectors) in zip(flows, guidance, strict=True):
            if len(points):
                _, nearest = cKDTree(points).query(self._pixels)
                flow[:] = vectors[nearest]
        return flows


@dataclass(slots=True)
class EdgeAwareDiffusion:
    """Guidance spreads over the picture, less across edges of colour, and fades with distance.

    The flow minimises ``sum w |df|² + pull |f|²`` over neighbouring pixels with
    ``w = exp(-sharpness |dRGB|²) + leak`` (RGB in 0..1), and equals the guidance at its points.

    Attributes:
        sharpness: How much an edge of colour hinders.
        leak: What crosses any edge.
        pull: Strength of the pull towards zero.

    The constraints are met exactly: with A the matrix of the sum, and G the columns of its inverse
    that belong to the guided pixels S, the minimiser is ``G (G at S)^-1 vectors``. So one
    factorisation serves all guidance sets on a picture.
    """

    sharpness: float = 100.0
    leak: float = 1e-4
    pull: float = 1e-3
    _factor: SuperLU | None = None
    _size_hw: tuple[int, int] = (0, 0)

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take the picture (H, W, 3) uint8 RGB, and factorise its matrix."""
        height, width = image.shape[:2]
        self._size_hw = (height, width)
        color = image.astype(np.float64) / 255
        number = np.arange(height * width).reshape(height, width)
        rows, columns, weights = [], [], []
        for axis in range(2):
            first = number[:-1] if axis == 0 else number[:, :-1]
            second = number[1:] if axis == 0 else number[:, 1:]
            step = np.square(np.diff(color, axis=axis)).sum(-1)
            rows.append(first.ravel())
            columns.append(second.ravel())
            weights.append((np.exp(-self.sharpness * step) + self.leak).ravel())
        row, column, weight = (np.concatenate(part) for part in (rows, columns, weights))
        size = height * width
        off = sparse.coo_array((weight, (row, column)), shape=(size, size)).tocsc()
        off = off + off.T
        diagonal = np.asarray(off.sum(axis=0)).ravel() + self.pull
        matrix = sparse.csc_matrix(sparse.diags_array(diagonal) - off)
        self._factor = splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )

    def predict_many(self, guidance: Sequence[GuidanceSet]) -> Float:
        """Return forward flow (B, H, W, 2) px."""
        height, width = self._size_hw
        flows = np.zeros((len(guidance), height, width, 2), np.float32)
        factor = self._factor
        if factor is None:
            return flows
        known: dict[int, NDArray[np.float64]] = {}
        for flow, (points, vectors) in zip(flows, guidance, strict=True):
            column = np.clip(np.rint(points[:, 0]), 0, width - 1).astype(int)
            row = np.clip(np.rint(points[:, 1]), 0, height - 1).astype(int)
            pixels, last = np.unique((row * width + column)[::-1], return_index=True)
            if not len(pixels):
                continue
            for pixel in pixels.tolist():
                if pixel not in known:
                    unit = np.zeros(height * width)
                    unit[pixel] = 1
                    known[pixel] = factor.solve(unit)
            spread = np.stack([known[pixel] for pixel in pixels.tolist()], 1)
            wanted = vectors[::-1][last].astype(np.float64)
            strength = np.linalg.solve(spread[pixels], wanted)
            flow[:] = (spread @ strength).reshape(height, width, 2)
        return flows
