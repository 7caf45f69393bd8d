"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from cmp_studio.cli import values
from cmp_studio.document.scene import LOOP_MODES
from cmp_studio.document.tracks import EASINGS, REPEATS

FORMATS: Final = ("mp4", "gif", "webm", "webp", "png")
QUALITIES: Final = ("draft", "good", "best")


def command_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    *,
    usage: str,
    summary: str,
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Return the parser of a command, with a help that shows how to use it."""
    return commands.add_parser(
        name,
        usage=f"cmp-studio {name} {usage}",
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_console_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command understands."""
    group = parser.add_argument_group("what it says")
    group.add_argument(
        "--json", dest="is_json", action="store_true", help="print the result as one JSON object"
    )
    group.add_argument(
        "-q", "--quiet", dest="is_quiet", action="store_true", help="print nothing but errors"
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add which weights on which device."""
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        default="default",
        metavar="NAME",
        help="a name that `cmp-studio weights list` shows, or a file (default: default)",
    )
    group.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps (default: auto, a GPU where there is one)",
    )


def add_guidance_options(parser: argparse.ArgumentParser) -> None:
    """Add arrows, paths, pins and the mask."""
    group = parser.add_argument_group(
        "what moves",
        "Coordinates are pixels of the picture, from its upper left corner; x to the right,\n"
        "y down. --arrow, --path and --pin may come several times.",
    )
    group.add_argument(
        "--arrow",
        dest="arrows",
        action="append",
        default=[],
        type=values.arrow,
        metavar="X,Y,DX,DY",
        help="move the spot at X,Y by DX,DY, and what hangs together with it",
    )
    group.add_argument(
        "--path",
        dest="paths",
        action="append",
        default=[],
        type=values.path,
        metavar="X,Y:X,Y:...",
        help="move the first spot along a smooth curve through the others",
    )
    group.add_argument(
        "--pin",
        dest="pins",
        action="append",
        default=[],
        type=values.point,
        metavar="X,Y",
        help="hold the spot at X,Y where it is",
    )
    group.add_argument(
        "--freeze",
        type=Path,
        metavar="MASK.png",
        help="a picture of the same size: white is held still, black is free",
    )


def add_motion_options(parser: argparse.ArgumentParser) -> None:
    """Add how arrows and paths move."""
    group = parser.add_argument_group("how it moves")
    group.add_argument(
        "--easing",
        choices=EASINGS,
        default="ease",
        help="even; gentle at both ends; past the goal and back (default: ease)",
    )
    group.add_argument(
        "--repeat",
        choices=REPEATS,
        default="once",
        help="there; there and back; to both sides; two beats (default: once)",
    )


def add_film_options(parser: argparse.ArgumentParser, *, is_from_scene: bool) -> None:
    """Add length, speed and loop; what is not given is None."""
    what = "the scene's" if is_from_scene else None
    group = parser.add_argument_group("film")
    group.add_argument(
        "--duration",
        type=values.positive,
        metavar="SECONDS",
        help=f"length of the motion; a ping-pong film lasts twice that (default: {what or '2'})",
    )
    group.add_argument(
        "--fps",
        type=values.positive,
        metavar="N",
        help=f"frames per second (default: {what or '24'})",
    )
    group.add_argument(
        "--loop",
        choices=LOOP_MODES,
        help="once: to the end; ping_pong: there and back; seamless: every motion returns within "
        f"the duration; hold: rest at the end (default: {what or 'ping_pong'})",
    )
    group.add_argument(
        "--strength",
        type=values.factor,
        metavar="FACTOR",
        help=f"scale all motion, 0.5 for half (default: {what or '1'})",
    )


def add_output_options(parser: argparse.ArgumentParser, *, can_save_scene: bool) -> None:
    """Add where the film goes and in which form."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        type=Path,
        required=not can_save_scene,
        metavar="OUT",
        help="film.mp4, film.gif, film.webm, film.webp, or a folder for PNG frames",
    )
    group.add_argument(
        "--format", choices=FORMATS, help="kind of film, where the name does not say it"
    )
    size = group.add_mutually_exclusive_group()
    size.add_argument(
        "--height", type=values.count, metavar="PX", help="height of the film, in proportion"
    )
    size.add_argument(
        "--max-side",
        type=values.count,
        metavar="PX",
        help="longest side at most (default: the size of the picture; 800 for a GIF)",
    )
    group.add_argument(
        "--loops",
        type=values.count,
        default=1,
        metavar="N",
        help="go through the film N times, for places that don't repeat it (default: 1)",
    )
    group.add_argument(
        "--quality", choices=QUALITIES, default="good", help="small or fine (default: good)"
    )
    if can_save_scene:
        group.add_argument(
            "--save-scene",
            type=Path,
            metavar="SCENE.cmps",
            help="write a scene file too, to go on in the window; -o may then be left out",
        )
