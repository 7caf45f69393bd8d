"""How large frames are. Sizes are ``(height, width)`` in px, and keep the picture's aspect."""

from __future__ import annotations

from typing import Final

from cmp_studio.document.scene import Picture
from cmp_studio.pipeline.errors import SizeError

MIN_FRAME_SIDE: Final = 16
MAX_FRAME_SIDE: Final = 16_384

FINE_SIDE: Final = 1280
"""Frames smaller than the picture are drawn with a longer side of up to this, px, then shrunk."""


def output_size(
    picture: Picture,
    *,
    max_side: int | None = None,
    height: int | None = None,
    is_even: bool = False,
) -> tuple[int, int]:
    """Return the size of the frames, ``(height, width)`` px.

    Args:
        picture: Gives the aspect, and the size where nothing else does.
        max_side: Longest side at most, px; a smaller picture stays as it is.
        height: Height, px; a smaller picture is enlarged.
        is_even: Round a chosen size to even sides, as H.264 and VP9 want them. The picture's own
            size is never touched: the film writer adds a row or column instead of resampling.

    Raises:
        SizeError: Both ways were given, or a side would be too short or too long.
    """
    if max_side is not None and height is not None:
        raise SizeError("Give the height or the longest side of the frames, not both.")
    own = picture.height, picture.width
    if height is not None:
        scale = height / picture.height
    elif max_side is not None:
        scale = min(1.0, max_side / max(own))
    else:
        scale = 1.0
    if scale == 1.0:
        return own
    step = 2 if is_even else 1
    size = tuple(step * round(side * scale / step) for side in own)
    if height is not None and not is_even:
        size = (height, size[1])
    if min(size) < MIN_FRAME_SIDE or max(size) > MAX_FRAME_SIDE:
        raise SizeError(
            "Frames must have sides from {min_frame_side} to {max_frame_side} px; this size would "
            "give {width} x {height}.",
            min_frame_side=MIN_FRAME_SIDE,
            max_frame_side=MAX_FRAME_SIDE,
            width=size[1],
            height=size[0],
        )
    return size[0], size[1]


def drawing_size(picture: Picture, size_hw: tuple[int, int], supersample: int) -> tuple[int, int]:
    """Return the size at which frames are drawn before they are averaged down to their own.

    The edges of what moves can only be told from the picture where it is large enough to see them:
    drawn at 400 px they are ragged, drawn at the size of the picture and shrunk they are clean.

    Args:
        picture: What moves.
        size_hw: Size of the frames, px.
        supersample: How much finer the grid is at least.
    """
    fine_hw = (size_hw[0] * supersample, size_hw[1] * supersample)
    own_hw = (picture.height, picture.width)
    scale = min(1.0, FINE_SIDE / max(own_hw))
    own_hw = (round(own_hw[0] * scale), round(own_hw[1] * scale))
    return own_hw if own_hw[0] > fine_hw[0] and own_hw[1] > fine_hw[1] else fine_hw
