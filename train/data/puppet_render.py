"""Draws puppet scenes: pictures, exact forward flow and labels, on CPU or GPU.

Parts are evaluated on the small tiles of the picture that they can touch, never on the whole
picture; the nearest part at each pixel wins by an integer maximum. Edges are smoothed over one
pixel against the part or background below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from train.data.puppet_scene import PuppetScenes, bend_forward, bend_inverse
from train.data.puppet_textures import TEXTURE_SIDE

_TILE: Final = 8
_MASK: Final = TEXTURE_SIDE - 1


@dataclass(frozen=True, slots=True)
class _Cover:
    """The pixels of a picture that parts cover, one row per pixel.

    Attributes:
        pixel: (M,) int64, number of the pixel in the batch, row by row.
        part: (M,) int64, number of the part in the batch.
        s, v: (M,) the part's own coordinates, px.
        depth: (M,) px inside the outline, negative outside (down to -0.5).
        radius: (M,) px from the part's axis to its outline there.
    """

    pixel: Tensor
    part: Tensor
    s: Tensor
    v: Tensor
    depth: Tensor
    radius: Tensor

    def pick(self, chosen: Tensor) -> _Cover:
        """Return some of the rows."""
        return _Cover(
            self.pixel[chosen],
            self.part[chosen],
            self.s[chosen],
            self.v[chosen],
            self.depth[chosen],
            self.radius[chosen],
        )

    def alpha(self) -> Tensor:
        """Return how much of each pixel is covered, 0..1."""
        return (self.depth + 0.5).clamp(0, 1)


def _to_part(pose: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the parts' own coordinates of picture points; ``pose`` (..., 6) broadcasts."""
    px, py, cos, sin, curvature, scale = pose.unbind(-1)
    dx, dy = (x - px) / scale, (y - py) / scale
    return bend_inverse(cos * dx + sin * dy, cos * dy - sin * dx, curvature)


