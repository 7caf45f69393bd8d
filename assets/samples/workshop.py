"""The workshop of the machine: metals, gears, the bench, the clock's wheels, and the light."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from raymarch import Body, Camera, Light, Looks, Surface
from shapes import (
    Array,
    Frame,
    Points,
    box,
    capsule,
    cone,
    cylinder,
    dot,
    fbm,
    length,
    minus,
    mix,
    noise,
    ramp,
    smooth_max,
    smooth_min,
    srgb,
    torus,
    unit,
    vec,
)

BRASS, BRONZE = srgb("#f0b95a"), srgb("#8f5a22")
IRON = srgb("#3a3634")
CAMERA = Camera(vec((0.9, 3.2, 14.5)), vec((0.4, 2.2, 0.0)), 23.4)


def brass(p: Points, normal: Points) -> Surface:
    """Return polished brass with a patina in its hollows."""
    patina, fine = fbm(p, 2.6, 3), noise(p, 23.0)
    share = ramp(patina, 0.35, 0.75)
    colour = mix(BRASS, BRONZE, share)
    return Surface(
        vec(colour * (0.9 + 0.15 * fine)[:, None]), roughness=0.2 + 0.26 * share, metal=1.0,
        height=lambda q: 0.0025 * noise(q, 18.0),
    )  # fmt: skip


def old_bronze(p: Points, normal: Points) -> Surface:
    """Return the dull bronze of the clock's great wheels."""
    patina = ramp(fbm(p, 1.5, 4), 0.35, 0.65)
    colour = mix(srgb("#a8702c"), srgb("#3d4a40"), patina)
    return Surface(
        colour * 0.55, roughness=0.5 + 0.2 * patina, metal=0.75, specular=0.04,
        height=lambda q: 0.008 * noise(q, 9.0),
    )  # fmt: skip


def steel(p: Points, normal: Points) -> Surface:
    """Return bright steel."""
    fine = noise((p[0] * 3, p[1] * 40, p[2] * 3), 1.0)
    colour = np.broadcast_to(srgb("#c8c6c2"), (p[0].size, 3)) * (0.85 + 0.2 * fine)[:, None]
    return Surface(vec(colour), roughness=0.24, metal=1.0)


def iron(p: Points, normal: Points) -> Surface:
    """Return black cast iron."""
    grain = noise(p, 30.0)
    colour = mix(IRON, srgb("#5b4a3c"), ramp(fbm(p, 2.0, 3), 0.5, 0.8))
    return Surface(
        vec(colour * (0.7 + 0.4 * grain)[:, None]), roughness=0.5, specular=0.05,
        height=lambda q: 0.006 * noise(q, 26.0),
    )  # fmt: skip


def enamel(colour: Array) -> Callable[[Points, Points], Surface]:
    """Return the looks of enamel that is chipped here and there, down to the primer."""

    def surface(p: Points, normal: Points) -> Surface:
        chips = ramp(fbm(p, 4.2, 4), 0.655, 0.675)
        cloudy = fbm(p, 1.6, 2)
        base = colour * (0.86 + 0.26 * cloudy)[:, None]
        base = base * (1 - chips[:, None]) + srgb("#5a4a3e") * chips[:, None]
        return Surface(
            vec(base), roughness=0.22 + 0.4 * chips, specular=0.05,
            height=lambda q: 0.004 * noise(q, 11.0),
        )  # fmt: skip

    return surface


def plain(colour: ArrayLike, rough: float = 0.5) -> Callable[[Points, Points], Surface]:
    """Return a plain surface."""

    def surface(p: Points, normal: Points) -> Surface:
        base = np.broadcast_to(vec(colour), (p[0].size, 3)) * (0.85 + 0.3 * noise(p, 12.0))[:, None]
        return Surface(vec(base), roughness=rough)

    return surface


