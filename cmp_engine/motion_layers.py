"""Parts of a picture that move on their own, joined to one flow with an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import ImageError
from cmp_engine.walker import FlowPredictor

Float = NDArray[np.float32]

_PART_OF_MOTION: Final = 0.05
_LEAST_MOTION: Final = 0.25
"""What moves less than this part of the farthest, and this many px, is not moved by a layer."""


@dataclass(frozen=True, slots=True)
class MotionLayer:
    """A part of the picture that moves on its own.

    Attributes:
        predictor: Answers its arrows; has the picture. Several layers may share one.
        mask: (H, W) in [0, 1], of the picture or the frames, 1 inside. None is all that its arrows
            move, outside of the masks of others.
    """

    predictor: FlowPredictor
    mask: Float | None = None


class LayerStack:
    """What belongs to which layer.

    Each pixel of the picture belongs to the front-most mask that it lies in, and moves with that
    layer alone; what lies in none belongs to the rest of the picture, the base. Where a mask is
    soft, the motions of both are mixed.

    Args:
        masks: (h, w) in [0, 1] of each layer, back to front, on the grid of the frames.
        base_place: How many of them are behind the base.
        freeze: (h, w) in [0, 1], 1 holds still.

    Attributes:
        keeps: For the base and then each layer, the part of its motion that each pixel takes, or
            None for all of it everywhere.

    Raises:
        ImageError: ``base_place`` is no place among the layers.
    """

    def __init__(
        self, masks: Sequence[Float | None], *, base_place: int = 0, freeze: Float | None = None
    ) -> None:
        if not 0 <= base_place <= len(masks):
            raise ImageError(
                "The base can be at place 0 to {count} among the layers, got {base_place}.",
                count=len(masks),
                base_place=base_place,
            )
        self._masks = list(masks)
        self._places = [place + (place >= base_place) for place in range(len(masks))]
        self._base_place = base_place
        free = None if freeze is None else 1 - freeze
        rest: Float | None = None
        weights: list[Float | None] = []
        for mask in reversed(self._masks):
            weights.insert(0, mask if mask is None or rest is None else mask * rest)
            if mask is not None:
                rest = 1 - mask if rest is None else rest * (1 - mask)
        self._rest = rest
        self._weights = weights
        parts = [rest, *(rest if weight is None else weight for weight in weights)]
        self.keeps = [_times(part, free) for part in parts]

    def join(self, flows: Sequence[Float]) -> tuple[Float, Float]:
        """Return the flow of a frame and its order, (h, w, 2) and (h, w).

        Args:
            flows: Of the base and each layer, each pixel with the part of `keeps` alone.
        """
        total = flows[0].copy()
        order = np.full(total.shape[:2], self._base_place, np.float32)
        for number, flow in enumerate(flows[1:]):  # without a mask: in place of the base
            if self._masks[number] is None:
                speed = np.hypot(flow[..., 0], flow[..., 1])
                moves = speed > max(_LEAST_MOTION, _PART_OF_MOTION * float(speed.max()))
                total[moves] = flow[moves]
                order[moves] = self._places[number]
        for number, flow in enumerate(flows[1:]):
            weight = self._weights[number]
            if weight is not None:
                total += flow
                order[weight > 0.5] = self._places[number]
        return total, order


def _times(one: Float | None, other: Float | None) -> Float | None:
    if one is None or other is None:
        return other if one is None else one
    product: Float = one * other
    return product
