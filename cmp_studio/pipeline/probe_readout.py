"""What a finding says at one place and along a line, and its layers as colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.flow_viz import automatic_scale, flow_to_color
from cmp_engine.probe import line_profile, read_flow_at
from cmp_engine.probe_grid import Float, sample
from cmp_studio.pipeline.findings import Finding, Table
from cmp_studio.pipeline.probe_pictures import SIGNED, heat_colors, part_colors, part_middles

Legend: TypeAlias = Literal["wheel", "bar", "parts", "none"]

_FADE_SHARE: Final = 0.3
"""Flow of this share of the scale covers the photo fully; less lets it shine through."""

_PLACES: Final = 201
_LINE_TOLERANCE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Readout:
    """What a finding says at one place.

    Attributes:
        u: To the right, px of the picture; None where the layer is no flow.
        v: Down, px of the picture, or None.
        magnitude: Px of the picture, or None.
        angle: Degrees from +x, clockwise on the screen, or None.
        value: Of a map, or None.
        part: Number of the rigid part, or None.
    """

    u: float | None = None
    v: float | None = None
    magnitude: float | None = None
    angle: float | None = None
    value: float | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer as colours.

    Attributes:
        pixels: (h, w, 4) uint8 RGBA over the picture, not premultiplied.
        legend: What explains the colours.
        low: Value at the lower end of a bar.
        high: At the upper end; of a wheel the length at its rim, px of the picture.
        needles: (h, w, 2) float16 flow, px of the picture, for a field of small arrows, or None.
    """

    pixels: NDArray[np.uint8]
    legend: Legend
    low: float = 0.0
    high: float = 1.0
    needles: NDArray[np.float16] | None = None


def layers_of(finding: Finding) -> tuple[str, ...]:
    """Return the names of what can cover the picture, in order."""
    return (*finding.flows, *finding.maps, *finding.labels)


def read_at(finding: Finding, layer: str, point: tuple[float, float]) -> Readout:
    """Return what a layer says at a place, bilinear between pixels.

    Args:
        finding: What a probe found.
        layer: Its name; of one that is not there, the first flow is read.
        point: x, y px of the picture.

    Raises:
        GuidanceError: The place is outside of the picture.
    """
    place = finding.grid.to_grid(np.array([point], np.float32))
    if layer in finding.labels:
        labels = finding.labels[layer]
        row, column = _nearest(place, labels.shape)
        return Readout(part=int(labels[row, column]))
    value = float(sample(finding.maps[layer], place)[0]) if layer in finding.maps else None
    flow = _flow_for(finding, layer)
    if flow is None:
        return Readout(value=value)
    found = read_flow_at(flow, point, finding.grid)
    return Readout(found.u, found.v, found.magnitude, found.angle, value)


def profile_table(
    finding: Finding, layer: str, line: tuple[tuple[float, float], tuple[float, float]]
) -> Table | None:
    """Return the values along a line, for a CSV file and a plot; None where there are none.

    Args:
        finding: What a probe found.
        layer: Its name; of one that is not there, the first flow is read.
        line: Start and end, px of the picture.

    Raises:
        EngineError: An end is outside of the picture, or both are the same place.
    """
    start, end = line
    if layer in finding.maps:
        share = np.linspace(0, 1, _PLACES, dtype=np.float32)[:, None]
        first, last = (np.array(point, np.float32) for point in line)
        points = first + share * (last - first)
        values = sample(finding.maps[layer], finding.grid.to_grid(points))
        far = share[:, 0] * math.dist(start, end)
        return _table(("distance_px", "x", "y", "value"), far, points, values)
    flow = _flow_for(finding, layer)
    if flow is None:
        return None
    found = line_profile(flow, start, end, finding.grid, count=_PLACES)
    length = np.hypot(found.flow[:, 0], found.flow[:, 1])
    columns = ("distance_px", "x", "y", "length_px", "along_px", "across_px", "u_px", "v_px")
    return _table(
        columns, found.distance, found.points, length, found.along, found.across, found.flow
    )


def paint(finding: Finding, layer: str, *, scale: float | None = None) -> Layer | None:
    """Return a layer as colours; None where the finding has none of this name.

    Args:
        finding: What a probe found.
        layer: Its name.
        scale: Length that gets a flow's full colour, px of the picture; None takes the longest.
    """
    if layer in finding.flows:
        flow = np.asarray(finding.flows[layer] / finding.grid.scale_xy, np.float32)
        rim = scale or automatic_scale(flow)
        share = np.hypot(flow[..., 0], flow[..., 1]) / (rim * _FADE_SHARE)
        pixels = _with_alpha(flow_to_color(flow, max_flow=rim), np.minimum(share, 1))
        return Layer(pixels, "wheel", high=rim, needles=flow.astype(np.float16))
    if layer in finding.maps:
        values = finding.maps[layer]
        is_signed = layer in SIGNED
        most = max(float(np.percentile(np.abs(values), 99)), 1e-6) if is_signed else 1.0
        colors = heat_colors(values, most, is_signed=is_signed)
        low = -most if is_signed else 0.0
        pixels = _with_alpha(colors, np.ones(values.shape, np.float32))
        return Layer(pixels, "bar", low, most)
    if layer in finding.labels:
        labels = finding.labels[layer]
        colors = part_colors(int(labels.max()))[labels]
        edges = np.zeros(labels.shape, np.bool_)
        edges[:-1] |= labels[:-1] != labels[1:]
        edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        colors[edges] = 255
        return Layer(_with_alpha(colors, np.ones(labels.shape, np.float32)), "parts")
    return None


def part_places(finding: Finding, layer: str) -> list[tuple[int, float, float]]:
    """Return number, x and y, px of the picture, of the middle of each rigid part."""
    labels = finding.labels.get(layer)
    if labels is None:
        return []
    return [
        (part, *finding.grid.to_image([float(x), float(y)]).tolist())
        for part, x, y, _ in part_middles(labels)
    ]


def simple_lines(finding: Finding, lines: tuple[Float, ...]) -> tuple[Float, ...]:
    """Return closed lines of a finding without the points that nobody would see.

    Args:
        finding: Whose grid says how fine is fine enough: a fifth of its px.
        lines: Each (N, 2), px of the picture.
    """
    tolerance = _LINE_TOLERANCE / float(finding.grid.scale_xy.min())
    simple = []
    for line in lines:
        found = cv2.approxPolyDP(np.ascontiguousarray(line[:, None]), tolerance, closed=True)
        simple.append(np.asarray(found, np.float32)[:, 0])
    return tuple(line for line in simple if len(line) > 2)


def _flow_for(finding: Finding, layer: str) -> Float | None:
    if layer in finding.flows:
        return finding.flows[layer]
    return next(iter(finding.flows.values()), None)


def _table(columns: tuple[str, ...], *values: Float) -> Table:
    stacked = np.column_stack(values)
    rows = tuple(tuple(round(float(value), 4) for value in row) for row in stacked)
    return Table(columns, rows, hidden=("x", "y", "along_px", "across_px"))


def _with_alpha(colors: NDArray[np.uint8], alpha: NDArray[np.floating]) -> NDArray[np.uint8]:
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3] = colors
    np.rint(alpha * 255, out=pixels[..., 3], casting="unsafe")
    return pixels


def _nearest(place: Float, shape: tuple[int, ...]) -> tuple[int, int]:
    column, row = np.rint(place[0]).astype(int).tolist()
    return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)
