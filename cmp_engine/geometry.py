"""The picture's way to the network and back: resize and pad of image, points and flow.

The network wants a short side near the one that it was trained with, and sides that are multiples
of 32. `ImageGeometry` fixes both for one picture size; everything that crosses between the
picture and the network goes through it, so that there is one place for half pixels.

Coordinates are px with pixel centres at integers, in both frames. A picture of width W covers
[-0.5, W - 0.5], and resizing maps that interval onto the other one:
``x_network = (x + 0.5) * scale - 0.5``. Padding is added on the right and below, so it moves no
coordinate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmp_engine.errors import ConfigError, FlowError, ImageError
from cmp_engine.image_io import MAX_PIXELS, MIN_SIDE

SIDE_MULTIPLE: Final = 32
"""The network's sides are multiples of this, px."""

MAX_ASPECT: Final = 4.0
"""Longest side of the network grid, in units of its short side.

A picture beyond this aspect gets a shorter short side instead, so that a strip of 16 x 4000 px
costs no more than any other picture.
"""

IMAGE_MEAN: Final = (123.675, 116.28, 103.53)
"""Mean of R, G, B that the networks expect to be subtracted, 0..255."""

IMAGE_STD: Final = (58.395, 57.12, 57.375)
"""Standard deviation of R, G, B that the networks expect to be divided by, 0..255."""


@dataclass(frozen=True, slots=True)
class ImageGeometry:
    """How a picture of one size is resized and padded for the network, and the inverse.

    Make one with `fit`.

    Attributes:
        image_hw: The picture, px.
        resized_hw: The picture on the network grid, before padding, px.
        network_hw: The network grid, px; multiples of 32.
    """

    image_hw: tuple[int, int]
    resized_hw: tuple[int, int]
    network_hw: tuple[int, int]

    @classmethod
    def fit(cls, image_hw: tuple[int, int], *, short_side: int = 384) -> ImageGeometry:
        """Return the geometry for a picture size.

        A picture whose short side is ``short_side`` already, and whose sides are multiples of 32,
        reaches the network untouched.

        Args:
            image_hw: Height and width of the picture, px.
            short_side: Short side of the resized picture, px; at least 32. Pictures longer than
                `MAX_ASPECT` times their short side get less.

        Raises:
            ConfigError: ``short_side`` is below 32.
            ImageError: The picture is too small or too large.
        """
        height, width = image_hw
        if short_side < SIDE_MULTIPLE:
            raise ConfigError(
                "The short side of the network grid must be at least {side_multiple} px, got "
                "{short_side}.",
                side_multiple=SIDE_MULTIPLE,
                short_side=short_side,
            )
        check_image_size(height, width)
        scale = min(
            short_side / min(height, width),
            MAX_ASPECT * short_side / max(height, width),
        )
        resized = (max(1, round(height * scale)), max(1, round(width * scale)))
        padded = (_round_up(resized[0]), _round_up(resized[1]))
        return cls(image_hw=(height, width), resized_hw=resized, network_hw=padded)

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Px of the network grid per px of the picture, along x and y."""
        return (
            self.resized_hw[1] / self.image_hw[1],
            self.resized_hw[0] / self.image_hw[0],
        )

    def image_to_network(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture on the network grid.

        Area interpolation when it shrinks, cubic when it grows. The padding mirrors the picture,
        or repeats its last line where the picture is thinner than the padding.

        Args:
            image: (H, W, 3) uint8 RGB of the size ``image_hw``.

        Returns:
            (h, w, 3) uint8 RGB of the size ``network_hw``.

        Raises:
            ImageError: Another size than ``image_hw``.
        """
        if image.shape[:2] != self.image_hw:
            raise ImageError(
                "Expected a picture of {expected}, got {size}.",
                expected=_size(self.image_hw),
                size=_size((image.shape[0], image.shape[1])),
            )
        resized = resize_image(image, self.resized_hw)
        bottom = self.network_hw[0] - self.resized_hw[0]
        right = self.network_hw[1] - self.resized_hw[1]
        if not bottom and not right:
            return resized
        mirrors = bottom < self.resized_hw[0] and right < self.resized_hw[1]
        border = cv2.BORDER_REFLECT_101 if mirrors else cv2.BORDER_REPLICATE
        return np.asarray(cv2.copyMakeBorder(resized, 0, bottom, 0, right, border), np.uint8)

    def points_to_network(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, 2) x, y px of the picture as x, y px of the network grid."""
        scale = np.array(self.scale_xy)
        return np.asarray((points + 0.5) * scale - 0.5, np.float32)

    def points_to_image(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, 2) x, y px of the network grid as x, y px of the picture."""
        scale = np.array(self.scale_xy)
        return np.asarray((points + 0.5) / scale - 0.5, np.float32)

    def vectors_to_network(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (..., 2) displacements dx, dy in px of the picture as px of the network grid."""
        return np.asarray(vectors * np.array(self.scale_xy), np.float32)

    def vectors_to_image(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (..., 2) displacements dx, dy in px of the network grid as px of the picture."""
        return np.asarray(vectors / np.array(self.scale_xy), np.float32)

    def flow_to_network(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a flow of the picture on the network grid; the padding repeats the last line.

        Args:
            flow: (H, W, 2) float32 of the size ``image_hw``, px of the picture.

        Returns:
            (h, w, 2) float32 of the size ``network_hw``, px of the network grid.

        Raises:
            FlowError: Another size than ``image_hw``.
        """
        _check_flow_size(flow, self.image_hw)
        resized = resize_flow(flow, self.resized_hw)
        bottom = self.network_hw[0] - self.resized_hw[0]
        right = self.network_hw[1] - self.resized_hw[1]
        padded = cv2.copyMakeBorder(resized, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        return np.asarray(padded, np.float32)

    def flow_to_image(
        self, flow: NDArray[np.float32], *, size_hw: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Return a flow of the network grid on the picture, padding cropped, bilinear.

        Args:
            flow: (h, w, 2) float32 of the size ``network_hw``, px of the network grid.
            size_hw: Another grid of the same picture to answer on; default ``image_hw``.

        Returns:
            (H, W, 2) float32 of the size ``size_hw``, px of that grid.

        Raises:
            FlowError: Another size than ``network_hw``.
        """
        _check_flow_size(flow, self.network_hw)
        cropped = flow[: self.resized_hw[0], : self.resized_hw[1]]
        return resize_flow(cropped, size_hw or self.image_hw)


def check_image_size(height: int, width: int) -> None:
    """Check that a picture has a size that the engine takes.

    Raises:
        ImageError: A side below 16 px, or more than 100 megapixels.
    """
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            "A picture needs at least {min_side} px on each side, got {size}; take a larger one.",
            min_side=MIN_SIDE,
            size=_size((height, width)),
        )
    if height * width > MAX_PIXELS:
        raise ImageError(
            "A picture may have {most} megapixels at most, got {megapixels} ({size}); make it "
            "smaller.",
            most=MAX_PIXELS // 1_000_000,
            megapixels=math.ceil(height * width / 1e6),
            size=_size((height, width)),
        )


def check_image(image: NDArray[np.uint8]) -> None:
    """Check that an array is a picture that the engine takes.

    Raises:
        ImageError: Not (H, W, 3) uint8, too small or too large.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(
            "Expected a picture as a numpy array (H, W, 3) of uint8, got {name}; "
            "cmp_engine.image_io.read_image reads files.",
            name=type(image).__name__,
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            "Expected a picture of shape (H, W, 3) in RGB, got shape {shape}; convert it to three "
            "channels first.",
            shape=image.shape,
        )
    if image.dtype != np.uint8:
        raise ImageError(
            "Expected a picture of uint8 in 0..255, got {dtype}; convert it.", dtype=image.dtype
        )
    check_image_size(image.shape[0], image.shape[1])


def normalize_images(images: Tensor) -> Tensor:
    """Return images as the networks want them.

    Args:
        images: (B, 3, H, W) RGB in 0..255, uint8 or float.

    Returns:
        (B, 3, H, W) float32, mean subtracted and divided by the standard deviation.

    Source: the published models' input (DESIGN 3).
    """
    mean = torch.tensor(IMAGE_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD, device=images.device).view(1, 3, 1, 1)
    return (images.float() - mean) / std


def resize_image(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture resized: area interpolation when it shrinks, cubic when it grows.

    The same size gives the same array, not a copy.
    """
    if image.shape[:2] == size_hw:
        return image
    shrinks = size_hw[0] * size_hw[1] < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_hw[1], size_hw[0]), interpolation=method), np.uint8)


