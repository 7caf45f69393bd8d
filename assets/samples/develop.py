"""From the linear light of a rendering to a picture: focus, glow, tone, grain, files."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from raymarch import Picture, Scene, render
from shapes import Array, vec

SIZE_WH = (1280, 960)


def blurred(image: Array, sigma: float) -> Array:
    """Return a picture blurred by a Gaussian."""
    return vec(cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05), borderType=cv2.BORDER_REPLICATE))


def focus(picture: Picture, distance: float, strength: float, largest: float) -> Array:
    """Return the colours with what is behind the focus blurred, as a lens with a wide opening does.

    Args:
        picture: The rendering.
        distance: What is as near as this, or nearer, stays sharp.
        strength: Blur in px at twice the distance.
        largest: Greatest blur in px.
    """
    result = picture.colour.copy()
    circle = np.clip((1 - distance / picture.depth) * 2 * strength, 0, largest)
    sharp_before = np.zeros_like(circle)
    for level in (0.15, 0.35, 0.6, 1.0):
        sigma = level * largest
        far = (circle > sharp_before.max() + 0.3).astype(np.float32)
        weight = blurred(far, sigma)
        layer = (
            blurred(picture.colour * far[..., None], sigma) / np.maximum(weight, 1e-3)[..., None]
        )
        share = np.clip((circle - 0.6 * sigma) / (0.5 * sigma + 1e-6), 0, 1) * far
        share = np.minimum(share, np.clip(weight * 1.5, 0, 1))
        result = result * (1 - share[..., None]) + layer * share[..., None]
    return result


def glow(image: Array, strength: float, threshold: float = 1.0) -> Array:
    """Return a picture whose brightest places shine over their surroundings."""
    height = image.shape[0]
    bright = np.maximum(image - threshold, 0)
    bright = bright / (1 + 0.25 * bright)
    halo = sum(blurred(bright, height * size) for size in (0.004, 0.015, 0.05))
    return vec(image + strength * halo / 3)


def filmic(image: Array) -> Array:
    """Return linear light compressed to 0..1, with a soft shoulder and a slight toe."""
    x = np.maximum(image, 0) * 0.8
    return vec(np.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0, 1))


def finish(
    image: Array,
    *,
    exposure: float = 1.0,
    saturation: float = 1.06,
    vignette: float = 0.25,
    grain: float = 0.012,
    shadows: tuple[float, float, float] = (0, 0, 0),
    seed: int = 1,
) -> np.ndarray:
    """Return the 8-bit sRGB picture.

    Args:
        image: (H, W, 3) linear light.
        exposure: Factor on the light.
        saturation: 1 leaves the colours as they are.
        vignette: How much darker the corners are.
        grain: Standard deviation of the grain, of 1.
        shadows: Tint that is added to the darkest tones.
        seed: Of the grain.
    """
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    corner = np.clip((x * x * 0.9 + y * y * 0.8) / 1.7, 0, 1) ** 1.3
    tone = filmic(image * exposure * (1 - vignette * corner)[..., None])
    code = np.where(tone <= 0.0031308, 12.92 * tone, 1.055 * tone ** (1 / 2.4) - 0.055)
    grey = code @ vec((0.299, 0.587, 0.114))
    code = grey[..., None] + (code - grey[..., None]) * saturation
    code = code + vec(shadows) * ((1 - np.clip(grey, 0, 1)) ** 3)[..., None]
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 1)).astype(np.float32)
    noise = 0.7 * noise + 0.6 * blurred(noise[..., 0], 1.0)[..., None] * 2
    code = code + grain * noise * (0.35 + 0.65 * np.sin(np.pi * np.clip(grey, 0, 1)))[..., None]
    return np.rint(np.clip(code, 0, 1) * 255).astype(np.uint8)


def draw(
    name: str,
    scene: Callable[[], Scene],
    look: Callable[[Picture], np.ndarray],
    about: str,
    *,
    margin: int = 2,
) -> None:
    """Be the command line of one picture: render it, and write ``NAME.jpg`` beside this file.

    ``NAME_still.png`` says which part of it is scenery, white, that a film holds still.

    Args:
        name: Of the file.
        scene: Makes what is rendered.
        look: Develops the rendering, at the size of the picture.
        about: Text for ``--help``.
        margin: How far beyond their outlines the parts reach that are not scenery, px.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--scale", type=float, default=1.0, help="size, 1 is 1280 x 960")
    parser.add_argument("--samples", type=int, default=3, help="rays across each pixel on an edge")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / f"{name}.jpg")
    parser.add_argument("--quality", type=int, default=90, help="of the JPEG")
    parser.add_argument("--raw", type=Path, help="keep the rendering here, or use the one kept")
    options = parser.parse_args()
    width, height = (round(side * options.scale) for side in SIZE_WH)
    start = time.perf_counter()
    if options.raw is not None and options.raw.is_file():
        with np.load(options.raw) as kept:
            picture = Picture(**kept)
    else:
        picture = render(scene(), width, height, samples=options.samples)
        if options.raw is not None:
            np.savez(options.raw, **vars(picture))
    image = look(picture)
    suffix = options.output.suffix.lower()
    settings = [] if suffix == ".png" else [
        cv2.IMWRITE_JPEG_QUALITY, options.quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111,
    ]  # fmt: skip
    cv2.imwrite(str(options.output), image[..., ::-1], settings)
    # Pixels on an outline belong to both sides, so the parts that move get some more all around.
    window = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    moves = cv2.dilate((~picture.scenery).astype(np.uint8), window)
    still = options.output.with_name(f"{options.output.stem}_still.png")
    cv2.imwrite(str(still), (1 - moves) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    print(f"{options.output}: {width} x {height} in {time.perf_counter() - start:.0f} s")  # noqa: T201
