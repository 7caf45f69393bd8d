"""Guidance at the engine's border: points and displacements, checked, and made into tensors.

An arrow is a point and a displacement, a pin an arrow of displacement zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import GuidanceError
from cmp_engine.geometry import ImageGeometry
from cmp_engine.modeling.cmp import Guidance
from cmp_engine.sentences import Sentence

GuidanceSet: TypeAlias = tuple[ArrayLike, ArrayLike]
"""Points (N, 2) x, y and displacements (N, 2) dx, dy, in px of the picture."""


def check_guidance(
    points: ArrayLike,
    displacements: ArrayLike,
    image_hw: tuple[int, int],
    *,
    name: str = "Arrow",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points and displacements as arrays, after checking them.

    Args:
        points: (N, 2) x, y px of the picture, pixel centres at integers; N may be 0. The picture
            covers [-0.5, W - 0.5] x [-0.5, H - 0.5].
        displacements: (N, 2) forward displacement dx, dy in px of the picture; zero is a pin. The
            end of an arrow may lie outside of the picture.
        image_hw: Height and width of the picture, px.
        name: What the user calls one of them, for messages.

    Returns:
        Points (N, 2) and displacements (N, 2), float32.

    Raises:
        GuidanceError: A wrong shape or count, a value that is not a finite number, or a point
            outside of the picture. The message names the arrow, counted from 1.
    """
    point_array = _as_pairs(points, "points")
    vector_array = _as_pairs(displacements, "displacements")
    if len(point_array) != len(vector_array):
        raise GuidanceError(
            "Expected one displacement for each point, got {point_count} points and {count} "
            "displacements.",
            point_count=len(point_array),
            count=len(vector_array),
        )
    for part, array in (("point", point_array), ("displacement", vector_array)):
        if (bad := _first(~np.isfinite(array).all(axis=1))) is not None:
            raise GuidanceError(
                "{name} {number} has the {part} {pair}; expected two finite numbers, in px.",
                name=name,
                number=bad + 1,
                part=part,
                pair=_pair(array[bad]),
            )
    height, width = image_hw
    limit = np.array([width - 0.5, height - 0.5], np.float32)
    if (bad := _first(((point_array < -0.5) | (point_array > limit)).any(axis=1))) is not None:
        raise GuidanceError(
            "{name} {number} {verb} at {point}, outside of the picture of {width} x {height} px; "
            "move it inside or remove it.",
            name=name,
            number=bad + 1,
            verb=Sentence("starts") if name == "Arrow" else Sentence("is"),
            point=_pair(point_array[bad]),
            width=width,
            height=height,
        )
    return point_array, vector_array


def to_network(
    points: NDArray[np.float32], displacements: NDArray[np.float32], geometry: ImageGeometry
) -> Guidance:
    """Return one checked set as guidance on the network grid, a batch of one on the CPU.

    Args:
        points: (N, 2) float32 x, y px of the picture, as `check_guidance` returns them.
        displacements: (N, 2) float32 dx, dy px of the picture.
        geometry: The picture's way to the network.
    """
    return batch_to_network([(points, displacements)], geometry)


def batch_to_network(
    sets: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], geometry: ImageGeometry
) -> Guidance:
    """Return several checked sets as one batch on the CPU, padded to the longest of them.

    Args:
        sets: Points and displacements in px of the picture, as `check_guidance` returns them.
        geometry: The picture's way to the network.

    Returns:
        Guidance with batch len(sets); padding has point and vector zero and ``valid`` False.
    """
    longest = max((len(points) for points, _ in sets), default=0)
    points_out = np.zeros((len(sets), longest, 2), np.float32)
    vectors_out = np.zeros((len(sets), longest, 2), np.float32)
    valid = np.zeros((len(sets), longest), np.bool_)
    for index, (points, displacements) in enumerate(sets):
        count = len(points)
        points_out[index, :count] = geometry.points_to_network(points)
        vectors_out[index, :count] = geometry.vectors_to_network(displacements)
        valid[index, :count] = True
    return Guidance(
        points=torch.from_numpy(points_out),
        vectors=torch.from_numpy(vectors_out),
        valid=torch.from_numpy(valid),
    )


def _as_pairs(values: ArrayLike, name: str) -> NDArray[np.float32]:
    try:
        # Doubles too large for float32 become inf, which the caller reports as not finite.
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise GuidanceError(
            "Expected {name} as pairs of numbers, (N, 2): {error}.", name=name, error=error
        ) from error
    if array.size == 0:
        return np.zeros((0, 2), np.float32)
    if array.ndim != 2 or array.shape[1] != 2:
        raise GuidanceError(
            "Expected {name} as pairs of numbers, shape (N, 2), got shape {shape}.",
            name=name,
            shape=array.shape,
        )
    return array


def _first(is_bad: ArrayLike) -> int | None:
    indices = np.flatnonzero(is_bad)
    return int(indices[0]) if len(indices) else None


def _pair(values: NDArray[np.float32]) -> str:
    return f"({values[0]:g}, {values[1]:g})"
