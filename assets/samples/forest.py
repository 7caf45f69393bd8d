"""The forest of the creature: moss, grass, mushrooms, flowers, and the misty light of dawn."""

from __future__ import annotations

import numpy as np
from raymarch import Body, Camera, Surface
from shapes import (
    Array,
    Frame,
    Points,
    capsule,
    ellipsoid,
    fbm,
    minus,
    mix,
    noise,
    ramp,
    rough,
    smooth_max,
    smooth_min,
    srgb,
    tube,
    vec,
)

WHITE = srgb("#f4ead8")
CAMERA = Camera(vec((0.35, 2.9, 13.5)), vec((0.36, 1.95, 0.0)), 27.0)


def ground_height(x: Array, z: Array) -> Array:
    """Return the height of the moss."""
    mound = 1.25 * np.exp(-(((x - 0.3) / 3.4) ** 2) - ((z - 0.1) / 2.6) ** 2) - 1.25
    return mound + 0.1 * np.sin(x * 0.9 + 1) * np.sin(z * 0.7)


def ground(p: Points) -> Array:
    """Return the distance to the mossy ground."""
    x, y, z = p
    base = y - ground_height(x, z) + 0.14

    def pillows(q: Points) -> Array:
        return 0.16 * noise(q, 2.1) + 0.06 * noise(q, 6.5) + 0.03 * noise(q, 17.0)

    return rough(base, p, pillows, 0.25) * 0.8


def moss(p: Points, normal: Points) -> Surface:
    """Return moss with dry spots and tiny leaves of light."""
    patches, fine = fbm(p, 1.1, 3), noise(p, 24.0)
    colour = mix(srgb("#35591c"), srgb("#7f9a34"), ramp(patches, 0.35, 0.65))
    colour = colour * (0.4 + 0.85 * fine)[:, None]
    dapples = ramp(fbm((p[0] * 0.5, 0 * p[0], p[2] * 0.28), 1.3, 2), 0.42, 0.6)
    colour = colour * (0.55 + 0.75 * dapples)[:, None]
    litter = ramp(fbm(minus(p, (9, 0, 4)), 2.4, 3), 0.6, 0.68)
    colour = colour * (1 - 0.7 * litter[:, None]) + srgb("#7a4f22") * 0.7 * litter[:, None]
    return Surface(
        vec(colour), roughness=0.95, specular=0.01, sheen=0.8, wrap=0.3,
        height=lambda q: 0.02 * noise(q, 30.0),
    )  # fmt: skip


def blades(seed: int = 4) -> list[Body]:
    """Return tufts of grass around the fox."""
    rng = np.random.default_rng(seed)
    bodies = []
    for cx, cz, count, tall in (
        (-2.5, 1.2, 9, 0.9), (-3.3, 0.2, 8, 1.0), (2.9, 1.1, 9, 0.8), (1.5, 2.0, 7, 0.55),
        (-1.4, 2.0, 7, 0.5), (3.7, -0.2, 8, 1.0), (-3.9, 1.5, 7, 1.0), (0.7, 2.3, 5, 0.4),
    ):  # fmt: skip
        for _ in range(count):
            x, z = cx + rng.normal(0, 0.2), cz + rng.normal(0, 0.15)
            root = vec((x, float(ground_height(vec([x]), vec([z]))[0]) - 0.1, z))
            size = tall * rng.uniform(0.6, 1.15)
            lean = rng.normal(0, 0.3)
            tip = root + vec((lean * size * 1.4, size, rng.normal(0, 0.15)))
            middle = root + vec((lean * size * 0.4, size * 0.62, 0))
            tint = mix(srgb("#5d8a23"), srgb("#b9c24a"), vec([rng.random()]))[0]
            centre = vec((root + tip) / 2)
            bodies.append(
                Body(
                    lambda p, r=root, m=middle, t=tip: tube(
                        p, [r, m, t], [0.035, 0.03, 0.004], 0.05
                    ),
                    lambda p, n, c=tint: Surface(
                        vec(
                            np.broadcast_to(c, (p[0].size, 3))
                            * (0.7 + 0.4 * noise(p, 9.0))[:, None]
                        ),
                        roughness=0.5, wrap=0.6, sheen=0.4,
                    ),
                    centre, float(np.linalg.norm(tip - centre)) + 0.1, has_shadow=False,
                )
            )  # fmt: skip
    return bodies


