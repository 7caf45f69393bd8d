"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from cmp_studio.cli import values
from cmp_studio.document.presets import PRESETS
from cmp_studio.document.scene import LOOP_MODES, SEQUENCE_MODES
from cmp_studio.document.tracks import EASINGS, REPEATS

FORMATS: Final = ("mp4", "gif", "webm", "webp", "png")
QUALITIES: Final = ("draft", "good", "best")


class _InGroup(argparse.Action):
    """Keeps what is drawn together with the number of the group that it is drawn in."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Append to the list of the option."""
        drawn = [*getattr(namespace, self.dest), (values, len(namespace.groups))]
        setattr(namespace, self.dest, drawn)


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
        action=_InGroup,
        default=[],
        type=values.arrow,
        metavar="X,Y,DX,DY",
        help="move the spot at X,Y by DX,DY, and what hangs together with it",
    )
    group.add_argument(
        "--path",
        dest="paths",
        action=_InGroup,
        default=[],
        type=values.path,
        metavar="X,Y:X,Y:...",
        help="move the first spot along a smooth curve through the others",
    )
    group.add_argument(
        "--pin",
        dest="pins",
        action=_InGroup,
        default=[],
        type=values.pin,
        metavar="X,Y[,RADIUS]",
        help="hold the spot at X,Y where it is, and so many pixels around it",
    )
    group.add_argument(
        "--take",
        dest="takes",
        action=_InGroup,
        default=[],
        type=values.take,
        metavar="X,Y,FILE.csv",
        help="move the spot at X,Y as recorded: rows of seconds, dx and dy",
    )
    group.add_argument(
        "--tracks",
        dest="track_files",
        action=_InGroup,
        default=[],
        type=Path,
        metavar="FILE.json",
        help="tracks that were copied in the window and pasted into a file",
    )
    group.add_argument(
        "--group",
        dest="groups",
        action="append",
        default=[],
        metavar="MASK.png",
        help="what is drawn after this moves on its own, inside of the white of the mask and in "
        "front of all before; 'none' for no mask",
    )
    group.add_argument(
        "--preset",
        dest="presets",
        action=_InGroup,
        default=[],
        type=values.preset,
        metavar="NAME[:AMOUNT]",
        help=f"{', '.join(PRESETS)}: onto the group's mask, what --freeze leaves free, or the pins",
    )
    group.add_argument(
        "--freeze",
        type=Path,
        metavar="MASK.png",
        help="a picture of the same size: white is held still, black is free",
    )
    group.add_argument(
        "--feather",
        type=values.factor,
        default=0.0,
        metavar="PX",
        help="soften the edges of all masks (default: 0)",
    )


def add_motion_options(parser: argparse.ArgumentParser) -> None:
    """Add how arrows and paths move."""
    group = parser.add_argument_group("how it moves")
    group.add_argument(
        "--easing",
        choices=EASINGS,
        default="ease",
        help="even; gentle at both ends; past the goal and back; as --curve says (default: ease)",
    )
    group.add_argument(
        "--curve",
        type=values.curve,
        metavar="X1,Y1,X2,Y2",
        help="handles of a custom easing, a cubic Bezier as in CSS; sets --easing curve",
    )
    group.add_argument(
        "--repeat",
        choices=REPEATS,
        default="once",
        help="there; there and back; to both sides; two beats (default: once)",
    )
    group.add_argument(
        "--cycles",
        type=values.count,
        default=1,
        metavar="N",
        help="repeat so often within the duration (default: 1)",
    )
    group.add_argument(
        "--straight",
        dest="is_straight",
        action="store_true",
        help="let a --path go straight from point to point",
    )
    group.add_argument(
        "--smoothing",
        type=values.factor,
        default=0.0,
        metavar="SECONDS",
        help="smooth a --take (default: 0)",
    )
    group.add_argument(
        "--speed",
        type=values.positive,
        default=1.0,
        metavar="FACTOR",
        help="play a --take so much faster (default: 1)",
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
    group.add_argument(
        "--mode",
        choices=SEQUENCE_MODES,
        help="total: each frame from the still picture; chained: step by step on the moved "
        f"picture, for large motion (default: {what or 'total'})",
    )
    group.add_argument(
        "--fill",
        type=values.fill,
        metavar="HOW",
        help="what shows behind a part that moved away: stretch, inpaint, or a picture file "
        f"without the part (default: {what or 'stretch'})",
    )
    group.add_argument(
        "--shutter",
        type=values.factor,
        metavar="DEGREES",
        help=f"motion blur: 180 as in cinema, 0 for none (default: {what or '0'})",
    )
    group.add_argument(
        "--subframes",
        type=values.count,
        metavar="N",
        help=f"moments that a blurred frame is the mean of (default: {what or '8'})",
    )
    group.add_argument(
        "--supersample",
        type=values.count,
        metavar="N",
        help="draw on a grid N times as fine, 1 to 4: finer edges, N*N times the work "
        f"(default: {what or '1'})",
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
