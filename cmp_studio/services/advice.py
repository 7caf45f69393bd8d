"""What to try when the photo does not do what the hand meant: one sentence at a time."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.hints import beyond_reach, near_border
from cmp_studio.document.motion import displacement
from cmp_studio.document.scene import Scene
from cmp_studio.document.tracks import Track
from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.motion_backend import REST
from cmp_studio.services.preview import Preview
from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr

NOTHING_MOVED: Final = mark(
    "Hardly anything moved: start in the middle of a part, drag further, or pin what should stay"
)
TOO_SHORT: Final = mark("This arrow is too short to see: drag its head further")
ALL_MOVED: Final = mark(
    "Nearly the whole photo moves along: double-click what should stay, to pin it"
)
TOO_FAR: Final = mark(
    "Amber: further than the network sees at once, so it goes in steps; Track > Split adds points"
)
AT_BORDER: Final = mark("Hardly anything moved: start further away from the edge of the photo")
ALL_STILL: Final = mark("Every track is switched off, so nothing moves")

_SHORT_PX: Final = 2.0
_MOVED_SHARE: Final = 0.15
"""An arrow has moved its spot when the flow there is at least this share of it."""

_ALONG_SHARE: Final = 0.35
_ALL_SHARE: Final = 0.8
"""All moves when this share of the picture goes along with the longest arrow."""

_DELAY_MS: Final = 700


class Advice(QObject):
    """Looks at what an edit did, once it is rendered, and says what to try if it did too little.

    Signals:
        given(sentence): Another hint than before, or empty when there is nothing to say.
    """

    given = Signal(str)

    def __init__(self, session: Session, preview: Preview, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._preview = preview
        self._sentence = ""
        self._judged = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self.look)
        session.history_changed.connect(self.on_changed)
        session.selection_changed.connect(self.on_selection_changed)
        preview.shown_changed.connect(self.on_changed)

    @property
    def sentence(self) -> str:
        """What to try; empty when nothing needs saying."""
        return self._sentence

    def on_changed(self) -> None:
        """Look again when the hand rests."""
        if self._session.scene is None:
            self._say("")
        elif not self._timer.isActive():
            self._timer.start()

    def on_selection_changed(self) -> None:
        """What was said of one track is not said of another."""
        track = _last_moving(self._session)
        if (0 if track is None else track.id) != self._judged:
            self._say("")
        self.on_changed()

    def look(self) -> None:
        """Judge the picture that is shown."""
        scene, shown = self._session.scene, self._preview.shown
        if scene is None or self._session.has_gesture:
            return
        track = _last_moving(self._session)
        self._judged = 0 if track is None else track.id
        if shown.pose == REST and track is None:
            self._say(advise(scene, None, None, 0.0))
        elif shown.is_exact and shown.frame is not None:
            due, reach = self._preview.due_time, self._preview.reach_px
            self._say(advise(scene, track, shown.frame, due, reach_px=reach))
        elif track is not None and _is_too_short(track):
            self._say(TOO_SHORT)

    def _say(self, sentence: str) -> None:
        if sentence != self._sentence:
            self._sentence = sentence
            self.given.emit(tr(sentence) if sentence else "")


def advise(
    scene: Scene,
    track: Track | None,
    frame: CachedFrame | None,
    time: float,
    *,
    reach_px: float | None = None,
) -> str:
    """Return what to try, or an empty sentence.

    Args:
        scene: What is shown.
        track: The track to judge: the selected one, or None for none.
        frame: The rendered picture with its flow, or None.
        time: What it shows, seconds on the timeline.
        reach_px: How far one answer of the network can go, px of the picture; None has no bound.
    """
    if scene.tracks and not any(other.is_on for other in scene.tracks):
        return ALL_STILL
    if track is None or frame is None:
        return ""
    if track.id in beyond_reach(scene, reach_px):
        return TOO_FAR
    if _is_too_short(track):
        return TOO_SHORT
    wanted = displacement(track, time, scene.film)
    length = math.hypot(*wanted)
    if length < _SHORT_PX:
        return ""  # at this moment it does not go anywhere
    height, width = frame.flow.shape[:2]
    x = min(max(round(track.tail[0] / scene.picture.width * width), 0), width - 1)
    y = min(max(round(track.tail[1] / scene.picture.height * height), 0), height - 1)
    near = frame.flow[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].astype(np.float32)
    along = (near @ np.array(wanted, np.float32)) / length
    if float(along.max()) < _MOVED_SHARE * length:
        return AT_BORDER if track.id in near_border(scene) else NOTHING_MOVED
    speed = np.hypot(frame.flow[..., 0].astype(np.float32), frame.flow[..., 1].astype(np.float32))
    has_pins = any(other.kind == "pin" and other.is_on for other in scene.tracks)
    if not has_pins and float((speed > _ALONG_SHARE * length).mean()) > _ALL_SHARE:
        return ALL_MOVED
    return ""


def _is_too_short(track: Track) -> bool:
    return track.kind == "arrow" and math.hypot(*track.span) < _SHORT_PX


def _last_moving(session: Session) -> Track | None:
    tracks = [track for track in session.selected_tracks if track.kind != "pin" and track.is_on]
    return tracks[0] if len(tracks) == 1 else None
