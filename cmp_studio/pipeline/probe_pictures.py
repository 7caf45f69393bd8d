"""Pictures of what probes found: maps and flows with their legends, parts on the photo."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.flow_viz import automatic_scale, draw_legend, flow_to_color
from cmp_studio.pipeline.findings import Finding

Picture = NDArray[np.uint8]
Float = NDArray[np.float32]

SIGNED: Final = ("divergence", "curl")
"""Maps that are shown around 0."""

_SIDE: Final = 720
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_ACCENT: Final = (255, 138, 0)


def finding_pictures(finding: Finding, image: Picture) -> Iterator[tuple[str, Picture]]:
    """Yield a name and a picture (h, w, 3) uint8 RGB for each flow, map and segmentation.

    Args:
        finding: What a probe found.
        image: (H, W, 3) uint8 RGB, the picture that was probed.
    """
    height, width = finding.grid.image_hw
    zoom = _SIDE / max(height, width)
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    photo = _resized(image, size)
    if not (finding.flows or finding.maps or finding.labels):
        yield "points", _marked(photo, finding, zoom)
    scale = max((automatic_scale(flow) for flow in finding.flows.values()), default=1.0)
    shortest_scale = float(finding.grid.scale_xy.max())
    for name, flow in finding.flows.items():  # all of them with one scale, to be compared
        color = _resized(flow_to_color(flow, max_flow=scale), size)
        picture = _marked(color, finding, zoom, finding.arrows_of.get(name))
        yield name, draw_legend(picture, scale / shortest_scale)
    for name, values in finding.maps.items():
        is_signed = name in SIGNED
        most = max(float(np.percentile(np.abs(values), 99)), 1e-6) if is_signed else 1.0
        heat = _resized(heat_colors(values, most, is_signed=is_signed), size)
        grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        picture = np.asarray(cv2.addWeighted(heat, 0.75, grey, 0.25, 0), np.uint8)
        _outline(picture, finding.lines, zoom, _WHITE)
        _outline(picture, finding.ghosts, zoom, _ACCENT)
        yield name, _with_bar(_marked(picture, finding, zoom), most, is_signed=is_signed)
    for name, labels in finding.labels.items():
        yield name, _parts(labels, photo)


def part_colors(count: int) -> Picture:
    """Return colours that can be told apart, (count + 1, 3) uint8 RGB; 0 is grey."""
    colors = [(110, 110, 110)]
    for number in range(count):
        hue = (number * 0.618034) % 1
        light = (0.95, 0.7, 0.82)[number % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75 if number % 2 else 0.95, light)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return np.array(colors, np.uint8)


def heat_colors(values: NDArray[np.float32], most: float, *, is_signed: bool) -> Picture:
    """Return values as colours (h, w, 3): from 0 to ``most``, or around 0 where they are signed."""
    low = -most if is_signed else 0.0
    level = np.clip((values - low) / (most - low), 0, 1)
    table = cv2.COLORMAP_TWILIGHT_SHIFTED if is_signed else cv2.COLORMAP_VIRIDIS
    colored = cv2.applyColorMap(np.rint(level * 255).astype(np.uint8), table)
    return np.asarray(cv2.cvtColor(colored, cv2.COLOR_BGR2RGB), np.uint8)


def part_middles(
    labels: NDArray[np.int64] | NDArray[np.uint8],
) -> list[tuple[int, int, int, float]]:
    """Return number, x, y of the innermost pixel, and its distance from the edge, of each part."""
    middles = []
    for part in np.unique(labels[labels > 0]).tolist():
        inside = np.pad((labels == part).astype(np.uint8), 1)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        middles.append((int(part), int(x), int(y), float(depth.max())))
    return middles


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    is_smaller = size[0] < picture.shape[1]
    method = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def _parts(labels: NDArray[np.int64], photo: Picture) -> Picture:
    height, width = photo.shape[:2]
    large = np.asarray(
        cv2.resize(labels.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST),
        np.uint8,
    )
    tint = part_colors(int(labels.max()))[large]
    picture = np.asarray(cv2.addWeighted(tint, 0.6, photo, 0.4, 0), np.uint8)
    edges = (large[:-1, :-1] != large[1:, :-1]) | (large[:-1, :-1] != large[:-1, 1:])
    picture[:-1, :-1][edges] = 255
    for part, x, y, depth in part_middles(large):
        if depth > 12:
            _text(picture, str(part), (x - 8, y + 7))
    return picture


def _with_bar(picture: Picture, most: float, *, is_signed: bool) -> Picture:
    """Return the picture with a scale of its colours to the right."""
    height = picture.shape[0]
    bar = np.full((height, 84, 3), 32, np.uint8)
    top, bottom = 20, height - 20
    if bottom - top < 40:
        return picture
    low = -most if is_signed else 0.0
    ramp = np.linspace(most, low, bottom - top, dtype=np.float32)[:, None].repeat(18, 1)
    bar[top:bottom, 8:26] = heat_colors(ramp, most, is_signed=is_signed)
    for share in (0.0, 0.5, 1.0):
        y = round(bottom - share * (bottom - top))
        text = f"{low + share * (most - low):.2g}"
        cv2.putText(bar, text, (32, y + 5), _FONT, 0.45, _WHITE, 1, cv2.LINE_AA)
    return np.hstack([picture, bar])


def _marked(
    picture: Picture, finding: Finding, zoom: float, arrows: Float | None = None
) -> Picture:
    """Return the picture with what was pulled, and with the joint."""
    arrows = finding.arrows if arrows is None else arrows
    drawn = picture.copy()

    def place(x: float, y: float) -> tuple[int, int]:
        return round((x + 0.5) * zoom - 0.5), round((y + 0.5) * zoom - 0.5)

    for number, (x, y) in enumerate(finding.marks.tolist()):
        _ring(drawn, place(x, y), 6, _WHITE)
        if 1 < len(finding.marks) <= 40:
            a, b = place(x, y)
            _text(drawn, str(number + 1), (a + 9, b + 5))
    for x, y, dx, dy in arrows.tolist():
        start = place(x, y)
        if dx or dy:
            for color, thickness in ((_BLACK, 5), (_WHITE, 2)):
                cv2.arrowedLine(
                    drawn, start, place(x + dx, y + dy), color, thickness, cv2.LINE_AA, 0, 0.3
                )
        _ring(drawn, start, 4, _WHITE)
    if finding.center is not None:
        x, y = finding.center
        height, width = finding.grid.image_hw
        if 0 <= x < width and 0 <= y < height:
            _ring(drawn, place(x, y), 9, _ACCENT)
    return drawn


def _outline(
    picture: Picture, lines: tuple[Float, ...], zoom: float, color: tuple[int, int, int]
) -> None:
    for line in lines:
        places = np.rint(((line + 0.5) * zoom - 0.5) * 16).astype(np.int32)
        cv2.polylines(picture, [places], True, color, 1, cv2.LINE_AA, 4)


def _ring(picture: Picture, place: tuple[int, int], radius: int, color: tuple[int, ...]) -> None:
    cv2.circle(picture, place, radius, _BLACK, 4, cv2.LINE_AA)
    cv2.circle(picture, place, radius, color, 2, cv2.LINE_AA)


def _text(picture: Picture, text: str, place: tuple[int, int]) -> None:
    cv2.putText(picture, text, place, _FONT, 0.6, _BLACK, 4, cv2.LINE_AA)
    cv2.putText(picture, text, place, _FONT, 0.6, _WHITE, 1, cv2.LINE_AA)
