"""Shapes as distance functions, and textures, for the sample pictures.

Lengths are in scene units (about a hand's breadth), y points up, the camera looks towards -z.
Points travel as three float32 arrays, one for each axis, because numpy is twice as fast on those.
Colours are linear light until `develop` turns them into sRGB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]
Points = tuple[Array, Array, Array]
Distance = Callable[[Points], Array]

_TABLE = np.random.default_rng(7).random((64, 64, 64), dtype=np.float32).ravel()


# ---------------------------------------------------------------------------- vectors and frames


def vec(values: ArrayLike) -> Array:
    """Return a float32 vector."""
    return np.asarray(values, dtype=np.float32)


def unit(values: ArrayLike) -> Array:
    """Return a vector of length 1."""
    array = vec(values)
    return array / max(float(np.linalg.norm(array)), 1e-9)


def dot(a: Points, b: Points | Array) -> Array:
    """Return the scalar product of points with points, or with one vector."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def length(p: Points) -> Array:
    """Return the distance from the origin."""
    return np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])


def normalized(p: Points) -> Points:
    """Return points at length 1."""
    scale = 1 / np.maximum(length(p), 1e-9)
    return p[0] * scale, p[1] * scale, p[2] * scale


def minus(p: Points, c: ArrayLike) -> Points:
    """Return points relative to another origin."""
    c = vec(c)
    return p[0] - c[0], p[1] - c[1], p[2] - c[2]


@dataclass(frozen=True)
class Frame:
    """A place and three axes, so that a part can be modelled upright and then put in its pose.

    Attributes:
        origin: (3,) where the part's own origin lies.
        axes: (3, 3) rows are the part's own x, y and z axes.
    """

    origin: Array
    axes: Array

    @classmethod
    def along(cls, start: ArrayLike, end: ArrayLike, front: ArrayLike = (0, 0, 1)) -> Self:
        """Return the frame at `start` whose y axis points to `end` and whose z axis is in front."""
        y = unit(vec(end) - vec(start))
        x = np.cross(y, vec(front))
        x = unit(x if np.linalg.norm(x) > 1e-3 else np.cross(y, vec((1, 0, 0))))
        return cls(vec(start), vec([x, y, np.cross(x, y)]))

    @classmethod
    def turned(cls, origin: ArrayLike, x: float = 0, y: float = 0, z: float = 0) -> Self:
        """Return the frame turned about the axes by angles in degrees, z first."""
        ax, ay, az = np.radians([x, y, z])
        rx = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
        ry = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
        rz = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
        return cls(vec(origin), vec((ry @ rx @ rz).T))

    def local(self, p: Points) -> Points:
        """Return points in the part's own coordinates."""
        q = minus(p, self.origin)
        return dot(q, self.axes[0]), dot(q, self.axes[1]), dot(q, self.axes[2])

    def world(self, point: ArrayLike) -> Array:
        """Return where one point of the part lies in the scene."""
        return vec(self.origin + vec(point) @ self.axes)


# ---------------------------------------------------------------------------- distance functions


def sphere(p: Points, centre: ArrayLike, radius: float) -> Array:
    """Return the distance to a ball."""
    return length(minus(p, centre)) - np.float32(radius)


def ellipsoid(p: Points, centre: ArrayLike, radii: ArrayLike) -> Array:
    """Return nearly the distance to an ellipsoid with its axes along the coordinates'."""
    q = minus(p, centre)
    r = vec(radii)
    k0 = length((q[0] / r[0], q[1] / r[1], q[2] / r[2]))
    k1 = length((q[0] / r[0] ** 2, q[1] / r[1] ** 2, q[2] / r[2] ** 2))
    return k0 * (k0 - 1) / np.maximum(k1, 1e-6)


def capsule(p: Points, a: ArrayLike, b: ArrayLike, ra: float, rb: float | None = None) -> Array:
    """Return nearly the distance to a rod with round ends, of radius `ra` to `rb`."""
    q, ba = minus(p, a), vec(b) - vec(a)
    h = np.clip(dot(q, ba) / np.float32(max(float(ba @ ba), 1e-9)), 0, 1)
    away = length((q[0] - ba[0] * h, q[1] - ba[1] * h, q[2] - ba[2] * h))
    return away - (np.float32(ra) if rb is None else np.float32(ra) + np.float32(rb - ra) * h)


def box(p: Points, half: ArrayLike, rounding: float = 0.0) -> Array:
    """Return the distance to a box around the origin, with rounded edges."""
    h = vec(half) - np.float32(rounding)
    qx, qy, qz = np.abs(p[0]) - h[0], np.abs(p[1]) - h[1], np.abs(p[2]) - h[2]
    outside = length((np.maximum(qx, 0), np.maximum(qy, 0), np.maximum(qz, 0)))
    return outside + np.minimum(np.maximum(np.maximum(qx, qy), qz), 0) - np.float32(rounding)


def cylinder(p: Points, radius: float, half: float, rounding: float = 0.0) -> Array:
    """Return the distance to a cylinder around the y axis."""
    dx = np.sqrt(p[0] * p[0] + p[2] * p[2]) - np.float32(radius - rounding)
    dy = np.abs(p[1]) - np.float32(half - rounding)
    outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
    return outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(rounding)