def mushroom(x: float, z: float, size: float, lean: float) -> list[Body]:
    """Return a fly agaric."""
    root = vec((x, float(ground_height(vec([x]), vec([z]))[0]) - 0.05, z))
    frame = Frame.turned(root, z=lean, x=6)

    def stem(p: Points) -> Array:
        q = frame.local(p)
        q = tuple(c / np.float32(size) for c in q)
        shaft = capsule(q, (0, 0.1, 0), (0, 0.85, 0), 0.15, 0.1)
        skirt = ellipsoid(q, (0, 0.62, 0), (0.2, 0.05, 0.2))
        return smooth_min(shaft, skirt, 0.06) * np.float32(size)

    def cap(p: Points) -> Array:
        q = tuple(c / np.float32(size) for c in frame.local(p))
        dome = ellipsoid(q, (0, 0.82, 0), (0.56, 0.42, 0.56))
        return smooth_max(dome, 0.8 - q[1], 0.08) * np.float32(size)

    def cap_looks(p: Points, normal: Points) -> Surface:
        q = tuple(c / np.float32(size) for c in frame.local(p))
        u, v = q[0] * 4.2 + 7, q[2] * 4.2 + 3
        cu, cv = np.floor(u), np.floor(v)
        jx = noise((cu * 5.1, cv * 3.3, 0 * u + size * 9), 1.0)
        jy = noise((cu * 2.7, cv * 6.1, 0 * u + 4), 1.0)
        r = np.hypot(u - cu - 0.25 - 0.5 * jx, v - cv - 0.25 - 0.5 * jy)
        dots = ramp(r, 0.27, 0.2) * ramp(normal[1], -0.1, 0.1)
        under = ramp(normal[1], 0.0, -0.3)
        colour = mix(srgb("#c8201a"), srgb("#8e1410"), fbm(p, 3.0, 2))
        colour = colour * (1 - dots[:, None]) + WHITE * dots[:, None]
        gills = 0.75 + 0.25 * np.sin(np.arctan2(q[0], q[2]) * 60)
        colour = colour * (1 - under[:, None]) + (WHITE * gills[:, None]) * under[:, None]
        return Surface(vec(colour), roughness=0.3, specular=0.05, wrap=0.2)

    middle = frame.world((0, 0.7 * size, 0))
    cream = srgb("#efe6cf")
    return [
        Body(
            stem,
            lambda p, n: Surface(
                vec(cream * (0.75 + 0.35 * noise(p, 14.0))[:, None]), roughness=0.7, wrap=0.3
            ),
            middle, 0.85 * size,
        ),
        Body(cap, cap_looks, middle, 0.85 * size),
    ]  # fmt: skip


def daisy(x: float, z: float, size: float, turn: float) -> list[Body]:
    """Return a small white flower that looks up."""
    root = vec((x, float(ground_height(vec([x]), vec([z]))[0]) - 0.05, z))
    frame = Frame.turned(root + vec((0.25 * turn * size, 1.5 * size, 0)), x=38, z=-25 * turn)

    def flower(p: Points) -> Array:
        q = frame.local(p)
        r, angle = np.hypot(q[0], q[2]), np.arctan2(q[0], q[2])
        petals = np.maximum(r - size * (0.5 + 0.16 * np.cos(angle * 9)), np.abs(
            q[1] - 0.25 * r * r / size) - 0.02 * size - 0.004)  # fmt: skip
        return np.minimum(
            petals * 0.6, ellipsoid(q, (0, 0.03, 0), (0.2 * size, 0.13 * size, 0.2 * size))
        )

    def looks(p: Points, normal: Points) -> Surface:
        q = frame.local(p)
        heart = ramp(np.hypot(q[0], q[2]), 0.22 * size, 0.18 * size)
        return Surface(mix(srgb("#f7f3ea"), srgb("#f0b41c"), heart), roughness=0.7, wrap=0.5)

    stem = Body(
        lambda p: capsule(p, root, frame.origin, 0.016),
        lambda p, n: Surface(vec(np.broadcast_to(srgb("#6c8f2e"), (p[0].size, 3))), wrap=0.5),
        vec((root + frame.origin) / 2), 0.9 * size, has_shadow=False,
    )  # fmt: skip
    return [stem, Body(flower, looks, frame.origin, 0.75 * size)]


# ---------------------------------------------------------------------------- air and light


