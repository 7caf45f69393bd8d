"""The rigidity map of a point: what hangs together with it, whichever way it is pulled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.probe_grid import (
    DEFAULT_OPTIONS,
    Float,
    Predictor,
    ProbeGrid,
    ProbeOptions,
    as_complex,
    ask,
    check_lengths,
    check_point,
    default_length,
    directions,
    grid_of,
)

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class RigidityMap:
    """How far and how alike each pixel follows one point over many pulls.

    Attributes:
        grid: Where the arrays lie on the picture.
        point: (2,) x, y px of the picture.
        pulls: (P, 2) float32 the pulls, px of the picture, by length, then by direction.
        follow: (h, w) float32 mean length of the answer as a share of the pull; 0 stays, 1 goes as
            far as the point.
        agreement: (h, w) float32 in 0..1, how alike the answers are once each is scaled and turned
            to its pull: 1 is the same share at the same angle to every pull.
        by_pull: (P, h, w) float32 ``follow`` of each pull alone.
    """

    grid: ProbeGrid
    point: Float
    pulls: Float
    follow: Float
    agreement: Float
    by_pull: Float

    @property
    def rigidity(self) -> Float:
        """``follow``, at most 1, times ``agreement`` (h, w), in 0..1."""
        return np.asarray(np.minimum(self.follow, 1) * self.agreement, np.float32)

    def mask(self, threshold: float = 0.5) -> NDArray[np.bool_]:
        """Return where `rigidity` is at least ``threshold`` (h, w)."""
        return self.rigidity >= threshold

    def by_direction(self) -> Float:
        """Return ``follow`` of each direction (D, h, w), the mean over lengths."""
        angle = np.round(np.arctan2(self.pulls[:, 1], self.pulls[:, 0]), 3)
        ways = list(dict.fromkeys(angle.tolist()))
        return np.stack([self.by_pull[angle == way].mean(0) for way in ways])


def rigidity_map(
    predictor: Predictor,
    point: ArrayLike,
    *,
    direction_count: int = 8,
    lengths: ArrayLike | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> RigidityMap:
    """Return how far and how alike each pixel follows a point.

    Args:
        predictor: Its picture set.
        point: (2,) x, y px of the picture.
        direction_count: Directions, evenly around.
        lengths: (M,) lengths of the pulls, px of the picture; None takes half, once and twice the
            default, which is a 24th of the short side.
        options: How to ask. It takes ``direction_count * M`` predictions.

    Raises:
        EngineError: A point outside of the picture, lengths or a count that make no sense, no
            picture yet, or `Cancelled`.

    Source:
        Paper sec. 4.2, "rigidity-aware". With complex gains ``g = flow / pull`` over P pulls,
        ``follow = mean |g|`` and ``agreement = |sum g| / sum |g|``; own choice, tested on fields
        whose truth is known.
    """
    grid = grid_of(predictor, options)
    point = check_point(point, grid.image_hw)
    if lengths is None:
        lengths = default_length(grid.image_hw) * np.array([0.5, 1.0, 2.0])
    ways = directions(direction_count)
    pulls = (check_lengths(lengths)[:, None, None] * ways).reshape(-1, 2)
    flows = ask(predictor, [(point[None], pull[None]) for pull in pulls], options, grid)
    total = np.zeros(grid.grid_hw, np.complex64)
    by_pull = np.empty((len(pulls), *grid.grid_hw), np.float32)
    for index, flow in enumerate(flows):
        gain = as_complex(flow) / as_complex(pulls[index] * grid.scale_xy)
        total += gain
        by_pull[index] = np.abs(gain)
    size = by_pull.sum(0)
    return RigidityMap(
        grid=grid,
        point=point,
        pulls=pulls,
        follow=size / len(pulls),
        agreement=np.where(size > _TINY, np.abs(total) / np.maximum(size, _TINY), 0),
        by_pull=by_pull,
    )
