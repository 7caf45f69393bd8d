"""What the Probe mode asks of the network, as it runs on the worker's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cmp_studio.pipeline.experiment import Experiment, run_experiment
from cmp_studio.services.latest_wins import Interrupted
from cmp_studio.services.motion_backend import EngineChoice, EngineFactory
from cmp_studio.services.pictures import OpenedPicture

if TYPE_CHECKING:
    from cmp_engine.guidance import GuidanceSet
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.upsampling import Upsampling
    from cmp_studio.pipeline.findings import Finding

_AT_ONCE: Final = 2
"""Predictions between two looks at whether something more urgent waits."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeAnswer:
    """What a probe found.

    Attributes:
        asked: The experiment as it was asked, with one kind.
        experiment: The same with the digests of the weights that answered.
        finding: What was found.
    """

    asked: Experiment
    experiment: Experiment
    finding: Finding


class ProbeStage:
    """The predictors with the probed picture, so that it is encoded once.

    Thread: made anywhere, used on the worker's thread alone.

    Args:
        make_engine: Loads the weights of B.
    """

    def __init__(self, make_engine: EngineFactory) -> None:
        self._make_engine = make_engine
        self._of: MotionPredictor | None = None
        self._twin: MotionPredictor | None = None
        self._digest = ""
        self._other: MotionPredictor | None = None
        self._other_choice: EngineChoice | None = None
        self._other_digest = ""

    def predictor(self, of: MotionPredictor, picture: OpenedPicture) -> MotionPredictor:
        """Return a predictor with the network of another one, and this picture.

        Raises:
            cmp_engine.errors.EngineError: It can't take the picture.
        """
        if of is not self._of or self._twin is None:
            self._of, self._twin, self._digest = of, of.twin(), ""
        if self._digest != picture.picture.digest:
            self._digest = ""
            self._twin.set_image(picture.image)
            self._digest = picture.picture.digest
        return self._twin

    def other(self, choice: EngineChoice, picture: OpenedPicture) -> MotionPredictor:
        """Return a predictor with the weights of B, and this picture.

        Raises:
            cmp_engine.errors.EngineError: No such weights, or it can't take the picture.
        """
        if choice != self._other_choice or self._other is None:
            self._other_choice, self._other_digest = None, ""
            self._other = self._make_engine(choice).predictor
            self._other_choice = choice
        if self._other_digest != picture.picture.digest:
            self._other_digest = ""
            self._other.set_image(picture.image)
            self._other_digest = picture.picture.digest
        return self._other


@dataclass(frozen=True, slots=True, eq=False)
class ProbeQuestion:
    """One probe of a picture.

    Attributes:
        asked: With one kind of probe.
        picture: What is probed.
        stage: Keeps the predictors.
        device: Where the weights of B answer.
        kept: Flows that are there already; what was interrupted goes on after them.
        progress: Called on the worker's thread with predictions done and all predictions.
    """

    asked: Experiment
    picture: OpenedPicture
    stage: ProbeStage
    device: str = "auto"
    kept: list[NDArray[np.float32]] = field(default_factory=list)
    progress: Callable[[int, int], None] | None = None

    def __call__(
        self, predictor: MotionPredictor, is_interrupted: Callable[[], bool]
    ) -> ProbeAnswer:
        """Return what the probe found.

        Raises:
            Interrupted: Something more urgent waits, or nobody wants the answer any more.
            cmp_engine.errors.EngineError: What is asked makes no sense.
        """
        mine = self.stage.predictor(predictor, self.picture)
        experiment = replace(self.asked, weights_sha256=_digest(mine))
        kept = _Kept(self.kept)
        other = None
        if "compare" in experiment.kinds and experiment.other_weights is not None:
            choice = EngineChoice(experiment.other_weights, self.device)
            second = self.stage.other(choice, self.picture)
            experiment = replace(experiment, other_weights_sha256=_digest(second))
            other = _Remembering(second, kept, is_interrupted)
        (finding,) = run_experiment(
            experiment,
            _Remembering(mine, kept, is_interrupted),
            other=other,
            progress=self.progress,
        )
        return ProbeAnswer(self.asked, experiment, finding)


@dataclass(frozen=True, slots=True, eq=False)
class PrepareQuestion:
    """Encodes a picture before the first probe of it, and answers nothing."""

    picture: OpenedPicture
    stage: ProbeStage

    def __call__(self, predictor: MotionPredictor, is_interrupted: Callable[[], bool]) -> None:
        """Take the picture."""
        if not is_interrupted():
            self.stage.predictor(predictor, self.picture)


class _Kept:
    """Flows in the order in which they are asked for; the same question asks in the same order."""

    def __init__(self, flows: list[NDArray[np.float32]]) -> None:
        self._flows = flows
        self._next = 0

    def take(self) -> NDArray[np.float32] | None:
        """Return the next flow, where it is there."""
        if self._next >= len(self._flows):
            return None
        self._next += 1
        return self._flows[self._next - 1]

    def add(self, flow: NDArray[np.float32]) -> None:
        """Keep one more flow, after `take` found none."""
        self._flows.append(flow)
        self._next += 1


class _Remembering:
    """A predictor that keeps its answers, and stops between two of them."""

    def __init__(
        self, predictor: MotionPredictor, kept: _Kept, is_interrupted: Callable[[], bool]
    ) -> None:
        self._predictor = predictor
        self._kept = kept
        self._is_interrupted = is_interrupted

    @property
    def image_hw(self) -> tuple[int, int] | None:
        """Size of the picture, px."""
        return self._predictor.image_hw

    def predict_many(
        self,
        guidance: Sequence[GuidanceSet],
        *,
        upsampling: Upsampling = "edge_aware",
        size_hw: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return the flows, those first that are kept.

        Raises:
            Interrupted: There is something more urgent.
        """
        flows: list[NDArray[np.float32]] = []
        while len(flows) < len(guidance) and (flow := self._kept.take()) is not None:
            flows.append(flow)
        while len(flows) < len(guidance):
            if self._is_interrupted():
                raise Interrupted
            chosen = guidance[len(flows) : len(flows) + _AT_ONCE]
            answer = self._predictor.predict_many(chosen, upsampling=upsampling, size_hw=size_hw)
            for flow in answer:
                self._kept.add(flow)
            flows += list(answer)
        return np.stack(flows)


def _digest(predictor: MotionPredictor) -> str:
    return "" if predictor.info is None else predictor.info.sha256