def _to_picture(pose: Tensor, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return the picture points of the parts' own coordinates."""
    px, py, cos, sin, curvature, scale = pose.unbind(-1)
    x, y = bend_forward(s, v, curvature)
    return px + scale * (cos * x - sin * y), py + scale * (sin * x + cos * y)


def _outline(shape: Tensor, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return (px inside the outline, px from axis to outline) at the parts' own coordinates."""
    length, start, end, bulge, box, lobes, ripple, hollow = shape.unbind(-1)
    t = (s / length.clamp_min(1e-3)).clamp(0, 1) * (length > 1e-3)
    ds = s - t * length
    across = v.abs()
    distance = torch.sqrt(ds * ds + v * v)
    radius = start + (end - start) * t + 4 * bulge * t * (1 - t)
    cos = ds / distance.clamp_min(1e-3)
    around = cos * (4 * cos * cos - 3)
    radius = radius * (1 + lobes * around * 0.5 + ripple * torch.sin(12.6 * t + 3 * around))
    radius = radius.clamp_min(0.7)
    square = torch.maximum((s - 0.5 * length).abs() - 0.5 * length - 0.3 * radius, across - radius)
    outside = distance - radius
    outside = outside + box * (square - outside)
    outside = torch.where(hollow > 0, (outside + 0.5 * hollow).abs() - 0.5 * hollow, outside)
    return -outside, radius


class PuppetRenderer:
    """Draws scenes with a fixed stock of textures and backgrounds.

    Args:
        size_hw: Height and width, px.
        textures: (T, S, S) float32 in 0..1.
        backgrounds: (K, 3, h, w) uint8.
        device: Where to draw.
        chunk: Frames drawn at once; few keep a CPU's cache warm, many keep a GPU busy.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        *,
        textures: Tensor,
        backgrounds: Tensor,
        device: torch.device,
        chunk: int,
    ) -> None:
        self.size_hw = size_hw
        self.device = device
        self.chunk = chunk
        self._textures = textures.to(device).reshape(-1)
        self._backgrounds = backgrounds.to(device)
        height, width = size_hw
        self._tiles_y = torch.arange(-(-height // _TILE), device=device) * _TILE
        self._tiles_x = torch.arange(-(-width // _TILE), device=device) * _TILE
        self._grid_y = torch.arange(height, dtype=torch.float32, device=device)[:, None]
        self._grid_x = torch.arange(width, dtype=torch.float32, device=device)[None, :]
        offsets = torch.arange(_TILE, device=device)
        self._offset_y = offsets.repeat_interleave(_TILE)
        self._offset_x = offsets.repeat(_TILE)

    def draw(self, scenes: PuppetScenes, *, is_next: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures (B, 3, H, W), flow (B, 2, H, W) px and part numbers (B, H, W).

        Part numbers are those of the scene plus 1; 0 is background. The flow is forward from the
        frame that is drawn, and only drawn for the first one.
        """
        count = len(scenes.pose)
        pieces = [
            self._draw_chunk(_rows(scenes, start, min(start + self.chunk, count)), is_next=is_next)
            for start in range(0, count, self.chunk)
        ]
        image, flow, labels = (torch.cat(list(piece)) for piece in zip(*pieces, strict=True))
        return image, flow, labels

    def _draw_chunk(self, scenes: PuppetScenes, *, is_next: bool) -> tuple[Tensor, Tensor, Tensor]:
        count, parts, _ = scenes.pose.shape
        height, width = self.size_hw
        pose = (scenes.next_pose if is_next else scenes.pose).reshape(count * parts, -1)
        shape = scenes.shape.reshape(count * parts, -1)
        style = scenes.style.reshape(count * parts, -1)
        top, below = self._covers(pose, shape, count, parts)
        image = self._background(scenes, top, is_next=is_next).permute(0, 2, 3, 1).reshape(-1, 3)
        labels = torch.zeros(count * height * width, dtype=torch.int64, device=self.device)
        moved = self._still_flow(scenes).reshape(-1, 2) if not is_next else None
        target = scenes.next_pose.reshape(count * parts, -1)
        for cover in (below, top):
            alpha = cover.alpha()
            color = self._colors(cover, style[cover.part])
            under = image[cover.pixel]
            image[cover.pixel] = under + (color - under) * alpha[:, None]
            solid = alpha >= 0.5
            solid_pixel, solid_part = cover.pixel[solid], cover.part[solid]
            labels[solid_pixel] = solid_part % parts + 1
            if moved is not None:
                x, y = _to_picture(target[solid_part], cover.s[solid], cover.v[solid])
                column = (solid_pixel % width).float()
                row = (solid_pixel // width % height).float()
                moved[solid_pixel] = torch.stack([x - column, y - row], -1)
        picture = image.view(count, height, width, 3).permute(0, 3, 1, 2)
        picture = self._light(scenes, picture)
        if moved is None:
            flow = picture.new_zeros(count, 2, 1, 1)
        else:
            flow = moved.view(count, height, width, 2).permute(0, 3, 1, 2).contiguous()
        return picture, flow, labels.view(count, height, width)

    def _still_flow(self, scenes: PuppetScenes) -> Tensor:
        """Return the flow of what stands still (B, H, W, 2), px: the camera's drift."""
        x, y = self._grid_x, self._grid_y
        a = scenes.camera[:, :, :, None, None]
        flow_x = a[:, 0, 0] * x + a[:, 0, 1] * y + a[:, 0, 2] - x
        flow_y = a[:, 1, 0] * x + a[:, 1, 1] * y + a[:, 1, 2] - y
        return torch.stack([flow_x, flow_y], -1)

    def _candidates(self, pose: Tensor, shape: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (part, tile top, tile left) of every tile that a part may touch."""
        length = shape[:, :1].clamp_min(0)
        at = torch.linspace(0, 1, 5, device=self.device)
        x, y = _to_picture(pose[:, None], length * at, torch.zeros_like(length * at))
        wide = torch.maximum(shape[:, 1], shape[:, 2]) + shape[:, 3].clamp_min(0)
        wide = wide * (1 + 0.5 * shape[:, 5] + shape[:, 6]) * 1.06 * pose[:, 5] + 1.5
        low_x, high_x = x.amin(1) - wide - _TILE, x.amax(1) + wide
        low_y, high_y = y.amin(1) - wide - _TILE, y.amax(1) + wide
        present = shape[:, 0] >= 0
        in_x = (self._tiles_x >= low_x[:, None]) & (self._tiles_x <= high_x[:, None])
        in_y = (self._tiles_y >= low_y[:, None]) & (self._tiles_y <= high_y[:, None])
        in_y = in_y & present[:, None]
        part, row, column = torch.nonzero(in_y[:, :, None] & in_x[:, None, :], as_tuple=True)
        top, left = self._tiles_y[row], self._tiles_x[column]
        # Distance from the tile's middle to the axis, drawn as four straight pieces.
        middle_x = (left + 0.5 * (_TILE - 1))[:, None]
        middle_y = (top + 0.5 * (_TILE - 1))[:, None]
        ax, ay = x[:, :-1], y[:, :-1]
        bx, by = x[:, 1:] - ax, y[:, 1:] - ay
        span = (bx * bx + by * by).clamp_min(1e-6)
        dx, dy = middle_x - ax[part], middle_y - ay[part]
        bx, by = bx[part], by[part]
        t = ((dx * bx + dy * by) / span[part]).clamp(0, 1)
        nearest = ((dx - t * bx) ** 2 + (dy - t * by) ** 2).amin(1)
        sag = 0.03 * length[:, 0] * (pose[:, 4].abs() * length[:, 0]).clamp(max=2.0)
        keep = nearest <= (wide + sag + 0.7072 * _TILE)[part] ** 2
        return part[keep], top[keep], left[keep]

    def _covers(self, pose: Tensor, shape: Tensor, count: int, parts: int) -> tuple[_Cover, _Cover]:
        """Return the nearest parts, and those right below where the nearest cover in part."""
        height, width = self.size_hw
        part, top, left = self._candidates(pose, shape)
        row = top[:, None] + self._offset_y
        column = left[:, None] + self._offset_x
        s, v = _to_part(pose[part][:, None], column.float(), row.float())
        depth, radius = _outline(shape[part][:, None], s, v)
        inside = (depth > -0.5) & (row < height) & (column < width)
        where = torch.nonzero(inside.reshape(-1))[:, 0]
        pixel = (part // parts)[:, None] * (height * width) + row * width + column
        cover = _Cover(
            pixel.reshape(-1)[where],
            part[where // (_TILE * _TILE)],
            s.reshape(-1)[where],
            v.reshape(-1)[where],
            depth.reshape(-1)[where],
            radius.reshape(-1)[where],
        )
        nearest = torch.full((count * height * width,), -1, dtype=torch.int64, device=self.device)
        nearest.scatter_reduce_(0, cover.pixel, cover.part, "amax")
        is_top = nearest[cover.pixel] == cover.part
        first = cover.pick(torch.nonzero(is_top)[:, 0])
        is_edge = torch.zeros(len(nearest), dtype=torch.bool, device=self.device)
        is_edge[first.pixel[first.depth < 0.5]] = True
        rest = cover.pick(torch.nonzero(~is_top & is_edge[cover.pixel])[:, 0])
        nearest.fill_(-1)
        nearest.scatter_reduce_(0, rest.pixel, rest.part, "amax")
        second = rest.pick(torch.nonzero(nearest[rest.pixel] == rest.part)[:, 0])
        return first, second

    def _colors(self, cover: _Cover, style: Tensor) -> Tensor:
        """Return the colour of each covered pixel (M, 3), 0..255."""
        texture = style[:, 6].long() * (TEXTURE_SIDE * TEXTURE_SIDE)
        scale = style[:, 7]
        u, w = cover.s * scale + style[:, 8], cover.v * scale + style[:, 9]
        left, top = torch.floor(u), torch.floor(w)
        right_part, down_part = u - left, w - top
        column, row = left.long(), top.long()
        first, next_column = column & _MASK, (column + 1) & _MASK
        base = texture + (row & _MASK) * TEXTURE_SIDE
        under = texture + ((row + 1) & _MASK) * TEXTURE_SIDE
        values = self._textures
        upper = values[base + first]
        upper = upper + (values[base + next_column] - upper) * right_part
        lower = values[under + first]
        lower = lower + (values[under + next_column] - lower) * right_part
        pattern = upper + (lower - upper) * down_part
        color = style[:, :3] + (style[:, 3:6] - style[:, :3]) * pattern[:, None]
        # Round shading: across the part, and darker towards the outline.
        across = (cover.v / cover.radius).clamp(-1, 1)
        rim = 1 - (cover.depth / cover.radius).clamp(0, 1)
        light = 1 + style[:, 10] * (0.5 * across * torch.sin(style[:, 11]) - 0.45 * rim * rim)
        line = (style[:, 12] - cover.depth + 0.5).clamp(0, 1) * (style[:, 12] > 0)
        return (color * (light * (1 - 0.85 * line))[:, None]).clamp(0, 255)

    def _background(self, scenes: PuppetScenes, top: _Cover, *, is_next: bool) -> Tensor:
        """Return the backgrounds (B, 3, H, W) with the puppets' shadow on them."""
        height, width = self.size_hw
        x, y = self._grid_x, self._grid_y
        matrix = scenes.background_map
        if is_next:  # second-frame px -> first-frame px -> picture
            camera = scenes.camera
            inverse = torch.linalg.inv(camera[:, :, :2])
            shift = -(inverse @ camera[:, :, 2:])
            matrix = torch.cat(
                [matrix[:, :, :2] @ inverse, matrix[:, :, :2] @ shift + matrix[:, :, 2:]], -1
            )
        a = matrix[:, :, :, None, None]
        grid = torch.stack([a[:, i, 0] * x + a[:, i, 1] * y + a[:, i, 2] for i in range(2)], dim=-1)
        pictures = self._backgrounds[scenes.background].float()
        image = grid_sample(
            pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
        if not bool((scenes.shadow[:, 0] > 0).any()):
            return image
        count = len(scenes.pose)
        cover = torch.zeros(count * height * width, device=self.device)
        is_puppet = (scenes.object_ids <= 2).reshape(-1)[top.part]
        cover[top.pixel] = top.alpha() * is_puppet
        small = avg_pool2d(cover.view(count, 1, height, width), 4, ceil_mode=True)
        theta = torch.zeros(count, 2, 3, device=self.device)
        theta[:, 0, 0] = theta[:, 1, 1] = 1
        theta[:, 0, 2] = scenes.shadow[:, 1] * (2 / width)
        theta[:, 1, 2] = scenes.shadow[:, 2] * (2 / height)
        moved = grid_sample(
            avg_pool2d(small, 3, 1, 1),
            affine_grid(theta, list(small.shape), align_corners=False),
            align_corners=False,
        )
        dark = interpolate(moved, size=(height, width), mode="bilinear", align_corners=False)
        return image * (1 - dark * scenes.shadow[:, 0, None, None, None])

    def _light(self, scenes: PuppetScenes, image: Tensor) -> Tensor:
        """Return the pictures under the scene's light, which stays where it is."""
        height, width = self.size_hw
        light = scenes.light[:, :, None, None]
        ramp = light[:, 0] * (self._grid_x / width - 0.5)
        ramp = ramp + light[:, 1] * (self._grid_y / height - 0.5) + light[:, 2]
        return image * ramp[:, None]


def _rows(scenes: PuppetScenes, start: int, stop: int) -> PuppetScenes:
    return PuppetScenes(
        **{name: getattr(scenes, name)[start:stop] for name in scenes.__dataclass_fields__}
    )
