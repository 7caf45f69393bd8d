"""The photo in the Probe mode: what was found over it, and what was put on it to ask."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from cmp_studio.document.probe_board import ProbeBoard, arrows_of
from cmp_studio.document.tracks import Point, make_arrow, make_pin
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.probe_show import Lines, ProbeShow
from cmp_studio.services.probe_tools import ProbeTools
from cmp_studio.services.probe_views import view_of
from cmp_studio.services.prober import Prober
from cmp_studio.services.translation import tr
from cmp_studio.widgets.flow_painter import FlowPainter, rgba_image
from cmp_studio.widgets.picture_view import Button, PictureView
from cmp_studio.widgets.probe_legend import draw_bar, draw_card, draw_number, draw_readout
from cmp_studio.widgets.theme import ThemeManager
from cmp_studio.widgets.track_painter import TrackLook, draw_track

_OUTLINE: Final = QColor(16, 16, 16, 200)
_WHITE: Final = QColor(255, 255, 255)
_ACCENT: Final = QColor(255, 143, 80)
_A_COLOR, _B_COLOR = 0, 2
"""Of arrows, numbers in the palette of tracks: blue and vermilion."""

_LEAST_INFLUENCE: Final = 0.1


class ProbeCanvas(PictureView):
    """Draws the board and the findings over the photo, and hands the mouse to the tools."""

    def __init__(
        self,
        prober: Prober,
        tools: ProbeTools,
        show: ProbeShow,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(themes, parent)
        self._prober = prober
        self._tools = tools
        self._show = show
        self._flow = FlowPainter()
        self._image = QImage()
        self._image_array: NDArray[np.uint8] | None = None
        self._lines_of: tuple[Lines, Lines] | None = None
        self._paths: tuple[QPainterPath, ...] = ()
        self._marked: Point | None = None
        self.setAccessibleName(tr("Probe canvas"))
        self.setAccessibleDescription(tr("The photo, what is pulled, and what moves along"))
        prober.board_changed.connect(self.update)
        prober.view_changed.connect(self.update)
        tools.changed.connect(self.update)
        show.changed.connect(self.update)

    def mark(self, point: Point | None) -> None:
        """Show the place of the photo that a plot is read at, px."""
        if point != self._marked:
            self._marked = point
            self.update()

    # Drawing.

    def draw_over(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the layer, its lines, the board and the legends."""
        self._draw_layer(painter, rect)
        finding = self._show.finding
        if finding is not None and self._show.has_lines:
            self._draw_outlines(painter)
            if finding.center is not None:
                self._draw_center(painter, finding.center)
        self._draw_parts(painter)
        self._draw_board(painter)
        self._draw_line(painter)
        self._draw_legend(painter)
        self._draw_readout(painter)

    def _draw_layer(self, painter: QPainter, rect: QRectF) -> None:
        layer = self._show.painted
        if layer is None:
            return
        if layer.pixels is not self._image_array:
            self._image_array, self._image = layer.pixels, rgba_image(layer.pixels)
        painter.save()
        painter.setOpacity(self._show.opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, layer.legend != "parts")
        painter.drawImage(rect, self._image, QRectF(self._image.rect()))
        painter.restore()
        picture = self._prober.picture
        if layer.needles is not None and self._show.has_needles and picture is not None:
            self._flow.draw_needles(painter, self._transform, layer.needles, picture.image_hw)

    def _draw_outlines(self, painter: QPainter) -> None:
        lines = self._show.lines
        if lines is not self._lines_of:
            self._lines_of, self._paths = lines, tuple(_closed_path(part) for part in lines)
        scale = self._transform.scale
        shown = QTransform.fromTranslate(
            self._transform.left + scale / 2, self._transform.top + scale / 2
        )
        shown.scale(scale, scale)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for path, color in zip(self._paths, (_WHITE, _ACCENT), strict=True):
            placed = shown.map(path)
            for pen in (QPen(QColor(0, 0, 0, 130), 2.6), QPen(color, 1.2)):
                painter.setPen(pen)
                painter.drawPath(placed)

    def _draw_center(self, painter: QPainter, center: Point) -> None:
        """The joint: a ring with a cross, and how far the part turns about it."""
        finding = self._show.finding
        at = self._transform.to_screen(center)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(_OUTLINE, 5), QPen(_ACCENT, 2.2)):
            painter.setPen(pen)
            painter.drawEllipse(at, 9, 9)
            painter.drawLine(at - QPointF(14, 0), at + QPointF(14, 0))
            painter.drawLine(at - QPointF(0, 14), at + QPointF(0, 14))
        if finding is None or not len(finding.arrows):
            return
        x, y = finding.arrows[0][:2].tolist()
        angle = finding.numbers.get("strongest_angle_degrees")
        if not isinstance(angle, float):
            return
        arm = QLineF(at, self._transform.to_screen((x, y)))
        turned = QLineF(arm)
        turned.setAngle(arm.angle() - angle)  # Qt counts angles against the clock
        around = QRectF(at.x(), at.y(), 0, 0).adjusted(
            -arm.length(), -arm.length(), arm.length(), arm.length()
        )
        for width, color in ((4.0, _OUTLINE), (1.6, _ACCENT)):
            pen = QPen(color, width, Qt.PenStyle.DashLine if width < 2 else Qt.PenStyle.SolidLine)
            painter.setPen(pen)
            painter.drawLine(arm)
            painter.drawLine(turned)
            painter.drawArc(around, round(arm.angle() * 16), round(-angle * 16))
        residual = finding.numbers.get("strongest_residual")
        words = f"{angle:+.1f}°"
        if isinstance(residual, float):
            words += tr(", off by {distance} px").format(distance=f"{residual:.1f}")
        draw_card(painter, QPointF(at.x() + 16, at.y() + 12), words)

    def _draw_parts(self, painter: QPainter) -> None:
        for number, x, y in self._show.part_places():
            draw_number(painter, self._transform.to_screen((x, y)), number)

    def _draw_board(self, painter: QPainter) -> None:
        board, view = self._prober.board, view_of(self._prober.view)
        if view.kind == "influence":
            self._draw_influence(painter, board)
        elif view.has_arrows:
            is_compared = view.kind == "compare"
            sides = ("a", "b") if is_compared and self._tools.side == "b" else ("b", "a")
            for side in sides if is_compared else ("a",):
                is_drawn = not is_compared or side == self._tools.side
                self._draw_arrows(painter, board, side, is_drawn=is_drawn)
        elif view.has_point:
            self._draw_pull(painter, board)

    def _draw_pull(self, painter: QPainter, board: ProbeBoard) -> None:
        point, picture = self._prober.pulled, self._prober.picture
        if point is None or picture is None:
            return
        view = view_of(self._prober.view)
        is_all_around = view.kind == "motion" and board.is_every_way
        if not view.has_pull or is_all_around:
            self._draw_strongest(painter, is_all_around=is_all_around)
            draw_track(painter, make_pin(point), self._transform, TrackLook(is_selected=True))
            return
        dx, dy = board.pull(picture.image_hw)
        arrow = make_arrow(point, (point[0] + dx, point[1] + dy))
        look = TrackLook(is_selected=bool(board.points))
        draw_track(painter, arrow, self._transform, look)

    def _draw_strongest(self, painter: QPainter, *, is_all_around: bool) -> None:
        """Of pulls all around, the one that what is shown belongs to."""
        finding = self._show.finding
        if is_all_around and finding is not None and not self._prober.is_outdated:
            for x, y, dx, dy in finding.arrows.tolist():
                arrow = make_arrow((x, y), (x + dx, y + dy))
                draw_track(painter, arrow, self._transform, TrackLook())

    def _draw_arrows(
        self, painter: QPainter, board: ProbeBoard, side: str, *, is_drawn: bool
    ) -> None:
        finding = self._show.finding
        arrows = arrows_of(board, "a" if side == "a" else "b")
        shown = len(arrows)
        if finding is not None and self._show.layer.startswith("flow_"):
            shown = len(finding.arrows_of.get(self._show.layer, arrows))
        for number, (x, y, dx, dy) in enumerate(arrows):
            track = make_arrow((x, y), (x + dx, y + dy)) if dx or dy else make_pin((x, y))
            track = replace(track, color=_A_COLOR if side == "a" else _B_COLOR)
            painter.setOpacity(1.0 if is_drawn and number < shown else 0.4)
            draw_track(painter, track, self._transform, TrackLook())
            if self._prober.view == "sufficiency":
                at = self._transform.to_screen((x, y)) + QPointF(14, 14)
                draw_number(painter, at, number + 1)
        painter.setOpacity(1.0)

    def _draw_influence(self, painter: QPainter, board: ProbeBoard) -> None:
        places = [self._transform.to_screen(point) for point in board.points]
        finding = self._show.finding
        table = None if finding is None else finding.tables.get("influence")
        if table is not None and len(table.rows) == len(places) and not self._prober.is_outdated:
            for row, values in enumerate(table.rows):
                for column, value in enumerate(values[1:]):
                    if row != column and isinstance(value, float) and value >= _LEAST_INFLUENCE:
                        _draw_bow(painter, places[row], places[column], value)
        for number, (point, place) in enumerate(zip(board.points, places, strict=True)):
            draw_track(painter, make_pin(point), self._transform, TrackLook())
            draw_number(painter, place + QPointF(15, 13), number + 1)

    def _draw_line(self, painter: QPainter) -> None:
        line = self._prober.board.line
        if line is not None:
            ends = QLineF(self._transform.to_screen(line[0]), self._transform.to_screen(line[1]))
            for pen in (QPen(_OUTLINE, 4), QPen(_WHITE, 1.6, Qt.PenStyle.DashLine)):
                painter.setPen(pen)
                painter.drawLine(ends)
            painter.setPen(QPen(_OUTLINE, 1.5))
            painter.setBrush(_WHITE)
            painter.drawEllipse(ends.p1(), 4.5, 4.5)
            painter.drawEllipse(ends.p2(), 3, 3)
        if self._marked is not None:
            painter.setPen(QPen(_OUTLINE, 2))
            painter.setBrush(_ACCENT)
            painter.drawEllipse(self._transform.to_screen(self._marked), 6, 6)

    def _draw_legend(self, painter: QPainter) -> None:
        layer, view = self._show.painted, QRectF(self.rect())
        if layer is None:
            return
        if layer.legend == "wheel":
            self._flow.draw_legend(painter, view, layer.high)
        elif layer.legend == "bar":
            draw_bar(painter, view, layer.low, layer.high, self._show.layer)

    def _draw_readout(self, painter: QPainter) -> None:
        point = self._tools.cursor_point
        if point is not None and self._show.finding is not None:
            readout = self._show.read(point)
            if readout is not None:
                draw_readout(painter, QRectF(self.rect()), point, readout, self._show.layer)

    # The mouse and the keys.

    def on_press(self, pointer: Pointer, button: Button) -> None:
        """Begin a gesture, or remove what is nearest."""
        if button == "left":
            self._tools.press(pointer)
        else:
            self._tools.right_click(pointer)

    def on_move(self, pointer: Pointer) -> None:
        """Pull what is under the mouse, or go on with the gesture."""
        self._tools.move(pointer)

    def on_release(self, pointer: Pointer, button: Button) -> None:
        """End the gesture."""
        if button == "left":
            self._tools.release(pointer)

    # Qt overrides.

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Set a pin among arrows; elsewhere it is one more click."""
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and view_of(self._prober.view).has_arrows:
            self._tools.double_click(self._pointer(event))
        else:
            super().mouseDoubleClickEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is elsewhere."""
        self._tools.leave()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn the pull, or change its length with Shift; with Ctrl the view zooms."""
        keys, held, delta = event.modifiers(), Qt.KeyboardModifier, event.angleDelta()
        steps = (delta.y() or delta.x()) / 120  # with Shift or Alt, systems turn it sideways
        is_longer = bool(keys & held.ShiftModifier) and view_of(self._prober.view).has_length
        if keys & held.ControlModifier or not self._tools.does_turn:
            super().wheelEvent(event)
            return
        if is_longer:
            self._tools.lengthen(steps)
        else:
            self._tools.turn(-steps)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn and lengthen the pull by arrow keys, give up a drag, find parts."""
        key = event.key()
        turns = {Qt.Key.Key_Left: -1.0, Qt.Key.Key_Right: 1.0}
        lengths = {Qt.Key.Key_Down: -1.0, Qt.Key.Key_Up: 1.0}
        if key == Qt.Key.Key_Escape:
            if not self._tools.cancel():
                self._prober.cancel()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._prober.find()
        elif key in turns and self._tools.does_turn:
            is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._tools.turn(turns[Qt.Key(key)] / (15 if is_fine else 1))
        elif key in lengths and view_of(self._prober.view).has_length:
            self._tools.lengthen(lengths[Qt.Key(key)])
        else:
            super().keyPressEvent(event)


