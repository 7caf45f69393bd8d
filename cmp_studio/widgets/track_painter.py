"""Draws arrows, paths and pins at a constant size on the screen, readable on any picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from cmp_studio.document.hit_test import HitPart
from cmp_studio.document.motion import drawn_line
from cmp_studio.document.tracks import Point, Track
from cmp_studio.widgets.kept_drawing import Ground, KeptDrawing
from cmp_studio.widgets.theme import TRACK_COLORS
from cmp_studio.widgets.view_transform import ViewTransform

_OUTLINE: Final = QColor(26, 26, 26)
"""Opaque: Qt takes eight times as long to draw a line that shines through."""
_SELECTED: Final = QColor(255, 255, 255)
FAR_COLOR: Final = QColor(255, 176, 0, 150)
_SHAFT: Final = 2.6
_HEAD_LENGTH: Final = 14.0
_HEAD_WIDTH: Final = 12.5
_TAIL_RADIUS: Final = 5.0
_PIN_RADIUS: Final = 8.0
_BEAD_CLEARANCE: Final = 14.0


@dataclass(frozen=True, slots=True)
class TrackLook:
    """How one track is drawn.

    Attributes:
        is_selected: With a white edge and handles.
        hovered: Part that a press would take, drawn larger.
        moved: Where the track's start is at the due time, as displacement in px of the picture; two
            looks that differ in it alone are equal, as it is drawn each time.
        has_points: The points between the ends of a path are drawn as handles.
        point: Number of the point that a press would take, or -1.
        is_far: It goes further than one answer of the network.
    """

    is_selected: bool = False
    hovered: HitPart | None = None
    moved: Point = field(default=(0.0, 0.0), compare=False)
    has_points: bool = False
    point: int = -1
    is_far: bool = False


class TrackPainter:
    """Draws the tracks of a canvas, and keeps each drawing.

    Most repaints change one track or none: a film that plays moves beads only.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def draw(
        self,
        painter: QPainter,
        transform: ViewTransform,
        tracks: Iterable[tuple[Track, TrackLook]],
    ) -> None:
        """Draw tracks, the last on top; the painter is in logical screen px."""
        kept: dict[int, _Kept] = {}
        painter.save()
        # A recording leaves out what was so when it began.
        painter.setPen(QPen())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        opacity, ground = painter.opacity(), Ground.of(painter)
        for track, look in tracks:
            known = self._kept.get(track.id)
            if known is None or not known.is_of(track, look, transform.scale):
                known = _Kept.of(track, look, transform.scale)
            kept[track.id] = known
            painter.setOpacity(opacity * _opacity_of(track))
            known.drawing.put(painter, transform.to_screen(track.tail), ground)
            _draw_moved(painter, track, transform, look)
        painter.restore()
        self._kept = kept


@dataclass(frozen=True, slots=True)
class _Kept:
    """A track as it was drawn, its tail in the origin."""

    track: Track
    look: TrackLook
    scale: float
    drawing: KeptDrawing

    @classmethod
    def of(cls, track: Track, look: TrackLook, scale: float) -> _Kept:
        x, y = track.tail
        around_tail = ViewTransform(scale, -(x + 0.5) * scale, -(y + 0.5) * scale)
        drawing = KeptDrawing(lambda painter: _draw_standing(painter, track, around_tail, look))
        return cls(track, look, scale, drawing)

    def is_of(self, track: Track, look: TrackLook, scale: float) -> bool:
        return self.track is track and self.scale == scale and self.look == look


def draw_track(painter: QPainter, track: Track, transform: ViewTransform, look: TrackLook) -> None:
    """Draw ``track``; the painter is in logical screen px."""
    painter.save()
    painter.setOpacity(painter.opacity() * _opacity_of(track))
    _draw_standing(painter, track, transform, look)
    _draw_moved(painter, track, transform, look)
    painter.restore()


def _opacity_of(track: Track) -> float:
    return 1.0 if track.is_on else 0.55


