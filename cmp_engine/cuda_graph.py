"""Replays the decoder on CUDA as one graph, so that an edit does not wait for its many launches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

CALLS_BEFORE_CAPTURE: Final = 2
"""Plain calls with inputs of one shape before they are worth a graph."""

MAX_GRAPHS: Final = 4
"""Graphs kept for inputs of different shapes; each holds GPU memory."""

_Shapes: TypeAlias = tuple[tuple[torch.Size, torch.dtype], ...]


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    output: tuple[Tensor, ...]


class GraphedFunction:
    """A function of tensors, captured as a CUDA graph when it is called again and again.

    Everything else that the function reads must stay where it is. When it can't be captured, it
    is called plainly from then on.

    Args:
        function: Takes CUDA tensors and returns some; no synchronisation with the CPU inside.
    """

    def __init__(self, function: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]) -> None:
        self._function = function
        self._calls: dict[_Shapes, int] = {}
        self._captured: dict[_Shapes, _Captured] = {}
        self._can_capture = True

    def __call__(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the function's answer; it holds until the next call."""
        shapes = tuple((part.shape, part.dtype) for part in inputs)
        if shapes not in self._captured:
            self._calls[shapes] = self._calls.get(shapes, 0) + 1
            if not self._can_capture or self._calls[shapes] <= CALLS_BEFORE_CAPTURE:
                return self._function(inputs)
            try:
                captured = self._capture(inputs)
            except RuntimeError as error:  # includes running out of GPU memory
                logger.info("Going on without CUDA graphs: %s", error)
                self._can_capture = False
                self._captured.clear()
                return self._function(inputs)
            if len(self._captured) >= MAX_GRAPHS:
                del self._captured[next(iter(self._captured))]
            self._captured[shapes] = captured
        captured = self._captured[shapes]
        for place, part in zip(captured.inputs, inputs, strict=True):
            place.copy_(part)
        captured.graph.replay()
        return captured.output

    def _capture(self, inputs: tuple[Tensor, ...]) -> _Captured:
        places = tuple(part.clone() for part in inputs)
        with torch.cuda.device(inputs[0].device):
            # Libraries set themselves up in a call on another stream, which must not be captured.
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no annotation
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self._function(places)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                output = self._function(places)
        return _Captured(graph=graph, inputs=places, output=output)
