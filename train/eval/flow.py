"""Scores weights on clips and puppets never trained on, beside simple baselines.

``python -m train.eval.flow --weights default --pairs data/val_pairs --points 1 3 10 paper``

Prints a table of end-point errors (px at short side 384), of which pixels move, and of how well
the warped frame matches the true next one. ``--puppets 100`` adds synthetic scenes and the limb
test, ``--sheet sheet.png`` pictures to look at, ``--json scores.json`` the numbers for machines.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import EngineError
from cmp_engine.predictor import MotionPredictor
from cmp_engine.weights import load_model
from train.errors import TrainError
from train.eval.baselines import EdgeAwareDiffusion, FlowPredictor, NearestGuidance, ZeroFlow
from train.eval.cases import Case, PointRule, clip_cases, puppet_cases
from train.eval.limbs import LimbScores, score_limbs
from train.eval.scores import FlowScores, mean_scores, score_flow, score_warp
from train.eval.sheet import sheet

Table: TypeAlias = dict[tuple[str, PointRule], FlowScores]
"""Mean scores by predictor and guidance."""

_HEADER: Final = "".join(f"{name:>10}" for name in ("moving", "still", "balanced", "IoU", "PSNR"))
_SHEET_RULES: Final = 3


@dataclasses.dataclass(slots=True)
class Evaluation:
    """Scores of one kind of case.

    Attributes:
        table: Mean scores by predictor and guidance.
        rows: Rows of the picture sheet.
        cases: How many cases were scored.
    """

    table: Table
    rows: list[tuple[Case, PointRule, dict[str, NDArray[np.float32]]]]
    cases: int


def evaluate(
    cases: Iterable[Case],
    predictors: dict[str, FlowPredictor],
    rules: Sequence[PointRule],
    *,
    has_psnr: bool = True,
    sheet_every: int = 0,
) -> Evaluation:
    """Return the mean scores of some predictors on some cases.

    Args:
        cases: What to judge on, with guidance for all ``rules``.
        predictors: By name. Pictures are taken from the last one.
        rules: Guidance to give.
        has_psnr: Whether to warp pictures, too, which takes longer.
        sheet_every: Keep the pictures of every so many cases; 0 keeps none.
    """
    scored: dict[tuple[str, PointRule], list[tuple[str, FlowScores]]] = defaultdict(list)
    rows: list[tuple[Case, PointRule, dict[str, NDArray[np.float32]]]] = []
    count = 0
    for number, case in enumerate(cases):
        count += 1
        flows: dict[str, NDArray[np.float32]] = {}
        for name, predictor in predictors.items():
            predictor.set_image(case.image)
            flows[name] = predictor.predict_many([case.guidance[rule] for rule in rules])
            for flow, rule in zip(flows[name], rules, strict=True):
                scores = score_flow(flow, case.flow, case.valid)
                if scores is None:
                    continue
                if has_psnr:
                    psnr = score_warp(flow, case.image, case.next_image, case.flow)
                    scores = dataclasses.replace(scores, psnr=psnr)
                scored[name, rule].append((case.clip, scores))
        if sheet_every and number % sheet_every == 0:
            shown = [name for name in flows if name not in ("zero", "nearest")]
            rows += [
                (case, rule, {name: flows[name][index] for name in shown})
                for index, rule in enumerate(rules[:_SHEET_RULES])
            ]
    return Evaluation({key: mean_scores(some) for key, some in scored.items()}, rows, count)


def make_baselines() -> dict[str, FlowPredictor]:
    """Return the three baselines by name."""
    return {"zero": ZeroFlow(), "nearest": NearestGuidance(), "diffusion": EdgeAwareDiffusion()}


def table_lines(table: Table) -> Iterator[str]:
    """Yield the lines of a table, and what each network saves beside the best baseline."""
    names = list(dict.fromkeys(name for name, _ in table))
    rules = list(dict.fromkeys(rule for _, rule in table))
    yield f"{'points':<8}{'predictor':<16}{_HEADER}"
    for rule in rules:
        known = [
            table[name, rule].balanced
            for name in ("zero", "nearest", "diffusion")
            if (name, rule) in table
        ]
        for name in names:
            scores = table[name, rule]
            gain = ""
            if known and name not in ("zero", "nearest", "diffusion"):
                gain = f"   {100 * (scores.balanced / min(known) - 1):+.0f} %"
            yield f"{rule!s:<8}{name:<16}{scores.to_row()}{gain}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    rules: list[PointRule] = ["paper" if text == "paper" else int(text) for text in options.points]
    predictors = {} if options.no_baselines else make_baselines()
    results: dict[str, object] = {"weights": options.weights, "points": options.points}
    rows = []
    started = time.monotonic()
    try:
        for name in options.weights:
            predictors[Path(name).stem] = MotionPredictor(
                load_model(name), device=options.device, short_side=options.short_side
            )
        for title, cases, every in _kinds(options, rules):
            found = evaluate(
                cases,
                predictors,
                rules,
                has_psnr=not options.no_psnr,
                sheet_every=every if options.sheet else 0,
            )
            rows += found.rows
            _say(f"\n{title}: {found.cases} cases")
            for line in table_lines(found.table):
                _say(line)
            results[title] = [
                {"predictor": name, "points": rule, **dataclasses.asdict(scores)}
                for (name, rule), scores in found.table.items()
            ]
        if options.puppets:
            results["limbs"] = _limbs(predictors, options.puppets)
    except (EngineError, TrainError) as error:
        print(error, file=sys.stderr)  # a command-line entry point
        return 1
    if options.sheet and rows:
        cv2.imwrite(str(options.sheet), cv2.cvtColor(sheet(rows), cv2.COLOR_RGB2BGR))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _say(f"\n{time.monotonic() - started:.0f} s")
    return 0


def _kinds(
    options: argparse.Namespace, rules: Sequence[PointRule]
) -> Iterator[tuple[str, Iterator[Case], int]]:
    """Yield the title, the cases, and how many of them make a row of the sheet."""
    if options.pairs:
        cases = clip_cases(options.pairs, rules, limit=options.limit)
        yield f"clips {options.pairs}", cases, options.sheet_every
    if options.puppets:
        yield "puppets", puppet_cases(options.puppets, rules), options.sheet_every


def _limbs(predictors: dict[str, FlowPredictor], count: int) -> dict[str, object]:
    """Print and return the limb test of all predictors that answer more than zero."""
    found: dict[str, object] = {}
    for name, predictor in predictors.items():
        if name == "zero":
            continue
        scores: LimbScores = score_limbs(predictor, count=count)
        found[name] = dataclasses.asdict(scores)
        _say(
            f"limbs   {name:<16}{100 * scores.follows:6.1f} % of the pulled limb follows, "
            f"{100 * scores.leaks:5.1f} % of the background leaks  ({scores.scenes} scenes)"
        )
    return found


def _say(line: str) -> None:
    print(line, flush=True)  # a command-line entry point


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.flow",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", nargs="*", default=[], help="names or files of weights")
    parser.add_argument("--pairs", type=Path, help="folder of pairs, from train.data.prepare")
    parser.add_argument("--puppets", type=int, default=0, help="how many synthetic scenes")
    parser.add_argument("--points", nargs="+", default=["1", "3", "10", "paper"])
    parser.add_argument("--limit", type=int, help="most pairs")
    parser.add_argument("--sheet", type=Path, help="write pictures to this PNG")
    parser.add_argument("--sheet-every", type=int, default=16, help="a picture of so many cases")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--short-side", type=int, help="of the network's grid, px")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--no-psnr", action="store_true", help="do not warp: faster")
    return parser


if __name__ == "__main__":
    sys.exit(main())
