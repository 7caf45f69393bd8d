"""Presets: recipes of tracks, timing and easing for motions that everybody knows.

A preset is put onto pins, which it sets in motion, or onto an area, in which it finds its own
places. What comes out are plain arrows and pins, to be edited like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from cmp_studio.document.errors import SceneError
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.scene import Scene, remove_tracks
from cmp_studio.document.scene_edits import add_tracks
from cmp_studio.document.tracks import Point, Timing, Track, make_arrow, make_pin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Preset = Literal["breathe", "sway", "wave", "nod", "wind", "flicker"]

PRESETS: Final = get_args(Preset)
MAX_AMOUNT: Final = 4.0

_SPOTS: Final = 9
_GRID: Final = 96
_LEAST: Final = 2.0
"""Shortest arrow, px."""

_FOOT: Final = 0.15
"""The lowest part of an area, which stands still where the rest bends."""

_GOLDEN: Final = (math.sqrt(5) - 1) / 2


_Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, px."""


@dataclass(frozen=True, slots=True)
class _Area:
    """Where a preset is put.

    Attributes:
        spots: Places that it sets in motion, px.
        box: Of the area.
        stiffness: Of each spot.
        seconds: Of the timeline.
    """

    spots: tuple[Point, ...]
    box: _Box
    stiffness: tuple[float, ...]
    seconds: float

    @property
    def size(self) -> float:
        """The longer side of the area, px."""
        left, top, right, bottom = self.box
        return max(right - left, bottom - top)

    def height_of(self, spot: Point) -> float:
        """How high a spot lies in the area, 0 at the bottom to 1 at the top."""
        _, top, _, bottom = self.box
        return (bottom - spot[1]) / max(bottom - top, 1.0)


def apply_preset(
    scene: Scene,
    preset: Preset,
    *,
    track_ids: Collection[int] = (),
    group: int = 0,
    amount: float = 1.0,
) -> Scene:
    """Return the scene with a preset put onto it; the new tracks have ids from ``next_id`` up.

    It goes onto the first of these that is there: the pins among ``track_ids``, which its tracks
    replace; the mask of the group; the front-most group that has a mask; what the freeze mask
    leaves free; all pins; the middle of the picture. A scene in which nothing moved before gets a
    seamless film.

    Args:
        scene: Any scene.
        preset: Which.
        track_ids: Selected tracks.
        group: Id of a group, 0 for none.
        amount: Factor on the size of the motion, above 0.

    Raises:
        SceneError: No such preset or group, or an ``amount`` out of range.
    """
    if preset not in PRESETS:
        raise SceneError(
            "A preset is one of {presets}, got {preset!r}.",
            presets=", ".join(PRESETS),
            preset=preset,
        )
    if not 0 < amount <= MAX_AMOUNT:
        raise SceneError(
            "The amount must be above 0 and at most {max_amount:g}, got {amount}.",
            max_amount=MAX_AMOUNT,
            amount=amount,
        )
    if group:
        scene.group(group)
    was_still = all(track.kind == "pin" or not track.is_on for track in scene.tracks)
    pins, area, group = _place(scene, track_ids, group)
    tracks = [
        replace(
            track,
            name=f"{preset.capitalize()} {number}",
            color=PRESETS.index(preset),
            stiffness=stiffness,
        )
        for number, (track, stiffness) in enumerate(
            zip(_RECIPES[preset](area, amount), area.stiffness, strict=True), 1
        )
    ]
    scene = add_tracks(remove_tracks(scene, [pin.id for pin in pins]), tracks, group=group)
    if was_still:
        scene = replace(scene, film=replace(scene.film, loop="seamless"))
    return scene


