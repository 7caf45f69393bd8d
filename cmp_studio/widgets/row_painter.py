"""Draws a row of the timeline: the sign and name of a track, its bar and its marks."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from cmp_studio.document.scene import Scene
from cmp_studio.document.tracks import Track
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import track_title
from cmp_studio.widgets.theme import TRACK_COLORS, Theme
from cmp_studio.widgets.time_scale import GUTTER

ROW_HEIGHT: Final = 24
EYE_WIDTH: Final = 22.0
MARK_PX: Final = 5.0
"""Half the width of a mark."""

_TOO_LIGHT: Final = 0.85
"""Track colours lighter than this are not seen on a light ground."""


@dataclass(frozen=True, slots=True)
class RowLook:
    """How a row is drawn.

    Attributes:
        top: Where it begins, px.
        width: Px.
        bar: Where its bar lies.
        marks: Where its marks are, px, and whether each is the chosen one.
        is_selected: Its track is selected.
        has_focus: The rows have the keyboard.
    """

    top: float
    width: float
    bar: QRectF
    marks: Sequence[tuple[float, bool]]
    is_selected: bool
    has_focus: bool


def seen_of(scene: Scene | None) -> Hashable:
    """What the rows show of a scene: of arrows and pins not where they are."""
    if scene is None:
        return None
    rows = (
        (track.id, track.kind, track.name, track.color, track.is_on, track.timing)
        if track.kind in ("arrow", "pin")
        else track
        for track in scene.tracks
    )
    return scene.film, *rows


def draw_no_rows(painter: QPainter, width: float, theme: Theme) -> None:
    """Say where rows come from."""
    painter.setPen(QColor(theme.muted))
    room = QRectF(GUTTER, 0, width - GUTTER, ROW_HEIGHT + 4)
    words = tr("Drag an arrow on the photo: its time is shown here")
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)


def draw_row(painter: QPainter, track: Track, look: RowLook, theme: Theme) -> None:
    """Draw the row of a track."""
    if look.is_selected:
        ground = QColor(theme.pressed if look.has_focus else theme.hover)
        painter.fillRect(QRectF(0, look.top, look.width, ROW_HEIGHT), ground)
    color = QColor(TRACK_COLORS[track.color % len(TRACK_COLORS)])
    if not theme.is_dark and color.lightnessF() > _TOO_LIGHT:
        color = QColor(theme.muted)
    _draw_sign(painter, QPointF(EYE_WIDTH / 2 + 3, look.top + ROW_HEIGHT / 2), track, color)
    painter.setPen(QColor(theme.text if track.is_on else theme.disabled))
    name = painter.fontMetrics().elidedText(
        track_title(track), Qt.TextElideMode.ElideRight, GUTTER - round(EYE_WIDTH) - 16
    )
    name_rect = QRectF(EYE_WIDTH + 4, look.top, GUTTER - EYE_WIDTH - 12, ROW_HEIGHT)
    painter.drawText(name_rect, Qt.AlignmentFlag.AlignVCenter, name)
    painter.save()
    painter.setClipRect(QRectF(GUTTER - 6, look.top, look.width - GUTTER + 6, ROW_HEIGHT))
    bar, fill = look.bar, QColor(color)
    fill.setAlphaF(0.9 if track.is_on else 0.3)
    if track.kind == "pin":
        bar = QRectF(bar.left(), bar.center().y() - 1.5, bar.width(), 3)
    painter.setPen(QPen(QColor(theme.text), 1.5) if look.is_selected else Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(bar, min(4.0, bar.height() / 2), min(4.0, bar.height() / 2))
    for x, is_chosen in look.marks:
        _draw_mark(painter, QPointF(x, bar.center().y()), theme, is_chosen=is_chosen)
    painter.restore()


def _draw_mark(painter: QPainter, at: QPointF, theme: Theme, *, is_chosen: bool) -> None:
    size = MARK_PX + 1.5 if is_chosen else MARK_PX - 0.5
    painter.setPen(QPen(QColor(20, 20, 20, 200), 1))
    painter.setBrush(QColor(theme.accent) if is_chosen else QColor(255, 255, 255))
    corners = [QPointF(0, -size), QPointF(size, 0), QPointF(0, size), QPointF(-size, 0)]
    painter.drawPolygon(QPolygonF([at + corner for corner in corners]))


def _draw_sign(painter: QPainter, at: QPointF, track: Track, color: QColor) -> None:
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
