"""Scores object masks from clicks by a simulated user, beside GrabCut.

``python -m train.eval.clicks ../shared/data/coco_mval --limit 60 --sheet worst.png``

The user clicks first in the middle of the object, then in the middle of the largest wrong region,
until the mask is right to 95 % IoU or the clicks are used up. The table says the mean IoU after so
many clicks, the clicks to 80, 85 and 90 % (objects that never get there count with all clicks), the
share of objects that never got to each of them, and the seconds of computing per object to 85 %
(of the processors, all threads together, so that other work on the machine does not count).

Rows are fusions of `cmp_engine.click_fusion`; ``grabcut`` is OpenCV's GrabCut with a user of its
own, and ``grabcut, same`` GrabCut seeded with the clicks that the first fusion was given.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.click_fusion import DEFAULT_FUSION, FUSIONS
from cmp_engine.errors import EngineError
from cmp_engine.image_io import write_image
from cmp_engine.predictor import MotionPredictor
from cmp_engine.segment import ClickSegmenter
from cmp_engine.weights import load_model
from train.errors import TrainError
from train.eval.click_user import (
    GrabCut,
    NetworkSegmenter,
    Segmenter,
    Session,
    TrueObject,
    read_objects,
    replay,
    simulate,
)

MARKS: Final = (1, 2, 3, 5, 10, 15, 20)
REPLAYED: Final = (1, 3, 5, 10, 20)
TARGETS: Final = (0.80, 0.85, 0.90)
GRABCUT: Final = "grabcut"
SAME_CLICKS: Final = "grabcut, same"
_WORST: Final = 10
_CELL: Final = 240


@dataclass(frozen=True, slots=True)
class ClickScores:
    """What one way of clicking comes to.

    Attributes:
        ious: Mean IoU after each number of clicks; not all may have been measured.
        clicks_to: Mean clicks to each of `TARGETS`.
        failures: Share of objects that never got to each of `TARGETS`.
        seconds: Mean seconds of the processors per object until 85 %, or until the end.
        objects: How many objects.
    """

    ious: dict[int, float]
    clicks_to: dict[float, float]
    failures: dict[float, float]
    seconds: float
    objects: int


def score_sessions(sessions: Sequence[Session]) -> ClickScores:
    """Return the scores of one segmenter's sessions, all with the same number of clicks."""
    ious = np.array([session.ious for session in sessions])
    seconds = np.array([session.seconds for session in sessions])
    most = ious.shape[1]
    reached = {target: ious >= target for target in TARGETS}
    first = {t: np.where(r.any(1), r.argmax(1) + 1, most) for t, r in reached.items()}
    until = seconds[np.arange(len(seconds)), first[0.85] - 1]
    return ClickScores(
        ious={count: float(ious[:, count - 1].mean()) for count in range(1, most + 1)},
        clicks_to={target: float(count.mean()) for target, count in first.items()},
        failures={target: float((~r.any(1)).mean()) for target, r in reached.items()},
        seconds=float(until.mean()),
        objects=len(sessions),
    )


def evaluate(
    objects: Sequence[TrueObject],
    segmenters: dict[str, Segmenter],
    *,
    clicks: int,
    has_same_clicks: bool = True,
    minutes: float | None = None,
) -> tuple[dict[str, ClickScores], dict[str, list[Session]]]:
    """Return scores and sessions of some segmenters by name.

    Args:
        objects: What to click on.
        segmenters: The first one's clicks are replayed for GrabCut.
        clicks: Most clicks of a session.
        has_same_clicks: Whether to replay them.
        minutes: Take no further object after so long; None takes all.
    """
    sessions: dict[str, list[Session]] = {name: [] for name in segmenters}
    marks = [mark for mark in REPLAYED if mark <= clicks]
    replayed: list[dict[int, float]] = []
    first = next(iter(segmenters))
    start = time.monotonic()
    for number, item in enumerate(objects, 1):
        for name, segmenter in segmenters.items():
            sessions[name].append(simulate(item, segmenter, clicks=clicks))
        if has_same_clicks:
            replayed.append(replay(item, sessions[first][-1], GrabCut(), marks))
        sys.stderr.write(f"\r{number} of {len(objects)} objects")
        sys.stderr.flush()
        if minutes is not None and time.monotonic() - start > 60 * minutes:
            break
    sys.stderr.write("\n")
    scores = {name: score_sessions(done) for name, done in sessions.items()}
    if replayed:
        ious = {mark: float(np.mean([row[mark] for row in replayed])) for mark in marks}
        scores[SAME_CLICKS] = ClickScores(ious, {}, {}, float("nan"), len(replayed))
    return scores, sessions


