"""Keeps the masks in step with the clicks: asks the network, and puts the answers together."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from cmp_studio.document.annotation import Annotation, ClickedThing, MaskSettings
from cmp_studio.services.annotation_session import AnnotationSession
from cmp_studio.services.click_questions import LookAhead, ScoreQuestion, Segmenters
from cmp_studio.services.latest_wins import Failure, Job, LatestWinsRunner
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.predictor_worker import Answer, PredictorWorker, Question
from cmp_studio.services.wording import sentence_of

if TYPE_CHECKING:
    from cmp_studio.pipeline.annotation_masks import ClickScore

log = logging.getLogger(__name__)

Bool = NDArray[np.bool_]
Labels = NDArray[np.uint8]

_KEPT_BYTES: Final = 384 * 2**20
"""Room for answers of the network: going back to earlier clicks or settings asks nothing."""


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of all objects, as they are drawn and saved.

    Attributes:
        labels: (H, W) uint8, 0 background, 1 the first object, and so on.
        ids: The objects, in the order of their numbers.
        areas: Of each object, px.
        ready: Ids of the objects whose masks belong to their clicks.
        annotation: What they were made of.
    """

    labels: Labels
    ids: tuple[int, ...]
    areas: tuple[int, ...]
    ready: frozenset[int]
    annotation: Annotation


