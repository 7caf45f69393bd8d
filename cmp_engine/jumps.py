"""Where a flow jumps: the steps between pixels that no rigid motion makes."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

BEND: Final = 0.5
"""How far the Jacobian of a step may be from a rotation before the step is no longer one part."""

_WEAK: Final = 0.7
"""The same beside steps that do, part of it."""

_SHARP: Final = 0.1
"""The same where there is a picture to look at: part of the largest motion around, per px."""

_EDGE_BEND: Final = 0.3
"""Bend of the steps that have a say in whether an edge is sharp."""


def motion_order(u: Float, v: Float) -> Float:
    """Return the order in which what moves farther is in front of what moves less.

    Of equally fast parts one must be in front as a whole: more to the right, then more down.
    """
    order = u * u
    order += v * v
    np.sqrt(order, out=order)
    order += np.float32(0.1) * u
    order += np.float32(0.07) * v
    return order


def bend_of(u: Float, v: Float) -> Float:
    """Return how far the Jacobian of each step is from a rotation, squared, (h, w)."""
    a = u[:-1, 1:] - u[:-1, :-1]
    c = v[:-1, 1:] - v[:-1, :-1]
    b = u[1:, :-1] - u[:-1, :-1]
    d = v[1:, :-1] - v[:-1, :-1]
    a += 1
    d += 1
    bend = np.full(u.shape, 2, np.float32)
    inner = bend[:-1, :-1]
    inner += a * a
    inner += b * b
    inner += c * c
    inner += d * d
    a += d
    c -= b
    a *= a
    c *= c
    a += c
    np.sqrt(a, out=a)
    a *= 2
    inner -= a
    bend[-1], bend[:, -1] = 0, 0
    return bend


def jumps_of(bend: Float, u: Float, v: Float, reach: int, *, is_strict: bool) -> Bool:
    """Return where the flow jumps, (h, w): both pixels of each step that does.

    Args:
        bend: From `bend_of`.
        u: (h, w) flow, px.
        v: (h, w) likewise.
        reach: Steps that bend less count within so many px of others that bend more.
        is_strict: A jump must be sharp against the motion around it, all along.
    """
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    if is_strict:
        speed = u * u
        speed += v * v
        side = 6 * reach + 1
        local = np.asarray(cv2.dilate(speed, np.ones((side, side), np.uint8)), np.float32)
        threshold = np.maximum(_SHARP * np.sqrt(local), BEND)
        bend = np.sqrt(np.maximum(bend, 0))
        # Along an edge the decision must not change from pixel to pixel.
        weight = (bend > _EDGE_BEND).astype(np.float32)
        steepest = np.asarray(cv2.dilate(bend, kernel), np.float32) * weight
        side = 8 * reach + 1
        pair = np.dstack([steepest, weight])
        pair = np.asarray(cv2.blur(pair, (side, side), borderType=cv2.BORDER_CONSTANT))
        is_jump = pair[..., 0] > threshold * np.maximum(pair[..., 1], 1e-6)
        is_jump &= bend > _WEAK * threshold
    else:
        is_jump = bend > BEND**2
        near = cv2.dilate(is_jump.view(np.uint8), kernel)
        is_jump = (np.asarray(near) > 0) & (bend > (_WEAK * BEND) ** 2)
    both = cv2.dilate(is_jump.view(np.uint8), np.ones((2, 2), np.uint8), anchor=(1, 1))
    return np.asarray(both, np.uint8).view(np.bool_)


def range_around(order: Float, pixel: Index, reach: int) -> Float:
    """Return by how much the order differs around pixels, (n,)."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    highest, lowest = cv2.dilate(order, kernel), cv2.erode(order, kernel)
    return np.asarray(highest.ravel()[pixel] - lowest.ravel()[pixel], np.float32)