def _breathe(area: _Area, amount: float) -> list[Track]:
    left, top, right, bottom = area.box
    middle = (left + right) / 2, (top + bottom) / 2
    timing = Timing(repeat="ping_pong", cycles=_cycles(area, 3.5))
    tracks = []
    for x, y in area.spots:
        dx, dy = (x - middle[0]) * 0.08 * amount, (y - middle[1]) * 0.08 * amount
        if math.hypot(dx, dy) < _LEAST:  # the middle of a chest lifts
            dx, dy = 0.0, -max(_LEAST, 0.03 * area.size * amount)
        tracks.append(make_arrow((x, y), (x + dx, y + dy), timing=timing))
    return tracks


def _sway(area: _Area, amount: float) -> list[Track]:
    timing = Timing(repeat="sway", cycles=_cycles(area, 3))
    return _standing(area, lambda number, k: ((0.10 * k * amount, 0.0), timing))


def _wave(area: _Area, amount: float) -> list[Track]:
    left, _, right, _ = area.box
    tracks = []
    for x, y in area.spots:
        phase = (x - left) / max(right - left, 1.0) * 0.999
        timing = Timing(repeat="sway", cycles=_cycles(area, 2.5), phase=(1 - phase) % 1.0)
        rise = max(_LEAST, 0.06 * area.size * amount)
        tracks.append(make_arrow((x, y), (x, y - rise), timing=timing))
    return tracks


def _nod(area: _Area, amount: float) -> list[Track]:
    timing = Timing(repeat="pulse", cycles=_cycles(area, 3))
    return _standing(area, lambda number, k: ((0.0, 0.07 * k * amount), timing))


def _wind(area: _Area, amount: float) -> list[Track]:
    def gust(number: int, k: float) -> tuple[Point, Timing]:
        timing = Timing(
            repeat="ping_pong",
            cycles=_cycles(area, 2) + number % 2,
            phase=round(number * _GOLDEN % 1 * 0.25, 3),
        )
        return (0.09 * k * amount, 0.015 * k * amount), timing

    return _standing(area, gust)


def _flicker(area: _Area, amount: float) -> list[Track]:
    def tongue(number: int, k: float) -> tuple[Point, Timing]:
        timing = Timing(
            repeat="pulse",
            cycles=_cycles(area, 0.7),
            phase=round(number * _GOLDEN % 1, 3),
        )
        side = 1 if number % 2 else -1
        return (0.02 * side * k * amount, -0.08 * k * amount), timing

    return _standing(area, tongue)


_RECIPES: Final[dict[Preset, Callable[[_Area, float], list[Track]]]] = {
    "breathe": _breathe,
    "sway": _sway,
    "wave": _wave,
    "nod": _nod,
    "wind": _wind,
    "flicker": _flicker,
}


def _standing(area: _Area, motion: Callable[[int, float], tuple[Point, Timing]]) -> list[Track]:
    """Return tracks of an area that stands on its foot: the higher, the farther.

    Args:
        area: Where.
        motion: For the number of a spot and its height, the displacement in sizes of the area, and
            the timing.
    """
    tracks = []
    for number, (x, y) in enumerate(area.spots):
        height = area.height_of((x, y))
        if height < _FOOT and len(area.spots) > 1:
            tracks.append(make_pin((x, y)))
            continue
        (dx, dy), timing = motion(number, max(height, 0.3))
        dx, dy = dx * area.size, dy * area.size
        length = math.hypot(dx, dy)
        grown = max(_LEAST, length) / length
        tracks.append(make_arrow((x, y), (x + dx * grown, y + dy * grown), timing=timing))
    return tracks


def _cycles(area: _Area, seconds: float) -> int:
    """Return how often a motion of so many seconds is gone through in the timeline."""
    return max(1, min(20, round(area.seconds / seconds)))


