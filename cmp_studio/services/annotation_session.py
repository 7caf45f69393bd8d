"""The annotation of the open picture, and the only place that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.annotation import (
    Annotation,
    BrushStroke,
    Click,
    ClickedThing,
    MaskSettings,
    add_click,
    add_object,
    add_stroke,
    move_click,
    remove_click,
    remove_object,
    replace_object,
)
from cmp_studio.document.history import History
from cmp_studio.document.tracks import Point
from cmp_studio.services.session import MERGE_MS
from cmp_studio.services.translation import tr

DEFAULT_LABEL = "object"


class AnnotationSession(QObject):
    """Holds the objects of one picture, their history, and which of them is worked on.

    The object that is worked on may not be there yet: then `current_id` is None, and the first
    click or stroke makes it.

    Thread: GUI thread only.

    Signals:
        changed(): `annotation`, `current_id` or the settings of the next object are others.
        history_changed(): What undo and redo would do is another.
        opened(): Another picture's annotation is open; comes before its `changed`.
    """

    changed = Signal()
    history_changed = Signal()
    opened = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history: History[Annotation] = History(Annotation())
        self._size_hw = (0, 0)
        self._current: int | None = None
        self._label = DEFAULT_LABEL
        self._settings = MaskSettings()
        self._seconds: dict[int, float] = {}
        self._merge_key = ""
        self._merge_timer = QTimer(self)
        self._merge_timer.setSingleShot(True)
        self._merge_timer.setInterval(MERGE_MS)
        self._merge_timer.timeout.connect(self.commit)

    # What is open.

    @property
    def annotation(self) -> Annotation:
        """The objects to draw, with the open gesture in them."""
        return self._history.state

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of the picture, px; zeros where none is open."""
        return self._size_hw

    @property
    def is_open(self) -> bool:
        """Whether a picture is open."""
        return self._size_hw != (0, 0)

    @property
    def current_id(self) -> int | None:
        """Id of the object that is worked on; None for the next one, which is not there yet."""
        return self._current

    @property
    def current(self) -> ClickedThing | None:
        """The object that is worked on."""
        return self.annotation.find(self._current)

    @property
    def label(self) -> str:
        """Category of the object that is worked on, there or not."""
        return self._label if self.current is None else self.current.label

    @property
    def settings(self) -> MaskSettings:
        """How the clicks of the object that is worked on become its mask."""
        return self._settings if self.current is None else self.current.settings

    @property
    def labels(self) -> tuple[str, ...]:
        """All categories of this picture, in order of appearance."""
        return tuple(dict.fromkeys(thing.label for thing in self.annotation.objects))

    @property
    def has_gesture(self) -> bool:
        """Whether a change is being made that is no step yet."""
        return self._history.has_gesture

    @property
    def undo_label(self) -> str:
        """Name of the step that `undo` takes back; empty when there is none."""
        if self._history.has_gesture:
            return self._merge_key
        return self._history.undo_label

    @property
    def redo_label(self) -> str:
        """Name of the step that `redo` does again; empty when there is none."""
        return self._history.redo_label

    def seconds(self, object_id: int) -> float:
        """Time that was spent on an object."""
        return self._seconds.get(object_id, 0.0)

    @property
    def all_seconds(self) -> Mapping[int, float]:
        """Time that was spent on each object, by id."""
        ids = {thing.id for thing in self.annotation.objects}
        return {key: value for key, value in self._seconds.items() if key in ids}

    def spend(self, seconds: float) -> None:
        """Add time to the object that is worked on; it is no step of the history."""
        if self._current is not None:
            self._seconds[self._current] = self.seconds(self._current) + seconds

    def open(
        self,
        annotation: Annotation,
        size_hw: tuple[int, int],
        seconds: Mapping[int, float] | None = None,
    ) -> None:
        """Open the annotation of a picture, with a history of its own; the next object is new."""
        self._merge_timer.stop()
        self._merge_key = ""
        self._history = History(annotation)
        self._size_hw = size_hw
        self._seconds = dict(seconds or {})
        self._current = None
        if annotation.objects:
            self._label = annotation.objects[-1].label
        self.opened.emit()
        self._announce()

    def close(self) -> None:
        """Forget the picture."""
        self.open(Annotation(), (0, 0))

    # Which object.

    def select(self, object_id: int | None) -> None:
        """Work on another object; None begins the next one with the label of this one."""
        self.commit()
        if object_id == self._current:
            return
        if object_id is None:
            self._label, self._settings = self.label, self.settings
        elif self.annotation.find(object_id) is None:
            return
        self._current = object_id
        self.changed.emit()

    def next_object(self) -> None:
        """Finish this object and begin the next one."""
        self.select(None)

    # Edits: each is one step, or a gesture that becomes one.

    def begin_click(self, point: Point, *, is_positive: bool) -> int:
        """Set a click that may be dragged on; `commit` ends it. Returns its index."""
        self.commit()
        annotation = self._with_current()
        thing = annotation.get(self._current or 0)
        click = Click(self._inside(point), is_positive)
        self._preview(add_click(annotation, thing.id, click), _adding(click))
        return len(thing.clicks)

    def drag_click(self, index: int, point: Point) -> None:
        """Put a click of the object elsewhere; `commit` ends it, `abort` takes it back."""
        if self._current is None:
            return
        label = self._merge_key if self._history.has_gesture else tr("Move click")
        self._preview(move_click(self.annotation, self._current, index, self._inside(point)), label)

    def remove_click(self, index: int) -> None:
        """Remove a click of the object; an object without any mark goes with it."""
        self.commit()
        if self._current is not None:
            self._apply(remove_click(self.annotation, self._current, index), tr("Remove click"))

    def add_stroke(self, stroke: BrushStroke) -> None:
        """Paint the mask of the object, or erase from it."""
        self.commit()
        label = tr("Erase mask") if stroke.is_erasing else tr("Paint mask")
        annotation = self._with_current()
        self._apply(add_stroke(annotation, self._current or 0, stroke), label)

    def remove_current(self) -> None:
        """Remove the object that is worked on."""
        self.commit()
        thing = self.current
        if thing is not None:
            self._label, self._settings = thing.label, thing.settings
            self._apply(
                remove_object(self.annotation, thing.id),
                tr("Remove {label}").format(label=thing.label),
            )

    def set_label(self, label: str) -> None:
        """Give the object that is worked on another category."""
        label = label.strip() or DEFAULT_LABEL
        self.commit()
        thing = self.current
        self._label = label
        if thing is None:
            self.changed.emit()
        elif thing.label != label:
            changed = replace_object(self.annotation, replace(thing, label=label))
            self._apply(changed, tr("Change label"))

    def set_settings(self, settings: MaskSettings, step: str) -> None:
        """Let the clicks of the object become its mask in another way; quick changes merge."""
        self._settings = settings
        thing = self.current
        if thing is None:
            self.changed.emit()
            return
        if self._merge_key != step:
            self.commit()
        self._preview(replace_object(self.annotation, replace(thing, settings=settings)), step)
        self._merge_timer.start()

    def commit(self) -> None:
        """Make the open gesture one step."""
        self._merge_timer.stop()
        if self._history.has_gesture:
            self._history.commit()
            self._merge_key = ""
            self._announce()

    def abort(self) -> None:
        """Take the open gesture back."""
        self._merge_timer.stop()
        if self._history.has_gesture:
            self._history.abort()
            self._merge_key = ""
            self._announce()

    def undo(self) -> None:
        """Take the last step back, and work on the object that it was about."""
        self.commit()
        before = self.annotation
        self._history.undo()
        self._follow(before)

    def redo(self) -> None:
        """Do again what was taken back."""
        self.commit()
        before = self.annotation
        self._history.redo()
        self._follow(before)

    # Inside.

    def _with_current(self) -> Annotation:
        """The annotation with the object that is worked on, which may be new."""
        annotation = self.annotation
        if annotation.find(self._current) is None:
            annotation = add_object(annotation, self._label, self._settings)
            self._current = annotation.objects[-1].id
            self._seconds.pop(self._current, None)
        return annotation

    def _inside(self, point: Point) -> Point:
        height, width = self._size_hw
        x = min(max(point[0], 0.0), max(width - 1.0, 0.0))
        y = min(max(point[1], 0.0), max(height - 1.0, 0.0))
        return round(x, 2), round(y, 2)

    def _preview(self, annotation: Annotation, label: str) -> None:
        self._merge_key = label
        self._history.preview(annotation, label)
        self._announce()

    def _apply(self, annotation: Annotation, label: str) -> None:
        self._history.push(annotation, label)
        self._announce()

    def _follow(self, before: Annotation) -> None:
        """Work on the object that a step was about."""
        after = self.annotation
        for thing in after.objects:
            if before.find(thing.id) != thing:
                self._current = thing.id
        self._announce()

    def _announce(self) -> None:
        if self.annotation.find(self._current) is None:
            self._current = None
        self.history_changed.emit()
        self.changed.emit()


def _adding(click: Click) -> str:
    return tr("Add positive click") if click.is_positive else tr("Add negative click")
