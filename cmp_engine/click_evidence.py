"""What a picture itself says about clicks: colours of both sides, and edges.

Everything here works on small grids (`WORK_SIDE`), on logits: positive is object, zero undecided.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.geometry import resize_image

Float = NDArray[np.float32]

_COMPONENTS: Final = 4
"""Gaussians in each colour model."""

_SAMPLES: Final = 4000
"""Pixels that a colour model is fitted to, at most."""

_COLOR_NOISE: Final = 0.03
"""Variance added to each Gaussian, in units of `color_features`."""

_LEAST_SURE: Final = 0.05
_ANCHORED: Final = 30.0
_STEPS: Final = ((0, 1), (1, 0), (1, 1), (1, -1))


def color_features(image: NDArray[np.uint8]) -> Float:
    """Return the colours of a picture in units that are about as far apart as they look.

    Args:
        image: (h, w, 3) uint8 RGB.

    Returns:
        (h, w, 3) float32: L at 0.7, a and b of CIELAB, divided by 20.
    """
    lab = np.asarray(
        cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32
    )
    lab *= np.array([0.035, 0.05, 0.05], np.float32)
    return lab


def color_evidence(features: Float, logit: Float, *, most: float = 3.0) -> Float:
    """Return how much more likely each pixel's colour is in the object than outside.

    Both sides get a mixture of Gaussians, fitted to the pixels that the logit puts there, each
    with the weight of its probability.

    Args:
        features: (h, w, C) float32, as `color_features` returns them.
        logit: (h, w) what is believed so far.
        most: Bound of the answer.

    Returns:
        (h, w) float32 log ratio in -most .. most.

    Source: GrabCut's colour models (Rother et al. 2004), soft and without its hard seeds.
    """
    inside = sigmoid(logit).ravel()
    flat = features.reshape(-1, features.shape[-1])
    ratio = _mixture(flat, inside) - _mixture(flat, 1 - inside)
    return np.asarray(np.clip(ratio, -most, most).reshape(logit.shape), np.float32)


def _mixture(values: Float, weights: Float) -> Float:
    """Return the log density of a mixture fitted to weighted values (n, C), at all of them."""
    chosen = np.flatnonzero(weights > 0.3)
    fewest = 3 * _COMPONENTS
    if len(chosen) < fewest:
        chosen = np.argsort(-weights, kind="stable")[: max(fewest, 24)]
    chosen = chosen[:: max(1, len(chosen) // _SAMPLES)]
    label = _clusters(values[chosen], _COMPONENTS)
    parts = []
    for number in range(int(label.max()) + 1):
        member = chosen[label == number]
        share = weights[member]
        total = float(share.sum())
        if total < 1e-6:
            continue
        mean = share @ values[member] / total
        off = values[member] - mean
        covariance = (off * share[:, None]).T @ off / total
        covariance += np.eye(values.shape[1], dtype=np.float32) * np.float32(_COLOR_NOISE)
        root = np.linalg.cholesky(np.linalg.inv(covariance.astype(np.float64)))
        scaled = (values - mean) @ root.astype(np.float32)
        log_root = float(np.log(np.diag(root)).sum())
        scale = np.float32(np.log(total) + log_root)
        parts.append(scale - np.float32(0.5) * np.einsum("nc,nc->n", scaled, scaled))
    if not parts:
        return np.zeros(len(values), np.float32)
    most = np.maximum.reduce(parts)
    density = most + np.log(sum(np.exp(part - most) for part in parts))
    return np.asarray(density - np.log(weights[chosen].sum()), np.float32)


def _clusters(values: Float, count: int) -> NDArray[np.int64]:
    """Return a cluster number for each value (n, C): Lloyd's rounds from spread-out starts."""
    centers = [values.mean(axis=0)]
    nearest = np.full(len(values), np.inf, np.float32)
    for _ in range(count):
        nearest = np.minimum(nearest, np.square(values - centers[-1]).sum(axis=1))
        centers.append(values[int(nearest.argmax())])
    center = np.stack(centers[1:])
    label = np.zeros(len(values), np.int64)
    for _ in range(6):
        far = np.square(center).sum(axis=1) - 2 * (values @ center.T)
        label = far.argmin(axis=1)
        members = np.bincount(label, minlength=count)
        filled = members > 0
        for channel in range(values.shape[1]):
            total = np.bincount(label, weights=values[:, channel], minlength=count)
            center[filled, channel] = (total[filled] / members[filled]).astype(np.float32)
    return label


