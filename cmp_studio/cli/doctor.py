"""``cmp-studio doctor``: is everything there that is needed, and does it work?"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final

from cmp_studio.cli import options as shared
from cmp_studio.cli.console import Console

_DESCRIPTION = """\
Look at everything that the program needs: Python and its packages, memory, the device, the weights
(with a test answer), ffmpeg and its encoders, and the system libraries of the window."""

_EXAMPLES = """\
  cmp-studio doctor                       one line each, and what to do where something is broken
  cmp-studio doctor --device cuda         try the GPU
  cmp-studio doctor --weights FILE        try other weights
  cmp-studio doctor --json                for a bug report"""

_MARKS: Final = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "doctor",
        usage="[options]",
        summary="check that everything works",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    shared.add_engine_options(parser)
    shared.add_console_options(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code: 1 where something that is needed is broken."""
    from cmp_studio.cli.checks import all_checks

    checks = []
    lines = []
    console.step("Looking around")
    for check in all_checks(weights=options.weights, device=options.device):
        checks.append(check)
        lines.append(f"{_MARKS[check.status]}  {check.name}: {check.text}")
        if check.hint:
            lines.append(f"          -> {check.hint}")
    broken = [check.name for check in checks if check.status == "broken"]
    lines.append(f"\nBroken: {', '.join(broken)}." if broken else "\nAll that is needed works.")
    is_well = not broken
    console.report(
        "\n".join(lines),
        {"ok": is_well, "command": "doctor", "checks": [asdict(check) for check in checks]},
    )
    return 0 if is_well else 1