def resize_flow(flow: NDArray[np.float32], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Return a flow on another grid of the same picture, its values in px of that grid.

    Area interpolation when it shrinks, bilinear when it grows; both with pixel centres at
    integers and the picture's outer border kept in place. The same size gives the same array.

    Args:
        flow: (H, W, 2) float32, px of its own grid.
        size_hw: The other grid.

    Returns:
        (h, w, 2) float32, px of the other grid.
    """
    height, width = flow.shape[:2]
    if (height, width) == size_hw:
        return flow
    shrinks = size_hw[0] * size_hw[1] < height * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = np.asarray(
        cv2.resize(flow, (size_hw[1], size_hw[0]), interpolation=method), np.float32
    )
    resized *= np.array([size_hw[1] / width, size_hw[0] / height], np.float32)
    return resized


def _check_flow_size(flow: NDArray[np.float32], size_hw: tuple[int, int]) -> None:
    if flow.ndim != 3 or flow.shape != (*size_hw, 2):
        raise FlowError(
            "Expected a flow of shape {expected}, got {shape}.",
            expected=(*size_hw, 2),
            shape=flow.shape,
        )


def _round_up(side: int) -> int:
    return -(-side // SIDE_MULTIPLE) * SIDE_MULTIPLE


def _size(size_hw: tuple[int, int]) -> str:
    return f"{size_hw[1]} x {size_hw[0]} px"
