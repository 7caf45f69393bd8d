"""Films to files and back, one frame at a time.

Memory does not grow with the number of frames: each goes to ffmpeg through a pipe as it comes. The
film appears under its name when it is whole; until then it lies in a hidden folder beside it,
which is removed whatever happens.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, Final, get_args

import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import Cancelled, ImageError, VideoError
from cmp_engine.ffmpeg_process import FfmpegFailed, FfmpegProcess
from cmp_engine.film_target import (
    FRAME_NAME,
    FRAME_PATTERN,
    check_target,
    describe_failure,
    film_format_of,
    install,
    scratch_folder,
)
from cmp_engine.gif_io import colour_film, spool_arguments
from cmp_engine.image_io import read_image
from cmp_engine.partial_file import describe_os_error
from cmp_engine.video_encoders import (
    EVEN_FORMATS,
    MAX_SIDES,
    Quality,
    VideoFormat,
    encoder_arguments,
    raw_input,
)

__all__ = ["FRAME_NAME", "Quality", "VideoFormat", "read_video", "write_video"]

logger = logging.getLogger(__name__)

_MIN_FPS: Final = 0.01
_MAX_FPS: Final = 1000.0


def write_video(
    path: str | Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    fps: float,
    frame_count: int,
    format: VideoFormat | None = None,  # noqa: A002 - the word that the callers' users know
    quality: Quality = "good",
    loop: bool = True,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """Write a film as MP4, GIF, WebM, animated WebP, or a folder of PNG pictures.

    MP4 (H.264) and WebM (VP9) have even sides: an odd one gains a row or column, a copy of the
    last. Both are 4:2:0 in limited-range BT.709, and say so. GIF shows at most 50 frames a second.

    Args:
        path: Where to: a file, replaced if there is one; or for PNG a folder, which must be new,
            empty, or hold nothing but the pictures of an earlier film, which are replaced.
        frames: Pictures of (h, w, 3) uint8 sRGB, all of one size. Read lazily, one at a time.
        fps: Frames per second, 0.01 to 1000.
        frame_count: How many frames are expected; it serves the progress alone.
        format: What to write, else the suffix of `path` says it; no suffix means PNG pictures.
        quality: ``draft``, ``good`` or ``best``: size and time against looks.
        loop: Whether GIF and WebP repeat for ever. Players decide it for MP4 and WebM.
        progress: Called with the steps done and all steps. A frame is one step, in a GIF two; the
            last step is reported when the film lies under its name.
        cancelled: Asked before each frame and while waiting for ffmpeg.

    Returns:
        The path of the film.

    Raises:
        VideoError: A number, frame or name makes no sense; there is no frame; the folder is
            missing, read-only or full; or ffmpeg failed.
        Cancelled: `cancelled` said so. Nothing is left behind.
    """
    target = Path(path)
    film_format = film_format_of(target, format)
    _check_numbers(fps, frame_count, quality)
    check_target(target, film_format)
    steps = _Steps(frame_count * (2 if film_format == "gif" else 1), progress)
    is_cancelled = cancelled or _never
    pictures = _checked_frames(frames, film_format, is_cancelled)
    try:
        with contextlib.closing(pictures), scratch_folder(target) as scratch:
            first = next(pictures, None)
            if first is None:
                raise VideoError("A film needs at least one frame, and none came.")
            film = scratch / ("film" if film_format == "png" else f"film.{film_format}")
            film_input = raw_input((first.shape[1], first.shape[0]), fps)
            if film_format == "gif":
                spool, palette = scratch / "frames.mkv", scratch / "palette.png"
                two_outputs = [*film_input, *spool_arguments(spool, palette, quality)]
                count = _feed(two_outputs, scratch, first, pictures, steps, is_cancelled)
                steps.expect(2 * count)
                colour_film(
                    spool, palette, film, quality=quality, fps=fps, loop=loop,
                    frame_written=lambda done: steps.reach(count + done), cancelled=is_cancelled,
                )  # fmt: skip
            else:
                encoder = encoder_arguments(film_format, quality=quality, fps=fps, loop=loop)
                name = film.name
                if film_format == "png":
                    film.mkdir()
                    # A relative name: ffmpeg would take a % in the folder's for a number.
                    name = f"{film.name}/{FRAME_NAME}"
                arguments = [*film_input, *encoder, "-y", name]
                _feed(arguments, scratch, first, pictures, steps, is_cancelled)
            install(film, target)
    except FfmpegFailed as error:
        logger.warning("ffmpeg failed on %s: %s", target, error)
        raise VideoError(describe_failure(str(error), target)) from error
    except OSError as error:
        raise VideoError(describe_os_error(error, target)) from error
    steps.end()
    return target


def read_video(path: str | Path, *, max_frames: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a film as they are meant to be seen, one at a time.

    Args:
        path: A film of any kind that ffmpeg reads, or a folder of PNG pictures, taken by name.
        max_frames: Stop after so many.

    Yields:
        (h, w, 3) uint8 sRGB, each an array of its own.

    Raises:
        VideoError: There is no such file, no film in it, or it is damaged.
    """
    source = Path(path)
    if source.is_dir():
        pictures = sorted(
            entry for entry in source.iterdir() if FRAME_PATTERN.fullmatch(entry.name)
        )
        if not pictures:
            raise VideoError(
                "The folder {source} holds no pictures named like {example}.",
                source=source,
                example=FRAME_NAME % 1,
            )
        for picture in pictures[:max_frames]:
            try:
                yield read_image(picture)
            except ImageError as error:
                raise VideoError("A frame can't be read: {error}", error=error) from error
        return
    if not source.is_file():
        raise VideoError("There is no film {source}; check the name.", source=source)
    limit = [] if max_frames is None else ["-frames:v", str(max_frames)]
    arguments = [
        "-protocol_whitelist", "file", "-i", str(source.absolute()), "-map", "0:v:0", *limit,
        "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe",
        "pipe:1",
    ]  # fmt: skip
    count = 0
    with FfmpegProcess(arguments, is_read=True) as process:
        while (frame := _read_ppm(process.output)) is not None:
            count += 1
            yield frame
        try:
            process.finish()
        except FfmpegFailed as error:
            logger.warning("ffmpeg failed on %s: %s", source, error)
            raise VideoError(
                "{source} is no film that can be read, or it is damaged.", source=source
            ) from error
    if count == 0 and max_frames != 0:
        raise VideoError("{source} holds no pictures; a film is expected.", source=source)