def cone(p: Points, bottom: float, top: float, height: float, rounding: float = 0.0) -> Array:
    """Return nearly the distance to a cone from y = 0 to `height`, with two radii."""
    radial = np.sqrt(p[0] * p[0] + p[2] * p[2])
    h = np.clip(p[1] / np.float32(height), 0, 1)
    slope = np.float32(height / np.hypot(height, bottom - top))
    side = (radial - (bottom + (top - bottom) * h) + rounding) * slope
    ends = np.abs(p[1] - height / 2) - np.float32(height / 2 - rounding)
    outside = np.sqrt(np.maximum(side, 0) ** 2 + np.maximum(ends, 0) ** 2)
    return outside + np.minimum(np.maximum(side, ends), 0) - np.float32(rounding)


def torus(p: Points, major: float, minor: float) -> Array:
    """Return the distance to a ring around the y axis."""
    ring = np.sqrt(p[0] * p[0] + p[2] * p[2]) - np.float32(major)
    return np.sqrt(ring * ring + p[1] * p[1]) - np.float32(minor)


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """Return the union of two shapes, with a fillet of about `k`."""
    h = np.maximum(k - np.abs(a - b), 0) / np.float32(k)
    return np.minimum(a, b) - h * h * np.float32(k / 4)


def smooth_max(a: Array, b: Array, k: float) -> Array:
    """Return what two shapes share, with a rounding of about `k`."""
    return -smooth_min(-a, -b, k)


def rough(base: Array, p: Points, relief: Distance, most: float) -> Array:
    """Return the distance to a shape with a relief on it, which is computed near the shape only.

    Args:
        base: Distance to the plain shape.
        p: The points.
        relief: Height of the relief, 0 to `most`.
        most: Its greatest height.
    """
    result = base - np.float32(most)
    near = np.flatnonzero(base < 3 * most)
    if near.size:
        result[near] = base[near] - relief((p[0][near], p[1][near], p[2][near]))
    return result


def tube(p: Points, points: Sequence[ArrayLike], radii: Sequence[float], blend: float) -> Array:
    """Return the distance to a soft tube through several points, with a radius at each."""
    result = capsule(p, points[0], points[1], radii[0], radii[1])
    for index in range(1, len(points) - 1):
        part = capsule(p, points[index], points[index + 1], radii[index], radii[index + 1])
        result = smooth_min(result, part, blend)
    return result


def curve(points: Sequence[ArrayLike], count: int) -> list[Array]:
    """Return points along a smooth curve (Catmull-Rom) through the given ones."""
    given = np.asarray(points, dtype=np.float64)
    ends = np.vstack([2 * given[0] - given[1], given, 2 * given[-1] - given[-2]])
    result = []
    for at in np.linspace(0, len(given) - 1, count):
        i = min(int(at), len(given) - 2)
        t = at - i
        a, b, c, d = ends[i : i + 4]
        result.append(
            vec(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                       + (3 * b - a - 3 * c + d) * t**3))
        )  # fmt: skip
    return result


# ---------------------------------------------------------------------------- textures


def noise(p: Points, scale: float = 1.0) -> Array:
    """Return smooth noise in 0..1 that varies over about 1 / scale."""
    x, y, z = (c * np.float32(scale) + np.float32(97.3) for c in p)
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    tx, ty, tz = x - fx, y - fy, z - fz
    tx, ty, tz = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty), tz * tz * (3 - 2 * tz)
    ix, iy, iz = (f.astype(np.int32) for f in (fx, fy, fz))
    x0, x1 = (ix & 63) << 12, ((ix + 1) & 63) << 12
    y0, y1 = (iy & 63) << 6, ((iy + 1) & 63) << 6
    z0, z1 = iz & 63, (iz + 1) & 63
    a = _TABLE[x0 + y0 + z0] * (1 - tz) + _TABLE[x0 + y0 + z1] * tz
    b = _TABLE[x0 + y1 + z0] * (1 - tz) + _TABLE[x0 + y1 + z1] * tz
    c = _TABLE[x1 + y0 + z0] * (1 - tz) + _TABLE[x1 + y0 + z1] * tz
    d = _TABLE[x1 + y1 + z0] * (1 - tz) + _TABLE[x1 + y1 + z1] * tz
    return (a * (1 - ty) + b * ty) * (1 - tx) + (c * (1 - ty) + d * ty) * tx


def fbm(p: Points, scale: float = 1.0, octaves: int = 3) -> Array:
    """Return noise of several sizes in 0..1."""
    total, weight, result = 0.0, 1.0, np.float32(0)
    for octave in range(octaves):
        result = result + weight * noise(p, scale * 2.03**octave)
        total += weight
        weight *= 0.5
    return vec(result / total)


def ramp(value: Array, low: float, high: float) -> Array:
    """Return a smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def srgb(code: str) -> Array:
    """Return linear light for a colour written as in the web, ``#rrggbb``."""
    values = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return vec(np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4))


def mix(a: ArrayLike, b: ArrayLike, share: Array) -> Array:
    """Return (N, 3) colours between two, by a share in 0..1 for each point."""
    return vec(a) * (1 - share[:, None]) + vec(b) * share[:, None]


def tinted(colours: Array, tint: ArrayLike, share: Array) -> Array:
    """Return (N, 3) colours mixed with one colour, by a share in 0..1 for each point."""
    return vec(colours * (1 - share[:, None]) + vec(tint) * share[:, None])
