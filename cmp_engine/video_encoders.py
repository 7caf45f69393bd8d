"""What each film format asks of ffmpeg.

Speeds and sizes on which the choices stand: 48 frames of 1280 x 720, a photo with one moving part,
two cores. x264 ``fast`` keeps 48.8 dB at 51 frames/s where ``medium`` keeps 49.0 dB at 29, so it is
the default. Lossy WebP gains nothing from level 6 over 4 at a third of the speed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

VideoFormat = Literal["mp4", "gif", "webm", "webp", "png"]
Quality = Literal["draft", "good", "best"]

MAX_SIDES: Final[dict[VideoFormat, int]] = {
    "mp4": 16_384,
    "gif": 65_535,
    "webm": 16_384,
    "webp": 16_383,
    "png": 65_535,
}
"""Longest side that a format can hold, in px."""

EVEN_FORMATS: Final = ("mp4", "webm")
"""Formats whose colours are kept at half the resolution, so that their sides must be even."""

GIF_MAX_FPS: Final = 50
"""Frames of a GIF last hundredths of a second, and browsers slow down any that last only one."""

# Limited-range BT.709, said in the stream too: what every player assumes of a film of this size,
# so that no player has to guess and none gets the reds wrong.
_TO_BT709: Final = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,"
    "format=yuv420p,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)
_BT709_TAGS: Final = [
    "-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709",
    "-color_trc", "bt709",
]  # fmt: skip

_X264: Final[dict[Quality, list[str]]] = {
    "draft": ["-preset", "veryfast", "-crf", "26"],
    "good": ["-preset", "fast", "-crf", "18"],
    "best": ["-preset", "slow", "-crf", "13"],
}
_VP9: Final[dict[Quality, list[str]]] = {
    "draft": ["-deadline", "realtime", "-cpu-used", "6", "-crf", "32"],
    "good": ["-deadline", "good", "-cpu-used", "4", "-crf", "22"],
    "best": ["-deadline", "good", "-cpu-used", "2", "-crf", "14"],
}
_WEBP: Final[dict[Quality, list[str]]] = {
    "draft": ["-quality", "70", "-compression_level", "1"],
    "good": ["-quality", "88", "-compression_level", "4"],
    "best": ["-quality", "96", "-compression_level", "4"],
}
_PNG_LEVEL: Final[dict[Quality, str]] = {"draft": "1", "good": "3", "best": "6"}


def frame_rate(fps: float) -> Fraction:
    """Return a frame rate as the fraction that files store, 23.976 as 2997/125 for instance."""
    return Fraction(fps).limit_denominator(1001)


def raw_input(size_wh: tuple[int, int], fps: float) -> list[str]:
    """Return the arguments that make ffmpeg read raw RGB frames from its input pipe."""
    return [
        "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{size_wh[0]}x{size_wh[1]}",
        "-framerate", str(frame_rate(fps)), "-i", "pipe:0",
    ]  # fmt: skip


def encoder_arguments(
    film_format: Literal["mp4", "webm", "webp", "png"],
    *,
    quality: Quality,
    fps: float,
    loop: bool,
) -> list[str]:
    """Return the arguments between the input and the output of a one-pass format.

    Args:
        film_format: Any but GIF, which takes two passes (`cmp_engine.gif_io`).
        quality: ``draft`` is for a look, ``best`` for keeping.
        fps: Frames per second.
        loop: Whether a WebP repeats for ever; the other formats leave it to the player.

    Returns:
        Arguments for ffmpeg. A key frame comes every two seconds, so that players seek quickly.
    """
    key_frames = ["-g", str(max(1, round(2 * fps)))]
    if film_format == "mp4":
        return [
            "-vf", _TO_BT709, "-c:v", "libx264", *_X264[quality], "-profile:v", "high", *key_frames,
            *_BT709_TAGS, "-movflags", "+faststart", "-f", "mp4",
        ]  # fmt: skip
    if film_format == "webm":
        return [
            "-vf", _TO_BT709, "-c:v", "libvpx-vp9", *_VP9[quality], "-b:v", "0", "-row-mt", "1",
            "-tile-columns", "1", *key_frames, *_BT709_TAGS, "-f", "webm",
        ]  # fmt: skip
    if film_format == "webp":
        return [
            "-vf", "format=bgra", "-c:v", "libwebp_anim", "-lossless", "0", *_WEBP[quality],
            "-loop", "0" if loop else "1", "-f", "webp",
        ]  # fmt: skip
    return [
        "-c:v", "png", "-compression_level", _PNG_LEVEL[quality], "-pred", "mixed",
        "-start_number", "1", "-f", "image2",
    ]  # fmt: skip
