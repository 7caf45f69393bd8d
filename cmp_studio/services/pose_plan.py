"""What every frame of a film shows, worked out in slices so that a long film holds nothing up."""

from __future__ import annotations

import time
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.scene import Scene
from cmp_studio.services.film_frames import posed, preview_times
from cmp_studio.services.motion_backend import Pose

SLICE: Final = 1500
"""Tracks times moments that are worked out before the event loop has its turn, at most."""

SLICE_SECONDS: Final = 0.015
"""The same in time, for a slow computer."""

_TAKE: Final = 4
"""A recording counts as so many arrows, each that is layered on it again; thrice in a film that
closes, which looks at its beginning and end too."""


class PosePlan(QObject):
    """Works out the poses of one scene at a time, the newest.

    Thread: GUI thread only.

    Signals:
        ready(): The poses that were asked for last are worked out; ask again.
    """

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scene: Scene | None = None
        self._reach: float | None = None
        self._todo: list[float] = []
        self._done: dict[float, Pose] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.on_timeout)

    @property
    def is_busy(self) -> bool:
        """Whether poses that were asked for are still being worked out."""
        return self._timer.isActive()

    def poses(self, scene: Scene, reach_px: float | None) -> tuple[Pose, ...] | None:
        """Return the pose of every frame; None where that takes longer, and `ready` follows.

        Args:
            scene: Any scene.
            reach_px: How far one prediction can go, px of the picture; None has no bound.
        """
        if scene is not self._scene or reach_px != self._reach:
            self._scene, self._reach, self._done = scene, reach_px, {}
            # There and back, a film shows each moment twice.
            self._todo = list(dict.fromkeys(preview_times(scene.film)))[::-1]
            self._work()
        if self._todo:
            self._timer.start()
            return None
        self._timer.stop()
        return tuple(self._done[time] for time in preview_times(scene.film))

    def cancel(self) -> None:
        """Forget what is not worked out yet."""
        self._timer.stop()
        if self._todo:
            self._scene, self._todo = None, []

    def on_timeout(self) -> None:
        """Work out some more."""
        self._work()
        if not self._todo:
            self._timer.stop()
            self.ready.emit()

    def _work(self) -> None:
        scene = self._scene
        if scene is None:
            return
        each = _TAKE * (3 if scene.film.loop == "seamless" else 1)
        work = sum(max(1, each * len(track.takes)) for track in scene.tracks)
        until = time.perf_counter() + SLICE_SECONDS
        for number in range(max(1, SLICE // max(1, work))):
            if not self._todo or (number and time.perf_counter() > until):
                return
            moment = self._todo.pop()
            self._done[moment] = posed(scene, moment, self._reach)
