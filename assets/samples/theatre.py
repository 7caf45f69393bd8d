"""The theatre of the marionette: floor, painted night, curtains, footlights, and its lamps."""

from __future__ import annotations

import numpy as np
from raymarch import Body, Camera, Light, Surface
from shapes import (
    Array,
    Frame,
    Points,
    dot,
    ellipsoid,
    fbm,
    length,
    minus,
    mix,
    noise,
    ramp,
    smooth_max,
    sphere,
    srgb,
    tinted,
    unit,
    vec,
)

GOLD = srgb("#e0a53a")


def brass(p: Points, normal: Points) -> Surface:
    """Return the looks of old brass."""
    dull = fbm(p, 7.0, 2)
    colour = mix(srgb("#e8b552"), srgb("#a8742a"), dull)
    return Surface(colour, roughness=0.22 + 0.25 * dull, metal=1.0)


def stage() -> list[Body]:
    """Return floor, painted backdrop, curtains and footlights."""

    def floor(p: Points) -> Array:
        return np.maximum(p[1], p[2] - 3.9)

    def planks(p: Points, normal: Points) -> Surface:
        x, y, z = p
        number = np.floor(x / 0.62)
        across = np.abs(x / 0.62 - number - 0.5) * 2
        shade = noise((number * 7.7, number * 0 + 0.5, number * 3.1), 1.0)
        streak = noise((x * 14 + number * 5, y * 3, z * 0.9), 1.0)
        figure = 0.5 + 0.5 * np.sin(
            (x * 9 + number * 4 + 2.2 * noise((x * 2, number, z * 0.35), 1.0)) * 2.2
        )
        share = np.clip(0.2 + 0.35 * figure + 0.5 * (streak - 0.5) + 0.3 * (shade - 0.5), 0, 1)
        colour = mix(srgb("#b8763c"), srgb("#6a3616"), share) * (0.75 + 0.5 * shade)[:, None]
        gap = ramp(across, 0.955, 0.985)
        front = z > 3.88
        colour = np.where(front[:, None], srgb("#7c1a17") * (0.8 + 0.3 * streak)[:, None], colour)
        gap = np.where(front, 0, gap)
        return Surface(
            vec(colour * (1 - 0.85 * gap)[:, None]), roughness=0.3 + 0.25 * streak, specular=0.05,
            cavity=1 - 0.7 * gap,
            height=lambda q: 0.006 * noise((q[0] * 14, q[1], q[2] * 0.9), 1.0),
        )  # fmt: skip

    def backdrop(p: Points) -> Array:
        x, _, z = p
        return (z + 3.4 - 0.05 * np.sin(x * 1.3 + 0.6) - 0.04 * np.sin(x * 2.9)) * 0.97

    def canvas(p: Points, normal: Points) -> Surface:
        x, y, z = p
        wash = fbm((x, y, 0 * z), 0.9, 4)
        height = np.clip(y / 8.5, 0, 1)
        colour = mix(srgb("#3b8a92"), srgb("#0a1c3a"), ramp(height + 0.22 * (wash - 0.5), 0.2, 0.8))
        # The moon, with a ring of light, and clouds brushed across.
        r = np.sqrt((x - 3.1) ** 2 + (y - 6.0) ** 2)
        colour = tinted(colour, srgb("#7fc0b4"), 0.55 * np.exp(-((r / 2.3) ** 2)))
        face_of_moon = mix(srgb("#fff3cf"), srgb("#e9cf94"), fbm((x, y, 0 * z), 2.2, 3))
        moon = ramp(r, 1.02, 0.98)[:, None]
        colour = colour * (1 - moon) + face_of_moon * moon
        clouds = ramp(fbm((x * 0.5, y * 1.7, 0 * z), 1.0, 4), 0.56, 0.75) * ramp(y, 2.2, 4.5)
        colour = tinted(colour, srgb("#8cb9b8"), 0.4 * clouds)
        # Stars, one in some cells of a grid.
        cx, cy = np.floor(x * 1.6), np.floor(y * 1.6)
        hx = noise((cx * 3.7, cy * 5.1, 0 * x + 0.5), 1.0)
        hy = noise((cx * 6.3, cy * 2.9, 0 * x + 9.5), 1.0)
        sx, sy = (cx + 0.2 + 0.6 * hx) / 1.6, (cy + 0.2 + 0.6 * hy) / 1.6
        dx, dy = np.abs(x - sx), np.abs(y - sy)
        size = 0.02 + 0.045 * np.clip(hx * hy * 4 - 0.8, 0, 1)
        star = ramp((dx / size) ** 0.6 + (dy / size) ** 0.6, 1.9, 1.3)
        star *= (hx > 0.42) * ramp(y, 3.4, 4.6) * (r > 1.5)
        colour = tinted(colour, srgb("#fff0c0"), 0.9 * star)
        # Four rows of hills, paler with distance, each with moonlight along its crest.
        for base, rise, wave, tint in (
            (2.9, 0.42, 0.5, "#2f7480"), (2.25, 0.5, 0.62, "#1f5a68"), (1.5, 0.42, 0.9, "#14424f"),
            (0.75, 0.3, 1.3, "#0c2d38"),
        ):  # fmt: skip
            ridge = base + rise * np.sin(x * wave + base * 3) + 0.2 * np.sin(x * wave * 2.7 + base)
            ridge += 0.12 * (fbm((x, 0 * y + base, 0 * z), 3.0, 3) - 0.5)
            share = ramp(ridge - y, -0.015, 0.015)
            colour = tinted(colour, srgb(tint), share)
            crest = share * np.exp(-np.clip(ridge - y, 0, 3) / 0.16)
            colour = tinted(colour, srgb("#7fc4b6"), (0.12 + 0.1 * ramp(x, -1.0, 4.0)) * crest)
        weave = noise((x * 60, y * 60, 0 * z), 1.0)
        brush = noise((x * 2.5, y * 16, 0 * z), 1.0)
        colour = colour * (0.84 + 0.12 * weave + 0.2 * brush)[:, None]
        return Surface(vec(colour), roughness=0.9, specular=0.02)

    def curtain(side: float) -> Body:
        def edge(y: Array) -> Array:
            tie = 2.55
            above = np.clip((y - tie) / 4.2, 0, 1.3)
            below = np.clip((tie - y) / 2.6, 0, 1)
            return 3.95 - 1.25 * above**1.6 - 0.5 * below**1.3

        def fold(x: Array, y: Array) -> Array:
            inner = edge(y)
            u = (x - inner) / (5.9 - inner + 0.2)
            phase = u * 19 + 0.35 * np.sin(y * 1.1) + 0.5 * u * np.sin(y * 0.7 + 1)
            depth = 0.17 + 0.05 * np.sin(y * 0.9 + u * 5)
            gather = 0.45 + 0.55 * ramp(np.abs(y - 2.55), 0.0, 1.4)
            return depth * gather * np.sin(phase) + 0.06 * np.sin(phase * 2.3 + y)

        def distance(p: Points) -> Array:
            x, y, z = p[0] * side, p[1], p[2]
            cloth = np.abs(z - 2.15 - fold(x, y)) - 0.03
            inside = edge(y) - x
            return smooth_max(cloth, inside, 0.08) * 0.42

        def velvet(p: Points, normal: Points) -> Surface:
            x, y = p[0] * side, p[1]
            nap = noise((p[0] * 22, p[1] * 4, p[2] * 22), 1.0)
            near = x - edge(y)
            colour = mix(srgb("#b3141f"), srgb("#6d0b18"), fbm(p, 1.3, 3))
            colour = colour * (0.8 + 0.35 * nap)[:, None]
            thread = 0.5 + 0.5 * np.sin(y * 75 + 3 * np.sin(near * 40))
            braid = ramp(near, 0.13, 0.115) + ramp(np.abs(near - 0.2), 0.022, 0.014)
            gold = mix(GOLD, srgb("#7d4a12"), thread)
            colour = colour * (1 - braid[:, None]) + gold * braid[:, None]
            return Surface(
                vec(colour),
                roughness=0.75,
                sheen=0.55,
                specular=0.02,
                cavity=0.55 + 0.45 * ramp(fold(x, y), -0.16, 0.08),
            )

        return Body(distance, velvet, vec((side * 4.9, 3.2, 2.15)), 4.4)

    def tie(side: float) -> Body:
        frame = Frame.turned((side * 4.75, 2.6, 2.15), z=side * 14)

        def rope(p: Points) -> Array:
            x, y, z = frame.local(p)
            angle = np.arctan2(z * 2.4, x)
            ring = np.sqrt(x * x + (z * 2.4) ** 2) - 0.95
            twist = angle * 22
            u, v = ring - 0.035 * np.cos(twist), y - 0.035 * np.sin(twist)
            w, t = ring + 0.035 * np.cos(twist), y + 0.035 * np.sin(twist)
            return (np.minimum(np.hypot(u, v), np.hypot(w, t)) - 0.055) * 0.35

        return Body(
            rope,
            lambda p, n: Surface(
                vec(GOLD * (0.6 + 0.5 * noise(p, 30.0))[:, None]), roughness=0.5, sheen=0.3
            ),
            frame.origin, 1.2,
        )  # fmt: skip

    bodies = [
        Body(floor, planks),
        Body(backdrop, canvas, has_shadow=False),
        curtain(-1), curtain(1), tie(-1), tie(1),
    ]  # fmt: skip
    for x in (-2.7, -1.35, 0.0, 1.35, 2.7):
        shell = vec((x, 0.0, 3.2))

        def lamp(p: Points, at: Array = shell) -> Array:
            q = minus(p, at)
            flute = 0.018 * np.cos(np.arctan2(q[0], np.maximum(q[1], 0) + 0.12) * 13)
            hood = np.abs(ellipsoid(q, (0, 0, -0.05), (0.36, 0.34, 0.24)) + flute) - 0.016
            return smooth_max(hood, -q[2] - 0.02, 0.03) * 0.75

        def gilt(p: Points, normal: Points) -> Surface:
            surface = brass(p, normal)
            surface.albedo = vec(surface.albedo * 1.1)
            surface.roughness = 0.42
            return surface

        bodies.append(Body(lamp, gilt, shell, 0.45))
        bulb = shell + vec((0, 0.16, -0.1))
        bodies.append(
            Body(
                lambda p, at=bulb: sphere(p, at, 0.085),
                lambda p, n: Surface(
                    vec(np.ones((p[0].size, 3))), emission=vec((9.0, 5.2, 2.0))
                ),
                bulb, 0.09, has_shadow=False,
            )
        )  # fmt: skip
    for body in bodies:
        body.is_scenery = True
    return bodies


