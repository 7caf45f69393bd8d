"""The ground that all probes stand on: a grid over the picture, and asking the network on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import Cancelled, NotReadyError, ProbeError
from cmp_engine.guidance import GuidanceSet, check_guidance
from cmp_engine.upsampling import Upsampling

Float = NDArray[np.float32]
_ValueT = TypeVar("_ValueT", np.float32, np.complex64)

MAX_SIDE: Final = 512
"""Longest side of the grid that probes answer on, px, unless asked otherwise."""

PULL_SHARE: Final = 1 / 24
"""Length of a pull as a share of the picture's short side, unless asked otherwise: 16 px of 384."""

_CHUNK: Final = 8
_LARGEST_SIDE: Final = 10_000


class Predictor(Protocol):
    """What a probe asks: `cmp_engine.MotionPredictor` with its picture set, or a stand-in."""

    @property
    def image_hw(self) -> tuple[int, int] | None:
        """Height and width of the picture, px; None before there is one."""

    def predict_many(
        self,
        guidance: Sequence[GuidanceSet],
        *,
        upsampling: Upsampling = ...,
        size_hw: tuple[int, int] | None = ...,
    ) -> Float:
        """Return forward flows (B, h, w, 2), px of the grid ``size_hw``."""


def never() -> bool:
    """Return False: nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How to ask, the same for every probe.

    Attributes:
        max_side: Longest side of the grid that is answered on, px; a smaller picture keeps its own
            size. None is always the picture's own size.
        upsampling: ``edge_aware`` follows the picture's edges, ``bilinear`` is as published.
        progress: Called with predictions done and all predictions.
        cancelled: Asked between predictions; True stops with `Cancelled`.
    """

    max_side: int | None = MAX_SIDE
    upsampling: Upsampling = "edge_aware"
    progress: Callable[[int, int], None] | None = None
    cancelled: Callable[[], bool] = never


DEFAULT_OPTIONS: Final = ProbeOptions()


@dataclass(frozen=True, slots=True)
class ProbeGrid:
    """Where the cells of an answer lie on the picture.

    Attributes:
        image_hw: Height and width of the picture, px.
        grid_hw: Height and width of the grid, px of the grid.
    """

    image_hw: tuple[int, int]
    grid_hw: tuple[int, int]

    @classmethod
    def fit(cls, image_hw: tuple[int, int], max_side: int | None = MAX_SIDE) -> ProbeGrid:
        """Return the grid of a picture whose longest side is at most ``max_side``.

        Raises:
            ProbeError: ``max_side`` is not from 8 to 10,000.
        """
        if max_side is None:
            return cls(image_hw, image_hw)
        if not 8 <= max_side <= _LARGEST_SIDE:
            raise ProbeError(
                "The longest side of the grid must be from 8 to {largest_side} px, got {max_side}.",
                largest_side=_LARGEST_SIDE,
                max_side=max_side,
            )
        shrink = min(1.0, max_side / max(image_hw))
        height, width = (max(1, round(side * shrink)) for side in image_hw)
        return cls(image_hw, (height, width))

    @property
    def scale_xy(self) -> Float:
        """Px of the grid for each px of the picture, (2,) for x and y."""
        (height, width), (rows, columns) = self.image_hw, self.grid_hw
        return np.array([columns / width, rows / height], np.float32)

    @property
    def short_side(self) -> float:
        """Short side of the grid, px of the grid."""
        return float(min(self.grid_hw))

    def to_grid(self, points: ArrayLike) -> Float:
        """Return points (..., 2) of the picture as points of the grid; centres at integers."""
        points = np.asarray(points, np.float32)
        return np.asarray((points + 0.5) * self.scale_xy - 0.5, np.float32)

    def to_image(self, points: ArrayLike) -> Float:
        """Return points (..., 2) of the grid as points of the picture."""
        points = np.asarray(points, np.float32)
        return np.asarray((points + 0.5) / self.scale_xy - 0.5, np.float32)

    def centers(self) -> NDArray[np.complex64]:
        """Return the grid's own coordinates (h, w) as x + iy, px of the grid."""
        rows, columns = self.grid_hw
        y, x = np.mgrid[:rows, :columns].astype(np.float32)
        return np.asarray(x + 1j * y, np.complex64)


def grid_of(predictor: Predictor, options: ProbeOptions) -> ProbeGrid:
    """Return the grid that a predictor is asked on.

    Raises:
        NotReadyError: The predictor has no picture yet.
        ProbeError: The size makes no sense.
    """
    if predictor.image_hw is None:
        raise NotReadyError("There is no picture yet; call set_image before a probe.")
    return ProbeGrid.fit(predictor.image_hw, options.max_side)


