"""Steps that several commands share: files and options to a scene, weights to a predictor."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cmp_engine.errors import ImageError
from cmp_engine.film_target import check_target, film_format_of
from cmp_engine.partial_file import describe_os_error
from cmp_engine.video_encoders import EVEN_FORMATS, VideoFormat
from cmp_studio.cli.console import Console, size_text
from cmp_studio.document.masks import mask_from_bytes
from cmp_studio.document.motion import film_seconds
from cmp_studio.document.project_file import SUFFIX, load_scene
from cmp_studio.document.scene import (
    FilmSettings,
    Picture,
    Scene,
    add_track,
    picture_from_bytes,
    set_freeze,
)
from cmp_studio.document.tracks import Timing, make_arrow, make_path, make_pin
from cmp_studio.pipeline.sizes import output_size

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor

GIF_MAX_SIDE: Final = 800


@dataclass(frozen=True, slots=True)
class Target:
    """Where a film goes.

    Attributes:
        path: File, or folder for PNG frames.
        format: Kind of film.
        size_hw: Size of the frames, px.
    """

    path: Path
    format: VideoFormat
    size_hw: tuple[int, int]


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        ImageError: There is no such file, or it can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}; check the name.") from error
    except OSError as error:
        raise ImageError(f"{path} can't be read: {error.strerror or error}.") from error


def scene_of(options: argparse.Namespace) -> Scene:
    """Return the scene of a picture and the options of `options.add_guidance_options`.

    A scene file may stand in for the picture; its tracks come first.

    Raises:
        DocumentError: A file or an arrow can't be used.
        ImageError: There is no such file.
    """
    source: Path = options.source
    if source.suffix.lower() == SUFFIX:
        scene = load_scene(source)
    else:
        scene = Scene(picture_from_bytes(read_bytes(source), source.name))
    timing = Timing(
        easing=getattr(options, "easing", "ease"), repeat=getattr(options, "repeat", "once")
    )
    for start, end in options.arrows:
        scene = add_track(scene, make_arrow(start, end, timing=timing))
    for points in options.paths:
        scene = add_track(scene, make_path(points, timing=timing))
    for point in options.pins:
        scene = add_track(scene, make_pin(point))
    if options.freeze is not None:
        mask = mask_from_bytes(read_bytes(options.freeze), options.freeze.name)
        scene = set_freeze(scene, mask)
    return scene


def with_film_options(scene: Scene, options: argparse.Namespace) -> Scene:
    """Return the scene with the film settings that were given, and its own where not.

    Raises:
        SceneError: A setting is out of range.
    """
    film = scene.film
    changed = FilmSettings(
        duration=film.duration if options.duration is None else options.duration,
        fps=film.fps if options.fps is None else options.fps,
        loop=film.loop if options.loop is None else options.loop,
        strength=film.strength if options.strength is None else options.strength,
    )
    return replace(scene, film=changed)


def target_of(options: argparse.Namespace, picture: Picture, console: Console) -> Target:
    """Return where the film goes, after a look at the place.

    Raises:
        VideoError: The name or the place is not fit for a film.
        SizeError: The size can't be made.
    """
    path: Path = options.output
    film_format = film_format_of(path, options.format)
    check_target(path, film_format)
    if not path.absolute().parent.is_dir():
        from cmp_engine.errors import VideoError

        raise VideoError(describe_os_error(FileNotFoundError(2, ""), path.absolute()))
    max_side: int | None = options.max_side
    if film_format == "gif" and max_side is None and options.height is None:
        max_side = GIF_MAX_SIDE
        if max(picture.width, picture.height) > GIF_MAX_SIDE:
            console.note(
                f"A GIF is large: its longest side is made {GIF_MAX_SIDE} px "
                "(--max-side chooses another)."
            )
    size_hw = output_size(
        picture, max_side=max_side, height=options.height, is_even=film_format in EVEN_FORMATS
    )
    return Target(path, film_format, size_hw)


def load_predictor(options: argparse.Namespace, console: Console) -> MotionPredictor:
    """Return the predictor with the weights and on the device that were asked for.

    Raises:
        WeightsError: There are no such weights, or they are damaged.
        DeviceError: The device is not there.
    """
    console.step("Loading the network")
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.weights import load_model

    predictor = MotionPredictor(load_model(options.weights), device=options.device)
    predictor.set_on_notice(console.note)
    return predictor


def engine_values(predictor: MotionPredictor) -> dict[str, object]:
    """Return what a JSON result says about the network."""
    info = predictor.info
    return {
        "device": str(predictor.device),
        "weights": None if info is None else {"name": info.name, "sha256": info.sha256},
    }


def film_values(scene: Scene, target: Target, loops: int) -> dict[str, object]:
    """Return what a JSON result says about a film that was written."""
    height, width = target.size_hw
    seconds = film_seconds(scene.film) * loops
    return {
        "output": str(target.path),
        "format": target.format,
        "frames": round(seconds * scene.film.fps),
        "width": width,
        "height": height,
        "fps": scene.film.fps,
        "seconds": round(seconds, 3),
        "bytes": written_bytes(target.path),
    }


def film_text(values: dict[str, object]) -> str:
    """Return `film_values` as a line for people."""
    size = values["bytes"]
    return (
        f"{values['output']}: {values['frames']} frames of {values['width']} x {values['height']}, "
        f"{values['seconds']} s, {size_text(size if isinstance(size, int) else 0)}"
    )


def written_bytes(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(entry.stat().st_size for entry in path.iterdir())
    return path.stat().st_size
