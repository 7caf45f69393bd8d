"""Finds the command, runs it, and turns whatever happens into a line and an exit code."""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from cmp_engine.errors import Cancelled, EngineError
from cmp_studio.cli import animate, doctor, flow, mask, probe, render, weights, window
from cmp_studio.cli.console import Console
from cmp_studio.cli.crash_log import write_crash
from cmp_studio.cli.interrupts import Interrupted, stop_on_termination
from cmp_studio.document.errors import DocumentError
from cmp_studio.pipeline.errors import PipelineError

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

PROGRAM: Final = "cmp-studio"

_COMMANDS: Final = {
    "render": render,
    "animate": animate,
    "flow": flow,
    "mask": mask,
    "probe": probe,
    "weights": weights,
    "doctor": doctor,
}

_DESCRIPTION: Final = "Puppeteer a still photo: drag arrows on it, see it move, export the film."

_HELP: Final = """\
commands:
  animate   a photo and arrows, given here, to a film
  render    a scene file, made in the window or by animate, to a film
  flow      a photo and arrows to the dense motion behind them
  mask      a photo and clicks to the mask of an object
  probe     ask the network what is rigid, what turns, who follows whom
  weights   list, fetch, import, describe and check networks
  doctor    check that everything that is needed is there and works

examples:
  cmp-studio                                        open the window on a sample
  cmp-studio photo.jpg                              open the window on your photo
  cmp-studio animate photo.jpg --arrow 320,200,40,-10 --pin 300,420 -o film.mp4
  cmp-studio render scene.cmps -o film.gif
  cmp-studio COMMAND --help                         everything about a command

exit codes: 0 done, 1 failed on what was given (one line says why), 2 wrong usage
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Args:
        argv: Arguments without the program's name; None takes the process's.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        namespace = _parse(arguments)
    except SystemExit as stop:  # argparse has said what it had to say
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    console = Console(
        is_quiet=getattr(namespace, "is_quiet", False), is_json=getattr(namespace, "is_json", False)
    )
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())  # what matters is said below
    try:
        with stop_on_termination():
            code: int = _COMMANDS.get(namespace.command, window).run(namespace, console)
        sys.stdout.flush()
    except SystemExit as stop:  # wrong usage that only the command could see
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    except (Cancelled, Interrupted, KeyboardInterrupt):
        console.fail("stopped; nothing was left half written.")
        return EXIT_INTERRUPTED
    except (EngineError, DocumentError, PipelineError) as error:
        console.fail(str(error))
        return EXIT_FAILED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  the border of the process: logged, and told
        console.fail(write_crash(error, arguments))
        return EXIT_FAILED
    return code


def _parse(arguments: list[str]) -> argparse.Namespace:
    first = arguments[0] if arguments else ""
    if first in _COMMANDS:
        return _command_parser().parse_args(arguments)
    if first in ("-h", "--help", "--version"):
        return _top_parser().parse_args(arguments)
    _refuse_misspelt_command(arguments)
    return window.parser(PROGRAM).parse_args(arguments)


def _top_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [FILE]\n       {PROGRAM} COMMAND ...",
        description=_DESCRIPTION,
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="print the version and stop")
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="a photo or a scene (.cmps) to open"
    )
    return parser


def _command_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=_DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _COMMANDS.values():
        module.add_parser(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version; it is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: str | None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=options.get("help"))

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> NoReturn:
        """Print and stop."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"{PROGRAM} {version('cmp-studio')}")
        except PackageNotFoundError:
            print(f"{PROGRAM} (not installed)")
        parser.exit()


def _refuse_misspelt_command(arguments: list[str]) -> None:
    """Stop with a hint where the first word is neither a file nor a command, but meant as one."""
    first = arguments[0] if arguments else ""
    if not first or first.startswith("-") or Path(first).suffix or Path(first).exists():
        return
    if len(arguments) == 1 and os.sep in first:
        return
    near = difflib.get_close_matches(first, _COMMANDS, 1)
    hint = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(_COMMANDS)}."
    _top_parser().error(f"there is no file and no command {first!r}; {hint}")
