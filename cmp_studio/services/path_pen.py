"""Drawing a path click by click, or in one go with the button held."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject

from cmp_studio.document.tracks import Point
from cmp_studio.services.pointer import Pointer
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr

FREEHAND_SCREEN_PX: Final = 16.0
"""Distance on the screen between the points of a path that is drawn with the button held."""

CLOSE_SCREEN_PX: Final = 6.0
"""A click so near to the last point ends the path."""


class PathPen(QObject):
    """A path that is being drawn; the photo moves along it while it grows.

    Thread: GUI thread only.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._points: list[Point] = []
        self._is_freehand = False
        session.opened.connect(self.on_opened)

    @property
    def is_open(self) -> bool:
        """Whether a path has been begun."""
        return bool(self._points)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points that are set, px of the picture."""
        return tuple(self._points)

    def click(self, pointer: Pointer) -> None:
        """Set a point; a click on the last point ends the path."""
        if self._points and pointer.screen_distance_to(self._points[-1]) < CLOSE_SCREEN_PX:
            self.finish()
            return
        self._points.append(pointer.point)
        self._show(())

    def hover(self, pointer: Pointer) -> None:
        """Show the path as it would be with a point here."""
        if self._points:
            self._show((pointer.point,))

    def drag(self, pointer: Pointer) -> None:
        """Draw on with the button held."""
        self._is_freehand = True
        if pointer.screen_distance_to(self._points[-1]) >= FREEHAND_SCREEN_PX:
            self._points.append(pointer.point)
        self._show((pointer.point,))

    def release(self, pointer: Pointer) -> None:
        """The button went up: a path drawn in one go ends here."""
        if self._is_freehand:
            if pointer.screen_distance_to(self._points[-1]) >= CLOSE_SCREEN_PX:
                self._points.append(pointer.point)
            self.finish()

    def finish(self) -> bool:
        """End the path; return whether there is one now."""
        points, self._points, self._is_freehand = self._points, [], False
        if len(points) < 2:
            if points:
                self._session.abort()
            return False
        scene = self._session.with_path(tuple(points))
        self._session.preview(scene, tr("Draw path"), edited=[scene.tracks[-1].id])
        self._session.commit()
        self._session.select([scene.tracks[-1].id])
        return True

    def cancel(self) -> bool:
        """Forget the path; return whether there was one."""
        was_open = bool(self._points)
        self._points, self._is_freehand = [], False
        if was_open:
            self._session.abort()
        return was_open

    def on_opened(self) -> None:
        """Another document is open."""
        self._points, self._is_freehand = [], False

    def _show(self, more: tuple[Point, ...]) -> None:
        points = (*self._points, *more)
        if len(points) > 1:
            scene = self._session.with_path(points)
            self._session.preview(scene, tr("Draw path"), edited=[scene.tracks[-1].id])
