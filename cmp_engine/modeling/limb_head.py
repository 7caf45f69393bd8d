"""Limbs that turn: for each arrow its joint, the outline of its limb, and whether to trust both.

One arrow on a limb says by how much it turns and leaves one line of places for the joint
(`cmp_engine.modeling.lever`). `LimbHead` looks at the picture with the arrow drawn in, in a small
propagation net of its own, and answers in three steps:

1. How likely each place of that line is the joint, beside "there is none: it shifts".
2. Given the turn about the likely joint, which pixels belong to the limb.
3. How far to trust this against the decoder's answer by attention. A trusted limb moves by exactly
   the rigid motion that its arrow and joint leave, ``v * zeta``.

It is trained on puppets, whose joints and parts are known, and has image features of its own
(`LimbPyramid`), and a backbone of its own where the network has one, so that it and what is
learned from clips do not disturb each other.

Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cmp_engine.modeling.blocks import conv_block, double, group_norm
from cmp_engine.modeling.lever import (
    complex_product,
    decide_turn,
    is_possible,
    joint_places,
    levers_from,
)
from cmp_engine.modeling.limbs import Limbs, no_limbs
from cmp_engine.modeling.sampling import cell_centers, sample, sample_places

STRIDE: Final = 8
_MATCHES: Final = 4
_BELONGING: Final = 2
_MATCH_CHANNELS: Final = 8
_OUTLINE: Final = 16
_LOOKED: Final = 24
_STEM: Final = 24
_GEOMETRY: Final = 11
_ZETA_FEATURES: Final = 5
_TRUST_FEATURES: Final = 10
_START_TRUST: Final = -1.0
_NEVER: Final = -30.0
_MOST_LOGIT: Final = 12.0
_START_OUTLINE: Final = -3.0


class LimbPyramid(nn.Module):
    """What the picture says about limbs, at strides 8 and 4.

    Args:
        stages: Channels of the backbone at strides 4, 8, 16 and 32.
        channels: At stride 8; half as many at stride 4.
        backbone: From (B, 3, H, W) to the first of these stages, in place of the shared ones.
    """

    def __init__(
        self,
        stages: tuple[int, int, int, int],
        channels: int,
        backbone: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        half = channels // 2
        self.edges = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            group_norm(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, _STEM, 3, stride=2, padding=1, bias=False),
            group_norm(_STEM),
            nn.ReLU(inplace=True),
        )
        self.lateral32 = nn.Conv2d(stages[3], channels, 1)
        self.lateral16 = nn.Conv2d(stages[2], channels, 1)
        self.lateral8 = nn.Conv2d(stages[1], channels, 1)
        self.smooth16 = conv_block(channels, channels)
        self.smooth8 = conv_block(channels, channels)
        self.lateral4 = nn.Conv2d(stages[0] + _STEM + channels, half, 1)
        self.smooth4 = conv_block(half, half)
        self.gather8 = nn.Conv2d(half, channels, 4, stride=2, padding=1)

    def forward(self, image: Tensor, stages: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return (B, C, H / 8, W / 8) and (B, C / 2, H / 4, W / 4)."""
        if self.backbone is not None:
            own = self.backbone(image)
            stages = [*own, *stages[len(own) :]]
        top = self.lateral32(stages[3])
        middle = self.smooth16(self.lateral16(stages[2]) + double(top))
        fine = self.smooth8(self.lateral8(stages[1]) + double(middle))
        quarter = torch.cat([stages[0], self.edges(image), double(fine)], dim=1)
        quarter = self.smooth4(self.lateral4(quarter))
        return fine + self.gather8(quarter), quarter


@dataclass(frozen=True, slots=True)
class Looked:
    """What `LimbHead.look` has found out, for `LimbHead.draw`.

    Attributes:
        hidden: (M, C, H / 8, W / 8).
        match: (M, 4, H / 4, W / 4) likeness to the place of the arrow.
        belongs: (M, 2, H / 4, W / 4) belonging to the arrow's object and part.
        outline: (M, 16, H / 4, W / 4) of the picture.
        offset: (M, H / 8, W / 8, 2) px from the arrow's start to a cell.
        token: (M, C).
        others: (M, N, 2) px, all arrows and pins of the arrow's set.
        vectors: (M, N, 2) px, their displacements.
        counts: (M, N) 1 for another arrow or pin, 0 for the arrow itself and for padding.
    """

    hidden: Tensor
    match: Tensor
    belongs: Tensor
    outline: Tensor
    offset: Tensor
    token: Tensor
    others: Tensor
    vectors: Tensor
    counts: Tensor