def _place(scene: Scene, track_ids: Collection[int], group: int) -> tuple[list[Track], _Area, int]:
    """Return the pins that are replaced, where the preset goes, and in which group."""
    chosen = [track for track in scene.tracks if track.kind == "pin" and track.id in track_ids]
    if chosen:
        return chosen, _area_of_pins(scene, chosen), chosen[0].group
    masked = [item for item in scene.groups if item.mask is not None]
    if group and scene.group(group).mask is not None:
        masked = [scene.group(group)]
    for item in reversed(masked):
        if item.mask is not None:
            area = _area_of_mask(scene, mask_to_array(item.mask) >= 128)
            if area is not None:
                return [], area, item.id
    if scene.freeze is not None:
        area = _area_of_mask(scene, mask_to_array(scene.freeze) < 128)
        if area is not None:
            return [], area, group
    pins = [track for track in scene.tracks if track.kind == "pin" and track.is_on]
    if pins:
        return pins, _area_of_pins(scene, pins), pins[0].group
    return [], _middle(scene), group


def _area_of_pins(scene: Scene, pins: Sequence[Track]) -> _Area:
    xs, ys = [pin.tail[0] for pin in pins], [pin.tail[1] for pin in pins]
    box = _roomy(scene, (min(xs), min(ys), max(xs), max(ys)))
    stiffness = tuple(pin.stiffness for pin in pins)
    return _Area(tuple(pin.tail for pin in pins), box, stiffness, scene.film.duration)


def _area_of_mask(scene: Scene, inside: NDArray[np.bool_]) -> _Area | None:
    spots, box = _spots_in(inside)
    if not spots:
        return None
    return _Area(spots, _roomy(scene, box), (0.0,) * len(spots), scene.film.duration)


def _roomy(scene: Scene, box: _Box) -> _Box:
    """Return a box that is not all too small: a place alone needs room around it."""
    least = 0.15 * min(scene.picture.width, scene.picture.height)
    left, top, right, bottom = box
    if max(right - left, bottom - top) >= least:
        return box
    x, y, half = (left + right) / 2, (top + bottom) / 2, least / 2
    return x - half, y - half, x + half, y + half


def _middle(scene: Scene) -> _Area:
    width, height = scene.picture.width, scene.picture.height
    box = (0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height)
    spots = tuple((x * width, y * height) for y in (0.65, 0.35) for x in (0.35, 0.65))
    return _Area(spots, box, (0.0,) * 4, scene.film.duration)


def _spots_in(
    inside: NDArray[np.bool_],
) -> tuple[tuple[Point, ...], _Box]:
    """Return places spread over an area, not at its edge, and its box, px."""
    import numpy as np
    from PIL import Image, ImageFilter

    if not inside.any():
        return (), (0.0, 0.0, 0.0, 0.0)
    height, width = inside.shape
    scale = max(1.0, max(height, width) / _GRID)
    small = Image.fromarray(inside.astype(np.uint8) * np.uint8(255))
    size = max(1, round(width / scale)), max(1, round(height / scale))
    small = small.resize(size, Image.Resampling.BOX)
    padded = Image.new("L", (size[0] + 8, size[1] + 8))
    padded.paste(small, (4, 4))
    core = np.empty(0)
    for filter_size in (7, 5, 3, 1):
        eroded = padded.filter(ImageFilter.MinFilter(filter_size)) if filter_size > 1 else padded
        core = np.argwhere(np.array(eroded)[4:-4, 4:-4] >= 128)[:, ::-1].astype(np.float64)
        if len(core) >= _SPOTS:
            break
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1]))
    if not len(core):  # thinner than the grid
        at = np.argwhere(inside)[len(np.argwhere(inside)) // 2]
        return ((float(at[1]), float(at[0])),), box
    chosen = [int(np.argmin(((core - core.mean(axis=0)) ** 2).sum(axis=1)))]
    distance = ((core - core[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(_SPOTS, len(core)) and distance.max() > 0:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, ((core - core[chosen[-1]]) ** 2).sum(axis=1))
    step = np.array([width / size[0], height / size[1]])
    spots = (core[chosen] + 0.5) * step - 0.5
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in spots), box
