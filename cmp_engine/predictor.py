"""Predicts dense motion from a picture and a few arrows.

predictor = MotionPredictor(load_model("default"))
predictor.set_image(image)
flow = predictor.predict(points, displacements)
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from cmp_engine.device import resolve_device
from cmp_engine.errors import FlowError, NotReadyError
from cmp_engine.geometry import ImageGeometry, check_image
from cmp_engine.guidance import GuidanceSet, batch_to_network, check_guidance
from cmp_engine.image_io import MAX_PIXELS
from cmp_engine.modeling.cmp import CMP
from cmp_engine.runner import NetworkRunner, Precision
from cmp_engine.upsampling import FlowUpsampler, Upsampling, grid_alignment, output_stride

if TYPE_CHECKING:
    from cmp_engine.weights import LoadedModel, WeightsInfo

MAX_BATCH: Final = 16
"""Guidance sets that go through the network at once on a GPU; more are split for memory's sake."""

MAX_BATCH_CPU: Final = 2
"""The same on the CPU. Two make up for the overhead; more fall out of the processor's cache: at 8
the published network with skips takes 1.4 times as long for each set as alone."""

_AFFINITY_STRIDE: Final = 4
"""Px of the network grid per cell of the affinities."""


@dataclass(frozen=True, slots=True)
class _ImageState:
    geometry: ImageGeometry
    upsampler: FlowUpsampler
    image: NDArray[np.uint8]


