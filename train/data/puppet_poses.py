"""Poses of synthetic puppets before and after: forward kinematics, and random motion.

Parts turn about their joints and carry what hangs on them. One limb moves, or a chain, or all of
it, or the whole body goes; sometimes a foot or hand stays where it is and the rest moves about it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from train.data.puppet_scene import bend_forward
from train.data.puppet_skeletons import (
    FLOAT_FIELDS,
    PARTS,
    PROP_KINDS,
    PUPPET_KINDS,
    make_skeletons,
)

OBJECTS: Final = 2
"""Puppets in a scene; the second may be absent or still."""


_LIMB_ALONE: Final = 0.54
"""How often one limb turns alone: what a person expects who pulls a limb with one arrow."""


def uniform(shape: tuple[int, ...], low: float, high: float, g: torch.Generator) -> Tensor:
    """Return uniform random numbers."""
    return torch.rand(shape, generator=g) * (high - low) + low


def chance(shape: tuple[int, ...], probability: float, g: torch.Generator) -> Tensor:
    """Return True with a probability."""
    return torch.rand(shape, generator=g) < probability


class SkeletonBank:
    """A stock of skeletons to choose from, as tensors.

    Args:
        seed: Same seed, same skeletons.
        puppets: How many skeletons of creatures and machines.
        props: How many of rigid and soft things.

    Attributes:
        fields: Each field of the skeletons, (K, PARTS).
        ancestors: (K, PARTS, PARTS) bool, [k, p, q]: part q is p or carries it.
        depth: (K,) longest chain of parts.
    """

    def __init__(self, seed: int, *, puppets: int = 440, props: int = 120) -> None:
        rng = np.random.default_rng(seed)
        made = [make_skeletons(PUPPET_KINDS, puppets, rng), make_skeletons(PROP_KINDS, props, rng)]
        self.num_puppets, self.num_props = puppets, props
        self.fields = {
            name: torch.from_numpy(np.concatenate([bank[name] for bank in made]))
            for name in made[0]
        }
        parent = self.fields["parent"].long()
        self.ancestors = torch.zeros(len(parent), PARTS, PARTS, dtype=torch.bool)
        rows = torch.arange(len(parent))
        for part in range(PARTS):
            above = parent[:, part]
            carried = self.ancestors[rows, above.clamp_min(0)] & (above >= 0)[:, None]
            self.ancestors[:, part] = carried
            self.ancestors[:, part, part] = True
        self.depth = self.ancestors.sum(-1).amax(-1)

    def choose(self, rows: int, g: torch.Generator) -> Tensor:
        """Return numbers of ``rows`` random skeletons; four of five are no props."""
        return torch.where(
            chance((rows,), 0.8, g),
            torch.randint(0, self.num_puppets, (rows,), generator=g),
            self.num_puppets + torch.randint(0, self.num_props, (rows,), generator=g),
        )


class PoseDraw:
    """The puppets of one batch in the making: which, where, and how they move.

    Objects are rows: the first and the second of each scene in turn.

    Args:
        bank: Where the skeletons come from.
        count: Number of scenes.
        size_hw: Height and width of the pictures, px.
        max_shift: Longest displacement, px at a short side of 256.
        g: Source of all random numbers.
    """

    def __init__(
        self,
        bank: SkeletonBank,
        count: int,
        *,
        size_hw: tuple[int, int],
        max_shift: float,
        g: torch.Generator,
    ) -> None:
        self.count, self.size_hw, self.max_shift, self.g = count, size_hw, max_shift, g
        self.short = float(min(size_hw))
        rows = count * OBJECTS
        chosen = bank.choose(rows, g)
        self.is_prop = chosen >= bank.num_puppets
        self.bone = {name: bank.fields[name][chosen] for name in FLOAT_FIELDS}
        self.real = bank.fields["real"][chosen] > 0
        self.parent = bank.fields["parent"][chosen].long()
        self.group = bank.fields["group"][chosen].long()
        self.ancestors = bank.ancestors[chosen]
        self.depth = int(bank.depth[chosen].max())
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

    def place(self) -> tuple[Tensor, Tensor]:
        """Return the first pose (N, PARTS, 6) in px, and px per skeleton unit (N,)."""
        g, bone, rows = self.g, self.bone, self.count * OBJECTS
        shape = (rows, PARTS)
        self.angle = bone["angle"] + bone["jitter"] * uniform(shape, -1, 1, g)
        bend = bone["soft"] * uniform(shape, -0.7, 0.7, g)
        self.bend = bend
        curvature = self._curvature(bend)
        lean = uniform((rows,), -0.3, 0.3, g)
        lying = chance((rows,), 0.12, g)
        self.lean = torch.where(lying, uniform((rows,), -3.1, 3.1, g), lean)
        x, y, direction = self._chain(self.angle, curvature, self.lean)
        big = torch.tensor(1e6)
        low_x = torch.where(self.real, x, big).amin(1)
        high_x = torch.where(self.real, x, -big).amax(1)
        low_y = torch.where(self.real, y, big).amin(1)
        high_y = torch.where(self.real, y, -big).amax(1)
        thick = torch.maximum(bone["start_radius"], bone["end_radius"]) * (1 + bone["lobes"])
        thick = torch.where(self.real, thick + bone["bulge"].clamp_min(0), 0.0).amax(1)
        extent = torch.maximum(high_x - low_x, high_y - low_y) + 2 * thick
        wanted = uniform((rows,), 0.4, 1.15, g) * self.short
        wanted = torch.where(self.is_second, wanted * uniform((rows,), 0.5, 1.0, g), wanted)
        wanted = torch.where(self.is_prop, wanted * uniform((rows,), 0.35, 1.0, g), wanted)
        unit = wanted / extent
        height, width = self.size_hw
        center_x = uniform((rows,), 0.22, 0.78, g) * width
        center_y = uniform((rows,), 0.22, 0.78, g) * height
        # The second object often stands right beside the first.
        beside = self.is_second & chance((rows,), 0.5, g)
        first = torch.arange(rows) - self.is_second.long()
        way = uniform((rows,), 0, 2 * torch.pi, g)
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
        # The longer what hangs on a joint, the more often it is the one that turns.
        size = bone["length"] + bone["start_radius"]
        carried = torch.einsum("npq,np->nq", self.ancestors.float(), size * self.real)
        weights = can_turn * carried + 1e-6
        limb = torch.multinomial(weights, 1, generator=g)
        below = self.ancestors.gather(2, limb[:, None, :].expand(-1, PARTS, 1))[..., 0]
        above = self.ancestors[torch.arange(rows), limb[:, 0]]
        is_limb = torch.arange(PARTS) == limb
        mode = torch.rand(rows, 1, generator=g)
        one = is_limb | (below & chance(shape, 0.15, g))
        pulled = is_limb | (above & chance(shape, 0.7, g))
        many = chance(shape, 0.5, g)
        none = torch.zeros(shape, dtype=torch.bool)
        active = torch.where(
            mode < _LIMB_ALONE,
            one,
            torch.where(mode < 0.65, pulled, torch.where(mode < 0.86, many, none)),
        )
        has_joints = can_turn.any(1, keepdim=True)
        active = active & can_turn
        turn = torch.where(active, bone["limit"] * torch.randn(shape, generator=g) * 0.6, 0.0)
        # A limb that turns alone turns well.
        sign = torch.where(chance((rows, 1), 0.5, g), 1.0, -1.0)
        firm = sign * bone["limit"] * uniform(shape, 0.3, 1.0, g)
        turn = torch.where(is_limb & (mode < _LIMB_ALONE) & can_turn, firm, turn)
        same_way = sign * bone["soft"] * uniform(shape, 0.2, 1.0, g)
        mixed = bone["soft"] * torch.randn(shape, generator=g) * 0.6
        bends = torch.where(chance((rows, 1), 0.6, g), same_way, mixed)
        soft_roots = (self.parent < 0) & (bone["soft"] > 0.3) & chance((rows, 1), 0.6, g)
        bend = torch.where((active | soft_roots) & self.real, bends, 0.0)
        travels = (mode[:, 0] >= 0.76) | ~has_joints[:, 0]
        way = uniform((rows,), 0, 2 * torch.pi, g)
        far = uniform((rows,), 0.02, 0.2, g)
        shift = torch.stack([torch.cos(way), torch.sin(way)], -1) * far[:, None]
        shift = torch.where(travels[:, None] & chance((rows, 1), 0.85, g), shift, 0.0)
        spin = torch.where(travels & chance((rows,), 0.6, g), torch.randn(rows, generator=g), 0.0)
        return turn, bend, 0.25 * spin, shift

    def move(self, pose: Tensor, unit: Tensor) -> Tensor:
        """Return the second pose (N, PARTS, 6): joints turned, body moved, one part held."""
        g, rows = self.g, self.count * OBJECTS
        turn, bend, spin, shift = self._turns()
        grow = torch.where(chance((rows,), 0.2, g), 0.08 * torch.randn(rows, generator=g), 0.0)
        shift = shift * (unit / self.short).clamp(0.4, 1.5)[:, None] * self.short
        held = self.real & (self.bone["length"] > 0)
        anchor = torch.multinomial(held.float() + 1e-6, 1, generator=g)
        is_held = chance((rows, 1), 0.2, g) & (shift == 0).all(1, keepdim=True)
        wanted = torch.exp(
            uniform((rows,), float(np.log(3.0)), float(np.log(self.max_shift)), g)
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
            most = 1.2 / (turn.abs().amax(1) + 0.5 * bend.abs().amax(1)).clamp_min(1e-3)
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
