"""The picture with its masks and clicks, and the mouse on it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from cmp_studio.services.annotator import Annotator
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.translation import tr
from cmp_studio.widgets.annotation_painter import AnnotationPainter, object_color
from cmp_studio.widgets.picture_view import Button, PictureView
from cmp_studio.widgets.theme import ThemeManager

ALL_FLOWS: Final = -1


class AnnotateCanvas(PictureView):
    """Draws what was marked and hands the mouse to the tools."""

    def __init__(
        self, annotator: Annotator, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._annotator = annotator
        self._tools = annotator.tools
        self._session = annotator.session
        self._painter = AnnotationPainter()
        self._has_masks = True
        self._direction: int | None = None
        self.setAccessibleName(tr("Annotation canvas"))
        self.setAccessibleDescription(tr("The picture with the masks and clicks of its objects"))
        annotator.folder.opened.connect(self.on_opened)
        annotator.session.changed.connect(self.update)
        annotator.masks.changed.connect(self.update)
        self._tools.hover_changed.connect(self.on_hover_changed)
        self._tools.tool_changed.connect(self.on_hover_changed)
        self._tools.brush_changed.connect(self.update)

    @property
    def has_masks(self) -> bool:
        """Whether masks are drawn."""
        return self._has_masks

    @property
    def direction(self) -> int | None:
        """Which pull's flow is drawn; None for none."""
        return self._direction

    def set_has_masks(self, *, value: bool) -> None:
        """Draw masks and clicks, or the bare picture."""
        self._has_masks = value
        self.update()

    def set_direction(self, direction: int | None) -> None:
        """Draw the flow that one of the pulls called forth, in place of the masks."""
        self._direction = direction
        self.update()

    def on_opened(self) -> None:
        """Show another picture."""
        self.show_picture(self._annotator.folder.picture)

    def on_hover_changed(self) -> None:
        """Show what a press would do."""
        self.update_cursor()
        self.update()

    def draw_over(self, painter: QPainter, _rect: QRectF) -> None:
        """Draw masks or a flow, clicks and the brush."""
        session, masks = self._session, self._annotator.masks.masks
        current = session.current_id
        has_flow = self._draw_flow(painter)
        if masks is not None and self._has_masks and not has_flow:
            self._painter.draw_masks(
                painter, self.size(), self.view_transform, masks, current=current
            )
        stroke = self._tools.stroke
        color = object_color(session.annotation.next_id if current is None else current)
        if stroke is not None:
            self._painter.draw_stroke(painter, self.view_transform, stroke, color)
        if self._has_masks or has_flow:
            self._painter.draw_clicks(
                painter,
                self.view_transform,
                session.annotation,
                current=current,
                hovered=self._tools.hovered,
            )
        pointer = self._tools.pointer
        if self._tools.tool == "brush" and pointer is not None:
            at = self.view_transform.to_screen(pointer.point)
            self._painter.draw_brush(painter, at, self._tools.radius * self.view_transform.scale)

    def on_press(self, pointer: Pointer, button: Button) -> None:
        """Hand a press to the tools."""
        self._tools.press(pointer, button)

    def on_move(self, pointer: Pointer) -> None:
        """Hand a move to the tools."""
        self._tools.move(pointer)

    @property
    def is_each_move_wanted(self) -> bool:
        """Whether the brush is in use."""
        return self._tools.tool == "brush"

    def on_release(self, pointer: Pointer, button: Button) -> None:
        """Hand a release to the tools."""
        self._tools.release(pointer)

    def cursor_shape(self) -> Qt.CursorShape:
        """A cross for clicks, nothing under the brush, a hand on a click."""
        if self.picture is None:
            return Qt.CursorShape.ArrowCursor
        if self._tools.tool == "brush":
            return Qt.CursorShape.BlankCursor
        hit = self._tools.hovered
        if hit is None:
            return Qt.CursorShape.CrossCursor
        is_own = hit.object_id == self._session.current_id
        return Qt.CursorShape.SizeAllCursor if is_own else Qt.CursorShape.PointingHandCursor

    def _draw_flow(self, painter: QPainter) -> bool:
        """Draw the flow that was asked for; return whether there is one."""
        thing = self._session.current
        if self._direction is None or thing is None:
            return False
        answer = self._annotator.masks.score_of(thing)
        if answer is None or not len(answer.flows):
            return False
        flow = answer.flows[min(self._direction, len(answer.flows) - 1)]
        scale = max(1.0, float(abs(answer.flows).max()))
        self._painter.draw_flow(painter, self.view_transform, flow, answer.box, scale)
        return True

    # Qt overrides.

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is elsewhere."""
        super().leaveEvent(event)
        self._tools.leave()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go on to the next object, or give up."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._session.next_object()
        elif key == Qt.Key.Key_Escape:
            if not self._tools.cancel():
                self._session.next_object()
        else:
            super().keyPressEvent(event)