def forest(directions: Points) -> Array:
    """Return the forest in the mist, as a painted backdrop by direction."""
    behind = directions[2] > -0.2
    deep = np.where(behind, 1, -directions[2])
    u = np.where(behind, 0, directions[0] / deep)
    v = np.where(behind, 0.1, directions[1] / deep)
    away = np.hypot(u - SUN_U, (v - SUN_V) * 1.1)
    colour = mix(srgb("#8ea585"), srgb("#4f7a72"), ramp(v + 0.25 * u, -0.1, 0.22))
    colour = colour + np.exp(-away / 0.16)[:, None] * srgb("#ffd98c") * 1.5
    zero = 0 * u
    warm = np.exp(-((away / 0.3) ** 2))[:, None] * srgb("#ffca70")
    for layer, (scale, haze, tint, floor) in enumerate((
        (26.0, 0.4, "#5c8270", -0.035), (15.0, 0.62, "#355a4c", -0.055),
        (8.0, 0.85, "#1c3830", -0.085),
    )):  # fmt: skip
        at = (u + 0.012 * np.sin(v * 11 + layer * 2)) * scale + layer * 13.7
        cell = np.floor(at)
        offset = noise((cell * 3.1, zero + layer * 5.3, zero), 1.0)
        girth = 0.07 + 0.15 * noise((cell * 7.7, zero + layer, zero + 3), 1.0)
        tilt = (noise((cell * 1.9, zero + 8, zero + layer), 1.0) - 0.5) * 1.2
        flare = 0.05 * np.exp(-np.clip(v - floor, 0, 1) / 0.03)
        middle = cell + 0.3 + 0.4 * offset + tilt * (v - floor)
        edge = np.abs(at - middle) - girth - flare
        present = noise((cell * 9.3, zero + 17, zero + layer), 1.0) < 0.62
        trunk = ramp(edge, 0.035, -0.02) * present * ramp(v, floor - 0.01, floor + 0.01)
        round_light = np.clip((at - middle) / np.maximum(girth, 0.05), -1, 1)
        bark = noise((u * 190, v * 22, zero + layer), 1.0)
        bark_colour = srgb(tint) * (0.75 + 0.5 * bark)[:, None]
        bark_colour = bark_colour + (0.2 + ramp(-round_light, 0.1, 1.0))[:, None] * warm * 0.75
        share = (trunk * haze)[:, None]
        colour = colour * (1 - share) + bark_colour * share
        # Leaves above, bushes below.
        leaves = fbm((u * (9 + 3 * layer), v * (11 + 3 * layer), zero + 3 * layer), 2.4, 4)
        crown = ramp(leaves + (v - 0.215 - 0.015 * layer) * 2.6, 0.5, 0.6)
        top = floor + 0.03 + 0.045 * fbm((u * 9, zero, zero + 7 * layer), 1.6, 3)
        bush = ramp(top + 0.02 * (leaves - 0.5) - v, -0.004, 0.006)
        green = srgb("#7d9a4c") * (0.95 - 0.24 * layer) * (0.6 + 0.8 * leaves)[:, None]
        green = green + warm * (0.55 - 0.12 * layer)
        share = (np.maximum(crown, bush) * (haze + 0.1))[:, None]
        colour = colour * (1 - share) + green * share
        mist = (np.exp(-np.abs(v - floor) / 0.05) * 0.4)[:, None]
        colour = colour * (1 - mist) + (srgb("#aebd92") * 0.8 + warm * 0.5) * mist
    # Lights between the leaves, far out of focus.
    rng = np.random.default_rng(11)
    for _ in range(54):
        cu, cv = rng.uniform(-0.36, 0.36), rng.uniform(0.05, 0.2)
        radius, strength = rng.uniform(0.005, 0.014), rng.uniform(0.1, 0.45)
        near = max(0.0, 1 - float(np.hypot(cu - SUN_U, cv - SUN_V)) / 0.5)
        r = np.hypot(u - cu, v - cv) / radius
        disc = ramp(r, 1.05, 0.93) * (0.6 + 0.4 * ramp(r, 0.55, 1.0))
        tint = srgb("#ffe9ae") if rng.random() < 0.7 else srgb("#c9e6a0")
        colour = colour + disc[:, None] * tint * np.float32(strength * (0.2 + near))
    return vec(colour)


SUN_U, SUN_V = -0.27, 0.17


def air(colour: Array, ends: Points, depth: Array) -> Array:
    """Return the colours with mist and sunbeams before them."""
    eye = CAMERA.eye
    rays = tuple((ends[k] - eye[k]) / depth for k in range(3))
    deep = np.maximum(-rays[2], 0.1)
    u, v = rays[0] / deep, rays[1] / deep
    solid = depth < 59
    share = np.where(solid, 1 - np.exp(-np.clip(depth - 15.0, 0, 60) * 0.055), 0)[:, None]
    away = np.hypot(u - SUN_U, v - SUN_V)
    warm = np.exp(-away / 0.2)[:, None]
    colour = colour * (1 - share) + (srgb("#9fb283") * 0.8 + srgb("#ffd98c") * warm) * share
    angle = np.arctan2(v - SUN_V, u - SUN_U)
    zero = 0 * u
    streak = 0.6 * noise((angle * 8, zero, zero), 1.0) + 0.4 * noise(
        (angle * 21, zero, zero + 5), 1.0
    )
    beams = ramp(streak, 0.44, 0.78) * np.exp(-away / 0.2) * ramp(away, 0.0, 0.06)
    before = np.where(solid, np.clip((depth - 11.5) / 6, 0.1, 1), 1)
    return vec(colour + (0.5 * beams * before)[:, None] * srgb("#ffe6b0"))
