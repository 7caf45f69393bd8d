"""What the mouse does to the scene, as state machines without a widget.

The canvas turns mouse events into `Pointer` values and calls `CanvasTools`; the tools change the
scene through the session. One press-to-release is one undo step, and `cancel` takes it back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.hit_test import Hit, hit, nearest_track
from cmp_studio.document.scene import Scene, replace_track
from cmp_studio.document.tracks import Point, Track, move_head
from cmp_studio.services.session import Session
from cmp_studio.services.wording import KIND_NAMES, track_title, tracks_title

ToolName = Literal["select", "arrow", "pin"]
CursorName = Literal["arrow", "cross", "move", "grab"]

HIT_RADIUS_SCREEN_PX: Final = 14.0
DRAG_SCREEN_PX: Final = 4.0


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is.

    Attributes:
        point: Px of the picture; may lie outside of it.
        scale: Screen px per px of the picture.
        is_shift: Shift is held.
    """

    point: Point
    scale: float = 1.0
    is_shift: bool = False

    @property
    def hit_radius(self) -> float:
        """How far from a handle a press still takes hold of it, px of the picture."""
        return HIT_RADIUS_SCREEN_PX / self.scale

    def screen_distance(self, other: Pointer) -> float:
        """Distance to ``other`` on the screen, px."""
        return math.dist(self.point, other.point) * self.scale


@dataclass(slots=True)
class _Gesture:
    """One press that may become a drag.

    Attributes:
        kind: What a drag does.
        start: Where it was pressed.
        target: What was pressed.
        is_drag: The mouse has moved far enough.
    """

    kind: Literal["draw", "head", "move", "pin", "band"]
    start: Pointer
    target: Hit | None = None
    is_drag: bool = False