def ask(
    predictor: Predictor, guidance: Sequence[GuidanceSet], options: ProbeOptions, grid: ProbeGrid
) -> Float:
    """Return the flows (B, h, w, 2) of some guidance, px of the grid.

    Raises:
        Cancelled: ``options.cancelled`` returned True.
        EngineError: As `cmp_engine.MotionPredictor.predict_many`.
    """
    flows = np.empty((len(guidance), *grid.grid_hw, 2), np.float32)
    for start in range(0, len(guidance), _CHUNK):
        if options.cancelled():
            raise Cancelled("The probe was stopped.")
        chosen = guidance[start : start + _CHUNK]
        flows[start : start + len(chosen)] = predictor.predict_many(
            chosen, upsampling=options.upsampling, size_hw=grid.grid_hw
        )
        if options.progress is not None:
            options.progress(start + len(chosen), len(guidance))
    return flows


def check_points(points: ArrayLike, image_hw: tuple[int, int], *, least: int = 1) -> Float:
    """Return points (N, 2) float32, px of the picture, after checking them.

    Raises:
        GuidanceError: Not points, or one outside of the picture.
        ProbeError: Not numbers, or fewer than ``least`` points.
    """
    array = np.zeros((0, 2), np.float32)
    if np.size(points):
        try:
            array = np.asarray(points, np.float32)
        except (TypeError, ValueError) as error:
            raise ProbeError(
                "Expected points as pairs of numbers, in px: {error}.", error=error
            ) from error
    checked, _ = check_guidance(array, np.zeros_like(array), image_hw, name="Point")
    if len(checked) < least:
        wanted = "one point" if least == 1 else f"{least} points"
        raise ProbeError(
            "Expected at least {wanted} to probe, got {count}; add some.",
            wanted=wanted,
            count=len(checked),
        )
    return checked


def check_point(point: ArrayLike, image_hw: tuple[int, int]) -> Float:
    """Return one point (2,) float32, px of the picture, after checking it.

    Raises:
        GuidanceError: Not a point, or outside of the picture.
    """
    return np.asarray(check_points(np.reshape(point, (1, -1)), image_hw)[0])


def check_pull(pull: ArrayLike) -> Float:
    """Return a pull (2,) float32, px of the picture, after checking it.

    Raises:
        ProbeError: Not two finite numbers, or zero.
    """
    try:
        array = np.asarray(pull, np.float32)
    except (TypeError, ValueError) as error:
        raise ProbeError(
            "Expected a pull as two numbers dx, dy in px: {error}.", error=error
        ) from error
    if array.shape != (2,) or not np.isfinite(array).all() or not array.any():
        raise ProbeError(
            "Expected a pull as two numbers dx, dy in px, not both zero, got {values}.",
            values=array.tolist(),
        )
    return array


def check_lengths(lengths: ArrayLike) -> Float:
    """Return lengths of pulls (M,) float32, px of the picture, sorted, after checking them.

    Raises:
        ProbeError: None, or one that is not a positive number.
    """
    array = np.sort(np.asarray(lengths, np.float32).ravel())
    if not len(array) or not (np.isfinite(array) & (array > 0)).all():
        raise ProbeError(
            "Expected lengths of pulls above 0, in px, at least one, got {values}.",
            values=array.tolist(),
        )
    return array


def default_length(image_hw: tuple[int, int]) -> float:
    """Return the length of a pull, px of the picture, when none is asked for."""
    return min(image_hw) * PULL_SHARE


def directions(count: int) -> Float:
    """Return unit vectors (count, 2) evenly around, from +x on, clockwise on the screen.

    Raises:
        ProbeError: ``count`` is not from 1 to 64.
    """
    if not 1 <= count <= 64:
        raise ProbeError("The number of directions must be from 1 to 64, got {count}.", count=count)
    angle = 2 * np.pi * np.arange(count) / count
    return np.asarray(np.stack([np.cos(angle), np.sin(angle)], 1), np.float32)


def as_complex(vectors: Float) -> NDArray[np.complex64]:
    """Return vectors (..., 2) as complex numbers x + iy."""
    return np.asarray(vectors[..., 0] + 1j * vectors[..., 1], np.complex64)


def sample(field: NDArray[_ValueT], points: Float) -> NDArray[_ValueT]:
    """Return a field at points, bilinear between pixels, the edge's value beyond it.

    Args:
        field: (h, w) or (h, w, C), real or complex.
        points: (N, 2) x, y px of the field's grid.

    Returns:
        (N,) or (N, C).
    """
    height, width = field.shape[:2]
    x = np.clip(points[:, 0], 0, width - 1)
    y = np.clip(points[:, 1], 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, low = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    shape = (-1,) + (1,) * (field.ndim - 2)
    a, b = (x - left).reshape(shape), (y - top).reshape(shape)
    mixed: NDArray[np.generic] = (
        field[top, left] * (1 - a) * (1 - b)
        + field[top, right] * a * (1 - b)
        + field[low, left] * (1 - a) * b
        + field[low, right] * a * b
    )
    return mixed.astype(field.dtype)
