"""One running ffmpeg, fed or read through a pipe, and always ended and reaped."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import imageio_ffmpeg

from cmp_engine.errors import Cancelled, VideoError

logger = logging.getLogger(__name__)

_TAIL_BYTES: Final = 4000
_POLL_SECONDS: Final = 0.05
_PIPE_BYTES: Final = 1 << 20
"""Room in the pipe to ffmpeg where the system lets us choose; 64 KiB would mean forty hand-overs
for a frame of 1280 x 720."""


class FfmpegFailed(Exception):
    """Ffmpeg ended with an error; the message is the end of what it wrote, for the log."""


class FfmpegProcess:
    """A context manager around one ffmpeg, without a shell and without a window.

    Leaving the block kills ffmpeg if it still runs, waits for it, and closes every pipe; so no
    process and no file stays open whatever happens inside. What ffmpeg complains of goes to a
    temporary file, so that it can never block on a full pipe.

    Args:
        arguments: All that follows the program's name.
        folder: Working folder of ffmpeg.
        is_fed: Whether `write` is to be used; ffmpeg reads ``pipe:0``.
        is_read: Whether `output` is to be used; ffmpeg writes ``pipe:1``.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path | None = None,
        is_fed: bool = False,
        is_read: bool = False,
    ) -> None:
        self._arguments = list(arguments)
        self._folder = folder
        self._is_fed = is_fed
        self._is_read = is_read
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start ffmpeg.

        Raises:
            VideoError: There is no ffmpeg, or it can't be started.
        """
        command = [ffmpeg_executable(), "-hide_banner", "-loglevel", "error", "-nostdin"]
        command += self._arguments
        logger.debug("Starting %s", command)
        try:
            self._complaints = tempfile.TemporaryFile()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if self._is_fed else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._is_read else subprocess.DEVNULL,
                stderr=self._complaints,
                cwd=self._folder,
                bufsize=0 if self._is_fed else -1,
                # Ctrl-C is for us alone: we end ffmpeg ourselves, and clear up behind it.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self._close()
            raise VideoError(
                "The video program ffmpeg could not be started ({error}); install the package "
                "imageio-ffmpeg anew.",
                error=error,
            ) from error
        _widen(self._process.stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End ffmpeg if it still runs, and wait for it."""
        self._close()

    @property
    def output(self) -> IO[bytes]:
        """What ffmpeg writes to ``pipe:1``."""
        stream = self._started().stdout
        if stream is None:
            raise ValueError("This ffmpeg was started without a pipe to read from.")
        return stream

    def write(self, data: memoryview) -> None:
        """Feed all the bytes of a contiguous buffer.

        Raises:
            FfmpegFailed: Ffmpeg ended before it had read them.
        """
        stream = self._started().stdin
        if stream is None:
            raise ValueError("This ffmpeg was started without a pipe to write to.")
        try:
            while data.nbytes:
                data = data[stream.write(data) :]
        except (BrokenPipeError, OSError) as error:
            self._started().wait()
            raise FfmpegFailed(self._tail()) from error

    def finish(self, *, cancelled: Callable[[], bool] | None = None) -> None:
        """Tell ffmpeg that nothing follows, and wait until it has ended well.

        Raises:
            FfmpegFailed: It ended with an error.
            Cancelled: `cancelled` said so while waiting.
        """
        process = self._started()
        if process.stdin is not None:
            process.stdin.close()
        while True:
            try:
                code = process.wait(timeout=_POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if cancelled is not None and cancelled():
                    raise Cancelled("The export was cancelled.") from None
        tail = self._tail()
        if code != 0:
            raise FfmpegFailed(tail)
        if tail:
            logger.info("ffmpeg ended well, and said: %s", tail)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ValueError("Use an FfmpegProcess inside its with block.")
        return self._process

    def _tail(self) -> str:
        """Return the end of what ffmpeg complained of."""
        if self._complaints is None:
            return ""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, size - _TAIL_BYTES))
        return self._complaints.read().decode("utf-8", "replace").strip()

    def _close(self) -> None:
        process = self._process
        if process is not None:
            if process.poll() is None:
                process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError as error:  # a broken pipe says nothing new
                        logger.debug("Closing a pipe of ffmpeg: %s", error)
            process.wait()
        if self._complaints is not None:
            self._complaints.close()


def _widen(stream: IO[bytes] | None) -> None:
    """Give a pipe more room, on systems that can."""
    if stream is not None and sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # the system may allow less
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def ffmpeg_executable() -> str:
    """Return the path of the ffmpeg that comes with imageio-ffmpeg.

    Raises:
        VideoError: There is none for this machine.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise VideoError(
            "The video program ffmpeg is missing; install the package imageio-ffmpeg anew, or set "
            "IMAGEIO_FFMPEG_EXE to an ffmpeg of your own."
        ) from error
