"""What of a scene takes memory: files as they were opened, masks, long lists of points.

Parts are told apart by identity, because neighbouring steps of the history share them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from cmp_studio.document.scene import Scene

Part: TypeAlias = tuple[object, int]
"""A part of a state, and how many bytes it takes."""

_POINT_BYTES: Final = 112
"""Of a pair of numbers in a tuple of them, on 64-bit CPython."""

_SAMPLE_BYTES: Final = 144
"""Of a triple."""


def scene_parts(scene: Scene) -> Iterator[Part]:
    """Yield what of a scene is large, or may be; the same parts each time, some of them twice."""
    for picture in (scene.picture, scene.plate):
        if picture is not None:
            yield picture.data, len(picture.data)
    for mask in (scene.freeze, *(group.mask for group in scene.groups)):
        if mask is not None:
            yield mask.png, len(mask.png)
    for track in scene.tracks:
        yield track.points, len(track.points) * _POINT_BYTES
        for take in track.takes:
            yield take.samples, len(take.samples) * _SAMPLE_BYTES