FACING = vec([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Axes of a wheel that faces the viewer: its own y axis is the scene's z axis."""


def wheel(at: ArrayLike, tilt: ArrayLike = FACING) -> Frame:
    """Return the frame of a wheel."""
    return Frame(vec(at), vec(tilt))


def gear(
    frame: Frame, radius: float, half: float, teeth: int, spokes: int = 5, turn: float = 0.0
) -> Body:
    """Return a spoked gear around the frame's y axis."""
    tooth = 0.9 * radius * np.pi / teeth * 0.55

    def distance(p: Points) -> Array:
        x, y, z = frame.local(p)
        r = np.sqrt(x * x + z * z)
        angle = np.arctan2(z, x) + turn
        wave = np.clip(np.sin(angle * teeth) * 2.2, -1, 1)
        outline = (r - radius - tooth * wave) * 0.75
        if spokes:
            sector = 2 * np.pi / spokes
            local = np.mod(angle + sector / 2, sector) - sector / 2
            across = np.abs(r * np.sin(local)) - radius * (0.085 + 0.02 * r / radius)
            hole = np.maximum(np.abs(r - radius * 0.54) - radius * 0.26, -across)
            outline = smooth_max(outline, -hole, 0.02 * radius)
        flat = smooth_max(outline, np.abs(y) - half, 0.02)
        hub = cylinder((x, y, z), radius * 0.24, half * 1.9, 0.02)
        rim = torus((x, np.abs(y) - half, z), radius * 0.87, half * 0.35)
        return np.minimum(np.minimum(flat, hub), rim)

    return Body(distance, brass, frame.origin, radius + 2 * tooth + half)


def bolt(at: ArrayLike, radius: float, half: float, surface: Looks = brass) -> Body:
    """Return a round bolt head that faces the viewer, with a rim and a slot."""
    frame = wheel(at)

    def distance(p: Points) -> Array:
        q = frame.local(p)
        head = cylinder(q, radius, half, 0.03)
        rim = torus((q[0], q[1] - half, q[2]), radius * 0.82, radius * 0.1)
        slot = box((q[0] * 0.8 + q[2] * 0.6, q[1] - half, q[2] * 0.8 - q[0] * 0.6),
                   (radius * 0.5, 0.05, radius * 0.09))  # fmt: skip
        return smooth_max(np.minimum(head, rim), -slot, 0.015)

    return Body(distance, surface, frame.origin, radius + half + 0.05)


def normalized_to_eye(p: Points) -> Points:
    """Return directions to the camera."""
    q = tuple(CAMERA.eye[k] - p[k] for k in range(3))
    away = length(q)
    return q[0] / away, q[1] / away, q[2] / away


# ---------------------------------------------------------------------------- the attic


def attic() -> list[Body]:
    """Return the bench, what lies on it, the wall and the great clockwork behind."""

    def bench(p: Points) -> Array:
        return np.maximum(p[1], p[2] - 3.6)

    def planks(p: Points, normal: Points) -> Surface:
        x, y, z = p
        number = np.floor(z / 1.25 + 0.3)
        across = np.abs(z / 1.25 + 0.3 - number - 0.5) * 2
        shade = noise((number * 7.7, number * 0, number * 3.1), 1.0)
        streak = noise((x * 0.9, y, z * 16 + number * 9), 1.0)
        bend = 2.4 * noise((x * 0.3, number, z * 2), 1.0)
        figure = 0.5 + 0.5 * np.sin((z * 10 + bend + number * 4) * 2)
        share = np.clip(0.15 + 0.4 * figure + 0.6 * (streak - 0.5) + 0.4 * (shade - 0.5), 0, 1)
        colour = mix(srgb("#8a5730"), srgb("#43240f"), share) * (0.8 + 0.4 * shade)[:, None]
        gap = ramp(across, 0.965, 0.985)
        stain = ramp(fbm((x, 0 * y, z), 0.9, 3), 0.55, 0.75)
        colour = colour * (1 - 0.85 * gap - 0.0)[:, None] * (1 - 0.35 * stain)[:, None]
        return Surface(
            vec(colour), roughness=0.34 + 0.3 * streak, specular=0.05, cavity=1 - 0.7 * gap,
            height=lambda q: 0.008 * noise((q[0] * 0.9, q[1], q[2] * 16), 1.0),
        )  # fmt: skip

    def wall(p: Points) -> Array:
        return p[2] + 5.5

    def stones(p: Points, normal: Points) -> Surface:
        x, y, z = p
        row = np.floor(y / 0.85)
        u = x / 1.7 + 0.5 * np.mod(row, 2) + 0.1 * np.sin(row * 5)
        cell = np.floor(u)
        du, dv = np.abs(u - cell - 0.5) * 2, np.abs(y / 0.85 - row - 0.5) * 2
        rough = 0.05 * (fbm(p, 3.0, 3) - 0.5)
        joint = np.maximum(ramp(du + rough, 0.94, 0.985), ramp(dv + rough, 0.9, 0.97))
        tone = noise((cell * 5.3, row * 7.1, 0 * z), 1.0)
        colour = (
            mix(srgb("#5c4636"), srgb("#3b322e"), tone) * (0.55 + 0.7 * fbm(p, 2.4, 4))[:, None]
        )
        colour = colour * (1 - 0.6 * joint)[:, None]
        return Surface(vec(colour), roughness=0.9, specular=0.01)

    bodies = [Body(bench, planks), Body(wall, stones, has_shadow=False)]
    for x, y, z, radius, teeth, spokes, turn in (
        (4.3, 5.0, -4.4, 2.15, 38, 6, 0.1), (0.9, 6.0, -4.8, 1.5, 26, 5, 0.5),
        (-4.0, 4.4, -4.5, 2.0, 34, 6, 0.0), (5.2, 1.4, -4.7, 1.5, 24, 5, 0.3),
    ):  # fmt: skip
        great = gear(wheel((x, y, z)), radius, 0.16, teeth, spokes, turn)
        great.surface = old_bronze
        bodies.append(great)
    # On the bench: a gear that leans on another, loose ones, a pencil on a plan, an oil can.
    flat = Frame.turned((2.35, 0.09, 1.1), y=20)
    bodies.append(gear(flat, 0.52, 0.075, 20, 5))
    bodies.append(gear(Frame.turned((2.85, 0.23, 0.7), x=8, z=14), 0.33, 0.06, 14, 4))
    bodies.append(gear(Frame.turned((-2.95, 0.07, 1.75), y=5), 0.36, 0.06, 16, 5))
    sheet = Frame.turned((0.95, 0.015, 1.35), y=-14)

    def paper(p: Points) -> Array:
        x, y, z = sheet.local(p)
        curl = 0.05 * ramp(np.abs(x), 0.7, 1.05) ** 2
        return box((x, y - curl, z), (1.05, 0.012, 0.72)) * 0.8

    def plan(p: Points, normal: Points) -> Surface:
        x, _, z = sheet.local(p)
        colour = (
            np.broadcast_to(srgb("#2a5f8f"), (x.size, 3)) * (0.85 + 0.3 * fbm(p, 3.0, 3))[:, None]
        )
        grid = np.minimum(np.abs(np.mod(x * 7, 1) - 0.5), np.abs(np.mod(z * 7, 1) - 0.5))
        lines = 0.3 * ramp(grid, 0.06, 0.03)
        for cx, cz, r in (
            (-0.45, 0.05, 0.36),
            (-0.45, 0.05, 0.22),
            (0.35, -0.2, 0.2),
            (0.35, -0.2, 0.08),
            (0.5, 0.32, 0.14),
        ):
            lines = np.maximum(lines, ramp(np.abs(np.hypot(x - cx, z - cz) - r), 0.014, 0.007))
        for (x0, z0), (x1, z1) in (
            ((-0.45, 0.05), (0.35, -0.2)),
            ((0.35, -0.2), (0.5, 0.32)),
            ((-0.9, 0.55), (0.9, 0.55)),
        ):
            lines = np.maximum(
                lines, ramp(capsule((x, 0 * x, z), (x0, 0, z0), (x1, 0, z1), 0.0), 0.014, 0.007)
            )
        edge = np.maximum(np.abs(x) - 0.98, np.abs(z) - 0.65)
        lines = np.maximum(lines, ramp(np.abs(edge), 0.012, 0.006))
        return Surface(
            vec(colour * (1 - lines[:, None]) + srgb("#e8f1f6") * lines[:, None]), roughness=0.8
        )

    bodies.append(Body(paper, plan, sheet.origin, 1.35))
    a, b = vec((0.25, 0.1, 1.95)), vec((1.75, 0.1, 1.62))

    def pencil(p: Points) -> Array:
        shaft = capsule(p, a, b, 0.062)
        tip = capsule(p, b, b + (b - a) * 0.1, 0.062, 0.008)
        return np.minimum(shaft, tip)

    def pencil_looks(p: Points, normal: Points) -> Surface:
        along = (p[0] - a[0]) / (b[0] - a[0])
        colour = mix(srgb("#d9a520"), srgb("#e8c48e"), ramp(along, 0.97, 0.99))
        colour = np.where((along > 1.07)[:, None], srgb("#26221f"), colour)
        colour = np.where((along < 0.05)[:, None], srgb("#c0504a"), colour)
        return Surface(vec(colour), roughness=0.35)

    bodies.append(Body(pencil, pencil_looks, vec((a + b) / 2), 1.05))
    can = vec((3.75, 0.0, 0.35))

    def oil_can(p: Points) -> Array:
        q = minus(p, can)
        body = cone(q, 0.46, 0.4, 0.5, 0.05)
        dome = cone((q[0], q[1] - 0.47, q[2]), 0.38, 0.09, 0.4, 0.04)
        spout = capsule(q, (0.0, 0.8, 0), (-0.45, 1.5, 0.12), 0.065, 0.022)
        handle = torus((q[1] - 0.55, q[2], q[0] - 0.5), 0.27, 0.042)
        return np.minimum(smooth_min(smooth_min(body, dome, 0.06), spout, 0.05), handle)

    bodies.append(Body(oil_can, brass, can + vec((0, 0.7, 0)), 1.1))
    for body in bodies:
        body.is_scenery = True
    return bodies


# ---------------------------------------------------------------------------- light


def sky(directions: Points) -> Array:
    """Return what metal mirrors: a dim attic, a tall window, the bulb, the bench."""
    x, y, z = directions
    colour = mix(srgb("#5a3315") * 0.9, srgb("#34302e"), ramp(y, -0.3, 0.7))
    window = ramp(np.abs(y - 0.35), 0.42, 0.36) * ramp(np.abs(np.arctan2(x, z) + 0.95), 0.3, 0.25)
    bars = ramp(np.abs(np.mod(np.arctan2(x, z) * 8, 1) - 0.5), 0.04, 0.07)
    colour = colour + (window * (0.3 + 0.7 * bars))[:, None] * vec((4.6, 4.3, 3.8))
    colour = colour + ramp(dot(directions, unit((0.85, 0.2, 0.35))), 0.86, 0.98)[:, None] * vec(
        (3.2, 1.9, 0.75)
    )
    colour = colour + ramp(dot(directions, unit((0.5, 0.9, -0.1))), 0.8, 0.95)[:, None] * vec(
        (0.5, 0.6, 0.7)
    )
    return vec(colour)


SUNBEAM = Light(
    vec((-7.5, 9.5, 7.0)), vec((2.6, 2.2, 1.7)), 12, vec((-0.3, 2.0, 0.0)), (0.975, 0.93)
)


def dust(colour: Array, ends: Points, depth: Array) -> Array:
    """Return the colours with the dusty air of the attic before them."""
    eye = CAMERA.eye
    share = (1 - np.exp(-np.clip(depth - 15.5, 0, 20) * 0.035))[:, None]
    colour = colour * (1 - share) + vec((0.11, 0.068, 0.042)) * share
    total = np.zeros_like(depth)
    axis = unit(SUNBEAM.aim - SUNBEAM.position)
    side = unit(np.cross(axis, (0, 1, 0)))
    for step in (np.arange(16) + 0.5) / 16:
        far = np.minimum(depth, 22.0)
        at = 9.0 + (far - 9.0) * step
        p = tuple(eye[k] + (ends[k] - eye[k]) * (at / depth) for k in range(3))
        q = minus(p, SUNBEAM.position)
        along = np.maximum(dot(q, axis), 0.1)
        fan = dot(q, side) / along
        inside = ramp(along / length(q), 0.94, 0.985)
        slats = 0.06 + 0.94 * ramp(np.abs(np.mod(fan * 9 + 0.3, 1) - 0.5), 0.14, 0.3)
        total += inside * slats * (0.6 + 0.8 * noise(p, 0.8)) * (far - 9.0) / 16
    return vec(colour + 0.007 * total[:, None] * SUNBEAM.colour)
