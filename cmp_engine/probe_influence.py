"""Who follows whom, and up to where: the influence matrix and the saturation curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from cmp_engine.errors import ProbeError
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
    check_points,
    check_pull,
    default_length,
    directions,
    grid_of,
    sample,
)

STEADY_SHARE: Final = 0.9
"""A pull is answered fully while the answer is at least this share of the best one."""

_FOLLOWS: Final = 0.5


@dataclass(frozen=True, slots=True)
class InfluenceMatrix:
    """Who follows whom.

    Attributes:
        points: (N, 2) float32 x, y px of the picture.
        follow: (N, N) float32: how far the column's point follows when the row's is pulled, as a
            share of the pull, the mean over directions.
        by_direction: (D, N, N) float32 the same for each direction.
        length: Of the pulls, px of the picture.
    """

    points: Float
    follow: Float
    by_direction: Float
    length: float

    @property
    def asymmetry(self) -> Float:
        """(N, N) in share of the pull: positive where the row leads the column."""
        return np.asarray(self.follow - self.follow.T, np.float32)

    def leaders(self, margin: float = 0.2) -> tuple[tuple[int, int], ...]:
        """Return pairs (leader, follower), counted from 0, whose asymmetry is above ``margin``."""
        rows, columns = np.nonzero(self.asymmetry > margin)
        return tuple(zip(rows.tolist(), columns.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class SaturationCurve:
    """How the answer grows with the pull.

    Attributes:
        point: (2,) x, y px of the picture.
        direction: (2,) unit vector.
        pulls: (K,) float32 lengths, px of the picture, rising.
        at_point: (K,) float32 part of the answer along the pull at the point, px of the picture.
        region: (K,) float32 mean length of the answer over what follows the shortest pull at least
            by half, px of the picture; the same pixels for every pull.
        moving_share: (K,) float32 share of the picture that moves by at least half of the pull.
    """

    point: Float
    direction: Float
    pulls: Float
    at_point: Float
    region: Float
    moving_share: Float

    @property
    def gain(self) -> Float:
        """(K,) the answer at the point as a share of the pull."""
        return np.asarray(self.at_point / self.pulls, np.float32)

    @property
    def saturates_at(self) -> float | None:
        """The shortest pull after which the gain stays below 0.9 of the best; None if none, px."""
        steady = np.flatnonzero(self.gain >= STEADY_SHARE * self.gain.max())
        beyond = int(steady[-1]) + 1
        return float(self.pulls[beyond]) if beyond < len(self.pulls) else None


def influence_matrix(
    predictor: Predictor,
    points: ArrayLike,
    *,
    direction_count: int = 8,
    length: float | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> InfluenceMatrix:
    """Return who follows whom among some points, each pulled alone and the others free.

    Args:
        predictor: Its picture set.
        points: (N, 2) x, y px of the picture, at least 2.
        direction_count: Directions, evenly around.
        length: Of the pulls, px of the picture; None is a 24th of the short side.
        options: How to ask. It takes ``N * direction_count`` predictions.

    Raises:
        EngineError: Fewer than two points, one outside of the picture, a length or a count that
            makes no sense, no picture yet, or `Cancelled`.

    Source:
        Paper sec. 4.2, "physically-feasible": what hangs on a part follows it, what carries it
        does not. The measure is our own choice.
    """
    grid = grid_of(predictor, options)
    checked = check_points(points, grid.image_hw, least=2)
    pull = float(check_lengths([default_length(grid.image_hw) if length is None else length])[0])
    ways = directions(direction_count)
    guidance = [(point[None], way[None] * pull) for way in ways for point in checked]
    flows = ask(predictor, guidance, options, grid)
    places = grid.to_grid(checked)
    rows = np.stack([np.abs(as_complex(_in_picture(sample(flow, places), grid))) for flow in flows])
    by_direction = np.asarray(
        rows.reshape(len(ways), len(checked), len(checked)) / pull, np.float32
    )
    return InfluenceMatrix(checked, by_direction.mean(0), by_direction, pull)


def saturation_curve(
    predictor: Predictor,
    point: ArrayLike,
    direction: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> SaturationCurve:
    """Return how the answer grows with the pull.

    Args:
        predictor: Its picture set.
        point: (2,) x, y px of the picture.
        direction: (2,) of the pull, of any length but zero.
        lengths: (K,) lengths of the pulls, px of the picture, at least 2; None takes twelve up to a
            third of the short side.
        options: How to ask. It takes K predictions.

    Raises:
        EngineError: A point outside of the picture, a direction or lengths that make no sense, no
            picture yet, or `Cancelled`.

    Source:
        Own choice. The paper's networks clip at the outermost bin (sec. 3.1, eq. 1), which this
        curve shows.
    """
    grid = grid_of(predictor, options)
    point = check_point(point, grid.image_hw)
    way = check_pull(direction)
    way = way / np.hypot(*way)
    if lengths is None:
        lengths = np.linspace(1 / 12, 1, 12) * min(grid.image_hw) / 3
    pulls = check_lengths(lengths)
    if len(pulls) < 2:
        raise ProbeError("A saturation curve needs at least two lengths; add another.")
    flows = ask(predictor, [(point[None], (way * pull)[None]) for pull in pulls], options, grid)
    place = grid.to_grid(point)[None]
    at_point = [float(_in_picture(sample(flow, place), grid)[0] @ way) for flow in flows]
    lengths_on_grid = [np.hypot(*np.moveaxis(_in_picture(flow, grid), -1, 0)) for flow in flows]
    region = lengths_on_grid[0] >= _FOLLOWS * pulls[0]
    if not region.any():
        region = lengths_on_grid[0] >= lengths_on_grid[0].max()
    return SaturationCurve(
        point=point,
        direction=way,
        pulls=pulls,
        at_point=np.array(at_point, np.float32),
        region=np.array([size[region].mean() for size in lengths_on_grid], np.float32),
        moving_share=np.array(
            [
                (size >= _FOLLOWS * pull).mean()
                for size, pull in zip(lengths_on_grid, pulls, strict=True)
            ],
            np.float32,
        ),
    )


def _in_picture(flow: Float, grid: ProbeGrid) -> Float:
    """Return vectors (..., 2) of the grid in px of the picture."""
    return np.asarray(flow / grid.scale_xy, np.float32)
