"""Masks as immutable values: an 8-bit grey PNG, and how far its edge is softened.

A freeze mask is 255 where the picture is held still, a group's mask where it belongs to the group.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cmp_studio.document.errors import MaskError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_FEATHER: Final = 500.0

_MAX_PIXELS: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Mask:
    """Part of the picture, on its grid.

    Attributes:
        height: Rows.
        width: Columns.
        png: The pixels as an 8-bit grey PNG; 255 is inside (of a freeze mask: held still), 0 is
            outside, values between are a soft edge.
        feather: How far the edge is softened besides, px: the standard deviation of a blur that
            `soft_mask` applies and ``png`` does not hold.
    """

    height: int
    width: int
    png: bytes = field(repr=False)
    feather: float = 0.0

    def __post_init__(self) -> None:
        """Refuse sizes that make no sense."""
        if self.height < 1 or self.width < 1:
            raise MaskError(
                "A mask has at least one pixel, got {width} x {height}.",
                width=self.width,
                height=self.height,
            )
        if not 0 <= self.feather <= MAX_FEATHER:
            raise MaskError(
                "Feather must be from 0 to {max_feather:g} px, got {feather}.",
                max_feather=MAX_FEATHER,
                feather=self.feather,
            )


def mask_from_array(array: NDArray[np.uint8], *, feather: float = 0.0) -> Mask:
    """Return the mask with these pixels.

    Args:
        array: ``(H, W)`` uint8, 255 inside.
        feather: How far the edge is softened besides, px.

    Raises:
        MaskError: Another shape or type.
    """
    import numpy as np
    from PIL import Image

    if array.ndim != 2 or array.dtype != np.uint8 or array.size == 0:
        raise MaskError(
            "A mask must be an (H, W) array of uint8, got shape {shape} of {dtype}.",
            shape=array.shape,
            dtype=array.dtype,
        )
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return Mask(array.shape[0], array.shape[1], buffer.getvalue(), feather)


def mask_from_png(png: bytes, *, feather: float = 0.0) -> Mask:
    """Return the mask of the PNG that another mask held.

    Raises:
        MaskError: Not a PNG.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError("The mask is not a readable PNG: {error}.", error=error) from error
    return Mask(height, width, png, feather)


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
                    raise MaskError(
                        "{name} is too large for a mask; it has the picture's size.", name=name
                    )
                if picture.mode.startswith(("I", "F")):  # more than 8 bits: any light holds still
                    grey = (np.array(picture) > 0).astype(np.uint8) * np.uint8(255)
                    return mask_from_array(grey)
                layers = picture.convert("RGBA")
                black = Image.new("RGBA", layers.size, (0, 0, 0, 255))
                grey = np.array(Image.alpha_composite(black, layers).convert("L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError(
            "{name} is not a readable picture, so it can't be a mask.", name=name
        ) from error
    return mask_from_array(grey)


def mask_to_array(mask: Mask) -> NDArray[np.uint8]:
    """Return the pixels, ``(H, W)`` uint8, read-only; 255 inside, without the feather.

    Raises:
        MaskError: The bytes are no such PNG, or its size is not the mask's.
    """
    return _decode(mask if mask.feather == 0 else replace(mask, feather=0.0))


def soft_mask(mask: Mask) -> NDArray[np.float32]:
    """Return how far each pixel is inside, ``(H, W)`` float32 in [0, 1], read-only, feathered.

    Raises:
        MaskError: As for `mask_to_array`.
    """
    return _soften(mask)


def inverted(mask: Mask) -> Mask:
    """Return the mask with inside and outside swapped."""
    import numpy as np

    return mask_from_array(np.uint8(255) - mask_to_array(mask), feather=mask.feather)


def painted(
    mask: Mask | None,
    size_hw: tuple[int, int],
    stroke: Sequence[tuple[float, float]],
    *,
    radius: float,
    value: int = 255,
) -> Mask:
    """Return a mask after one stroke of a round brush.

    Args:
        mask: The mask so far; None is an empty one.
        size_hw: Size of the picture, px.
        stroke: Where the brush went, px of the picture; one point is a dab.
        radius: Of the brush, px.
        value: 255 paints, 0 erases.

    Raises:
        MaskError: The mask has another size.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    if mask is None:
        image = Image.new("L", (size_hw[1], size_hw[0]))
    elif (mask.height, mask.width) != size_hw:
        raise MaskError(
            "The mask should be {width} x {height}, it is {mask_width} x {mask_height}.",
            width=size_hw[1],
            height=size_hw[0],
            mask_width=mask.width,
            mask_height=mask.height,
        )
    else:
        image = Image.fromarray(mask_to_array(mask))
    draw = ImageDraw.Draw(image)
    if len(stroke) > 1:
        draw.line([tuple(point) for point in stroke], fill=value, width=max(1, round(2 * radius)))
    for x, y in stroke:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value)
    return mask_from_array(np.array(image), feather=0.0 if mask is None else mask.feather)


@lru_cache(maxsize=8)
def _soften(mask: Mask) -> NDArray[np.float32]:
    import numpy as np
    from PIL import Image, ImageFilter

    hard = mask_to_array(mask)
    if mask.feather > 0:
        hard = np.array(Image.fromarray(hard).filter(ImageFilter.GaussianBlur(mask.feather)))
    soft: NDArray[np.float32] = hard.astype(np.float32) / np.float32(255)
    soft.flags.writeable = False
    return soft


@lru_cache(maxsize=8)
def _decode(mask: Mask) -> NDArray[np.uint8]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(mask.png), formats=("PNG",)) as picture:
            if picture.size != (mask.width, mask.height):
                raise MaskError(
                    "The mask should be {width} x {height}, its picture is {picture_width} x "
                    "{picture_height}.",
                    width=mask.width,
                    height=mask.height,
                    picture_width=picture.width,
                    picture_height=picture.height,
                )
            if picture.mode != "L":
                raise MaskError(
                    "The mask should be an 8-bit grey PNG, got mode {mode}.", mode=picture.mode
                )
            array = np.array(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError("The mask is not a readable PNG: {error}.", error=error) from error
    array.flags.writeable = False
    return array
