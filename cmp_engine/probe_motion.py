"""Shift or rotate: which rigid motion a part makes when it is pulled, and about which joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
    check_pull,
    default_length,
    directions,
    grid_of,
)
from cmp_engine.rigid_fit import (
    MotionName,
    RigidFit,
    common_center,
    divergence_and_curl,
    fit_rigid,
    following_region,
)

ROTATE_SHARE: Final = 0.16
"""``turning_share`` from which a motion counts as a rotation.

Chosen on the true motion of 24 puppet scenes; `train.eval.probes` measures it on others. A joint
farther from the point than about half the short side of the picture passes for none.
"""

REACH_SHARE: Final = 1 / 16
"""How far from the point the fit looks, as a share of the short side: a Gaussian's deviation."""


@dataclass(frozen=True, slots=True)
class MotionKind:
    """Which rigid motion a part makes when it is pulled.

    Attributes:
        grid: Where the arrays lie on the picture.
        point: (2,) x, y px of the picture.
        pulls: (D, 2) float32 px of the picture.
        fits: The fit of each pull; lengths and places in px of the picture.
        kind: What most of the pulls say, each counted by how much moves.
        center: (x, y) px of the picture that all pulls together leave in place best, or None.
        strongest: Number of the pull that moves most; the arrays below are of it.
        flow: (h, w, 2) float32 px of the grid.
        region: (h, w) bool, what the fit looked at.
        divergence: (h, w) float32 growth of area per unit.
        curl: (h, w) float32 twice the rate of turning, radians, clockwise on the screen.
    """

    grid: ProbeGrid
    point: Float
    pulls: Float
    fits: tuple[RigidFit, ...]
    kind: MotionName
    center: tuple[float, float] | None
    strongest: int
    flow: Float
    region: NDArray[np.bool_]
    divergence: Float
    curl: Float

    @property
    def turning_share(self) -> float:
        """Mean `RigidFit.turning_share` of the pulls that move something."""
        moving = [fit.turning_share for fit in self.fits if fit.kind != "still"]
        return float(np.mean(moving)) if moving else 0.0


def shift_or_rotate(
    predictor: Predictor,
    point: ArrayLike,
    pull: ArrayLike | None = None,
    *,
    direction_count: int = 8,
    length: float | None = None,
    options: ProbeOptions = DEFAULT_OPTIONS,
) -> MotionKind:
    """Return whether a part shifts or rotates when it is pulled, and about which joint.

    Args:
        predictor: Its picture set.
        point: (2,) x, y px of the picture.
        pull: (2,) one pull, px of the picture; None pulls in all directions.
        direction_count: Directions, evenly around, without ``pull``.
        length: Of those pulls, px of the picture; None is a 24th of the short side.
        options: How to ask. It takes a prediction for each pull.

    Raises:
        EngineError: A point outside of the picture, a pull, length or count that makes no sense,
            no picture yet, or `Cancelled`.

    Source:
        Paper sec. 4.2, "kinematically-coherent": a shifting part moves uniformly, a rotating one
        fades towards its joint. The fit is our own choice.
    """
    grid = grid_of(predictor, options)
    point = check_point(point, grid.image_hw)
    if pull is not None:
        pulls = check_pull(pull)[None]
    else:
        far = default_length(grid.image_hw) if length is None else length
        pulls = directions(direction_count) * check_lengths([far])[0]
    flows = ask(predictor, [(point[None], one[None]) for one in pulls], options, grid)
    return motion_of_flows(flows, point, np.asarray(pulls, np.float32), grid)


def motion_of_flows(flows: Float, point: Float, pulls: Float, grid: ProbeGrid) -> MotionKind:
    """Return what `shift_or_rotate` makes of flows that are already there.

    Args:
        flows: (D, h, w, 2) px of the grid.
        point: (2,) x, y px of the picture, where all pulls start.
        pulls: (D, 2) px of the picture.
        grid: Where the flows lie on the picture.
    """
    z = _picture_places(grid)
    seed = np.clip(np.rint(grid.to_grid(point)), 0, np.array(grid.grid_hw)[::-1] - 1).astype(int)
    near = np.exp(
        -(np.abs(z - complex(*point)) ** 2) / (2 * (REACH_SHARE * min(grid.image_hw)) ** 2)
    ).astype(np.float32)
    fits, regions, moved, places, weights = [], [], [], [], []
    for flow, pull in zip(flows, pulls, strict=True):
        motion = as_complex(np.asarray(flow / grid.scale_xy, np.float32))
        length = float(np.hypot(*pull))
        follow = np.asarray(np.abs(motion) / length, np.float32)
        region = following_region(follow, (int(seed[0]), int(seed[1])))
        regions.append(region)
        moved.append(motion[region])
        places.append(z[region])
        weights.append(near[region])
        fits.append(
            fit_rigid(
                motion[region],
                z[region],
                pull=length,
                rotate_share=ROTATE_SHARE,
                weights=near[region],
            )
        )
    strengths = [float(np.sum(np.abs(m) * w)) for m, w in zip(moved, weights, strict=True)]
    strongest = int(np.argmax(strengths))
    spread, turning = divergence_and_curl(flows[strongest])
    return MotionKind(
        grid=grid,
        point=point,
        pulls=pulls,
        fits=tuple(fits),
        kind=_vote(fits, strengths),
        center=common_center(moved, places, weights),
        strongest=strongest,
        flow=flows[strongest],
        region=regions[strongest],
        divergence=spread,
        curl=turning,
    )


def _picture_places(grid: ProbeGrid) -> NDArray[np.complex64]:
    centers = grid.centers()
    return as_complex(grid.to_image(np.stack([centers.real, centers.imag], -1)))


def _vote(fits: list[RigidFit], strengths: list[float]) -> MotionName:
    votes: dict[MotionName, float] = {"still": 1e-9, "shift": 0.0, "rotate": 0.0}
    for fit, strength in zip(fits, strengths, strict=True):
        votes[fit.kind] += strength
    return max(votes, key=lambda name: votes[name])
