"""The joint about which an arrow turns its part (this project's own).

A rigid part that turns about a joint c takes the arrow's start a to a + v, and both lie on one
circle about c. So c lies on the perpendicular bisector of the arrow, whatever the angle: one arrow
leaves one line of places for the joint, and the picture says which place on it looks like one.
`LeverHead` gives every place of the picture a probability, beside "no joint: the part shifts". The
joint is the mean place around the likeliest ones, and ``kappa = 1 / (a - c)`` (complex) is how much
the arrow turns. A pixel p of the part then moves by ``v * zeta`` with ``zeta = (p - c) / (a - c) =
1 + kappa * (p - a)``: zero at the joint, one at the arrow, and measured in levers in between.

The probabilities are trained on puppets, whose joints are known, and not through the flow: turning
about a wrong joint costs more than shifting, so the flow's loss alone would teach not to turn.

Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cmp_engine.modeling.feature_pyramid import conv_block

LEVER_FEATURES: Final = 4
"""Channels that the decoder gets of the levers: zeta (2), joints, and the share of shifts."""

MOST_LEVERS: Final = 4.0
"""Farther from the joint than so many levers the motion grows no more, px per px of the arrow."""

_BISECTOR_WIDTHS: Final = (2.5, 8.0, 24.0)
_LEAST_LEVER: Final = 5.0
_MOST_CHORD: Final = 1.85
_AROUND: Final = 2
_TURN_ODDS: Final = 2.0
"""By how much a turn is preferred to a shift: who pulls a limb wants it to turn."""

_IMAGE: Final = 32
_TOKEN: Final = 32
_HIDDEN: Final = 48
_MATCHES: Final = 4
_OWN_FEATURES: Final = 10 + len(_BISECTOR_WIDTHS)


@dataclass(frozen=True, slots=True)
class Levers:
    """What a set of arrows turns about, for B sets of N arrows on a grid of P cells.

    Attributes:
        log_joint: (B, N, P + 1) log-probability that the joint is in a cell; the last one is that
            there is none and the part shifts.
        kappa: (B, N, 2) complex turn 1 / (a - c), 1/px, times the confidence that there is a joint;
            zero for pins. No gradient.
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
        self.from_place = nn.Conv2d(_IMAGE + hints, _HIDDEN, 1)
        self.from_token = nn.Linear(token, _HIDDEN)
        self.key = nn.Linear(token, _TOKEN)
        self.from_pair = nn.Linear(_OWN_FEATURES + contour + _MATCHES, _HIDDEN)
        last = nn.Linear(_HIDDEN, 1)
        self.score = nn.Sequential(
            nn.ReLU(inplace=True), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(inplace=True), last
        )
        self.shift = nn.Linear(token, 1)
        # At the start arrows shift: seven in eight, spread evenly over the rest.
        nn.init.normal_(last.weight, std=0.02)
        nn.init.zeros_(last.bias)
        nn.init.normal_(self.shift.weight, std=0.02)
        nn.init.constant_(self.shift.bias, 2.0)

    def prepare(self, fine: Tensor) -> Tensor:
        """Return what the picture says about joints (B, C, H / 8, W / 8)."""
        looked: Tensor = self.image(fine)
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
        scores = self.score(hidden).squeeze(-1) - float(torch.tensor(float(places)).log())
        impossible = (lever < _LEAST_LEVER) | (chord > _MOST_CHORD)
        scores = scores.masked_fill(impossible, -1e4)
        log_joint = torch.cat([scores, self.shift(token)], dim=-1).log_softmax(dim=-1)
        kappa = _turn(log_joint.detach(), offset, looked.shape[-2:]) * is_arrow.unsqueeze(-1)
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


def _turn(log_joint: Tensor, offset: Tensor, grid_hw: tuple[int, ...]) -> Tensor:
    """Return the turn (B, N, 2) about the mean place around the likeliest joints.

    A place counts by its probability and by the probability around it to the power of three, so
    that of two candidates the likelier one takes nearly all, without a jump where they change
    places while an arrow is dragged.
    """
    joint = log_joint.exp()
    cells, shift = joint[..., :-1], joint[..., -1]
    side = 2 * _AROUND + 1
    around = F.avg_pool2d(cells.view(*cells.shape[:2], *grid_hw), side, 1, _AROUND).flatten(2)
    around = around / around.amax(-1, keepdim=True).clamp_min(1e-12)
    weight = cells * around**3
    weight = weight / weight.sum(-1, keepdim=True).clamp_min(1e-12)
    place = torch.einsum("bnp,bnpc->bnc", weight, offset)  # c - a
    squared = place.square().sum(-1, keepdim=True).clamp_min(_LEAST_LEVER**2)
    turns = (_TURN_ODDS * (1 - shift)) ** 3
    sure = (turns / (turns + shift**3).clamp_min(1e-12)).unsqueeze(-1)
    return sure * place * place.new_tensor([-1.0, 1.0]) / squared


def _complex(a: Tensor, b: Tensor) -> Tensor:
    """Multiply (..., 2) as complex numbers."""
    return torch.stack(
        [
            a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1],
            a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0],
        ],
        dim=-1,
    )
