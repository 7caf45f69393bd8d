"""Groups things by how alike they are: normalised spectral clustering with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import ProbeError

Double = NDArray[np.float64]

_RESTARTS: Final = 12
_ROUNDS: Final = 50


@dataclass(frozen=True, slots=True)
class Clusters:
    """Groups of N things.

    Attributes:
        labels: (N,) int64 from 0, groups in the order of their first member.
        count: Number of groups.
        eigenvalues: (M,) float64 of the normalised Laplacian, rising, from 0 to 2; the gaps say how
            many groups there are.
    """

    labels: NDArray[np.int64]
    count: int
    eigenvalues: Double


def spectral_clusters(
    affinity: Double, count: int | None = None, *, most: int = 16, seed: int = 0
) -> Clusters:
    """Return groups of things that are alike.

    Args:
        affinity: (N, N) symmetric, not negative, 1 for the same.
        count: Number of groups; None takes the largest gap between eigenvalues.
        most: Most groups that the gap may choose.
        seed: Of the starts of k-means. The same input and seed give the same groups.

    Raises:
        ProbeError: No things, or ``count`` is not from 1 to N.

    Source:
        Ng, Jordan and Weiss, "On Spectral Clustering", NIPS 2001; the eigengap as in von Luxburg,
        "A Tutorial on Spectral Clustering", 2007, sec. 8.3.
    """
    size = len(affinity)
    if size == 0:
        raise ProbeError("There is nothing to group; probe more points.")
    if count is not None and not 1 <= count <= size:
        raise ProbeError(
            "The number of parts must be from 1 to {size}, got {count}.", size=size, count=count
        )
    degree = np.maximum(affinity.sum(1), 1e-12)
    root = 1 / np.sqrt(degree)
    values, vectors = np.linalg.eigh(root[:, None] * affinity * root)
    eigenvalues = np.clip(1 - values[::-1], 0, 2)
    if count is None:
        count = _by_eigengap(eigenvalues, min(most, size - 1))
    embedded = vectors[:, ::-1][:, :count]
    embedded = embedded / np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-12)
    labels = _in_order(k_means(embedded, count, seed=seed))
    return Clusters(labels, int(labels.max()) + 1, eigenvalues)


def k_means(features: Double, count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the group of each of N things with features (N, F), the best of a few starts.

    Source:
        Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii, SODA 2007).
    """
    rng = np.random.default_rng(seed)
    best, least = np.zeros(len(features), np.int64), np.inf
    for _ in range(_RESTARTS if count > 1 else 1):
        middles = _start(features, count, rng)
        labels = np.full(len(features), -1)
        for _ in range(_ROUNDS):
            distance = _squared(features, middles)
            found = distance.argmin(1)
            if (found == labels).all():
                break
            labels = found
            for group in range(count):
                if (labels == group).any():
                    middles[group] = features[labels == group].mean(0)
        total = float(_squared(features, middles).min(1).sum())
        if total < least - 1e-12:
            best, least = labels.astype(np.int64), total
    return best


def _by_eigengap(eigenvalues: Double, most: int) -> int:
    if most < 1:
        return 1
    return int(np.argmax(np.diff(eigenvalues[: most + 1]))) + 1


def _start(features: Double, count: int, rng: np.random.Generator) -> Double:
    chosen = [int(rng.integers(len(features)))]
    while len(chosen) < count:
        distance = _squared(features, features[chosen]).min(1)
        total = distance.sum()
        chance = distance / total if total > 1e-12 else np.full(len(features), 1 / len(features))
        chosen.append(int(rng.choice(len(features), p=chance)))
    return features[chosen].copy()


def _squared(features: Double, middles: Double) -> Double:
    cross = features @ middles.T
    return np.asarray(
        np.maximum((features**2).sum(1)[:, None] + (middles**2).sum(1) - 2 * cross, 0), np.float64
    )


def _in_order(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)
