"""Edits of a scene's groups, its background and of several tracks at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from cmp_studio.document.errors import SceneError
from cmp_studio.document.groups import Group
from cmp_studio.document.scene import HoleFill, Picture, Scene, add_track
from cmp_studio.document.track_edits import MirrorAxis, mirror_track
from cmp_studio.document.tracks import Track, keep_inside, move_track

DUPLICATE_OFFSET: Final = (12.0, 12.0)
"""How far a copy lies beside its original, px."""

LayerMove = Literal["forward", "backward", "front", "back"]
"""Where layers go: past the next one towards the front or the back, or all the way."""

_Change: TypeAlias = Callable[[Track], Track]


def add_tracks(scene: Scene, tracks: Iterable[Track], *, group: int | None = None) -> Scene:
    """Return the scene with new tracks on top, each moved onto the picture where needed.

    The new ones are those with ids from the old ``next_id`` up.

    Args:
        scene: Any scene.
        tracks: Under any ids.
        group: Id of the group to put them in; None leaves each in its own where the scene has it.
    """
    known = {0, *(item.id for item in scene.groups)}
    for track in tracks:
        wanted = track.group if group is None else group
        placed = replace(track, group=wanted if wanted in known else 0)
        scene = add_track(scene, keep_inside(placed, scene.picture.width, scene.picture.height))
    return scene


def duplicate_tracks(
    scene: Scene,
    track_ids: Collection[int],
    *,
    offset: tuple[float, float] = DUPLICATE_OFFSET,
) -> Scene:
    """Return the scene with a copy of each of these tracks, ``offset`` px beside it."""
    copies = [move_track(track, *offset) for track in scene.tracks if track.id in track_ids]
    return add_tracks(scene, copies)


def nudge_tracks(scene: Scene, track_ids: Collection[int], dx: float, dy: float) -> Scene:
    """Return the scene with these tracks moved by ``dx``, ``dy`` px, kept on the picture."""
    width, height = scene.picture.width, scene.picture.height
    return _changed(
        scene, track_ids, lambda track: keep_inside(move_track(track, dx, dy), width, height)
    )


def mirror_tracks(
    scene: Scene, track_ids: Collection[int], axis: MirrorAxis, *, about: float | None = None
) -> Scene:
    """Return the scene with these tracks mirrored.

    Args:
        scene: Any scene.
        track_ids: Tracks to mirror.
        axis: ``horizontal`` swaps left and right, ``vertical`` up and down.
        about: x or y of the line, px; None is the middle of their starts, so one track alone stays
            where it is and moves to the other side.
    """
    number = 0 if axis == "horizontal" else 1
    starts = [track.tail[number] for track in scene.tracks if track.id in track_ids]
    if not starts:
        return scene
    line = (min(starts) + max(starts)) / 2 if about is None else about
    width, height = scene.picture.width, scene.picture.height
    return _changed(
        scene,
        track_ids,
        lambda track: keep_inside(mirror_track(track, axis, line), width, height),
    )


def add_group(scene: Scene, group: Group, *, track_ids: Collection[int] = ()) -> Scene:
    """Return the scene with ``group`` in front of all, under a new id, with these tracks in it.

    The id is ``result.groups[-1].id``.

    Raises:
        SceneError: The mask does not fit, or there are too many groups.
    """
    taken_in = replace(group, id=scene.next_id)
    scene = replace(scene, groups=(*scene.groups, taken_in), next_id=scene.next_id + 1)
    return set_group(scene, track_ids, taken_in.id)


def replace_group(scene: Scene, group: Group) -> Scene:
    """Return the scene with ``group`` in place of the one with the same id.

    Raises:
        SceneError: No group has this id, or its mask does not fit.
    """
    scene.group(group.id)
    groups = tuple(group if old.id == group.id else old for old in scene.groups)
    return replace(scene, groups=groups)


def remove_group(scene: Scene, group_id: int) -> Scene:
    """Return the scene without a group; its tracks move with the rest of the picture.

    Raises:
        SceneError: No group has this id.
    """
    group = scene.group(group_id)
    place = scene.groups.index(group)
    tracks = tuple(replace(t, group=0) if t.group == group_id else t for t in scene.tracks)
    groups = (*scene.groups[:place], *scene.groups[place + 1 :])
    base = scene.base_place - (place < scene.base_place)
    return replace(scene, groups=groups, tracks=tracks, base_place=base)


def set_group(scene: Scene, track_ids: Collection[int], group_id: int) -> Scene:
    """Return the scene with these tracks in another group; 0 is the rest of the picture.

    Raises:
        TrackError: No group has this id.
    """
    return _changed(scene, track_ids, lambda track: replace(track, group=group_id))


def layer_order(scene: Scene) -> tuple[int, ...]:
    """Return the ids of all layers from back to front; 0 is the rest of the picture."""
    ids = [group.id for group in scene.groups]
    return (*ids[: scene.base_place], 0, *ids[scene.base_place :])


def set_layer_order(scene: Scene, order: Sequence[int]) -> Scene:
    """Return the scene with its layers in another order.

    Args:
        scene: Any scene.
        order: What `layer_order` gave, in another order, back to front.

    Raises:
        SceneError: Layers are missing or unknown.
    """
    if sorted(order) != sorted(layer_order(scene)):
        raise SceneError(
            "The layers are {layers}, each once, got {order}.",
            layers=sorted(layer_order(scene)),
            order=list(order),
        )
    groups = tuple(scene.group(item) for item in order if item != 0)
    return replace(scene, groups=groups, base_place=list(order).index(0))


def moved_layers(order: Sequence[int], layers: Collection[int], move: LayerMove) -> tuple[int, ...]:
    """Return an order of layers with some of them further to the front or the back.

    Several keep their order among themselves, and one that can't go further holds the next one up.

    Args:
        order: What `layer_order` gave, back to front.
        layers: Those to move; the ones that are not in ``order`` are ignored.
        move: Where to.
    """
    if move in ("backward", "back"):
        turned: LayerMove = "forward" if move == "backward" else "front"
        return moved_layers(order[::-1], layers, turned)[::-1]
    if move == "front":
        others = [layer for layer in order if layer not in layers]
        return (*others, *(layer for layer in order if layer in layers))
    changed = list(order)
    for place in range(len(changed) - 2, -1, -1):
        if changed[place] in layers and changed[place + 1] not in layers:
            changed[place], changed[place + 1] = changed[place + 1], changed[place]
    return tuple(changed)


def set_fill(scene: Scene, fill: HoleFill, *, plate: Picture | None = None) -> Scene:
    """Return the scene with something else to show in holes.

    Args:
        scene: Any scene.
        fill: See `Scene`.
        plate: A new plate; None keeps the one that is there.

    Raises:
        SceneError: ``plate`` is wanted and there is none, or it has another shape.
    """
    return replace(scene, fill=fill, plate=scene.plate if plate is None else plate)


def _changed(scene: Scene, track_ids: Collection[int], change: _Change) -> Scene:
    tracks = tuple(change(track) if track.id in track_ids else track for track in scene.tracks)
    return scene if tracks == scene.tracks else replace(scene, tracks=tracks)
