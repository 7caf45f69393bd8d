"""Fewer questions to the network: key poses are predicted, the poses between them are blended.

Neighbouring frames of a film ask nearly the same. Where the arrows go straight from one pose to
another that is near, the flow of a pose between is the mixture of the two flows. A film takes a
fraction of the predictions then, and cannot flicker between key poses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from cmp_engine.sequence import FlowPredictor

Pose: TypeAlias = bytes
"""Displacements of all tracks in steps of 1/1024 px: equal for equal poses, whatever their type."""

Vectors: TypeAlias = NDArray[np.float64]

_STEPS_PER_PX: Final = 1024
_SLACK: Final = 1 / 16
_MOST_BETWEEN: Final = 48
_KEPT_FLOWS: Final = 4


@dataclass(frozen=True, slots=True)
class Blend:
    """A pose as a mixture of two key poses.

    Attributes:
        before: The key pose that the film comes from.
        after: The key pose that it goes to.
        share: Of ``after``, 0..1.
    """

    before: Pose
    after: Pose
    share: float


class InBetweens:
    """Answers as the predictor does, but asks it for the key poses of a film only.

    What does not belong to the film is predicted as it is.

    Args:
        predictor: Has the picture.
        points: (N, 2) x, y px of the picture, where the film's tracks start.
        poses: (N, 2) displacements of every frame, px, in the order of time.
        spacing_px: How far an arrow goes at most from one key pose to the next, px of the picture.
    """

    def __init__(
        self,
        predictor: FlowPredictor,
        points: ArrayLike,
        poses: Sequence[ArrayLike],
        *,
        spacing_px: float,
    ) -> None:
        self._predictor = predictor
        self._points = np.array(points, np.float32).reshape(-1, 2)
        vectors = [np.array(pose, np.float64).reshape(-1, 2) for pose in poses]
        self._vectors = {name_of(vector): vector for vector in vectors}
        self._blends = plan_blends(list(self._vectors.values()), spacing_px)
        self._flows: OrderedDict[Pose, NDArray[np.float32]] = OrderedDict()
        self._size_hw: tuple[int, int] | None = None

    @property
    def image_hw(self) -> tuple[int, int] | None:
        """Size of the picture set, px."""
        return self._predictor.image_hw

    @property
    def reach_px(self) -> float | None:
        """Longest displacement per axis that one prediction can answer, px of the picture."""
        return self._predictor.reach_px

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take a picture."""
        self._predictor.set_image(image)

    def predict_many(
        self,
        guidance: Sequence[tuple[ArrayLike, ArrayLike]],
        *,
        size_hw: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return the forward flows (B, h, w, 2) of several guidance sets."""
        if size_hw != self._size_hw:
            self._flows.clear()
            self._size_hw = size_hw
        plan = [self._find(*pair) for pair in guidance]
        missing = self._missing([blend for blend in plan if blend is not None])
        strange = [pair for pair, blend in zip(guidance, plan, strict=True) if blend is None]
        keys = [(self._points, self._vectors[pose]) for pose in missing]
        answers: list[NDArray[np.float32]] = []
        if keys or strange:
            answers = list(self._predictor.predict_many([*keys, *strange], size_hw=size_hw))
        for pose, flow in zip(missing, answers, strict=False):
            self._flows[pose] = flow
        others = iter(answers[len(missing) :])
        flows = [next(others) if blend is None else self._mix(blend) for blend in plan]
        while len(self._flows) > _KEPT_FLOWS:
            self._flows.popitem(last=False)
        return np.stack(flows)

    def _find(self, points: ArrayLike, displacements: ArrayLike) -> Blend | None:
        if not np.array_equal(np.asarray(points, np.float32), self._points):
            return None
        return self._blends.get(name_of(np.asarray(displacements, np.float64)))

    def _missing(self, blends: Sequence[Blend]) -> list[Pose]:
        """Return the key poses with motion in them whose flow is not there, each once."""
        poses = [pose for blend in blends for pose in _needed(blend)]
        return [
            pose
            for pose in dict.fromkeys(poses)
            if pose not in self._flows and self._vectors[pose].any()
        ]

    def _mix(self, blend: Blend) -> NDArray[np.float32]:
        flows = []
        for pose, weight in _needed(blend).items():
            if pose in self._flows:  # else nothing moves in it
                self._flows.move_to_end(pose)
                flows.append(self._flows[pose] * np.float32(weight))
        return flows[0] if len(flows) == 1 else flows[0] + flows[1]


def plan_blends(poses: Sequence[Vectors], spacing: float) -> dict[Pose, Blend]:
    """Return every pose with motion in it as a mixture of two key poses, which are among them.

    From one key pose to the next no arrow goes further than ``spacing``, and the poses between lie
    on the straight way, in order.

    Args:
        poses: (N, 2) displacements each, in the order of time, no two of them equal.
        spacing: Px, as the poses.
    """
    blends: dict[Pose, Blend] = {}
    names = [name_of(pose) for pose in poses]
    start = 0
    while start < len(poses):
        last = start
        shares = np.zeros(1)
        for end in range(start + 1, min(start + _MOST_BETWEEN, len(poses))):
            found = _shares(poses[start : end + 1], spacing)
            if found is None:
                break
            last, shares = end, found
        for index, share in zip(range(start, last + 1), shares, strict=True):
            if poses[index].any():
                blend = Blend(names[start], names[last], float(share))
                blends.setdefault(names[index], blend)
        start = max(last, start + 1)
    return blends


def name_of(vectors: Vectors) -> Pose:
    """Return the pose that displacements (N, 2) in px stand for."""
    return np.round(vectors * _STEPS_PER_PX).astype(np.int64).tobytes()


def _needed(blend: Blend) -> dict[Pose, float]:
    """Return the key poses that a mixture takes something of, with their weights."""
    if blend.before == blend.after:
        return {blend.after: 1.0}
    weights = {blend.before: 1 - blend.share, blend.after: blend.share}
    return {pose: weight for pose, weight in weights.items() if weight > 0}


def _shares(poses: Sequence[Vectors], spacing: float) -> NDArray[np.float64] | None:
    """Return where the poses lie between the first and the last, or None where they don't."""
    stack = np.stack(poses)
    way = stack[-1] - stack[0]
    if np.hypot(way[:, 0], way[:, 1]).max(initial=0.0) > spacing:
        return None
    shares = ((stack - stack[0]) * way).sum(axis=(1, 2)) / (way**2).sum()
    off = stack - stack[0] - shares[:, None, None] * way
    is_straight = np.hypot(off[..., 0], off[..., 1]).max(initial=0.0) <= _SLACK * spacing
    return shares if is_straight and (np.diff(shares) > 0).all() else None
