"""The photo, moving, with its arrows and pins, and the mouse on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from cmp_studio.document.hints import beyond_reach
from cmp_studio.document.motion import displacement
from cmp_studio.services.brush import Brush
from cmp_studio.services.flow_overlay import automatic_scale
from cmp_studio.services.mask_tints import MaskTints
from cmp_studio.services.playback import Playback
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.tools import CanvasTools
from cmp_studio.services.translation import tr
from cmp_studio.services.view_options import ViewOptions
from cmp_studio.services.wording import track_title
from cmp_studio.widgets.flow_painter import FlowPainter, rgb_image
from cmp_studio.widgets.overlay_painter import OverlayPainter
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.track_painter import TrackLook, draw_band, draw_track
from cmp_studio.widgets.view_transform import ViewTransform, centred, fitted, visible_part

FIT_MARGIN: Final = 24.0
_ZOOM_STEP: Final = 1.2
_CALM_MS: Final = 2500
_CALM_OPACITY: Final = 0.4
_WHOLE_PIXELS: Final = 4_000_000
"""Of a larger picture only what is in view is made ready for drawing."""
_NUDGE_PX: Final = {False: 1.0, True: 10.0}
_CURSORS: Final = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "grab": Qt.CursorShape.ClosedHandCursor,
    "brush": Qt.CursorShape.BlankCursor,
}
_NUDGES: Final = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Canvas(QWidget):
    """Draws what the preview shows and hands the mouse to the tools.

    Signals:
        zoom_changed(scale): Screen px per px of the picture.
        track_removed(title): A right-click took this track away.
    """

    zoom_changed = Signal(float)
    track_removed = Signal(str)

    def __init__(
        self,
        session: Session,
        preview: Preview,
        playback: Playback,
        tools: CanvasTools,
        options: ViewOptions,
        brush: Brush,
        tints: MaskTints,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preview = preview
        self._playback = playback
        self._tools = tools
        self._options = options
        self._brush = brush
        self._overlay = OverlayPainter(tints)
        self._themes = themes
        self._transform = ViewTransform()
        self._is_fitted = True
        self._flow = FlowPainter()
        self._ghost = QImage()
        self._ghost_array: NDArray[np.uint8] | None = None
        self._drawn = QImage()
        self._drawn_array: NDArray[np.uint8] | None = None
        self._drawn_part = QRect()
        self._is_space_down = False
        self._has_space_panned = False
        self._pan_from: QPointF | None = None
        self._is_mouse_away = True
        self._calm_timer = QTimer(self)
        self._calm_timer.setSingleShot(True)
        self._calm_timer.setInterval(_CALM_MS)
        self._calm_timer.timeout.connect(self.on_calm)
        self.setAccessibleName(tr("Canvas"))
        self.setAccessibleDescription(tr("The photo with its arrows and pins"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(200, 150)
        session.opened.connect(self.on_opened)
        session.scene_changed.connect(self.on_scene_changed)
        session.selection_changed.connect(self.update)
        preview.shown_changed.connect(self.update)
        playback.frame_changed.connect(self.update)
        playback.playing_changed.connect(self.update)
        tools.hover_changed.connect(self.on_hover_changed)
        tools.tool_changed.connect(self.on_hover_changed)
        tools.band_changed.connect(self.update)
        options.changed.connect(self.update)
        brush.changed.connect(self.update)
        tints.ready.connect(self.update)
        themes.changed.connect(self.update)

    # View.

    @property
    def view_transform(self) -> ViewTransform:
        """Where the photo lies on the canvas."""
        return self._transform

    @property
    def shown_scale(self) -> float:
        """Device px of the screen per px of the photo."""
        return self._transform.scale * self.devicePixelRatioF()

    def fit(self) -> None:
        """Show the whole photo, now and when the window changes its size."""
        self._is_fitted = True
        picture = self._session.picture
        if picture is not None:
            size = QSizeF(self.size())
            self._set_transform(fitted(picture.image_hw, size, FIT_MARGIN))

    def show_actual_size(self) -> None:
        """Show one px of the photo on one px of the screen."""
        picture = self._session.picture
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

    def on_opened(self) -> None:
        """Show the whole of a newly opened photo."""
        self.fit()

    def on_scene_changed(self) -> None:
        """Draw the changed tracks."""
        self.update()

    def on_calm(self) -> None:
        """Let the arrows step back: the mouse rests or is elsewhere."""
        self._is_mouse_away = True
        self.update()

    def on_hover_changed(self) -> None:
        """Show what a press would do."""
        self._update_cursor()
        self.update()

    def _set_transform(self, transform: ViewTransform) -> None:
        picture = self._session.picture
        if picture is None:
            return
        transform = transform.kept_visible(picture.image_hw, QSizeF(self.size()), 48)
        if transform != self._transform:
            self._transform = transform
            self.zoom_changed.emit(transform.scale * self.devicePixelRatioF())
            self.update()
        longest = max(picture.image_hw) * transform.scale * self.devicePixelRatioF()
        self._preview.set_view_long_side(round(longest))

    def _wake(self) -> None:
        """Show the arrows fully while the mouse moves."""
        self._calm_timer.start()
        if self._is_mouse_away:
            self._is_mouse_away = False
            self.update()

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._is_space_down:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.setCursor(_CURSORS[self._tools.cursor])

    def _pointer(self, event: QMouseEvent) -> Pointer:
        keys, held = event.modifiers(), Qt.KeyboardModifier
        return Pointer(
            self._transform.to_picture(event.position()),
            self._transform.scale,
            is_shift=bool(keys & held.ShiftModifier),
            is_control=bool(keys & held.ControlModifier),  # Cmd on a Mac
            is_alt=bool(keys & held.AltModifier),
        )

    # Drawing.

    def _draw(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), QColor(self._themes.theme.canvas))
        picture = self._session.picture
        if picture is None:
            return
        rect = self._transform.rect(picture.image_hw)
        self._draw_picture(painter, rect)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_onion(painter, rect)
        self._draw_flow(painter, rect)
        self._draw_masks(painter, rect)
        self._draw_tracks(painter)
        self._draw_brush(painter)
        band = self._tools.band
        if band is not None:
            corners = QRectF(self._transform.to_screen(band[0]), self._transform.to_screen(band[1]))
            draw_band(painter, corners.normalized(), QColor(self._themes.theme.accent))

    def _picture_array(self) -> NDArray[np.uint8] | None:
        picture = self._session.picture
        if picture is None:
            return None
        frame = self._preview.shown.frame
        if frame is None or self._options.mode == "photo":
            return picture.level_for(self._transform.scale * self.devicePixelRatioF())
        return frame.image

    def _draw_picture(self, painter: QPainter, rect: QRectF) -> None:
        array = self._picture_array()
        if array is None:
            return
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
        painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _draw_flow(self, painter: QPainter, rect: QRectF) -> None:
        options, scene = self._options, self._session.scene
        if options.mode != "flow" or scene is None:
            return
        scale = automatic_scale(scene) if options.is_scale_automatic else options.flow_scale
        frame = self._preview.shown.frame
        if frame is not None and options.flow_style in ("colors", "both"):
            self._flow.draw_colors(painter, rect, frame, scale=scale, opacity=options.flow_opacity)
        if frame is not None and options.flow_style in ("needles", "both"):
            size = (scene.picture.height, scene.picture.width)
            self._flow.draw_needles(painter, self._transform, frame.flow, size)
        if options.flow_style != "needles":
            self._flow.draw_legend(painter, QRectF(self.rect()), scale)

    def _draw_onion(self, painter: QPainter, rect: QRectF) -> None:
        picture = self._session.picture
        if not self._options.has_onion or picture is None:
            return
        goal = self._preview.goal_frame()
        if goal is None:
            return
        if goal.image is not self._ghost_array:
            self._ghost_array, self._ghost = goal.image, rgb_image(goal.image)
        self._overlay.draw_onion(
            painter, rect, self._transform, goal, self._ghost, picture.image_hw
        )

    def _draw_masks(self, painter: QPainter, rect: QRectF) -> None:
        scene, frame = self._session.scene, self._preview.shown.frame
        if scene is None:
            return
        if self._options.has_holes and frame is not None and self._options.mode != "photo":
            self._overlay.draw_holes(painter, rect, frame)
        if self._options.has_masks or self._tools.tool == "brush":
            target = self._brush.target
            self._overlay.draw_masks(painter, rect, scene, target=target)
        self._overlay.draw_strokes(painter, self._transform, scene, self._brush.strokes)

    def _draw_brush(self, painter: QPainter) -> None:
        pointer = self._tools.pointer
        if self._tools.tool == "brush" and pointer is not None and self._session.scene is not None:
            at = self._transform.to_screen(pointer.point)
            self._overlay.draw_brush(painter, at, self._brush.radius * self._transform.scale)

    def _draw_tracks(self, painter: QPainter) -> None:
        scene = self._session.scene
        if scene is None or not self._options.has_overlays:
            return
        if self._playback.is_playing and self._is_mouse_away:
            painter.setOpacity(_CALM_OPACITY)  # the photo is the hero
        hovered = self._tools.hovered
        reach = self._preview.reach_px
        far = frozenset() if reach is None else frozenset(beyond_reach(scene, reach))
        time = self._preview.due_time
        has_beads = self._options.mode != "photo" and not self._session.has_gesture
        for track in scene.tracks:
            moved = (0.0, 0.0)
            if has_beads:
                moved = displacement(track, time, scene.film)
            is_hovered = hovered is not None and hovered.track_id == track.id
            is_selected = track.id in self._session.selection
            look = TrackLook(
                is_selected,
                hovered.part if hovered is not None and is_hovered else None,
                moved,
                has_points=is_selected or self._tools.tool == "path",
                point=hovered.index if hovered is not None and is_hovered else -1,
                is_far=track.id in far,
            )
            draw_track(painter, track, self._transform, look)
        painter.setOpacity(1.0)

    # Qt overrides.

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the photo, its flow, the tracks and the selection rectangle."""
        painter = QPainter(self)
        try:
            self._draw(painter)
        finally:
            painter.end()  # whatever went wrong, or Qt complains at every later frame

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted photo fitted."""
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture, begin to pan, or remove a track."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        is_left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (is_left and self._is_space_down):
            self._pan_from = event.position()
            self._has_space_panned = True
            self._update_cursor()
        elif is_left:
            self._tools.press(self._pointer(event))
            self._update_cursor()
        elif event.button() == Qt.MouseButton.RightButton:
            track = self._tools.right_click(self._pointer(event))
            if track is not None:
                self.track_removed.emit(track_title(track))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the gesture or the panning."""
        self._wake()
        if self._pan_from is not None:
            delta = event.position() - self._pan_from
            self._pan_from = event.position()
            self._is_fitted = False
            self._set_transform(self._transform.panned(delta.x(), delta.y()))
            return
        self._tools.move(self._pointer(event))
        self._update_cursor()
        if self._tools.tool == "brush":
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the gesture or the panning."""
        if self._pan_from is not None:
            self._pan_from = None
        elif event.button() == Qt.MouseButton.LeftButton:
            self._tools.release(self._pointer(event))
        self._update_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Set a pin."""
        if event.button() == Qt.MouseButton.LeftButton and not self._is_space_down:
            self._tools.double_click(self._pointer(event))
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        steps = event.angleDelta().y() / 120
        if steps:
            self.zoom_by(steps, event.position())
        event.accept()

    def enterEvent(self, _event: QEvent) -> None:
        """Show the arrows fully."""
        self._wake()

    def leaveEvent(self, _event: QEvent) -> None:
        """Let the arrows step back while the film plays."""
        self._tools.leave()
        self._calm_timer.stop()
        self.on_calm()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan with space, cancel, nudge or step frames."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._is_space_down, self._has_space_panned = True, False
                self._update_cursor()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._tools.finish()
        elif key == Qt.Key.Key_Escape:
            if not self._tools.cancel():
                self._session.select([])
        elif key in _NUDGES:
            dx, dy = _NUDGES[key]
            is_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if self._session.selection:
                step = _NUDGE_PX[is_shift]
                self._session.nudge_selected(dx * step, dy * step)
            elif dx:
                self._playback.step(dx * (10 if is_shift else 1))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Play or pause after a tap on space."""
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
            return
        if event.isAutoRepeat() or not self._is_space_down:
            return
        self._is_space_down = False
        if not self._has_space_panned and self._session.scene is not None:
            self._playback.toggle()
        self._update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        self._is_space_down = False
        self._pan_from = None
        self._update_cursor()
        super().focusOutEvent(event)

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching on a touchpad."""
        pinch = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == pinch:
            self._is_fitted = False
            factor = 1 + event.value()
            self._set_transform(self._transform.zoomed(factor, event.position()))
            return True
        return super().event(event)
