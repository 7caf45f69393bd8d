"""``cmp-studio render``: a scene file to a film."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from cmp_studio.cli import options as shared
from cmp_studio.cli import work
from cmp_studio.cli.console import Console
from cmp_studio.document.project_file import load_scene

_DESCRIPTION = """\
Render a scene file to a film: the same frames that the window exports.

The scene's own settings hold; what is given here changes them for this film alone."""

_EXAMPLES = """\
  cmp-studio render scene.cmps -o film.mp4
  cmp-studio render scene.cmps -o film.gif --max-side 480 --fps 15
  cmp-studio render scene.cmps -o film.webm --loop seamless --strength 0.7
  cmp-studio render scene.cmps -o film.mp4 --shutter 180 --supersample 2 --quality best
  cmp-studio render scene.cmps -o frames/              PNG frames into a folder
  cmp-studio render scene.cmps -o film.mp4 --loops 5   five rounds, for players that stop"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "render",
        usage="SCENE -o OUT [options]",
        summary="a scene file to a film",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("scene", type=Path, metavar="SCENE", help="a scene file (.cmps)")
    shared.add_film_options(parser, is_from_scene=True)
    shared.add_output_options(parser, can_save_scene=False)
    shared.add_engine_options(parser)
    shared.add_console_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    start = time.monotonic()
    scene = work.with_film_options(load_scene(options.scene), options)
    target = work.target_of(options, scene.picture, console)
    predictor = work.load_predictor(options, console)
    from cmp_studio.pipeline.export import export_film

    holes = work.HoleWatch(console)
    export_film(
        scene,
        predictor,
        target.path,
        format=target.format,
        size_hw=target.size_hw,
        quality=options.quality,
        loops=options.loops,
        progress=console.progress(target.path.name),
        on_written=holes.on_written,
    )
    values = work.film_values(scene, target, options.loops) | holes.values
    elapsed = {"elapsed_seconds": round(time.monotonic() - start, 3)}
    console.result(
        work.film_text(values),
        {"command": "render", **values, **work.engine_values(predictor), **elapsed},
    )
    return 0
