"""What is in a synthetic puppet scene: poses before and after, shapes, colours, drawing order.

All of it is a few numbers per part, made on the CPU; `train.data.puppet_render` turns them into
pictures and flow.

A part's own coordinates are (s, v): s along its axis from the joint, v across. The axis may be
bent to a circular arc of curvature k, then turned, scaled and put in its place. That map can be
inverted exactly, so the flow and the next frame are exact, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from train.data.puppet_skeletons import (
    FLOAT_FIELDS,
    PARTS,
    PROP_KINDS,
    PUPPET_KINDS,
    make_skeletons,
)

OBJECTS: Final = 2
DISTRACTORS: Final = 14
ALL_PARTS: Final = OBJECTS * PARTS + DISTRACTORS
GROUPS: Final = 7

POSE: Final = ("x", "y", "cos", "sin", "curvature", "scale")
SHAPE: Final = (
    "length",
    "start_radius",
    "end_radius",
    "bulge",
    "box",
    "lobes",
    "ripple",
    "hollow",
)
STYLE: Final = (
    "red",
    "green",
    "blue",
    "red_2",
    "green_2",
    "blue_2",
    "texture",
    "texture_scale",
    "texture_s",
    "texture_v",
    "shade",
    "light",
    "outline",
)

_FLAT: Final = 1e-6  # curvature of a straight part: keeps one formula for all, error < 1e-3 px


@dataclass(frozen=True, slots=True)
class PuppetScenes:
    """A batch of scenes, B of them, each with P parts in drawing order (the last is nearest).

    Attributes:
        pose: (B, P, 6) place of each part in the first frame, columns `POSE`, px and radians.
        next_pose: The same in the second frame.
        shape: (B, P, 8), columns `SHAPE`, px; ``length`` < 0 marks an absent part.
        style: (B, P, 13), columns `STYLE`; colours 0..255.
        parents: (B, P) int64 part of which each part hangs, -1 for none.
        object_ids: (B, P) int64, from 1.
        camera: (B, 2, 3) affine from first-frame to second-frame px of everything that stands.
        background: (B,) int64 number of the background picture.
        background_map: (B, 2, 3) affine from px to the picture's normalised coordinates.
        light: (B, 3) lighting: gradient in x and y, and brightness.
        shadow: (B, 4) strength, offset in x and y px, softness.
        lens: (B, 4) blur weight, noise level, JPEG step (0 = none), grain.
    """

    pose: Tensor
    next_pose: Tensor
    shape: Tensor
    style: Tensor
    parents: Tensor
    object_ids: Tensor
    camera: Tensor
    background: Tensor
    background_map: Tensor
    light: Tensor
    shadow: Tensor
    lens: Tensor

    def to(self, device: torch.device) -> PuppetScenes:
        """Return the same scenes on ``device``."""
        return PuppetScenes(
            **{
                name: getattr(self, name).to(device, non_blocking=True)
                for name in self.__dataclass_fields__
            }
        )


def bend_forward(s: Tensor, v: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the part's point (s, v) lies once its axis is bent, before it is placed."""
    turn = curvature * s
    sine = torch.sin(turn)
    x = sine / curvature - v * sine
    half = torch.sin(0.5 * turn)
    y = 2 * half * half / curvature + v * torch.cos(turn)
    return x, y


def bend_inverse(x: Tensor, y: Tensor, curvature: Tensor) -> tuple[Tensor, Tensor]:
    """Return the part's point (s, v) that `bend_forward` puts at (x, y)."""
    across = 1 - curvature * y
    along = curvature * x
    radius = torch.sqrt(along * along + across * across)
    v = (2 * y - curvature * (x * x + y * y)) / (1 + radius)
    s = torch.atan2(along, across) / curvature
    return s, v


def _uniform(shape: tuple[int, ...], low: float, high: float, g: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=g) * (high - low) + low


def _chance(shape: tuple[int, ...], probability: float, g: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=g) < probability


