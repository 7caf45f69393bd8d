"""What dragging a track's bar on the timeline does to its timing. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from cmp_studio.document.motion import track_span
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.tracks import Timing, Track

BarPart = Literal["start", "middle", "end"]


def dragged(
    track: Track, film: FilmSettings, part: BarPart, seconds: float, *, is_snapping: bool = True
) -> Track:
    """Return the track with its bar dragged.

    Args:
        track: Any track; a pin stays as it is.
        film: Gives the length of the timeline and of a frame.
        part: What was taken hold of: an end, or the bar as a whole.
        seconds: How far it was dragged, to the right positive.
        is_snapping: Ends land on frames.
    """
    if track.kind == "pin":
        return track
    first, last = track_span(track, film)
    frame = 1 / film.fps
    if part == "start":
        start = min(max(_snapped(first + seconds, film, is_snapping), 0.0), last - frame)
        return _timed(track, film, max(0.0, start), track.timing.end)
    if part == "end":
        end = max(min(_snapped(last + seconds, film, is_snapping), film.duration), first + frame)
        return _timed(track, film, first, end)
    length = last - first
    start = _snapped(first + seconds, film, is_snapping)
    start = min(max(start, 0.0), max(0.0, film.duration - min(length, film.duration)))
    if track.timing.end is None and track.kind == "take":
        return _timed(track, film, start, None)
    return _timed(track, film, start, start + length)


def _snapped(time: float, film: FilmSettings, is_snapping: bool) -> float:  # noqa: FBT001 - private
    return round(time * film.fps) / film.fps if is_snapping else time


def _timed(track: Track, film: FilmSettings, start: float, end: float | None) -> Track:
    if end is not None and end >= film.duration - 1e-6 and track.kind != "take":
        end = None
    if end is not None and end <= start:
        end = start + 1 / film.fps
    timing: Timing = replace(track.timing, start=start, end=end)
    return replace(track, timing=timing)
