"""Guidance over time -> flow -> backward map -> frames, each one resample of the picture.

Nothing drifts: every frame starts again from the picture and the arrows' total displacement.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.errors import Cancelled, ImageError, NotReadyError
from cmp_engine.inpaint import paint_out
from cmp_engine.motion_layers import LayerStack, MotionLayer
from cmp_engine.walker import (
    Canvas,
    FlowPredictor,
    FlowWalker,
    Guidance,
    compose_forward,
)
from cmp_engine.warp import BackwardMap, BackwardMethod, backward_map, moving_parts, warp_image

__all__ = [
    "FlowPredictor",
    "FrameFill",
    "FrameRenderer",
    "Guidance",
    "MotionLayer",
    "RenderedFrame",
    "compose_forward",
    "resize_image",
]

FrameFill = Literal["stretch", "inpaint"]

_BATCH: Final = 8
_BATCH_PIXELS: Final = 16_000_000
"""Frames whose flows are predicted together, and pixels of them together."""

_PARALLEL_PIXELS: Final = 6_000_000
"""Frames larger than this are drawn one at a time, for the sake of memory."""

_MOSTLY: Final = 0.85
"""Beyond this part of the picture in motion there is no background to paint in."""


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


@dataclass(frozen=True, slots=True)
class _Motion:
    """The total flow of a frame, and what is in front of what in it."""

    flow: NDArray[np.float32]
    order: NDArray[np.float32] | None


class FrameRenderer:
    """Draws frames of one picture from arrows.

    Arrows longer than one prediction can answer are walked in steps: the picture is moved as far
    as the predictor reaches, looked at again there, and moved on. The flows of the steps are
    composed; the picture itself is still resampled only once.

    Parts of the picture can move on their own, as layers: each has arrows of its own, is predicted
    alone and moves inside of its mask; where two land on one place, the later layer is in front.

    Args:
        predictor: Has had ``set_image(image)``, and has that picture again whenever a method here
            has returned or yielded.
        image: (H, W, 3) uint8 RGB.
        size_hw: Size of the frames, px; None is the size of the picture.
        freeze: (H, W) in [0, 1], of the picture or the frames. 1 holds a pixel still, values
            between scale its motion. Arrows that start where it is above 0.5 count as pins.
        order: (H, W), what is in front of what, see `cmp_engine.warp.backward_map`. Layers have an
            order of their own, and this is not used with them.
        method: How the flow is inverted, see `cmp_engine.warp.backward_map`.
        fill: What holes show: ``stretch`` the neighbouring background; ``inpaint`` a background
            painted in behind all that moves, the same in all frames.
        background: (H, W, 3) uint8, the picture without the parts that move. Holes show it,
            whatever ``fill`` says.
        scales_linearly: The predictor answers half the arrows with half the flow. Frames that
            differ in strength alone then share one prediction.
        layers: Parts that move on their own, back to front.
        base_place: How many of the layers are behind the rest of the picture.

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
        layers: Sequence[MotionLayer] = (),
        base_place: int = 0,
    ) -> None:
        _check_picture(image, "image")
        self._image_hw = (image.shape[0], image.shape[1])
        if predictor.image_hw != self._image_hw:
            raise NotReadyError(
                "The predictor must have had set_image with this picture of {image_hw} px (height, "
                "width); it has {predictor_hw}.",
                image_hw=self._image_hw,
                predictor_hw=predictor.image_hw,
            )
        self._size_hw = self._image_hw if size_hw is None else size_hw
        if min(self._size_hw) < 1:
            raise ImageError(
                "A frame must be at least 1 x 1 px, got size {size_hw}.", size_hw=size_hw
            )
        self._base = resize_image(image, self._size_hw)
        self._order = None if order is None else self._fit_mask(order, "order")
        self._method = method
        self._plate: NDArray[np.uint8] | None = None
        if background is not None:
            _check_picture(background, "background")
            self._plate = resize_image(background, self._size_hw)
        self._paints = fill == "inpaint" and background is None
        self._painted = np.zeros(self._size_hw, np.bool_)
        frozen = None if freeze is None else self._fit_mask(freeze, "freeze mask")
        self._stack = LayerStack(
            [
                None if layer.mask is None else self._fit_mask(layer.mask, "mask")
                for layer in layers
            ],
            base_place=base_place,
            freeze=frozen,
        )
        canvas = Canvas(image, self._size_hw, self._look, self._invert)
        self._walkers = [
            FlowWalker(source, canvas, keep=keep, freeze=frozen, scales_linearly=scales_linearly)
            for source, keep in zip(
                [predictor, *(layer.predictor for layer in layers)], self._stack.keeps, strict=True
            )
        ]

    def frame(
        self,
        points: ArrayLike,
        displacements: ArrayLike,
        *,
        via: Sequence[ArrayLike] = (),
        layers: Sequence[Guidance] = (),
    ) -> RenderedFrame:
        """Return one frame.

        Args:
            points: (N, 2) x, y px of the picture (not of the frame).
            displacements: (N, 2) total displacement from the picture, px of the picture.
            via: Displacements on the way there, see `cmp_engine.walker.Guidance`.
            layers: What each of the layers is told.

        Raises:
            GuidanceError: Points or displacements that make no sense.
        """
        motions = self._motions([(Guidance(points, displacements, via), *layers)], never)
        self._paint_behind(motions)
        return self._render(motions[0])

    def frames(
        self,
        guidance: Iterable[tuple[ArrayLike, ArrayLike] | Sequence[Guidance]],
        *,
        cancelled: Callable[[], bool] = never,
    ) -> Iterator[RenderedFrame]:
        """Yield a frame for each guidance set; several share a pass through the network.

        Args:
            guidance: Points and displacements of each frame, as for `frame`; or what the rest of
                the picture and each of the layers is told. Read a few ahead.
            cancelled: Asked before each frame and each step of the network.

        Raises:
            GuidanceError: Points or displacements that make no sense.
            Cancelled: ``cancelled`` returned True.
        """
        pixels = self._size_hw[0] * self._size_hw[1]
        batch = max(1, min(_BATCH, _BATCH_PIXELS // pixels))
        workers = 1 if pixels > _PARALLEL_PIXELS else min(4, os.cpu_count() or 1)
        source = (_as_layers(item) for item in guidance)
        while chunk := list(itertools.islice(source, batch)):
            _stop_if(cancelled)
            motions = self._motions(chunk, cancelled)
            self._paint_behind(motions)
            if workers == 1:
                for motion in motions:
                    _stop_if(cancelled)
                    yield self._render(motion)
                continue
            with ThreadPoolExecutor(workers, "frame") as pool:
                drawn = [pool.submit(self._render, motion) for motion in motions]
                try:
                    for future in drawn:
                        _stop_if(cancelled)
                        yield future.result()
                finally:
                    pool.shutdown(wait=True, cancel_futures=True)

    def prepare(self, guidance: Iterable[Sequence[Guidance]]) -> None:
        """Paint the background behind all that moves in these poses, and no more afterwards.

        Frames then don't depend on which others were drawn before. Without ``fill`` of ``inpaint``
        there is nothing to do.

        Raises:
            GuidanceError: Points or displacements that make no sense.
        """
        if self._paints:
            moving = np.zeros(self._size_hw, np.bool_)
            for layers in guidance:
                moving |= self._moving(self._motions([layers], never))
            self._paint(moving)
        self._paints = False

    def _render(self, motion: _Motion) -> RenderedFrame:
        flow = motion.flow
        if not flow.any():
            return RenderedFrame(self._base.copy(), flow, np.zeros(self._size_hw, np.bool_))
        backward = self._invert(flow, motion.order)
        image = warp_image(self._base, backward, background=self._plate)
        return RenderedFrame(image, flow, backward.holes)

    def _look(self, flow: NDArray[np.float32]) -> NDArray[np.uint8]:
        return self._render(_Motion(flow, self._order)).image

    def _invert(
        self, flow: NDArray[np.float32], order: NDArray[np.float32] | None = None
    ) -> BackwardMap:
        return backward_map(
            flow,
            order=self._order if order is None else order,
            method=self._method,
            fill="stretch" if self._plate is None else "behind",
            guide=self._base,
        )

    def _paint_behind(self, motions: Sequence[_Motion]) -> None:
        """Have a background behind all that moves in these flows."""
        if self._paints:
            self._paint(self._moving(motions))

    def _moving(self, motions: Sequence[_Motion]) -> NDArray[np.bool_]:
        """Return what moves in these flows, (h, w)."""
        moving = np.zeros(self._size_hw, np.bool_)
        for motion in motions:
            if motion.flow.any():
                moving |= moving_parts(motion.flow, order=motion.order, guide=self._base)
        return moving

    def _paint(self, moving: NDArray[np.bool_]) -> None:
        missing = moving & ~self._painted
        if not missing.any() or moving.mean() > _MOSTLY:
            return
        plate = self._base if self._plate is None else self._plate
        self._plate = paint_out(plate, missing)
        self._painted |= missing

    def _motions(
        self, guidance: Sequence[Sequence[Guidance]], cancelled: Callable[[], bool]
    ) -> list[_Motion]:
        """Return the total motion of each frame."""
        parts = [
            walker.flows([layers[number] for layers in guidance], cancelled)
            for number, walker in enumerate(self._walkers)
        ]
        if len(parts) == 1:
            return [_Motion(flow, self._order) for flow in parts[0]]
        return [_Motion(*self._stack.join(flows)) for flows in zip(*parts, strict=True)]

    def _fit_mask(self, mask: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        if mask.shape not in (self._image_hw, self._size_hw):
            raise ImageError(
                "The {name} must have the size of the picture {image_hw} or of the frames "
                "{size_hw}, got {shape}.",
                name=name,
                image_hw=self._image_hw,
                size_hw=self._size_hw,
                shape=mask.shape,
            )
        mask = np.ascontiguousarray(mask, np.float32)
        if not np.isfinite(mask).all():
            raise ImageError(
                "The {name} must be finite everywhere, got NaN or infinity.", name=name
            )
        if name != "order":
            mask = np.clip(mask, 0, 1)
        if mask.shape == self._size_hw:
            return mask
        height, width = self._size_hw
        return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA))


def resize_image(image: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture at another size: area average where it shrinks, bicubic where it grows."""
    if image.shape[:2] == size_hw:
        return image
    height, width = size_hw
    shrinks = height * width < image.shape[0] * image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)


def _as_layers(item: tuple[ArrayLike, ArrayLike] | Sequence[Guidance]) -> Sequence[Guidance]:
    if isinstance(item[0], Guidance):
        return item  # type: ignore[return-value]  # a pair of arrays has no Guidance in it
    points, displacements = item
    return [Guidance(points, displacements)]  # type: ignore[arg-type]  # it is such a pair


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Rendering was cancelled.")


def _check_picture(image: NDArray[np.uint8], name: str) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(
            "The {name} must be uint8 of shape (height, width, 3), got {dtype} of shape {shape}.",
            name=name,
            dtype=image.dtype,
            shape=image.shape,
        )
