"""The photo, moving, with its arrows and pins, and the mouse on it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from cmp_studio.document.hints import beyond_reach
from cmp_studio.document.motion import displacement
from cmp_studio.services.brush import Brush
from cmp_studio.services.flow_overlay import automatic_scale
from cmp_studio.services.mask_tints import MaskTints
from cmp_studio.services.pictures import OpenedPicture
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
from cmp_studio.widgets.picture_view import Button, PictureView
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.track_painter import TrackLook, TrackPainter, draw_band
from cmp_studio.widgets.view_transform import ViewTransform

_CALM_MS: Final = 2500
_CALM_OPACITY: Final = 0.4
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


class Canvas(PictureView):
    """Draws what the preview shows and hands the mouse to the tools.

    Signals:
        track_removed(title): A right-click took this track away.
    """

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
        super().__init__(themes, parent)
        self._session = session
        self._preview = preview
        self._playback = playback
        self._tools = tools
        self._options = options
        self._brush = brush
        self._overlay = OverlayPainter(tints)
        self._tracks = TrackPainter()
        self._flow = FlowPainter()
        self._ghost = QImage()
        self._ghost_array: NDArray[np.uint8] | None = None
        self._is_mouse_away = True
        self._calm_timer = QTimer(self)
        self._calm_timer.setSingleShot(True)
        self._calm_timer.setInterval(_CALM_MS)
        self._calm_timer.timeout.connect(self.on_calm)
        self.setAccessibleName(tr("Canvas"))
        self.setAccessibleDescription(tr("The photo with its arrows and pins"))
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

    # View.

    @property
    def picture(self) -> OpenedPicture | None:
        """The photo of the open scene."""
        return self._session.picture

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
        self.update_cursor()
        self.update()

    def _set_transform(self, transform: ViewTransform) -> None:
        super()._set_transform(transform)
        picture = self.picture
        if picture is not None:
            longest = max(picture.image_hw) * self._transform.scale * self.devicePixelRatioF()
            self._preview.set_view_long_side(round(longest))

    def _wake(self) -> None:
        """Show the arrows fully while the mouse moves."""
        self._calm_timer.start()
        if self._is_mouse_away:
            self._is_mouse_away = False
            self.update()

    def cursor_shape(self) -> Qt.CursorShape:
        """The cursor that says what a press would do."""
        return _CURSORS[self._tools.cursor]

    # Drawing.

    def seen_array(self, picture: OpenedPicture) -> NDArray[np.uint8]:
        """The photo, or the frame of the film that is due."""
        frame = self._preview.shown.frame
        if frame is None or self._options.mode == "photo":
            return super().seen_array(picture)
        return frame.image

    def draw_over(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the flow, the masks, the tracks and the selection rectangle."""
        self._draw_onion(painter, rect)
        self._draw_flow(painter, rect)
        self._draw_masks(painter, rect)
        self._draw_tracks(painter)
        self._draw_brush(painter)
        band = self._tools.band
        if band is not None:
            corners = QRectF(self._transform.to_screen(band[0]), self._transform.to_screen(band[1]))
            draw_band(painter, corners.normalized(), QColor(self._themes.theme.accent))

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
        looks = []
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
            looks.append((track, look))
        self._tracks.draw(painter, self._transform, looks)
        painter.setOpacity(1.0)

    # The mouse.

    def on_press(self, pointer: Pointer, button: Button) -> None:
        """Begin a gesture, or remove a track."""
        if button == "left":
            self._tools.press(pointer)
            return
        track = self._tools.right_click(pointer)
        if track is not None:
            self.track_removed.emit(track_title(track))

    def on_move(self, pointer: Pointer) -> None:
        """Go on with the gesture."""
        self._tools.move(pointer)
        if self._tools.tool == "brush":
            self.update()

    @property
    def is_each_move_wanted(self) -> bool:
        """Whether a mask is painted or a drag recorded."""
        return self._tools.is_freehand

    def on_release(self, pointer: Pointer, button: Button) -> None:
        """End the gesture."""
        if button == "left":
            self._tools.release(pointer)

    def on_space_tapped(self) -> None:
        """Play or pause."""
        if self._session.scene is not None:
            self._playback.toggle()

    # Qt overrides.

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show the arrows fully, and go on with the gesture or the panning."""
        self._wake()
        super().mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Set a pin."""
        if event.button() == Qt.MouseButton.LeftButton and not self._is_space_down:
            self._tools.double_click(self._pointer(event))
        else:
            self.mousePressEvent(event)

    def enterEvent(self, _event: QEvent) -> None:
        """Show the arrows fully."""
        self._wake()

    def leaveEvent(self, event: QEvent) -> None:
        """Let the arrows step back while the film plays."""
        super().leaveEvent(event)
        self._tools.leave()
        self._calm_timer.stop()
        self.on_calm()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Cancel, nudge or step frames; pan with space."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._tools.finish()
        elif key == Qt.Key.Key_Escape:
            if self._tools.cancel():
                return
            if self._session.selection:
                self._session.select([])
            else:
                event.ignore()  # the window has a use for it
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
