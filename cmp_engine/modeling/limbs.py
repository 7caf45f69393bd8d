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

SHARPNESS: Final = 8.0
"""Of outlines in the flow: a pixel belongs to a limb or not, and half a motion is a wrong one."""

WIDENING: Final = 2.0
"""Added to the logits of outlines: a limb torn in two costs more than a rim of background."""

_FINE: Final = 2
"""Px of the network grid per px of a flow with limbs, so that thin ones keep their width."""

_DECISIVENESS: Final = 2.0
"""Times the logit of trust: half a limb over half an answer shows the outline and turns nothing."""


@dataclass(frozen=True, slots=True)
class Limbs:
    """What M arrows turn.

    Attributes:
        sets: (M,) int64 guidance set of each arrow.
        numbers: (M,) int64 its number in the set.
        points: (M, 2) px of the network grid.
        vectors: (M, 2) px.
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
    places: Tensor
    log_joint: Tensor
    kappa: Tensor
    outline: Tensor
    trust: Tensor


def no_limbs(like: Tensor, size_hw: tuple[int, ...]) -> Limbs:
    """Return no limbs, for outlines of some size."""
    whole = torch.zeros(0, dtype=torch.int64, device=like.device)
    pairs = like.new_zeros(0, 2)
    return Limbs(
        whole,
        whole,
        pairs,
        pairs,
        like.new_zeros(0, PLACES, 2),
        like.new_zeros(0, PLACES + 1),
        pairs,
        like.new_zeros(0, *size_hw),
        like.new_zeros(0),
    )


@dataclass(frozen=True, slots=True)
class FlowWithLimbs:
    """The decoder's answer to B sets, and M limbs to be put over it, still apart.

    So the limbs can be put in on a finer grid, and along the picture's edges
    (`cmp_engine.limb_placement`); their motion is exact at any place.

    Attributes:
        flow: (B, 2, H / 4, W / 4) by attention alone, px of the network grid.
        kept: (B, H / 8, W / 8) how much of it does not come from trusted arrows, 0..1.
        sets: (M,) int64 guidance set of each limb.
        numbers: (M,) int64 its arrow in the set.
        points: (M, 2) px of the network grid.
        vectors: (M, 2) px.
        kappa: (M, 2) complex turn, 1/px.
        outline: (M, H / 4, W / 4) logit.
        trust: (M,) 0..1.
    """

    flow: Tensor
    kept: Tensor
    sets: Tensor
    numbers: Tensor
    points: Tensor
    vectors: Tensor
    kappa: Tensor
    outline: Tensor
    trust: Tensor

    @classmethod
    def of(cls, flow: Tensor, share: Tensor, limbs: Limbs) -> FlowWithLimbs:
        """Decide how far each limb is trusted, and what of the decoder's answer goes with it.

        What the answer took from a trusted arrow outside its limb is left out.

        Args:
            flow: (B, 2, H / 4, W / 4) the decoder's answer.
            share: (B, N, H / 8, W / 8) attention of cells to arrows.
            limbs: Of the same B sets.
        """
        share = share.to(flow.dtype)
        trust = torch.sigmoid(_DECISIVENESS * limbs.trust.to(flow.dtype))
        trusted = flow.new_zeros(*share.shape[:2])
        trusted[limbs.sets, limbs.numbers] = trust
        taken = torch.einsum("bnhw,bn->bhw", share, trusted) / share.sum(1).clamp_min(1e-6)
        return cls(
            flow,
            1 - taken.clamp(0, 1),
            limbs.sets,
            limbs.numbers,
            limbs.points,
            limbs.vectors,
            limbs.kappa,
            limbs.outline.to(flow.dtype),
            trust,
        )

    @classmethod
    def without_limbs(cls, flow: Tensor) -> FlowWithLimbs:
        """Return a decoder's answer as it is."""
        batch, _, height, width = flow.shape
        none = torch.zeros(0, dtype=torch.int64, device=flow.device)
        pairs = flow.new_zeros(0, 2)
        outline = flow.new_zeros(0, height, width)
        kept = flow.new_ones(batch, height // 2, width // 2)
        return cls(flow, kept, none, none, pairs, pairs, pairs, outline, flow.new_zeros(0))

    def is_finite(self) -> bool:
        """Return whether no value is infinite or not a number."""
        return all(bool(torch.isfinite(part).all()) for part in self.tensors())

    def tensors(self) -> tuple[Tensor, ...]:
        """Return all attributes in order."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def of_set(self, index: int, *, least_trust: float = 0.0) -> FlowWithLimbs:
        """Return what belongs to one set, with the limbs that are trusted enough."""
        rows = torch.nonzero((self.sets == index) & (self.trust > least_trust))[:, 0]
        one = slice(index, index + 1)
        return FlowWithLimbs(
            self.flow[one],
            self.kept[one],
            torch.zeros_like(rows),
            self.numbers[rows],
            *(part[rows] for part in self.tensors()[4:]),
        )

    def motion(
        self, size_hw: tuple[int, int], *, stride: int, corner: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """Return the rigid motion (M, 2, h, w) of every pixel with the limb, px.

        Args:
            size_hw: Of the answer.
            stride: Px of the network grid per px of the answer.
            corner: x, y of the answer's first pixel, px of the network grid.
        """
        places = cell_centers(*size_hw, self.points, stride=stride) + self.points.new_tensor(corner)
        zeta = levers_from(self.kappa, places[None] - self.points[:, None, None])
        return complex_product(self.vectors[:, None, None], zeta).movedim(-1, 1)

    def over(
        self, flow: Tensor, kept: Tensor, outline: Tensor, motion: Tensor, *, cell_area: float
    ) -> Tensor:
        """Return a flow (B, 2, h, w) with the limbs over it.

        Where several limbs cover a pixel the smaller one counts more: a hand is part of the arm
        too.

        Args:
            flow: (B, 2, h, w) the decoder's answer on the grid that is asked for.
            kept: (B, h, w) there.
            outline: (M, h, w) there.
            motion: (M, 2, h, w) there.
            cell_area: Of that grid's pixels, in px of the network grid squared.
        """
        batch, size_hw = len(flow), (flow.shape[-2], flow.shape[-1])
        inside = torch.sigmoid(SHARPNESS * (outline + WIDENING))
        covered = self.trust[:, None, None] * inside
        area = cell_area * inside.sum((-1, -2))
        weight = covered.square() / (4 + area)[:, None, None]
        total = flow.new_zeros(batch, *size_hw).index_add(0, self.sets, weight)
        rigid = flow.new_zeros(batch, 2, *size_hw)
        rigid = rigid.index_add(0, self.sets, weight[:, None] * motion)
        rigid = rigid / total.clamp_min(1e-12)[:, None]
        count = int(self.numbers.max()) + 1 if len(self.numbers) else 1
        dense = flow.new_zeros(batch, count, *size_hw)
        dense[self.sets, self.numbers] = covered
        taken = dense.amax(1, keepdim=True)
        gone = torch.maximum(taken, (1 - kept)[:, None])
        return taken * rigid + (1 - gone) * flow

    def merged(self) -> Tensor:
        """Return the flow (B, 2, H / 2, W / 2) with the limbs over it, twice as fine, bilinear.

        As fine without limbs, too: what a set gets must not depend on the others.
        """
        fine = double(self.flow)
        if not len(self.sets):
            return fine
        kept = double(double(self.kept[:, None]))[:, 0]
        outline = double(self.outline[:, None])[:, 0]
        motion = self.motion((fine.shape[-2], fine.shape[-1]), stride=_FINE).to(fine.dtype)
        return self.over(fine, kept, outline, motion, cell_area=float(_FINE**2))
