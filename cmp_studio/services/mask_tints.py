"""Masks as small pictures to draw over the photo, made in the background."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cmp_studio.document.masks import Mask, soft_mask
from cmp_studio.services.background import Background

LONG_SIDE: Final = 1024
_KEPT: Final = 12


class MaskTints(QObject):
    """How far each place is inside of a mask, on a coarse grid.

    Signals:
        ready(): Another mask can be drawn.
    """

    ready = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._grids: OrderedDict[Mask, NDArray[np.uint8]] = OrderedDict()
        self._asked: set[Mask] = set()

    def grid(self, mask: Mask) -> NDArray[np.uint8] | None:
        """The mask as (h, w) uint8, 255 inside, or None while it is being made."""
        found = self._grids.get(mask)
        if found is None and mask not in self._asked:
            self._asked.add(mask)
            self._background.submit(_Shrink(mask), done=self.on_shrunk, failed=self.on_failed)
        return found

    def on_shrunk(self, answer: object) -> None:
        """Keep a grid that was made."""
        if isinstance(answer, _Shrunk):
            self._asked.discard(answer.mask)
            self._grids[answer.mask] = answer.grid
            while len(self._grids) > _KEPT:
                self._grids.popitem(last=False)
            self.ready.emit()

    def on_failed(self, _error: object) -> None:
        """A mask that can't be read is not drawn; rendering says why."""


@dataclass(frozen=True, slots=True)
class _Shrunk:
    mask: Mask
    grid: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Shrink:
    mask: Mask

    def __call__(self) -> _Shrunk:
        import cv2

        soft = soft_mask(self.mask)
        height, width = soft.shape
        scale = min(1.0, LONG_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
        grid = np.ascontiguousarray(np.asarray(small) * 255, dtype=np.uint8)
        return _Shrunk(self.mask, grid)
