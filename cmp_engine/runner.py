"""The network on its device: folded, in the right memory format and precision, with a way out.

`NetworkRunner` is the only place that knows about devices. It holds what `CMP.prepare` made of
the current picture, and answers guidance with flow on the network's output grid. When a GPU has
no memory left, it moves to the CPU and says so.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cmp_engine.cuda_graph import GraphedFunction
from cmp_engine.device import describe_device
from cmp_engine.errors import DeviceError, EngineError, NotReadyError
from cmp_engine.geometry import normalize_images
from cmp_engine.modeling.attention import ArrowAttentionDecoder
from cmp_engine.modeling.cmp import CMP, Guidance, PreparedImage
from cmp_engine.modeling.layers import fold_batch_norm
from cmp_engine.modeling.limbs import FlowWithLimbs
from cmp_engine.sentences import Sentence

logger = logging.getLogger(__name__)

Precision: TypeAlias = Literal["auto", "float32", "half"]

PADDING: Final = 4
"""Arrows are padded to a multiple of this."""

_MEMORY_SIGNS: Final = ("out of memory", "allocate memory", "alloc_failed")

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
        self._image: Tensor | None = None
        self._prepared: PreparedImage | None = None
        self._graphs: dict[bool, GraphedFunction] = {}
        if precision == "auto":
            precision = "half" if network.config.decoder == "attention" else "float32"
        self._is_half = precision == "half"
        self.device = device
        self.notice: str | None = None
        self.on_notice: Callable[[str], None] | None = None
        self._with_fallback(self._move_network)

    def twin(self) -> NetworkRunner:
        """Return a runner of the same network without a picture; the weights are shared."""
        twin = copy.copy(self)
        twin._image, twin._prepared, twin._graphs = None, None, {}
        if self.device.type == "cpu":
            return twin
        # It may fall back to the CPU by itself, so it needs modules of its own.
        twin._network = copy.deepcopy(self._network)
        return twin

    def prepare(self, image: NDArray[np.uint8]) -> None:
        """Take a picture: run everything that depends on it alone.

        Args:
            image: (h, w, 3) uint8 RGB on the network grid, sides multiples of 32.

        Raises:
            DeviceError: Out of memory on the CPU.
        """
        self._prepared, self._graphs = None, {}
        channels_first = np.ascontiguousarray(image.transpose(2, 0, 1))
        self._image = torch.from_numpy(channels_first).unsqueeze(0)
        self._with_fallback(self._prepare)

    def predict(self, guidance: Guidance, *, limbs: bool = True) -> FlowWithLimbs:
        """Return the flow of several guidance sets on the picture, in one pass, and their limbs.

        Args:
            guidance: A batch of B sets, px of the network grid.
            limbs: Whether to look for limbs that turn, where the network knows of any.

        Returns:
            Flow (B, 2, h, w) float32 on the network's output grid, px of the network grid, and the
            limbs to be put over it, on the CPU.

        Raises:
            NotReadyError: No picture yet.
            EngineError: The network's answer holds a value that is not a finite number.
            DeviceError: Out of memory on the CPU.
        """
        if self._prepared is None:
            raise NotReadyError("The network has no picture yet; call prepare first.")
        answer = self._with_fallback(lambda: self._predict(guidance, limbs=limbs))
        if self._uses_half() and not answer.is_finite():
            logger.info("Half precision overflowed; going on in float32.")
            self._is_half = False
            self._with_fallback(self._prepare)
            answer = self._with_fallback(lambda: self._predict(guidance, limbs=limbs))
        if not answer.is_finite():
            raise EngineError(
                "The network answered with values that are not finite numbers; its weights are "
                "damaged or were trained badly, use others."
            )
        return answer

    def affinity(self, points: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Return how surely each place belongs to what is at some points.

        Args:
            points: (N, 2) x, y px of the network grid.

        Returns:
            (N, K, h, w) float32 logits at stride 4 of the network grid, of belonging to the same
            object and to the same rigid part; None where the network does not say.

        Raises:
            NotReadyError: No picture yet.
            DeviceError: Out of memory on the CPU.
        """
        decoder = self._network.flow_decoder
        if not isinstance(decoder, ArrowAttentionDecoder):
            return None
        if self._prepared is None:
            raise NotReadyError("The network has no picture yet; call prepare first.")

        def ask() -> NDArray[np.float32]:
            if self._prepared is None:
                raise NotReadyError("The network has no picture yet; call prepare first.")
            with torch.inference_mode(), self._precision():
                places = torch.from_numpy(points).to(self.device).unsqueeze(0)
                return decoder.affinity(self._prepared, places)[0].float().cpu().numpy()

        return self._with_fallback(ask)

    def _move_network(self) -> None:
        self._network.to(self.device).to(memory_format=self._memory_format())

    def _prepare(self) -> None:
        if self._image is None:
            return
        with torch.inference_mode(), self._precision():
            normalized = normalize_images(self._image.to(self.device))
            ordered = normalized.contiguous(memory_format=self._memory_format())
            self._prepared = self._network.prepare(ordered)
        self._graphs = {}
        if self.device.type == "cuda":
            self._graphs[True] = GraphedFunction(self._decode)
            self._graphs[False] = GraphedFunction(self._decode_without_limbs)

    def _memory_format(self) -> torch.memory_format:
        # Channels-last is faster on CUDA; on the CPU it makes an edit a third slower (bench_edit).
        return torch.channels_last if self.device.type == "cuda" else torch.contiguous_format

    def _uses_half(self) -> bool:
        return self._is_half and self.device.type == "cuda"

    def _predict(self, guidance: Guidance, *, limbs: bool) -> FlowWithLimbs:
        if self._image is None:
            raise NotReadyError("The network has no picture yet; call prepare first.")
        graph = self._graphs.get(limbs)
        if graph is not None:
            guidance = _pad(guidance)
        with torch.inference_mode(), self._precision():
            guidance = guidance.to(self.device)
            motion = self._network.flow_encoder(guidance, *self._image.shape[-2:])
            if graph is not None:
                answer = graph(motion)
            else:
                answer = self._decode(motion) if limbs else self._decode_without_limbs(motion)
            return FlowWithLimbs(*(part.cpu() for part in answer))

    def _decode(self, motion: tuple[Tensor, ...], *, limbs: bool = True) -> tuple[Tensor, ...]:
        """Return the tensors of a `FlowWithLimbs`: the answer to encoded guidance."""
        if self._prepared is None:
            raise NotReadyError("The network has no picture yet; call prepare first.")
        decoder = self._network.flow_decoder
        if isinstance(decoder, ArrowAttentionDecoder):
            answer = decoder.answer_with_limbs(self._prepared, motion, limbs=limbs)
        else:
            output = decoder.propagate(self._prepared, motion)
            answer = FlowWithLimbs.without_limbs(self._network.to_flow(output.float()))
        return tuple(p.float() if p.is_floating_point() else p for p in answer.tensors())

    def _decode_without_limbs(self, motion: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self._decode(motion, limbs=False)

    @contextmanager
    def _precision(self) -> Iterator[None]:
        if self.device.type != "cuda":
            yield
        elif self._uses_half():
            # Without the cache of converted weights, which a captured graph must not rely on.
            with torch.autocast("cuda", dtype=torch.float16, cache_enabled=False):
                yield
        else:
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                yield

    def _with_fallback(self, work: Callable[[], _Result]) -> _Result:
        try:
            return work()
        except RuntimeError as error:
            reason = self._reason_to_leave(error)
            if reason is None:
                raise
            if self.device.type == "cpu":
                raise DeviceError(
                    "{reason}; close other programs or take a smaller one.", reason=reason
                ) from error
        self._fall_back(reason)
        return work()

    def _reason_to_leave(self, error: RuntimeError) -> Sentence | None:
        """Return why the device can't go on, or None where another device would not help."""
        # The CPU's allocator and Metal raise a plain RuntimeError.
        words = str(error).lower()
        if isinstance(error, torch.OutOfMemoryError) or any(
            sign in words for sign in _MEMORY_SIGNS
        ):
            return Sentence(
                "{device} has not enough memory for this picture",
                device=describe_device(self.device),
            )
        if isinstance(error, NotImplementedError) and self.device.type == "mps":
            return Sentence("{device} can't run this network", device=describe_device(self.device))
        return None

    def _fall_back(self, reason: str) -> None:
        was_cuda = self.device.type == "cuda"
        self.device = torch.device("cpu")
        is_prepared = self._prepared is not None
        self._prepared, self._graphs = None, {}
        self._move_network()
        if was_cuda:
            torch.cuda.empty_cache()
        if is_prepared:
            self._prepare()
        self.notice = f"{reason}; going on with the CPU, which is slower."
        logger.warning("%s", self.notice)
        if self.on_notice is not None:
            self.on_notice(self.notice)


def _pad(guidance: Guidance) -> Guidance:
    """Return guidance padded to a multiple of `PADDING` arrows.

    So a few CUDA graphs serve any number of arrows.
    """
    missing = -guidance.valid.shape[1] % PADDING
    if not missing:
        return guidance
    return Guidance(
        points=functional.pad(guidance.points, (0, 0, 0, missing)),
        vectors=functional.pad(guidance.vectors, (0, 0, 0, missing)),
        valid=functional.pad(guidance.valid, (0, missing)),
    )
