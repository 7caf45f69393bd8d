"""The rows of the timeline: a name and a bar for each track."""

from __future__ import annotations

import math
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
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QLineEdit, QWidget

from cmp_studio.document.motion import track_span
from cmp_studio.document.scene import FilmSettings, Scene, replace_track
from cmp_studio.document.tracks import Track
from cmp_studio.services.bar_edits import BarPart, dragged, point_times
from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.wording import track_title, tracks_title
from cmp_studio.widgets.theme import TRACK_COLORS, ThemeManager
from cmp_studio.widgets.time_scale import GUTTER, TimeScale
from cmp_studio.widgets.timeline_ruler import wheel_timeline

ROW_HEIGHT: Final = 24
_EDGE_PX: Final = 8.0
_DRAG_PX: Final = 3.0
_EYE: Final = 22.0
_TOO_LIGHT: Final = 0.85
"""Track colours lighter than this are not seen on a light ground."""

RowPart = Literal["eye", "name", "start", "middle", "end", "row"]


@dataclass(slots=True)
class _BarDrag:
    track_ids: frozenset[int]
    part: BarPart
    start_x: float
    base: Scene
    is_drag: bool = False


class TrackRows(QWidget):
    """One row for each track, the newest on top, as on the photo.

    Mouse: a bar is dragged by its middle or its ends (Shift: not to whole frames); a click selects;
    a double-click on a name renames. Keys: up and down select, left and right move the bar by a
    frame, Enter renames, Space is left to the window.

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
        self._drag: _BarDrag | None = None
        self._renamed = 0
        self.setAccessibleName("Tracks in time")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._editor = QLineEdit(self)
        self._editor.setAccessibleName("Name of the track")
        self._editor.hide()
        self._editor.editingFinished.connect(self.on_renamed)
        session.scene_changed.connect(self.on_scene_changed)
        session.selection_changed.connect(self.update)
        playback.frame_changed.connect(self.update)
        scale.changed.connect(self.update)
        themes.changed.connect(self.update)
        self.on_scene_changed()

    def on_scene_changed(self) -> None:
        """Take the room that the tracks need."""
        self.setMinimumHeight(max(1, len(self._tracks())) * ROW_HEIGHT + 4)
        self.updateGeometry()
        self.update()

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
                return QRectF(_EYE, row * ROW_HEIGHT, GUTTER - _EYE - 8, ROW_HEIGHT)
        return QRectF()

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
                self._session.set_tracks([replace(track, name=text)], "Rename track")

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
            verb = "Switch off" if track.is_on else "Switch on"
            changed = replace(track, is_on=not track.is_on)
            self._session.set_tracks([changed], f"{verb} {tracks_title([track])}")
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._session.toggle_selected(track.id)
            return
        if track.id not in self._session.selection:
            extends = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._session.select([*self._session.selection, track.id] if extends else [track.id])
        if part in ("start", "middle", "end") and track.kind != "pin":
            self._session.commit()
            held: BarPart = "start" if part == "start" else "end" if part == "end" else "middle"
            ids = self._session.selection
            self._drag = _BarDrag(ids, held, event.position().x(), scene)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a bar, or show what a press would do."""
        drag, scene = self._drag, self._session.scene
        if drag is None or scene is None:
            self._hover(event.position())
            return
        dx = event.position().x() - drag.start_x
        if not drag.is_drag and abs(dx) < _DRAG_PX:
            return
        drag.is_drag = True
        width = self.width()
        seconds = self._scale.time_at(dx, width) - self._scale.time_at(0, width)
        is_snapping = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        changed, moved = drag.base, []
        for track in drag.base.tracks:
            if track.id in drag.track_ids and track.kind != "pin":
                film = drag.base.film
                moved.append(dragged(track, film, drag.part, seconds, is_snapping=is_snapping))
                changed = replace_track(changed, moved[-1])
        self._session.preview(
            changed, f"Change time of {tracks_title(moved)}", edited=drag.track_ids
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
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and selected:
            self._step_bars(-1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and selected:
            self.rename(tracks[selected[0]].id)
        elif key == Qt.Key.Key_Escape and self._drag is not None:
            self._drag = None
            self._session.abort()
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

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw every row and the playhead."""
        theme, scene = self._themes.theme, self._session.scene
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.window))
        if scene is not None:
            for row, track in enumerate(self._tracks()):
                self._draw_row(painter, row, track, scene.film)
            if not scene.tracks:
                painter.setPen(QColor(theme.muted))
                room = QRectF(GUTTER, 0, self.width() - GUTTER, ROW_HEIGHT + 4)
                words = "Drag an arrow on the photo: its time is shown here"
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
            x = self._scale.x_of(self._preview.time_of(self._playback.index), self.width())
            if x >= GUTTER - 1:
                painter.setPen(QPen(QColor(theme.accent), 1.5))
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.end()

    def _draw_row(self, painter: QPainter, row: int, track: Track, film: FilmSettings) -> None:
        theme = self._themes.theme
        top = row * ROW_HEIGHT
        is_selected = track.id in self._session.selection
        if is_selected:
            ground = QColor(theme.pressed if self.hasFocus() else theme.hover)
            painter.fillRect(QRectF(0, top, self.width(), ROW_HEIGHT), ground)
        color = QColor(TRACK_COLORS[track.color % len(TRACK_COLORS)])
        if not theme.is_dark and color.lightnessF() > _TOO_LIGHT:
            color = QColor(theme.muted)
        self._draw_sign(painter, QPointF(_EYE / 2 + 3, top + ROW_HEIGHT / 2), track, color)
        painter.setPen(QColor(theme.text if track.is_on else theme.disabled))
        name = painter.fontMetrics().elidedText(
            track_title(track), Qt.TextElideMode.ElideRight, GUTTER - round(_EYE) - 16
        )
        name_rect = QRectF(_EYE + 4, top, GUTTER - _EYE - 12, ROW_HEIGHT)
        painter.drawText(name_rect, Qt.AlignmentFlag.AlignVCenter, name)
        painter.save()
        painter.setClipRect(QRectF(GUTTER - 4, top, self.width() - GUTTER + 4, ROW_HEIGHT))
        bar = self._bar(row, track)
        fill = QColor(color)
        fill.setAlphaF(0.9 if track.is_on else 0.3)
        if track.kind == "pin":
            bar = QRectF(bar.left(), bar.center().y() - 1.5, bar.width(), 3)
        painter.setPen(QPen(QColor(theme.text), 1.5) if is_selected else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(bar, min(4.0, bar.height() / 2), min(4.0, bar.height() / 2))
        painter.setPen(QPen(QColor(20, 20, 20, 160), 1))
        painter.setBrush(QColor(255, 255, 255))
        for time in point_times(track, film):
            at = QPointF(self._scale.x_of(time, self.width()), bar.center().y())
            diamond = [QPointF(0, -4), QPointF(4, 0), QPointF(0, 4), QPointF(-4, 0)]
            painter.drawPolygon(QPolygonF([at + corner for corner in diamond]))
        painter.restore()

    def _draw_sign(self, painter: QPainter, at: QPointF, track: Track, color: QColor) -> None:
        """The kind of the track as a shape; hollow while it is off."""
        painter.setPen(QPen(color, 1.8))
        painter.setBrush(color if track.is_on else Qt.BrushStyle.NoBrush)
        if track.kind == "pin":
            corners = [QPointF(0, -5), QPointF(5, 0), QPointF(0, 5), QPointF(-5, 0)]
            painter.drawPolygon(QPolygonF([at + corner for corner in corners]))
        elif track.kind == "take":
            painter.drawEllipse(at, 4.5, 4.5)
        elif track.kind == "path":
            turn = [at + QPointF(5 * math.cos(a), 5 * math.sin(a)) for a in (-2.6, -0.9, 0.4, 2.2)]
            painter.drawPolygon(QPolygonF(turn))
        else:
            arrow = [QPointF(-5, -4), QPointF(5.5, 0), QPointF(-5, 4)]
            painter.drawPolygon(QPolygonF([at + corner for corner in arrow]))

    # Inside.

    def _tracks(self) -> tuple[Track, ...]:
        scene = self._session.scene
        return () if scene is None else tuple(reversed(scene.tracks))

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
        if position.x() < _EYE:
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
            "eye": f"Click switches {title} {'off' if found[0].is_on else 'on'}",
            "name": f"Click selects {title} · double-click renames it",
            "row": f"Click selects {title}",
        }
        bar_hint = (
            f"{title} holds still all the time"
            if is_pin
            else (
                f"Drag to move when {title} moves · Shift drags freely"
                if part == "middle"
                else f"Drag to change when {title} {'begins' if part == 'start' else 'ends'}"
            )
        )
        self.hint_changed.emit(hints.get(found[1], bar_hint))

    def _step_bars(self, frames: int) -> None:
        scene = self._session.scene
        if scene is None:
            return
        tracks = [track for track in self._session.selected_tracks if track.kind != "pin"]
        moved = [dragged(t, scene.film, "middle", frames / scene.film.fps) for t in tracks]
        if moved:
            key = f"bar {sorted(track.id for track in moved)}"
            self._session.set_tracks(moved, f"Change time of {tracks_title(moved)}", key=key)
