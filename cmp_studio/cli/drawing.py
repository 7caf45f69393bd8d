"""What was drawn on the command line to a scene: arrows, paths, pins, takes, groups, presets."""

from __future__ import annotations

import argparse
import csv
import math
from dataclasses import replace
from pathlib import Path

from cmp_studio.cli.work import read_bytes
from cmp_studio.document.errors import TrackError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import Mask, mask_from_bytes
from cmp_studio.document.presets import apply_preset
from cmp_studio.document.project_file import SUFFIX, load_scene
from cmp_studio.document.scene import Scene, add_track, picture_from_bytes, set_freeze
from cmp_studio.document.scene_edits import add_group, add_tracks
from cmp_studio.document.takes import Take, TakeSample, take_from
from cmp_studio.document.track_json import tracks_from_text
from cmp_studio.document.tracks import (
    Repeat,
    Timing,
    Track,
    make_arrow,
    make_path,
    make_pin,
    make_take,
)

NO_MASK = "none"


def scene_of(options: argparse.Namespace) -> Scene:
    """Return the scene of a picture and the options of `options.add_guidance_options`.

    A scene file may stand in for the picture; its tracks come first.

    Raises:
        DocumentError: A file or an arrow can't be used.
        ImageError: There is no such file.
    """
    source: Path = options.source
    if source.suffix.lower() == SUFFIX:
        scene = load_scene(source)
    else:
        scene = Scene(picture_from_bytes(read_bytes(source), source.name))
    ids = [0]
    for name in options.groups:
        mask = None if name == NO_MASK else _mask(Path(name), options.feather)
        scene = add_group(scene, Group(name="" if mask is None else Path(name).stem, mask=mask))
        ids.append(scene.groups[-1].id)
    if options.freeze is not None:
        scene = set_freeze(scene, _mask(options.freeze, options.feather))
    for track, number in _drawn(options):
        scene = add_track(scene, replace(track, group=ids[number]))
    for file, number in options.track_files:
        tracks = tracks_from_text(read_bytes(file).decode(errors="replace"))
        scene = add_tracks(scene, tracks, group=ids[number])
    for (name, amount), number in options.presets:
        scene = apply_preset(scene, name, group=ids[number], amount=amount)
    return scene


def take_from_csv(text: str, name: str) -> Take:
    """Return the take of a table: rows of seconds, dx and dy in px, a first row of names or none.

    Raises:
        TrackError: Not such a table.
    """
    samples: list[TakeSample] = []
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        if not row or not "".join(row).strip():
            continue
        try:
            t, dx, dy = (float(value) for value in row)
        except ValueError as error:
            if number == 1:
                continue
            raise TrackError(
                f"Row {number} of {name} should be seconds, dx, dy; got {', '.join(row)[:60]!r}."
            ) from error
        if not all(math.isfinite(value) for value in (t, dx, dy)):
            raise TrackError(f"Row {number} of {name} has a value that is not a finite number.")
        samples.append((t, dx, dy))
    return take_from(samples)


def _drawn(options: argparse.Namespace) -> list[tuple[Track, int]]:
    """Return the tracks, and in which of the groups each is."""
    repeat: Repeat = getattr(options, "repeat", "once")
    curve = getattr(options, "curve", None)
    timing = Timing(
        easing="curve" if curve is not None else getattr(options, "easing", "ease"),
        repeat=repeat,
        cycles=getattr(options, "cycles", 1),
    )
    if curve is not None:
        timing = replace(timing, curve=curve)
    is_smooth = not getattr(options, "is_straight", False)
    tracks = [(make_arrow(*ends, timing=timing), group) for ends, group in options.arrows]
    for points, group in options.paths:
        tracks.append((make_path(points, timing=timing, is_smooth=is_smooth), group))
    for (point, file), group in options.takes:
        take = take_from_csv(read_bytes(file).decode(errors="replace"), file.name)
        take = replace(
            take, smoothing=getattr(options, "smoothing", 0.0), speed=getattr(options, "speed", 1.0)
        )
        track = make_take(point, take)
        own = replace(track.timing, repeat=repeat, cycles=timing.cycles)
        tracks.append((replace(track, timing=own), group))
    for (point, stiffness), group in options.pins:
        tracks.append((make_pin(point, stiffness=stiffness), group))
    return tracks


def _mask(path: Path, feather: float) -> Mask:
    return replace(mask_from_bytes(read_bytes(path), path.name), feather=feather)
