"""Do the probes measure what they claim? Tried on unseen puppets, where the truth is known.

``python -m train.eval.probes --weights default``

Prints, for each weights: how well rigid parts are found (adjusted Rand index against the true
parts), whether a pulled part is said to shift or to rotate, how far off its joint is, whether a
parent is found to lead its child, and how the error falls with the number of arrows (paper
figure 6). ``--json`` writes the numbers for machines, ``--seed`` draws other puppets.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from cmp_engine.errors import EngineError
from cmp_engine.predictor import MotionPredictor
from cmp_engine.probe import (
    ProbeOptions,
    influence_matrix,
    motion_of_flows,
    rigid_parts,
    shift_or_rotate,
    sufficiency,
)
from cmp_engine.spectral import k_means
from cmp_engine.weights import load_model
from train.data.puppets import PuppetBatch, PuppetGenerator
from train.eval.cases import UNSEEN_SEED, draw_guidance
from train.eval.scores import SHORT_SIDE

SEED: Final = UNSEEN_SEED + 17
ARROWS: Final = (1, 2, 3, 5, 8)

_CLEARLY_ROTATES: Final = 0.3
_CLEARLY_SHIFTS: Final = 0.1
_SMALLEST_PART: Final = 0.003
_LEADS_BY: Final = 0.2


@dataclass(frozen=True, slots=True)
class PuppetTruth:
    """One unseen scene.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        labels: (S, S) int64 part of each pixel, 0 for the background.
        flow: (S, S, 2) float32 true forward flow, px.
        parents: (P,) int64 part of which each hangs, 0 for none.
        motion: (P, 2, 3) float32 affine motion of each part, px.
        is_soft: (P,) bool, parts that bend.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int64]
    flow: NDArray[np.float32]
    parents: NDArray[np.int64]
    motion: NDArray[np.float32]
    is_soft: NDArray[np.bool_]


@dataclass(slots=True)
class ProbeScores:
    """What was measured, one entry for each case.

    Attributes:
        parts: ARI on all pixels, the number of parts open.
        parts_puppets: The same on the puppets' pixels alone.
        parts_inside: ARI within the true outline of the puppets, the true number of parts given.
        parts_color: The same of k-means on colour and place: what needs no network.
        found: Number of parts found, and true number of parts of some size.
        rotates: Whether a truly rotating part was said to rotate.
        shifts: Whether a truly shifting part was said to shift.
        shares: True share of the part's motion that is turning, and what the probe says.
        measure: Whether the probe names the true flow itself rightly: a check of the measure.
        measure_center: Distance of the true centre and what the probe makes of the true flow, as a
            share of the distance from pull to true centre.
        center: Distance of found and true centre of rotation, px at short side 384.
        center_share: The same as a share of the distance from pull to true centre.
        leads: Parent's influence on the child minus the child's on the parent.
        to_truth: Mean distance to the true flow for each of `ARROWS`, px at short side 384.
    """

    parts: list[float] = field(default_factory=list)
    parts_puppets: list[float] = field(default_factory=list)
    parts_inside: list[float] = field(default_factory=list)
    parts_color: list[float] = field(default_factory=list)
    found: list[tuple[int, int]] = field(default_factory=list)
    rotates: list[bool] = field(default_factory=list)
    shifts: list[bool] = field(default_factory=list)
    shares: list[tuple[float, float]] = field(default_factory=list)
    measure: list[bool] = field(default_factory=list)
    measure_center: list[float] = field(default_factory=list)
    center: list[float] = field(default_factory=list)
    center_share: list[float] = field(default_factory=list)
    leads: list[float] = field(default_factory=list)
    to_truth: list[list[float]] = field(default_factory=list)


