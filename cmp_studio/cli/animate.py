"""``cmp-studio animate``: a picture and arrows to a film, and to a scene file if wanted."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cmp_studio.cli import drawing, work
from cmp_studio.cli import options as shared
from cmp_studio.cli.console import Console
from cmp_studio.document.project_file import SUFFIX, save_scene
from cmp_studio.document.scene import Scene

_DESCRIPTION = """\
Move parts of a picture and write a film.

An arrow says where one spot goes; the network finds out what moves along. Pins say what stays.
Start arrows in the middle of a part, not at its edge, and make them as long as the part would
really move. If too much moves along, pin what should stay."""

_EXAMPLES = """\
  cmp-studio animate photo.jpg --arrow 320,200,40,-10 -o film.mp4
      the spot 320,200 goes 40 px to the right and 10 px up, and back, smoothly, for ever
  cmp-studio animate cat.jpg --arrow 500,300,0,-60 --pin 480,700 --pin 200,650 -o cat.gif
      the head goes up, the paws stay
  cmp-studio animate flag.jpg --path 90,80:140,60:190,90 --loop seamless --duration 3 -o flag.mp4
      along a curve and back within 3 seconds
  cmp-studio animate toy.jpg --arrow 200,90,30,0 --repeat sway --freeze table.png -o frames/
      to both sides, what is white in the mask stays; PNG frames into a folder
  cmp-studio animate cat.jpg --pin 200,650,40 --group paw.png --arrow 500,300,0,-60 -o cat.mp4
      what is white in paw.png moves on its own, in front of the rest
  cmp-studio animate tree.jpg --preset wind:1.5 --freeze trunk.png --shutter 180 -o tree.mp4
      a recipe for all that trunk.png leaves free, with motion blur
  cmp-studio animate photo.jpg --arrow 320,200,40,-10 -o film.mp4 --save-scene photo.cmps
      keeps the arrows too: open photo.cmps in the window and go on from there"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "animate",
        usage="IMAGE --arrow X,Y,DX,DY ... [--pin X,Y ...] -o OUT [options]",
        summary="a picture and arrows to a film",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="IMAGE", help="JPEG, PNG, WebP, TIFF or BMP")
    shared.add_guidance_options(parser)
    shared.add_motion_options(parser)
    shared.add_film_options(parser, is_from_scene=False)
    shared.add_output_options(parser, can_save_scene=True)
    shared.add_engine_options(parser)
    shared.add_console_options(parser)
    parser.set_defaults(usage_error=parser.error)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    if options.output is None and options.save_scene is None:
        options.usage_error("say where the film goes with -o film.mp4")
    if options.save_scene is not None and options.save_scene.suffix.lower() != SUFFIX:
        options.usage_error(f"the name of a scene file ends in {SUFFIX}")
    if options.source.suffix.lower() == SUFFIX:
        options.usage_error("a scene is rendered with `cmp-studio render`")
    start = time.monotonic()
    scene = work.with_film_options(drawing.scene_of(options), options)
    if all(track.kind == "pin" for track in scene.tracks):
        console.note("Nothing will move: there is no --arrow, --path, --take and no --preset.")
    values: dict[str, object] = {"command": "animate"}
    lines = []
    if options.output is not None:
        film_values = _write_film(scene, options, console)
        values |= film_values
        lines.append(work.film_text(film_values))
    elif options.save_scene is not None:
        _save_alone(scene, options.save_scene)
    if options.save_scene is not None:
        values["scene"] = str(options.save_scene)
        lines.append(f"{options.save_scene}: the scene")
    values["elapsed_seconds"] = round(time.monotonic() - start, 3)
    console.result("\n".join(lines), values)
    return 0


def _write_film(scene: Scene, options: argparse.Namespace, console: Console) -> dict[str, object]:
    target = work.target_of(options, scene.picture, console)
    predictor = work.load_predictor(options, console)
    from cmp_studio.pipeline.export import export_film
    from cmp_studio.pipeline.film import Film
    from cmp_studio.pipeline.sizes import output_size
    from cmp_studio.pipeline.stage import decode_picture
    from cmp_studio.pipeline.thumbnails import THUMBNAIL_SIDE, thumbnail_png

    console.step("Looking at the picture")
    image = decode_picture(scene.picture)
    predictor.set_image(image)
    if options.save_scene is not None:
        small = output_size(scene.picture, max_side=THUMBNAIL_SIDE)
        peak = Film(scene, predictor, image=image, size_hw=small).peak()
        save_scene(scene, options.save_scene, thumbnail=thumbnail_png(peak.image))
    holes = work.HoleWatch(console)
    export_film(
        scene,
        predictor,
        target.path,
        format=target.format,
        size_hw=target.size_hw,
        quality=options.quality,
        loops=options.loops,
        image=image,
        progress=console.progress(target.path.name),
        on_written=holes.on_written,
    )
    values = work.film_values(scene, target, options.loops)
    return values | holes.values | work.engine_values(predictor)


def _save_alone(scene: Scene, path: Path) -> None:
    from cmp_studio.pipeline.stage import decode_picture
    from cmp_studio.pipeline.thumbnails import thumbnail_png

    save_scene(scene, path, thumbnail=thumbnail_png(decode_picture(scene.picture)))
