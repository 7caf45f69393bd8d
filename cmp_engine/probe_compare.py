"""More arrows, other arrows, other weights: how predictions grow and differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from cmp_engine.errors import FlowError, ProbeError
from cmp_engine.guidance import GuidanceSet, check_guidance
from cmp_engine.probe_grid import (
    DEFAULT_OPTIONS,
    Float,
    Predictor,
    ProbeGrid,
    ProbeOptions,
    ask,
    grid_of,
)

MOVES_SHARE: Final = 1 / 384
"""What counts as moving, as a share of the picture's short side: 1 px of 384."""


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """How a prediction grows with the number of arrows. Row k is of the first k + 1 arrows.

    Attributes:
        grid: Where the flows lie on the picture.
        points: (N, 2) float32 px of the picture.
        displacements: (N, 2) float32 px of the picture.
        flows: (N, h, w, 2) float32 px of the grid.
        moving_share: (N,) float32 share of the picture that moves by more than a 384th of the short
            side.
        to_last: (N,) float32 mean distance to the flow of all arrows, px of the picture.
        to_truth: (N,) float32 mean distance to the true flow, px of the picture, or None.
    """

    grid: ProbeGrid
    points: Float
    displacements: Float
    flows: Float
    moving_share: Float
    to_last: Float
    to_truth: Float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two flows of the same picture, A and B.

    Attributes:
        grid: Where the flows lie on the picture.
        flow_a: (h, w, 2) float32 px of the grid.
        flow_b: (h, w, 2) float32 px of the grid.
        difference: (h, w, 2) float32 B minus A, px of the grid.
        mean_distance: Mean length of the difference, px of the picture.
        largest_distance: The largest, px of the picture.
        differing_share: Share of the picture where it is above a 384th of the short side.
        overlap: Of what moves in A or in B by that much, the share that moves in both; 1 where
            nothing moves.
        mean_turn: Mean angle between A and B where both move, degrees; 0 where nothing does.
    """

    grid: ProbeGrid
    flow_a: Float
    flow_b: Float
    difference: Float
    mean_distance: float
    largest_distance: float
    differing_share: float
    overlap: float
    mean_turn: float


def sufficiency(
    predictor: Predictor,
    points: ArrayLike,
    displacements: ArrayLike,
    *,
    truth: Float | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> Sufficiency:
    """Return how a prediction grows as arrows are added one by one.

    Args:
        predictor: Its picture set.
        points: (N, 2) px of the picture, in the order in which they are added.
        displacements: (N, 2) px of the picture; zero is a pin.
        truth: (H, W, 2) the true forward flow on the picture's own grid, where it is known.
        options: How to ask. It takes N predictions.

    Raises:
        EngineError: No arrows, a point outside of the picture, a truth of another size, no picture
            yet, or `Cancelled`.

    Source:
        Paper sec. 4.2 and figure 6: "given an increasing number of guidance vectors, CMP infers
        more complete motions accordingly".
    """
    grid = grid_of(predictor, options)
    checked, vectors = check_guidance(points, displacements, grid.image_hw)
    if not len(checked):
        raise ProbeError("Expected at least one arrow to add, got none; give some.")
    counts = range(1, len(checked) + 1)
    flows = ask(predictor, [(checked[:n], vectors[:n]) for n in counts], options, grid)
    least = MOVES_SHARE * min(grid.image_hw)
    return Sufficiency(
        grid=grid,
        points=checked,
        displacements=vectors,
        flows=flows,
        moving_share=np.array([(_lengths(f, grid) > least).mean() for f in flows], np.float32),
        to_last=np.array([_lengths(f - flows[-1], grid).mean() for f in flows], np.float32),
        to_truth=None if truth is None else _to_truth(flows, truth, grid),
    )


def compare(
    predictor_a: Predictor,
    guidance_a: GuidanceSet,
    predictor_b: Predictor,
    guidance_b: GuidanceSet,
    *,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> Comparison:
    """Return how two answers on the same picture differ.

    Args:
        predictor_a: Its picture set.
        guidance_a: Points (N, 2) and displacements (N, 2), px of the picture.
        predictor_b: Other weights with the same picture set, or the same predictor again.
        guidance_b: As ``guidance_a``.
        options: How to ask. It takes two predictions.

    Raises:
        EngineError: Points that make no sense, pictures of different sizes, or no picture yet.

    Source:
        Own choice.
    """
    grid = grid_of(predictor_a, options)
    if predictor_b.image_hw != grid.image_hw:
        raise ProbeError(
            "A and B must see the same picture; A's has size (height, width) {size_a} and B's "
            "{size_b}.",
            size_a=grid.image_hw,
            size_b=predictor_b.image_hw,
        )
    return compare_flows(
        ask(predictor_a, [guidance_a], options, grid)[0],
        ask(predictor_b, [guidance_b], options, grid)[0],
        grid,
    )


def compare_flows(flow_a: Float, flow_b: Float, grid: ProbeGrid) -> Comparison:
    """Return how two flows (h, w, 2), px of the grid, differ.

    Raises:
        FlowError: Flows of different sizes.
    """
    if flow_a.shape != flow_b.shape or flow_a.shape != (*grid.grid_hw, 2):
        raise FlowError(
            "Expected two flows of shape {expected}, got {shape_a} and {shape_b}.",
            expected=(*grid.grid_hw, 2),
            shape_a=flow_a.shape,
            shape_b=flow_b.shape,
        )
    difference = np.asarray(flow_b - flow_a, np.float32)
    distance = _lengths(difference, grid)
    least = MOVES_SHARE * min(grid.image_hw)
    moves_a, moves_b = _lengths(flow_a, grid) > least, _lengths(flow_b, grid) > least
    both, either = moves_a & moves_b, moves_a | moves_b
    angle = np.arctan2(flow_b[..., 1], flow_b[..., 0]) - np.arctan2(flow_a[..., 1], flow_a[..., 0])
    turn = np.abs(np.angle(np.exp(1j * angle[both])))
    return Comparison(
        grid=grid,
        flow_a=flow_a,
        flow_b=flow_b,
        difference=difference,
        mean_distance=float(distance.mean()),
        largest_distance=float(distance.max()),
        differing_share=float((distance > least).mean()),
        overlap=float(both.sum() / either.sum()) if either.any() else 1.0,
        mean_turn=float(np.degrees(turn.mean())) if both.any() else 0.0,
    )


def _lengths(flow: Float, grid: ProbeGrid) -> Float:
    """Return lengths (h, w) in px of the picture."""
    inside = flow / grid.scale_xy
    return np.asarray(np.hypot(inside[..., 0], inside[..., 1]), np.float32)


def _to_truth(flows: Float, truth: Float, grid: ProbeGrid) -> Float:
    if truth.shape != (*grid.image_hw, 2):
        raise FlowError(
            "Expected the true flow of shape {expected}, got {shape}.",
            expected=(*grid.image_hw, 2),
            shape=truth.shape,
        )
    rows, columns = grid.grid_hw
    places = grid.to_image(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1))
    nearest = np.rint(places).astype(int)
    wanted = truth[nearest[..., 1], nearest[..., 0]] * grid.scale_xy
    return np.array([_lengths(flow - wanted, grid).mean() for flow in flows], np.float32)
