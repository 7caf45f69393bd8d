"""What the mouse does to the scene, as state machines without a widget.

The canvas turns mouse events into `Pointer` values and calls `CanvasTools`; the tools change the
scene through the session. One press-to-release is one undo step, and `cancel` takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.hit_test import Hit, hit, nearest_track, tracks_in
from cmp_studio.document.scene import Scene, replace_track
from cmp_studio.document.tracks import Point, Track, move_head, move_point
from cmp_studio.services.brush import Brush
from cmp_studio.services.path_pen import PathPen
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.recorder import Recorder
from cmp_studio.services.session import Session
from cmp_studio.services.tool_hints import (
    NOTHING_OPEN,
    GestureKind,
    ToolName,
    drag_hint,
    idle_hint,
    pen_hint,
    target_hint,
)
from cmp_studio.services.track_commands import TrackCommands
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import KIND_NAMES, group_title, track_title, tracks_title

CursorName = Literal["arrow", "cross", "move", "grab", "brush"]

DRAG_SCREEN_PX: Final = 4.0


@dataclass(slots=True)
class _Gesture:
    """One press that may become a drag.

    Attributes:
        kind: What a drag does.
        start: Where it was pressed.
        target: What was pressed.
        is_drag: The mouse has moved far enough.
    """

    kind: GestureKind
    start: Pointer
    target: Hit | None = None
    is_drag: bool = False


class CanvasTools(QObject):
    """The tool in use and the gesture in progress.

    Thread: GUI thread only.

    Args:
        session: Holds the scene.
        commands: Insert and remove points.
        pen: Draws paths.
        brush: Paints masks.
        recorder: Records drags with Ctrl held.

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

    def __init__(
        self,
        session: Session,
        commands: TrackCommands,
        pen: PathPen,
        brush: Brush,
        recorder: Recorder,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._commands = commands
        self._pen = pen
        self._brush = brush
        self._recorder = recorder
        self._tool: ToolName = "arrow"
        self._gesture: _Gesture | None = None
        self._pointer: Pointer | None = None
        self._hovered: Hit | None = None
        self._band: tuple[Point, Point] | None = None
        self._hint = ""
        session.opened.connect(self.on_opened)
        session.scene_changed.connect(self.on_scene_changed)
        recorder.recording_changed.connect(self.on_recording_changed)
        brush.changed.connect(self.on_scene_changed)

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
    def pointer(self) -> Pointer | None:
        """Where the mouse is, or None when it is elsewhere."""
        return self._pointer

    @property
    def band(self) -> tuple[Point, Point] | None:
        """Two opposite corners of the selection rectangle, px of the picture."""
        return self._band

    @property
    def is_active(self) -> bool:
        """Whether a gesture is in progress."""
        return self._gesture is not None or self._pen.is_open

    @property
    def is_freehand(self) -> bool:
        """Whether the way of the mouse itself is taken: a mask is painted, or a drag recorded."""
        return self._gesture is not None and self._gesture.kind in ("brush", "record")

    @property
    def cursor(self) -> CursorName:
        """Shape of the mouse pointer."""
        if self._gesture is not None and self._gesture.kind in ("head", "move", "point"):
            return "grab" if self._gesture.is_drag else "move"
        if self._tool == "brush":
            return "brush"
        if self._hovered is not None and self._grips(self._hovered) and not self._pen.is_open:
            return "move"
        return "arrow" if self._tool == "select" else "cross"

    def set_tool(self, name: ToolName) -> None:
        """Use another tool; a path that is being drawn ends."""
        self._pen.finish()
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
        if self._pen.is_open:
            self._gesture = _Gesture("pen", pointer)
            self._pen.click(pointer)
            self._update_hint()
            return
        self._session.commit()
        target = self._hit(scene, pointer)
        self._gesture = self._gesture_for(pointer, target)
        if self._gesture.kind == "brush":
            self._gesture.is_drag = True
            self._brush.begin(pointer.point, is_erasing=pointer.is_shift)
        elif self._gesture.kind == "pen" and is_inside(scene, pointer):
            self._pen.click(pointer)
        elif target is not None and self._gesture.kind in ("head", "move", "point"):
            self._press_track(target, pointer)
        self._update_hint()

    def move(self, pointer: Pointer) -> None:
        """The mouse moved, with the button down or not."""
        self._pointer = pointer
        gesture = self._gesture
        if gesture is None:
            if self._pen.is_open:
                self._pen.hover(pointer)
            self._update_hover()
            return
        if not gesture.is_drag:
            gesture.is_drag = pointer.screen_distance(gesture.start) >= DRAG_SCREEN_PX
            if not gesture.is_drag:
                return
            if gesture.kind == "record":
                target = gesture.target
                self._recorder.start(
                    None if target is None else target.track_id, gesture.start.point
                )
        self._drag(gesture, pointer)
        self._update_hint()

    def release(self, pointer: Pointer) -> None:
        """The left button went up."""
        gesture, self._gesture = self._gesture, None
        self._pointer = pointer
        if gesture is None:
            return
        if gesture.kind == "brush":
            self._brush.end()
        elif gesture.kind == "pen":
            if gesture.is_drag and self._pen.is_open:
                self._pen.release(pointer)
        elif gesture.kind == "record" and gesture.is_drag:
            self._recorder.stop()
        elif gesture.is_drag:
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
        """The left button was double-clicked: end a path, insert a point, or set a pin."""
        self._gesture = None
        scene = self._session.scene
        if scene is None or self._tool == "brush":
            return
        if self._pen.is_open:
            self._pen.finish()
            self._update_hover()
            return
        if self._tool == "path" or not is_inside(scene, pointer):
            return
        target = self._hit(scene, pointer)
        if target is not None and target.part == "pin":
            return
        self._session.abort()
        selected = target is not None and target.track_id in self._session.selection
        if target is not None and selected and target.part == "body":
            track = scene.track(target.track_id)
            if track.kind == "path":
                self._commands.insert_point(track, pointer.point)
                return
        self._session.add_pin(pointer.point)
        self._update_hover()

    def right_click(self, pointer: Pointer) -> Track | None:
        """The right button was clicked: remove the nearest track, and return it.

        On a point of a selected path it removes that point alone and returns None.
        """
        scene = self._session.scene
        if scene is None or self._gesture is not None:
            return None
        if self._pen.is_open:
            self._pen.finish()
            return None
        target = self._hit(scene, pointer)
        if target is not None and target.part == "point":
            self._commands.remove_point(scene.track(target.track_id), target.index)
            self._update_hover()
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

    def finish(self) -> bool:
        """End the path that is being drawn; return whether there was one."""
        was_open = self._pen.is_open
        self._pen.finish()
        self._update_hover()
        return was_open

    def cancel(self) -> bool:
        """End the gesture in progress without a trace; return whether there was one."""
        had_gesture = self.is_active
        self._gesture = None
        self._set_band(None)
        self._brush.cancel()
        self._recorder.cancel()
        if not self._pen.cancel() and had_gesture:
            self._session.abort()
        if had_gesture:
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

    def on_recording_changed(self, is_recording: bool) -> None:  # noqa: FBT001 - a slot
        """The timeline may end a recording before the hand does."""
        if not is_recording and self._gesture is not None and self._gesture.kind == "record":
            self._gesture = None
        self._update_hint()

    # Gestures.

    def _hit(self, scene: Scene, pointer: Pointer) -> Hit | None:
        """What a press takes hold of; inner points only of selected paths or with the path tool."""
        found = hit(scene, pointer.point, pointer.hit_radius, has_points=True)
        if found is None or found.part != "point" or self._tool == "path":
            return found
        is_selected = found.track_id in self._session.selection
        return found if is_selected else replace(found, part="body", index=-1)

    def _grips(self, target: Hit) -> bool:
        """Whether a press on ``target`` takes hold of it instead of drawing.

        With the arrow tool, heads and pins can be taken at any time and everything of a selected
        track; elsewhere a new arrow may start right beside an old one.
        """
        if self._tool == "select" or target.part in ("head", "pin", "point"):
            return True
        is_selected = target.track_id in self._session.selection
        return is_selected and (target.part == "tail" or self._tool == "path")

    def _gesture_for(self, pointer: Pointer, target: Hit | None) -> _Gesture:
        if self._tool == "brush":
            return _Gesture("brush", pointer)
        if pointer.is_control:
            return _Gesture("record", pointer, target)
        if target is not None and self._grips(target):
            kinds: dict[str, GestureKind] = {"head": "head", "point": "point"}
            return _Gesture(kinds.get(target.part, "move"), pointer, target)
        if self._tool == "select":
            return _Gesture("band", pointer)
        if self._tool == "path":
            return _Gesture("pen", pointer, target)
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
        elif target is not None and pointer.is_alt and target.part == "point" and scene:
            self._commands.remove_point(scene.track(target.track_id), target.index)
        elif target is not None and self._inserts(scene, target):
            if scene is not None:
                self._commands.insert_point(scene.track(target.track_id), pointer.point)
        elif target is not None and (pointer.is_shift or pointer.is_control):
            self._session.toggle_selected(target.track_id)
        elif target is not None:
            self._session.select([target.track_id])
        elif not pointer.is_shift and not pointer.is_control:
            self._session.select([])

    def _inserts(self, scene: Scene | None, target: Hit) -> bool:
        """Whether a click puts a point into what it hit."""
        is_way = scene is not None and scene.track(target.track_id).kind in ("arrow", "path")
        return self._tool == "path" and target.part == "body" and is_way and self._grips(target)

    def _drag(self, gesture: _Gesture, pointer: Pointer) -> None:
        session, scene = self._session, self._session.scene
        dx = pointer.point[0] - gesture.start.point[0]
        dy = pointer.point[1] - gesture.start.point[1]
        if gesture.kind == "band":
            self._set_band((gesture.start.point, pointer.point))
        elif gesture.kind == "brush":
            self._brush.move(pointer.point)
        elif gesture.kind == "record":
            self._recorder.move(dx, dy)
        elif gesture.kind == "pen":
            if self._pen.is_open:
                self._pen.drag(pointer)
        elif gesture.kind == "draw":
            if scene is not None and is_inside(scene, gesture.start):
                drawn = session.with_arrow(gesture.start.point, pointer.point)
                session.preview(drawn, tr("Draw arrow"), edited=[drawn.tracks[-1].id])
        elif gesture.kind == "pin":
            drawn = session.with_pin(pointer.point)
            session.preview(drawn, tr("Set pin"), edited=[drawn.tracks[-1].id])
        elif gesture.kind in ("head", "point") and gesture.target is not None:
            self._drag_part(gesture.target, dx, dy)
        elif gesture.target is not None:
            ids = session.selection | {gesture.target.track_id}
            moved = session.moved(ids, dx, dy)
            tracks = [track for track in moved.tracks if track.id in ids]
            session.preview(
                moved,
                tr("Move {tracks}").format(tracks=tracks_title(tracks)),
                edited=ids,
            )

    def _drag_part(self, target: Hit, dx: float, dy: float) -> None:
        scene = self._session.moved((), 0, 0)
        track = scene.track(target.track_id)
        label = tr("Change {track}").format(track=KIND_NAMES[track.kind].lower())
        if target.part == "point":
            x, y = track.points[target.index]
            changed = move_point(track, target.index, (x + dx, y + dy))
            label = tr("Move point")
        else:
            changed = move_head(track, (track.head[0] + dx, track.head[1] + dy))
        self._session.preview(replace_track(scene, changed), label, edited=[track.id])

    def _select_band(self, pointer: Pointer) -> None:
        scene = self._session.scene
        if scene is None or self._band is None:
            return
        already = self._session.selection if pointer.is_shift else frozenset()
        self._session.select(already | set(tracks_in(scene, *self._band)))

    def _set_band(self, band: tuple[Point, Point] | None) -> None:
        if band != self._band:
            self._band = band
            self.band_changed.emit()

    # Hover and hint.

    def _update_hover(self) -> None:
        scene, pointer = self._session.scene, self._pointer
        target = None
        if scene is not None and pointer is not None and self._tool != "brush":
            target = self._hit(scene, pointer)
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
            return tr(NOTHING_OPEN)
        gesture, pointer = self._gesture, self._pointer
        if gesture is not None and gesture.is_drag:
            return drag_hint(scene, gesture.kind, self._session.edited)
        if self._pen.is_open:
            return pen_hint(len(self._pen.points))
        is_control = pointer is not None and pointer.is_control
        target = self._hovered
        if target is not None and all(track.id != target.track_id for track in scene.tracks):
            target = None  # gone since the mouse moved last
        if target is not None and (self._grips(target) or is_control):
            is_path_tool = self._tool == "path"
            return target_hint(scene, target, is_control=is_control, is_path_tool=is_path_tool)
        if is_control and self._tool != "brush":
            return tr("Hold Ctrl and drag to record this spot while the film plays")
        if target is not None and self._tool == "arrow":
            title = track_title(scene.track(target.track_id))
            return tr("Click selects {title} · drag draws a new arrow").format(title=title)
        groups = [group for group in scene.groups if group.id == self._brush.target]
        return idle_hint(self._tool, layer=group_title(groups[0]) if groups else "")


def is_inside(scene: Scene, pointer: Pointer) -> bool:
    """Whether the pointer is on the picture, or so near that the hand meant it."""
    margin = pointer.hit_radius
    x, y = pointer.point
    return (
        -margin <= x <= scene.picture.width - 1 + margin
        and -margin <= y <= scene.picture.height - 1 + margin
    )
