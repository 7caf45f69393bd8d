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
from cmp_studio.document.motion import film_seconds
from cmp_studio.document.scene import Picture, Scene, picture_from_bytes
from cmp_studio.document.scene_edits import set_fill
from cmp_studio.pipeline.sizes import output_size

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_studio.pipeline.film import Film

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


def with_film_options(scene: Scene, options: argparse.Namespace) -> Scene:
    """Return the scene with the film settings that were given, and its own where not.

    Raises:
        SceneError: A setting is out of range.
        PictureError: The background can't be used.
        ImageError: There is no such file.
    """
    names = ("duration", "fps", "loop", "strength", "mode", "shutter", "subframes", "supersample")
    given = {name: getattr(options, name) for name in names}
    changed = {name: value for name, value in given.items() if value is not None}
    scene = replace(scene, film=replace(scene.film, **changed))
    if options.fill is None:
        return scene
    if isinstance(options.fill, Path):
        plate = picture_from_bytes(read_bytes(options.fill), options.fill.name)
        return set_fill(scene, "plate", plate=plate)
    return set_fill(scene, options.fill)


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


class HoleWatch:
    """Says after a film how much of its frames was uncovered.

    Attributes:
        values: What a JSON result says about it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.values: dict[str, object] = {}

    def on_written(self, film: Film) -> None:
        """Take note of a film that was written."""
        from cmp_studio.pipeline.holes import WARN_SHARE

        worst = max(film.hole_shares, default=0.0)
        self.values = {"largest_hole_share": round(worst, 4)}
        if worst >= WARN_SHARE and film.scene.fill == "stretch":
            self._console.note(
                f"Up to {worst:.0%} of a frame is uncovered and shows stretched background; "
                "--fill inpaint paints it in, --fill FILE shows a picture without the part."
            )


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
