"""Painting masks: what is held still, and what belongs to a group."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.masks import Mask, painted
from cmp_studio.document.scene import Scene, set_freeze
from cmp_studio.document.scene_edits import replace_group
from cmp_studio.document.tracks import Point
from cmp_studio.services.background import Background
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr

FREEZE: Final = 0
"""Target of the brush: what is held still; any other target is the id of a group."""

_STEP: Final = 1.25
_RETRY_MS: Final = 60


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of the brush.

    Attributes:
        points: Where it went, px of the picture.
        radius: Of the brush, px of the picture.
        is_erasing: It takes away.
        target: `FREEZE`, or the id of a group.
    """

    points: tuple[Point, ...]
    radius: float
    is_erasing: bool
    target: int


class Brush(QObject):
    """The brush and the strokes that are not in the scene yet.

    A stroke is put into the mask in the background, because a mask is as large as its photo; until
    then `waiting` has it, for drawing.

    Thread: GUI thread; masks are painted in the background.

    Signals:
        changed(): The brush or the strokes to draw are others.
    """

    changed = Signal()

    def __init__(
        self, session: Session, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._radius = 24.0
        self._target = FREEZE
        self._points: list[Point] = []
        self._is_erasing = False
        self._waiting: deque[Stroke] = deque()
        self._is_painting = False
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(_RETRY_MS)
        self._retry.timeout.connect(self._paint_next)
        session.opened.connect(self.on_opened)
        session.scene_changed.connect(self.on_scene_changed)

    @property
    def radius(self) -> float:
        """Of the brush, px of the picture."""
        return self._radius

    @property
    def target(self) -> int:
        """What is painted: `FREEZE`, or the id of a group."""
        return self._target

    @property
    def is_busy(self) -> bool:
        """Whether a stroke is not in the scene yet."""
        return bool(self._waiting)

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """Strokes to draw over the mask: those that wait, and the one under the mouse."""
        current: tuple[Stroke, ...] = ()
        if self._points:
            points = tuple(self._points)
            current = (Stroke(points, self._radius, self._is_erasing, self._target),)
        return (*self._waiting, *current)

    def set_radius(self, radius: float) -> None:
        """Take a larger or smaller brush, px of the picture."""
        scene = self._session.scene
        most = 2000.0 if scene is None else max(scene.picture.width, scene.picture.height) / 2
        radius = min(max(radius, 1.0), max(most, 1.0))
        if radius != self._radius:
            self._radius = radius
            self.changed.emit()

    def grow(self, steps: int) -> None:
        """Make the brush larger, or smaller with negative steps."""
        self.set_radius(self._radius * _STEP**steps)

    def set_target(self, target: int) -> None:
        """Paint what is held still, or the mask of a group."""
        if target != self._target:
            self._target = target
            self.changed.emit()

    def begin(self, point: Point, *, is_erasing: bool) -> None:
        """Put the brush down."""
        self._points = [point]
        self._is_erasing = is_erasing
        self.changed.emit()

    def move(self, point: Point) -> None:
        """Draw on."""
        if self._points and point != self._points[-1]:
            self._points.append(point)
            self.changed.emit()

    def end(self) -> None:
        """Lift the brush: the stroke becomes one undo step."""
        if self._points:
            points, self._points = tuple(self._points), []
            stroke = Stroke(points, self._radius, self._is_erasing, self._target)
            self._waiting.append(stroke)
            self._paint_next()
            self.changed.emit()

    def cancel(self) -> None:
        """Forget the stroke under the mouse."""
        if self._points:
            self._points = []
            self.changed.emit()

    def on_opened(self) -> None:
        """Another document is open: a brush that fits it, and none of the old strokes."""
        self._points = []
        self._waiting.clear()
        self._target = FREEZE
        scene = self._session.scene
        if scene is not None:
            self._radius = max(2.0, min(scene.picture.width, scene.picture.height) * 0.04)
        self.changed.emit()

    def on_scene_changed(self) -> None:
        """A group that is painted may be gone."""
        scene = self._session.scene
        if scene is not None and all(group.id != self._target for group in scene.groups):
            self.set_target(FREEZE)

    def on_painted(self, answer: object) -> None:
        """Put a painted mask into the scene, unless it changed meanwhile: then paint again."""
        self._is_painting = False
        scene = self._session.scene
        if not isinstance(answer, _Painted) or scene is None:
            return
        if not self._waiting or self._waiting[0] is not answer.stroke:
            self._paint_next()
            return
        if self._session.has_gesture:
            self._retry.start()
            return
        target = answer.stroke.target
        if _is_there(scene, target) and mask_of(scene, target) is answer.base:
            self._waiting.popleft()
            verb = tr("Erase") if answer.stroke.is_erasing else tr("Paint")
            what = tr("freeze mask") if target == FREEZE else tr("group mask")
            self._session.apply(with_mask(scene, target, answer.mask), f"{verb} {what}")
            self.changed.emit()
        self._paint_next()

    def on_paint_failed(self, _error: object) -> None:
        """A mask that can't be painted loses its stroke."""
        self._is_painting = False
        if self._waiting:
            self._waiting.popleft()
        self.changed.emit()
        self._paint_next()

    def _paint_next(self) -> None:
        scene = self._session.scene
        if self._is_painting or not self._waiting or scene is None:
            return
        stroke = self._waiting[0]
        if not _is_there(scene, stroke.target):
            self._waiting.popleft()
            self._paint_next()
            return
        self._is_painting = True
        size_hw = (scene.picture.height, scene.picture.width)
        paint = _Paint(stroke, mask_of(scene, stroke.target), size_hw)
        self._background.submit(paint, done=self.on_painted, failed=self.on_paint_failed)


@dataclass(frozen=True, slots=True)
class _Painted:
    stroke: Stroke
    base: Mask | None
    mask: Mask


@dataclass(frozen=True, slots=True)
class _Paint:
    stroke: Stroke
    base: Mask | None
    size_hw: tuple[int, int]

    def __call__(self) -> _Painted:
        value = 0 if self.stroke.is_erasing else 255
        mask = painted(
            self.base, self.size_hw, self.stroke.points, radius=self.stroke.radius, value=value
        )
        return _Painted(self.stroke, self.base, mask)


def _is_there(scene: Scene, target: int) -> bool:
    return target == FREEZE or any(group.id == target for group in scene.groups)


def mask_of(scene: Scene, target: int) -> Mask | None:
    """The mask that a target of the brush names."""
    return scene.freeze if target == FREEZE else scene.group(target).mask


def with_mask(scene: Scene, target: int, mask: Mask | None) -> Scene:
    """The scene with another mask in the place that a target of the brush names."""
    if target == FREEZE:
        return set_freeze(scene, mask)
    return replace_group(scene, replace(scene.group(target), mask=mask))
