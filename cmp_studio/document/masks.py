"""Masks as immutable values: an 8-bit grey PNG, 255 where the picture is held still."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cmp_studio.document.errors import MaskError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mask:
    """What may not move, on the grid of the picture.

    Attributes:
        height: Rows.
        width: Columns.
        png: The pixels as an 8-bit grey PNG; 255 is held still, 0 is free, values between are a
            soft edge.
    """

    height: int
    width: int
    png: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse sizes that make no sense."""
        if self.height < 1 or self.width < 1:
            raise MaskError(f"A mask has at least one pixel, got {self.width} x {self.height}.")


def mask_from_array(array: NDArray[np.uint8]) -> Mask:
    """Return the mask with these pixels.

    Args:
        array: ``(H, W)`` uint8, 255 where the picture is held still.

    Raises:
        MaskError: Another shape or type.
    """
    import numpy as np
    from PIL import Image

    if array.ndim != 2 or array.dtype != np.uint8 or array.size == 0:
        raise MaskError(
            f"A mask must be an (H, W) array of uint8, got shape {array.shape} of {array.dtype}."
        )
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return Mask(array.shape[0], array.shape[1], buffer.getvalue())


def mask_to_array(mask: Mask) -> NDArray[np.uint8]:
    """Return the pixels, ``(H, W)`` uint8, read-only; 255 where the picture is held still.

    Raises:
        MaskError: The bytes are no such PNG, or its size is not the mask's.
    """
    return _decode(mask)


@lru_cache(maxsize=8)
def _decode(mask: Mask) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(mask.png), formats=("PNG",)) as picture:
            if picture.size != (mask.width, mask.height):
                raise MaskError(
                    f"The mask should be {mask.width} x {mask.height}, "
                    f"its picture is {picture.width} x {picture.height}."
                )
            if picture.mode != "L":
                raise MaskError(f"The mask should be an 8-bit grey PNG, got mode {picture.mode}.")
            array = np.array(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError(f"The mask is not a readable PNG: {error}.") from error
    array.flags.writeable = False
    return array