class _Steps:
    """Progress that only grows, and ends exactly once."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total = total
        self._done = 0
        self._progress = progress

    def expect(self, total: int) -> None:
        """Correct the number of steps, once it is known."""
        self._total = total

    def reach(self, done: int) -> None:
        """Report so many steps, but never the last one, which `end` does."""
        done = min(done, self._total - 1)
        if self._progress is not None and done > self._done:
            self._done = done
            self._progress(done, self._total)

    def end(self) -> None:
        """Report the last step."""
        if self._progress is not None:
            self._progress(self._total, self._total)


def _feed(
    arguments: list[str],
    folder: Path,
    first: NDArray[np.uint8],
    others: Iterator[NDArray[np.uint8]],
    steps: _Steps,
    cancelled: Callable[[], bool],
) -> int:
    """Run ffmpeg over the frames, and return how many there were."""
    with FfmpegProcess(arguments, folder=folder, is_fed=True) as process:
        process.write(first.data.cast("B"))
        count = 1
        steps.reach(count)
        for frame in others:
            process.write(frame.data.cast("B"))
            count += 1
            steps.reach(count)
        process.finish(cancelled=cancelled)
    return count


def _checked_frames(
    frames: Iterable[NDArray[np.uint8]],
    film_format: VideoFormat,
    cancelled: Callable[[], bool],
) -> Generator[NDArray[np.uint8], None, None]:
    """Yield contiguous frames of one size, as large as the format wants them."""
    size_hw: tuple[int, ...] | None = None
    number = 0
    iterator = iter(frames)
    while True:
        if cancelled():
            raise Cancelled("The export was cancelled.")
        try:
            frame = next(iterator, None)
        except OSError as error:  # not to be mistaken for the film's own file
            raise VideoError(
                "Frame {number} could not be made ({error}).", number=number + 1, error=error
            ) from error
        if frame is None:
            return
        number += 1
        if (
            not isinstance(frame, np.ndarray) or frame.dtype != np.uint8
            or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape
        ):  # fmt: skip
            came = f"{getattr(frame, 'shape', type(frame).__name__)}"
            raise VideoError(
                "Frame {number} should be (height, width, 3) of uint8, and {came} of {kind} came.",
                number=number,
                came=came,
                kind=getattr(frame, "dtype", "no array"),
            )
        height, width = frame.shape[:2]
        if size_hw is None:
            size_hw = (height, width)
            if max(size_hw) > MAX_SIDES[film_format]:
                raise VideoError(
                    "{format} holds at most {most} px a side, and the frames have {width} x "
                    "{height}; choose a smaller size.",
                    format=film_format.upper(),
                    most=MAX_SIDES[film_format],
                    width=width,
                    height=height,
                )
        if (height, width) != size_hw:
            raise VideoError(
                "All frames must have one size: the first has {first_width} x {first_height} px, "
                "frame {number} has {width} x {height}.",
                first_width=size_hw[1],
                first_height=size_hw[0],
                number=number,
                width=width,
                height=height,
            )
        if film_format in EVEN_FORMATS and (height % 2 or width % 2):
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        yield np.ascontiguousarray(frame)


def _read_ppm(stream: IO[bytes]) -> NDArray[np.uint8] | None:
    """Return the next picture of a stream of binary PPM files, None at its end."""
    if stream.readline() != b"P6\n":
        return None
    width, height = (int(side) for side in stream.readline().split())
    stream.readline()
    data = stream.read(3 * width * height)
    if len(data) < 3 * width * height:
        return None
    return np.frombuffer(data, np.uint8).reshape(height, width, 3).copy()


def _check_numbers(fps: float, frame_count: int, quality: Quality) -> None:
    if not (math.isfinite(fps) and _MIN_FPS <= fps <= _MAX_FPS):
        raise VideoError("Frames per second must be from 0.01 to 1000, and {fps} came.", fps=fps)
    if frame_count < 1:
        raise VideoError(
            "A film needs at least one frame, and {frame_count} were asked for.",
            frame_count=frame_count,
        )
    if quality not in get_args(Quality):
        raise VideoError(
            "A film's quality is {qualities}, and {quality!r} was asked for.",
            qualities=", ".join(get_args(Quality)),
            quality=quality,
        )


def _never() -> bool:
    return False