# ---------------------------------------------------------------------------- light


def sky(directions: Points) -> Array:
    """Return what brass mirrors: a dark house, a warm spot, a cool one."""
    up = ramp(directions[1], -0.6, 0.9)
    colour = mix(srgb("#8a4a24"), srgb("#4a4a5a"), up)
    for at, size, light in (
        ((-0.5, 0.6, 0.65), 0.93, (6.0, 4.4, 2.8)), ((0.8, 0.45, -0.2), 0.94, (1.2, 2.2, 3.4)),
        ((0.0, -0.35, 0.9), 0.9, (2.2, 1.3, 0.5)),
    ):  # fmt: skip
        colour = colour + ramp(dot(directions, unit(at)), size - 0.08, size)[:, None] * vec(light)
    return vec(colour)


SPOT = Light(
    vec((-4.6, 8.4, 9.0)), vec((2.6, 2.08, 1.45)), 9, vec((0.15, 2.6, 0.0)), (0.984, 0.955)
)
RIM = Light(vec((5.0, 6.6, -2.4)), vec((1.3, 2.1, 2.7)), 10, vec((0.0, 2.8, 0.2)), (0.9, 0.75))
FOOT = Light(vec((0.0, 0.3, 7.5)), vec((0.26, 0.15, 0.06)), 3, has_shadow=False)
WASH = Light(
    vec((0.0, 7.5, 1.5)), vec((0.34, 0.42, 0.5)), 3, vec((0.0, 3.6, -3.4)), (0.8, 0.3), False
)


def beam(colour: Array, ends: Points, depth: Array) -> Array:
    """Return the colours with the dust in the spotlight's beam before them."""
    eye = CAMERA.eye
    axis = unit(SPOT.aim - SPOT.position)
    total = np.zeros_like(depth)
    for share in (np.arange(14) + 0.5) / 14:
        near, far = 9.0, np.minimum(depth, 21.0)
        at = near + (far - near) * share
        p = tuple(eye[k] + (ends[k] - eye[k]) * (at / depth) for k in range(3))
        q = minus(p, SPOT.position)
        away = length(q)
        inside = ramp(dot(q, axis) / away, 0.962, 0.988)
        dust = 0.6 + 0.8 * noise(p, 0.7)
        total += inside * dust * (far - near) / 14 / (0.35 * away)
    return vec(colour + 0.011 * total[:, None] * SPOT.colour)


CAMERA = Camera(vec((0.2, 3.25, 16.4)), vec((0.1, 2.96, 0.0)), 24.8)