class MotionPredictor:
    """Predicts forward flow of one picture: `set_image` once, then `predict` many times.

    Every method may be called from any thread; one call runs at a time.

    Args:
        model: What `cmp_engine.load_model` returned, or a network; it is copied.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or a torch device.
        short_side: Short side of the picture at the network, px. Default: what the network likes
            best (`ModelConfig.short_side`). Less is faster and coarser.
        precision: ``float32``, or ``half`` (float16 on CUDA); ``auto`` is ``half`` on CUDA for
            this project's networks and ``float32`` for the published ones.

    Attributes:
        info: Which weights these are, or None for a bare network.

    Raises:
        DeviceError: The device is not there.
    """

    def __init__(
        self,
        model: LoadedModel | CMP,
        *,
        device: str | torch.device = "auto",
        short_side: int | None = None,
        precision: Precision = "auto",
    ) -> None:
        network, info = (model, None) if isinstance(model, CMP) else (model.network, model.info)
        self.info: WeightsInfo | None = info
        self._config = network.config
        self._short_side = self._config.short_side if short_side is None else short_side
        self._lock = threading.RLock()
        self._state: _ImageState | None = None
        self._runner = NetworkRunner(network, resolve_device(device), precision=precision)

    @property
    def device(self) -> torch.device:
        """Where the network runs now. A GPU without memory is left for the CPU, see `notice`."""
        return self._runner.device

    @property
    def notice(self) -> str | None:
        """A sentence for the user about the last change of device, or None."""
        return self._runner.notice

    def set_on_notice(self, callback: Callable[[str], None] | None) -> None:
        """Have ``callback`` called with each new `notice`, on the thread that predicts."""
        self._runner.on_notice = callback

    @property
    def image_hw(self) -> tuple[int, int] | None:
        """Height and width of the picture, px; None before `set_image`."""
        state = self._state
        return None if state is None else state.geometry.image_hw

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The picture (H, W, 3) uint8 RGB, read-only; None before `set_image`."""
        state = self._state
        return None if state is None else state.image

    def twin(self) -> MotionPredictor:
        """Return a second predictor with the same network, for another picture.

        The two share their weights and nothing else.
        """
        twin = copy.copy(self)
        twin._lock = threading.RLock()
        twin._state = None
        twin._runner = self._runner.twin()
        return twin

    @property
    def reach_px(self) -> float | None:
        """Longest displacement per axis that one prediction can answer, px of the picture.

        None where there is no bound.

        Raises:
            NotReadyError: There is a bound, but no picture yet to measure it in.
        """
        if self._config.reach is None:
            return None
        return self._config.reach / max(self._ready().geometry.scale_xy)

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Take a picture, and run all that depends on it alone.

        Args:
            image: (H, W, 3) uint8 RGB, from 16 px a side to 100 megapixels, any aspect. It is
                copied.

        Raises:
            ImageError: Not such a picture.
            DeviceError: Out of memory on the CPU.
        """
        check_image(image)
        with self._lock:
            self._state = None
            image = image.copy()
            geometry = ImageGeometry.fit(
                (image.shape[0], image.shape[1]), short_side=self._short_side
            )
            on_network = geometry.image_to_network(image)
            self._runner.prepare(on_network)
            upsampler = FlowUpsampler(
                image,
                on_network,
                geometry,
                stride=output_stride(self._config),
                alignment=grid_alignment(self._config),
                has_limbs=self._config.limb_channels > 0,
            )
            image.flags.writeable = False
            self._state = _ImageState(geometry=geometry, upsampler=upsampler, image=image)

    def predict(
        self,
        points: ArrayLike,
        displacements: ArrayLike,
        *,
        upsampling: Upsampling = "edge_aware",
        size_hw: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return the dense forward flow that a few arrows and pins ask for.

        Args:
            points: (N, 2) x, y px of the picture, pixel centres at integers, inside the picture.
                N = 0 gives zero flow.
            displacements: (N, 2) forward displacement dx, dy in px of the picture; zero is a pin.
            upsampling: ``edge_aware`` follows the picture's edges; ``bilinear`` is as published.
            size_hw: Answer on another grid of the same picture, flow in px of that grid; default
                the picture's own size.

        Returns:
            (h, w, 2) float32 forward flow: dx right, dy down, px of the grid that it is on.

        Raises:
            NotReadyError: No picture yet.
            GuidanceError: Points or displacements that make no sense.
            FlowError: ``size_hw`` makes no sense.
            EngineError: The network's answer holds a value that is not a finite number.
            DeviceError: Out of memory on the CPU.
        """
        flows = self.predict_many([(points, displacements)], upsampling=upsampling, size_hw=size_hw)
        return np.asarray(flows[0])

    def predict_many(
        self,
        guidance: Sequence[GuidanceSet],
        *,
        upsampling: Upsampling = "edge_aware",
        size_hw: tuple[int, int] | None = None,
        limbs: bool = True,
    ) -> NDArray[np.float32]:
        """Return the flows of several guidance sets on the same picture.

        They go through the network together, `MAX_BATCH` or `MAX_BATCH_CPU` at a time.

        Args:
            guidance: B pairs of points and displacements, as for `predict`. Each may have another
                number of arrows.
            upsampling: As for `predict`.
            size_hw: As for `predict`.
            limbs: Whether to look for limbs that turn. Without, arrows that are dummies, as for
                masks, move whole objects.

        Returns:
            (B, h, w, 2) float32 forward flows, px of the grid that they are on.

        Raises:
            NotReadyError: No picture yet.
            GuidanceError: Points or displacements that make no sense.
            FlowError: ``size_hw`` makes no sense.
            EngineError: The network's answer holds a value that is not a finite number.
            DeviceError: Out of memory on the CPU.
        """
        with self._lock:
            state = self._ready()
            size_hw = _check_size(size_hw or state.geometry.image_hw)
            sets = [check_guidance(*pair, state.geometry.image_hw) for pair in guidance]
            flows = np.zeros((len(sets), *size_hw, 2), np.float32)
            busy = [index for index, (points, _) in enumerate(sets) if len(points)]
            most = MAX_BATCH_CPU if self.device.type == "cpu" else MAX_BATCH
            for start in range(0, len(busy), most):
                chosen = busy[start : start + most]
                batch = batch_to_network([sets[index] for index in chosen], state.geometry)
                answer = self._runner.predict(batch, limbs=limbs)
                for row, index in enumerate(chosen):
                    of_set = answer.of_set(row)
                    state.upsampler.upsample(of_set, method=upsampling, out=flows[index])
            return flows

    def affinity(
        self, points: ArrayLike, *, size_hw: tuple[int, int] | None = None
    ) -> NDArray[np.float32] | None:
        """Return how surely each place belongs to what is at some points, without any motion.

        Args:
            points: (N, 2) x, y px of the picture.
            size_hw: Size of the answer; None is the picture's.

        Returns:
            (N, 2, h, w) float32 logits of belonging to the same object, and to the same rigid part
            of it; None where the network does not say (the published ones).

        Raises:
            NotReadyError: No picture yet.
            GuidanceError: Points that make no sense.
            DeviceError: Out of memory on the CPU.
        """
        state = self._ready()
        image_hw = state.geometry.image_hw
        array = np.asarray(points, np.float64)
        count = len(array) if array.ndim else 0
        checked, _ = check_guidance(array, np.zeros((count, 2)), image_hw)
        height, width = image_hw if size_hw is None else _check_size(size_hw)
        with self._lock:
            logits = self._runner.affinity(state.geometry.points_to_network(checked))
        if logits is None:
            return None
        rows, columns = (-(-side // _AFFINITY_STRIDE) for side in state.geometry.resized_hw)
        inside = logits[..., :rows, :columns]
        answer = np.empty((*inside.shape[:2], height, width), np.float32)
        for index in np.ndindex(*inside.shape[:2]):
            answer[index] = cv2.resize(inside[index], (width, height))
        return answer

    def _ready(self) -> _ImageState:
        state = self._state
        if state is None:
            raise NotReadyError("There is no picture yet; call set_image before predict.")
        return state


def _check_size(size_hw: tuple[int, int]) -> tuple[int, int]:
    height, width = size_hw
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise FlowError(
            "Expected a size (height, width) of at least 1 px and at most {megapixels} megapixels "
            "for the flow, got {size_hw}.",
            megapixels=MAX_PIXELS // 1_000_000,
            size_hw=size_hw,
        )
    return int(height), int(width)
