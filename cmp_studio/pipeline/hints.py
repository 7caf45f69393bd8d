"""Hints that need the picture: does an arrow start on the edge of something?"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.scene import Scene

_SIDE: Final = 384
_RADIUS: Final = 5
"""How far around a start is looked at, px where the picture's shorter side is 384."""

_CONTRAST: Final = 26.0
"""Difference of both sides in CIE Lab from which there is an edge. Own choice."""

_SIDES: Final = 16


def edge_hints(scene: Scene, image: NDArray[np.uint8]) -> tuple[int, ...]:
    """Return the ids of the moving tracks that start on an edge in the picture.

    The network takes the arrow for the part that lies under its start; on an edge it may be the
    wrong one. There is an edge where the two halves of a small disc differ, and each is alike in
    itself.

    Args:
        scene: Tracks.
        image: (H, W, 3) uint8 RGB, its picture.
    """
    tracks = [track for track in scene.tracks if track.is_on and track.kind != "pin"]
    if not tracks:
        return ()
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / min(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    colors = cv2.cvtColor(np.asarray(small, np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
    lab = np.asarray(cv2.GaussianBlur(colors, (0, 0), 1.2), np.float32)
    found = []
    for track in tracks:
        x = (track.tail[0] + 0.5) * size[0] / width - 0.5
        y = (track.tail[1] + 0.5) * size[1] / height - 0.5
        if _is_on_edge(lab, x, y):
            found.append(track.id)
    return tuple(found)


def _is_on_edge(lab: NDArray[np.float32], x: float, y: float) -> bool:
    height, width = lab.shape[:2]
    angles = np.arange(_SIDES) * (2 * np.pi / _SIDES)
    columns = np.clip(np.rint(x + _RADIUS * np.cos(angles)), 0, width - 1).astype(int)
    rows = np.clip(np.rint(y + _RADIUS * np.sin(angles)), 0, height - 1).astype(int)
    ring = lab[rows, columns]
    for turn in range(_SIDES // 2):
        turned = np.roll(ring, turn, axis=0)
        one, other = turned[1 : _SIDES // 2 - 1], turned[_SIDES // 2 + 1 : -1]
        apart = float(np.linalg.norm(one.mean(axis=0) - other.mean(axis=0)))
        spread = max(
            float(np.linalg.norm(half - half.mean(axis=0), axis=1).mean()) for half in (one, other)
        )
        if apart > _CONTRAST and apart > 2.5 * spread:
            return True
    return False
