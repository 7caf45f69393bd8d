"""Rigid parts without any label: what follows alike, whoever is pulled, is one part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import ProbeError
from cmp_engine.probe_grid import (
    DEFAULT_OPTIONS,
    Float,
    Predictor,
    ProbeGrid,
    ProbeOptions,
    as_complex,
    ask,
    check_lengths,
    check_points,
    default_length,
    directions,
    grid_of,
    sample,
)
from cmp_engine.spectral import spectral_clusters

PROBES: Final = 144
"""Number of probes, unless asked otherwise."""

MOST_PARTS: Final = 16
"""Most parts that the eigengap may choose."""

_MAX_SIDE: Final = 160
_MUTUAL_POWER: Final = 2.0
_PROFILE_WIDTH: Final = 0.5
_NEARNESS: Final = 0.3
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class RigidParts:
    """An unsupervised segmentation into rigid parts. The ground counts as a part, too.

    Attributes:
        grid: Where the labels lie on the picture.
        labels: (h, w) int64 part of each pixel, from 1; 0 outside of the region that was asked for.
        confidence: (h, w) float32 in 0..1, how much better the part fits than the next best one.
        points: (N, 2) float32 the probes, px of the picture.
        point_labels: (N,) int64 part of each probe, from 1.
        affinity: (N, N) float64 in 0..1, how surely two probes are on one part.
        eigenvalues: (M,) float64 of the affinity's normalised Laplacian, rising.
        count: Number of parts.
        is_chosen: Whether the eigengap chose the number, not the caller.
    """

    grid: ProbeGrid
    labels: NDArray[np.int64]
    confidence: Float
    points: Float
    point_labels: NDArray[np.int64]
    affinity: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    count: int
    is_chosen: bool


def rigid_parts(
    predictor: Predictor,
    *,
    count: int | None = None,
    probes: int = PROBES,
    points: ArrayLike | None = None,
    region: NDArray[np.bool_] | None = None,
    direction_count: int = 2,
    length: float | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> RigidParts:
    """Return the rigid parts of a picture, or of a region of it.

    Args:
        predictor: Its picture set.
        count: Number of parts; None lets the eigengap choose, up to `MOST_PARTS`.
        probes: About how many points to pull, evenly spread; ignored with ``points``.
        points: (N, 2) points to pull instead, px of the picture, at least 3.
        region: (H, W) bool on the picture's own grid: only this is probed and labelled.
        direction_count: Directions of each pull: 1 to the right, 2 also down, more evenly around.
        length: Of the pulls, px of the picture; None is a 24th of the short side.
        options: How to ask; answers are at most 160 px a side. It takes
            ``N * direction_count`` predictions.

    Raises:
        EngineError: Fewer than three probes, a point outside of the picture, numbers that make no
            sense, a region of another size, no picture yet, or `Cancelled`.

    Source:
        Own choice; paper sec. 4.2, "rigidity-aware". Two probes are on one part when each follows
        the other (the smaller share, squared) and when both answer every pull alike (a Gaussian of
        the distance of their answers); `cmp_engine.spectral` makes groups of them, and a pixel
        belongs to the probe that answers every pull most like it. Measured by `train.eval.probes`.
    """
    side = _MAX_SIDE if options.max_side is None else min(_MAX_SIDE, options.max_side)
    options = replace(options, max_side=side)
    grid = grid_of(predictor, options)
    inside = _on_grid(region, grid)
    chosen = _spread(probes, grid, inside) if points is None else points
    checked = check_points(chosen, grid.image_hw, least=_FEWEST)
    if count is not None and not 1 <= count <= len(checked):
        raise ProbeError(
            "The number of parts must be from 1 to {most}, the number of probes, got {count}.",
            most=len(checked),
            count=count,
        )
    pull = check_lengths([default_length(grid.image_hw) if length is None else length])[0]
    ways = _ways(direction_count) * pull
    guidance = [(point[None], way[None]) for point in checked for way in ways]
    flows = ask(predictor, guidance, options, grid)
    gains = (
        as_complex(flows) / np.tile(as_complex(ways * grid.scale_xy), len(checked))[:, None, None]
    )
    places = grid.to_grid(checked)
    profiles = np.stack([sample(gain, places) for gain in gains], 1)  # (N, pulls)
    affinity = _affinity(profiles, len(ways))
    clusters = spectral_clusters(affinity, count, most=MOST_PARTS)
    labels, confidence = _label_pixels(gains, profiles, places, clusters.labels)
    return RigidParts(
        grid=grid,
        labels=np.where(inside, labels + 1, 0),
        confidence=np.where(inside, confidence, 0).astype(np.float32),
        points=checked,
        point_labels=clusters.labels + 1,
        affinity=affinity,
        eigenvalues=clusters.eigenvalues,
        count=clusters.count,
        is_chosen=count is None,
    )


def _ways(count: int) -> Float:
    return np.eye(2, dtype=np.float32) if count == 2 else directions(count)


def _on_grid(region: NDArray[np.bool_] | None, grid: ProbeGrid) -> NDArray[np.bool_]:
    if region is None:
        return np.ones(grid.grid_hw, np.bool_)
    if region.shape != grid.image_hw:
        raise ProbeError(
            "Expected a region of the picture's size (height, width) {image_hw}, got {shape}.",
            image_hw=grid.image_hw,
            shape=region.shape,
        )
    rows, columns = grid.grid_hw
    corners = grid.to_image(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1))
    nearest = np.rint(corners).astype(int)
    return np.asarray(region[nearest[..., 1], nearest[..., 0]], np.bool_)


def _spread(count: int, grid: ProbeGrid, inside: NDArray[np.bool_]) -> Float:
    """Return about ``count`` points (N, 2) of the picture, on a square lattice inside a region."""
    if not inside.any():
        raise ProbeError("The region to probe is empty; mark something, or probe the whole.")
    if not _FEWEST <= count <= inside.size:
        raise ProbeError(
            "The number of probes must be from {fewest} to {size}, got {count}.",
            fewest=_FEWEST,
            size=inside.size,
            count=count,
        )
    rows, columns = grid.grid_hw
    step = float(np.sqrt(inside.sum() / count))
    across, down = max(1, round(columns / step)), max(1, round(rows / step))
    x = (np.arange(across) + 0.5) * columns / across - 0.5
    y = (np.arange(down) + 0.5) * rows / down - 0.5
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    nearest = np.rint(points).astype(int)
    return grid.to_image(points[inside[nearest[:, 1], nearest[:, 0]]])


def _affinity(profiles: NDArray[np.complex64], pulls: int) -> NDArray[np.float64]:
    """Return how surely two probes are on one part (N, N), from their answers (N, N * pulls)."""
    size = len(profiles)
    # follow[j, i]: how far j follows a pull at i.
    follow = np.minimum(np.abs(profiles).reshape(size, size, pulls).mean(2), 1)
    mutual = np.minimum(follow, follow.T).astype(np.float64)
    apart = _distance(profiles, profiles)
    affinity = mutual**_MUTUAL_POWER * np.exp(-apart / _PROFILE_WIDTH)
    affinity = (affinity + affinity.T) / 2
    np.fill_diagonal(affinity, 1.0)
    return np.asarray(affinity)


def _distance(first: NDArray[np.complex64], second: NDArray[np.complex64]) -> NDArray[np.float64]:
    """Return how differently rows answer: |a - b|^2 / (|a|^2 + |b|^2), from 0 to 2, (A, B)."""
    size_a = (np.abs(first) ** 2).sum(1)[:, None]
    size_b = (np.abs(second) ** 2).sum(1)[None]
    total = np.maximum(size_a + size_b, 1e-9)
    cross = (first @ second.conj().T).real
    return np.asarray(np.maximum(total - 2 * cross, 0) / total, np.float64)


def _label_pixels(
    gains: NDArray[np.complex64],
    profiles: NDArray[np.complex64],
    places: Float,
    groups: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Float]:
    """Return the group of each pixel (h, w), and how much better it fits than the next best."""
    height, width = gains.shape[1:]
    pixels = gains.reshape(len(gains), -1).T
    y, x = np.divmod(np.arange(height * width), width)
    way = (places[:, 0, None] - x) ** 2 + (places[:, 1, None] - y) ** 2
    cost = _distance(profiles, pixels) + _NEARNESS * way / max(height, width) ** 2
    best = np.stack([cost[groups == group].min(0) for group in range(int(groups.max()) + 1)])
    labels = best.argmin(0)
    if len(best) == 1:
        return labels.reshape(height, width), np.ones((height, width), np.float32)
    two = np.partition(best, 1, axis=0)[:2]
    confidence = np.clip((two[1] - two[0]) / np.maximum(two[1], 1e-9), 0, 1)
    return labels.reshape(height, width), confidence.reshape(height, width).astype(np.float32)
