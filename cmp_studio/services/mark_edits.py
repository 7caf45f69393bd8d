"""What dragging a mark of a track on the timeline does, and what it is called. Pure."""

from __future__ import annotations

from typing import Final

from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.track_marks import MarkKind, TrackMark, moved_mark
from cmp_studio.document.tracks import Track
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.wording import track_title

MARK_LABELS: Final[Words[MarkKind]] = Words(
    {
        "point": mark("Change time of point"),
        "begin": mark("Move recording"),
        "end": mark("Change speed of recording"),
    }
)
"""Names of the undo steps."""


def dragged_mark(
    track: Track, film: FilmSettings, mark: TrackMark, time: float, *, is_snapping: bool = True
) -> Track:
    """Return the track with a mark dragged to a time, seconds; onto a frame where it snaps."""
    if is_snapping:
        time = round(time * film.fps) / film.fps
    return moved_mark(track, film, mark, time)


def mark_hint(track: Track, mark: TrackMark) -> str:
    """What dragging a mark would do, one sentence without a full stop."""
    title = track_title(track)
    if mark.kind == "point":
        return tr("Drag to change when {title} passes point {value} · Shift drags freely").format(
            title=title, value=mark.index + 1
        )
    number = mark.index + 1
    if mark.kind == "begin":
        return tr("Drag to change when recording {number} of {title} begins").format(
            number=number, title=title
        )
    return tr("Drag to play recording {number} of {title} faster or slower").format(
        number=number, title=title
    )