class AnnotationMasks(QObject):
    """The masks of the open annotation.

    An object's clicks go to the network once; its threshold and its strokes take effect on what
    came back. With another method, speed or zoom, what came back for the most similar settings is
    shown at once, until the network has answered. Of several objects without an answer, the one
    that is worked on comes first.

    Thread: GUI thread; the network answers on the worker's, masks are put together on their own.

    Signals:
        changed(): `masks` are others.
        pending_changed(): `is_pending` may be another.
        answered(seconds): The network answered in this time.
        failed(sentence): It could not.
    """

    changed = Signal()
    pending_changed = Signal()
    answered = Signal(float)
    failed = Signal(str)

    def __init__(
        self, session: AnnotationSession, worker: PredictorWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._worker = worker
        self._segmenters = Segmenters()
        self._picture: OpenedPicture | None = None
        self._masks: Masks | None = None
        self._scores: OrderedDict[Hashable, _Known] = OrderedDict()
        self._stored: dict[Hashable, Bool] = {}
        self._last: dict[int, Hashable] = {}
        self._made: OrderedDict[Hashable, Bool] = OrderedDict()
        self._asked: ScoreQuestion | None = None
        self._refused: set[Hashable] = set()
        self._is_composing = False
        self._is_loaded = False
        self._is_on = False
        self._ahead: OpenedPicture | None = None
        self._has_looked = False
        self._runner = LatestWinsRunner(_compose, name="annotation masks", parent=self)
        self._runner.answered.connect(self.on_composed)
        self._runner.failed.connect(self.on_compose_failed)
        self._runner.start()
        session.changed.connect(self.on_changed)
        worker.question_answered.connect(self.on_question_answered)
        worker.question_failed.connect(self.on_question_failed)
        worker.loaded.connect(self.on_loaded)

    @property
    def masks(self) -> Masks | None:
        """The masks as of the last answer; None where nothing is open."""
        return self._masks

    @property
    def is_pending(self) -> bool:
        """Whether an answer or the masks made of it are still to come."""
        return self._asked is not None or self._is_composing

    def score_of(self, thing: ClickedThing) -> ClickScore | None:
        """What the network said to an object's clicks, or None before it did."""
        known = self._scores.get(thing.score_key)
        return None if known is None else known.score

    def open(
        self,
        picture: OpenedPicture | None,
        stored: Mapping[Hashable, Bool] | None = None,
    ) -> None:
        """Take a picture; call it before the session opens its annotation.

        Args:
            picture: None closes it.
            stored: Masks (H, W) from a file, by `ClickedThing.mask_key`.
        """
        self._picture = picture
        self._masks = None
        self._scores.clear()
        self._made.clear()
        self._last.clear()
        self._refused.clear()
        self._stored = dict(stored or {})
        self._asked = None
        self._ahead = None
        self._is_composing = False
        self._runner.invalidate()
        self.changed.emit()
        self.pending_changed.emit()
        self._look()

    def look_ahead(self, picture: OpenedPicture) -> None:
        """Let the network look at the picture that comes next, when it has nothing else to do."""
        self._ahead = picture
        if self._has_looked and self._is_on:
            self._worker.ask_ahead(LookAhead(self._segmenters, picture))

    def set_on(self, *, is_on: bool) -> None:
        """Ask the network, or leave it to another mode."""
        if is_on == self._is_on:
            return
        self._is_on = is_on
        if is_on:
            self._look()
            self.on_changed()
        else:
            self._asked = None
            self._worker.cancel_questions()
            self.pending_changed.emit()

    def stop(self) -> bool:
        """End the thread; return whether it has ended."""
        return self._runner.stop()

    # What happens.

    def on_changed(self) -> None:
        """Ask what is missing, and show what is there."""
        if self._picture is None or self._session.size_hw != self._picture.image_hw:
            return
        self._ask()
        self._submit()

    def on_loaded(self, _info: object, _engine: int) -> None:
        """Other weights answer from the next edit on; masks that are there stay as they are."""
        self._is_loaded = True
        self._scores.clear()
        self._refused.clear()
        self._asked = None
        if self._is_on:
            self._look()
        self.on_changed()

    def on_question_answered(self, answer: Answer) -> None:
        """Keep an answer and show what it comes to."""
        question = answer.question
        if isinstance(question, LookAhead):
            if question.picture is self._picture:
                self._has_looked = True
                if self._ahead is not None and self._is_on:
                    self._worker.ask_ahead(LookAhead(self._segmenters, self._ahead))
            return
        if answer.question is not self._asked or self._asked is None:
            self._keep_late(answer)
            return
        asked, self._asked = self._asked, None
        if asked.picture is self._picture:
            self._keep(asked.thing, answer.value)
            self.answered.emit(answer.seconds)
            self.on_changed()
        self.pending_changed.emit()

    def on_question_failed(self, question: Question, sentence: str) -> None:
        """Say it once, and don't ask the same again."""
        if isinstance(question, ScoreQuestion) and question is self._asked:
            self._asked = None
            self._refused.add(question.thing.score_key)
            self.failed.emit(sentence)
            self.on_changed()
            self.pending_changed.emit()
        elif isinstance(question, LookAhead):
            log.info("looking ahead failed: %s", sentence)

    def on_composed(self, job: Job, answer: object) -> None:
        """Show the masks."""
        if not isinstance(answer, _Composed):
            return
        self._made.update(answer.made)
        while len(self._made) > 1 and sum(m.nbytes for m in self._made.values()) > _KEPT_BYTES:
            self._made.popitem(last=False)
        self._masks = answer.masks
        self._is_composing = answer.masks.annotation is not self._session.annotation
        self.changed.emit()
        self.pending_changed.emit()

    def on_compose_failed(self, failure: Failure) -> None:
        """Say it; the next edit tries again."""
        self._is_composing = False
        self.failed.emit(sentence_of(failure.error))
        self.pending_changed.emit()

    # Inside.

    def _look(self) -> None:
        """Let the network look at the picture; the next one follows."""
        self._has_looked = False
        if self._picture is not None and self._is_on:
            self._worker.ask_ahead(LookAhead(self._segmenters, self._picture))

    def _ask(self) -> None:
        if not self._is_on or not self._is_loaded or self._picture is None:
            return
        things = self._session.annotation.objects
        current = self._session.current
        ordered = [] if current is None else [current]
        missing = [thing for thing in (*ordered, *things) if self._is_missing(thing)]
        if not missing:
            return
        if self._asked is not None and self._asked.thing.score_key == missing[0].score_key:
            return
        self._asked = ScoreQuestion(self._segmenters, self._picture, missing[0])
        self._worker.ask(self._asked)
        self.pending_changed.emit()

    def _is_missing(self, thing: ClickedThing) -> bool:
        key = thing.score_key
        is_known = key is None or key in self._scores or key in self._refused
        has_mask = thing.mask_key in self._stored or thing.mask_key in self._made
        return not is_known and not has_mask

    def _keep(self, thing: ClickedThing, value: object) -> None:
        from cmp_studio.pipeline.annotation_masks import ClickScore

        if isinstance(value, ClickScore):
            self._scores[thing.score_key] = _Known(thing, value)
            while (
                len(self._scores) > 1
                and sum(known.score.score.nbytes for known in self._scores.values()) > _KEPT_BYTES
            ):
                self._scores.popitem(last=False)

    def _keep_late(self, answer: Answer) -> None:
        """Keep an answer that a newer question overtook: undo may ask for it."""
        question = answer.question
        if not isinstance(question, ScoreQuestion) or question.picture is not self._picture:
            return
        self._keep(question.thing, answer.value)
        if self._session.has_gesture:
            self._last[question.thing.id] = question.thing.mask_key
            self._submit(late=question.thing)

    def _submit(self, *, late: ClickedThing | None = None) -> None:
        items = []
        annotation = self._session.annotation
        for thing in annotation.objects:
            items.append(self._item(thing, late if late and late.id == thing.id else None))
        if self._picture is not None:
            self._is_composing = True
            self._runner.submit(_Request(annotation, tuple(items), self._picture.image_hw))

    def _item(self, thing: ClickedThing, late: ClickedThing | None) -> _Item:
        """What is known of an object's mask: the right one, or that of a moment ago."""
        for shown in (thing, self._similar(thing), late):
            if shown is None:
                continue
            key = shown.mask_key
            mask = self._made.get(key, self._stored.get(key))
            score = self.score_of(shown)
            if mask is not None or score is not None:
                self._last[thing.id] = key
                return _Item(shown, thing, mask, score, is_ready=shown is thing)
        old = self._last.get(thing.id)
        mask = self._made.get(old, self._stored.get(old)) if thing.positive else None
        return _Item(thing, thing, mask, None, is_ready=thing.score_key is None)

    def _similar(self, thing: ClickedThing) -> ClickedThing | None:
        """The same clicks with the most similar settings that the network has answered."""
        wanted, key = thing.settings, thing.clicks_key
        if thing.score_key is None or thing.score_key in self._scores:
            return None
        found = [k.thing.settings for k in self._scores.values() if k.thing.clicks_key == key]
        if not found:
            return None

        def distance(other: MaskSettings) -> tuple[bool, float]:
            speed = abs(math.log(other.speed / wanted.speed))
            return other.method != wanted.method, speed + abs(other.zoom - wanted.zoom)

        settings = replace(min(found, key=distance), threshold=wanted.threshold)
        return replace(thing, settings=settings)


@dataclass(frozen=True, eq=False)
class _Known:
    """An answer of the network, and who it is about."""

    thing: ClickedThing
    score: ClickScore


@dataclass(frozen=True, eq=False)
class _Item:
    shown: ClickedThing
    thing: ClickedThing
    mask: Bool | None
    score: ClickScore | None
    is_ready: bool


@dataclass(frozen=True, eq=False)
class _Request:
    annotation: Annotation
    items: tuple[_Item, ...]
    size_hw: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Composed:
    masks: Masks
    made: dict[Hashable, Bool]


def _compose(job: Job, is_interrupted: Callable[[], bool]) -> object:
    """Put masks together. Thread: the runner's."""
    from cmp_studio.pipeline.annotation_masks import (
        Part,
        compose,
        mask_of_score,
    )

    request: _Request = job.request
    made: dict[Hashable, Bool] = {}
    parts = []
    for item in request.items:
        mask = item.mask
        if mask is None and item.score is not None:
            mask = mask_of_score(item.score, item.shown)
            made[item.shown.mask_key] = mask
        parts.append(Part(mask, item.thing.strokes))
    labels = compose(parts, request.size_hw)
    counts = np.bincount(labels.ravel(), minlength=len(parts) + 1)
    masks = Masks(
        labels,
        tuple(item.thing.id for item in request.items),
        tuple(int(count) for count in counts[1 : len(parts) + 1]),
        frozenset(item.thing.id for item in request.items if item.is_ready),
        request.annotation,
    )
    return _Composed(masks, made)
