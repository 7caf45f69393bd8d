"""Synthetic puppets with exact flow: an endless, seeded source of training and test scenes.

Articulated creatures, machines, props and soft bodies on cluttered backgrounds. Limbs turn about
their joints and take along what hangs on them. All is known exactly: the forward flow of what is
visible, the parts, their tree, their joints, and the next frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, pad

from train.data.puppet_render import PuppetRenderer
from train.data.puppet_sampler import SceneSampler
from train.data.puppet_scene import PuppetScenes
from train.data.puppet_textures import make_backgrounds, make_textures, textures_from


@dataclass(frozen=True, slots=True)
class PuppetBatch:
    """A batch of puppet scenes. Part 0 is the background everywhere; P counts it.

    Attributes:
        image: (B, 3, H, W) float32 RGB 0..255.
        flow: (B, 2, H, W) float32 exact forward flow of what is visible, px.
        labels: (B, H, W) int64 part shown at each pixel.
        object_ids: (B, H, W) int64 object shown at each pixel; a still shape is an object, too.
        parents: (B, P) int64 part of which each part hangs; 0 for none.
        joints: (B, P, 2) float32 px, about which each part turns; x, y in the first frame.
        part_motion: (B, P, 2, 3) float32 affine from first-frame to second-frame px. Exact for
            parts that keep their bend, else the motion at the joint.
        is_soft: (B, P) bool, parts that change their bend between the frames.
        next_image: (B, 3, H, W), or (B, 3, 0, 0) when not asked for.
        valid: (B, H, W) bool where the flow counts; all, for puppets.
        visible: (B, H, W) bool where the target is inside the next frame and shows the same part
            there; all False when the next image was not asked for.
    """

    image: Tensor
    flow: Tensor
    labels: Tensor
    object_ids: Tensor
    parents: Tensor
    joints: Tensor
    part_motion: Tensor
    is_soft: Tensor
    next_image: Tensor
    valid: Tensor
    visible: Tensor


class PuppetGenerator:
    """Makes batches of puppet scenes.

    Args:
        size: Side of the pictures, or height and width, px.
        seed: Seed of everything.
        device: Where to draw; scenes themselves are drawn up on the CPU.
        with_next: Whether to draw the next frame, too (half of the time).
        is_clean: Whether to leave out sensor noise, blur and JPEG blocks.
        backgrounds: Pictures (K, 3, h, w) uint8, at least 64 px a side, to use besides the
            procedural ones, as backgrounds and as patterns on puppets.
        max_shift: Longest displacement within a puppet, px at a short side of 256.
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        seed: int = 0,
        device: torch.device | str = "cpu",
        *,
        with_next: bool = True,
        is_clean: bool = False,
        backgrounds: Tensor | None = None,
        max_shift: float = 40.0,
    ) -> None:
        self.size_hw = (size, size) if isinstance(size, int) else size
        self.device = torch.device(device)
        self.with_next = with_next
        self.is_clean = is_clean
        textures, pictures = _stock(seed)
        if backgrounds is not None:
            generator = torch.Generator().manual_seed(seed)
            pictures = _joined(pictures, backgrounds)
            textures = torch.cat([textures, textures_from(backgrounds, 80, generator)])
        self._sampler = SceneSampler(
            self.size_hw,
            seed=seed,
            textures=len(textures),
            backgrounds=len(pictures),
            max_shift=max_shift,
        )
        self._renderer = PuppetRenderer(
            self.size_hw,
            textures=textures,
            backgrounds=pictures,
            device=self.device,
            chunk=4 if self.device.type == "cpu" else 256,
        )
        self._dct = _dct_kernels().to(self.device)

    @torch.no_grad()
    def batch(self, n: int, step: int) -> PuppetBatch:
        """Return ``n`` scenes. The same generator arguments and step give the same batch."""
        scenes = self._sampler.sample(n, step).to(self.device)
        image, flow, labels = self._renderer.draw(scenes)
        visible = torch.zeros_like(labels, dtype=torch.bool)
        next_image = image.new_zeros(n, 3, 0, 0)
        if self.with_next:
            next_image, _, next_labels = self._renderer.draw(scenes, is_next=True)
            visible = _visible(flow, labels, next_labels)
            next_image = self._photograph(next_image, scenes, step * 2 + 1)
        image = self._photograph(image, scenes, step * 2)
        ids = torch.cat([torch.zeros_like(scenes.object_ids[:, :1]), scenes.object_ids], 1)
        parents = torch.cat([torch.zeros_like(ids[:, :1]), scenes.parents + 1], 1)
        motion = _part_motion(scenes.pose, scenes.next_pose)
        motion = torch.cat([scenes.camera[:, None], motion], 1)
        bends = (scenes.next_pose[..., 4] - scenes.pose[..., 4]).abs() > 1e-5
        return PuppetBatch(
            image=image,
            flow=flow,
            labels=labels,
            object_ids=ids.gather(1, labels.view(n, -1)).view_as(labels),
            parents=parents,
            joints=torch.cat([torch.zeros_like(motion[:, :1, :, 0]), scenes.pose[..., :2]], 1),
            part_motion=motion,
            is_soft=torch.cat([torch.zeros_like(bends[:, :1]), bends], 1),
            next_image=next_image,
            valid=torch.ones_like(labels, dtype=torch.bool),
            visible=visible,
        )

    def _photograph(self, image: Tensor, scenes: PuppetScenes, salt: int) -> Tensor:
        """Return the pictures as a camera would store them: blurred, noisy, in blocks."""
        if self.is_clean:
            return image.clamp(0, 255)
        lens = scenes.lens[:, :, None, None]
        soft = avg_pool2d(pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
        image = image + (soft - image) * lens[:, 0:1]
        generator = torch.Generator(device=self.device).manual_seed(salt)
        noise = torch.randn(image.shape, generator=generator, device=self.device)
        image = image + noise * lens[:, 1:2]
        rows = torch.nonzero(scenes.lens[:, 2] > 0)[:, 0]
        if len(rows):
            image = image.clone()
            image[rows] = self._blocks(image[rows], scenes.lens[rows, 2])
        return image.clamp(0, 255)

    def _blocks(self, image: Tensor, step: Tensor) -> Tensor:
        """Return the pictures after JPEG-like rounding of their 8 x 8 block spectra."""
        count, _, height, width = image.shape
        extra = (-width % 8, -height % 8)
        padded = pad(image, (0, extra[0], 0, extra[1]), mode="replicate")
        flat = padded.reshape(count * 3, 1, *padded.shape[-2:])
        spectrum = conv2d(flat, self._dct, stride=8)
        order = torch.arange(64, device=image.device)
        slope = 1 + 0.35 * (order // 8 + order % 8)
        width_of = step.repeat_interleave(3)[:, None, None, None] * slope[None, :, None, None]
        width_of = width_of * 0.5
        spectrum = torch.round(spectrum / width_of) * width_of
        back = conv_transpose2d(spectrum, self._dct, stride=8).reshape(padded.shape)
        return back[:, :, :height, :width]


@lru_cache(maxsize=4)
def _stock(seed: int) -> tuple[Tensor, Tensor]:
    """Return the textures and backgrounds of a seed; making them takes a second or two."""
    return make_textures(160, torch.Generator().manual_seed(seed)), make_backgrounds(72, 256, seed)


def _joined(made: Tensor, given: Tensor) -> Tensor:
    side = made.shape[-1]
    resized = torch.nn.functional.interpolate(
        given.float(), size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    return torch.cat([made, resized.clamp(0, 255).byte()])


def _dct_kernels() -> Tensor:
    """Return the orthonormal 8 x 8 cosine transform as convolution kernels (64, 1, 8, 8)."""
    k = np.arange(8)
    basis = np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16) * np.sqrt(2 / 8)
    basis[0] /= np.sqrt(2)
    kernels = np.einsum("ux,vy->uvxy", basis, basis).reshape(64, 1, 8, 8)
    return torch.from_numpy(kernels.astype(np.float32))


def _part_motion(pose: Tensor, next_pose: Tensor) -> Tensor:
    """Return the affine motion of each part (B, P, 2, 3), px of frame 1 to px of frame 2."""
    cos = next_pose[..., 2] * pose[..., 2] + next_pose[..., 3] * pose[..., 3]
    sin = next_pose[..., 3] * pose[..., 2] - next_pose[..., 2] * pose[..., 3]
    size = next_pose[..., 5] / pose[..., 5]
    cos, sin = cos * size, sin * size
    x, y = pose[..., 0], pose[..., 1]
    first = torch.stack([cos, -sin, next_pose[..., 0] - cos * x + sin * y], -1)
    second = torch.stack([sin, cos, next_pose[..., 1] - sin * x - cos * y], -1)
    return torch.stack([first, second], -2)


def _visible(flow: Tensor, labels: Tensor, next_labels: Tensor) -> Tensor:
    """Return where the flow's target shows the same part in the next frame (B, H, W)."""
    count, height, width = labels.shape
    x = flow[:, 0] + torch.arange(width, device=flow.device)
    y = flow[:, 1] + torch.arange(height, device=flow.device)[:, None]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    flat = next_labels.view(count, -1)
    same = inside
    for row in (torch.floor(y), torch.ceil(y)):
        for column in (torch.floor(x), torch.ceil(x)):
            index = row.clamp(0, height - 1).long() * width + column.clamp(0, width - 1).long()
            same = same & (flat.gather(1, index.view(count, -1)).view_as(labels) == labels)
    return same
