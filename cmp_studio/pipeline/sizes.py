"""How large frames are. Sizes are ``(height, width)`` in px, and keep the picture's aspect."""

from __future__ import annotations

from typing import Final

from cmp_studio.document.scene import Picture
from cmp_studio.pipeline.errors import SizeError

MIN_FRAME_SIDE: Final = 16
MAX_FRAME_SIDE: Final = 16_384


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
            f"Frames must have sides from {MIN_FRAME_SIDE} to {MAX_FRAME_SIDE} px; this size would "
            f"give {size[1]} x {size[0]}."
        )
    return size[0], size[1]
