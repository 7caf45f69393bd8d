"""The part of the timeline that is played over and over: in the scene, and in the playback."""

from __future__ import annotations

from PySide6.QtCore import QObject

from cmp_studio.document.scene import Scene, set_loop_range
from cmp_studio.services.playback import Playback
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr


class LoopRange(QObject):
    """Lets the playback follow the scene's loop range, and changes it with undo.

    Frames are those of the preview, on the way there.

    Thread: GUI thread only.
    """

    def __init__(
        self,
        session: Session,
        preview: Preview,
        playback: Playback,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preview = preview
        self._playback = playback
        session.scene_changed.connect(self.on_scene_changed)
        playback.film_changed.connect(self.on_scene_changed)

    def drag(self, first: int, last: int) -> None:
        """Show these frames as the range while they are being chosen; `Session.commit` ends it."""
        scene = self._with(first, last)
        if scene is not None:
            self._session.preview(scene, tr(_LABEL))

    def set(self, first: int, last: int) -> None:
        """Play these frames over and over, both included, as one undo step."""
        scene = self._with(first, last)
        if scene is not None:
            self._session.apply(scene, tr(_LABEL))

    def start_here(self) -> None:
        """Play from the playhead to the end of the range, or of the timeline."""
        scene, here = self._session.scene, self._preview.index_near(self._preview.due_time)
        if scene is not None:
            end = self._playback.range
            self.set(here, end[1] if end else self._preview.index_near(scene.film.duration))

    def end_here(self) -> None:
        """Play from the start of the range, or of the timeline, up to the playhead."""
        here = self._preview.index_near(self._preview.due_time)
        begin = self._playback.range
        self.set(begin[0] if begin else 0, here)

    def clear(self) -> None:
        """Play the whole film again."""
        scene = self._session.scene
        if scene is not None and scene.loop_range is not None:
            self._session.apply(set_loop_range(scene, None), tr("Play whole film"))

    def on_scene_changed(self) -> None:
        """Play what the scene says."""
        scene = self._session.scene
        chosen = None if scene is None else scene.loop_range
        if chosen is None:
            self._playback.clear_range()
        else:
            first, last = (self._preview.index_near(time) for time in chosen)
            self._playback.set_range(first, last)

    def _with(self, first: int, last: int) -> Scene | None:
        scene = self._session.scene
        if scene is None:
            return None
        start, end = sorted(self._preview.time_of(index) for index in (first, last))
        is_whole = start <= 0 and end >= scene.film.duration - self._preview.frame_seconds / 2
        return set_loop_range(scene, None if end <= start or is_whole else (start, end))


_LABEL = mark("Set loop range")