def _closed_path(lines: Lines) -> QPainterPath:
    path = QPainterPath()
    for line in lines:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in line.tolist()]))
        path.closeSubpath()
    return path


def _draw_bow(painter: QPainter, start: QPointF, end: QPointF, value: float) -> None:
    """A bowed arrow from who is pulled to who follows; its width says by how much."""
    line = QLineF(start, end)
    if line.length() < 24:
        return
    across = QPointF(-line.dy(), line.dx()) / line.length()
    along = QPointF(line.dx(), line.dy()) / line.length()
    middle = line.center() + across * min(28.0, line.length() * 0.18)
    first, last = start + along * 13 + across * 5, end - along * 13 + across * 5
    path = QPainterPath(first)
    path.quadTo(middle, last)
    way = last - middle
    length = math.hypot(way.x(), way.y())
    tip = way / length * 9
    side = QPointF(-tip.y(), tip.x()) * 0.5
    head = QPolygonF([last - tip + side, last, last - tip - side])
    color = QColor(255, 255, 255)
    color.setAlphaF(0.35 + 0.65 * min(value, 1.0))
    width = 1.0 + 4.0 * min(value, 1.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_OUTLINE, width + 2.4), QPen(color, width)):
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPath(path)
        painter.drawPolyline(head)
    draw_card(painter, path.pointAtPercent(0.5) + across * 12, f"{value:.2f}", is_centred=True)
