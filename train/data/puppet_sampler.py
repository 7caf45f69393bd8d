"""Draws random puppet scenes: puppets, what stands around them, colours, light and camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from train.data.puppet_poses import OBJECTS, PoseDraw, SkeletonBank, chance, uniform
from train.data.puppet_scene import FLAT, SHAPE, PuppetScenes
from train.data.puppet_skeletons import PARTS

DISTRACTORS: Final = 14
_GROUPS: Final = 7


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
        self.size_hw = size_hw
        self.seed = seed
        self.num_textures = textures
        self.num_backgrounds = backgrounds
        self.max_shift = max_shift
        self._bank = SkeletonBank(seed)

    def sample(self, count: int, step: int) -> PuppetScenes:
        """Return ``count`` scenes. The same seed and step give the same scenes."""
        entropy = np.random.SeedSequence([self.seed, step]).generate_state(1, np.uint64)[0]
        g = torch.Generator().manual_seed(int(entropy >> np.uint64(1)))
        draw = PoseDraw(self._bank, count, size_hw=self.size_hw, max_shift=self.max_shift, g=g)
        return _SceneDraw(self, draw).scenes()


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of a batch: pose, next pose, shape and style (B, P, …), and nearness (B, P)."""

    pose: Tensor
    next_pose: Tensor
    shape: Tensor
    style: Tensor
    order: Tensor