def _draw_standing(
    painter: QPainter, track: Track, transform: ViewTransform, look: TrackLook
) -> None:
    """Draw all but what moves with the film."""
    color = QColor(TRACK_COLORS[track.color % len(TRACK_COLORS)])
    if track.kind == "pin":
        if track.stiffness > 0:
            _draw_reach(painter, transform, track, color)
        _draw_pin(painter, transform.to_screen(track.tail), color, look)
        return
    line = [transform.to_screen(point) for point in drawn_line(track)]
    if track.kind == "take":
        _draw_take(painter, line, color, look, is_on=track.is_on)
        return
    if look.is_far:
        _draw_far(painter, line)
    _draw_arrow(painter, line, color, look, is_on=track.is_on)
    if look.has_points:
        inner = [transform.to_screen(point) for point in track.points[1:-1]]
        _draw_points(painter, inner, color, look)


def _draw_moved(painter: QPainter, track: Track, transform: ViewTransform, look: TrackLook) -> None:
    """Draw the bead where the track's start is at the due time."""
    if track.kind == "pin" or not track.is_on or look.moved == (0.0, 0.0):
        return
    x, y = track.tail
    at = transform.to_screen((x + look.moved[0], y + look.moved[1]))
    if track.kind != "take":
        ends = (transform.to_screen(track.tail), transform.to_screen(track.points[-1]))
        if min(_distance(at, end) for end in ends) <= _BEAD_CLEARANCE:
            return
    painter.save()
    _draw_bead(painter, at, QColor(TRACK_COLORS[track.color % len(TRACK_COLORS)]))
    painter.restore()


def _draw_arrow(
    painter: QPainter, line: list[QPointF], color: QColor, look: TrackLook, *, is_on: bool
) -> None:
    tail, head = line[0], line[-1]
    direction = _direction(line)
    length = sum(_distance(a, b) for a, b in pairwise(line))
    grow = 1.25 if look.hovered == "head" else 1.0
    head_length = min(_HEAD_LENGTH * grow, max(6.0, length * 0.8))
    head_width = _HEAD_WIDTH * grow * head_length / (_HEAD_LENGTH * grow)
    tail_radius = _TAIL_RADIUS * (1.25 if look.hovered in ("tail", "body") else 1.0)

    shaft = QPainterPath(tail)
    for point in line[1:-1]:
        shaft.lineTo(point)
    shaft.lineTo(head - direction * (head_length * 0.7))
    side = QPointF(-direction.y(), direction.x()) * (head_width / 2)
    base = head - direction * head_length
    tip = QPolygonF([head, base + side, base + direction * (head_length * 0.22), base - side])

    dash = Qt.PenStyle.SolidLine if is_on else Qt.PenStyle.DashLine
    passes: list[tuple[QColor, float]] = [(_OUTLINE, 2.4), (color, 0.0)]
    if look.is_selected:
        passes = [(_OUTLINE, 4.6), (_SELECTED, 2.6), (color, 0.0)]
    for pen_color, extra in passes:
        pen = QPen(pen_color, _SHAFT + extra)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if extra == 0.0:
            pen.setStyle(dash)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shaft)
    for pen_color, extra in passes:
        pen = QPen(pen_color, max(extra, 0.01))
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(pen_color)
        painter.drawPolygon(tip)
    _draw_ring(painter, tail, tail_radius, color, passes)


def _draw_take(
    painter: QPainter, line: list[QPointF], color: QColor, look: TrackLook, *, is_on: bool
) -> None:
    """A recorded way: a dotted line from a disc with a ring, so that it differs in shape."""
    passes: list[tuple[QColor, float]] = [(_OUTLINE, 2.4), (color, 0.0)]
    if look.is_selected:
        passes = [(_OUTLINE, 4.6), (_SELECTED, 2.6), (color, 0.0)]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen_color, extra in passes:
        pen = QPen(pen_color, _SHAFT - 0.4 + extra)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if extra == 0.0 and not is_on:
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(line))
    at = line[0]
    radius = (_TAIL_RADIUS + 2.4) * (1.2 if look.hovered in ("pin", "body") else 1.0)
    _draw_ring(painter, at, radius, color, passes)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(at, 3.4, 3.4)


