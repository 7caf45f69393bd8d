"""How good a flow is: end-point error on what moves and what stands, and which pixels move.

Lengths are px at a short side of 384, so that pictures of any size count alike.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.warp import backward_map, warp_image

SHORT_SIDE: Final = 384
MOVING_PX: Final = 1.0


@dataclass(frozen=True, slots=True)
class FlowScores:
    """Scores of one flow, or means of many.

    Attributes:
        moving: Mean end-point error where the truth moves by more than 1 px, px.
        still: The same where it does not.
        balanced: Mean of the two: whoever moves everything, or nothing, loses.
        iou: Intersection over union of the pixels that move by more than 1 px.
        psnr: Of the warped frame against the true next one where it should show something,
            dB; not a number when unknown.
    """

    moving: float
    still: float
    balanced: float
    iou: float
    psnr: float = math.nan

    def to_row(self) -> str:
        """Return the scores in columns of ten characters."""
        values = (self.moving, self.still, self.balanced, self.iou, self.psnr)
        return "".join(f"{value:10.2f}" for value in values)


def score_flow(
    flow: NDArray[np.float32], truth: NDArray[np.float32], valid: NDArray[np.bool_]
) -> FlowScores | None:
    """Return the scores of a flow, or None when nothing moves or nothing stands still.

    Args:
        flow: (H, W, 2) forward flow, px of its own grid.
        truth: (H, W, 2) true forward flow, px.
        valid: (H, W) bool, where the truth can be trusted.
    """
    scale = SHORT_SIDE / min(flow.shape[:2])
    moves = np.hypot(truth[..., 0], truth[..., 1]) * scale > MOVING_PX
    moving, still = moves & valid, ~moves & valid
    if not moving.any() or not still.any():
        return None
    error = np.hypot(*np.moveaxis(flow - truth, -1, 0)) * scale
    answered = np.hypot(flow[..., 0], flow[..., 1]) * scale > MOVING_PX
    both = (answered & moving).sum()
    either = ((answered | moves) & valid).sum()
    on_moving, on_still = float(error[moving].mean()), float(error[still].mean())
    return FlowScores(on_moving, on_still, (on_moving + on_still) / 2, float(both / either))


def score_warp(
    flow: NDArray[np.float32],
    image: NDArray[np.uint8],
    next_image: NDArray[np.uint8],
    truth: NDArray[np.float32],
) -> float:
    """Return the PSNR of the picture warped by a flow, against the true next one, dB.

    Only pixels count that motion touches, by the flow or by the truth: the still rest would
    drown them.

    Args:
        flow: (H, W, 2) forward flow, px.
        image: (H, W, 3) uint8 RGB.
        next_image: (H, W, 3) uint8 RGB.
        truth: (H, W, 2) true forward flow, px; says which pixels count.
    """
    backward = backward_map(flow)
    warped = warp_image(image, backward)
    reference = backward_map(truth)
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    here = np.stack([x, y], -1)
    counts = np.zeros(flow.shape[:2], bool)
    for made in (backward, reference):
        counts |= np.abs(made.map_xy - here).max(-1) > 0.5
    counts &= ~reference.holes
    if not counts.any():
        return math.nan
    difference = warped[counts].astype(np.float64) - next_image[counts]
    return float(10 * np.log10(255**2 / max(np.square(difference).mean(), 1e-3)))


def mean_scores(scored: Iterable[tuple[str, FlowScores]]) -> FlowScores:
    """Return the mean over clips of each clip's mean: near-duplicates count once.

    Args:
        scored: The clip's name and the scores, for each picture; at least one.
    """
    by_clip: dict[str, list[FlowScores]] = defaultdict(list)
    for clip, scores in scored:
        by_clip[clip].append(scores)
    means = []
    for field in fields(FlowScores):
        clips = [_mean([getattr(s, field.name) for s in some]) for some in by_clip.values()]
        means.append(_mean(clips))
    return FlowScores(*means)


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
