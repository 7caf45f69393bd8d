"""What one pull does: the live probe, its isolines, and reading a flow at a point or on a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import FlowError, ProbeError
from cmp_engine.probe_grid import (
    DEFAULT_OPTIONS,
    Float,
    Predictor,
    ProbeGrid,
    ProbeOptions,
    as_complex,
    ask,
    check_point,
    check_points,
    check_pull,
    grid_of,
    sample,
)

LEVELS: Final = (0.25, 0.5, 0.75)
"""Isolines, as shares of the pull, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Isoline:
    """A line along which pixels follow equally far.

    Attributes:
        level: Share of the pull, 1 follows whole.
        points: (N, 2) float32 x, y px of the picture, in order; the line is closed.
    """

    level: float
    points: Float


@dataclass(frozen=True, slots=True)
class Response:
    """What one pull at one point does.

    Attributes:
        grid: Where the arrays lie on the picture.
        point: (2,) x, y px of the picture.
        pull: (2,) dx, dy px of the picture.
        flow: (h, w, 2) float32 forward flow, px of the grid.
        follow: (h, w) float32 length of the flow as a share of the pull: 0 stays, 1 follows whole.
        turn: (h, w) float32 radians from the pull's direction to the flow's, clockwise on the
            screen, in (-pi, pi]; it says little where ``follow`` is near 0.
        isolines: Lines of equal ``follow``.
    """

    grid: ProbeGrid
    point: Float
    pull: Float
    flow: Float
    follow: Float
    turn: Float
    isolines: tuple[Isoline, ...]

    @property
    def magnitude(self) -> Float:
        """Length of the flow (h, w), px of the picture."""
        return np.asarray(self.follow * np.float32(np.hypot(*self.pull)), np.float32)

    @property
    def angle(self) -> Float:
        """Direction of the flow (h, w), radians from +x, clockwise on the screen."""
        return np.asarray(np.arctan2(self.flow[..., 1], self.flow[..., 0]), np.float32)


@dataclass(frozen=True, slots=True)
class Reading:
    """A flow at one point of the picture.

    Attributes:
        u: To the right, px of the picture.
        v: Down, px of the picture.
        magnitude: Px of the picture.
        angle: Degrees from +x, clockwise on the screen, in (-180, 180].
    """

    u: float
    v: float
    magnitude: float
    angle: float


@dataclass(frozen=True, slots=True)
class LineProfile:
    """A flow along a straight line.

    Attributes:
        points: (N, 2) float32 x, y px of the picture, evenly spaced.
        distance: (N,) float32 from the start, px of the picture.
        flow: (N, 2) float32 px of the picture.
        along: (N,) float32 part of the flow along the line, px of the picture.
        across: (N,) float32 part across it, clockwise positive, px of the picture.
    """

    points: Float
    distance: Float
    flow: Float
    along: Float
    across: Float