class LimbHead(nn.Module):
    """Finds the joint and the limb of each arrow.

    Args:
        channels: Of the `LimbPyramid`.
        hints: Channels of the soft hints of all arrows and pins.
        hidden: Channels of the propagation net at stride 8.
    """

    def __init__(self, channels: int, hints: int, hidden: int = 48) -> None:
        super().__init__()
        half = channels // 2
        # From the image alone.
        self.image8 = nn.Conv2d(channels, hidden, 1)
        self.likeness = nn.Conv2d(half, _MATCHES * _MATCH_CHANNELS, 1)
        self.outline4 = nn.Conv2d(half, _OUTLINE, 1)
        self.look4 = nn.Conv2d(half, _LOOKED, 1)
        # From the arrow.
        self.token = nn.Sequential(nn.Linear(channels + half + 1, hidden), nn.ReLU(inplace=True))
        self.pair = nn.Conv2d(_GEOMETRY + 4 * _MATCHES + hints, hidden, 1)
        self.from_token = nn.Linear(hidden, hidden)
        self.enter = nn.Sequential(group_norm(hidden), nn.ReLU(inplace=True))
        self.at8 = conv_block(hidden, hidden)
        # How surely a place belongs to the arrow's object and part, as the decoder has learned it.
        self.from_belonging = nn.Conv2d(4 * _BELONGING, hidden, 1, bias=False)
        wide = hidden + hidden // 3
        self.down16 = nn.Sequential(conv_block(hidden, wide), conv_block(wide, wide))
        self.down32 = nn.Sequential(conv_block(wide, wide), conv_block(wide, wide))
        self.up16 = conv_block(2 * wide, wide)
        self.up8 = conv_block(wide + hidden, hidden)
        # Along the line of places.
        self.place = nn.Conv1d(hidden + _LOOKED + _MATCHES + 3, 64, 1)
        last = nn.Conv1d(32, 1, 5, padding=2)
        self.line = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv1d(64, 32, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Conv1d(32, 32, 5, padding=4, dilation=2),
            nn.ReLU(inplace=True),
            last,
        )
        self.shift = nn.Linear(2 * hidden, 1)
        # The limb, given the turn.
        self.turned = nn.Conv2d(_ZETA_FEATURES, hidden, 1)
        drawn = nn.Conv2d(hidden, 1 + _OUTLINE + _MATCHES + _BELONGING, 1)
        self.limb = nn.Sequential(
            group_norm(hidden),
            nn.ReLU(inplace=True),
            conv_block(hidden, hidden),
            conv_block(hidden, hidden, dilation=2),
            drawn,
        )
        final = nn.Linear(48, 1)
        self.trusted = nn.Sequential(
            nn.Linear(2 * hidden + _TRUST_FEATURES, 48), nn.ReLU(inplace=True), final
        )
        nn.init.normal_(last.weight, std=0.02)
        nn.init.normal_(self.shift.weight, std=0.02)
        nn.init.normal_(drawn.weight, std=0.02)
        bias = torch.zeros(drawn.out_channels)
        bias[0] = _START_OUTLINE
        drawn.bias = nn.Parameter(bias)
        nn.init.zeros_(final.weight)
        nn.init.constant_(final.bias, _START_TRUST)

    def prepare(self, fine: Tensor, quarter: Tensor) -> tuple[Tensor, ...]:
        """Return all that depends on the picture alone."""
        return (
            fine,
            quarter,
            self.image8(fine),
            self.likeness(quarter),
            self.outline4(quarter),
            self.look4(quarter),
        )

    def forward(
        self, prepared: tuple[Tensor, ...], motion: tuple[Tensor, ...], affinity: Tensor
    ) -> Limbs:
        """Return the limbs of all arrows of B guidance sets.

        Args:
            prepared: From `prepare`, of B images.
            motion: From `ArrowEncoder`, of B sets.
            affinity: (B, N, 2, H / 4, W / 4) logits of belonging to each arrow's object and part.
        """
        points, _, valid, pins, _, _ = motion
        is_arrow = (valid - pins) > 0
        # Shapes that depend on values can't be in a CUDA graph: there every slot is an arrow.
        if points.is_cuda and not torch.is_grad_enabled():
            limbs, looked = self.look(prepared, motion, affinity, torch.ones_like(is_arrow))
            limbs = self.draw(limbs, looked)
            real = is_arrow[limbs.sets, limbs.numbers]
            return replace(limbs, trust=limbs.trust.masked_fill(~real, _NEVER))
        if not bool(is_arrow.any()):
            return no_limbs(points, prepared[1].shape[-2:])
        limbs, looked = self.look(prepared, motion, affinity, is_arrow)
        return self.draw(limbs, looked)

    def look(
        self,
        prepared: tuple[Tensor, ...],
        motion: tuple[Tensor, ...],
        affinity: Tensor,
        asked: Tensor,
    ) -> tuple[Limbs, Looked]:
        """Find the joints; the outlines are still empty.

        Args:
            prepared: From `prepare`, of B images.
            motion: From `ArrowEncoder`, of B sets of N.
            affinity: (B, N, 2, H / 4, W / 4) as for `forward`.
            asked: (B, N) bool, the arrows to look at.
        """
        points, vectors, valid, _, scale, hints = motion
        sets, numbers = _slots(asked)
        arrows = (vectors * scale[:, :, 0])[sets, numbers]
        starts = points[sets, numbers]
        fine, quarter, image8, likeness, outline4, look4 = (part[sets] for part in prepared)
        height, width = image8.shape[-2:]
        length = arrows.norm(dim=-1, keepdim=True)
        at = starts[:, None]
        token = torch.cat([sample(fine, at, 8)[:, 0], sample(quarter, at, 4)[:, 0]], dim=-1)
        token = self.token(torch.cat([token, torch.log1p(length / 4)], dim=-1))
        match = _matches(likeness, at)
        places = joint_places(starts, arrows)
        offset = cell_centers(height, width, starts, stride=STRIDE)[None] - starts[:, None, None]
        pair = torch.cat(
            [_geometry(offset, arrows), F.pixel_unshuffle(match, 2), hints[sets]], dim=1
        )
        belongs = affinity[sets, numbers].clamp(-_MOST_LOGIT, _MOST_LOGIT) / 4
        x = image8 + self.pair(pair) + self.from_token(token)[:, :, None, None]
        x = x + self.from_belonging(F.pixel_unshuffle(belongs, 2))
        x8 = self.at8(self.enter(x))
        x16 = self.down16(F.avg_pool2d(x8, 2))
        x32 = self.down32(F.avg_pool2d(x16, 2))
        x16 = self.up16(torch.cat([x16, double(x32)], dim=1))
        hidden = self.up8(torch.cat([x8, double(x16)], dim=1))
        log_joint = self._joints(hidden, look4, match, token, places, starts, arrows)
        limbs = Limbs(
            sets,
            numbers,
            starts,
            arrows,
            places,
            log_joint,
            decide_turn(log_joint.detach().float(), places, starts),
            outline=match.new_zeros(len(sets), 0, 0),
            trust=match.new_zeros(len(sets)),
        )
        counts = valid[sets].scatter(1, numbers[:, None], 0)
        others = (points[sets], (vectors * scale[:, :, 0])[sets], counts)
        return limbs, Looked(hidden, match, belongs, outline4, offset, token, *others)

    def draw(self, limbs: Limbs, looked: Looked) -> Limbs:
        """Return the limbs with their outlines, for the turns ``limbs.kappa``."""
        zeta = levers_from(limbs.kappa, looked.offset)
        turned = self.turned(_zeta_features(zeta))
        out = self.limb(looked.hidden + turned)
        parts = [1, _OUTLINE, _MATCHES, _BELONGING]
        coarse, by_place, by_match, by_belonging = torch.split(double(out), parts, dim=1)
        outline = coarse[:, 0] + (by_place * looked.outline).sum(1) / _OUTLINE**0.5
        outline = outline + (by_match * looked.match).sum(1)
        outline = outline + (by_belonging * looked.belongs).sum(1)
        drawn = replace(limbs, outline=outline)
        return replace(drawn, trust=self._trust(drawn, looked))

    def _joints(
        self,
        hidden: Tensor,
        look4: Tensor,
        match: Tensor,
        token: Tensor,
        places: Tensor,
        starts: Tensor,
        arrows: Tensor,
    ) -> Tensor:
        height, width = (4 * side for side in look4.shape[-2:])
        lever = (places - starts[:, None]).norm(dim=-1)
        chord = arrows.norm(dim=-1, keepdim=True) / lever.clamp_min(1.0)
        possible = is_possible(places, starts, arrows, (height, width))
        features = [
            sample_places(hidden, places, 8),
            sample_places(look4, places, 4),
            sample_places(match, places, 4),
            torch.stack([torch.log(lever / 16), chord.clamp(max=3), possible.to(lever.dtype)], 1),
        ]
        line = self.line(self.place(torch.cat(features, dim=1)))[:, 0]
        line = line.masked_fill(~possible, -1e4)
        pooled = torch.cat([token, hidden.mean((-1, -2))], dim=-1)
        return torch.cat([line, self.shift(pooled) + 2.0], dim=-1).float().log_softmax(dim=-1)

    def _trust(self, limbs: Limbs, looked: Looked) -> Tensor:
        """Return how far to trust each limb; learned by itself, without a gradient to the rest."""
        chance = limbs.log_joint.detach().exp()
        inside = torch.sigmoid(limbs.outline.detach())
        sure = (2 * inside - 1).abs()
        lever = limbs.kappa.norm(dim=-1).clamp_min(1e-3)
        features = torch.stack(
            [
                chance[:, -1],
                chance[:, :-1].amax(-1),
                inside.mean((-1, -2)).sqrt(),
                (sure * inside).sum((-1, -2)) / inside.sum((-1, -2)).clamp_min(1e-3),
                -torch.log(lever * 32),
                torch.log1p(looked.counts.sum(1)),
                *_witnesses(limbs, looked),
            ],
            dim=-1,
        )
        context = torch.cat([looked.token, looked.hidden.mean((-1, -2))], dim=-1).detach()
        trust: Tensor = self.trusted(torch.cat([context, features], dim=-1))[:, 0]
        return trust


