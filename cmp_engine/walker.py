"""Guidance -> total flow, in as many steps as it takes.

What goes beyond the reach of one prediction, or is asked for by way of other poses, is walked: the
picture is moved a part of the way, looked at again there, and moved on. The flows of the steps are
composed, so the picture itself is still resampled only once.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import Cancelled, GuidanceError
from cmp_engine.guidance import check_guidance
from cmp_engine.holes import nearest_true
from cmp_engine.resample import pixel_grid, sample_field, sample_field_points
from cmp_engine.tidy import tidied
from cmp_engine.warp import BackwardMap

Arrows: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Checked points (N, 2) and displacements (N, 2), px of the picture."""

Float = NDArray[np.float32]

_MAX_STEPS: Final = 16
_MAX_VIA: Final = 64
_KEPT_BYTES: Final = 256 << 20
_HIDDEN_PX: Final = 1.5
"""A pixel is hidden if where it lands a source farther than this from it is seen, px."""


class FlowPredictor(Protocol):
    """What is needed of a `cmp_engine.predictor.MotionPredictor`."""

    @property
    def image_hw(self) -> tuple[int, int] | None:
        """Size of the picture set, px."""

    @property
    def reach_px(self) -> float | None:
        """Longest displacement per axis that one prediction can answer, px of the picture."""

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take a picture."""

    def predict_many(
        self,
        guidance: Sequence[tuple[ArrayLike, ArrayLike]],
        *,
        size_hw: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return the forward flows (B, h, w, 2) of several guidance sets."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What one layer of a frame is told.

    Attributes:
        points: (N, 2) x, y px of the picture (not of the frame).
        displacements: (N, 2) total displacement from the picture, px of the picture.
        via: Displacements (N, 2) that are passed on the way there, each from the picture: the
            network looks again at each of them. Empty lets it look again only where one step does
            not reach.
    """

    points: ArrayLike
    displacements: ArrayLike
    via: Sequence[ArrayLike] = ()


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture on the grid of the frames, and how to move it.

    Attributes:
        image: (H, W, 3) uint8, the picture that the predictor has.
        size_hw: Size of the frames.
        render: A total flow to the picture moved by it, for looking at.
        invert: A total flow to its backward map.
    """

    image: NDArray[np.uint8]
    size_hw: tuple[int, int]
    render: Callable[[Float], NDArray[np.uint8]]
    invert: Callable[[Float], BackwardMap]


class FlowWalker:
    """Turns guidance into total flows on the grid of the frames.

    Args:
        predictor: Has the canvas's picture, and has it again whenever `flows` has returned.
        canvas: What is moved.
        keep: (h, w) in [0, 1], the part of the motion that each pixel takes; None is all of it.
        freeze: (h, w) in [0, 1]; arrows that start where it is above 0.5 count as pins.
        scales_linearly: The predictor answers half the arrows with half the flow.
    """

    def __init__(
        self,
        predictor: FlowPredictor,
        canvas: Canvas,
        *,
        keep: Float | None = None,
        freeze: Float | None = None,
        scales_linearly: bool = False,
    ) -> None:
        self._freeze = freeze
        self._predictor = predictor
        self._canvas = canvas
        self._keep = keep
        self._scales_linearly = scales_linearly
        self._reach = predictor.reach_px
        height, width = canvas.image.shape[:2]
        self._image_hw = (height, width)
        self._size_hw = canvas.size_hw
        self._scale_xy = np.array(self._size_hw[::-1], np.float32) / np.array(
            (width, height), np.float32
        )
        self._reference: tuple[Arrows, Float] | None = None
        self._poses: OrderedDict[bytes, Float] = OrderedDict()
        flow_bytes = 8 * self._size_hw[0] * self._size_hw[1]
        self._poses_kept = min(max(4, _KEPT_BYTES // flow_bytes), 16)
        self._pose_set: bytes | None = None

    def flows(
        self, guidance: Sequence[Guidance], cancelled: Callable[[], bool]
    ) -> list[NDArray[np.float32]]:
        """Return the total forward flow of each guidance set, (h, w, 2) px of the frames.

        Raises:
            GuidanceError: Points or displacements that make no sense, or too long.
            Cancelled: ``cancelled`` returned True.
        """
        sets = [
            self._pin_frozen(check_guidance(item.points, item.displacements, self._image_hw))
            for item in guidance
        ]
        flows = [np.zeros((*self._size_hw, 2), np.float32) for _ in sets]
        moving = [index for index, (_, vectors) in enumerate(sets) if vectors.any()]
        ways = {index: self._ways(sets[index], guidance[index].via) for index in moving}
        near = [index for index in moving if len(ways[index]) == 1]
        for index, flow in zip(near, self._predict([sets[i] for i in near]), strict=True):
            flows[index] = flow
        try:
            for index in moving:
                if len(ways[index]) > 1:
                    flows[index] = self._walk(sets[index][0], ways[index], cancelled)
        finally:
            self._look_at(None)
        return flows

    def _predict(self, sets: Sequence[Arrows]) -> list[Float]:
        if not sets:
            return []
        if self._scales_linearly:
            return self._predict_scaled(sets)
        flows = self._predictor.predict_many(sets, size_hw=self._size_hw)
        return [self._hold(flow) for flow in flows]

    def _predict_scaled(self, sets: Sequence[Arrows]) -> list[Float]:
        flows = []
        for arrows in sets:
            factor = None if self._reference is None else _ratio(arrows, self._reference[0])
            if self._reference is None or factor is None:
                flow = self._predictor.predict_many([arrows], size_hw=self._size_hw)[0]
                self._reference, factor = (arrows, flow), 1.0
            flows.append(self._hold(self._reference[1] * np.float32(factor)))
        return flows

    def _hold(self, flow: Float, since: Float | None = None) -> Float:
        """Return a flow fit for moving the picture, with held pixels held.

        Args:
            flow: Total flow.
            since: The part of it that was held already.
        """
        flow = tidied(flow)
        if self._keep is None:
            return flow
        if since is None:
            flow *= self._keep[..., None]
            return flow
        held: Float = since + (flow - since) * self._keep[..., None]
        return held

    def _ways(self, arrows: Arrows, via: Sequence[ArrayLike]) -> list[Float]:
        """Return the displacements to stop at, the last of which are the arrows' own.

        All steps but the last go as far as the network reaches, so that a growing arrow passes
        through the same poses, which are kept.
        """
        points, vectors = arrows
        if len(via):
            if len(via) >= _MAX_VIA:
                raise GuidanceError(
                    "An arrow goes there in {count} steps, and at most {max_via} are taken; make "
                    "it shorter.",
                    count=len(via) + 1,
                    max_via=_MAX_VIA,
                )
            stops = [check_guidance(points, stop, self._image_hw)[1] for stop in via]
            is_held = ~vectors.any(axis=1, keepdims=True)
            return [np.where(is_held, np.float32(0), stop) for stop in stops] + [vectors]
        if self._reach is None:
            return [vectors]
        longest = float(np.abs(vectors).max())
        steps = max(1, math.ceil(longest / self._reach - 1e-6))
        if steps > _MAX_STEPS:
            raise GuidanceError(
                "An arrow of {longest:.0f} px is too long: this network reaches {reach:.0f} px in "
                "one step, and at most {max_steps} steps are taken. Make it shorter.",
                longest=longest,
                reach=self._reach,
                max_steps=_MAX_STEPS,
            )
        shares = [step * self._reach / longest for step in range(1, steps)]
        return [vectors * np.float32(share) for share in shares] + [vectors]

    def _walk(
        self, points: Float, ways: Sequence[Float], cancelled: Callable[[], bool]
    ) -> NDArray[np.float32]:
        """Return the total flow at the last of several displacements, step by step."""
        limit = np.array(self._size_hw[::-1], np.float32) - 0.5
        key: bytes | None = None
        total = np.zeros((*self._size_hw, 2), np.float32)
        done = np.zeros_like(ways[-1])
        for so_far in ways:
            if cancelled():
                raise Cancelled("Rendering was cancelled.")
            pose = points.tobytes() + np.rint(so_far * 64).tobytes()
            kept = self._poses.get(pose)
            if kept is not None:
                self._poses.move_to_end(pose)
                total = kept
            else:
                self._look_at(key, total)
                part = so_far - done
                if key is None:
                    (flow,) = self._predictor.predict_many([(points, part)], size_hw=self._size_hw)
                    total = self._hold(flow)
                else:
                    at = (points + done + 0.5) * self._scale_xy - 0.5
                    at = np.clip(at, -0.5, limit)
                    (flow,) = self._predictor.predict_many([(at, part * self._scale_xy)])
                    moved = compose_forward(total, flow, self._canvas.invert(total))
                    total = self._hold(moved, since=total)
            key, done = pose, so_far
            if so_far is not ways[-1]:
                self._poses[pose] = total
                if len(self._poses) > self._poses_kept:
                    self._poses.popitem(last=False)
        return total

    def _look_at(self, pose: bytes | None, total: Float | None = None) -> None:
        """Have the predictor look at the picture moved by a total flow; None is unmoved."""
        if pose == self._pose_set:
            return
        self._pose_set = pose
        canvas = self._canvas
        still = canvas.image
        moved = still if pose is None or total is None else canvas.render(total)
        self._predictor.set_image(moved)

    def _pin_frozen(self, arrows: Arrows) -> Arrows:
        points, vectors = arrows
        if self._freeze is None or not len(points):
            return arrows
        at = ((points + 0.5) * self._scale_xy - 0.5).astype(np.float32)
        frozen = sample_field_points(self._freeze, at, "nearest") > 0.5
        return points, np.where(frozen[:, None], np.float32(0), vectors)


def compose_forward(
    first: NDArray[np.float32], second: NDArray[np.float32], backward: BackwardMap
) -> NDArray[np.float32]:
    """Return the forward flow of one motion after another, on the grid of the first.

    Pixels that the first motion hides behind others were not there to be seen moving; they move on
    as the nearest ones that were.

    Args:
        first: (h, w, 2) forward flow, px.
        second: (h, w, 2) forward flow of the result of the first, px.
        backward: The inverse of the first.
    """
    height, width = first.shape[:2]
    at = pixel_grid(height, width) + first
    moved = sample_field(second, at)
    seen = sample_field(backward.map_xy, at, "nearest") - pixel_grid(height, width)
    hidden = np.maximum(np.abs(seen[..., 0]), np.abs(seen[..., 1])) > _HIDDEN_PX
    if hidden.any():
        speed = np.hypot(first[..., 0], first[..., 1])
        like = ~hidden & (speed <= speed[hidden].max() + 1)
        if like.any():
            _, nearest = nearest_true(like)
            moved[hidden] = moved.reshape(-1, 2)[nearest.reshape(height, width)[hidden]]
    return first + moved


def _ratio(arrows: Arrows, reference: Arrows) -> float | None:
    """Return the factor between two sets that differ in strength alone, else None."""
    if arrows[0].shape != reference[0].shape or not np.array_equal(arrows[0], reference[0]):
        return None
    length = float((reference[1] ** 2).sum())
    factor = float((arrows[1] * reference[1]).sum()) / length
    if not np.allclose(arrows[1], reference[1] * factor, rtol=0, atol=1e-3):
        return None
    return factor
