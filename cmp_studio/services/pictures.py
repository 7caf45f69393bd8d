"""The photo of the open scene, decoded, with smaller versions for drawing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.scene import Picture

_SMALLEST_LEVEL = 512


@dataclass(frozen=True, slots=True, eq=False)
class OpenedPicture:
    """A decoded photo.

    Attributes:
        picture: What the scene keeps of it.
        levels: (h, w, 3) uint8 RGB: the photo as shown, then each half the size of the one before.
    """

    picture: Picture
    levels: tuple[NDArray[np.uint8], ...] = field(repr=False)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The photo at full size, (H, W, 3) uint8 RGB."""
        return self.levels[0]

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width of the photo in px."""
        return self.levels[0].shape[0], self.levels[0].shape[1]

    def level_for(self, scale: float) -> NDArray[np.uint8]:
        """The smallest version that is not enlarged when drawn at ``scale`` screen px per px."""
        wanted = self.image_hw[1] * scale
        fitting = [level for level in self.levels if level.shape[1] >= wanted]
        return fitting[-1] if fitting else self.levels[0]


def open_picture(picture: Picture) -> OpenedPicture:
    """Decode ``picture``. Takes up to seconds for a large photo: call it off the GUI thread.

    Raises:
        cmp_engine.errors.ImageError: The bytes can't be decoded.
        cmp_studio.pipeline.errors.PipelineError: The pixels are not what the scene says.
    """
    import cv2

    from cmp_studio.pipeline.stage import decode_picture as decode

    levels = [decode(picture)]
    while min(levels[-1].shape[:2]) >= 2 * _SMALLEST_LEVEL:
        height, width = levels[-1].shape[:2]
        smaller = cv2.resize(
            levels[-1], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA
        )
        levels.append(np.asarray(smaller, dtype=np.uint8))
    return OpenedPicture(picture, tuple(levels))


def fitted_size(image_hw: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Size (h, w) of the same aspect with the longer side ``long_side`` px, never enlarged."""
    height, width = image_hw
    scale = min(1.0, long_side / max(height, width))
    return max(2, round(height * scale)), max(2, round(width * scale))
