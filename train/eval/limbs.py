"""Does the arrowed part follow, and does the rest stay? Measured on unseen puppets.

One arrow on a limb that turns alone, and as one piece: how many of its pixels follow within a
quarter of their true motion. One arrow and one pin on the still background: how much of the
background moves by more than a pixel all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from train.data.puppets import PuppetGenerator
from train.eval.baselines import FlowPredictor
from train.eval.cases import UNSEEN_SEED
from train.eval.scores import SHORT_SIDE

_AS_ONE: Final = 0.95


@dataclass(frozen=True, slots=True)
class LimbScores:
    """Means over scenes.

    Attributes:
        follows: Share of the arrowed limb's pixels whose flow is within 25 % of the truth.
        leaks: Share of still background pixels that move by more than 1 px at short side 384,
            with one arrow and one pin.
        scenes: How many limbs were measured.
    """

    follows: float
    leaks: float
    scenes: int


def score_limbs(
    predictor: FlowPredictor, *, count: int = 60, size: int = 256, seed: int = UNSEEN_SEED + 1
) -> LimbScores:
    """Return how limbs follow a single arrow, and how the background keeps still.

    Args:
        predictor: What to judge.
        count: Number of scenes.
        size: Side of the scenes, px.
        seed: Of the scenes.
    """
    generator = PuppetGenerator(size, seed=seed, with_next=False)
    follows: list[float] = []
    leaks: list[float] = []
    step = 0
    while len(follows) < count and step < 4 * count:
        batch = generator.batch(8, step)
        for index in range(8):
            drift = float((batch.part_motion[index, 0] - torch.eye(2, 3)).abs().max())
            flow = batch.flow[index].permute(1, 2, 0).contiguous().numpy()
            labels = batch.labels[index].numpy()
            picked = _pick_limb(flow, labels, batch.parents[index].numpy())
            if drift > 1e-4 or picked is None or len(follows) == count:
                continue
            limb, point = picked
            rng = np.random.default_rng([seed, step, index])
            image = batch.image[index].permute(1, 2, 0).round().byte().contiguous().numpy()
            predictor.set_image(image)
            arrow = flow[point[1], point[0]]
            ground = np.argwhere(_shrunk(labels == 0))
            pin = ground[rng.integers(len(ground))][::-1] if len(ground) else point
            answers = predictor.predict_many(
                [
                    (np.array([point], np.float32), arrow[None].copy()),
                    (
                        np.array([point, pin], np.float32),
                        np.stack([arrow, np.zeros_like(arrow)]),
                    ),
                ]
            )
            follows.append(_share_within(answers[0], flow, limb))
            if len(ground):
                length = np.hypot(answers[1][..., 0], answers[1][..., 1])
                is_still = labels == 0
                leaks.append(float((length[is_still] * SHORT_SIDE / size > 1).mean()))
        step += 1
    return LimbScores(float(np.mean(follows)), float(np.mean(leaks)), len(follows))


def _pick_limb(
    flow: NDArray[np.float32], labels: NDArray[np.int64], parents: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], tuple[int, int]] | None:
    """Return the pixels of a limb that moves while what carries it stands, and where to pull.

    The limb is a part with all that hangs on it, and moves as one: where a hand also turns at its
    wrist, nobody could tell from an arrow on the arm. The arrow is put on that part itself, for on
    the hand it could as well mean the hand alone; where the part moves fast, as a person would,
    well inside. None when the scene has no such limb of some size.
    """
    length = np.hypot(flow[..., 0], flow[..., 1])
    best: tuple[NDArray[np.bool_], tuple[int, int]] | None = None
    largest = 0.0015 * labels.size
    for part in np.unique(labels).tolist():
        above = int(parents[part])
        if part == 0 or above == 0 or not (labels == above).any():
            continue
        if length[labels == above].max() > 0.3:
            continue
        limb = np.isin(labels, _carried(part, parents))
        if not limb.any() or float(np.percentile(length[limb], 80)) < 2.0:
            continue
        inside = _shrunk(labels == part)
        if not inside.any():
            continue
        inside &= length >= np.percentile(length[inside], 60)
        if limb.sum() > largest and _moves_as_one(flow, limb):
            places = np.argwhere(inside)
            middle = places[np.argmin(np.abs(places - places.mean(0)).sum(1))]
            largest = float(limb.sum())
            best = (limb, (int(middle[1]), int(middle[0])))
    return best


def _moves_as_one(flow: NDArray[np.float32], limb: NDArray[np.bool_]) -> bool:
    """Return whether one affine motion is within a tenth of the motion of nearly all pixels."""
    y, x = np.nonzero(limb)
    places = np.stack([x, y, np.ones_like(x)], axis=1).astype(np.float64)
    motion = flow[limb].astype(np.float64)
    fitted = places @ np.linalg.lstsq(places, motion, rcond=None)[0]
    error = np.linalg.norm(fitted - motion, axis=1)
    allowed = np.maximum(0.1 * np.linalg.norm(motion, axis=1), 0.1)
    return bool((error <= allowed).mean() >= _AS_ONE)


def _carried(part: int, parents: NDArray[np.int64]) -> list[int]:
    """Return a part and all that hangs on it."""
    found = [part]
    for other in found:
        found += np.flatnonzero((parents == other) & (np.arange(len(parents)) != 0)).tolist()
    return found


def _shrunk(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask without its outermost two pixels."""
    return np.asarray(cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def _share_within(
    answer: NDArray[np.float32], truth: NDArray[np.float32], limb: NDArray[np.bool_]
) -> float:
    """Return the share of a limb's moving pixels that are within a quarter of their motion."""
    length = np.hypot(truth[..., 0], truth[..., 1])
    counts = limb & (length > 1)
    error = np.hypot(*np.moveaxis(answer - truth, -1, 0))
    return float((error[counts] <= 0.25 * length[counts]).mean())
