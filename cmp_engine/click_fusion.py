"""From the flows that clicks call forth to one score: the published rule, and better ones.

A *fusion* says in which directions the positive clicks are pulled, how fast, and what is made of
the answers. `FUSIONS` holds them by name; `train.eval.clicks` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmp_engine.click_evidence import (
    color_evidence,
    color_features,
    sigmoid,
    smoothed,
)
from cmp_engine.errors import ConfigError

Float: TypeAlias = NDArray[np.float32]
Fusion: TypeAlias = Literal["published", "agreement", "agreement8", "colors"]

PUBLISHED_SHORT_SIDE: Final = 384
"""Short side, px, of the grid on which the published rule's speed is measured."""

_DIAGONAL: Final = 0.5**0.5
FOUR_DIRECTIONS: Final = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))
TWO_DIRECTIONS: Final = FOUR_DIRECTIONS[:2]
EIGHT_DIRECTIONS: Final = (
    *FOUR_DIRECTIONS,
    *((x * _DIAGONAL, y * _DIAGONAL) for x in (1, -1) for y in (1, -1)),
)
"""Right, down, left, up, and the diagonals; unit vectors (x, y). Two say as much as four for this
project's networks: they answer opposite pulls with nearly opposite flows."""

_GAIN: Final = 8.0
"""Logit for each unit of agreement."""

_UNDECIDED: Final = 0.45
"""Agreement of a pixel that may belong or not."""

AFFINITY_WEIGHT: Final = 1.0
"""Weight of the affinities at the first click; chosen on pictures that are not scored."""

_MOTION_LESS: Final = 0.5
"""By how much motion counts less at the first click, where affinities count too: it is too sure."""

_CLICKED: Final = np.float32(6)
"""Logit of the spots that were clicked."""


@dataclass(frozen=True, slots=True)
class FusionRule:
    """How clicks become a score.

    Attributes:
        directions: Unit vectors (x, y), one prediction each.
        uses_picture: Whether colours and edges of the picture count, beside the network.
        fuse: Takes flows (D, h, w, 2) in units of the pull and the directions (D, 2), and returns
            the score (h, w).
        zoom_factor: Side of the crop for small objects, in units of the object's extent.
        affinity: Weight of what the network says to belong together at sight, without any motion,
            at the first click; with more clicks it counts less. Networks that don't say are asked
            for motion alone.
        zooms_on_clicks: Whether that is the extent of the positive clicks, two or more, and not
            that of the object at first sight.
        keeps_all: Whether places count that hang together with no positive click.
    """

    directions: tuple[tuple[float, float], ...]
    uses_picture: bool
    fuse: Callable[[Float, Float], Float]
    zoom_factor: float = 2.0
    affinity: float = 0.0
    zooms_on_clicks: bool = False
    keeps_all: bool = False


def published_rule(flows: Float, directions: Float) -> Float:
    """Return the mean of |u| and |v| over the directions, divided by its maximum.

    Args:
        flows: (D, h, w, 2) float32.
        directions: (D, 2); not looked at.

    Source: the published annotation demo, at 4 directions, speed 30 px, threshold 0.5.
    """
    mean = np.abs(flows).mean(axis=(0, 3))
    return np.asarray(mean / max(float(mean.max()), 1e-6), np.float32)


def agreement_rule(flows: Float, directions: Float) -> Float:
    """Return how far a pixel follows the pull, 0..1: what goes elsewhere does not count.

    Args:
        flows: (D, h, w, 2) float32 in units of the pull.
        directions: (D, 2) unit vectors.
    """
    along = np.einsum("dhwc,dc->dhw", flows, directions)
    score = np.clip(along, 0, 1).mean(axis=0)
    return np.asarray(sigmoid((score - np.float32(_UNDECIDED)) * np.float32(_GAIN)), np.float32)


