"""The rows of the timeline: a name and a bar for each track."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from cmp_studio.document.motion import track_span
from cmp_studio.document.scene import Scene, replace_track
from cmp_studio.document.track_marks import MarkKind, TrackMark, track_marks
from cmp_studio.document.tracks import Track
from cmp_studio.services.bar_edits import BarPart, dragged
from cmp_studio.services.mark_edits import MARK_LABELS, dragged_mark, mark_hint
from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import track_title, tracks_title
from cmp_studio.widgets.move_pace import MovePace
from cmp_studio.widgets.row_painter import (
    EYE_WIDTH,
    MARK_PX,
    ROW_HEIGHT,
    RowLook,
    draw_no_rows,
    draw_row,
    seen_of,
)
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.time_scale import GUTTER, TimeScale
from cmp_studio.widgets.timeline_ruler import wheel_timeline

_EDGE_PX: Final = 8.0
_DRAG_PX: Final = 3.0

RowPart = Literal["eye", "name", "start", "middle", "end", "row"]


@dataclass(slots=True)
class _BarDrag:
    track_ids: frozenset[int]
    part: BarPart
    start_x: float
    base: Scene
    is_drag: bool = False


@dataclass(slots=True)
class _MarkDrag:
    track: Track
    mark: TrackMark
    start_x: float
    base: Scene
    is_drag: bool = False


class TrackRows(QWidget):
    """One row for each track: what moves, the newest on top, and the pins under it.

    Mouse: a bar is dragged by its middle or its ends, a mark on it by itself (Shift: not to whole
    frames); a click selects; a double-click on a name renames. Keys: up and down select, page up
    and down choose a mark of the selected track, left and right move the chosen mark or the bar by
    a frame, Enter renames, Esc gives up. Space is left to the timeline.

    Signals:
        hint_changed(text): What a press would do here; empty when the mouse is elsewhere.
    """

    hint_changed = Signal(str)

    def __init__(
        self,
        session: Session,
        playback: Playback,
        preview: Preview,
        scale: TimeScale,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._playback = playback
        self._preview = preview
        self._scale = scale
        self._themes = themes
        self._drag: _BarDrag | _MarkDrag | None = None
        self._chosen: tuple[int, MarkKind, int] | None = None
        self._renamed = 0
        self.setAccessibleName(tr("Tracks in time"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._editor = QLineEdit(self)
        self._editor.setAccessibleName(tr("Name of the track"))
        self._editor.hide()
        self._editor.editingFinished.connect(self.on_renamed)
        self._seen: Hashable = ()
        self._pace = MovePace(self._follow, self)
        session.scene_changed.connect(self.on_scene_changed)
        session.selection_changed.connect(self.on_selection_changed)
        session.opened.connect(self.on_opened)
        playback.frame_changed.connect(self.update)
        scale.changed.connect(self.update)
        themes.changed.connect(self.update)
        self.on_scene_changed()

    def on_scene_changed(self) -> None:
        """Take the room that the tracks need, and draw them anew where that shows."""
        seen = seen_of(self._session.scene)
        if seen == self._seen:
            return
        self._seen = seen
        self.setMinimumHeight(max(1, len(self._tracks())) * ROW_HEIGHT + 4)
        self.updateGeometry()
        self.update()

    def on_selection_changed(self) -> None:
        """A mark is chosen only while its track is selected."""
        if self._chosen is not None and self._chosen[0] not in self._session.selection:
            self._chosen = None
        self.update()

    def on_opened(self) -> None:
        """Another document is open: what was dragged is gone."""
        self._drag = None
        self._chosen = None

    def sizeHint(self) -> QSize:
        """As high as the tracks need."""
        return QSize(480, max(1, len(self._tracks())) * ROW_HEIGHT + 4)

    def bar_rect(self, track_id: int) -> QRectF:
        """Where the bar of a track lies."""
        for row, track in enumerate(self._tracks()):
            if track.id == track_id:
                return self._bar(row, track)
        return QRectF()

    def name_rect(self, track_id: int) -> QRectF:
        """Where the name of a track lies."""
        for row, track in enumerate(self._tracks()):
            if track.id == track_id:
                return QRectF(EYE_WIDTH, row * ROW_HEIGHT, GUTTER - EYE_WIDTH - 8, ROW_HEIGHT)
        return QRectF()

    def mark_position(self, track_id: int, number: int) -> QPointF:
        """Where a mark of a track lies, counted from 0 as they come in time."""
        scene = self._session.scene
        if scene is None:
            return QPointF()
        mark = track_marks(scene.track(track_id), scene.film)[number]
        return QPointF(
            self._scale.x_of(mark.time, self.width()), self.bar_rect(track_id).center().y()
        )

    def rename(self, track_id: int) -> None:
        """Let the user type a name."""
        scene = self._session.scene
        if scene is None:
            return
        self._renamed = track_id
        self._editor.setText(track_title(scene.track(track_id)))
        self._editor.setGeometry(self.name_rect(track_id).toRect())
        self._editor.show()
        self._editor.selectAll()
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def on_renamed(self) -> None:
        """Take the name that was typed."""
        scene, track_id = self._session.scene, self._renamed
        self._renamed = 0
        self._editor.hide()
        if scene is None or not track_id:
            return
        for track in scene.tracks:
            text = self._editor.text().strip()
            if track.id == track_id and text and text != track_title(track):
                self._session.set_tracks([replace(track, name=text)], tr("Rename track"))

    # Mouse and keys.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select, switch, or take hold of a bar."""
        scene = self._session.scene
        if event.button() != Qt.MouseButton.LeftButton or scene is None:
            return
        found = self._at(event.position())
        if found is None:
            self._session.select([])
            return
        track, part = found
        if part == "eye":
            verb = tr("Switch off") if track.is_on else tr("Switch on")
            changed = replace(track, is_on=not track.is_on)
            self._session.set_tracks([changed], f"{verb} {tracks_title([track])}")
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._session.toggle_selected(track.id)
            return
        if track.id not in self._session.selection:
            extends = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._session.select([*self._session.selection, track.id] if extends else [track.id])
        mark = self._mark_at(track, event.position())
        self._chosen = None if mark is None else (track.id, mark.kind, mark.index)
        self.update()
        if mark is not None:
            self._session.commit()
            self._drag = _MarkDrag(track, mark, event.position().x(), scene)
        elif part in ("start", "middle", "end") and track.kind != "pin":
            self._session.commit()
            held: BarPart = "start" if part == "start" else "end" if part == "end" else "middle"
            ids = self._session.selection
            self._drag = _BarDrag(ids, held, event.position().x(), scene)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a bar, or show what a press would do."""
        is_snapping = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._pace.move((event.position(), is_snapping))

    def _follow(self, move: tuple[QPointF, bool]) -> None:
        position, is_snapping = move
        drag, scene = self._drag, self._session.scene
        if drag is None or scene is None:
            self._hover(position)
            return
        dx = position.x() - drag.start_x
        if not drag.is_drag and abs(dx) < _DRAG_PX:
            return
        drag.is_drag = True
        width = self.width()
        seconds = self._scale.time_at(dx, width) - self._scale.time_at(0, width)
        if isinstance(drag, _MarkDrag):
            time = drag.mark.time + seconds
            dragged_track = dragged_mark(
                drag.track, drag.base.film, drag.mark, time, is_snapping=is_snapping
            )
            changed = replace_track(drag.base, dragged_track)
            self._session.preview(changed, MARK_LABELS[drag.mark.kind], edited=[drag.track.id])
            return
        changed, moved = drag.base, []
        for track in drag.base.tracks:
            if track.id in drag.track_ids and track.kind != "pin":
                film = drag.base.film
                moved.append(dragged(track, film, drag.part, seconds, is_snapping=is_snapping))
                changed = replace_track(changed, moved[-1])
        self._session.preview(
            changed,
            tr("Change time of {tracks}").format(tracks=tracks_title(moved)),
            edited=drag.track_ids,
        )

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """The bar stays where it is: one undo step."""
        drag, self._drag = self._drag, None
        if drag is not None and drag.is_drag:
            self._session.commit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename."""
        found = self._at(event.position())
        if found is not None and found[1] == "name":
            self.rename(found[0].id)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl or pan with Shift; else leave the wheel to the scroll area."""
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if event.modifiers() & held:
            wheel_timeline(self._scale, event, self.width())
        else:
            event.ignore()

    def leaveEvent(self, event: object) -> None:
        """The mouse is elsewhere."""
        self.hint_changed.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select with up and down, move bars with left and right, rename with Enter."""
        key = Qt.Key(event.key())
        tracks = self._tracks()
        selected = [i for i, track in enumerate(tracks) if track.id in self._session.selection]
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and tracks:
            step = -1 if key == Qt.Key.Key_Up else 1
            row = (selected[0] + step if selected else 0) % len(tracks)
            self._session.select([tracks[row].id])
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and selected:
            self._choose_mark(tracks[selected[0]], -1 if key == Qt.Key.Key_PageUp else 1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and selected:
            step = -1 if key == Qt.Key.Key_Left else 1
            if not self._step_mark(step):
                self._step_bars(step)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and selected:
            self.rename(tracks[selected[0]].id)
        elif key == Qt.Key.Key_Escape and self._drag is not None:
            self._drag = None
            self._session.abort()
        elif key == Qt.Key.Key_Escape and self._chosen is not None:
            self._chosen = None
            self.update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the focus is elsewhere."""
        super().focusOutEvent(event)
        self.update()

    # Drawing.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows that are seen, and the playhead."""
        theme, scene = self._themes.theme, self._session.scene
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.window))
        if scene is not None:
            tracks, seen = self._tracks(), event.rect()
            first = max(0, seen.top() // ROW_HEIGHT)
            for row in range(first, min(len(tracks), seen.bottom() // ROW_HEIGHT + 1)):
                track = tracks[row]
                draw_row(painter, track, self._look(row, track, scene), theme)
            if not scene.tracks:
                draw_no_rows(painter, self.width(), theme)
            x = self._scale.x_of(self._preview.time_of(self._playback.index), self.width())
            if x >= GUTTER - 1:
                painter.setPen(QPen(QColor(theme.accent), 1.5))
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.end()
        self._pace.on_painted()

    # Inside.

    def _tracks(self) -> tuple[Track, ...]:
        scene = self._session.scene
        if scene is None:
            return ()
        pins = [track for track in reversed(scene.tracks) if track.kind == "pin"]
        return (*(track for track in reversed(scene.tracks) if track.kind != "pin"), *pins)

    def _look(self, row: int, track: Track, scene: Scene) -> RowLook:
        marks = [
            (
                self._scale.x_of(mark.time, self.width()),
                (track.id, mark.kind, mark.index) == self._chosen,
            )
            for mark in track_marks(track, scene.film)
        ]
        return RowLook(
            top=row * ROW_HEIGHT,
            width=self.width(),
            bar=self._bar(row, track),
            marks=marks,
            is_selected=track.id in self._session.selection,
            has_focus=self.hasFocus(),
        )

    def _mark_at(self, track: Track, position: QPointF) -> TrackMark | None:
        """The mark of a track that a press takes hold of; of several the nearest."""
        scene, bar = self._session.scene, self.bar_rect(track.id)
        if scene is None or abs(position.y() - bar.center().y()) > bar.height() / 2:
            return None
        found = [
            (abs(self._scale.x_of(mark.time, self.width()) - position.x()), mark)
            for mark in track_marks(track, scene.film)
        ]
        near = [(distance, mark) for distance, mark in found if distance <= MARK_PX]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def _bar(self, row: int, track: Track) -> QRectF:
        scene = self._session.scene
        if scene is None:
            return QRectF()
        first, last = track_span(track, scene.film)
        left, right = (self._scale.x_of(time, self.width()) for time in (first, last))
        return QRectF(left, row * ROW_HEIGHT + 5, max(4.0, right - left), ROW_HEIGHT - 10)

    def _at(self, position: QPointF) -> tuple[Track, RowPart] | None:
        tracks = self._tracks()
        row = int(position.y() // ROW_HEIGHT)
        if not 0 <= row < len(tracks):
            return None
        track = tracks[row]
        if position.x() < EYE_WIDTH:
            return track, "eye"
        if position.x() < GUTTER - 8:
            return track, "name"
        bar = self._bar(row, track)
        edge = min(_EDGE_PX, bar.width() / 4)
        if not bar.left() - edge <= position.x() <= bar.right() + edge:
            return track, "row"
        if position.x() <= bar.left() + edge:
            return track, "start"
        return track, "end" if position.x() >= bar.right() - edge else "middle"

    def _hover(self, position: QPointF) -> None:
        found = self._at(position)
        part = None if found is None else found[1]
        is_pin = found is not None and found[0].kind == "pin"
        mark = None if found is None else self._mark_at(found[0], position)
        if found is not None and mark is not None:
            self.setCursor(Qt.CursorShape.SplitHCursor)
            self.hint_changed.emit(mark_hint(found[0], mark))
            return
        if part in ("start", "end") and not is_pin:
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif part == "middle" and not is_pin:
            self.setCursor(Qt.CursorShape.SizeAllCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        if found is None:
            self.hint_changed.emit("")
            return
        title = track_title(found[0])
        hints: dict[RowPart, str] = {
            "eye": (
                tr("Click switches {title} off")
                if found[0].is_on
                else tr("Click switches {title} on")
            ).format(title=title),
            "name": tr("Click selects {title} · double-click renames it").format(title=title),
            "row": tr("Click selects {title}").format(title=title),
        }
        bar_hint = (
            tr("{title} holds still all the time").format(title=title)
            if is_pin
            else (
                tr("Drag to move when {title} moves · Shift drags freely").format(title=title)
                if part == "middle"
                else (
                    tr("Drag to change when {title} begins")
                    if part == "start"
                    else tr("Drag to change when {title} ends")
                ).format(title=title)
            )
        )
        self.hint_changed.emit(hints.get(found[1], bar_hint))

    def _choose_mark(self, track: Track, step: int) -> None:
        """Choose the next mark of a track, or the one before; say what it is."""
        scene = self._session.scene
        marks = [] if scene is None else track_marks(track, scene.film)
        if not marks:
            return
        names = [(track.id, mark.kind, mark.index) for mark in marks]
        if self._chosen in names:
            at = (names.index(self._chosen) + step) % len(names)
        else:
            at = 0 if step > 0 else len(names) - 1
        self._chosen = names[at]
        self.hint_changed.emit(mark_hint(track, marks[at]))
        self.update()

    def _step_mark(self, frames: int) -> bool:
        """Move the chosen mark by frames; return whether one is chosen."""
        scene, chosen = self._session.scene, self._chosen
        if scene is None or chosen is None:
            return False
        track, film = scene.track(chosen[0]), scene.film
        for mark in track_marks(track, film):
            if (track.id, mark.kind, mark.index) == chosen:
                moved = dragged_mark(track, film, mark, mark.time + frames / film.fps)
                self._session.set_tracks([moved], MARK_LABELS[mark.kind], key=f"mark {chosen}")
                return True
        self._chosen = None
        return False

    def _step_bars(self, frames: int) -> None:
        scene = self._session.scene
        if scene is None:
            return
        tracks = [track for track in self._session.selected_tracks if track.kind != "pin"]
        moved = [dragged(t, scene.film, "middle", frames / scene.film.fps) for t in tracks]
        if moved:
            key = f"bar {sorted(track.id for track in moved)}"
            self._session.set_tracks(
                moved,
                tr("Change time of {tracks}").format(tracks=tracks_title(moved)),
                key=key,
            )