def _draw_points(painter: QPainter, points: list[QPointF], color: QColor, look: TrackLook) -> None:
    for index, at in enumerate(points, 1):
        radius = 5.2 if index == look.point else 4.0
        painter.setPen(QPen(_OUTLINE, 3.0))
        painter.setBrush(_SELECTED)
        painter.drawEllipse(at, radius, radius)
        painter.setPen(QPen(color, 1.6))
        painter.drawEllipse(at, radius, radius)


def _draw_far(painter: QPainter, line: list[QPointF]) -> None:
    """An amber glow: further than the network can answer at once."""
    pen = QPen(FAR_COLOR, 11.0)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(line))


def _draw_reach(painter: QPainter, transform: ViewTransform, track: Track, color: QColor) -> None:
    """How far a stiff pin holds."""
    radius = track.stiffness * transform.scale
    for pen_color, width in ((QColor(0, 0, 0, 120), 2.6), (color, 1.2)):
        pen = QPen(pen_color, width)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(transform.to_screen(track.tail), radius, radius)


def _draw_ring(
    painter: QPainter,
    at: QPointF,
    radius: float,
    color: QColor,
    passes: list[tuple[QColor, float]],
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen_color, extra in passes:
        painter.setPen(QPen(pen_color, 2.4 + extra))
        painter.drawEllipse(at, radius, radius)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(16, 16, 16, 150))
    painter.drawEllipse(at, radius - 1.2, radius - 1.2)
    painter.setBrush(color)
    painter.drawEllipse(at, 1.3, 1.3)


def _draw_pin(painter: QPainter, at: QPointF, color: QColor, look: TrackLook) -> None:
    radius = _PIN_RADIUS * (1.2 if look.hovered == "pin" else 1.0)
    diamond = QPolygonF(
        [
            at + QPointF(0, -radius),
            at + QPointF(radius, 0),
            at + QPointF(0, radius),
            at + QPointF(-radius, 0),
        ]
    )
    edges: list[tuple[QColor, float]] = [(_OUTLINE, 3.0)]
    if look.is_selected:
        edges = [(_OUTLINE, 6.0), (_SELECTED, 4.0)]
    for edge_color, width in edges:
        pen = QPen(edge_color, width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(edge_color)
        painter.drawPolygon(diamond)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(diamond)
    cross = QPen(QColor(16, 16, 16, 230), 1.8)
    cross.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(cross)
    reach = radius * 0.3
    painter.drawLine(at + QPointF(-reach, -reach), at + QPointF(reach, reach))
    painter.drawLine(at + QPointF(-reach, reach), at + QPointF(reach, -reach))


def _draw_bead(painter: QPainter, at: QPointF, color: QColor) -> None:
    painter.setPen(QPen(_OUTLINE, 3.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, 3.2, 3.2)
    painter.setPen(QPen(color, 1.4))
    painter.setBrush(_SELECTED)
    painter.drawEllipse(at, 3.2, 3.2)


def draw_band(painter: QPainter, rect: QRectF, accent: QColor) -> None:
    """Draw the selection rectangle."""
    fill = QColor(accent)
    fill.setAlpha(36)
    painter.setPen(QPen(QColor(0, 0, 0, 140), 2.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect)
    painter.setPen(QPen(accent, 1))
    painter.setBrush(fill)
    painter.drawRect(rect)


def _direction(line: list[QPointF]) -> QPointF:
    """Unit vector in which the line ends; to the right when it has no length."""
    head = line[-1]
    for point in reversed(line[:-1]):
        distance = _distance(point, head)
        if distance > 1.0:
            return (head - point) / distance
    return QPointF(1.0, 0.0)


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
