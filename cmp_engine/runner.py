"""The network on its device: folded, in the right memory format and precision, with a way out.

`NetworkRunner` is the only place that knows about devices. It holds what `CMP.prepare` made of
the current picture, and answers guidance with flow on the network's output grid. When a GPU has
no memory left, it moves to the CPU and says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmp_engine.device import describe_device
from cmp_engine.errors import DeviceError, EngineError, NotReadyError
from cmp_engine.geometry import normalize_images
from cmp_engine.modeling.cmp import CMP, Guidance, PreparedImage
from cmp_engine.modeling.layers import fold_batch_norm

logger = logging.getLogger(__name__)

Precision: TypeAlias = Literal["auto", "float32", "half"]

_Result = TypeVar("_Result")


class NetworkRunner:
    """Runs one network for one picture at a time. Not thread-safe; the predictor's lock guards it.

    Args:
        network: Any `CMP`; it is copied, and stays as it is.
        device: Where to run, as `cmp_engine.device.resolve_device` returned it.
        precision: ``half`` is float16 autocast on CUDA. ``auto`` is ``half`` on CUDA for the
            networks of this project, and ``float32`` without TF32 for the published ones, whose
            flow is promised to 1e-3 px. Devices other than CUDA always run float32.

    Attributes:
        device: Where the network runs now; the CPU after a fall back.
        notice: A sentence about the last fall back, for the user, or None.
        on_notice: Called with that sentence when it happens, on the thread that predicts.
    """

    def __init__(
        self, network: CMP, device: torch.device, *, precision: Precision = "auto"
    ) -> None:
        self._network = fold_batch_norm(network).requires_grad_(requires_grad=False)
        self._prepared: PreparedImage | None = None
        self._grid_hw = (0, 0)
        if precision == "auto":
            precision = "half" if network.config.decoder == "attention" else "float32"
        self._is_half = precision == "half"
        self.device = device
        self.notice: str | None = None
        self.on_notice: Callable[[str], None] | None = None
        self._with_fallback(self._move_network)

    def prepare(self, image: NDArray[np.uint8]) -> None:
        """Take a picture: run everything that depends on it alone.

        Args:
            image: (h, w, 3) uint8 RGB on the network grid, sides multiples of 32.

        Raises:
            DeviceError: Out of memory on the CPU.
        """
        self._prepared = None
        channels_first = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        self._prepared = self._with_fallback(lambda: self._prepare(channels_first.unsqueeze(0)))
        self._grid_hw = (image.shape[0], image.shape[1])

    def predict(self, guidance: Guidance) -> NDArray[np.float32]:
        """Return the flow of several guidance sets on the picture, in one pass.

        Args:
            guidance: A batch of B sets, px of the network grid.

        Returns:
            (B, h, w, 2) float32 forward flow on the network's output grid, px of the network grid.

        Raises:
            NotReadyError: No picture yet.
            EngineError: The network's answer holds a value that is not a finite number.
            DeviceError: Out of memory on the CPU.
        """
        if self._prepared is None:
            raise NotReadyError("The network has no picture yet; call prepare first.")
        flow = self._with_fallback(lambda: self._predict(guidance, is_half=self._is_half))
        if self._is_half and not np.isfinite(flow).all():
            logger.info("The answer in half precision is not finite; trying float32.")
            flow = self._with_fallback(lambda: self._predict(guidance, is_half=False))
        if not np.isfinite(flow).all():
            raise EngineError(
                "The network answered with values that are not finite numbers; "
                "its weights are damaged or were trained badly, use others."
            )
        return flow

    def _move_network(self) -> None:
        self._network.to(self.device).to(memory_format=self._memory_format())

    def _prepare(self, image: Tensor) -> PreparedImage:
        with torch.inference_mode(), self._precision(is_half=self._is_half):
            normalized = normalize_images(image.to(self.device))
            ordered = normalized.contiguous(memory_format=self._memory_format())
            return self._network.prepare(ordered)

    def _memory_format(self) -> torch.memory_format:
        # Channels-last is faster on CUDA; on the CPU it makes an edit a third slower (bench_edit).
        return torch.channels_last if self.device.type == "cuda" else torch.contiguous_format

    def _predict(self, guidance: Guidance, *, is_half: bool) -> NDArray[np.float32]:
        if self._prepared is None:  # pragma: no cover - predict checks it
            raise NotReadyError("The network has no picture yet; call prepare first.")
        prepared = self._prepared
        with torch.inference_mode():
            with self._precision(is_half=is_half):
                output = self._network.propagate(prepared, guidance.to(self.device), *self._grid_hw)
            flow = self._network.to_flow(output.float())
            return flow.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    @contextmanager
    def _precision(self, *, is_half: bool) -> Iterator[None]:
        if self.device.type != "cuda":
            yield
        elif is_half:
            with torch.autocast("cuda", dtype=torch.float16):
                yield
        else:
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                yield

    def _with_fallback(self, work: Callable[[], _Result]) -> _Result:
        try:
            return work()
        except torch.OutOfMemoryError as error:
            if self.device.type == "cpu":
                raise DeviceError(
                    "There is not enough memory for this picture; close other programs."
                ) from error
            self._fall_back(f"{describe_device(self.device)} has no memory left")
        except NotImplementedError as error:
            if self.device.type != "mps":
                raise
            self._fall_back(f"{describe_device(self.device)} can't run this network ({error})")
        return work()

    def _fall_back(self, reason: str) -> None:
        was_cuda = self.device.type == "cuda"
        self.device = torch.device("cpu")
        self._move_network()
        if self._prepared is not None:
            self._prepared = tuple(
                part.cpu().float() if part.is_floating_point() else part.cpu()
                for part in self._prepared
            )
        if was_cuda:
            torch.cuda.empty_cache()
        self.notice = f"{reason}; going on with the CPU, which is slower."
        logger.warning("%s", self.notice)
        if self.on_notice is not None:
            self.on_notice(self.notice)
