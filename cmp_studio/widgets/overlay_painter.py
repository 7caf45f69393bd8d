"""Draws what lies between the photo and its tracks: masks, strokes, holes, the onion skin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from cmp_studio.document.masks import Mask
from cmp_studio.document.scene import Scene
from cmp_studio.services.brush import FREEZE, Stroke
from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.mask_tints import MaskTints
from cmp_studio.services.onion import outlines
from cmp_studio.widgets.theme import TRACK_COLORS
from cmp_studio.widgets.view_transform import ViewTransform

FREEZE_COLOR: Final = QColor(86, 180, 255)
HOLE_COLOR: Final = QColor(255, 0, 168)
_MASK_ALPHA: Final = 96
_STROKE_ALPHA: Final = 110
_GHOST_OPACITY: Final = 0.35
_KEPT_IMAGES: Final = 12


class OverlayPainter:
    """Keeps the pictures that it draws, so that a repaint costs little."""

    def __init__(self, tints: MaskTints) -> None:
        self._tints = tints
        self._masks: dict[tuple[Mask, int], QImage] = {}
        self._ghost_frame: CachedFrame | None = None
        self._ghost_lines = QPainterPath()
        self._hole_frame: CachedFrame | None = None
        self._hole_image = QImage()

    def draw_masks(self, painter: QPainter, rect: QRectF, scene: Scene, *, target: int) -> None:
        """Tint what is held still, and the masks of the groups; the brush's target stronger."""
        masks = [(group.mask, group_color(group.color), group.id) for group in scene.groups]
        for mask, color, name in [(scene.freeze, FREEZE_COLOR, FREEZE), *masks]:
            if mask is None:
                continue
            image = self._tinted(mask, color)
            if image is not None:
                painter.setOpacity(1.0 if name == target else 0.6)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
                painter.drawImage(rect, image, QRectF(image.rect()))
        painter.setOpacity(1.0)

    def draw_strokes(
        self, painter: QPainter, transform: ViewTransform, scene: Scene, strokes: Sequence[Stroke]
    ) -> None:
        """Draw the strokes of the brush that are not in a mask yet."""
        colors = {group.id: group_color(group.color) for group in scene.groups}
        for stroke in strokes:
            color = QColor(colors.get(stroke.target, FREEZE_COLOR))
            if stroke.is_erasing:
                color = QColor(24, 24, 24)
            color.setAlpha(_STROKE_ALPHA)
            points = QPolygonF([transform.to_screen(point) for point in stroke.points])
            pen = QPen(color, 2 * stroke.radius * transform.scale)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            if len(stroke.points) == 1:
                painter.drawPoint(points.at(0))
            else:
                painter.drawPolyline(points)

    def draw_brush(self, painter: QPainter, at: QPointF, radius: float) -> None:
        """Draw the edge of the brush, radius in screen px."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 170), 3.0), (QColor(255, 255, 255), 1.4)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(at, radius, radius)

    def draw_holes(self, painter: QPainter, rect: QRectF, frame: CachedFrame) -> None:
        """Mark where the frame has nothing to show behind what moved away."""
        if frame.holes is None:
            return
        if frame is not self._hole_frame:
            self._hole_frame = frame
            self._hole_image = tinted_image(frame.holes, HOLE_COLOR, 210)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.drawImage(rect, self._hole_image, QRectF(self._hole_image.rect()))

    def draw_onion(
        self,
        painter: QPainter,
        rect: QRectF,
        transform: ViewTransform,
        goal: CachedFrame,
        image: QImage,
        image_hw: tuple[int, int],
    ) -> None:
        """Draw the goal of the motion as a ghost, and the outline of what moves."""
        painter.setOpacity(_GHOST_OPACITY)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        painter.drawImage(rect, image, QRectF(image.rect()))
        painter.setOpacity(1.0)
        if goal is not self._ghost_frame:
            self._ghost_frame, self._ghost_lines = goal, _closed_path(outlines(goal, image_hw))
        shape = QTransform(transform.scale, 0, 0, transform.scale, 0, 0) * QTransform.fromTranslate(
            transform.left + transform.scale / 2, transform.top + transform.scale / 2
        )
        lines = shape.map(self._ghost_lines)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width, style in (
            (QColor(0, 0, 0, 150), 3.0, Qt.PenStyle.SolidLine),
            (QColor(255, 255, 255, 230), 1.4, Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(color, width, style))
            painter.drawPath(lines)

    def _tinted(self, mask: Mask, color: QColor) -> QImage | None:
        key = (mask, color.rgb())
        image = self._masks.get(key)
        if image is None:
            grid = self._tints.grid(mask)
            if grid is None:
                return None
            image = tinted_image(grid, color, _MASK_ALPHA, has_stripes=True)
            self._masks[key] = image
            while len(self._masks) > _KEPT_IMAGES:
                del self._masks[next(iter(self._masks))]
        return image


def _closed_path(lines: Sequence[NDArray[np.float32]]) -> QPainterPath:
    path = QPainterPath()
    for line in lines:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in line.tolist()]))
        path.closeSubpath()
    return path


def group_color(index: int) -> QColor:
    """The colour of a group."""
    return QColor(TRACK_COLORS[index % len(TRACK_COLORS)])


def tinted_image(
    grid: NDArray[np.uint8], color: QColor, alpha: int, *, has_stripes: bool = False
) -> QImage:
    """A picture in one colour that covers as far as the grid says; stripes tell it from paint."""
    height, width = grid.shape
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., 0], rgba[..., 1], rgba[..., 2] = color.red(), color.green(), color.blue()
    share = grid.astype(np.float32) * (alpha / 255)
    if has_stripes:
        ys, xs = np.mgrid[:height, :width]
        period = max(8, max(height, width) // 64)
        share = np.where((xs + ys) % period < period // 2, share, share * 0.55)
    rgba[..., 3] = share.astype(np.uint8)
    image = QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()