def format_table(scores: dict[str, ClickScores], clicks: int) -> str:
    """Return the scores as a table for people."""
    marks = [mark for mark in MARKS if mark <= clicks]
    head = [f"{'IoU % after':16}", *(f"{mark:>6}" for mark in marks)]
    head += [f"{f'to {t:.0%}':>8}" for t in TARGETS]
    head += [f"{f'not {t:.0%}':>8}" for t in TARGETS] + [f"{'seconds':>8}"]
    lines = ["".join(head)]
    for name, row in scores.items():
        cells = [f"{name:16}", *(_percent(row.ious.get(mark)) for mark in marks)]
        if row.clicks_to:
            cells += [f"{row.clicks_to[t]:8.2f}" for t in TARGETS]
            cells += [f"{row.failures[t]:8.0%}" for t in TARGETS] + [f"{row.seconds:8.2f}"]
        lines.append("".join(cells))
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return f"{'-':>6}" if share is None else f"{100 * share:6.1f}"


def worst_sheet(objects: Sequence[TrueObject], sessions: Sequence[Session]) -> NDArray[np.uint8]:
    """Return a picture of the ten objects with the lowest IoU at the end, two in a row.

    The truth is outlined in white, the mask is red; positive clicks are green, negative ones blue.
    """
    order = sorted(range(len(sessions)), key=lambda index: sessions[index].ious[-1])[:_WORST]
    cells = [_cell(objects[index], sessions[index]) for index in order]
    cells += [np.full_like(cells[0], 40)] * (-len(cells) % 5)
    rows = [np.concatenate(cells[start : start + 5], axis=1) for start in range(0, len(cells), 5)]
    return np.concatenate(rows, axis=0)


def _cell(item: TrueObject, session: Session) -> NDArray[np.uint8]:
    height, width = item.mask.shape
    scale = _CELL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    drawn = item.image.copy()
    drawn[session.mask] = (0.5 * drawn[session.mask] + (127, 20, 20)).astype(np.uint8)
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    truth = cv2.resize(item.mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    contours, _ = cv2.findContours(truth, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(small, contours, -1, (255, 255, 255), 1)
    for part, color in ((session.positive, (0, 220, 60)), (session.negative, (40, 110, 255))):
        for x, y in part:
            place = (round(x * scale), round(y * scale))
            cv2.circle(small, place, 4, (0, 0, 0), -1)
            cv2.circle(small, place, 3, color, -1)
    cell = np.full((_CELL + 20, _CELL + 4, 3), 40, np.uint8)
    cell[20 : 20 + size[1], : size[0]] = small
    text = (
        f"{item.name[:22]}: {session.ious[0]:.0%}, {session.ious[-1]:.0%} at {len(session.order)}"
    )
    cv2.putText(cell, text, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230,) * 3, 1, cv2.LINE_AA)
    return cell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 1 failed on the input."""
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.clicks",
        description="Score object masks from clicks by a simulated user.",
    )
    parser.add_argument("data", type=Path, help="folder with images/ and masks/")
    parser.add_argument("--weights", default="default", help="name or file of the weights")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--fusions",
        nargs="+",
        default=[DEFAULT_FUSION, *(name for name in FUSIONS if name != DEFAULT_FUSION)],
        choices=list(FUSIONS),
        help="the first one's clicks are replayed for GrabCut (default: all)",
    )
    parser.add_argument("--clicks", type=int, default=20, help="most clicks (default: 20)")
    parser.add_argument("--limit", type=int, help="most pictures, spread evenly")
    parser.add_argument("--skip", type=int, default=0, help="shift the selection")
    parser.add_argument("--minutes", type=float, help="take no further object after so long")
    parser.add_argument("--no-grabcut", action="store_true", help="leave GrabCut out")
    parser.add_argument("--sheet", type=Path, help="picture of the first fusion's ten worst")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args(arguments)
    if options.clicks < 1:
        parser.error("--clicks should be 1 or more")
    try:
        objects = list(read_objects(options.data, limit=options.limit, skip=options.skip))
        predictor = MotionPredictor(load_model(options.weights), device=options.device)
        segmenters: dict[str, Segmenter] = {
            name: NetworkSegmenter(ClickSegmenter(predictor, fusion=name))
            for name in options.fusions
        }
        if not options.no_grabcut:
            segmenters[GRABCUT] = GrabCut()
        scores, sessions = evaluate(
            objects,
            segmenters,
            clicks=options.clicks,
            has_same_clicks=not options.no_grabcut,
            minutes=options.minutes,
        )
        print(f"{options.data.name}, {scores[options.fusions[0]].objects} objects")
        print(format_table(scores, options.clicks))
        if options.sheet is not None:
            write_image(options.sheet, worst_sheet(objects, sessions[options.fusions[0]]))
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json is not None:
        values = {
            name: {
                "ious": row.ious,
                "clicks_to": row.clicks_to,
                "failures": row.failures,
                "seconds": None if math.isnan(row.seconds) else row.seconds,
                "objects": row.objects,
            }
            for name, row in scores.items()
        }
        options.json.write_text(json.dumps(values, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
