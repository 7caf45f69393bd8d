"""The one thread that touches the predictor of the preview."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.latest_wins import Failure, Interrupted, Job, LatestWinsRunner
from cmp_studio.services.motion_backend import (
    EngineChoice,
    EngineFactory,
    EngineInfo,
    MotionBackend,
    Pose,
    Stage,
    load_engine,
)
from cmp_studio.services.wording import sentence_of

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor

_LOAD, _ASK, _POSE, _STILL, _AHEAD, _FILM = range(6)
LANES: Final = 6


class Question(Protocol):
    """What a mode asks of the network; frozen, with everything that it needs.

    It runs on the worker's thread. The predictor is the one of the film: its picture is left alone,
    so a question that has another one works on a `MotionPredictor.twin`, which it may keep.
    """

    def __call__(self, predictor: MotionPredictor, is_interrupted: Callable[[], bool]) -> object:
        """Return the answer; raise `Interrupted` when that says so and much is left to do."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came of a question.

    Attributes:
        question: The very object that was asked.
        value: What it returned.
        seconds: How long it took on the thread.
    """

    question: Question
    value: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Take these weights on this device."""

    choice: EngineChoice
    engine: int


@dataclass(frozen=True, slots=True)
class PoseRequest:
    """Render one pose now: it is being dragged or looked at."""

    stage: Stage
    pose: Pose


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """Render these poses when there is nothing more urgent, in this order."""

    stage: Stage
    poses: tuple[Pose, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FrameAnswer:
    """A rendered pose.

    Attributes:
        stage: What it was rendered on.
        pose: What was rendered.
        frame: The picture and its flow.
        seconds: How long it took on the thread.
        is_live: Whether it answers a `PoseRequest` of a drag.
        reach_px: How far one answer of the network can go here, px of the picture, or None.
    """

    stage: Stage
    pose: Pose
    frame: CachedFrame
    seconds: float
    is_live: bool
    reach_px: float | None = None


class PredictorWorker(QObject):
    """Loads the network and renders frames, off the GUI thread.

    Six kinds of request, the first that waits is served first: loading, what a mode asks, the pose
    being dragged, a sharp still, what a mode asks ahead, the frames of the film. Of each kind the
    newest wins; the film is interrupted between two frames and goes on where it was.

    Thread: create, ask and stop on the GUI thread. Signals come from the worker's thread, so
    connect bound methods of QObjects.

    Signals:
        loaded(info, engine): `EngineInfo` of the engine that answers from now on, and its number.
        load_failed(sentence): The weights or the device can't be had; the old engine stays.
        frame_ready(answer): A `FrameAnswer`.
        failed(sentence): A frame could not be rendered.
        question_answered(answer): An `Answer`; of several modes each looks for its own questions.
        question_failed(question, sentence): It could not be answered.
        busy_changed(): `is_busy` may be another.
    """

    loaded = Signal(object, int)
    load_failed = Signal(str)
    frame_ready = Signal(object)
    failed = Signal(str)
    question_answered = Signal(object)
    question_failed = Signal(object, str)
    busy_changed = Signal()

    def __init__(
        self, make_engine: EngineFactory = load_engine, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._backend = MotionBackend(make_engine)
        self._film_job = -1
        self._film_done = 0
        self._holds_frames = False
        self._runner = LatestWinsRunner(self._work, lanes=LANES, name="predictor", parent=self)
        self._runner.answered.connect(self.on_answered)
        self._runner.failed.connect(self.on_failed)
        self._runner.busy_changed.connect(self.busy_changed)
        self._runner.start()

    @property
    def is_busy(self) -> bool:
        """Whether something is being computed or waits for it."""
        return self._runner.is_busy

    def load(self, choice: EngineChoice, engine: int) -> None:
        """Ask for other weights or another device."""
        self._runner.submit(LoadRequest(choice, engine), lane=_LOAD)

    @property
    def holds_frames(self) -> bool:
        """Whether requests for frames are dropped."""
        return self._holds_frames

    def hold_frames(self, *, is_held: bool) -> None:
        """Drop what waits and what is asked for of poses, stills and film, or no longer."""
        self._holds_frames = is_held
        if is_held:
            self.cancel_poses()
            self.cancel_film()

    def ask(self, question: Question) -> None:
        """Ask the network; a question that still waits is forgotten.

        Before an engine is loaded nothing answers: ask again when `loaded` comes.
        """
        self._runner.submit(question, lane=_ASK)

    def ask_ahead(self, question: Question) -> None:
        """Ask what will be needed soon; `ask` comes first. One that still waits is forgotten."""
        self._runner.submit(question, lane=_AHEAD)

    def cancel_questions(self) -> None:
        """Forget the questions that wait."""
        self._runner.cancel(_ASK)
        self._runner.cancel(_AHEAD)

    def request_pose(self, stage: Stage, pose: Pose) -> None:
        """Ask for the pose that is being dragged; a pose that still waits is forgotten."""
        if not self._holds_frames:
            self._runner.submit(PoseRequest(stage, pose), lane=_POSE)

    def request_still(self, stage: Stage, pose: Pose) -> None:
        """Ask for a sharp version of the frame that is looked at."""
        if not self._holds_frames:
            self._runner.submit(PoseRequest(stage, pose), lane=_STILL)

    def request_film(self, stage: Stage, poses: tuple[Pose, ...]) -> None:
        """Ask for frames of the film; the ones asked for before are forgotten."""
        if not self._holds_frames:
            self._runner.submit(FilmRequest(stage, poses), lane=_FILM)

    def cancel_poses(self) -> None:
        """Forget the pose and the still that wait."""
        self._runner.cancel(_POSE)
        self._runner.cancel(_STILL)

    def cancel_film(self) -> None:
        """Forget the frames that wait."""
        self._runner.cancel(_FILM)

    def stop(self, timeout: float = 20.0) -> bool:
        """End the thread after the frame that it renders; return whether it has ended."""
        return self._runner.stop(timeout)

    def on_answered(self, job: Job, answer: object) -> None:
        """Pass on what came back."""
        if isinstance(answer, EngineInfo):
            self.loaded.emit(answer, job.request.engine)
        elif isinstance(answer, FrameAnswer):
            self.frame_ready.emit(answer)
        elif isinstance(answer, Answer):
            self.question_answered.emit(answer)

    def on_failed(self, failure: Failure) -> None:
        """Pass on what went wrong."""
        sentence = sentence_of(failure.error)
        if isinstance(failure.job.request, LoadRequest):
            self.load_failed.emit(sentence)
        elif failure.job.lane in (_ASK, _AHEAD):
            self.question_failed.emit(failure.job.request, sentence)
        else:
            self.failed.emit(sentence)

    # On the worker's thread.

    def _work(self, job: Job, is_interrupted: Callable[[], bool]) -> object:
        request = job.request
        if isinstance(request, LoadRequest):
            return self._backend.load(request.choice)
        if not self._backend.is_loaded:
            return None
        if job.lane in (_ASK, _AHEAD):
            started = time.perf_counter()
            value = request(self._backend.predictor, is_interrupted)
            return Answer(request, value, time.perf_counter() - started)
        if isinstance(request, PoseRequest):
            return self._render(request.stage, request.pose, is_live=job.lane == _POSE)
        if isinstance(request, FilmRequest):
            self._render_film(job.number, request, is_interrupted)
        return None

    def _render(self, stage: Stage, pose: Pose, *, is_live: bool) -> FrameAnswer:
        started = time.perf_counter()
        frame = self._backend.frame(stage, pose)
        seconds = time.perf_counter() - started
        return FrameAnswer(stage, pose, frame, seconds, is_live, self._backend.reach_px)

    def _render_film(
        self, number: int, request: FilmRequest, is_interrupted: Callable[[], bool]
    ) -> None:
        if number != self._film_job:
            self._film_job, self._film_done = number, 0
        while self._film_done < len(request.poses):
            if is_interrupted():
                raise Interrupted
            answer = self._render(request.stage, request.poses[self._film_done], is_live=False)
            self._film_done += 1
            self.frame_ready.emit(answer)
