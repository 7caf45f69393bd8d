"""A scene to a film file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmp_engine.video_io import Quality, VideoFormat, write_video
from cmp_studio.document.scene import Scene
from cmp_studio.pipeline.film import Film
from cmp_studio.pipeline.stage import never

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor


def export_film(
    scene: Scene,
    predictor: MotionPredictor,
    path: Path,
    *,
    format: VideoFormat | None = None,  # noqa: A002  the word of the interface below and of users
    size_hw: tuple[int, int] | None = None,
    fps: float | None = None,
    quality: Quality = "good",
    loops: int = 1,
    image: NDArray[np.uint8] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = never,
    on_written: Callable[[Film], None] | None = None,
) -> Path:
    """Write the film of a scene, whole or not at all, and return its path.

    Args:
        scene: What to show.
        predictor: Used from the calling thread alone until the film is written.
        path: A file, or a folder for PNG frames.
        format: Kind of film; None takes it from the suffix.
        size_hw: Size of the frames, px, as `cmp_studio.pipeline.sizes.output_size` gives it; None
            is the size of the picture.
        fps: Frames per second instead of the scene's.
        quality: From small and quick to large and fine.
        loops: How often the film is gone through.
        image: The decoded picture, where the predictor has already had ``set_image`` with it.
        progress: Called with steps done and all steps, the last time when the file is there.
        cancelled: Asked before each frame.
        on_written: Called with the film when the file is there; it knows how large its holes were.

    Raises:
        VideoError: The film can't be written.
        Cancelled: ``cancelled`` returned True; nothing is left behind.
        EngineError: The picture or an arrow can't be used.
        DocumentError: ``fps`` or the mask can't be used.
        PipelineError: ``loops`` or the picture's size can't be used.
    """
    if fps is not None:
        scene = replace(scene, film=replace(scene.film, fps=fps))
    film = Film(scene, predictor, size_hw=size_hw, image=image, loops=loops)
    written = write_video(
        path,
        film.images(cancelled=cancelled),
        fps=scene.film.fps,
        frame_count=film.frame_count,
        format=format,
        quality=quality,
        loop=scene.film.loop != "once",
        progress=progress,
        cancelled=cancelled,
    )
    if on_written is not None:
        on_written(film)
    return written
