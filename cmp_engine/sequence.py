"""Guidance over time -> flow -> backward map -> frames, each one resample of the picture.

Nothing drifts: every frame starts again from the picture and the arrows' total displacement.
"""

from __future__ import annotations

import itertools
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import Cancelled, GuidanceError, ImageError, NotReadyError
from cmp_engine.guidance import check_guidance
from cmp_engine.holes import nearest_true
from cmp_engine.inpaint import paint_out
from cmp_engine.resample import pixel_grid, sample_field, sample_field_points
from cmp_engine.tidy import tidied
from cmp_engine.warp import BackwardMap, BackwardMethod, backward_map, moving_parts, warp_image

FrameFill = Literal["stretch", "inpaint"]

Arrows: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Checked points (N, 2) and displacements (N, 2), px of the picture."""

_BATCH: Final = 8
_BATCH_PIXELS: Final = 16_000_000
"""Frames whose flows are predicted together, and pixels of them together."""

_PARALLEL_PIXELS: Final = 6_000_000
"""Frames larger than this are drawn one at a time, for the sake of memory."""

_MAX_STEPS: Final = 16
_POSES_KEPT: Final = 4

_HIDDEN_PX: Final = 1.5
"""A pixel is hidden if where it lands a source farther than this from it is seen, px."""

_MOSTLY: Final = 0.85
"""Beyond this part of the picture in motion there is no background to paint in."""


class FlowPredictor(Protocol):
    """What `FrameRenderer` needs of a `cmp_engine.predictor.MotionPredictor`."""

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
class RenderedFrame:
    """One frame of a film.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        flow: (h, w, 2) float32 total forward flow from the picture to this frame, px of the frame.
        holes: (h, w) bool, True where the picture has nothing to show, see `cmp_engine.warp`.
    """

    image: NDArray[np.uint8]
    flow: NDArray[np.float32]
    holes: NDArray[np.bool_]

    @property
    def hole_fraction(self) -> float:
        """Share of the frame that had to be filled, 0..1."""
        return float(self.holes.mean())


def never() -> bool:
    """Return False: nobody cancels."""
    return False


class FrameRenderer:
    """Draws frames of one picture from arrows.

    Arrows longer than one prediction can answer are walked in steps: the picture is moved as far
    as the predictor reaches, looked at again there, and moved on. The flows of the steps are
    composed; the picture itself is still resampled only once.

    Args:
        predictor: Has had ``set_image(image)``, and has that picture again whenever a method here
            has returned or yielded.
        image: (H, W, 3) uint8 RGB.
        size_hw: Size of the frames, px; None is the size of the picture.
        freeze: (H, W) in [0, 1], or the size of the frames. 1 holds a pixel still, values between
            scale its motion. Arrows that start where it is above 0.5 count as pins.
        order: (H, W), what is in front of what, see `cmp_engine.warp.backward_map`.
        method: How the flow is inverted, see `cmp_engine.warp.backward_map`.
        fill: What holes show: ``stretch`` the neighbouring background; ``inpaint`` a background
            painted in behind all that moves, the same in all frames.
        background: (H, W, 3) uint8, the picture without the parts that move. Holes show it,
            whatever ``fill`` says.
        scales_linearly: The predictor answers half the arrows with half the flow. Frames that
            differ in strength alone then share one prediction.

    Raises:
        NotReadyError: The predictor has no picture, or one of another size.
        ImageError: A picture, mask or order of the wrong shape or type.
    """

    def __init__(
        self,
        predictor: FlowPredictor,
        image: NDArray[np.uint8],
        *,
        size_hw: tuple[int, int] | None = None,
        freeze: NDArray[np.float32] | None = None,
        order: NDArray[np.float32] | None = None,
        method: BackwardMethod = "splat",
        fill: FrameFill = "stretch",
        background: NDArray[np.uint8] | None = None,
        scales_linearly: bool = False,
    ) -> None:
        _check_picture(image, "image")
        self._predictor = predictor
        self._image = image
        self._image_hw = (image.shape[0], image.shape[1])
        if predictor.image_hw != self._image_hw:
            raise NotReadyError(
                f"The predictor must have had set_image with this picture of "
                f"{self._image_hw} px (height, width); it has {predictor.image_hw}."
            )
        self._size_hw = self._image_hw if size_hw is None else size_hw
        if min(self._size_hw) < 1:
            raise ImageError(f"A frame must be at least 1 x 1 px, got size {size_hw}.")
        self._scale_xy = np.array(self._size_hw[::-1], np.float32) / np.array(
            self._image_hw[::-1], np.float32
        )
        self._base = resize_image(image, self._size_hw)
        self._freeze = None if freeze is None else self._fit_mask(freeze, "freeze mask")
        self._order = None if order is None else self._fit_mask(order, "order")
        self._method = method
        self._plate: NDArray[np.uint8] | None = None
        if background is not None:
            _check_picture(background, "background")
            self._plate = resize_image(background, self._size_hw)
        self._paints = fill == "inpaint" and background is None
        self._painted = np.zeros(self._size_hw, np.bool_)
        self._scales_linearly = scales_linearly
        self._reference: tuple[Arrows, NDArray[np.float32]] | None = None
        self._reach = predictor.reach_px
        self._poses: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._pose_set: bytes | None = None

    def frame(self, points: ArrayLike, displacements: ArrayLike) -> RenderedFrame:
        """Return one frame.

        Args:
            points: (N, 2) x, y px of the picture (not of the frame).
            displacements: (N, 2) total displacement from the picture, px of the picture.

        Raises:
            GuidanceError: Points or displacements that make no sense.
        """
        flows = self._flows([(points, displacements)], never)
        self._paint_behind(flows)
        return self._render(flows[0])

    def frames(
        self,
        guidance: Iterable[tuple[ArrayLike, ArrayLike]],
        *,
        cancelled: Callable[[], bool] = never,
    ) -> Iterator[RenderedFrame]:
        """Yield a frame for each guidance set; several share a pass through the network.

        Args:
            guidance: Points and displacements of each frame, as for `frame`. Read a few ahead.
            cancelled: Asked before each frame and each step of the network.

        Raises:
            GuidanceError: Points or displacements that make no sense.
            Cancelled: ``cancelled`` returned True.
        """
        pixels = self._size_hw[0] * self._size_hw[1]
        batch = max(1, min(_BATCH, _BATCH_PIXELS // pixels))
        workers = 1 if pixels > _PARALLEL_PIXELS else min(4, os.cpu_count() or 1)
        source = iter(guidance)
        while chunk := list(itertools.islice(source, batch)):
            _stop_if(cancelled)
            flows = self._flows(chunk, cancelled)
            self._paint_behind(flows)
            if workers == 1:
                for flow in flows:
                    _stop_if(cancelled)
                    yield self._render(flow)
                continue
            with ThreadPoolExecutor(workers, "frame") as pool:
                drawn = [pool.submit(self._render, flow) for flow in flows]
                try:
                    for future in drawn:
                        _stop_if(cancelled)
                        yield future.result()
                finally:
                    pool.shutdown(wait=True, cancel_futures=True)

    def _render(self, flow: NDArray[np.float32]) -> RenderedFrame:
        if not flow.any():
            return RenderedFrame(self._base.copy(), flow, np.zeros(self._size_hw, np.bool_))
        backward = self._invert(flow)
        image = warp_image(self._base, backward, background=self._plate)
        return RenderedFrame(image, flow, backward.holes)

    def _invert(self, flow: NDArray[np.float32]) -> BackwardMap:
        return backward_map(
            flow,
            order=self._order,
            method=self._method,
            fill="stretch" if self._plate is None else "behind",
            guide=self._base,
        )

    def _paint_behind(self, flows: Sequence[NDArray[np.float32]]) -> None:
        """Have a background behind all that moves in these flows."""
        if not self._paints:
            return
        moving = np.zeros(self._size_hw, np.bool_)
        for flow in flows:
            if flow.any():
                moving |= moving_parts(flow, order=self._order, guide=self._base)
        missing = moving & ~self._painted
        if not missing.any() or moving.mean() > _MOSTLY:
            return
        plate = self._base if self._plate is None else self._plate
        self._plate = paint_out(plate, missing)
        self._painted |= missing

    def _flows(
        self, guidance: Sequence[tuple[ArrayLike, ArrayLike]], cancelled: Callable[[], bool]
    ) -> list[NDArray[np.float32]]:
        """Return the total forward flow of each guidance set on the grid of the frames."""
        sets = [self._pin_frozen(check_guidance(*pair, self._image_hw)) for pair in guidance]
        flows = [np.zeros((*self._size_hw, 2), np.float32) for _ in sets]
        moving = [index for index, (_, vectors) in enumerate(sets) if vectors.any()]
        far = [index for index in moving if self._step_count(sets[index]) > 1]
        near = [index for index in moving if index not in far]
        for index, flow in zip(near, self._predict([sets[i] for i in near]), strict=True):
            flows[index] = flow
        try:
            for index in far:
                flows[index] = self._walk(sets[index], cancelled)
        finally:
            self._look_at(None)
        return flows

    def _predict(self, sets: Sequence[Arrows]) -> list[NDArray[np.float32]]:
        if not sets:
            return []
        if self._scales_linearly:
            return self._predict_scaled(sets)
        flows = self._predictor.predict_many(sets, size_hw=self._size_hw)
        return [self._hold(flow) for flow in flows]

    def _predict_scaled(self, sets: Sequence[Arrows]) -> list[NDArray[np.float32]]:
        flows = []
        for arrows in sets:
            factor = None if self._reference is None else _ratio(arrows, self._reference[0])
            if self._reference is None or factor is None:
                flow = self._predictor.predict_many([arrows], size_hw=self._size_hw)[0]
                self._reference, factor = (arrows, flow), 1.0
            flows.append(self._hold(self._reference[1] * np.float32(factor)))
        return flows

    def _hold(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a predicted flow fit for moving the picture, with frozen pixels held."""
        flow = tidied(flow)
        if self._freeze is not None:
            flow *= (1 - self._freeze)[..., None]
        return flow

    def _step_count(self, arrows: Arrows) -> int:
        if self._reach is None:
            return 1
        return max(1, math.ceil(float(np.abs(arrows[1]).max()) / self._reach - 1e-6))

    def _walk(self, arrows: Arrows, cancelled: Callable[[], bool]) -> NDArray[np.float32]:
        """Return the total flow of arrows beyond the reach, step by step.

        All steps but the last go as far as the network reaches, so that a growing arrow passes
        through the same poses, which are kept.
        """
        points, vectors = arrows
        longest = float(np.abs(vectors).max())
        steps = self._step_count(arrows)
        if self._reach is None or steps > _MAX_STEPS:
            raise GuidanceError(
                f"An arrow of {longest:.0f} px is too long: this network reaches "
                f"{self._reach:.0f} px in one step, and at most {_MAX_STEPS} steps are taken. "
                "Make it shorter."
            )
        limit = np.array(self._size_hw[::-1], np.float32) - 0.5
        key: bytes | None = None
        total = np.zeros((*self._size_hw, 2), np.float32)
        done = 0.0
        for step in range(1, steps + 1):
            _stop_if(cancelled)
            until = 1.0 if step == steps else step * self._reach / longest
            so_far = vectors * np.float32(until)
            pose = points.tobytes() + np.rint(so_far * 64).tobytes()
            kept = self._poses.get(pose)
            if kept is not None:
                self._poses.move_to_end(pose)
                total = kept
            else:
                self._look_at(key, total)
                part = vectors * np.float32(until - done)
                if key is None:
                    (flow,) = self._predictor.predict_many([(points, part)], size_hw=self._size_hw)
                    total = self._hold(flow)
                else:
                    at = (points + vectors * np.float32(done) + 0.5) * self._scale_xy - 0.5
                    at = np.clip(at, -0.5, limit)
                    (flow,) = self._predictor.predict_many([(at, part * self._scale_xy)])
                    total = self._hold(compose_forward(total, flow, self._invert(total)))
            key, done = pose, until
            if step < steps:
                self._poses[pose] = total
                if len(self._poses) > _POSES_KEPT:
                    self._poses.popitem(last=False)
        return total

    def _look_at(self, pose: bytes | None, total: NDArray[np.float32] | None = None) -> None:
        """Have the predictor look at the picture moved by a total flow; None is unmoved."""
        if pose == self._pose_set:
            return
        self._pose_set = pose
        moved = self._image if pose is None or total is None else self._render(total).image
        self._predictor.set_image(moved)

    def _pin_frozen(self, arrows: Arrows) -> Arrows:
        points, vectors = arrows
        if self._freeze is None or not len(points):
            return arrows
        at = ((points + 0.5) * self._scale_xy - 0.5).astype(np.float32)
        frozen = sample_field_points(self._freeze, at, "nearest") > 0.5
        return points, np.where(frozen[:, None], np.float32(0), vectors)

    def _fit_mask(self, mask: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        if mask.shape not in (self._image_hw, self._size_hw):
            raise ImageError(
                f"The {name} must have the size of the picture {self._image_hw} or of the frames "
                f"{self._size_hw}, got {mask.shape}."
            )
        mask = np.ascontiguousarray(mask, np.float32)
        if not np.isfinite(mask).all():
            raise ImageError(f"The {name} must be finite everywhere, got NaN or infinity.")
        if name == "freeze mask":
            mask = np.clip(mask, 0, 1)
        if mask.shape == self._size_hw:
            return mask
        height, width = self._size_hw
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA))


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


def resize_image(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture at another size: area average where it shrinks, bicubic where it grows."""
    if image.shape[:2] == size_hw:
        return image
    height, width = size_hw
    shrinks = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def _ratio(arrows: Arrows, reference: Arrows) -> float | None:
    """Return the factor between two sets that differ in strength alone, else None."""
    if arrows[0].shape != reference[0].shape or not np.array_equal(arrows[0], reference[0]):
        return None
    length = float((reference[1] ** 2).sum())
    factor = float((arrows[1] * reference[1]).sum()) / length
    if not np.allclose(arrows[1], reference[1] * factor, rtol=0, atol=1e-3):
        return None
    return factor


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Rendering was cancelled.")


def _check_picture(image: NDArray[np.uint8], name: str) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            f"The {name} must be uint8 of shape (height, width, 3), "
            f"got {image.dtype} of shape {image.shape}."
        )
