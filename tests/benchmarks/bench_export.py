"""Frames per second of `write_video` against ffmpeg alone on the same frames.

Run: ``python -m tests.benchmarks.bench_export [--frames 24] [--runs 3]``

Both get the same raw frames of 1280 x 720 and the same encoder arguments, in turns: `write_video`
from arrays in this process, ffmpeg from a file of raw frames. For GIF "alone" is the usual one
command, which keeps all frames in memory.

Budget: at least 0.85 of ffmpeg alone for MP4, WebM, WebP and PNG; at least 0.6 for GIF, which
writes its frames to a file in between.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from cmp_engine.ffmpeg_process import ffmpeg_executable
from cmp_engine.video_encoders import encoder_arguments, raw_input
from cmp_engine.video_io import write_video

WIDTH, HEIGHT, FPS = 1280, 720, 24.0


def make_frames(count: int) -> list[np.ndarray]:
    """A smooth picture with some grain, and a block of it that swings."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    waves = [np.sin(x / a + y / b) for a, b in ((90, 60), (-70, 110), (40, -150))]
    still = np.stack([128 + 80 * wave for wave in waves], axis=2)
    still += rng.normal(0, 3, still.shape)
    picture = np.clip(still, 0, 255).astype(np.uint8)
    frames = []
    for index in range(count):
        frame = picture.copy()
        shift = round(60 * np.sin(2 * np.pi * index / count))
        frame[200:500, 500 + shift : 780 + shift] = picture[220:520, 100:380]
        frames.append(frame)
    return frames


def alone(film_format: str, raw: Path, folder: Path) -> list[str]:
    """The command that turns the raw file into a film without us."""
    source = raw_input((WIDTH, HEIGHT), FPS)
    source[source.index("pipe:0")] = str(raw)
    if film_format == "gif":
        palette = "[0:v]split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
        options, name = ["-lavfi", palette, "-loop", "0"], "alone.gif"
    else:
        options = encoder_arguments(film_format, quality="good", fps=FPS, loop=True)
        name = "alone_%05d.png" if film_format == "png" else f"alone.{film_format}"
    start = [ffmpeg_executable(), "-hide_banner", "-loglevel", "error", "-nostdin"]
    return [*start, *source, *options, "-y", str(folder / name)]


def main() -> None:
    """Measure every format and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--formats", nargs="+", default=["mp4", "gif", "webm", "webp", "png"])
    options = parser.parse_args()
    frames = make_frames(options.frames)
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {options.frames} frames, {options.runs} runs")
    print(f"{'format':8}{'ours, frames/s':>18}{'alone, frames/s':>18}{'ratio':>8}{'spread':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = folder / "frames.rgb"
        raw.write_bytes(b"".join(frame.tobytes() for frame in frames))
        for film_format in options.formats:
            ours, theirs = [], []
            target = folder / ("frames" if film_format == "png" else f"ours.{film_format}")
            for _ in range(options.runs):
                start = time.perf_counter()
                write_video(target, frames, fps=FPS, frame_count=len(frames), format=film_format)
                ours.append(time.perf_counter() - start)
                start = time.perf_counter()
                # In a session of its own, as ours is: Linux shares a busy machine out by sessions.
                command = alone(film_format, raw, folder)
                subprocess.run(command, check=True, start_new_session=True)
                theirs.append(time.perf_counter() - start)
            ratio = statistics.median(theirs) / statistics.median(ours)
            spread = (max(ours) - min(ours)) / statistics.median(ours)
            print(
                f"{film_format:8}{len(frames) / statistics.median(ours):18.1f}"
                f"{len(frames) / statistics.median(theirs):18.1f}{ratio:8.2f}{spread:9.0%}"
            )


if __name__ == "__main__":
    main()
