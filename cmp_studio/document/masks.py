"""Masks as immutable values: an 8-bit grey PNG, 255 where the picture is held still."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cmp_studio.document.errors import MaskError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_PIXELS: Final = 100_000_000


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


def mask_from_bytes(data: bytes, name: str) -> Mask:
    """Return the mask that a picture file shows: white is held still, black is free.

    Transparent counts as black, so a mask painted on an empty layer works too.

    Args:
        data: A whole picture file of any kind that Pillow reads.
        name: File name, for the message.

    Raises:
        MaskError: Not a readable picture.
    """
    import numpy as np
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mask is as large as its picture; that is limited
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > _MAX_PIXELS:
                    raise MaskError(f"{name} is too large for a mask; it has the picture's size.")
                if picture.mode.startswith(("I", "F")):  # more than 8 bits: any light holds still
                    grey = (np.array(picture) > 0).astype(np.uint8) * np.uint8(255)
                    return mask_from_array(grey)
                layers = picture.convert("RGBA")
                black = Image.new("RGBA", layers.size, (0, 0, 0, 255))
                grey = np.array(Image.alpha_composite(black, layers).convert("L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError(f"{name} is not a readable picture, so it can't be a mask.") from error
    return mask_from_array(grey)


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
