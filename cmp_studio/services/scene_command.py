"""A scene as the command line that makes the same film."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from cmp_studio.document.scene import FilmSettings, Scene
from cmp_studio.document.tracks import Point, Timing, Track

_DEFAULTS = FilmSettings()


def command_of(
    scene: Scene, *, path: Path | None, is_saved: bool, weights: str = "default"
) -> str | None:
    """Return a ``cmp-studio`` command line, quoted for a shell; None if the scene must be saved.

    A saved scene is rendered from its file. Otherwise the arrows go onto the line themselves, where
    they are no more than what the line can say.

    Args:
        scene: The scene.
        path: Its file, or None.
        is_saved: Whether the file holds the scene as it is.
        weights: Name of the weights in use.
    """
    if path is not None and is_saved:
        words = ["cmp-studio", "render", str(path), "-o", f"{path.stem}.mp4"]
    elif is_plain(scene):
        words = _animate_words(scene)
    else:
        return None
    if weights != "default":
        words += ["--weights", weights]
    return shlex.join(words)


def is_plain(scene: Scene) -> bool:
    """Whether arrows, paths, pins and film settings are all that the scene has."""
    if scene.groups:
        return False
    tracks = [track for track in scene.tracks if track.is_on]
    moving = [track for track in tracks if track.kind != "pin"]
    timings = {track.timing for track in moving}
    if len(timings) > 1 or any(timing.start or timing.end is not None for timing in timings):
        return False
    bare = Scene(scene.picture, scene.tracks, scene.film, next_id=scene.next_id)
    plain_film = FilmSettings(
        scene.film.duration, scene.film.fps, scene.film.loop, scene.film.strength
    )
    return (
        replace(scene, loop_range=None) == bare
        and scene.film == plain_film
        and all(_is_plain_track(track) for track in tracks)
    )


def _is_plain_track(track: Track) -> bool:
    if track.kind not in ("arrow", "path", "pin"):
        return False
    timing = Timing(easing=track.timing.easing, repeat=track.timing.repeat)
    bare = Track(0, track.kind, track.points, timing=timing)
    return replace(track, id=0, name="", color=0, timing=timing) == bare


def _animate_words(scene: Scene) -> list[str]:
    words = ["cmp-studio", "animate", scene.picture.name]
    timing = Timing()
    for track in scene.tracks:
        if not track.is_on:
            continue
        if track.kind == "pin":
            words += _option("--pin", _pair(track.tail))
            continue
        timing = track.timing
        if track.kind == "arrow":
            words += _option("--arrow", f"{_pair(track.tail)},{_pair(track.span)}")
        else:
            words += _option("--path", ":".join(_pair(point) for point in track.points))
    if timing.easing != Timing().easing:
        words += ["--easing", timing.easing]
    if timing.repeat != Timing().repeat:
        words += ["--repeat", timing.repeat]
    film = scene.film
    for name in ("duration", "fps", "loop", "strength"):
        value, default = getattr(film, name), getattr(_DEFAULTS, name)
        if value != default:
            words += [f"--{name}", value if isinstance(value, str) else f"{value:g}"]
    return [*words, "-o", f"{Path(scene.picture.name).stem}.mp4"]


def _option(name: str, value: str) -> list[str]:
    """An option and its value; joined where the value would look like another option."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return f"{round(value, 2):g}" if abs(value) < 1000 else f"{round(value, 2):.10g}"
