"""The joint about which an arrow turns its limb: where it can be, and which turn to answer.

A rigid part that turns about a joint c takes the arrow's start a to a + v, and both lie on one
circle about c. So c lies on the perpendicular bisector of the arrow, whatever the angle: one arrow
leaves one line of places for the joint, and the picture says which place on it looks like one
(`cmp_engine.modeling.limb_head`). A pixel p of the limb then moves by ``v * zeta`` with, written as
complex numbers, ``zeta = (p - c) / (a - c) = 1 + kappa * (p - a)`` and ``kappa = 1 / (a - c)``:
zero at the joint, one at the arrow, and measured in levers in between.

Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

NEAREST_PX: Final = 4.0
"""Closest place to the middle of the arrow, px of the network grid."""

FARTHEST_PX: Final = 256.0
SIDE_PLACES: Final = 56
PLACES: Final = 2 * SIDE_PLACES
"""Places on both sides of the arrow; neighbours differ in distance by a constant factor."""

LEAST_LEVER_PX: Final = 5.0
MOST_CHORD: Final = 1.85
"""Longest arrow, in levers; two would be half a circle."""

MOST_LEVERS: Final = 4.0
"""Farther from the joint than so many levers the motion grows no more, px per px of the arrow."""

_LOG_STEP: Final = math.log(FARTHEST_PX / NEAREST_PX) / (SIDE_PLACES - 1)
_TOLERANCE: Final = 0.3
_PART_PX: Final = 40.0
"""How far a part reaches that shifts, px of the network grid."""

_DECISION: Final = 20
_TEMPER: Final = 0.6
"""Power of the probabilities: they are surer than they are right."""


def joint_places(points: Tensor, vectors: Tensor) -> Tensor:
    """Return the places on each arrow's perpendicular bisector where its joint may be.

    From the farthest on the one side over the nearest to the farthest on the other.

    Args:
        points: (M, 2) px of the network grid.
        vectors: (M, 2) px, longer than zero.

    Returns:
        (M, PLACES, 2) px.
    """
    steps = torch.arange(SIDE_PLACES, device=points.device, dtype=points.dtype)
    distance = NEAREST_PX * torch.exp(steps * _LOG_STEP)
    signed = torch.cat([-distance.flip(0), distance])
    length = vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    normal = torch.stack([-vectors[:, 1], vectors[:, 0]], dim=-1) / length
    middle = points + 0.5 * vectors
    places: Tensor = middle[:, None] + signed[None, :, None] * normal[:, None]
    return places


def place_of(joints: Tensor, points: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the place number (M,), a fraction, of joints (M, 2), and how far off the line it is.

    The second value (M,) is the distance from the bisector in levers.
    """
    length = vectors.norm(dim=-1).clamp_min(1e-6)
    from_middle = joints - points - 0.5 * vectors
    along = (from_middle * vectors).sum(-1) / length
    across = (vectors[:, 0] * from_middle[:, 1] - vectors[:, 1] * from_middle[:, 0]) / length
    step = (across.abs().clamp_min(NEAREST_PX) / NEAREST_PX).log() / _LOG_STEP
    step = step.clamp(max=SIDE_PLACES - 1)
    number = torch.where(across > 0, SIDE_PLACES + step, SIDE_PLACES - 1 - step)
    lever = (joints - points).norm(dim=-1).clamp_min(1e-6)
    return number, along.abs() / lever


def is_possible(
    places: Tensor, points: Tensor, vectors: Tensor, size_hw: tuple[int, int]
) -> Tensor:
    """Return which places (M, K, 2) may be a joint (M, K): in the picture and not too close."""
    height, width = size_hw
    lever = (places - points[:, None]).norm(dim=-1)
    chord = vectors.norm(dim=-1, keepdim=True) / lever.clamp_min(1e-6)
    inside = (places > -0.5).all(-1) & (places[..., 0] < width) & (places[..., 1] < height)
    possible: Tensor = inside & (lever > LEAST_LEVER_PX) & (chord < MOST_CHORD)
    return possible


def decide_turn(log_joint: Tensor, places: Tensor, points: Tensor) -> Tensor:
    """Return the turn kappa (M, 2), 1/px, with which most of the limb can be expected to be right.

    If the joint is at c and the answer turns about c', the motion at s levers from c is off by
    ``|r| |1 - s| / s`` of its length, with ``r = (a - c) / (a - c') - 1``. So the share of the limb
    between joint and arrow that is within a tolerance t is ``t / (t + |r|)``. Each place is scored
    by the mean of that over all places, with tempered probabilities, and the answer is the mean
    turn, weighted by a power of the score: close to the best one, without a jump where two change
    places while an arrow is dragged. To shift, kappa = 0, is one of the candidates.

    Args:
        log_joint: (M, K + 1) log-probability of each place, and last of a shift.
        places: (M, K, 2) px.
        points: (M, 2) px.
    """
    log_joint = (_TEMPER * log_joint).log_softmax(dim=-1)
    lever = points[:, None] - places  # a - c
    kappa = inverse(lever)
    joint, shift = log_joint[:, :-1].exp(), log_joint[:, -1:].exp()
    ratio = complex_product(kappa.unsqueeze(2), lever.unsqueeze(1))  # (M, K of c', K of c, 2)
    apart = torch.hypot(ratio[..., 0] - 1, ratio[..., 1])
    score = torch.einsum("mij,mj->mi", _TOLERANCE / (_TOLERANCE + apart), joint)
    score = score + shift * _TOLERANCE / (_TOLERANCE + _PART_PX * kappa.norm(dim=-1))
    shifts = shift + (1 - shift) * (_TOLERANCE / (_TOLERANCE + 1))
    score = torch.cat([score.masked_fill(joint < 1e-4, 0.0), shifts], dim=-1)
    weight = (score / score.amax(-1, keepdim=True)) ** _DECISION
    weight = weight / weight.sum(-1, keepdim=True)
    return torch.einsum("mk,mkc->mc", weight[:, :-1], kappa)


def levers_from(kappa: Tensor, offset: Tensor) -> Tensor:
    """Return zeta (M, ..., 2), the motion of a place as a complex multiple of the arrow.

    Args:
        kappa: (M, 2) 1/px.
        offset: (M, ..., 2) px from the arrow's start to the place.
    """
    shape = (len(kappa), *(1,) * (offset.ndim - 2), 2)
    turned = complex_product(kappa.view(shape), offset)
    zeta = torch.stack([1 + turned[..., 0], turned[..., 1]], dim=-1)
    size = zeta.square().sum(-1, keepdim=True).clamp_min(1e-6).sqrt()
    return zeta * (MOST_LEVERS / size).clamp(max=1.0)


def inverse(value: Tensor) -> Tensor:
    """Return 1 / value for complex (..., 2); of what is shorter than a least lever that one's."""
    mirrored = value * value.new_tensor([1.0, -1.0])
    return mirrored / value.square().sum(-1, keepdim=True).clamp_min(LEAST_LEVER_PX**2)


def complex_product(a: Tensor, b: Tensor) -> Tensor:
    """Multiply (..., 2) as complex numbers."""
    return torch.stack(
        [
            a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1],
            a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0],
        ],
        dim=-1,
    )
