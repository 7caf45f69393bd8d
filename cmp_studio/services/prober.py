"""What is probed, who is asked, and what came of it: the state of the Probe mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.history import History
from cmp_studio.document.probe_board import ProbeBoard
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.experiment import Experiment, Numbers, ProbeKind, changed_numbers
from cmp_studio.services.motion_backend import EngineFactory
from cmp_studio.services.predictor_worker import Answer, PredictorWorker
from cmp_studio.services.preview import Preview
from cmp_studio.services.probe_asking import asked_by, board_of
from cmp_studio.services.probe_question import (
    PrepareQuestion,
    ProbeAnswer,
    ProbeQuestion,
    ProbeStage,
)
from cmp_studio.services.session import MERGE_MS, Session
from cmp_studio.services.translation import tr, translated

if TYPE_CHECKING:
    from cmp_studio.services.pictures import OpenedPicture

LIVE: Final[ProbeKind] = "response"
ON_REQUEST: Final[ProbeKind] = "parts"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a probe is, in predictions."""

    done: int
    total: int


class Prober(QObject):
    """The board with its undo, the view, and the answers of the network.

    A change of the board or the view asks the network at once; only rigid parts wait for `find`.
    The newest question wins; an answer to a question that is no longer asked is dropped.

    Thread: GUI thread only.

    Args:
        session: Its picture is probed.
        preview: Knows the weights in use.
        worker: Answers.
        make_engine: Loads the weights of B; called on the worker's thread.

    Signals:
        board_changed(): `board` or `hover` is another.
        history_changed(): What undo and redo would do is another.
        view_changed(): `view` is another.
        shown_changed(): `shown` or `is_outdated` is another.
        waiting_changed(): `is_waiting` or `progress` is another.
        answered(seconds): The network answered in this time.
        compared(sentence): A saved experiment ran again; whether the numbers are the same.
        failed(sentence): It could not be answered.
    """

    board_changed = Signal()
    history_changed = Signal()
    view_changed = Signal()
    shown_changed = Signal()
    waiting_changed = Signal()
    answered = Signal(float)
    compared = Signal(str)
    failed = Signal(str)
    _advanced = Signal(object, int, int)

    def __init__(
        self,
        session: Session,
        preview: Preview,
        worker: PredictorWorker,
        make_engine: EngineFactory,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preview = preview
        self._worker = worker
        self._stage = ProbeStage(make_engine)
        self._history = History(ProbeBoard())
        self._merge_key = ""
        self._merge_timer = QTimer(self)
        self._merge_timer.setSingleShot(True)
        self._merge_timer.setInterval(MERGE_MS)
        self._merge_timer.timeout.connect(self.commit)
        self._is_on = False
        self._view: ProbeKind = LIVE
        self._hover: Point | None = None
        self._answers: dict[ProbeKind, ProbeAnswer] = {}
        self._asked: ProbeQuestion | None = None
        self._parts_asked: ProbeQuestion | None = None
        self._progress: Progress | None = None
        self._saved: Experiment | None = None
        self._saved_numbers: Mapping[str, Numbers] = {}
        self._saved_weights = ""
        self._digest = ""
        worker.question_answered.connect(self.on_answered)
        worker.question_failed.connect(self.on_failed)
        session.opened.connect(self.on_opened)
        preview.engine_changed.connect(self.on_engine_changed)
        self._advanced.connect(self.on_advanced)

    # What there is.

    @property
    def board(self) -> ProbeBoard:
        """What is on the picture, with the open gesture in it."""
        return self._history.state

    @property
    def settled(self) -> ProbeBoard:
        """The board without the open gesture."""
        return self._history.committed

    @property
    def view(self) -> ProbeKind:
        """The probe that is shown."""
        return self._view

    @property
    def picture(self) -> OpenedPicture | None:
        """What is probed, or None."""
        return self._session.picture

    @property
    def hover(self) -> Point | None:
        """The place under the mouse, where it is pulled."""
        return self._hover

    @property
    def shown(self) -> ProbeAnswer | None:
        """The newest answer of the view, or None."""
        return self._answers.get(self._view)

    @property
    def is_outdated(self) -> bool:
        """Whether the board or the weights have changed since `shown` was asked."""
        shown = self.shown
        return shown is not None and shown.asked != self.wanted()

    @property
    def is_waiting(self) -> bool:
        """Whether the network is at work for the view."""
        return self._asked is not None

    @property
    def progress(self) -> Progress | None:
        """How far it is, where that is known."""
        return self._progress

    @property
    def undo_label(self) -> str:
        """What undo would take back; empty for nothing."""
        return self._merge_key or self._history.undo_label

    @property
    def redo_label(self) -> str:
        """What redo would do again; empty for nothing."""
        return self._history.redo_label

    @property
    def pulled(self) -> Point | None:
        """The place that the view pulls: the first point, or the one under the mouse."""
        if self.board.points:
            return self.board.points[0]
        return self._hover if self._view == LIVE else None

    def wanted(self) -> Experiment | None:
        """What the view would ask now; None where something is missing."""
        if self._saved is not None and self._view in self._saved.kinds:
            return replace(self._saved, kinds=(self._view,))
        picture, info, board = self.picture, self._preview.engine, self.board
        if picture is None or info is None:
            return None
        points = board.points
        if self._view == LIVE and not points and self._hover is not None:
            points = (self._hover,)
        try:
            return asked_by(
                Experiment(
                    kinds=(ON_REQUEST,),  # needs nothing
                    picture=picture.picture.name,
                    picture_sha256=picture.picture.digest,
                    weights=info.choice.weights,
                    weights_sha256="",
                ),
                self._view,
                replace(board, points=points),
                picture.image_hw,
            )
        except ExperimentError:  # something is missing yet
            return None

    # What the user does.

    def enter(self) -> None:
        """The Probe mode is on: get the picture ready, and answer."""
        self._is_on = True
        picture = self.picture
        if picture is not None and self._preview.engine is not None:
            self._worker.ask_ahead(PrepareQuestion(picture, self._stage))
        self._refresh()

    def leave(self) -> None:
        """Another mode is on."""
        self.commit()
        self._is_on = False
        self._hover = None
        self.cancel()

    def set_view(self, kind: ProbeKind) -> None:
        """Show another probe."""
        if kind == self._view:
            return
        self.commit()
        self.cancel()
        self._view = kind
        self._hover = None
        self.view_changed.emit()
        self._refresh()

    def hover_at(self, point: Point | None) -> None:
        """The mouse is over this place, or over none; what came of the last place stays."""
        if point is None or self._view != LIVE or self.board.points or self.picture is None:
            return
        height, width = self.picture.image_hw
        x, y = min(max(point[0], 0.0), width - 1.0), min(max(point[1], 0.0), height - 1.0)
        place = (round(x, 2), round(y, 2))
        if place != self._hover:
            self._saved = None
            self._hover = place
            self.board_changed.emit()
            self._refresh()

    def find(self) -> None:
        """Ask for what only comes on request."""
        self._ask(self.wanted())

    def cancel(self) -> None:
        """Stop what is being asked; what was found before stays."""
        if self._asked is not None:
            self._asked = None
            self._worker.cancel_questions()
            self._set_progress(None)

    def apply(self, board: ProbeBoard, label: str) -> None:
        """Change the board as one undo step."""
        self.commit()
        if board != self._history.state:
            self._history.push(board, label)
            self._on_changed()

    def preview_board(self, board: ProbeBoard, label: str) -> None:
        """Change the board while a drag goes on; `commit` or `abort` ends it."""
        if self._merge_key:
            self.commit()
        self._history.preview(board, label)
        self._on_changed()

    def adjust(self, board: ProbeBoard, label: str) -> None:
        """Change one setting; quick changes with the same label become one undo step."""
        if self._merge_key != label:
            self.commit()
            if board == self._history.state:
                return
        self._merge_key = label
        self._merge_timer.start()
        self._history.preview(board, label)
        self._on_changed()

    def commit(self) -> None:
        """End the open gesture as one step."""
        self._merge_timer.stop()
        self._merge_key = ""
        if self._history.has_gesture:
            self._history.commit()
            self.history_changed.emit()

    def abort(self) -> None:
        """Forget the open gesture."""
        if self._history.has_gesture:
            self._merge_timer.stop()
            self._merge_key = ""
            self._history.abort()
            self._on_changed()

    def undo(self) -> None:
        """Take the last step back."""
        self.commit()
        if self._history.can_undo:
            self._history.undo()
            self._on_changed()

    def redo(self) -> None:
        """Do again what was taken back."""
        self.commit()
        if self._history.can_redo:
            self._history.redo()
            self._on_changed()

    def run_again(self, saved: Experiment, numbers: Mapping[str, Numbers]) -> None:
        """Show a saved experiment of the picture that is open, and ask the very same again."""
        self.commit()
        self.cancel()
        self._answers.clear()
        self._history.push(board_of(saved), tr("Open experiment"))
        self._saved = replace(saved, weights_sha256="", other_weights_sha256="")
        self._saved_weights = saved.weights_sha256
        self._saved_numbers = numbers
        self._hover = None
        self._view = saved.kinds[0]
        self.view_changed.emit()
        self.board_changed.emit()
        self.history_changed.emit()
        self._ask(self.wanted())

    # What happens.

    def on_opened(self) -> None:
        """Another picture: nothing that was found counts any more."""
        picture = self._session.picture
        digest = "" if picture is None else picture.picture.digest
        if digest == self._digest:
            return
        self._digest = digest
        self.cancel()
        self._answers.clear()
        self._parts_asked, self._saved, self._hover = None, None, None
        settings = replace(self.board, points=(), arrows=(), other_arrows=(), line=None)
        self._history = History(replace(settings, length=None))
        self.board_changed.emit()
        self.history_changed.emit()
        self.shown_changed.emit()
        if self._is_on:
            self.enter()

    def on_engine_changed(self) -> None:
        """Other weights answer: ask again."""
        if self._preview.is_loading:
            return
        self.cancel()
        self._answers.clear()
        self._parts_asked = None
        self.shown_changed.emit()
        if self._is_on:
            self.enter()

    def on_answered(self, answer: Answer) -> None:
        """Show what was found, unless it is no longer asked."""
        value, question = answer.value, answer.question
        if not isinstance(value, ProbeAnswer) or not isinstance(question, ProbeQuestion):
            return
        if question.stage is not self._stage or question.asked.kinds != (self._view,):
            return
        if question.picture is not self.picture or not self._is_on:
            return
        is_last = question is self._asked
        if not is_last and self._view != LIVE:
            return
        self._answers[self._view] = value
        if is_last:
            self._asked = None
            if self._view != ON_REQUEST:
                question.kept.clear()
            self._set_progress(None)
        self.shown_changed.emit()
        self.answered.emit(answer.seconds)
        self._compare(value)

    def on_failed(self, question: object, sentence: str) -> None:
        """Say what went wrong."""
        if isinstance(question, ProbeQuestion) and question is self._asked:
            self._asked = None
            self._answers.pop(self._view, None)
            self._set_progress(None)
            self.shown_changed.emit()
            self.failed.emit(sentence)

    def on_advanced(self, kept: object, done: int, total: int) -> None:
        """Show how far the probe is."""
        if self._asked is not None and self._asked.kept is kept:
            self._set_progress(Progress(done, total))

    # Inside.

    def _on_changed(self) -> None:
        self._saved = None
        self.board_changed.emit()
        self.history_changed.emit()
        self._refresh()

    def _refresh(self) -> None:
        if not self._is_on:
            return
        wanted, shown = self.wanted(), self.shown
        if wanted is None:
            self.cancel()
            if self._answers.pop(self._view, None) is not None:
                self.shown_changed.emit()
        elif shown is not None and shown.asked == wanted:
            self.cancel()
            self.shown_changed.emit()
        elif self._view != ON_REQUEST or self._is_quick(wanted):
            self._ask(wanted)
        else:
            self.cancel()
            self.shown_changed.emit()

    def _is_quick(self, wanted: Experiment) -> bool:
        """Whether rigid parts differ from those asked before in their number alone."""
        before = self._parts_asked
        return before is not None and replace(before.asked, parts=wanted.parts) == wanted

    def _ask(self, wanted: Experiment | None) -> None:
        picture, info = self.picture, self._preview.engine
        if wanted is None or picture is None or info is None:
            return
        if self._asked is not None and self._asked.asked == wanted:
            return
        kept = []
        if self._view == ON_REQUEST and self._is_quick(wanted) and self._parts_asked is not None:
            kept = self._parts_asked.kept
        question = ProbeQuestion(wanted, picture, self._stage, info.choice.device, kept)
        if self._view != LIVE:
            question = replace(question, progress=self._progress_of(question))
        if self._view == ON_REQUEST:
            self._parts_asked = question
        self._asked = question
        if self._view in (LIVE, "compare"):
            self._worker.ask(question)
        else:
            self._worker.ask_ahead(question)
        self._set_progress(None)

    def _progress_of(self, question: ProbeQuestion) -> Callable[[int, int], None]:
        def advance(done: int, total: int) -> None:
            self._advanced.emit(question.kept, done, total)

        return advance

    def _set_progress(self, progress: Progress | None) -> None:
        self._progress = progress
        self.waiting_changed.emit()

    def _compare(self, answer: ProbeAnswer) -> None:
        numbers = self._saved_numbers.get(answer.finding.kind)
        if self._saved is None or numbers is None:
            return
        kind = answer.finding.kind
        changed = changed_numbers({kind: numbers}, [answer.finding])
        words = []
        if answer.experiment.weights_sha256 != self._saved_weights:
            words.append(tr("These are not the weights that were asked before."))
        if not changed:
            words.append(tr("The numbers are the same as before"))
        elif len(changed) == 1:
            number = translated(changed[0])
            words.append(tr("Another number: {number}").format(number=number))
        else:
            words.append(
                tr("Another number: {number}, and {count} more").format(
                    number=translated(changed[0]), count=len(changed) - 1
                )
            )
        self.compared.emit(" ".join(words))
