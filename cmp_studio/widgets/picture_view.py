"""A picture that can be zoomed and panned, for all that draw something over it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.window_work import WINDOW_WORK
from cmp_studio.widgets.flow_painter import rgb_image
from cmp_studio.widgets.move_pace import MovePace
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.view_transform import ViewTransform, centred, fitted, visible_part

Button = Literal["left", "right"]

_FIT_MARGIN: Final = 24.0
_ZOOM_STEP: Final = 1.2
_WHOLE_PIXELS: Final = 4_000_000
"""Of a larger picture only what is in view is made ready for drawing."""


class PictureView(QWidget):
    """Shows a picture, zooms with the wheel, pans with the middle button or space.

    Override `draw_over` to draw on it, and `on_press`, `on_move`, `on_release` for the mouse.

    Signals:
        zoom_changed(scale): Device px of the screen per px of the picture.
    """

    zoom_changed = Signal(float)

    def __init__(self, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._picture: OpenedPicture | None = None
        self._transform = ViewTransform()
        self._is_fitted = True
        self._drawn = QImage()
        self._drawn_array: NDArray[np.uint8] | None = None
        self._drawn_part = QRect()
        self._is_space_down = False
        self._has_space_panned = False
        self._pan_from: QPointF | None = None
        self._pace = MovePace(self._follow, self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(200, 150)
        themes.changed.connect(self.update)

    # View.

    @property
    def view_transform(self) -> ViewTransform:
        """Where the picture lies in the view."""
        return self._transform

    @property
    def shown_scale(self) -> float:
        """Device px of the screen per px of the picture."""
        return self._transform.scale * self.devicePixelRatioF()

    @property
    def picture(self) -> OpenedPicture | None:
        """What is shown."""
        return self._picture

    def show_picture(self, picture: OpenedPicture | None) -> None:
        """Show another picture, the whole of it."""
        self._picture = picture
        self.fit()
        self.update()

    def fit(self) -> None:
        """Show the whole picture, now and when the view changes its size."""
        self._is_fitted = True
        picture = self.picture
        if picture is not None:
            size = QSizeF(self.size())
            self._set_transform(fitted(picture.image_hw, size, _FIT_MARGIN))

    def show_actual_size(self) -> None:
        """Show one px of the picture on one px of the screen."""
        picture = self.picture
        if picture is not None:
            self._is_fitted = False
            scale = 1 / self.devicePixelRatioF()
            self._set_transform(centred(picture.image_hw, QSizeF(self.size()), scale))

    def zoom_by(self, steps: float, anchor: QPointF | None = None) -> None:
        """Zoom in (positive) or out around ``anchor``, by default the middle."""
        if anchor is None:
            anchor = QRectF(self.rect()).center()
        self._is_fitted = False
        self._set_transform(self._transform.zoomed(_ZOOM_STEP**steps, anchor))

    # For those who derive from it.

    def seen_array(self, picture: OpenedPicture) -> NDArray[np.uint8]:
        """What is drawn where the picture lies, (h, w, 3) uint8 RGB of any size."""
        return picture.level_for(self.shown_scale)

    def draw_over(self, painter: QPainter, rect: QRectF) -> None:
        """Draw on the picture, which covers ``rect`` of the screen."""

    def draw_empty(self, painter: QPainter) -> None:
        """Draw what is shown where there is no picture."""

    def on_press(self, pointer: Pointer, button: Button) -> None:
        """A button went down, which does not pan."""

    def on_move(self, pointer: Pointer) -> None:
        """The mouse moved, and does not pan."""

    @property
    def is_each_move_wanted(self) -> bool:
        """Whether the mouse leaves a trace now, so that no move may be left out."""
        return False

    def on_release(self, pointer: Pointer, button: Button) -> None:
        """A button came up."""

    def on_space_tapped(self) -> None:
        """Space came up, and nothing was panned meanwhile."""

    def cursor_shape(self) -> Qt.CursorShape:
        """The cursor while nothing is panned."""
        return Qt.CursorShape.CrossCursor

    def update_cursor(self) -> None:
        """Show the cursor that fits."""
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._is_space_down:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.setCursor(self.cursor_shape())

    # Inside.

    def _follow(self, pointer: Pointer) -> None:
        """Hand a move on."""
        with WINDOW_WORK:
            self.on_move(pointer)
            self.update_cursor()

    def _set_transform(self, transform: ViewTransform) -> None:
        picture = self.picture
        if picture is None:
            return
        transform = transform.kept_visible(picture.image_hw, QSizeF(self.size()), 48)
        if transform != self._transform:
            self._transform = transform
            self.zoom_changed.emit(self.shown_scale)
            self.update()

    def _pointer(self, event: QMouseEvent) -> Pointer:
        keys, held = event.modifiers(), Qt.KeyboardModifier
        return Pointer(
            self._transform.to_picture(event.position()),
            self._transform.scale,
            is_shift=bool(keys & held.ShiftModifier),
            is_control=bool(keys & held.ControlModifier),  # Cmd on a Mac
            is_alt=bool(keys & held.AltModifier),
        )

    def _draw_picture(self, painter: QPainter, rect: QRectF, array: NDArray[np.uint8]) -> None:
        height, width = array.shape[:2]
        part = QRect(0, 0, width, height)
        if height * width > _WHOLE_PIXELS:
            part = visible_part(rect, QRectF(self.rect()), (height, width))
        if array is not self._drawn_array or part != self._drawn_part:
            self._drawn_array, self._drawn_part = array, part
            rows = slice(part.top(), part.top() + part.height())
            columns = slice(part.left(), part.left() + part.width())
            self._drawn = rgb_image(array[rows, columns])
        step = rect.width() / width
        target = QRectF(
            rect.left() + part.left() * step,
            rect.top() + part.top() * step,
            part.width() * step,
            part.height() * step,
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, step < 4)
        painter.drawImage(target, self._drawn, QRectF(self._drawn.rect()))
        _draw_border(painter, rect)

    # Qt overrides.

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture and what lies over it."""
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), QColor(self._themes.theme.canvas))
            picture = self.picture
            if picture is None:
                self.draw_empty(painter)
            else:
                rect = self._transform.rect(picture.image_hw)
                self._draw_picture(painter, rect, self.seen_array(picture))
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                self.draw_over(painter, rect)
        finally:
            painter.end()  # whatever went wrong, or Qt complains at every later frame
        self._pace.on_painted()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted picture fitted."""
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, or hand the press on."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        is_left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (is_left and self._is_space_down):
            self._pan_from = event.position()
            self._has_space_panned = True
        elif is_left:
            self.on_press(self._pointer(event), "left")
        elif event.button() == Qt.MouseButton.RightButton:
            self.on_press(self._pointer(event), "right")
        self.update_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A second press is a press as well."""
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or hand the move on."""
        if self._pan_from is not None:
            delta = event.position() - self._pan_from
            self._pan_from = event.position()
            self._is_fitted = False
            self._set_transform(self._transform.panned(delta.x(), delta.y()))
            return
        self._pace.move(self._pointer(event), is_each_wanted=self.is_each_move_wanted)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the panning, or hand the release on."""
        if self._pan_from is not None:
            self._pan_from = None
        elif event.button() == Qt.MouseButton.LeftButton:
            self.on_release(self._pointer(event), "left")
        elif event.button() == Qt.MouseButton.RightButton:
            self.on_release(self._pointer(event), "right")
        self.update_cursor()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(steps, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan while space is held."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._is_space_down, self._has_space_panned = True, False
                self.update_cursor()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space comes up."""
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat() and self._is_space_down:
            self._is_space_down = False
            if not self._has_space_panned:
                self.on_space_tapped()
            self.update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        self._is_space_down = False
        self._pan_from = None
        self.update_cursor()
        super().focusOutEvent(event)

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching on a touchpad; threads that compute wait for whatever takes long."""
        pinch = Qt.NativeGestureType.ZoomNativeGesture
        with WINDOW_WORK:
            if isinstance(event, QNativeGestureEvent) and event.gestureType() == pinch:
                self._is_fitted = False
                self._set_transform(self._transform.zoomed(1 + event.value(), event.position()))
                return True
            return super().event(event)


def _draw_border(painter: QPainter, rect: QRectF) -> None:
    """A thin dark edge around the picture; filled, a tenth of the work of drawing a line."""
    edge = QColor(0, 0, 0, 90)
    outer = rect.adjusted(-1, -1, 1, 1)
    painter.fillRect(QRectF(outer.left(), outer.top(), outer.width(), 1), edge)
    painter.fillRect(QRectF(outer.left(), rect.bottom(), outer.width(), 1), edge)
    painter.fillRect(QRectF(outer.left(), rect.top(), 1, rect.height()), edge)
    painter.fillRect(QRectF(rect.right(), rect.top(), 1, rect.height()), edge)