def _witnesses(limbs: Limbs, looked: Looked) -> list[Tensor]:
    """Return what the other arrows and pins of an arrow's set say about its limb: four times (M,).

    How far those on the limb contradict its motion; how many are on it and agree; how far one
    beside it moves as the arrow does, as if all shifted; and how near the next one is.
    """
    on_limb = sample(limbs.outline.detach()[:, None], looked.others, 4)[..., 0].sigmoid()
    from_start = looked.others - limbs.points[:, None]
    zeta = levers_from(limbs.kappa, from_start)
    expected = complex_product(limbs.vectors[:, None].expand_as(zeta), zeta)
    length = limbs.vectors.norm(dim=-1, keepdim=True).clamp_min(1e-3)
    apart = ((expected - looked.vectors).norm(dim=-1) / length).clamp(max=2)
    unlike = (looked.vectors - limbs.vectors[:, None]).norm(dim=-1) / length
    alike = torch.exp(-2 * unlike.square()) * (1 - on_limb)
    counts = looked.counts
    near = torch.exp(-from_start.norm(dim=-1) / 32)
    return [
        (apart * on_limb * counts).amax(1),
        (torch.exp(-4 * apart) * on_limb * counts).sum(1).clamp(max=3),
        (alike * counts).amax(1),
        (near * counts).amax(1),
    ]