class SceneSampler:
    """Draws random scenes.

    Args:
        size_hw: Height and width of the pictures, px.
        seed: Of the skeletons and of every batch.
        textures: How many textures there are to choose from.
        backgrounds: How many backgrounds there are to choose from.
        max_shift: Longest displacement within a puppet, px at a short side of 256.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        *,
        seed: int,
        textures: int,
        backgrounds: int,
        max_shift: float = 40.0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.size_hw = size_hw
        self.seed = seed
        self.num_textures = textures
        self.num_backgrounds = backgrounds
        self.max_shift = max_shift
        puppets = make_skeletons(PUPPET_KINDS, 440, rng)
        props = make_skeletons(PROP_KINDS, 120, rng)
        self._num_puppets, self._num_props = 440, 120
        self._bank = {
            name: torch.from_numpy(np.concatenate([puppets[name], props[name]])) for name in puppets
        }
        parent = self._bank["parent"].long()
        ancestors = torch.zeros(len(parent), PARTS, PARTS, dtype=torch.bool)
        rows = torch.arange(len(parent))
        for part in range(PARTS):
            above = parent[:, part]
            ancestors[:, part] = ancestors[rows, above.clamp_min(0)] & (above >= 0)[:, None]
            ancestors[:, part, part] = True
        self._ancestors = ancestors
        self._depth = ancestors.sum(-1).amax(-1)

    def sample(self, count: int, step: int) -> PuppetScenes:
        """Return ``count`` scenes. The same seed and step give the same scenes."""
        entropy = np.random.SeedSequence([self.seed, step]).generate_state(1, np.uint64)[0]
        g = torch.Generator().manual_seed(int(entropy >> np.uint64(1)))
        return _Draw(self, count, g).scenes()


class _Draw:
    """One batch in the making; objects are rows, ``count * OBJECTS`` of them."""

    def __init__(self, sampler: SceneSampler, count: int, g: torch.Generator) -> None:
        self.sampler, self.count, self.g = sampler, count, g
        self.short = float(min(sampler.size_hw))
        rows = count * OBJECTS
        puppet = _chance((rows,), 0.8, g)
        chosen = torch.where(
            puppet,
            torch.randint(0, sampler._num_puppets, (rows,), generator=g),
            sampler._num_puppets + torch.randint(0, sampler._num_props, (rows,), generator=g),
        )
        self.bone = {name: sampler._bank[name][chosen] for name in FLOAT_FIELDS}
        self.real = sampler._bank["real"][chosen] > 0
        self.parent = sampler._bank["parent"][chosen].long()
        self.group = sampler._bank["group"][chosen].long()
        self.ancestors = sampler._ancestors[chosen]
        self.depth = int(sampler._depth[chosen].max())
        self.is_second = (torch.arange(rows) % OBJECTS) == 1
        # The second object: absent, still, or moving.
        fate = torch.rand(rows, generator=g)
        self.present = ~self.is_second | (fate > 0.35)
        self.moves = ~self.is_second | (fate > 0.65)

    # Poses

    def _chain(
        self, angle: Tensor, curvature: Tensor, root_angle: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return x, y (N, PARTS) in the skeleton's units and direction of each part's joint."""
        bone, above = self.bone, self.parent.clamp_min(0)
        is_root = self.parent < 0
        length = bone["length"].gather(1, above)
        s = bone["along"] * length
        radius = bone["start_radius"].gather(1, above) * (1 - bone["along"])
        radius = radius + bone["end_radius"].gather(1, above) * bone["along"]
        bend = curvature.gather(1, above)
        local_x, local_y = bend_forward(s, bone["across"] * radius, bend)
        turn = angle + torch.where(is_root, root_angle[:, None], bend * s)
        x, y, direction = torch.zeros_like(s), torch.zeros_like(s), turn.clone()
        for _ in range(self.depth - 1):
            base = direction.gather(1, above)
            cos, sin = torch.cos(base), torch.sin(base)
            x = torch.where(is_root, 0.0, x.gather(1, above) + cos * local_x - sin * local_y)
            y = torch.where(is_root, 0.0, y.gather(1, above) + sin * local_x + cos * local_y)
            direction = torch.where(is_root, turn, base + turn)
        return x, y, direction

    def _ends(self, pose: Tensor, length: Tensor) -> Tensor:
        """Return the far end of each part's axis (N, PARTS, 2)."""
        x, y = bend_forward(length, torch.zeros_like(length), pose[..., 4])
        cos, sin, scale = pose[..., 2], pose[..., 3], pose[..., 5]
        return torch.stack(
            [
                pose[..., 0] + scale * (cos * x - sin * y),
                pose[..., 1] + scale * (sin * x + cos * y),
            ],
            dim=-1,
        )

    def _place(self) -> tuple[Tensor, Tensor]:
        """Return the first pose (N, PARTS, 6) in px, and px per skeleton unit (N,)."""
        g, bone, rows = self.g, self.bone, self.count * OBJECTS
        shape = (rows, PARTS)
        self.angle = bone["angle"] + bone["jitter"] * _uniform(shape, -1, 1, g)
        bend = bone["soft"] * _uniform(shape, -0.7, 0.7, g)
        self.bend = bend
        curvature = self._curvature(bend)
        lean = _uniform((rows,), -0.3, 0.3, g)
        lying = _chance((rows,), 0.12, g)
        self.lean = torch.where(lying, _uniform((rows,), -3.1, 3.1, g), lean)
        x, y, direction = self._chain(self.angle, curvature, self.lean)
        big = torch.tensor(1e6)
        low_x = torch.where(self.real, x, big).amin(1)
        high_x = torch.where(self.real, x, -big).amax(1)
        low_y = torch.where(self.real, y, big).amin(1)
        high_y = torch.where(self.real, y, -big).amax(1)
        thick = torch.where(self.real, bone["start_radius"], 0.0).amax(1)
        extent = torch.maximum(high_x - low_x, high_y - low_y) + 2 * thick
        wanted = _uniform((rows,), 0.4, 1.15, g) * self.short
        wanted = torch.where(self.is_second, wanted * _uniform((rows,), 0.5, 1.0, g), wanted)
        unit = wanted / extent
        height, width = self.sampler.size_hw
        center_x = _uniform((rows,), 0.22, 0.78, g) * width
        center_y = _uniform((rows,), 0.22, 0.78, g) * height
        # The second object often stands right beside the first.
        beside = self.is_second & _chance((rows,), 0.5, g)
        first = torch.arange(rows) - self.is_second.long()
        way = _uniform((rows,), 0, 2 * torch.pi, g)
        reach = 0.3 * (wanted + wanted[first])
        center_x = torch.where(beside, center_x[first] + reach * torch.cos(way), center_x)
        center_y = torch.where(beside, center_y[first] + 0.5 * reach * torch.sin(way), center_y)
        x = (x - 0.5 * (low_x + high_x)[:, None]) * unit[:, None] + center_x[:, None]
        y = (y - 0.5 * (low_y + high_y)[:, None]) * unit[:, None] + center_y[:, None]
        pose = torch.stack(
            [
                x,
                y,
                torch.cos(direction),
                torch.sin(direction),
                curvature / unit[:, None],
                torch.ones_like(x),
            ],
            dim=-1,
        )
        return pose, unit

    def _curvature(self, bend: Tensor) -> Tensor:
        """Return curvature per skeleton unit, kept so mild that no part folds over itself."""
        bone = self.bone
        length = bone["length"].clamp_min(1e-3)
        wide = torch.maximum(bone["start_radius"], bone["end_radius"]) + bone["bulge"].abs()
        most = 0.6 / (1.6 * wide + 0.02)
        curvature = (bend / length).clamp(-most, most)
        curvature = torch.where(bone["length"] > 0.03, curvature, 0.0)
        return torch.where(curvature.abs() < 1e-4, torch.full_like(curvature, 1e-4), curvature)

    def _turns(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return random turns and bends (N, PARTS), root turn (N,) and root shift (N, 2)."""
        g, bone, rows = self.g, self.bone, self.count * OBJECTS
        shape = (rows, PARTS)
        can_turn = self.real & (self.parent >= 0) & (bone["limit"] > 0)
        weights = can_turn.float() + 1e-6
        limb = torch.multinomial(weights, 1, generator=g)
        below = self.ancestors.gather(2, limb[:, None, :].expand(-1, PARTS, 1))[..., 0]
        above = self.ancestors[torch.arange(rows), limb[:, 0]]
        is_limb = torch.arange(PARTS) == limb
        mode = torch.rand(rows, 1, generator=g)
        one = is_limb | (below & _chance(shape, 0.3, g))
        pulled = is_limb | (above & _chance(shape, 0.7, g))
        many = _chance(shape, 0.5, g)
        none = torch.zeros(shape, dtype=torch.bool)
        active = torch.where(
            mode < 0.36,
            one,
            torch.where(mode < 0.5, pulled, torch.where(mode < 0.82, many, none)),
        )
        has_joints = can_turn.any(1, keepdim=True)
        active = active & can_turn
        turn = torch.where(active, bone["limit"] * torch.randn(shape, generator=g) * 0.6, 0.0)
        # A limb that turns alone turns well.
        sign = torch.where(_chance((rows, 1), 0.5, g), 1.0, -1.0)
        firm = sign * bone["limit"] * _uniform(shape, 0.3, 1.0, g)
        turn = torch.where(is_limb & (mode < 0.36) & can_turn, firm, turn)
        same_way = sign * bone["soft"] * _uniform(shape, 0.2, 1.0, g)
        mixed = bone["soft"] * torch.randn(shape, generator=g) * 0.6
        bends = torch.where(_chance((rows, 1), 0.6, g), same_way, mixed)
        soft_roots = (self.parent < 0) & (bone["soft"] > 0.3) & _chance((rows, 1), 0.6, g)
        bend = torch.where((active | soft_roots) & self.real, bends, 0.0)
        travels = (mode[:, 0] >= 0.68) | ~has_joints[:, 0]
        way = _uniform((rows,), 0, 2 * torch.pi, g)
        far = _uniform((rows,), 0.02, 0.2, g)
        shift = torch.stack([torch.cos(way), torch.sin(way)], -1) * far[:, None]
        shift = torch.where(travels[:, None] & _chance((rows, 1), 0.85, g), shift, 0.0)
        spin = torch.where(travels & _chance((rows,), 0.6, g), torch.randn(rows, generator=g), 0.0)
        return turn, bend, 0.25 * spin, shift

    def _next_pose(self, pose: Tensor, unit: Tensor) -> Tensor:
        """Return the second pose (N, PARTS, 6): joints turned, body moved, one part held."""
        g, rows = self.g, self.count * OBJECTS
        turn, bend, spin, shift = self._turns()
        grow = torch.where(_chance((rows,), 0.2, g), 0.08 * torch.randn(rows, generator=g), 0.0)
        shift = shift * (unit / self.short).clamp(0.4, 1.5)[:, None] * self.short
        held = self.real & (self.bone["length"] > 0)
        anchor = torch.multinomial(held.float() + 1e-6, 1, generator=g)
        is_held = _chance((rows, 1), 0.2, g) & (shift == 0).all(1, keepdim=True)
        wanted = torch.exp(
            _uniform((rows,), float(np.log(3.0)), float(np.log(self.sampler.max_shift)), g)
        ) * (self.short / 256)
        length = self.bone["length"] * unit[:, None]
        start, start_ends = pose[..., :2], self._ends(pose, length)
        amount = torch.ones(rows, 1)
        for attempt in range(3):
            angle = self.angle + amount * turn
            curvature = self._curvature(self.bend + amount * bend)
            x, y, direction = self._chain(angle, curvature, self.lean + amount[:, 0] * spin)
            size = torch.exp(amount * grow[:, None])
            moved = torch.stack(
                [
                    x * unit[:, None],
                    y * unit[:, None],
                    torch.cos(direction),
                    torch.sin(direction),
                    curvature / unit[:, None],
                    torch.ones_like(x),
                ],
                -1,
            )
            moved = self._hold(moved, pose, torch.where(is_held, anchor, 0))
            root = pose[:, :1, :2]
            place = root + (moved[..., :2] - root) * size[..., None] + (amount * shift)[:, None]
            moved = torch.cat([place, moved[..., 2:5], size.expand(-1, PARTS)[..., None]], -1)
            if attempt == 2:
                break
            ends = self._ends(moved, length)
            travel = torch.maximum((place - start).norm(dim=-1), (ends - start_ends).norm(dim=-1))
            longest = torch.where(self.real, travel, 0.0).amax(1).clamp_min(0.1)
            most = 1.6 / (turn.abs().amax(1) + 0.5 * bend.abs().amax(1)).clamp_min(1e-3)
            amount = (amount[:, 0] * wanted / longest).clamp(max=most.clamp(max=8.0))[:, None]
        return torch.where(self.moves[:, None, None], moved, pose)

    def _hold(self, moved: Tensor, pose: Tensor, anchor: Tensor) -> Tensor:
        """Turn and shift whole puppets so that one part of each stays where it was.

        With the root as the anchor only its place is kept, not its direction.
        """
        pick = anchor[..., None].expand(-1, 1, 6)
        old, new = pose.gather(1, pick), moved.gather(1, pick)
        is_root = anchor == 0
        cos = old[..., 2] * new[..., 2] + old[..., 3] * new[..., 3]
        sin = old[..., 3] * new[..., 2] - old[..., 2] * new[..., 3]
        cos, sin = torch.where(is_root, 1.0, cos), torch.where(is_root, 0.0, sin)
        dx, dy = moved[..., 0] - new[..., 0], moved[..., 1] - new[..., 1]
        return torch.stack(
            [
                old[..., 0] + cos * dx - sin * dy,
                old[..., 1] + sin * dx + cos * dy,
                cos * moved[..., 2] - sin * moved[..., 3],
                sin * moved[..., 2] + cos * moved[..., 3],
                moved[..., 4],
                moved[..., 5],
            ],
            -1,
        )

    # Looks

    def _colors(self) -> tuple[Tensor, Tensor]:
        """Return two colours of each object's parts (N, PARTS, 3)."""
        g, rows = self.g, self.count * OBJECTS
        base = _random_color((rows, GROUPS), g)
        plain = torch.rand(rows, 1, 1, generator=g)
        # One colour all over, colours by group, or every part its own.
        whole = base[:, :1].expand(-1, GROUPS, -1) + 10 * torch.randn(
            rows, GROUPS, 1, generator=g
        ) * (torch.rand(rows, 1, 1, generator=g) < 0.5)
        base = torch.where(plain < 0.35, whole, base)
        first = torch.arange(rows) - self.is_second.long()
        twin = self.is_second & _chance((rows,), 0.45, g)
        base = torch.where(twin[:, None, None], base[first], base)
        color = base.gather(1, self.group.clamp(max=GROUPS - 1)[..., None].expand(-1, -1, 3))
        own = _random_color((rows, PARTS), g)
        color = torch.where((plain > 0.85) & ~twin[:, None, None], own, color)
        contrast = torch.rand(rows, 1, 1, generator=g) ** 2
        other = color * _uniform((rows, 1, 1), 0.4, 1.6, g) + 70 * contrast * torch.randn(
            rows, 1, 3, generator=g
        )
        other = color + (other - color) * _uniform((rows, 1, 1), 0.1, 1.0, g)
        return color, other

    def _style(self) -> Tensor:
        """Return the style columns of each object's parts (N, PARTS, 13)."""
        g, rows = self.g, self.count * OBJECTS
        color, other = self._colors()
        textures = self.sampler.num_textures
        common = torch.randint(0, textures, (rows, GROUPS), generator=g)
        common = torch.where(_chance((rows, 1), 0.6, g), common[:, :1], common)
        texture = common.gather(1, self.group.clamp(max=GROUPS - 1))
        scale = torch.exp(_uniform((rows, 1), -1.6, 0.25, g)) * (256 / self.short)
        shade = torch.where(_chance((rows, 1), 0.75, g), _uniform((rows, 1), 0.1, 0.7, g), 0.0)
        outline = torch.where(_chance((rows, 1), 0.18, g), _uniform((rows, 1), 0.8, 2.2, g), 0.0)
        offset = _uniform((rows, PARTS, 2), 0, 128, g)

        def wide(value: Tensor) -> Tensor:
            return value.expand(-1, PARTS)[..., None]

        return torch.cat(
            [
                color,
                other,
                texture[..., None].float(),
                wide(scale.clamp(max=1.3)),
                offset,
                wide(shade),
                wide(_uniform((rows, 1), -3.1, 3.1, g)),
                wide(outline),
            ],
            -1,
        )

    def scenes(self) -> PuppetScenes:
        """Return the finished batch."""
        g, count, short = self.g, self.count, self.short
        pose, unit = self._place()
        next_pose = self._next_pose(pose, unit)
        shape = torch.stack(
            [
                self.bone[name] * (unit[:, None] if name not in ("box", "lobes", "ripple") else 1)
                for name in SHAPE
            ],
            -1,
        )
        shape[..., 0] = torch.where(self.real & self.present[:, None], shape[..., 0], -1.0)
        style = self._style()
        columns = OBJECTS * PARTS
        pose = pose.view(count, columns, -1)
        next_pose = next_pose.view(count, columns, -1)
        shape, style = shape.view(count, columns, -1), style.view(count, columns, -1)
        order = self.bone["layer"].view(count, OBJECTS, PARTS) * 0.01
        order = order + _chance((count, 1, 1), 0.5, g) * torch.tensor([0.0, 1.0])[None, :, None]
        order = order + torch.tensor([0.3, 0.0])[None, :, None]
        extra = self._distractors(pose, shape, style)
        pose = torch.cat([pose, extra[0]], 1)
        next_pose = torch.cat([next_pose, extra[1]], 1)
        shape, style = torch.cat([shape, extra[2]], 1), torch.cat([style, extra[3]], 1)
        order = torch.cat([order.reshape(count, columns), extra[4]], 1)
        offsets = (torch.arange(count * OBJECTS) % OBJECTS) * PARTS
        parents = torch.where(self.parent < 0, -1, self.parent + offsets[:, None])
        parents = torch.cat(
            [parents.view(count, columns), torch.full((count, DISTRACTORS), -1)], dim=1
        )
        numbers = torch.arange(columns) // PARTS + 1
        ids = torch.cat([numbers, OBJECTS + 1 + torch.arange(DISTRACTORS)]).expand(count, -1)
        rank = torch.argsort(order, dim=1, stable=True)
        place = torch.argsort(rank, dim=1)
        parents = torch.where(parents < 0, -1, place.gather(1, parents.clamp_min(0)))

        def ordered(value: Tensor) -> Tensor:
            return value.gather(1, rank[..., None].expand(-1, -1, value.shape[-1]))

        camera = self._camera()
        cos, sin = camera[:, 0, 0], camera[:, 1, 0]
        zoom = torch.sqrt(cos * cos + sin * sin)
        next_pose = ordered(next_pose)
        xy = torch.einsum("bij,bpj->bpi", camera[:, :, :2], next_pose[..., :2])
        xy = xy + camera[:, None, :, 2]
        turn_cos, turn_sin = (cos / zoom)[:, None], (sin / zoom)[:, None]
        next_pose = torch.stack(
            [
                xy[..., 0],
                xy[..., 1],
                turn_cos * next_pose[..., 2] - turn_sin * next_pose[..., 3],
                turn_sin * next_pose[..., 2] + turn_cos * next_pose[..., 3],
                next_pose[..., 4],
                next_pose[..., 5] * zoom[:, None],
            ],
            -1,
        )
        angle = torch.where(_chance((count,), 0.4, g), _uniform((count,), -3.1, 3.1, g), 0.0)
        height, width = self.sampler.size_hw
        zoom_out = _uniform((count,), 0.35, 0.95, g) * 2 / max(height, width)
        background_map = torch.zeros(count, 2, 3)
        background_map[:, 0, 0] = background_map[:, 1, 1] = torch.cos(angle) * zoom_out
        background_map[:, 1, 0] = torch.sin(angle) * zoom_out
        background_map[:, 0, 1] = -background_map[:, 1, 0]
        middle = torch.tensor([width / 2, height / 2])
        background_map[:, :, 2] = _uniform((count, 2), -0.3, 0.3, g) - (
            background_map[:, :, :2] @ middle
        )
        lit = _chance((count, 1), 0.6, g)
        light = torch.cat([_uniform((count, 2), -0.35, 0.35, g) * lit, torch.ones(count, 1)], 1)
        shadow = torch.cat(
            [
                _uniform((count, 1), 0.15, 0.6, g) * _chance((count, 1), 0.4, g),
                _uniform((count, 2), -0.08, 0.08, g) * short,
                torch.ones(count, 1),
            ],
            1,
        )
        quality = torch.exp(_uniform((count, 1), 1.5, 3.6, g)) * _chance((count, 1), 0.3, g)
        lens = torch.cat(
            [
                _uniform((count, 1), 0, 1.0, g) * _chance((count, 1), 0.5, g),
                _uniform((count, 1), 0, 7.0, g) * _chance((count, 1), 0.7, g),
                quality,
                torch.zeros(count, 1),
            ],
            1,
        )
        return PuppetScenes(
            pose=ordered(pose),
            next_pose=next_pose,
            shape=ordered(shape),
            style=ordered(style),
            parents=parents.gather(1, rank),
            object_ids=ids.gather(1, rank),
            camera=camera,
            background=torch.randint(0, self.sampler.num_backgrounds, (count,), generator=g),
            background_map=background_map,
            light=light,
            shadow=shadow,
            lens=lens,
        )

    def _camera(self) -> Tensor:
        """Return the camera's drift (B, 2, 3): none for most scenes."""
        g, count = self.g, self.count
        drifts = _chance((count,), 0.2, g)
        turn = torch.where(drifts, 0.012 * torch.randn(count, generator=g), 0.0)
        zoom = torch.where(drifts, 1 + 0.012 * torch.randn(count, generator=g), 1.0)
        height, width = self.sampler.size_hw
        middle = torch.tensor([width / 2, height / 2])
        camera = torch.zeros(count, 2, 3)
        camera[:, 0, 0] = camera[:, 1, 1] = zoom * torch.cos(turn)
        camera[:, 1, 0] = zoom * torch.sin(turn)
        camera[:, 0, 1] = -camera[:, 1, 0]
        shift = drifts[:, None] * torch.randn(count, 2, generator=g) * 2.5 * self.short / 256
        camera[:, :, 2] = middle - camera[:, :, :2] @ middle + shift
        return camera

    def _distractors(
        self, pose: Tensor, shape: Tensor, style: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return pose, next pose, shape, style, order of shapes that are no puppet.

        Many are copies of a puppet's part, in shape and colour, that stand still elsewhere.
        """
        g, count, short = self.g, self.count, self.short
        size = (count, DISTRACTORS)
        height, width = self.sampler.size_hw
        model = torch.randint(0, PARTS, size, generator=g)

        def copied(value: Tensor) -> Tensor:
            return value.gather(1, model[..., None].expand(-1, -1, value.shape[-1])).clone()

        is_copy = _chance(size, 0.5, g)
        copy_shape = copied(shape)
        is_copy = is_copy & (copy_shape[..., 0] >= 0)
        radius = torch.exp(_uniform(size, -4.0, -1.8, g)) * short
        own_shape = torch.stack(
            [
                torch.exp(_uniform(size, -4.0, -0.7, g)) * short * _chance(size, 0.8, g),
                radius,
                radius * _uniform(size, 0.4, 1.3, g),
                radius * _uniform(size, -0.2, 0.5, g),
                _uniform(size, 0, 1, g).round(),
                _uniform(size, 0, 0.5, g) * _chance(size, 0.3, g),
                _uniform(size, 0, 0.2, g) * _chance(size, 0.3, g),
                radius * 0.4 * _chance(size, 0.08, g),
            ],
            -1,
        )
        new_shape = torch.where(is_copy[..., None], copy_shape, own_shape)
        new_style = copied(style)
        color = _random_color(size, g)
        same_color = (is_copy & _chance(size, 0.7, g))[..., None]
        new_style[..., :3] = torch.where(same_color, new_style[..., :3], color)
        new_style[..., 3:6] = torch.where(
            same_color, new_style[..., 3:6], color + 40 * torch.randn(*size, 3, generator=g)
        )
        textures = torch.randint(0, self.sampler.num_textures, size, generator=g).float()
        new_style[..., 6] = torch.where(same_color[..., 0], new_style[..., 6], textures)
        number = torch.randint(0, DISTRACTORS + 1, (count, 1), generator=g)
        number = (number.float() * torch.rand(count, 1, generator=g)).ceil()
        absent = torch.arange(DISTRACTORS) >= number
        new_shape[..., 0] = torch.where(absent, -1.0, new_shape[..., 0])
        way = _uniform(size, -3.14, 3.14, g)
        new_pose = torch.stack(
            [
                _uniform(size, 0, 1, g) * width,
                _uniform(size, 0, 1, g) * height,
                torch.cos(way),
                torch.sin(way),
                torch.full(size, _FLAT),
                torch.ones(size),
            ],
            -1,
        )
        travels = _chance(size, 0.05, g)[..., None]
        step = torch.randn(*size, 2, generator=g) * 0.03 * short
        next_pose = new_pose.clone()
        next_pose[..., :2] += torch.where(travels, step, 0.0)
        draw = torch.rand(size, generator=g)
        order = torch.where(draw < 0.65, -1.0, torch.where(draw < 0.82, 0.65, 2.0))
        return new_pose, next_pose, new_shape, new_style, order + 0.01 * draw


def _random_color(shape: tuple[int, ...], g: torch.Generator) -> Tensor:
    """Return colours (*shape, 3) 0..255, from grey to saturated, from dark to light."""
    value = _uniform((*shape, 1), 25, 250, g)
    tint = torch.rand(*shape, 3, generator=g) ** 0.7
    saturation = torch.rand(*shape, 1, generator=g) ** 1.3
    return value * (1 - saturation + saturation * tint)
