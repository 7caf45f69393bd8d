"""Tunes the edge-aware diffusion that networks are compared with, on training clips.

``python -m train.eval.tune --pairs data/train_pairs --limit 40``

Starts from the settings in use and changes one at a time, by factors of about three, as long as
that lowers the balanced error, the mean over 1, 3 and 10 points. Prints every setting tried.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from train.errors import TrainError
from train.eval.baselines import EdgeAwareDiffusion
from train.eval.cases import Case, PointRule, clip_cases
from train.eval.flow import evaluate

RULES: Final[tuple[PointRule, ...]] = (1, 3, 10)
SETTINGS: Final = ("sharpness", "leak", "pull")
_FACTOR: Final = 10**0.5


def balanced_error(cases: Iterable[Case], settings: EdgeAwareDiffusion) -> float:
    """Return the balanced end-point error of the diffusion, px, the mean over `RULES`."""
    found = evaluate(cases, {"diffusion": settings}, RULES, has_psnr=False).table
    return sum(scores.balanced for scores in found.values()) / len(found)


def tune(
    start: EdgeAwareDiffusion,
    error_of: Callable[[EdgeAwareDiffusion], float],
    on_tried: Callable[[EdgeAwareDiffusion, float], None] = lambda settings, error: None,
) -> EdgeAwareDiffusion:
    """Return settings that no change of a single one by a factor of about three improves.

    Args:
        start: Where to begin.
        error_of: What to lower.
        on_tried: Called with each setting and its error.
    """
    known: dict[tuple[float, ...], float] = {}

    def error_at(settings: EdgeAwareDiffusion) -> float:
        key = tuple(float(f"{getattr(settings, name):.3g}") for name in SETTINGS)
        if key not in known:
            known[key] = error_of(settings)
            on_tried(settings, known[key])
        return known[key]

    best = start
    while True:
        neighbours = [
            replace(best, **{name: getattr(best, name) * factor})
            for name in SETTINGS
            for factor in (1 / _FACTOR, _FACTOR)
        ]
        better = min(neighbours, key=error_at)
        if error_at(better) >= error_at(best):
            return best
        best = better


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=Path, required=True, help="folder of training pairs")
    parser.add_argument("--limit", type=int, default=40, help="most pairs, spread over the clips")
    options = parser.parse_args(arguments)

    def tell(settings: EdgeAwareDiffusion, error: float) -> None:
        values = "  ".join(f"{name} {getattr(settings, name):.2g}" for name in SETTINGS)
        print(f"{values}  balanced {error:.4f}", flush=True)  # a command-line entry point

    try:
        cases = list(clip_cases(options.pairs, RULES, limit=options.limit))
    except TrainError as error:
        print(error, file=sys.stderr)  # a command-line entry point
        return 1
    best = tune(EdgeAwareDiffusion(), lambda settings: balanced_error(cases, settings), tell)
    print("best:")
    tell(best, balanced_error(cases, best))
    return 0


if __name__ == "__main__":
    sys.exit(main())
