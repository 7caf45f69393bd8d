"""When the shutter is open: the moments that a blurred frame is the average of."""

from __future__ import annotations

from cmp_studio.document.scene import FilmSettings


def exposure_times(film: FilmSettings, time: float) -> list[float]:
    """Return the moments that the frame at a time shows, seconds on the timeline, at least one.

    They are spread evenly over the time that the shutter is open, which the frame's own time is the
    middle of. Beyond the ends of the timeline the film goes on as it loops.

    Args:
        film: Gives shutter angle, subframes, and how the film goes on.
        time: Of the frame, seconds on the timeline.
    """
    if film.shutter == 0 or film.subframes == 1:
        return [time]
    count = max(2, round(film.duration * film.fps))
    steps = count if film.loop == "seamless" else count - 1
    is_open = film.shutter / 360 * film.duration / steps
    return [
        _on_timeline(film, time + is_open * ((i + 0.5) / film.subframes - 0.5))
        for i in range(film.subframes)
    ]


def _on_timeline(film: FilmSettings, time: float) -> float:
    duration = film.duration
    if film.loop == "seamless":
        return time % duration
    if film.loop == "ping_pong":
        time %= 2 * duration
        return min(time, 2 * duration - time)
    return min(max(time, 0.0), duration)