def adjusted_rand_index(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return how alike two groupings of the same things are: 1 the same, 0 as by chance.

    Source: Hubert and Arabie, "Comparing Partitions", Journal of Classification 1985.
    """
    _, a = np.unique(first.ravel(), return_inverse=True)
    _, b = np.unique(second.ravel(), return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    both, rows, columns = (_pairs(x) for x in (table, table.sum(1), table.sum(0)))
    expected = rows * columns / _pairs(np.array([len(a)]))
    most = (rows + columns) / 2
    return float((both - expected) / (most - expected)) if most > expected else 1.0


def puppet_truths(size: int, seed: int) -> Iterator[PuppetTruth]:
    """Yield unseen scenes without end, without those where the camera drifts."""
    generator = PuppetGenerator(size, seed=seed, with_next=False)
    step = 0
    while True:
        batch = generator.batch(8, step)
        step += 1
        for index in range(8):
            if float((batch.part_motion[index, 0] - torch.eye(2, 3)).abs().max()) <= 1e-4:
                yield _truth(batch, index)


def score_parts(predictor: MotionPredictor, truth: PuppetTruth, into: ProbeScores) -> None:
    """Add how well the true parts of a scene are found."""
    size = truth.labels.shape[0]
    big = _big_parts(truth.labels)
    if len(big) < 2:
        return
    predictor.set_image(truth.image)
    on_puppets = truth.labels > 0
    found = rigid_parts(predictor, options=ProbeOptions(max_side=128))
    labels = _full_size(found.labels, size)
    into.parts.append(adjusted_rand_index(truth.labels, labels))
    into.parts_puppets.append(adjusted_rand_index(truth.labels[on_puppets], labels[on_puppets]))
    into.found.append((found.count, len(big)))
    inside = np.isin(truth.labels, big)
    given = rigid_parts(
        predictor, count=len(big), probes=72, region=inside, options=ProbeOptions(max_side=128)
    )
    labels = _full_size(given.labels, size)
    into.parts_inside.append(adjusted_rand_index(truth.labels[inside], labels[inside]))
    into.parts_color.append(_color_score(truth, inside, len(big)))


def score_motion(predictor: MotionPredictor, truth: PuppetTruth, into: ProbeScores) -> None:
    """Add whether each clear part of a scene is said to move as it does."""
    size = truth.labels.shape[0]
    length = np.hypot(truth.flow[..., 0], truth.flow[..., 1])
    predictor.set_image(truth.image)
    for part in _big_parts(truth.labels):
        pixels = truth.labels == part
        if truth.is_soft[part] or length[pixels].mean() < 0.01 * size:
            continue
        share, center = _true_motion(truth, pixels, part)
        point = _inside(pixels & (length >= np.percentile(length[pixels], 60)))
        if point is None or _CLEARLY_SHIFTS < share < _CLEARLY_ROTATES:
            continue
        pull = truth.flow[point[1], point[0]]
        found = shift_or_rotate(predictor, point, pull)
        ideal = motion_of_flows(
            truth.flow[None], np.array(point, np.float32), pull[None], found.grid
        )
        into.shares.append((share, found.turning_share))
        into.measure.append(ideal.kind == ("shift" if share <= _CLEARLY_SHIFTS else "rotate"))
        if share <= _CLEARLY_SHIFTS:
            into.shifts.append(found.kind == "shift")
            continue
        into.rotates.append(found.kind == "rotate")
        arm = float(np.hypot(*(center - point)))
        if found.center is not None and arm > 0:
            error = float(np.hypot(*(np.array(found.center) - center)))
            into.center.append(error * SHORT_SIDE / size)
            into.center_share.append(error / arm)
        if ideal.center is not None and arm > 0:
            error = float(np.hypot(*(np.array(ideal.center) - center)))
            into.measure_center.append(error / arm)


def score_influence(predictor: MotionPredictor, truth: PuppetTruth, into: ProbeScores) -> None:
    """Add whether the largest parent of a scene is found to lead its largest child."""
    big = _big_parts(truth.labels)
    pairs = [(int(truth.parents[part]), part) for part in big if truth.parents[part] in big]
    if not pairs:
        return
    area = np.bincount(truth.labels.ravel(), minlength=len(truth.parents))
    parent, child = max(pairs, key=lambda pair: min(area[list(pair)]))
    points = [_inside(truth.labels == part) for part in (parent, child)]
    if None in points:
        return
    predictor.set_image(truth.image)
    found = influence_matrix(predictor, np.array(points), direction_count=4)
    into.leads.append(float(found.asymmetry[0, 1]))


def score_sufficiency(
    predictor: MotionPredictor, truth: PuppetTruth, into: ProbeScores, *, seed: int
) -> None:
    """Add how the error falls as true arrows are added."""
    valid = np.ones(truth.labels.shape, np.bool_)
    most = max(ARROWS)
    points, vectors = draw_guidance(truth.flow, valid, [most], seed=[seed, len(into.to_truth)])[
        most
    ]
    if len(points) < most:
        return
    predictor.set_image(truth.image)
    found = sufficiency(predictor, points, vectors, truth=truth.flow)
    if found.to_truth is not None:
        rows = found.to_truth * SHORT_SIDE / truth.labels.shape[0]
        into.to_truth.append([float(rows[count - 1]) for count in ARROWS])


def evaluate(
    predictor: MotionPredictor,
    *,
    scenes: int,
    part_scenes: int,
    size: int,
    seed: int = SEED,
    minutes: float | None = None,
) -> ProbeScores:
    """Return all scores of some weights.

    Args:
        predictor: To judge; its picture is replaced.
        scenes: Number of scenes for motion, influence and sufficiency.
        part_scenes: Number of scenes for rigid parts, which take most of the time.
        size: Side of the scenes, px.
        seed: Of the scenes.
        minutes: No further scene is begun after so many; the scores say how many there were.
    """
    scores = ProbeScores()
    started = time.monotonic()
    for number, truth in enumerate(puppet_truths(size, seed)):
        if number >= max(scenes, part_scenes):
            break
        if number and minutes is not None and time.monotonic() - started > 60 * minutes:
            break
        if number < scenes:
            score_motion(predictor, truth, scores)
            score_influence(predictor, truth, scores)
            score_sufficiency(predictor, truth, scores, seed=seed)
        if number < part_scenes:
            score_parts(predictor, truth, scores)
    return scores


def score_lines(scores: ProbeScores) -> Iterator[str]:
    """Yield the scores as lines for people."""
    yield (
        f"parts      ARI {_mean(scores.parts):.2f} on all pixels, "
        f"{_mean(scores.parts_puppets):.2f} on the puppets, number open "
        f"(found {_mean([a for a, _ in scores.found]):.1f}, "
        f"true {_mean([b + 1 for _, b in scores.found]):.1f} with the ground); "
        f"{len(scores.parts)} scenes"
    )
    yield (
        f"           ARI {_mean(scores.parts_inside):.2f} inside their outline, number given; "
        f"k-means on colour and place {_mean(scores.parts_color):.2f}"
    )
    right = _mean([_mean(scores.rotates), _mean(scores.shifts)])
    yield (
        f"motion     {100 * right:.0f} % right: rotating {sum(scores.rotates)} of "
        f"{len(scores.rotates)}, shifting {sum(scores.shifts)} of {len(scores.shifts)}"
    )
    yield (
        f"           {100 * _mean(scores.measure):.0f} % right on the true flow itself (a check of "
        f"the measure); centre off by {100 * _median(scores.measure_center):.0f} % of the way to it"
    )
    yield (
        f"           turning share of the answer: {_mean_share(scores.shares, True):.3f} where it "
        f"truly rotates, {_mean_share(scores.shares, False):.3f} where it truly shifts"
    )
    yield (
        f"centre     median error {_median(scores.center):.1f} px at short side 384, "
        f"{100 * _median(scores.center_share):.0f} % of the way from pull to joint; "
        f"{len(scores.center)} rotations"
    )
    leads = np.array(scores.leads)
    yield (
        f"influence  the parent leads its child in {(leads > 0).sum()} of {len(leads)} pairs, "
        f"clearly (by {_LEADS_BY}) in {(leads > _LEADS_BY).sum()}, the child its parent clearly in "
        f"{(leads < -_LEADS_BY).sum()}; mean {_mean(scores.leads):+.2f}"
    )
    if scores.to_truth:
        rows = ", ".join(
            f"{count}: {value:.2f}"
            for count, value in zip(ARROWS, np.mean(scores.to_truth, 0), strict=True)
        )
        yield (
            f"arrows     mean error in px at short side 384 by number of arrows {rows}; "
            f"{len(scores.to_truth)} scenes"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 1 failed on the input."""
    options = _parser().parse_args(arguments)
    results: dict[str, object] = {}
    try:
        for name in options.weights:
            began = time.process_time()
            model = load_model(name)
            predictor = MotionPredictor(model, device=options.device, short_side=options.short_side)
            scores = evaluate(
                predictor,
                scenes=options.scenes,
                part_scenes=options.part_scenes,
                size=options.size,
                seed=options.seed,
                minutes=options.minutes,
            )
            seconds = time.process_time() - began
            print(f"{name}, sha256 {model.info.sha256[:12]}, {seconds:.0f} s of the processors")
            for line in score_lines(scores):
                print(f"  {line}", flush=True)
            results[name] = {"sha256": model.info.sha256, **dataclasses.asdict(scores)}
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    except (EngineError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _truth(batch: PuppetBatch, index: int) -> PuppetTruth:
    image = batch.image[index].permute(1, 2, 0).round().byte().contiguous().numpy()
    return PuppetTruth(
        image=image,
        labels=batch.labels[index].numpy(),
        flow=batch.flow[index].permute(1, 2, 0).contiguous().numpy(),
        parents=batch.parents[index].numpy(),
        motion=batch.part_motion[index].numpy(),
        is_soft=batch.is_soft[index].numpy(),
    )


def _big_parts(labels: NDArray[np.int64]) -> list[int]:
    area = np.bincount(labels.ravel())
    return [part for part in range(1, len(area)) if area[part] > _SMALLEST_PART * labels.size]


def _true_motion(
    truth: PuppetTruth, pixels: NDArray[np.bool_], part: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the share of a part's true motion that is turning, and its fixed point."""
    matrix = truth.motion[part].astype(np.float64)
    places = np.argwhere(pixels)[:, ::-1].astype(np.float64)
    slope = matrix[:, :2] - np.eye(2)
    middle = places.mean(0)
    turning = float(np.sqrt((((places - middle) @ slope.T) ** 2).sum(1).mean()))
    shift = float(np.hypot(*(slope @ middle + matrix[:, 2])))
    center = np.linalg.lstsq(slope, -matrix[:, 2], rcond=None)[0]
    return turning / max(float(np.hypot(turning, shift)), 1e-9), center


def _inside(pixels: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Return x, y of the pixel that is farthest from what is not marked; None without any."""
    depth = cv2.distanceTransform(np.pad(pixels, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return (int(x), int(y)) if depth.max() >= 2 else None


def _full_size(labels: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    resized = cv2.resize(labels.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
    return resized.astype(np.int64)


def _color_score(truth: PuppetTruth, inside: NDArray[np.bool_], count: int) -> float:
    y, x = np.mgrid[: truth.labels.shape[0], : truth.labels.shape[1]] / truth.labels.shape[0]
    features = np.concatenate([truth.image / 255.0, x[..., None], y[..., None]], -1)[inside]
    return adjusted_rand_index(truth.labels[inside], k_means(features, count))


def _pairs(counts: NDArray[np.float64]) -> float:
    return float((counts * (counts - 1) / 2).sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _mean_share(shares: Sequence[tuple[float, float]], rotates: bool) -> float:  # noqa: FBT001  which half of the table
    return _mean([found for true, found in shares if (true >= _CLEARLY_ROTATES) == rotates])


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.probes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", nargs="+", default=["default"], help="names or files")
    parser.add_argument("--scenes", type=int, default=24, help="scenes for all but rigid parts")
    parser.add_argument("--part-scenes", type=int, default=6, help="scenes for rigid parts")
    parser.add_argument("--size", type=int, default=192, help="side of the scenes, px")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--minutes", type=float, help="begin no further scene after so many, for each weights"
    )
    parser.add_argument("--short-side", type=int, default=192, help="of the network's grid, px")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
