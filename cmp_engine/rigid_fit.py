"""Fits one rigid motion to a piece of flow: does it shift, or turn, and about what?"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.probe_grid import Float

MotionName = Literal["still", "shift", "rotate"]

STILL_SHARE: Final = 0.1
"""Below this share of the pull, what answers counts as still."""

_ROUNDS: Final = 8
_FEWEST: Final = 6
_NO_TURN: Final = 1e-4


@dataclass(frozen=True, slots=True)
class RigidFit:
    """The rigid motion that fits a region of a flow best.

    Attributes:
        kind: What it is: nearly no motion, mostly a shift, or clearly a rotation.
        translation: (2,) dx, dy px: how the region's middle moves.
        angle: Radians, clockwise on the screen.
        center: (x, y) px that the rotation leaves in place, or None without any rotation. It means
            little for a shift.
        turning_share: Root mean square of what the rotation about the region's middle adds, as a
            share of that of the whole motion, 0..1. A stick that turns about its end has 0.5.
        residual: Root mean square distance of flow and fit, px, with the fit's own weights.
        residual_share: The same as a share of the flow's root mean square.
        divergence: Mean growth of area, per unit: 2 Re k of the fit ``flow = k z + b`` in complex
            numbers.
        curl: Twice the mean rate of turning, radians: 2 Im k of the same fit.
        pixels: Number of pixels of the region.
    """

    kind: MotionName
    translation: tuple[float, float]
    angle: float
    center: tuple[float, float] | None
    turning_share: float
    residual: float
    residual_share: float
    divergence: float
    curl: float
    pixels: int

    def apply(self, points: Float) -> Float:
        """Return where the motion takes points (..., 2) x, y px."""
        if self.center is None:
            return np.asarray(points + np.array(self.translation, np.float32), np.float32)
        z = points[..., 0] + 1j * points[..., 1] - complex(*self.center)
        moved = z * cmath.exp(1j * self.angle) + complex(*self.center)
        return np.stack([moved.real, moved.imag], -1).astype(np.float32)


def fit_rigid(
    flow: NDArray[np.complex64],
    places: NDArray[np.complex64],
    *,
    pull: float,
    rotate_share: float,
    weights: Float | None = None,
) -> RigidFit:
    """Return the rigid motion that fits some displacements best.

    Args:
        flow: (N,) complex displacements dx + i dy, px.
        places: (N,) complex x + iy, px of the same grid.
        pull: Length of the pull that caused them, px; the measure of what is still.
        rotate_share: ``turning_share`` from which it counts as a rotation.
        weights: (N,) not negative; None counts all alike.

    Source:
        Kabsch's weighted least squares in two dimensions, re-weighted by Cauchy's function so that
        what belongs to another part counts little; own choice of weights.
    """
    # In double precision: the sums below take differences of large numbers.
    moved, z = flow.astype(np.complex128), places.astype(np.complex128)
    base = np.ones(len(z)) if weights is None else weights.astype(np.float64)
    if len(z) < _FEWEST or not base.any():
        return _still(len(z))
    weight = base
    for _ in range(_ROUNDS):
        turn, middle, shift = _kabsch(z, moved, weight)
        error = np.abs(turn * (z - middle) + shift - (moved + z - middle))
        scale = max(1.4826 * float(np.median(error[base > 0])), 0.02 * pull, 1e-6)
        weight = base / (1 + (error / scale) ** 2)
    turning = math.sqrt(_mean_real(np.abs((turn - 1) * (z - middle)) ** 2, weight))
    total = math.hypot(turning, abs(shift))
    residual = math.sqrt(_mean_real(error**2, weight))
    size = math.sqrt(_mean_real(np.abs(moved) ** 2, weight))
    k = _slope(z - middle, moved, weight)
    share = turning / total if total > 0 else 0.0
    center = middle + shift / (1 - turn) if abs(1 - turn) > _NO_TURN else None
    kind: MotionName = "rotate" if share >= rotate_share and center is not None else "shift"
    if size < STILL_SHARE * pull:
        kind = "still"
    return RigidFit(
        kind=kind,
        translation=(shift.real, shift.imag),
        angle=cmath.phase(turn),
        center=None if center is None else (center.real, center.imag),
        turning_share=share,
        residual=residual,
        residual_share=residual / size if size > 0 else 0.0,
        divergence=2 * k.real,
        curl=2 * k.imag,
        pixels=len(z),
    )


def common_center(
    flows: list[NDArray[np.complex64]],
    places: list[NDArray[np.complex64]],
    weights: list[Float],
) -> tuple[float, float] | None:
    """Return the point that several motions of one part leave in place as well as they can.

    Args:
        flows: Complex displacements, (N,) for each motion, px.
        places: Complex places of each, px.
        weights: Weights of each.

    Returns:
        x, y px, or None where none of them turns.

    Source:
        Own: with each motion as ``k z + b``, the z with the least sum of ``|k z + b|^2``.
    """
    top, bottom = 0j, 0.0
    for moved, z, weight in zip(flows, places, weights, strict=True):
        if len(z) < _FEWEST or not weight.any():
            continue
        double = z.astype(np.complex128)
        share = weight.astype(np.float64)
        middle = _mean(double, share)
        k = _slope(double - middle, moved.astype(np.complex128), share)
        b = _mean(moved.astype(np.complex128), share) - k * middle
        top -= k.conjugate() * b
        bottom += abs(k) ** 2
    if bottom < 1e-12:
        return None
    center = top / bottom
    return center.real, center.imag


def divergence_and_curl(flow: Float) -> tuple[Float, Float]:
    """Return how a flow spreads and turns at each pixel.

    Args:
        flow: (h, w, 2) px of its grid, at least 2 px a side.

    Returns:
        Divergence (h, w), growth of area per unit, and curl (h, w), twice the rate of turning in
        radians, clockwise on the screen positive; by central differences.
    """
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    return np.asarray(u_x + v_y, np.float32), np.asarray(v_x - u_y, np.float32)


def following_region(
    follow: Float, seed_xy: tuple[int, int], *, share: float = 0.5
) -> NDArray[np.bool_]:
    """Return the connected pixels around a seed that follow at least by a share (h, w).

    Args:
        follow: (h, w) share of the pull.
        seed_xy: Pixel of the grid. Where it does not follow itself, the region is empty.
        share: Of what the seed's own pixel follows.
    """
    x, y = seed_xy
    least = share * max(float(follow[y, x]), 1e-6)
    _, labels = cv2.connectedComponents((follow >= least).astype(np.uint8), connectivity=4)
    return np.asarray((labels == labels[y, x]) & (labels > 0))


def _kabsch(
    z: NDArray[np.complex128], moved: NDArray[np.complex128], weight: NDArray[np.float64]
) -> tuple[complex, complex, complex]:
    """Return the rotation as a unit complex number, the middle, and how the middle moves."""
    middle, shift = _mean(z, weight), _mean(moved, weight)
    around = z - middle
    moment = np.sum(weight * np.conj(around) * (around + moved - shift))
    turn = complex(moment / abs(moment)) if abs(moment) > 0 else 1 + 0j
    return turn, middle, shift


def _slope(
    around: NDArray[np.complex128], moved: NDArray[np.complex128], weight: NDArray[np.float64]
) -> complex:
    spread = float(np.sum(weight * np.abs(around) ** 2))
    return complex(np.sum(weight * np.conj(around) * moved) / spread) if spread > 0 else 0j


def _mean(values: NDArray[np.complex128], weight: NDArray[np.float64]) -> complex:
    return complex(np.sum(weight * values) / np.sum(weight))


def _still(count: int) -> RigidFit:
    return RigidFit("still", (0.0, 0.0), 0.0, None, 0.0, 0.0, 0.0, 0.0, 0.0, count)


def _mean_real(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    return float(np.sum(weight * values) / np.sum(weight))
