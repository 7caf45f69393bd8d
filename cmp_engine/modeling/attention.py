"""The default network: each pixel looks at the arrows (this project's own; paper sec. 3.1 frame).

It keeps the paper's three modules and replaces what they are made of:

* The image encoder is a backbone with a top-down pyramid (`cmp_engine.modeling.feature_pyramid`).
* `ArrowEncoder` keeps the arrows as a set, scaled by the longest one, so that the answer has no cap
  and twice the pull is twice the motion; it also draws them as soft hints of three widths.
* `ArrowAttentionDecoder` lets each pixel attend to the arrows and answers with gated copies of
  them, turned and scaled per pixel.

Why copies that turn: write displacements as complex numbers. If a rigid part turns about a joint c
and the arrow at a moves by v, a pixel p of that part moves by exactly ``v * (p - c) / (a - c)``,
which is ``v * (1 + kappa * (p - a))`` with ``kappa = 1 / (a - c)`` constant over the part, whatever
the angle. So the decoder predicts, per head, a complex gain ``g`` (shift) and a complex ``kappa``
(turn), and the flow is ``sum_h g_h * u_h + kappa_h * w_h``, with the attended fields
``u = sum_n A_n v_n`` and ``w = sum_n A_n v_n (p - a_n) / TURN_RADIUS``.

Which pixels belong to an arrow is learned in two more ways. Embeddings at stride 4 say what is one
object and what is one rigid part (`affinity`, trained on labelled puppets beside the flow), and
learned boundary maps are sampled along the straight line from pixel to arrow (the "intervening
contour" cue of classical segmentation).

A limb that one arrow turns is more than the pixels can tell each for itself: all depends on one
joint. `cmp_engine.modeling.limb_head` finds it and the limb, and where it is sure, its rigid motion
takes the place of the answer by attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cmp_engine.config import ModelConfig
from cmp_engine.modeling.blocks import conv_block, double, group_norm
from cmp_engine.modeling.cmp import (
    Guidance,
    ImageFeatures,
    MotionDecoder,
    MotionEncoder,
    PreparedImage,
)
from cmp_engine.modeling.lever import complex_product
from cmp_engine.modeling.limb_head import LimbHead
from cmp_engine.modeling.limbs import FlowWithLimbs, Limbs
from cmp_engine.modeling.sampling import cell_centers, sample, sample_grid

STRIDE: Final = 8
"""Px of the network grid per cell of the attention."""

TURN_RADIUS: Final = 32.0
"""Px by which distances to an arrow are divided in the turning term."""

HINT_WIDTHS: Final = (4.0, 12.0, 36.0)
"""Standard deviations of the soft hints, px of the network grid."""

HINT_CHANNELS: Final = 4 * len(HINT_WIDTHS) + 1
_LINE_SAMPLES: Final = 8
_BOUNDARIES: Final = 4
AFFINITIES: Final = 2
"""Kinds of belonging: to one object, and to one rigid part of it."""

_EMBEDDING: Final = 16
_PAIR_FEATURES: Final = 10 + 2 * _BOUNDARIES + AFFINITIES
_SCALE_UNIT: Final = 16.0
_OWN_PARTS: Final = 7
"""Of a prepared image; those of the limbs follow."""


@dataclass(frozen=True, slots=True)
class MotionAnswer:
    """What the decoder says about B guidance sets by attention alone.

    Attributes:
        flow: (B, 2, H / 4, W / 4) forward flow, px of the network grid.
        gate_logit: (B, 1, H / 4, W / 4) logit that a pixel moves.
        share: (B, N, H / 8, W / 8) attention of cells to arrows and pins, mean over heads.
        affinity: (B, N, AFFINITIES, H / 4, W / 4) logits of belonging to each arrow and pin.
    """

    flow: Tensor
    gate_logit: Tensor
    share: Tensor
    affinity: Tensor


@dataclass(frozen=True, slots=True)
class _Attended:
    """What the cells of stride 8 see of the arrows.

    Attributes:
        turned: (B, 4 * heads, h, w) u and w of all heads, u first.
        weight: (B, heads, h, w) that is not on the null token.
        embedded: (B, motion_channels, h, w) attended embedding.
        share: (B, N, h, w) weight of each arrow, mean over heads.
    """

    turned: Tensor
    weight: Tensor
    embedded: Tensor
    share: Tensor


class ArrowEncoder(MotionEncoder):
    """Arrows and pins as a set, scaled by the longest arrow, and as soft hints on the grid."""

    def forward(self, guidance: Guidance, height: int, width: int) -> tuple[Tensor, ...]:
        """Return points, unit vectors, valid, pins, scale and hints.

        Returns:
            points (B, N, 2) px; vectors (B, N, 2) divided by the longest; valid (B, N) 0 or 1;
            pins (B, N) 0 or 1; scale (B, 1, 1, 1) px, the longest arrow; hints
            (B, HINT_CHANNELS, height / 8, width / 8).
        """
        valid = guidance.valid.to(guidance.vectors.dtype)
        vectors = guidance.vectors * valid.unsqueeze(-1)
        length = vectors.norm(dim=-1)
        scale = length.amax(dim=1)
        vectors = vectors / scale.clamp(min=1e-6)[:, None, None]
        pins = valid * (length <= 1e-3 * scale[:, None]).to(valid.dtype)
        points = guidance.points
        grid = cell_centers(height // STRIDE, width // STRIDE, points, stride=STRIDE)
        squared = (grid[None, None] - points[:, :, None, None]).square().sum(-1)
        layers = []
        source = torch.cat([vectors, pins.unsqueeze(-1), (valid - pins).unsqueeze(-1)], dim=-1)
        for sigma in HINT_WIDTHS:
            weight = torch.exp(squared / (-2 * sigma * sigma)) * valid[:, :, None, None]
            total = weight.sum(1, keepdim=True).clamp(min=1.0)
            layers.append(torch.einsum("bnhw,bnc->bchw", weight, source) / total)
        log_scale = torch.log1p(scale / _SCALE_UNIT)[:, None, None, None]
        layers.append(log_scale.expand(-1, 1, *squared.shape[-2:]))
        hints = torch.cat(layers, dim=1)
        return points, vectors, valid, pins, scale[:, None, None, None], hints


class ArrowAttentionDecoder(MotionDecoder):
    """Attention from pixels to arrows, a small propagation net, and copies that turn.

    The output is forward flow in px of the network grid at stride 4, or 2 with a limb head.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        wide, heads, inner = config.image_channels, config.attention_heads, config.decoder_channels
        self.heads = heads
        self.key_channels = 24
        embedding = config.motion_channels
        # From the image alone (`prepare`).
        self.query = nn.Conv2d(wide, heads * self.key_channels, 1)
        self.boundary = nn.Sequential(
            nn.Conv2d(wide // 2, 16, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(16, 4, 1)
        )
        self.embed = nn.Sequential(
            conv_block(wide // 2, wide // 2),
            nn.Conv2d(wide // 2, AFFINITIES * (_EMBEDDING + 1), 1),
        )
        self.affinity_bias = nn.Parameter(torch.full((AFFINITIES,), 2.0))
        self.image_in = nn.Conv2d(wide, inner, 3, padding=1)
        self.skip = conv_block(wide // 2, inner // 2)
        # From the arrows.
        token = wide + wide // 2 + 5
        self.token = nn.Sequential(nn.Linear(token, 128), nn.ReLU(inplace=True))
        self.key = nn.Linear(128, heads * self.key_channels)
        self.value = nn.Linear(128, embedding)
        self.null_key = nn.Parameter(torch.zeros(heads, self.key_channels))
        self.null_logit = nn.Parameter(torch.zeros(heads))
        self.pair = nn.Sequential(
            nn.Linear(_PAIR_FEATURES, 32), nn.ReLU(inplace=True), nn.Linear(32, heads)
        )
        # Propagation: strides 8, 16 and 32 (the paper's propagation nets, nested).
        motion = heads * 5 + embedding + HINT_CHANNELS + 2 * AFFINITIES
        self.motion_in = nn.Conv2d(motion, inner, 3, padding=1, bias=False)
        self.enter = nn.Sequential(
            group_norm(inner), nn.ReLU(inplace=True), conv_block(inner, inner)
        )
        self.down16 = nn.Sequential(conv_block(inner, inner), conv_block(inner, inner))
        self.down32 = nn.Sequential(conv_block(inner, inner), conv_block(inner, inner))
        self.up16 = conv_block(2 * inner, inner)
        self.up8 = conv_block(2 * inner, inner)
        quarter_in = inner + inner // 2 + 2 * heads + 2 * AFFINITIES
        self.fuse4 = conv_block(quarter_in, inner // 2)
        self.refine4 = conv_block(inner // 2, inner // 2)
        # Gains and turns per head (complex), residual (2), gate (1).
        self.head = nn.Conv2d(inner // 2, 4 * heads + 3, 1)
        self._start_as_copies()
        self.limbs = LimbHead(config.limb_channels, HINT_CHANNELS) if config.limb_channels else None

    def _start_as_copies(self) -> None:
        """Start with gains near one and turns that are small but not zero.

        Zero turns would never be learned: their gradient is blocked by an equally still gate.
        """
        heads = self.heads
        bias = torch.zeros(4 * heads + 3)
        bias[: 2 * heads : 2] = 1.0 / heads
        nn.init.normal_(self.head.weight, std=0.02)
        self.head.bias = nn.Parameter(bias)

    def prepare(self, features: ImageFeatures) -> PreparedImage:
        """Return queries, features for the arrows, boundaries, embeddings, first layer, skip.

        What `LimbHead.prepare` returns comes behind them.
        """
        fine, quarter = features[:2]
        own = (
            self.query(fine),
            fine,
            quarter,
            F.softplus(self.boundary(quarter)),
            self.embed(quarter),
            self.image_in(fine),
            self.skip(quarter),
        )
        return own if self.limbs is None else (*own, *self.limbs.prepare(*features[2:]))

    def affinity(self, prepared: PreparedImage, points: Tensor) -> Tensor:
        """Return how much each place belongs to the object, and to the part, at given points.

        Args:
            prepared: Of B images.
            points: (B, N, 2) x, y px of the network grid.

        Returns:
            (B, N, AFFINITIES, H / 4, W / 4) logits.
        """
        return self.belonging(_expand(prepared[4], points.shape[0]), points)

    def belonging(self, embedding: Tensor, points: Tensor) -> Tensor:
        """Return `affinity` for embeddings (B, C, H / 4, W / 4) of the image."""
        batch, _, height, width = embedding.shape
        count = points.shape[1]
        at = sample(embedding, points, 4).view(batch, count, AFFINITIES, _EMBEDDING + 1)
        here = embedding.view(batch, AFFINITIES, _EMBEDDING + 1, height * width)[:, :, :_EMBEDDING]
        anchor, reach = at[..., :_EMBEDDING], F.softplus(at[..., _EMBEDDING])
        # |e_n - e_p|^2, expanded so that no (N, E, H, W) tensor is made.
        squared = (
            anchor.square().sum(-1, keepdim=True)
            + here.square().sum(2).unsqueeze(1)
            - 2 * torch.einsum("bnke,bkep->bnkp", anchor, here)
        )
        places = cell_centers(height, width, points, stride=4).view(-1, 2)
        far = (places[None, None] - points[:, :, None]).square().sum(-1) / 64**2
        logits = self.affinity_bias[:, None] - squared - reach.unsqueeze(-1) * far.unsqueeze(2)
        return logits.view(batch, count, AFFINITIES, height, width)

    def propagate(self, prepared: PreparedImage, motion: tuple[Tensor, ...]) -> Tensor:
        """Return forward flow, px of the network grid: stride 4, or 2 of a decoder with limbs."""
        answer = self.answer_with_limbs(prepared, motion, limbs=True)
        return answer.flow if self.limbs is None else answer.merged()

    def answer_with_limbs(
        self, prepared: PreparedImage, motion: tuple[Tensor, ...], *, limbs: bool
    ) -> FlowWithLimbs:
        """Return the answer by attention, and the limbs apart from it; none where not asked for."""
        answer = self.answer(prepared, motion)
        if self.limbs is None or not limbs:
            return FlowWithLimbs.without_limbs(answer.flow)
        found = self.find_limbs(prepared, motion, answer.affinity)
        return FlowWithLimbs.of(answer.flow, answer.share, found)

    def find_limbs(
        self, prepared: PreparedImage, motion: tuple[Tensor, ...], affinity: Tensor
    ) -> Limbs:
        """Return what each arrow turns.

        Args:
            prepared: Of B images, or of one.
            motion: The encoded guidance of B sets.
            affinity: Of `answer`, or of `affinity` at the same points.

        Raises:
            ValueError: This decoder knows of no limbs.
        """
        if self.limbs is None:
            raise ValueError("this decoder has no limb_channels")
        parts = self.limb_parts(prepared, len(motion[0]))
        found: Limbs = self.limbs(parts, motion, affinity)
        return found

    @staticmethod
    def limb_parts(prepared: PreparedImage, batch: int) -> tuple[Tensor, ...]:
        """Return what the limb head has prepared of an image, for B sets."""
        return tuple(_expand(part, batch) for part in prepared[_OWN_PARTS:])

    def answer(self, prepared: PreparedImage, motion: tuple[Tensor, ...]) -> MotionAnswer:
        """Return the flow by attention alone, and where it moves."""
        points, _, valid, pins, scale, hints = motion
        batch = points.shape[0]
        query, fine, quarter, boundary, embedding, first, skip = (
            _expand(part, batch) for part in prepared[:_OWN_PARTS]
        )
        affinity = self.belonging(embedding, points)
        attended = self._attend(query, fine, quarter, boundary, affinity, motion)
        belongs = _strongest(affinity.sigmoid(), valid - pins, pins)
        turned, null = attended.turned, 1 - attended.weight
        x = torch.cat([turned, null, attended.embedded, hints, F.avg_pool2d(belongs, 2)], dim=1)
        x = first + self.motion_in(x)
        x8 = self.enter(x)
        x16 = self.down16(F.avg_pool2d(x8, 2))
        x32 = self.down32(F.avg_pool2d(x16, 2))
        x16 = self.up16(torch.cat([x16, double(x32)], dim=1))
        x8 = self.up8(torch.cat([x8, double(x16)], dim=1))
        fields = double(turned)
        heads = self.heads
        x4 = self.fuse4(torch.cat([double(x8), skip, fields[:, : 2 * heads], belongs], dim=1))
        out = self.head(self.refine4(x4))
        gain_turn, residual, gate_logit = out.split([4 * heads, 2, 1], dim=1)
        copies = _complex_dot(gain_turn, fields)
        flow = (copies + 0.25 * residual) * torch.sigmoid(gate_logit) * scale
        return MotionAnswer(flow, gate_logit, attended.share, affinity)

    def _attend(
        self,
        query: Tensor,
        fine: Tensor,
        quarter: Tensor,
        boundary: Tensor,
        affinity: Tensor,
        motion: tuple[Tensor, ...],
    ) -> _Attended:
        """Let each cell attend to the arrows."""
        points, vectors, valid, pins, scale, _ = motion
        batch, count = valid.shape
        height, width = query.shape[-2:]
        heads, channels = self.heads, self.key_channels
        at_fine = sample(fine, points, STRIDE)
        at_quarter = sample(quarter, points, 4)
        log_scale = torch.log1p(scale[:, :, 0, 0] / _SCALE_UNIT).expand(batch, count)
        extra = torch.stack([vectors[..., 0], vectors[..., 1], pins, valid, log_scale], dim=-1)
        token = self.token(torch.cat([at_fine, at_quarter, extra], dim=-1))
        key = self.key(token).view(batch, count, heads, channels)
        cells = cell_centers(height, width, points, stride=STRIDE).view(-1, 2)
        offset = cells[None, None] - points[:, :, None]  # (B, N, cells, 2), px
        coarse = F.avg_pool2d(affinity.flatten(1, 2), 2).view(batch, count, AFFINITIES, -1)
        pair = self._pair_features(offset, points, vectors, pins, boundary)
        pair = torch.cat([pair, coarse.transpose(2, 3).clamp(-8, 8) / 4], dim=-1)
        query = query.view(batch, heads, channels, height * width)
        logits = torch.einsum("bhcp,bnhc->bhnp", query, key) / channels**0.5
        logits = logits + self.pair(pair).permute(0, 3, 1, 2)
        logits = logits.masked_fill(valid[:, None, :, None] == 0, -1e4)
        null = torch.einsum("bhcp,hc->bhp", query, self.null_key) / channels**0.5
        null = null + self.null_logit[:, None]
        weight = torch.cat([logits, null.unsqueeze(2)], dim=2).softmax(dim=2)[:, :, :count]
        turn = complex_product(vectors.unsqueeze(2), offset / TURN_RADIUS)  # (B, N, cells, 2)
        u = torch.einsum("bhnp,bnc->bhcp", weight, vectors)
        w = torch.einsum("bhnp,bnpc->bhcp", weight, turn)
        share = weight.mean(1)
        embedded = torch.einsum("bnp,bnc->bcp", share, self.value(token))
        turned = torch.cat([u.flatten(1, 2), w.flatten(1, 2)], dim=1)
        return _Attended(
            turned.view(batch, 4 * heads, height, width),
            weight.sum(2).view(batch, heads, height, width),
            embedded.view(batch, -1, height, width),
            share.view(batch, count, height, width),
        )

    def _pair_features(
        self,
        offset: Tensor,
        points: Tensor,
        vectors: Tensor,
        pins: Tensor,
        boundary: Tensor,
    ) -> Tensor:
        """Return where a cell lies from an arrow and what lies between, (B, N, cells, features)."""
        batch, count, places, _ = offset.shape
        distance = offset.norm(dim=-1)
        direction = vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-6)
        along = torch.einsum("bnpc,bnc->bnp", offset, direction)
        across = offset[..., 0] * direction[..., None, 1] - offset[..., 1] * direction[..., None, 0]
        steps = torch.linspace(0, 1, _LINE_SAMPLES, device=offset.device, dtype=offset.dtype)
        line = points[:, :, None, None] + offset.unsqueeze(3) * steps[:, None]
        line = line.view(batch, count * places, _LINE_SAMPLES, 2)
        crossed = sample_grid(boundary, line, 4).view(
            batch, _BOUNDARIES, count, places, _LINE_SAMPLES
        )
        contour = torch.cat([crossed.mean(-1), crossed.amax(-1)], dim=1).permute(0, 2, 3, 1)
        speed = vectors.norm(dim=-1)[:, :, None].expand_as(distance)
        geometry = torch.stack(
            [
                distance / 64,
                torch.log1p(distance / 4),
                torch.exp(distance.square() / -128),
                torch.exp(distance.square() / -2048),
                along / 64,
                across / 64,
                across.abs() / 64,
                speed,
                pins[:, :, None].expand_as(distance),
                offset[..., 1] / 64,
            ],
            dim=-1,
        )
        return torch.cat([geometry, contour], dim=-1)


def _expand(part: Tensor, batch: int) -> Tensor:
    return part if part.shape[0] == batch else part.expand(batch, *part.shape[1:])


def _strongest(affinity: Tensor, arrows: Tensor, pins: Tensor) -> Tensor:
    """Strongest belonging (B, N, K, H, W) to any arrow and to any pin, (B, 2 K, H, W)."""
    to_arrows = (affinity * arrows[:, :, None, None, None]).amax(1)
    to_pins = (affinity * pins[:, :, None, None, None]).amax(1)
    return torch.cat([to_arrows, to_pins], dim=1)


def _complex_dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum of complex products over channel pairs; (B, 2 K, H, W) twice to (B, 2, H, W)."""
    real_a, imag_a = a[:, 0::2], a[:, 1::2]
    real_b, imag_b = b[:, 0::2], b[:, 1::2]
    return torch.stack(
        [
            (real_a * real_b - imag_a * imag_b).sum(1),
            (real_a * imag_b + imag_a * real_b).sum(1),
        ],
        dim=1,
    )