FUSIONS: Final[dict[Fusion, FusionRule]] = {
    "published": FusionRule(
        FOUR_DIRECTIONS,
        False,
        published_rule,
        zoom_factor=4.0,
        zooms_on_clicks=True,
        keeps_all=True,
    ),
    "agreement": FusionRule(FOUR_DIRECTIONS, False, agreement_rule),
    "agreement8": FusionRule(EIGHT_DIRECTIONS, False, agreement_rule),
    "colors": FusionRule(TWO_DIRECTIONS, True, agreement_rule, affinity=AFFINITY_WEIGHT),
}
DEFAULT_FUSION: Final[Fusion] = "colors"


def fusion_rule(name: str) -> FusionRule:
    """Return the fusion called ``name``.

    Raises:
        ConfigError: There is none.
    """
    for known, rule in FUSIONS.items():
        if known == name:
            return rule
    raise ConfigError(
        "There is no way of fusing clicks called {name!r}; there are {fusions}.",
        name=name,
        fusions=", ".join(FUSIONS),
    )


def with_affinity(score: Float, positive: Float, negative: Float | None, *, weight: float) -> Float:
    """Return a score in which counts what the network takes for one thing at sight.

    Args:
        score: (h, w) float32 in 0..1, from motion.
        positive: (N, K, h, w) float32 logits of belonging to each positive click.
        negative: The same for negative clicks; None for none.
        weight: At one click; of many clicks the weight is divided by their number, so that motion,
            which heeds the negative ones, has the last word.

    Returns:
        (h, w) float32 in 0..1.

    Source: own choice; `train.eval.clicks` measures it.
    """
    belongs = positive[:, -1].max(axis=0)
    count = len(positive)
    if negative is not None and len(negative):
        # What belongs to both sides alike says nothing.
        belongs = np.minimum(belongs, belongs - negative[:, -1].max(axis=0))
        count += len(negative)
    bounded = np.clip(score, 1e-4, 1 - 1e-4)
    motion = np.float32(1 - _MOTION_LESS / count) * np.log(bounded / (1 - bounded))
    logit = motion + np.float32(weight / count) * np.clip(belongs, -6, 6)
    return sigmoid(logit.astype(np.float32))


@dataclass(frozen=True, slots=True)
class PictureWeights:
    """How much the picture counts beside the network; found by `train.eval.clicks`.

    Attributes:
        color: Weight of the log ratio of the colours.
        rounds: How often the colour models are fitted.
        strength: Of the smoothing.
    """

    color: float = 1.0
    rounds: int = 2
    strength: float = 2.0


class PictureEvidence:
    """What one picture says about clicks, beside the network.

    Args:
        picture: (h, w, 3) uint8 RGB on the working grid.
        weights: How much each part counts.
    """

    def __init__(self, picture: NDArray[np.uint8], weights: PictureWeights | None = None) -> None:
        self._features = color_features(picture)
        self._weights = PictureWeights() if weights is None else weights

    def refine(
        self, score: Float, positive: Sequence[tuple[int, int]], negative: Sequence[tuple[int, int]]
    ) -> Float:
        """Return a score in which the picture's colours and edges count too.

        Args:
            score: (h, w) float32 in 0..1, what the network says.
            positive: (row, column) of the clicks on the object, px of the working grid.
            negative: The same for the clicks beside it.

        Returns:
            (h, w) float32 in 0..1.
        """
        weights = self._weights
        bounded = np.clip(score, 1e-4, 1 - 1e-4)
        network = np.log(bounded / (1 - bounded)).astype(np.float32)
        anchors = np.zeros_like(network)
        for clicks, side in ((positive, 1), (negative, -1)):
            for row, column in clicks:
                spot = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
                anchors[spot] = side
        network = np.where(anchors != 0, _CLICKED * anchors, network)
        logit = network
        for _ in range(weights.rounds):
            colors = color_evidence(self._features, logit)
            logit = network + np.float32(weights.color) * colors
            logit = smoothed(logit, self._features, anchors=anchors, strength=weights.strength)
        return sigmoid(logit)
