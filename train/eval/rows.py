"""Rows as in figure 6 of the paper: one photo with one, two, three… arrows, and what they move.

::

    python -m train.eval.rows --photo cat.jpg --arrow 120 80 30 0 --arrow 60 200 0 -25 --out o.png
    python -m train.eval.rows --pairs data/val_pairs --cases 6 --arrows 4 --out o.png

An arrow is the place where it starts and how far it reaches, ``X Y DX DY`` in px of the photo; one
that reaches nowhere is a pin. With ``--pairs`` the arrows are those of `train.eval.flow`, and the
true flow stands at the end of each row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import EngineError
from cmp_engine.flow_viz import flow_to_color
from cmp_engine.image_io import read_image, write_image
from cmp_engine.predictor import MotionPredictor
from cmp_engine.warp import backward_map, warp_image
from cmp_engine.weights import load_model
from train.errors import DataError, TrainError
from train.eval.baselines import FlowPredictor, GuidanceSet
from train.eval.cases import Case, clip_cases
from train.eval.sheet import draw_arrows, titled_cell


def growing(points: NDArray[np.float32], vectors: NDArray[np.float32]) -> list[GuidanceSet]:
    """Return the first arrow alone, the first two, the first three, and so on."""
    return [(points[:count], vectors[:count]) for count in range(1, len(points) + 1)]


def rows_of(
    name: str,
    image: NDArray[np.uint8],
    guidance: Sequence[GuidanceSet],
    predictors: dict[str, FlowPredictor],
    *,
    truth: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Return a picture (h, w, 3) uint8 RGB: a column for each guidance set.

    The first row shows the photo and its arrows; then come two rows for each predictor, its flow
    and the photo warped by it. Colours of all flows share one scale.

    Args:
        name: Of the photo.
        image: (H, W, 3) uint8 RGB.
        guidance: At least one set.
        predictors: By name.
        truth: (H, W, 2) true flow, px, for a last column.
    """
    flows: dict[str, NDArray[np.float32]] = {}
    for title, predictor in predictors.items():
        predictor.set_image(image)
        flows[title] = predictor.predict_many(guidance)
    longest = max(1.0, *(float(np.hypot(*vectors.T).max()) for _, vectors in guidance))
    counts = [len(points) for points, _ in guidance]
    rows = [
        [
            (f"{count} arrow{'s' if count > 1 else ''}, {name}", draw_arrows(image, given))
            for count, given in zip(counts, guidance, strict=True)
        ]
    ]
    for title, answers in flows.items():
        rows.append(
            [(f"{title}, to {longest:.0f} px", flow_to_color(f, max_flow=longest)) for f in answers]
        )
        rows.append([("warped", warp_image(image, backward_map(flow))) for flow in answers])
    if truth is not None:
        rows[0].append(("truth", flow_to_color(truth, max_flow=longest)))
        for row in rows[1:]:
            row.append(("", np.full_like(image, 40)))
    return np.concatenate(
        [np.concatenate([titled_cell(*cell) for cell in row], axis=1) for row in rows]
    )


def stacked(groups: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return pictures of one or another width below each other."""
    widest = max(group.shape[1] for group in groups)
    return np.concatenate([np.pad(g, ((0, 10), (0, widest - g.shape[1]), (0, 0))) for g in groups])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        predictors: dict[str, FlowPredictor] = {
            Path(name).stem: MotionPredictor(load_model(name), device=options.device)
            for name in options.weights
        }
        groups = _groups(options, predictors)
        write_image(options.out, stacked(groups))
    except (EngineError, TrainError) as error:
        print(error, file=sys.stderr)  # a command-line entry point
        return 1
    print(f"wrote {options.out}")  # a command-line entry point
    return 0


def _groups(
    options: argparse.Namespace, predictors: dict[str, FlowPredictor]
) -> list[NDArray[np.uint8]]:
    groups = []
    if options.photo is not None:
        if not options.arrow:
            raise DataError("A photo needs arrows: give --arrow X Y DX DY, once for each.")
        table = np.array(options.arrow, np.float32)
        image = read_image(options.photo)
        guidance = growing(table[:, :2], table[:, 2:])
        groups.append(rows_of(options.photo.stem, image, guidance, predictors))
    if options.pairs is not None:
        for case in clip_cases(options.pairs, [options.arrows], limit=options.cases):
            groups.append(_rows_of_case(case, options.arrows, predictors))
    if not groups:
        raise DataError("Give a photo with --photo and --arrow, or pairs of frames with --pairs.")
    return groups


def _rows_of_case(
    case: Case, arrows: int, predictors: dict[str, FlowPredictor]
) -> NDArray[np.uint8]:
    points, vectors = case.guidance[arrows]
    if not len(points):
        raise DataError(f"Nothing moves in {case.name}, so it takes no arrow; leave its clip out.")
    return rows_of(case.clip, case.image, growing(points, vectors), predictors, truth=case.flow)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.rows",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", nargs="+", default=["default"], help="names or files")
    parser.add_argument("--photo", type=Path)
    parser.add_argument(
        "--arrow", action="append", nargs=4, type=float, metavar=("X", "Y", "DX", "DY")
    )
    parser.add_argument("--pairs", type=Path, help="folder of pairs, from train.data.prepare")
    parser.add_argument("--cases", type=int, default=4, help="most pairs, spread over the clips")
    parser.add_argument("--arrows", type=int, default=4, help="most arrows on a pair")
    parser.add_argument("--out", type=Path, required=True, help="picture file to write")
    parser.add_argument("--device", default="auto")
    return parser


if __name__ == "__main__":
    sys.exit(main())
