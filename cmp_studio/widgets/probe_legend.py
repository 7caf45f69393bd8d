"""Small cards over the photo: what colours mean, what the mouse is on, numbers of things."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen

from cmp_studio.document.tracks import Point
from cmp_studio.services.probe_views import layer_title
from cmp_studio.services.translation import tr
from cmp_studio.widgets.flow_painter import rgb_image

if TYPE_CHECKING:
    from cmp_studio.pipeline.probe_readout import Readout

_CARD: Final = QColor(20, 20, 20, 205)
_TEXT: Final = QColor(236, 236, 236)
_MUTED: Final = QColor(176, 176, 176)
_MARGIN: Final = 16.0
_BAR_WIDTH: Final = 176.0


def draw_bar(painter: QPainter, view: QRectF, low: float, high: float, layer: str) -> None:
    """Draw the colours of a map with their values into the lower left corner of ``view``."""
    metrics = painter.fontMetrics()
    line = metrics.height()
    card = QRectF(
        view.left() + _MARGIN,
        view.bottom() - _MARGIN - (2 * line + 38),
        _BAR_WIDTH + 24,
        2 * line + 38,
    )
    _draw_ground(painter, card)
    painter.save()
    painter.setPen(_TEXT)
    title = QRectF(card.left() + 12, card.top() + 8, _BAR_WIDTH, line)
    painter.drawText(title, Qt.AlignmentFlag.AlignLeft, layer_title(layer))
    bar = QRectF(card.left() + 12, title.bottom() + 6, _BAR_WIDTH, 10)
    ramp = _ramp(is_signed=low < 0)
    painter.drawImage(bar, ramp, QRectF(ramp.rect()))
    below = QRectF(bar.left(), bar.bottom() + 5, _BAR_WIDTH, line)
    painter.setPen(_MUTED)
    for value, flag in (
        (low, Qt.AlignmentFlag.AlignLeft),
        ((low + high) / 2, Qt.AlignmentFlag.AlignHCenter),
        (high, Qt.AlignmentFlag.AlignRight),
    ):
        painter.drawText(below, flag, f"{value:.2g}")
    painter.restore()


def draw_readout(
    painter: QPainter, view: QRectF, point: Point, readout: Readout, layer: str
) -> None:
    """Draw what the layer says under the mouse into the upper left corner of ``view``."""
    rows = [("x, y", f"{point[0]:.0f}, {point[1]:.0f} px")]
    if readout.u is not None and readout.v is not None:
        rows.append(("u, v", f"{readout.u:+.2f}, {readout.v:+.2f} px"))
    if readout.magnitude is not None and readout.angle is not None:
        rows.append((tr("length"), f"{readout.magnitude:.2f} px"))
        rows.append((tr("angle"), f"{round(readout.angle) or 0:+d}°"))
    if readout.value is not None:
        rows.append((layer_title(layer).lower(), f"{readout.value:.3f}"))
    if readout.part is not None:
        rows.append((tr("part"), str(readout.part)))
    if len(rows) == 1:  # the place alone says nothing
        return
    metrics = painter.fontMetrics()
    left = max(metrics.horizontalAdvance(name) for name, _ in rows)
    right = max(
        metrics.horizontalAdvance("+000.00, +000.00 px"),
        *(metrics.horizontalAdvance(value) for _, value in rows),
    )
    height = metrics.height() + 3
    card = QRectF(
        view.left() + _MARGIN,
        view.top() + _MARGIN,
        left + right + 40,
        len(rows) * height + 15,
    )
    _draw_ground(painter, card)
    painter.save()
    for row, (name, value) in enumerate(rows):
        line = QRectF(card.left() + 12, card.top() + 8 + row * height, card.width() - 24, height)
        painter.setPen(_MUTED)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, name)
        painter.setPen(_TEXT)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, value)
    painter.restore()


def draw_card(painter: QPainter, at: QPointF, text: str, *, is_centred: bool = False) -> None:
    """Draw a few words on a dark card beside a place, or in the middle of it."""
    metrics = painter.fontMetrics()
    card = QRectF(at.x(), at.y(), metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    if is_centred:
        card.moveCenter(at)
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_CARD)
    painter.drawRoundedRect(card, 5, 5)
    painter.setPen(_TEXT)
    painter.drawText(card, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def draw_number(painter: QPainter, at: QPointF, number: int) -> None:
    """Draw a number on a small disc."""
    painter.save()
    font = QFont(painter.font())
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QPen(QColor(255, 255, 255, 160), 1))
    painter.setBrush(QColor(20, 20, 20, 225))
    painter.drawEllipse(at, 10, 10)
    painter.setPen(QColor(255, 255, 255))
    disc = QRectF(at.x() - 12, at.y() - 12, 24, 24)
    painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, str(number))
    painter.restore()


def _draw_ground(painter: QPainter, card: QRectF) -> None:
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_CARD)
    painter.drawRoundedRect(card, 8, 8)
    painter.restore()


@lru_cache(maxsize=2)
def _ramp(*, is_signed: bool) -> QImage:
    from cmp_studio.services.probe_show import ramp_colors

    return rgb_image(np.ascontiguousarray(ramp_colors(is_signed=is_signed)))