class CanvasTools(QObject):
    """The tool in use and the gesture in progress.

    Thread: GUI thread only.

    Signals:
        tool_changed(name): Another tool is in use.
        hint_changed(text): What a click would do now, one sentence without a full stop.
        hover_changed(): `hovered` is another track.
        band_changed(): The selection rectangle is another, or gone.
    """

    tool_changed = Signal(str)
    hint_changed = Signal(str)
    hover_changed = Signal()
    band_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tool: ToolName = "arrow"
        self._gesture: _Gesture | None = None
        self._pointer: Pointer | None = None
        self._hovered: Hit | None = None
        self._band: tuple[Point, Point] | None = None
        self._hint = ""
        session.opened.connect(self.on_opened)
        session.scene_changed.connect(self.on_scene_changed)

    @property
    def tool(self) -> ToolName:
        """The tool in use."""
        return self._tool

    @property
    def hint(self) -> str:
        """What a click would do now."""
        return self._hint

    @property
    def hovered(self) -> Hit | None:
        """What a press would take hold of."""
        return self._hovered

    @property
    def band(self) -> tuple[Point, Point] | None:
        """Two opposite corners of the selection rectangle, px of the picture."""
        return self._band

    @property
    def is_active(self) -> bool:
        """Whether the mouse button is down in a gesture."""
        return self._gesture is not None

    @property
    def cursor(self) -> CursorName:
        """Shape of the mouse pointer."""
        if self._gesture is not None and self._gesture.kind in ("head", "move"):
            return "grab" if self._gesture.is_drag else "move"
        if self._hovered is not None and self._grips(self._hovered):
            return "move"
        return "arrow" if self._tool == "select" else "cross"

    def set_tool(self, name: ToolName) -> None:
        """Use another tool."""
        self.cancel()
        if name != self._tool:
            self._tool = name
            self.tool_changed.emit(name)
        self._update_hover()

    # Mouse.

    def press(self, pointer: Pointer) -> None:
        """The left button went down."""
        scene = self._session.scene
        self._pointer = pointer
        if scene is None:
            return
        self._session.commit()
        target = hit(scene, pointer.point, pointer.hit_radius)
        self._gesture = self._gesture_for(pointer, target)
        if target is not None and self._gesture.kind in ("head", "move"):
            self._press_track(target, pointer)
        self._update_hint()

    def move(self, pointer: Pointer) -> None:
        """The mouse moved, with the button down or not."""
        self._pointer = pointer
        gesture = self._gesture
        if gesture is None:
            self._update_hover()
            return
        if not gesture.is_drag:
            gesture.is_drag = pointer.screen_distance(gesture.start) >= DRAG_SCREEN_PX
            if not gesture.is_drag:
                return
        self._drag(gesture, pointer)
        self._update_hint()

    def release(self, pointer: Pointer) -> None:
        """The left button went up."""
        gesture, self._gesture = self._gesture, None
        self._pointer = pointer
        if gesture is None:
            return
        if gesture.is_drag:
            if gesture.kind == "band":
                self._select_band(pointer)
            self._session.commit()
            scene = self._session.scene
            if gesture.kind in ("draw", "pin") and scene is not None and scene.tracks:
                self._session.select([scene.tracks[-1].id])
        else:
            self._session.abort()
            self._click(gesture, pointer)
        self._set_band(None)
        self._update_hover()

    def double_click(self, pointer: Pointer) -> None:
        """The left button was double-clicked: set a pin."""
        self._gesture = None
        scene = self._session.scene
        if scene is None or not is_inside(scene, pointer):
            return
        target = hit(scene, pointer.point, pointer.hit_radius)
        if target is not None and target.part == "pin":
            return
        self._session.abort()
        self._session.add_pin(pointer.point)
        self._update_hover()

    def right_click(self, pointer: Pointer) -> Track | None:
        """The right button was clicked: remove the nearest track, and return it."""
        scene = self._session.scene
        if scene is None or self._gesture is not None:
            return None
        track = nearest_track(scene, pointer.point)
        if track is not None:
            self._session.remove([track.id])
            self._update_hover()
        return track

    def leave(self) -> None:
        """The mouse left the canvas."""
        self._pointer = None
        if self._gesture is None:
            self._update_hover()

    def cancel(self) -> bool:
        """End the gesture in progress without a trace; return whether there was one."""
        had_gesture = self._gesture is not None
        self._gesture = None
        self._set_band(None)
        if had_gesture:
            self._session.abort()
            self._update_hover()
        return had_gesture

    def on_opened(self) -> None:
        """Forget the gesture: another document is open."""
        self._gesture = None
        self._set_band(None)

    def on_scene_changed(self) -> None:
        """What lies under the mouse may be another thing now."""
        if self._gesture is None:
            self._update_hover()

    # Gestures.

    def _grips(self, target: Hit) -> bool:
        """Whether a press on ``target`` takes hold of it instead of drawing.

        With the arrow tool, heads and pins can be taken at any time and everything of a selected
        track; elsewhere a new arrow may start right beside an old one.
        """
        if self._tool == "select" or target.part in ("head", "pin"):
            return True
        return target.track_id in self._session.selection and target.part == "tail"

    def _gesture_for(self, pointer: Pointer, target: Hit | None) -> _Gesture:
        if target is not None and self._grips(target):
            return _Gesture("head" if target.part == "head" else "move", pointer, target)
        if self._tool == "select":
            return _Gesture("band", pointer)
        return _Gesture("draw" if self._tool == "arrow" else "pin", pointer, target)

    def _press_track(self, target: Hit, pointer: Pointer) -> None:
        if pointer.is_shift or target.track_id in self._session.selection:
            return
        self._session.select([target.track_id])

    def _click(self, gesture: _Gesture, pointer: Pointer) -> None:
        """The button went up where it went down."""
        scene = self._session.scene
        target = gesture.target
        if gesture.kind == "pin" and scene is not None and is_inside(scene, pointer):
            self._session.add_pin(pointer.point)
        elif target is not None and pointer.is_shift:
            self._session.toggle_selected(target.track_id)
        elif target is not None:
            self._session.select([target.track_id])
        elif not pointer.is_shift:
            self._session.select([])

    def _drag(self, gesture: _Gesture, pointer: Pointer) -> None:
        session = self._session
        dx = pointer.point[0] - gesture.start.point[0]
        dy = pointer.point[1] - gesture.start.point[1]
        if gesture.kind == "band":
            self._set_band((gesture.start.point, pointer.point))
        elif gesture.kind == "draw":
            scene = session.scene
            if scene is not None and is_inside(scene, gesture.start):
                drawn = session.with_arrow(gesture.start.point, pointer.point)
                session.preview(drawn, "Draw arrow", edited=[drawn.tracks[-1].id])
        elif gesture.kind == "pin":
            drawn = session.with_pin(pointer.point)
            session.preview(drawn, "Set pin", edited=[drawn.tracks[-1].id])
        elif gesture.kind == "head" and gesture.target is not None:
            self._drag_head(gesture.target, dx, dy)
        elif gesture.target is not None:
            ids = session.selection | {gesture.target.track_id}
            moved = session.moved(ids, dx, dy)
            tracks = [track for track in moved.tracks if track.id in ids]
            session.preview(moved, f"Move {tracks_title(tracks)}", edited=ids)

    def _drag_head(self, target: Hit, dx: float, dy: float) -> None:
        scene = self._session.moved((), 0, 0)
        track = scene.track(target.track_id)
        head = (track.head[0] + dx, track.head[1] + dy)
        scene = replace_track(scene, move_head(track, head))
        label = f"Change {KIND_NAMES[track.kind].lower()}"
        self._session.preview(scene, label, edited=[track.id])

    def _select_band(self, pointer: Pointer) -> None:
        scene = self._session.scene
        if scene is None or self._band is None:
            return
        inside = tracks_in_band(scene, self._band)
        already = self._session.selection if pointer.is_shift else frozenset()
        self._session.select(already | {track.id for track in inside})

    def _set_band(self, band: tuple[Point, Point] | None) -> None:
        if band != self._band:
            self._band = band
            self.band_changed.emit()

    # Hover and hint.

    def _update_hover(self) -> None:
        scene, pointer = self._session.scene, self._pointer
        target = None
        if scene is not None and pointer is not None:
            target = hit(scene, pointer.point, pointer.hit_radius)
        if target != self._hovered:
            self._hovered = target
            self.hover_changed.emit()
        self._update_hint()

    def _update_hint(self) -> None:
        hint = self._hint_now()
        if hint != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)

    def _hint_now(self) -> str:
        scene = self._session.scene
        if scene is None:
            return "Drop a photo anywhere in the window, or open one"
        gesture = self._gesture
        if gesture is not None and gesture.is_drag:
            return self._drag_hint(scene, gesture)
        target = self._hovered
        if target is not None and self._grips(target):
            title = track_title(scene.track(target.track_id))
            if target.part == "head":
                return f"Drag to aim and lengthen {title} · right-click removes it"
            return f"Drag to move {title} · right-click removes it"
        if self._tool == "select":
            return "Click selects · drag selects several · double-click sets a pin"
        if self._tool == "pin":
            return "Click sets a pin that holds this spot still"
        if target is not None:
            title = track_title(scene.track(target.track_id))
            return f"Click selects {title} · drag draws a new arrow"
        return "Drag draws an arrow: this spot will go there · double-click sets a pin"

    def _drag_hint(self, scene: Scene, gesture: _Gesture) -> str:
        if gesture.kind in ("draw", "head"):
            ids = self._session.edited
            tracks = [track for track in scene.tracks if track.id in ids and track.kind != "pin"]
            if tracks:
                dx, dy = tracks[0].span
                return f"Moves by {dx:+.0f}, {dy:+.0f} px · Esc cancels"
        if gesture.kind == "band":
            return "Release selects what the rectangle touches · Esc cancels"
        return "Release drops it here · Esc cancels"


def is_inside(scene: Scene, pointer: Pointer) -> bool:
    """Whether the pointer is on the picture, or so near that the hand meant it."""
    margin = pointer.hit_radius
    x, y = pointer.point
    return (
        -margin <= x <= scene.picture.width - 1 + margin
        and -margin <= y <= scene.picture.height - 1 + margin
    )


def tracks_in_band(scene: Scene, band: tuple[Point, Point]) -> Iterable[Track]:
    """Tracks with a point inside the rectangle of two opposite corners, px of the picture."""
    (ax, ay), (bx, by) = band
    left, right = sorted((ax, bx))
    top, bottom = sorted((ay, by))
    return [
        track
        for track in scene.tracks
        if any(left <= x <= right and top <= y <= bottom for x, y in track.points)
    ]