def _slots(asked: Tensor) -> tuple[Tensor, Tensor]:
    """Return set and number of each asked arrow (M,); without a look at values if it's all."""
    if asked.is_cuda and not torch.is_grad_enabled():
        sets = torch.arange(asked.shape[0], device=asked.device)
        numbers = torch.arange(asked.shape[1], device=asked.device)
        return sets.repeat_interleave(len(numbers)), numbers.repeat(len(sets))
    sets, numbers = torch.nonzero(asked, as_tuple=True)
    return sets, numbers


def _matches(likeness: Tensor, at: Tensor) -> Tensor:
    """Return how like each place is to the arrow's (M, 4, H / 4, W / 4), by groups of channels."""
    count, _, height, width = likeness.shape
    here = sample(likeness, at, 4).view(count, _MATCHES, _MATCH_CHANNELS)
    groups = likeness.view(count, _MATCHES, _MATCH_CHANNELS, height, width)
    return torch.einsum("mkc,mkchw->mkhw", here, groups) / _MATCH_CHANNELS**0.5


def _geometry(offset: Tensor, arrows: Tensor) -> Tensor:
    """Return how cells lie to the arrow (M, 11, h, w)."""
    length = arrows.norm(dim=-1).clamp_min(1e-3)[:, None, None]
    direction = arrows[:, None, None] / length.unsqueeze(-1)
    along = (offset * direction).sum(-1)
    across = offset[..., 1] * direction[..., 0] - offset[..., 0] * direction[..., 1]
    distance = offset.norm(dim=-1)
    off_line = along - 0.5 * length
    slant = off_line / distance.clamp_min(4.0)
    return torch.stack(
        [
            distance / 64,
            torch.log1p(distance / 4),
            torch.exp(distance.square() / -128),
            torch.exp(distance.square() / -2048),
            along / 64,
            across / 64,
            across.abs() / 64,
            torch.exp(off_line.square() / -128),
            torch.exp(slant.square() / (-2 * 0.15**2)),
            (length / distance.clamp_min(4.0)).clamp(max=3),
            offset[..., 1] / 64,
        ],
        dim=1,
    )


def _zeta_features(zeta: Tensor) -> Tensor:
    """Return (M, 5, h, w) of zeta (M, h, w, 2)."""
    size = zeta.norm(dim=-1)
    near = torch.exp(-2 * ((zeta[..., 0] - 1).square() + zeta[..., 1].square()))
    return torch.stack([zeta[..., 0], zeta[..., 1], size, near, torch.exp(-8 * size.square())], 1)
