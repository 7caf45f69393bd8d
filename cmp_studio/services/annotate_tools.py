"""What the mouse does to an annotation, as a state machine without a widget."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.annotation import BrushStroke, ClickHit, click_near
from cmp_studio.document.tracks import Point
from cmp_studio.services.annotation_masks import AnnotationMasks
from cmp_studio.services.annotation_session import AnnotationSession
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.translation import mark, tr

AnnotateTool = Literal["positive", "negative", "brush"]
Button = Literal["left", "right"]

_DRAG_SCREEN_PX: Final = 4.0
_BRUSH_STEP: Final = 1.25
_NOTHING: Final = mark("Open a folder of pictures, or drop one here")


class AnnotateTools(QObject):
    """Turns presses and moves into edits of the annotation.

    Left sets a click of the side that is on, right one of the other side. A press on a click of the
    object moves it, or removes it when the mouse stays. Ctrl and a press choose the object under
    the mouse. The brush paints with the left button and erases with the right one or Shift.

    Thread: GUI thread only.

    Signals:
        tool_changed(name): Another tool is in use.
        hover_changed(): What is under the mouse is another.
        hint_changed(): `hint` is another sentence.
        brush_changed(): The brush or the stroke under it is another.
        touched(): The user did something to the picture.
    """

    tool_changed = Signal(str)
    hover_changed = Signal()
    hint_changed = Signal()
    brush_changed = Signal()
    touched = Signal()

    def __init__(
        self, session: AnnotationSession, masks: AnnotationMasks, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._masks = masks
        self._tool: AnnotateTool = "positive"
        self._side: AnnotateTool = "positive"
        self._hovered: ClickHit | None = None
        self._pointer: Pointer | None = None
        self._pressed: Pointer | None = None
        self._held: int | None = None
        self._is_new = False
        self._has_moved = False
        self._stroke: list[Point] = []
        self._is_erasing = False
        self._radius = 12.0
        session.opened.connect(self.on_opened)
        session.changed.connect(self.on_changed)

    @property
    def tool(self) -> AnnotateTool:
        """The tool in use."""
        return self._tool

    @property
    def hovered(self) -> ClickHit | None:
        """The click under the mouse."""
        return self._hovered

    @property
    def pointer(self) -> Pointer | None:
        """Where the mouse is; None where it is not over the picture."""
        return self._pointer

    @property
    def radius(self) -> float:
        """Of the brush, px of the picture."""
        return self._radius

    @property
    def stroke(self) -> BrushStroke | None:
        """The stroke under the brush, which is no step yet."""
        if not self._stroke:
            return None
        return BrushStroke(tuple(self._stroke), self._radius, self._is_erasing)

    @property
    def is_active(self) -> bool:
        """Whether a button is held."""
        return self._pressed is not None

    @property
    def hint(self) -> str:
        """What a press would do now."""
        session = self._session
        if not session.is_open:
            return tr(_NOTHING)
        if self._held is not None:
            return tr("Release sets the click here · Esc cancels")
        if self._stroke:
            return tr("Release ends the stroke · Esc cancels")
        if self._tool == "brush":
            return tr("Drag paints the mask · right button or Shift erases · [ ] size · B ends")
        hit = self._hovered
        if hit is not None and hit.object_id == session.current_id:
            return tr("Drag moves this click · press removes it")
        if hit is not None:
            thing = session.annotation.find(hit.object_id)
            if thing is None:
                return ""
            return tr("Press works on {label} again").format(label=thing.label)
        text = tr("Click on the object, right-click beside it · S swaps")
        if self._tool == "negative":
            text = tr("Click beside it, right-click on the object · S swaps")
        if session.current is not None:
            text += tr(" · Enter: next object")
        return text

    def set_tool(self, tool: AnnotateTool) -> None:
        """Take another tool."""
        self.cancel()
        if tool != "brush":
            self._side = tool
        if tool != self._tool:
            self._tool = tool
            self.tool_changed.emit(tool)
            self.hint_changed.emit()
            self.brush_changed.emit()

    def swap(self) -> None:
        """Let the left button set clicks of the other side."""
        if self._tool == "brush":
            self.set_tool(self._side)
        else:
            self.set_tool("negative" if self._tool == "positive" else "positive")

    def toggle_brush(self) -> None:
        """Take the brush, or return to clicking."""
        self.set_tool(self._side if self._tool == "brush" else "brush")

    def set_radius(self, radius: float) -> None:
        """Take a larger or smaller brush, px of the picture."""
        most = max(4.0, max(self._session.size_hw) / 2)
        radius = min(max(radius, 0.5), most)
        if radius != self._radius:
            self._radius = radius
            self.brush_changed.emit()

    def grow(self, steps: int) -> None:
        """Make the brush larger, or smaller with negative steps."""
        self.set_radius(self._radius * _BRUSH_STEP**steps)

    # The mouse.

    def press(self, pointer: Pointer, button: Button) -> None:
        """A button goes down."""
        session = self._session
        if not session.is_open or self._pressed is not None:
            return
        self.touched.emit()
        self._pointer = pointer
        if pointer.is_control:
            self._choose(pointer.point)
            return
        if self._tool == "brush":
            self._pressed = pointer
            self._is_erasing = button == "right" or pointer.is_shift
            self._stroke = [pointer.point]
            self.brush_changed.emit()
            self.hint_changed.emit()
            return
        hit = self._hit(pointer)
        if hit is not None and hit.object_id != session.current_id:
            session.select(hit.object_id)
            return
        self._pressed, self._has_moved = pointer, False
        if hit is not None:
            self._held, self._is_new = hit.index, False
        elif self._is_inside(pointer.point):
            is_positive = (self._tool == "positive") == (button == "left")
            self._held = session.begin_click(pointer.point, is_positive=is_positive)
            self._is_new = True
        else:
            self._pressed = None
        self.hint_changed.emit()

    def move(self, pointer: Pointer) -> None:
        """The mouse moves."""
        self._pointer = pointer
        if self._stroke:
            if pointer.point != self._stroke[-1]:
                self._stroke.append(pointer.point)
                self.touched.emit()
                self.brush_changed.emit()
            return
        if self._held is not None and self._pressed is not None:
            if not self._has_moved:
                self._has_moved = pointer.screen_distance(self._pressed) > _DRAG_SCREEN_PX
            if self._has_moved:
                self.touched.emit()
                self._session.drag_click(self._held, pointer.point)
            return
        self._hover(None if self._tool == "brush" else self._hit(pointer))
        if self._tool == "brush":
            self.brush_changed.emit()

    def release(self, pointer: Pointer) -> None:
        """The button comes up."""
        if self._stroke:
            stroke = self.stroke
            self._stroke, self._pressed = [], None
            if stroke is not None:
                self._session.add_stroke(stroke)
            self.brush_changed.emit()
        elif self._held is not None:
            index, is_new, has_moved = self._held, self._is_new, self._has_moved
            self._held, self._pressed = None, None
            if is_new or has_moved:
                self._session.commit()
            else:
                self._session.remove_click(index)
            self._hover(self._hit(pointer))
        self._pressed = None
        self.hint_changed.emit()

    def cancel(self) -> bool:
        """Give up what the mouse does; return whether there was something."""
        was_active = self._held is not None or bool(self._stroke)
        if self._held is not None:
            self._session.abort()
        self._held, self._pressed, self._stroke = None, None, []
        if was_active:
            self.brush_changed.emit()
            self.hint_changed.emit()
        return was_active

    def leave(self) -> None:
        """The mouse is elsewhere."""
        self._pointer = None
        self._hover(None)
        self.brush_changed.emit()

    # What happens.

    def on_opened(self) -> None:
        """Another picture: a brush that fits it."""
        self._held, self._pressed, self._stroke, self._hovered = None, None, [], None
        if self._session.is_open:
            self._radius = max(1.5, min(self._session.size_hw) * 0.02)
        self.brush_changed.emit()
        self.hint_changed.emit()

    def on_changed(self) -> None:
        """What is under the mouse may be gone."""
        if self._pointer is not None and self._held is None and self._tool != "brush":
            self._hovered = self._hit(self._pointer)
        self.hint_changed.emit()

    # Inside.

    def _hit(self, pointer: Pointer) -> ClickHit | None:
        return click_near(
            self._session.annotation,
            pointer.point,
            pointer.hit_radius,
            first=self._session.current_id,
        )

    def _hover(self, hit: ClickHit | None) -> None:
        if hit != self._hovered:
            self._hovered = hit
            self.hover_changed.emit()
            self.hint_changed.emit()

    def _choose(self, point: Point) -> None:
        masks = self._masks.masks
        x, y = round(point[0]), round(point[1])
        if masks is None or not self._is_inside(point):
            return
        height, width = masks.labels.shape
        number = int(masks.labels[min(y, height - 1), min(x, width - 1)])
        if number:
            self._session.select(masks.ids[number - 1])

    def _is_inside(self, point: Point) -> bool:
        height, width = self._session.size_hw
        return -0.5 <= point[0] <= width - 0.5 and -0.5 <= point[1] <= height - 0.5