def respond(
    predictor: Predictor,
    point: ArrayLike,
    pull: ArrayLike,
    *,
    pins: ArrayLike = (),
    levels: Sequence[float] = LEVELS,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> Response:
    """Return what one pull does, by one prediction.

    Args:
        predictor: Its picture set.
        point: (2,) x, y px of the picture.
        pull: (2,) dx, dy px of the picture, not zero.
        pins: (N, 2) points that are held, px of the picture.
        levels: Isolines to draw, as shares of the pull.
        options: How to ask.

    Raises:
        EngineError: A point outside of the picture, a pull of zero, or no picture yet.

    Source:
        Paper sec. 4.2, "CMP's Characteristics"; shares and isolines are our own choice.
    """
    grid = grid_of(predictor, options)
    point, pull = check_point(point, grid.image_hw), check_pull(pull)
    held = check_points(pins, grid.image_hw, least=0)
    points = np.concatenate([point[None], held])
    vectors = np.concatenate([pull[None], np.zeros_like(held)])
    flow = ask(predictor, [(points, vectors)], options, grid)[0]
    gain = as_complex(flow) / np.complex64(complex(*(pull * grid.scale_xy)))
    follow = np.abs(gain)
    return Response(
        grid=grid,
        point=point,
        pull=pull,
        flow=flow,
        follow=follow,
        turn=np.angle(gain),
        isolines=tuple(line for level in levels for line in isolines(follow, level, grid)),
    )


def isolines(field: Float, level: float, grid: ProbeGrid) -> tuple[Isoline, ...]:
    """Return the closed lines around what is at or above a level, the longest first.

    Args:
        field: (h, w) on the grid.
        level: In the field's unit.
        grid: Where the field lies on the picture.
    """
    mask = np.pad((field >= level).astype(np.uint8), 1)
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    lines = []
    padded = np.pad(field, 1, mode="edge")
    for outline in outlines:
        points = outline[:, 0, :].astype(np.float32)
        if len(points) < 4:
            continue
        column, row = outline[:, 0, 0], outline[:, 0, 1]
        # One Newton step from the pixel's centre to the level, at most a pixel long.
        slope = (
            np.stack(
                [
                    padded[row, column + 1] - padded[row, column - 1],
                    padded[row + 1, column] - padded[row - 1, column],
                ],
                -1,
            )
            / 2
        )
        steepness = np.maximum((slope**2).sum(1, keepdims=True), 1e-12)
        missing = level - np.asarray(padded[row, column], np.float32)
        step = missing[:, None] * slope / steepness
        step /= np.maximum(1.0, np.hypot(step[:, :1], step[:, 1:]))
        lines.append(Isoline(float(level), grid.to_image(points + step - 1)))
    return tuple(sorted(lines, key=lambda line: -len(line.points)))


def read_flow_at(flow: Float, point: ArrayLike, grid: ProbeGrid) -> Reading:
    """Return a flow at one point, bilinear between pixels.

    Args:
        flow: (h, w, 2) px of the grid.
        point: (2,) x, y px of the picture.
        grid: Where the flow lies on the picture.

    Raises:
        GuidanceError: The point is outside of the picture.
        FlowError: The flow is not on the grid.
    """
    _check_on_grid(flow, grid)
    point = check_point(point, grid.image_hw)
    u, v = (sample(flow, grid.to_grid(point)[None])[0] / grid.scale_xy).tolist()
    return Reading(u, v, math.hypot(u, v), math.degrees(math.atan2(v, u)))


def line_profile(
    flow: Float, start: ArrayLike, end: ArrayLike, grid: ProbeGrid, *, count: int = 101
) -> LineProfile:
    """Return a flow along a line, bilinear between pixels.

    Args:
        flow: (h, w, 2) px of the grid.
        start: (2,) x, y px of the picture.
        end: (2,) x, y px of the picture.
        grid: Where the flow lies on the picture.
        count: Number of places, with both ends, at least 2.

    Raises:
        GuidanceError: An end is outside of the picture.
        ProbeError: Both ends are the same, or ``count`` is below 2.
        FlowError: The flow is not on the grid.
    """
    _check_on_grid(flow, grid)
    first, last = check_point(start, grid.image_hw), check_point(end, grid.image_hw)
    length = float(np.hypot(*(last - first)))
    if length == 0 or count < 2:
        raise ProbeError("A line needs two different ends and at least two places to read.")
    share = np.linspace(0, 1, count, dtype=np.float32)
    points = np.asarray(first + share[:, None] * (last - first), np.float32)
    values = np.asarray(sample(flow, grid.to_grid(points)) / grid.scale_xy, np.float32)
    way = (last - first) / np.float32(length)
    return LineProfile(
        points=points,
        distance=share * np.float32(length),
        flow=values,
        along=values @ way,
        across=values @ np.array([-way[1], way[0]], np.float32),
    )


def _check_on_grid(flow: NDArray[np.float32], grid: ProbeGrid) -> None:
    if flow.shape != (*grid.grid_hw, 2):
        raise FlowError(
            "Expected a flow of shape {expected}, got {shape}.",
            expected=(*grid.grid_hw, 2),
            shape=flow.shape,
        )