def smoothed(
    logit: Float,
    features: Float,
    *,
    anchors: Float | None = None,
    strength: float = 2.0,
    sharpness: float = 2.0,
    rounds: int = 30,
) -> Float:
    """Return the logit smoothed within the picture's edges.

    Minimises ``sum c (x - b)² + strength * sum w (x_p - x_q)²`` over neighbours, by Jacobi's
    rounds, with ``b = tanh(logit / 2)``, ``c = |b|`` (what is undecided asks its neighbours), and
    ``w = exp(-sharpness |difference of colour|²)``.

    Args:
        logit: (h, w) float32.
        features: (h, w, C) float32, as `color_features` returns them.
        anchors: (h, w) 1 on positive clicks, -1 on negative ones, 0 elsewhere; they hold.
        strength: Of the smoothing.
        sharpness: How much an edge of colour hinders it.
        rounds: Each one reaches a pixel further.

    Source: the random walker with a prior (Grady 2005), stopped early.
    """
    own = np.asarray(np.tanh(logit / 2), np.float32)
    sure = np.abs(own) + np.float32(_LEAST_SURE)
    if anchors is not None:
        own = np.where(anchors != 0, anchors, own).astype(np.float32)
        sure += np.float32(_ANCHORED) * np.abs(anchors)
    weights = []
    total = sure.copy()
    for step in _STEPS:
        weight = np.exp(-np.float32(sharpness) * np.square(_difference(features, step)))
        weight *= np.float32(strength / np.hypot(*step))
        first, second = _ends(step)
        total[first] += weight
        total[second] += weight
        weights.append((first, second, weight))
    value = own.copy()
    own *= sure
    for _ in range(rounds):
        around = own.copy()
        for first, second, weight in weights:
            around[first] += weight * value[second]
            around[second] += weight * value[first]
        value = around / total
    return np.asarray(2 * np.arctanh(np.clip(value, -0.999, 0.999)), np.float32)


def sigmoid(logit: Float) -> Float:
    """Return the probability of a logit."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))), np.float32)


def _ends(step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the slices of the pixels on both ends of a step (down, right)."""
    down, right = step
    rows = (slice(None, -down or None), slice(down, None))
    left, shifted = slice(None, -abs(right) or None), slice(abs(right), None)
    columns = (left, shifted) if right >= 0 else (shifted, left)
    return (rows[0], columns[0]), (rows[1], columns[1])


def _difference(features: Float, step: tuple[int, int]) -> Float:
    first, second = _ends(step)
    return np.asarray(np.sqrt(np.square(features[first] - features[second]).sum(-1)), np.float32)


_GUIDE_NOISE: Final = 1e-3
"""Variance of colour (0..1) below which a window counts as plain."""

_GUIDE_SIDE: Final = 256
_FINE_PIXELS: Final = 2**22


class EdgeFollower:
    """Brings scores of one picture from a small grid to the picture's own, along its edges.

    In every small window the score is fitted as a linear function of the colours; the functions are
    averaged, brought to the picture's grid, and evaluated there. Pictures of more than 4 megapixels
    are followed on a grid of that size.

    Args:
        picture: (H, W, 3) uint8 RGB.

    Source: the guided filter with a colour guide (He, Sun and Tang 2013), fast variant.
    """

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        height, width = self._size_hw = picture.shape[0], picture.shape[1]
        shrink = min(1.0, (_FINE_PIXELS / (height * width)) ** 0.5)
        self._fine = resize_image(picture, _scaled((height, width), shrink))
        scale = min(1.0, _GUIDE_SIDE / min(height, width))
        small = resize_image(picture, _scaled((height, width), min(scale, shrink)))
        self._guide = small.astype(np.float32) / np.float32(255)
        rows, columns = small.shape[:2]
        self._window = 2 * max(1, round(min(rows, columns) / 64)) + 1
        self._center = self._mean(self._guide)
        products = (self._guide[..., :, None] * self._guide[..., None, :]).reshape(rows, columns, 9)
        covariance = self._mean(products).reshape(rows, columns, 3, 3)
        covariance -= self._center[..., :, None] * self._center[..., None, :]
        covariance += np.eye(3, dtype=np.float32) * np.float32(_GUIDE_NOISE)
        self._precision = np.linalg.inv(covariance).astype(np.float32)

    def follow(self, score: Float) -> Float:
        """Return a score (h, w) in 0..1 of any grid of the picture on the picture's own grid."""
        rows, columns = self._guide.shape[:2]
        smooth = np.asarray(cv2.resize(score, (columns, rows)), np.float32)
        level = self._mean(smooth)
        together = self._mean(self._guide * smooth[..., None]) - self._center * level[..., None]
        slope = np.einsum("hwij,hwj->hwi", self._precision, together)
        offset = level - (slope * self._center).sum(-1)
        linear = self._mean(np.dstack([slope, offset]))
        height, width = self._fine.shape[:2]
        spread = np.asarray(cv2.resize(linear, (width, height)), np.float32)
        answer = spread[..., 3].copy()
        for channel in range(3):
            answer += spread[..., channel] * (self._fine[..., channel] * np.float32(1 / 255))
        np.clip(answer, 0, 1, out=answer)
        if answer.shape == self._size_hw:
            return answer
        return np.asarray(cv2.resize(answer, self._size_hw[::-1]), np.float32)

    def _mean(self, values: Float) -> Float:
        return np.asarray(cv2.blur(values, (self._window, self._window)), np.float32)


def _scaled(size_hw: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size_hw[0] * scale)), max(1, round(size_hw[1] * scale))
