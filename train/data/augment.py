"""Augmentation of training pairs: what changes the geometry, and what changes the looks.

Geometry changes picture, flow and trust together, in one resample; looks change the picture alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.flow_estimation import Flow, Image
from train.data.shards import Pair

_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of a picture, and how it is laid on the output.

    Attributes:
        left: Left border, px of the picture; the middle of the first pixel is 0.
        top: Upper border.
        side: Side of the square, px of the picture.
        is_mirrored: Whether left and right are swapped.
    """

    left: float
    top: float
    side: float
    is_mirrored: bool = False

    def matrix(self, size: int) -> NDArray[np.float64]:
        """Return the affine map (2, 3) from output px to picture px."""
        scale = self.side / size
        if self.is_mirrored:
            return np.array(
                [
                    [-scale, 0, self.left + self.side - 0.5 - 0.5 * scale],
                    [0, scale, self.top - 0.5 + 0.5 * scale],
                ]
            )
        offset = 0.5 * scale - 0.5
        return np.array([[scale, 0, self.left + offset], [0, scale, self.top + offset]])


def crop_pair(pair: Pair, crop: Crop, size: int) -> tuple[Image, Flow, NDArray[np.bool_]]:
    """Return picture (S, S, 3), flow (S, S, 2) px of the output, and trust (S, S) of a crop."""
    matrix = crop.matrix(size)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    image = pair.image
    shrink = crop.side / size
    if shrink > 1.5:  # INTER_LINEAR would skip pixels
        image = np.asarray(cv2.blur(image, (round(shrink), round(shrink))), np.uint8)
    picture = cv2.warpAffine(
        image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    grid = matrix / pair.stride
    flow = cv2.warpAffine(
        pair.flow, grid, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    trust = cv2.warpAffine(
        pair.valid.astype(np.float32),
        grid,
        (size, size),
        flags=flags,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    )
    scale = np.float32(size / crop.side)
    sign = np.array([-scale if crop.is_mirrored else scale, scale], np.float32)
    return np.asarray(picture, np.uint8), np.asarray(flow * sign, np.float32), trust > 0.99


def choose_crop(pair: Pair, size: int, rng: np.random.Generator) -> Crop:
    """Return a random square, by preference one with motion in it, sometimes mirrored.

    Its side is between 55 % and 100 % of the picture's short side, or less where the picture
    would be enlarged by more than 1.6.
    """
    height, width = pair.image.shape[:2]
    short = min(height, width)
    low = min(max(0.55 * short, size / 1.6), short)
    side = float(rng.uniform(low, short))
    places = rng.random((3, 2)) * (width - side, height - side)
    moves = (np.abs(pair.flow).max(-1) > 0.7) & pair.valid
    table = cv2.integral(moves.astype(np.uint8))
    best, most = 0, -1
    for index, (left, top) in enumerate(places):
        x0, y0 = int(left / pair.stride), int(top / pair.stride)
        x1 = min(int((left + side) / pair.stride), moves.shape[1])
        y1 = min(int((top + side) / pair.stride), moves.shape[0])
        found = int(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0])
        if found > most:
            best, most = index, found
    if rng.random() < 0.25:
        best = 0
    left, top = places[best]
    return Crop(float(left), float(top), side, bool(rng.random() < 0.5))


def change_looks(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture in other light: colour, contrast, blur, JPEG and noise, each at times."""
    if rng.random() < 0.08:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.6))), np.uint8)
    if rng.random() < 0.12:
        image = as_jpeg(image, int(rng.integers(25, 85)))
    if rng.random() < 0.8:
        image = change_colors(image, rng)
    if rng.random() < 0.15:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(1, 9)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def change_colors(image: Image, rng: np.random.Generator) -> Image:
    """Return the picture with other brightness, contrast, saturation, hue and gamma."""
    mix = np.eye(3, dtype=np.float32)
    turn = rng.normal(0, 0.25) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi)
    if rng.random() < 0.5:
        mix = _hue_turn(float(turn)) @ mix
    grey = np.outer(np.ones(3, np.float32), _LUMA)
    saturation = 0.0 if rng.random() < 0.06 else float(rng.uniform(0.4, 1.5))
    mix = (saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * grey) @ mix
    contrast, shift = float(rng.uniform(0.65, 1.35)), float(rng.uniform(-25, 25))
    bias = np.full((3, 1), 127.5 * (1 - contrast) + shift, np.float32)
    mixed = cv2.transform(image, np.hstack([contrast * mix, bias]).astype(np.float32))
    if rng.random() < 0.3:
        gamma = float(np.exp(rng.uniform(-0.4, 0.4)))
        table = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        mixed = cv2.LUT(mixed, table)
    return np.asarray(mixed, np.uint8)


def as_jpeg(image: Image, quality: int) -> Image:
    """Return the picture as it comes back from a JPEG file of ``quality`` 1..100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _hue_turn(angle: float) -> NDArray[np.float32]:
    """Return the RGB matrix that turns colours about the grey axis by ``angle`` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    third, root = (1 - cos) / 3, np.sqrt(1 / 3) * sin
    return np.array(
        [
            [cos + third, third - root, third + root],
            [third + root, cos + third, third - root],
            [third - root, third + root, cos + third],
        ],
        np.float32,
    )
