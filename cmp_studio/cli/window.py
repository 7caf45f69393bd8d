"""``cmp-studio [FILE]``: the window."""

from __future__ import annotations

import argparse
from pathlib import Path

from cmp_engine.errors import ImageError
from cmp_studio.cli.console import Console


def parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of the program without a command."""
    result = argparse.ArgumentParser(
        prog=program, usage=f"{program} [FILE], or `{program} --help` for the commands"
    )
    result.add_argument("file", metavar="FILE", nargs="?", type=Path)
    result.set_defaults(command=None)
    return result


def run(options: argparse.Namespace, console: Console) -> int:
    """Open the window and return the exit code when it is closed."""
    if options.file is not None and not options.file.is_file():
        raise ImageError(f"There is no file {options.file}; check the name.")
    from cmp_studio.widgets.app import run_window

    return run_window(options.file)
