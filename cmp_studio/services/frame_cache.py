"""Rendered frames by what they show, least recently used out first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CachedFrame:
    """One picture of the film at preview resolution.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        flow: (fh, fw, 2) float16 forward flow from the still picture, in px of the full picture,
            on a coarser grid that covers the same frame.
        holes: (fh, fw) uint8 on the grid of the flow: 255 where nothing of the picture shows, or
            None where that is not known.
        hole_share: Share of the frame that is holes.
    """

    image: NDArray[np.uint8]
    flow: NDArray[np.float16]
    holes: NDArray[np.uint8] | None = None
    hole_share: float = 0.0

    @property
    def nbytes(self) -> int:
        """Memory that the frame holds, in bytes."""
        holes = 0 if self.holes is None else self.holes.nbytes
        return self.image.nbytes + self.flow.nbytes + holes


class FrameCache:
    """Keeps frames until ``max_bytes`` is reached, then forgets the least recently used."""

    def __init__(self, max_bytes: int = 768 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._frames: OrderedDict[Hashable, CachedFrame] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def __contains__(self, key: Hashable) -> bool:
        """Whether a frame is there; does not count as a use."""
        return key in self._frames

    @property
    def max_bytes(self) -> int:
        """Memory that the frames may hold, in bytes."""
        return self._max_bytes

    @property
    def nbytes(self) -> int:
        """Memory that all frames hold, in bytes."""
        return self._bytes

    def get(self, key: Hashable) -> CachedFrame | None:
        """The frame, now the most recently used, or None."""
        frame = self._frames.get(key)
        if frame is not None:
            self._frames.move_to_end(key)
        return frame

    def put(self, key: Hashable, frame: CachedFrame) -> None:
        """Keep ``frame``; the oldest go until the budget holds, the new one stays in any case."""
        old = self._frames.pop(key, None)
        if old is not None:
            self._bytes -= old.nbytes
        self._frames[key] = frame
        self._bytes += frame.nbytes
        while self._bytes > self._max_bytes and len(self._frames) > 1:
            _, gone = self._frames.popitem(last=False)
            self._bytes -= gone.nbytes

    def touch(self, keys: Iterable[Hashable]) -> None:
        """Mark ``keys`` as in use, so that others go first."""
        for key in keys:
            if key in self._frames:
                self._frames.move_to_end(key)

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._bytes = 0
