"""Limbs that arrows turn, and how they are put into the flow.

Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from cmp_engine.modeling.blocks import double
from cmp_engine.modeling.lever import PLACES, complex_product, levers_from
from cmp_engine.modeling.sampling import cell_centers

_SHARPNESS: Final = 8.0
"""Of outlines in the flow: a pixel belongs to a limb or not, and half a motion is a wrong one."""

_WIDENING: Final = 2.0
"""Added to the logits of outlines: a limb torn in two costs more than a rim of background."""

_FINE: Final = 2
"""Px of the network grid per px of a flow with limbs, so that thin ones keep their width."""

_DECISIVENESS: Final = 2.0
"""Times the logit of trust: half a limb over half an answer shows the outline and turns nothing."""

_EAGERNESS: Final = (-1.0, 0.0)
"""Added to the logit of trust, for an arrow that is alone in its set and for others: one arrow
alone that drags a thing in a clip hardly ever means a turn."""


@dataclass(frozen=True, slots=True)
class Limbs:
    """What M arrows turn.

    Attributes:
        sets: (M,) int64 guidance set of each arrow.
        numbers: (M,) int64 its number in the set.
        points: (M, 2) px of the network grid.
        vectors: (M, 2) px.
        is_alone: (M,) bool, no other arrow is in its set; pins may be.
        places: (M, PLACES, 2) px where the joint may be.
        log_joint: (M, PLACES + 1) log-probability of each, and last that the part shifts.
        kappa: (M, 2) complex turn, 1/px; zero for a shift. No gradient.
        outline: (M, H / 4, W / 4) logit that a pixel belongs to the limb.
        trust: (M,) logit.
    """

    sets: Tensor
    numbers: Tensor
    points: Tensor
    vectors: Tensor
    is_alone: Tensor
    places: Tensor
    log_joint: Tensor
    kappa: Tensor
    outline: Tensor
    trust: Tensor

    def motion(self, size_hw: tuple[int, int], *, stride: int) -> Tensor:
        """Return the rigid motion (M, 2, h, w) of every pixel with the limb, px.

        Args:
            size_hw: Of the answer.
            stride: Px of the network grid per px of the answer.
        """
        places = cell_centers(*size_hw, self.points, stride=stride)
        zeta = levers_from(self.kappa, places[None] - self.points[:, None, None])
        return complex_product(self.vectors[:, None, None], zeta).movedim(-1, 1)


def no_limbs(like: Tensor, size_hw: tuple[int, ...]) -> Limbs:
    """Return no limbs, for outlines of some size."""
    whole = torch.zeros(0, dtype=torch.int64, device=like.device)
    pairs = like.new_zeros(0, 2)
    return Limbs(
        whole,
        whole,
        pairs,
        pairs,
        whole > 0,
        like.new_zeros(0, PLACES, 2),
        like.new_zeros(0, PLACES + 1),
        pairs,
        like.new_zeros(0, *size_hw),
        like.new_zeros(0),
    )


def with_limbs(flow: Tensor, share: Tensor, limbs: Limbs) -> Tensor:
    """Return the flow with the trusted limbs put in, twice as fine.

    Where several limbs cover a pixel the smaller one counts more: a hand is part of the arm too.
    What the decoder's answer took from a trusted arrow outside its limb is left out.

    Args:
        flow: (B, 2, H / 4, W / 4) the decoder's answer.
        share: (B, N, H / 8, W / 8) attention of cells to arrows.
        limbs: Of the same B sets.

    Returns:
        (B, 2, H / 2, W / 2), whatever is found: what a set gets must not depend on the others.
    """
    flow = double(flow)
    if not len(limbs.sets):
        return flow
    eagerness = torch.where(limbs.is_alone, *_EAGERNESS)
    trust = torch.sigmoid(_DECISIVENESS * (limbs.trust.to(flow.dtype) + eagerness))
    batch, count = share.shape[:2]
    share = double(double(share.to(flow.dtype)))
    size_hw = (flow.shape[-2], flow.shape[-1])
    outline = double(limbs.outline.to(flow.dtype)[:, None])[:, 0]
    inside = torch.sigmoid(_SHARPNESS * (outline + _WIDENING))
    covered = trust[:, None, None] * inside
    weight = covered.square() / (1 + inside.sum((-1, -2)))[:, None, None]
    total = flow.new_zeros(batch, *size_hw).index_add(0, limbs.sets, weight)
    motion = limbs.motion(size_hw, stride=_FINE).to(flow.dtype)
    rigid = flow.new_zeros(batch, 2, *size_hw)
    rigid = rigid.index_add(0, limbs.sets, weight[:, None] * motion)
    rigid = rigid / total.clamp_min(1e-12)[:, None]
    dense = flow.new_zeros(batch, count, *size_hw)
    dense[limbs.sets, limbs.numbers] = covered
    taken = dense.amax(1, keepdim=True)
    trusted = flow.new_zeros(batch, count)
    trusted[limbs.sets, limbs.numbers] = trust
    of_trusted = torch.einsum("bnhw,bn->bhw", share, trusted) / share.sum(1).clamp_min(1e-6)
    gone = torch.maximum(taken, of_trusted[:, None].clamp(0, 1))
    return taken * rigid + (1 - gone) * flow
