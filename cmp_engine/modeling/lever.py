"""The joint about which an arrow turns its part (this project's own).

A rigid part that turns about a joint c takes the arrow's start a to a + v, and both lie on one
circle about c. So c lies on the perpendicular bisector of the arrow, whatever the angle: one arrow
leaves one line of places for the joint, and the picture says which place on it looks like one.
`LeverHead` gives every place of the picture a probability, beside "no joint: the part shifts", and
decides for the turn ``kappa = 1 / (a - c)`` (complex) with which most of the part can be expected
to be right. A pixel p of the part then moves by ``v * zeta`` with ``zeta = (p - c) / (a - c) =
1 + kappa * (p - a)``: zero at the joint, one at the arrow, and measured in levers in between.

The probabilities are trained on puppets, whose joints are known, and not through the flow: turning
about a wrong joint costs more than shifting, so the flow's loss alone would teach not to turn.

Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from cmp_engine.modeling.feature_pyramid import conv_block

LEVER_FEATURES: Final = 4
"""Channels that the decoder gets of the levers: zeta (2), joints, and the share of shifts."""

MOST_LEVERS: Final = 4.0
"""Farther from the joint than so many levers the motion grows no more, px per px of the arrow."""

_BISECTOR_WIDTHS: Final = (2.5, 8.0, 24.0)
_LEAST_LEVER: Final = 5.0
_MOST_CHORD: Final = 1.85
_TURN_ODDS: Final = 0.1
"""By how much a turn is preferred to a shift. In real clips a body that is wrongly turned costs
more than a limb that is wrongly shifted, so the network turns where it is sure."""

_CANDIDATES: Final = 48
_TOLERANCE: Final = 0.3
_PART_PX: Final = 40.0
"""How far a part reaches that shifts, px of the network grid."""

_DECISION: Final = 10
_IMAGE: Final = 32
_TOKEN: Final = 32
_HIDDEN: Final = 48
_AROUND_CHANNELS: Final = 24
_MATCHES: Final = 4
_OWN_FEATURES: Final = 10 + len(_BISECTOR_WIDTHS)


@dataclass(frozen=True, slots=True)
class Levers:
    """What a set of arrows turns about, for B sets of N arrows on a grid of P cells.

    Attributes:
        log_joint: (B, N, P + 1) log-probability that the joint is in a cell; the last one is that
            there is none and the part shifts.
        kappa: (B, N, 2) complex turn 1 / (a - c), 1/px; zero for a shift and for pins. No gradient.
        zeta: (B, N, P, 2) complex: the motion of a cell that follows, as a multiple of the arrow.
            No gradient.
    """

    log_joint: Tensor
    kappa: Tensor
    zeta: Tensor


class LeverHead(nn.Module):
    """Scores places as the joint of each arrow.

    Args:
        wide: Channels of the image features at stride 8.
        token: Channels of an arrow's token.
        hints: Channels of the soft hints of all arrows and pins.
        contour: Channels that say what lies between an arrow and a place.
    """

    def __init__(self, wide: int, token: int, hints: int, contour: int) -> None:
        super().__init__()
        self.image = nn.Sequential(conv_block(wide, wide), nn.Conv2d(wide, _IMAGE, 1))
        self.image_fine = nn.Conv2d(wide // 2, _IMAGE, 4, stride=2, padding=1)
        self.from_place = nn.Conv2d(_IMAGE + hints, _HIDDEN, 1)
        self.from_token = nn.Linear(token, _HIDDEN)
        self.key = nn.Linear(token, _TOKEN)
        self.from_pair = nn.Linear(_OWN_FEATURES + contour + _MATCHES, _HIDDEN)
        last = nn.Linear(_HIDDEN, 1)
        self.score = nn.Sequential(
            nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(inplace=True), last
        )
        # What lies around a place, for each arrow: a joint is where its part ends.
        final = nn.Conv2d(_AROUND_CHANNELS, 1, 1)
        self.around = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(_HIDDEN, _AROUND_CHANNELS, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(_AROUND_CHANNELS, _AROUND_CHANNELS, 3, padding=2, dilation=2),
            nn.ReLU(inplace=True),
            final,
        )
        self.shift = nn.Linear(token, 1)
        # At the start arrows shift: seven in eight, spread evenly over the rest.
        for layer in (last, final):
            nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(last.bias)
        nn.init.normal_(self.shift.weight, std=0.02)
        nn.init.constant_(self.shift.bias, 2.0)

    def prepare(self, fine: Tensor, quarter: Tensor) -> Tensor:
        """Return what the picture says about joints (B, C, H / 8, W / 8)."""
        looked: Tensor = self.image(fine) + self.image_fine(quarter)
        return looked

    def forward(
        self,
        looked: Tensor,
        token: Tensor,
        hints: Tensor,
        contour: Tensor,
        offset: Tensor,
        arrows: Tensor,
        is_arrow: Tensor,
    ) -> Levers:
        """Return the levers of B sets of N arrows.

        Args:
            looked: (B, C, h, w) from `prepare`.
            token: (B, N, token) of each arrow.
            hints: (B, hints, h, w).
            contour: (B, N, P, contour), P = h * w cells.
            offset: (B, N, P, 2) px from an arrow's start to a cell.
            arrows: (B, N, 2) displacement, px.
            is_arrow: (B, N) 1 for arrows, 0 for pins and padding.
        """
        batch, count, places, _ = offset.shape
        length = arrows.norm(dim=-1).clamp_min(1e-3)
        direction = arrows / length.unsqueeze(-1)
        lever = offset.square().sum(-1).clamp_min(1e-6).sqrt()  # (B, N, P)
        chord = length.unsqueeze(-1) / lever
        pair = self._pair_features(offset, lever, direction, length, chord)
        key = self.key(token).view(batch, count, _MATCHES, _TOKEN // _MATCHES)
        cells = looked.flatten(2).view(batch, _MATCHES, _TOKEN // _MATCHES, places)
        matches = torch.einsum("bnmc,bmcp->bnpm", key, cells) / (_TOKEN // _MATCHES) ** 0.5
        hidden = self.from_pair(torch.cat([pair, contour, matches], dim=-1))
        by_place = self.from_place(torch.cat([looked, hints], dim=1)).flatten(2)
        hidden = hidden + by_place.transpose(1, 2).unsqueeze(1)
        hidden = hidden + self.from_token(token).unsqueeze(2)
        height, width = looked.shape[-2:]
        maps = hidden.flatten(0, 1).transpose(1, 2).reshape(batch * count, _HIDDEN, height, width)
        scores = self.around(maps).view(batch, count, places) + self.score(hidden).squeeze(-1)
        scores = scores - math.log(places)
        impossible = (lever < _LEAST_LEVER) | (chord > _MOST_CHORD)
        scores = scores.masked_fill(impossible, -1e4)
        log_joint = torch.cat([scores, self.shift(token)], dim=-1).log_softmax(dim=-1)
        kappa = _turn(log_joint.detach(), offset) * is_arrow.unsqueeze(-1)
        turned = _complex(kappa.unsqueeze(2), offset)
        zeta = torch.stack([1 + turned[..., 0], turned[..., 1]], dim=-1)
        size = zeta.square().sum(-1, keepdim=True).clamp_min(1e-6).sqrt()
        zeta = zeta * (MOST_LEVERS / size).clamp(max=1.0)
        return Levers(log_joint, kappa, zeta)

    def _pair_features(
        self, offset: Tensor, lever: Tensor, direction: Tensor, length: Tensor, chord: Tensor
    ) -> Tensor:
        along = torch.einsum("bnpc,bnc->bnp", offset, direction)
        across = offset[..., 1] * direction[..., None, 0] - offset[..., 0] * direction[..., None, 1]
        off_line = along - 0.5 * length.unsqueeze(-1)  # px from the perpendicular bisector
        slant = off_line / lever.clamp_min(4.0)
        features = [
            *(torch.exp(off_line.square() / (-2 * sigma**2)) for sigma in _BISECTOR_WIDTHS),
            torch.exp(slant.square() / (-2 * 0.12**2)),
            torch.exp(slant.square() / (-2 * 0.35**2)),
            slant.abs().clamp(max=2),
            lever / 64,
            torch.log1p(lever / 4),
            torch.exp(lever.square() / -512),
            chord.clamp(max=3),
            across / 64,
            offset[..., 1] / 64,
            torch.log1p(length / 4).unsqueeze(-1).expand_as(lever),
        ]
        return torch.stack(features, dim=-1)


def _turn(log_joint: Tensor, offset: Tensor) -> Tensor:
    """Return the turn (B, N, 2) with which most of the part can be expected to be right.

    If the joint is at c and the answer turns about c', the motion at s levers from c is off by
    ``|r| |1 - s| / s`` of its length, with ``r = (a - c) / (a - c') - 1``. So the share of the part
    between joint and arrow that is within a tolerance t is ``t / (t + |r|)``. Each likely joint is
    scored by the mean of that over all likely joints, and the answer is the mean turn, weighted by
    a power of the score: close to the best one, without a jump where two change places while an
    arrow is dragged. To shift is one of the candidates.

    Args:
        log_joint: (B, N, P + 1).
        offset: (B, N, P, 2) px from an arrow's start to a cell.
    """
    most = min(_CANDIDATES, offset.shape[2])
    found = log_joint[..., :-1].topk(most, dim=-1)
    index = found.indices.unsqueeze(-1).expand(-1, -1, -1, 2)
    lever = -offset.gather(2, index)  # a - c, (B, N, K, 2)
    mirrored = lever.new_tensor([1.0, -1.0])
    kappa = lever * mirrored / lever.square().sum(-1, keepdim=True).clamp_min(_LEAST_LEVER**2)
    joint = found.values.exp() * _TURN_ODDS
    shift = log_joint[..., -1:].exp()
    total = joint.sum(-1, keepdim=True) + shift
    joint, shift = joint / total, shift / total
    ratio = _complex(kappa.unsqueeze(3), lever.unsqueeze(2))  # (B, N, K of c', K of c, 2)
    apart = torch.hypot(ratio[..., 0] - 1, ratio[..., 1])
    score = torch.einsum("bnij,bnj->bni", _TOLERANCE / (_TOLERANCE + apart), joint)
    score = score + shift * _TOLERANCE / (_TOLERANCE + _PART_PX * kappa.norm(dim=-1))
    shifts = shift + (1 - shift) * (_TOLERANCE / (_TOLERANCE + 1))
    score = torch.cat([score, shifts], dim=-1)
    weight = (score / score.amax(-1, keepdim=True)) ** _DECISION
    weight = weight / weight.sum(-1, keepdim=True)
    return torch.einsum("bnk,bnkc->bnc", weight[..., :-1], kappa)


def _complex(a: Tensor, b: Tensor) -> Tensor:
    """Multiply (..., 2) as complex numbers."""
    return torch.stack(
        [
            a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1],
            a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0],
        ],
        dim=-1,
    )