class _SceneDraw:
    """One batch in the making; objects are rows, as in `PoseDraw`."""

    def __init__(self, sampler: SceneSampler, draw: PoseDraw) -> None:
        self.sampler, self.draw = sampler, draw
        self.count, self.g, self.short = draw.count, draw.g, draw.short

    def _colors(self) -> tuple[Tensor, Tensor]:
        """Return two colours of each object's parts (N, PARTS, 3)."""
        g, rows = self.g, self.count * OBJECTS
        base = random_color((rows, _GROUPS), g)
        plain = torch.rand(rows, 1, 1, generator=g)
        # One colour all over, colours by group, or every part its own.
        whole = base[:, :1].expand(-1, _GROUPS, -1) + 10 * torch.randn(
            rows, _GROUPS, 1, generator=g
        ) * (torch.rand(rows, 1, 1, generator=g) < 0.5)
        base = torch.where(plain < 0.35, whole, base)
        first = torch.arange(rows) - self.draw.is_second.long()
        twin = self.draw.is_second & chance((rows,), 0.45, g)
        base = torch.where(twin[:, None, None], base[first], base)
        color = base.gather(1, self.draw.group.clamp(max=_GROUPS - 1)[..., None].expand(-1, -1, 3))
        own = random_color((rows, PARTS), g)
        color = torch.where((plain > 0.85) & ~twin[:, None, None], own, color)
        contrast = torch.rand(rows, 1, 1, generator=g) ** 2
        other = color * uniform((rows, 1, 1), 0.4, 1.6, g) + 70 * contrast * torch.randn(
            rows, 1, 3, generator=g
        )
        other = color + (other - color) * uniform((rows, 1, 1), 0.1, 1.0, g)
        return color, other

    def _style(self) -> Tensor:
        """Return the style columns of each object's parts (N, PARTS, 13)."""
        g, rows = self.g, self.count * OBJECTS
        color, other = self._colors()
        textures = self.sampler.num_textures
        common = torch.randint(0, textures, (rows, _GROUPS), generator=g)
        common = torch.where(chance((rows, 1), 0.6, g), common[:, :1], common)
        texture = common.gather(1, self.draw.group.clamp(max=_GROUPS - 1))
        scale = torch.exp(uniform((rows, 1), -1.6, 0.25, g)) * (256 / self.short)
        shade = torch.where(chance((rows, 1), 0.75, g), uniform((rows, 1), 0.1, 0.7, g), 0.0)
        outline = torch.where(chance((rows, 1), 0.18, g), uniform((rows, 1), 0.8, 2.2, g), 0.0)
        offset = uniform((rows, PARTS, 2), 0, 128, g)

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
                wide(uniform((rows, 1), -3.1, 3.1, g)),
                wide(outline),
            ],
            -1,
        )

    def scenes(self) -> PuppetScenes:
        """Return the finished batch."""
        draw, g, count = self.draw, self.g, self.count
        first, unit = draw.place()
        second = draw.move(first, unit)
        bare = ("box", "lobes", "ripple")  # not lengths
        size = unit[:, None]
        shape = torch.stack([draw.bone[name] * (1 if name in bare else size) for name in SHAPE], -1)
        is_there = draw.real & draw.present[:, None]
        shape[..., 0] = torch.where(is_there, shape[..., 0], -1.0)
        columns = OBJECTS * PARTS
        puppets = _Parts(
            first.view(count, columns, -1),
            second.view(count, columns, -1),
            shape.view(count, columns, -1),
            self._style().view(count, columns, -1),
            self._order(),
        )
        others = self._distractors(puppets)
        rank = torch.argsort(torch.cat([puppets.order, others.order], 1), dim=1, stable=True)

        def ordered(ours: Tensor, theirs: Tensor) -> Tensor:
            value = torch.cat([ours, theirs], 1)
            return value.gather(1, rank[..., None].expand(-1, -1, value.shape[-1]))

        parents, ids = self._tree(rank)
        camera = self._camera()
        return PuppetScenes(
            pose=ordered(puppets.pose, others.pose),
            next_pose=_seen_by(camera, ordered(puppets.next_pose, others.next_pose)),
            shape=ordered(puppets.shape, others.shape),
            style=ordered(puppets.style, others.style),
            parents=parents,
            object_ids=ids,
            camera=camera,
            background=torch.randint(0, self.sampler.num_backgrounds, (count,), generator=g),
            background_map=self._background_map(),
            light=self._light(),
            shadow=self._shadow(),
            lens=self._lens(),
        )

    def _order(self) -> Tensor:
        """Return how near each puppet part is (B, OBJECTS * PARTS): by object, then by layer."""
        layer = 0.01 * self.draw.bone["layer"].view(self.count, OBJECTS, PARTS)
        second_wins = chance((self.count, 1), 0.5, self.g).float()
        near = torch.cat([torch.full_like(second_wins, 0.3), second_wins], 1)
        return (layer + near[..., None]).reshape(self.count, -1)

    def _tree(self, rank: Tensor) -> tuple[Tensor, Tensor]:
        """Return parent and object of each part (B, P), in drawing order."""
        count, columns = self.count, OBJECTS * PARTS
        offset = (torch.arange(count * OBJECTS) % OBJECTS) * PARTS
        parents = torch.where(self.draw.parent < 0, -1, self.draw.parent + offset[:, None])
        alone = torch.full((count, DISTRACTORS), -1)
        parents = torch.cat([parents.view(count, columns), alone], 1)
        place = torch.argsort(rank, dim=1)
        parents = torch.where(parents < 0, -1, place.gather(1, parents.clamp_min(0)))
        ids = torch.cat(
            [torch.arange(columns) // PARTS + 1, OBJECTS + 1 + torch.arange(DISTRACTORS)]
        )
        return parents.gather(1, rank), ids.expand(count, -1).gather(1, rank)

    def _background_map(self) -> Tensor:
        """Return the map from px to normalised background coordinates (B, 2, 3)."""
        g, count = self.g, self.count
        height, width = self.sampler.size_hw
        angle = torch.where(chance((count,), 0.3, g), uniform((count,), -3.1, 3.1, g), 0.0)
        zoom = uniform((count,), 0.35, 0.95, g) * 2 / max(height, width)
        made = torch.zeros(count, 2, 3)
        made[:, 0, 0] = made[:, 1, 1] = torch.cos(angle) * zoom
        made[:, 1, 0] = torch.sin(angle) * zoom
        made[:, 0, 1] = -made[:, 1, 0]
        middle = torch.tensor([width / 2, height / 2])
        made[:, :, 2] = uniform((count, 2), -0.3, 0.3, g) - made[:, :, :2] @ middle
        return made

    def _light(self) -> Tensor:
        """Return a light gradient for some scenes (B, 3)."""
        g, count = self.g, self.count
        lit = chance((count, 1), 0.6, g)
        slope = uniform((count, 2), -0.35, 0.35, g) * lit
        return torch.cat([slope, torch.ones(count, 1)], 1)

    def _shadow(self) -> Tensor:
        """Return shadows for some scenes (B, 3)."""
        g, count = self.g, self.count
        strength = uniform((count, 1), 0.15, 0.6, g) * chance((count, 1), 0.4, g)
        return torch.cat([strength, uniform((count, 2), -0.08, 0.08, g) * self.short], 1)

    def _lens(self) -> Tensor:
        """Return blur, noise and JPEG step (B, 3), each for some scenes."""
        g, count = self.g, self.count
        blur = uniform((count, 1), 0, 1.0, g) * chance((count, 1), 0.5, g)
        noise = uniform((count, 1), 0, 5.0, g) * chance((count, 1), 0.7, g)
        step = torch.exp(uniform((count, 1), 1.5, 3.6, g)) * chance((count, 1), 0.3, g)
        return torch.cat([blur, noise, step], 1)

    def _camera(self) -> Tensor:
        """Return the camera's drift (B, 2, 3): none for most scenes."""
        g, count = self.g, self.count
        drifts = chance((count,), 0.1, g)
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

    def _distractors(self, puppets: _Parts) -> _Parts:
        """Return shapes that are no puppet.

        Many are copies of a puppet's part, in shape and colour, that stand still elsewhere.
        """
        g, count, short = self.g, self.count, self.short
        size = (count, DISTRACTORS)
        height, width = self.sampler.size_hw
        model = torch.randint(0, PARTS, size, generator=g)

        def copied(value: Tensor) -> Tensor:
            return value.gather(1, model[..., None].expand(-1, -1, value.shape[-1])).clone()

        is_copy = chance(size, 0.5, g)
        copy_shape = copied(puppets.shape)
        is_copy = is_copy & (copy_shape[..., 0] >= 0)
        radius = torch.exp(uniform(size, -4.0, -1.8, g)) * short
        own_shape = torch.stack(
            [
                torch.exp(uniform(size, -4.0, -0.7, g)) * short * chance(size, 0.8, g),
                radius,
                radius * uniform(size, 0.4, 1.3, g),
                radius * uniform(size, -0.2, 0.5, g),
                uniform(size, 0, 1, g).round(),
                uniform(size, 0, 0.5, g) * chance(size, 0.3, g),
                uniform(size, 0, 0.2, g) * chance(size, 0.3, g),
                radius * 0.4 * chance(size, 0.08, g),
            ],
            -1,
        )
        new_shape = torch.where(is_copy[..., None], copy_shape, own_shape)
        new_style = copied(puppets.style)
        color = random_color(size, g)
        same_color = (is_copy & chance(size, 0.7, g))[..., None]
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
        way = uniform(size, -3.14, 3.14, g)
        new_pose = torch.stack(
            [
                uniform(size, 0, 1, g) * width,
                uniform(size, 0, 1, g) * height,
                torch.cos(way),
                torch.sin(way),
                torch.full(size, FLAT),
                torch.ones(size),
            ],
            -1,
        )
        travels = chance(size, 0.05, g)[..., None]
        step = torch.randn(*size, 2, generator=g) * 0.03 * short
        next_pose = new_pose.clone()
        next_pose[..., :2] += torch.where(travels, step, 0.0)
        draw = torch.rand(size, generator=g)
        order = torch.where(draw < 0.65, -1.0, torch.where(draw < 0.82, 0.65, 2.0))
        return _Parts(new_pose, next_pose, new_shape, new_style, order + 0.01 * draw)


def _seen_by(camera: Tensor, pose: Tensor) -> Tensor:
    """Return poses (B, P, 6) as a camera shows them that has drifted by (B, 2, 3)."""
    cos, sin = camera[:, 0, 0], camera[:, 1, 0]
    zoom = torch.sqrt(cos * cos + sin * sin)[:, None]
    cos, sin = cos[:, None] / zoom, sin[:, None] / zoom
    xy = torch.einsum("bij,bpj->bpi", camera[:, :, :2], pose[..., :2]) + camera[:, None, :, 2]
    return torch.stack(
        [
            xy[..., 0],
            xy[..., 1],
            cos * pose[..., 2] - sin * pose[..., 3],
            sin * pose[..., 2] + cos * pose[..., 3],
            pose[..., 4],
            pose[..., 5] * zoom,
        ],
        -1,
    )


def random_color(shape: tuple[int, ...], g: torch.Generator) -> Tensor:
    """Return colours (*shape, 3) 0..255, from grey to saturated, from dark to light."""
    value = uniform((*shape, 1), 25, 250, g)
    tint = torch.rand(*shape, 3, generator=g) ** 0.7
    saturation = torch.rand(*shape, 1, generator=g) ** 1.3
    return value * (1 - saturation + saturation * tint)
