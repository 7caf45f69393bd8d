"""Draw the creature: a felt fox that says hello in a misty forest at dawn.

Run: ``python assets/samples/draw_creature.py`` (a few minutes; ``--scale 0.4`` for a look)
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
from develop import blurred, draw, finish, focus, glow
from forest import (
    CAMERA,
    WHITE,
    air,
    blades,
    daisy,
    forest,
    ground,
    moss,
    mushroom,
)
from raymarch import Body, Light, Picture, Scene, Surface
from shapes import (
    Array,
    Frame,
    Points,
    capsule,
    cone,
    curve,
    ellipsoid,
    fbm,
    minus,
    mix,
    noise,
    ramp,
    rough,
    smooth_max,
    smooth_min,
    sphere,
    srgb,
    tube,
    vec,
)

ORANGE, RUST = srgb("#e0731c"), srgb("#b2470f")
SOCK, INK = srgb("#3a2018"), srgb("#140c0a")

HEAD = Frame.turned((-0.16, 3.2, 0.62), x=3, y=-10, z=7)
TAIL = curve(
    [
        (0.55, 0.5, -0.75), (1.35, 0.42, -0.55), (2.1, 0.8, -0.25), (2.42, 1.6, -0.1),
        (2.2, 2.4, -0.05), (2.02, 3.05, 0.0), (2.3, 3.75, 0.05),
    ],
    15,
)  # fmt: skip
TAIL_RADII = [
    0.17,
    0.22,
    0.28,
    0.34,
    0.41,
    0.48,
    0.53,
    0.56,
    0.57,
    0.55,
    0.51,
    0.44,
    0.34,
    0.22,
    0.06,
]
SHOULDER, ELBOW, PAW = (-0.6, 1.95, 0.62), (-1.2, 1.46, 0.98), (-1.72, 2.36, 1.2)
LEG_TOP, LEG_END = (0.34, 1.8, 0.72), (0.3, 0.3, 1.02)


# ---------------------------------------------------------------------------- felt


def combed(p: Points, comb: Points, scale: float = 38.0) -> Array:
    """Return noise drawn out along a direction, as hair lies; about 0..1 around 0.5."""
    total = np.zeros_like(p[0])
    for step in (-3, -2, -1, 0, 1, 2, 3):
        away = np.float32(step * 0.022)
        total += noise(tuple(p[k] + comb[k] * away for k in range(3)), scale)
    return np.clip((total / 7 - 0.5) * 2.6 + 0.5, 0, 1)


def comb_down(p: Points, normal: Points) -> Points:
    """Return the direction in which hair hangs on a surface: down and a little outwards."""
    along = -normal[1]
    x, y, z = -along * normal[0], -1 - along * normal[1], -along * normal[2]
    x = x + 0.35 * np.sign(p[0]) * (1 - np.abs(normal[0]))
    size = np.sqrt(x * x + y * y + z * z) + 1e-3
    return x / size, y / size, z / size


def felt(p: Points, normal: Points, colour: Array, comb: Points | None = None) -> Surface:
    """Return the looks of combed felt."""
    comb = comb_down(p, normal) if comb is None else comb
    hair = combed(p, comb)
    broad = fbm(p, 2.3, 2)
    shade = 0.5 + 0.66 * hair + 0.3 * (broad - 0.5)
    return Surface(
        vec(colour * shade[:, None]), roughness=0.9, specular=0.015, sheen=1.3, wrap=0.35,
    )  # fmt: skip


def fuzz(p: Points) -> Array:
    """Return the relief of the felt, which also roughens its outline; 0 to 0.04."""
    return 0.03 * noise(p, 6.0) + 0.006 * noise(p, 40.0)


# ---------------------------------------------------------------------------- the fox


def body_shape(p: Points) -> Array:
    """Return the distance to the sitting body without head, tail and raised paw."""
    haunch = ellipsoid(p, (0.12, 0.98, -0.35), (0.98, 0.98, 0.95))
    trunk = capsule(p, (0.1, 1.15, -0.25), (-0.12, 2.5, 0.28), 0.88, 0.5)
    result = smooth_min(haunch, trunk, 0.35)
    ruff = ellipsoid(p, (-0.13, 2.12, 0.62), (0.52, 0.62, 0.36))
    result = smooth_min(result, ruff, 0.25)
    for side in (-1, 1):
        x = 0.12 + side * 0.82
        thigh = ellipsoid(p, (x, 0.78, 0.12), (0.42, 0.68, 0.68))
        foot = capsule(p, (x, 0.2, 0.65), (x + side * 0.06, 0.17, 1.2), 0.21, 0.2)
        result = smooth_min(result, thigh, 0.22)
        result = smooth_min(result, foot, 0.16)
    leg = capsule(p, LEG_TOP, LEG_END, 0.3, 0.185)
    paw = ellipsoid(p, (0.3, 0.18, 1.16), (0.23, 0.19, 0.3))
    leg = smooth_min(leg, paw, 0.12)
    return smooth_min(result, leg, 0.14)


def paw_shape(p: Points) -> Array:
    """Return the distance to the raised paw."""
    arm = tube(p, [SHOULDER, ELBOW, PAW], [0.32, 0.23, 0.19], 0.12)
    result = smooth_min(arm, ellipsoid(HAND.local(p), (0, 0.1, 0), (0.27, 0.26, 0.17)), 0.12)
    q = HAND.local(p)
    for x, y in ((-0.2, 0.28), (-0.07, 0.36), (0.07, 0.36), (0.2, 0.28)):
        result = smooth_min(result, ellipsoid(q, (x, y, 0.02), (0.095, 0.12, 0.1)), 0.05)
    for x, y, r in PADS:
        result = smooth_min(result, ellipsoid(q, (x, y, 0.1), (r, r, 0.09)), 0.03)
    return result


HAND = Frame.along(PAW, vec(PAW) + (vec(PAW) - vec(ELBOW)), front=(0.15, 0.1, 1))
PADS = (
    (0, 0.07, 0.13),
    (-0.2, 0.3, 0.06),
    (-0.07, 0.38, 0.06),
    (0.07, 0.38, 0.06),
    (0.2, 0.3, 0.06),
)


def body_looks(p: Points, normal: Points) -> Surface:
    """Return the coat: orange, rusty on the back, white on the chest, dark on the feet."""
    x, y, z = p
    back = ramp(z, 0.4, -0.9)
    colour = mix(ORANGE, RUST, 0.7 * back)
    wobble = 0.16 * (fbm(p, 4.0, 3) - 0.5)
    r = np.sqrt(((x + 0.13) / 0.5) ** 2 + ((y - 2.0) / 0.95) ** 2)
    white = ramp(r + wobble * 2.2, 1.0, 0.86) * ramp(z, 0.4, 0.55)
    colour = colour * (1 - white[:, None]) + WHITE * white[:, None]
    legs = ramp(z, 0.45, 0.6) * ramp(y + wobble * 1.5, 0.82, 0.6)
    legs *= np.maximum(ramp(np.abs(x - 0.3), 0.34, 0.28), ramp(y + wobble, 0.42, 0.34))
    along = (y - ELBOW[1]) / (PAW[1] - ELBOW[1])
    arm = ramp(x, -0.95, -1.2)
    dark = np.maximum(legs, ramp(along + wobble, 0.3, 0.5) * arm)
    colour = colour * (1 - dark[:, None]) + SOCK * dark[:, None]
    a, b, c = HAND.local(p)
    pad = np.full_like(x, 9)
    for cx, cy, r in PADS:
        pad = np.minimum(pad, np.hypot(a - cx, b - cy) / r)
    pad = ramp(pad, 0.95, 0.75) * ramp(c, 0.06, 0.12) * arm
    colour = colour * (1 - pad[:, None]) + srgb("#8f4c44") * pad[:, None]
    return felt(p, normal, colour)


def head_shape(p: Points) -> Array:
    """Return the distance to the head with its ears."""
    q = HEAD.local(p)
    x, y, z = np.abs(q[0]), q[1], q[2]
    mirrored = (x, y, z)
    skull = ellipsoid(q, (0, 0, 0), (0.8, 0.68, 0.66))
    cheek = capsule(mirrored, (0.36, -0.24, 0.14), (1.02, -0.36, 0.0), 0.36, 0.07)
    snout = capsule(q, (0, -0.22, 0.4), (0, -0.29, 1.02), 0.36, 0.15)
    result = smooth_min(smooth_min(skull, cheek, 0.22), snout, 0.22)
    brow = sphere(mirrored, (0.3, 0.24, 0.5), 0.16)
    result = smooth_min(result, brow, 0.2)
    socket = sphere(mirrored, (0.33, 0.06, 0.7), 0.14)
    result = smooth_max(result, -socket, 0.06)
    return smooth_min(result, ear_shape(p), 0.12)


EAR = Frame.along((0.4, 0.4, -0.05), (0.78, 1.42, -0.12), front=(0.28, 0, 1))


def ear_shape(p: Points) -> Array:
    """Return the distance to both ears."""
    q = HEAD.local(p)
    x, y, z = EAR.local((np.abs(q[0]), q[1], q[2]))
    outer = cone((x, y, z * 1.5), 0.43, 0.05, 1.1, 0.05)
    inner = cone((x, y - 0.12, (z - 0.2) * 1.3), 0.31, 0.02, 0.86, 0.02)
    return smooth_max(outer, -inner, 0.06) * 0.75


def head_looks(p: Points, normal: Points) -> Surface:
    """Return the mask of the face."""
    x, y, z = HEAD.local(p)
    side = np.abs(x)
    wobble = 0.1 * (fbm(p, 5.0, 3) - 0.5)
    colour = mix(ORANGE, RUST, 0.5 * ramp(z, 0.2, -0.6))
    lower = ramp(y + wobble - 0.22 * side + 0.1 * np.clip(z - 0.5, 0, 1), -0.14, -0.26)
    lower *= ramp(z, -0.35, 0.0)
    bridge = ramp(side + wobble * 0.6, 0.13, 0.19)
    muzzle = ramp(z, 0.62, 0.74) * bridge * ramp(y, -0.02, -0.14)
    white = np.maximum(lower, muzzle)
    patch = np.exp(-(((side - 0.3) / 0.12) ** 2) - ((y - 0.33) / 0.09) ** 2) * ramp(z, 0.2, 0.4)
    white = np.maximum(white, 0.5 * patch)
    colour = colour * (1 - white[:, None]) + WHITE * white[:, None]
    a, b, c = EAR.local((side, y, z))
    in_ear = ramp(c, 0.02, 0.08) * ramp(b, 0.1, 0.3) * ramp(np.abs(a), 0.3 - 0.22 * 0.5, 0.12)
    in_ear *= ramp(b, 1.0, 0.8)
    colour = colour * (1 - in_ear[:, None]) + srgb("#e8bfa0") * in_ear[:, None]
    tip = ramp(b + wobble, 0.78, 0.98)
    colour = colour * (1 - tip[:, None]) + SOCK * tip[:, None]
    eye = np.sqrt((side - 0.33) ** 2 + (y - 0.05) ** 2)
    rim = ramp(eye, 0.215, 0.175) * ramp(z, 0.3, 0.4)
    colour = colour * (1 - 0.85 * rim[:, None]) + INK * 0.85 * rim[:, None]
    mouth = np.abs(y - (-0.42 - 0.12 * side + 0.9 * side * side)) / 0.016
    line = ramp(mouth, 1.5, 0.6) * ramp(side, 0.25, 0.2) * ramp(z, 0.55, 0.7)
    colour = colour * (1 - 0.8 * line[:, None]) + INK * 0.8 * line[:, None]
    comb = (x * 0.9 + 0.0, y * 0.4 - 0.35, -0.6 + 0 * z)
    size = np.sqrt(comb[0] ** 2 + comb[1] ** 2 + comb[2] ** 2)
    out = vec(np.stack([c / size for c in comb], axis=1) @ HEAD.axes)
    return felt(p, normal, colour, (out[:, 0], out[:, 1], out[:, 2]))


def tail_along(p: Points) -> Array:
    """Return how far along the tail each point lies, 0..1."""
    best = np.full_like(p[0], 1e9)
    where = np.zeros_like(best)
    count = len(TAIL) - 1
    for i in range(count):
        q, ba = minus(p, TAIL[i]), TAIL[i + 1] - TAIL[i]
        h = np.clip((q[0] * ba[0] + q[1] * ba[1] + q[2] * ba[2]) / float(ba @ ba), 0, 1)
        away = (q[0] - ba[0] * h) ** 2 + (q[1] - ba[1] * h) ** 2 + (q[2] - ba[2] * h) ** 2
        closer = away < best
        best = np.where(closer, away, best)
        where = np.where(closer, (i + h) / count, where)
    return where


def tail_looks(p: Points, normal: Points) -> Surface:
    """Return the brush: orange with a dark band and a white tip."""
    along = tail_along(p) + 0.09 * (fbm(p, 4.0, 3) - 0.5)
    colour = mix(ORANGE, RUST, 0.6 * ramp(normal[2], 0.5, -0.8))
    band = ramp(along, 0.5, 0.66)
    colour = colour * (1 - 0.55 * band[:, None]) + srgb("#7a2f10") * 0.55 * band[:, None]
    tip = ramp(along, 0.7, 0.75)
    colour = colour * (1 - tip[:, None]) + WHITE * tip[:, None]
    points = np.array(TAIL)
    at = np.clip(tail_along(p) * (len(TAIL) - 1), 0, len(TAIL) - 1.001)
    i = at.astype(int)
    direction = points[i + 1] - points[i]
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    comb = (vec(direction[:, 0]), vec(direction[:, 1]), vec(direction[:, 2]))
    return felt(p, normal, colour, comb)


def eye_looks(p: Points, normal: Points) -> Surface:
    """Return dark, wet eyes with a brown glow below and two glints."""
    x, y, _ = HEAD.local(p)
    cx, cy = np.abs(x) - 0.33, y - 0.06
    glow_below = ramp(np.hypot(cx, cy + 0.045), 0.12, 0.03) * ramp(np.hypot(cx, cy), 0.05, 0.075)
    colour = mix(srgb("#1a0d08"), srgb("#b4641c"), 0.8 * glow_below)
    big = ramp(np.hypot(x - 0.33 * np.sign(x) + 0.045, cy - 0.055), 0.045, 0.034)
    small = ramp(np.hypot(x - 0.33 * np.sign(x) - 0.05, cy + 0.05), 0.022, 0.014)
    light = np.maximum(big, 0.6 * small)
    return Surface(
        vec(colour), roughness=0.08, specular=0.05, emission=vec(light[:, None] * vec((1, 1, 0.95)))
    )


def fox() -> list[Body]:
    """Return the fox."""

    def eyes(p: Points) -> Array:
        q = HEAD.local(p)
        return ellipsoid((np.abs(q[0]), q[1], q[2]), (0.33, 0.06, 0.54), (0.155, 0.185, 0.12))

    def nose(p: Points) -> Array:
        q = HEAD.local(p)
        return ellipsoid(q, (0, -0.215, 1.13), (0.145, 0.11, 0.1))

    def whole(p: Points) -> Array:
        return rough(smooth_min(body_shape(p), paw_shape(p), 0.12), p, fuzz, 0.036)

    return [
        Body(lambda p: whole(p) * 0.85, body_looks, vec((-0.15, 1.35, 0.2)), 2.15),
        Body(
            lambda p: rough(head_shape(p), p, fuzz, 0.036) * 0.85, head_looks,
            HEAD.world((0, 0.35, 0.1)), 1.45,
        ),
        Body(
            lambda p: rough(tube(p, TAIL, TAIL_RADII, 0.1), p, lambda q: 1.6 * fuzz(q), 0.06) * 0.8,
            tail_looks,
            vec((1.6, 2.0, -0.3)), 2.35,
        ),
        Body(eyes, eye_looks, HEAD.world((0, 0.05, 0.55)), 0.55),
        Body(
            nose,
            lambda p, n: Surface(
                vec(np.broadcast_to(INK, (p[0].size, 3))), roughness=0.28, specular=0.06,
                height=lambda q: 0.006 * noise(q, 40.0),
            ),
            HEAD.world((0, -0.215, 1.13)), 0.2,
        ),
    ]  # fmt: skip


def scene() -> Scene:
    """Return the whole set."""
    lights = [
        Light(vec((-7.0, 7.5, -10.0)), vec((4.2, 2.9, 1.4)), 14),
        Light(vec((6.0, 9.0, 8.5)), vec((1.15, 0.98, 0.76)), 4),
        Light(vec((-6.0, 3.0, 9.0)), vec((0.35, 0.42, 0.46)), 3, has_shadow=False),
    ]
    plants = [*mushroom(2.95, 1.35, 0.62, -7), *mushroom(3.45, 0.95, 0.42, 10)]
    plants += mushroom(-3.05, 0.85, 0.5, 6)
    for x, z, size, turn in (
        (-1.75, 1.75, 0.2, 1), (-2.05, 1.45, 0.16, -1), (-1.5, 1.35, 0.15, 0.5),
        (1.85, 1.6, 0.19, -0.6), (2.15, 1.25, 0.15, 1), (-3.35, 1.35, 0.16, 0.4),
        (0.95, 2.15, 0.15, 0.8), (3.9, 0.8, 0.16, -1), (-0.75, 2.2, 0.14, -0.7),
    ):  # fmt: skip
        plants += daisy(x, z, size, turn)
    scenery = [Body(ground, moss), *plants, *blades()]
    for body in scenery:
        body.is_scenery = True
    return Scene(
        bodies=[*scenery, *fox()],
        lights=lights,
        camera=CAMERA,
        sky=forest,
        ambient_up=vec((0.3, 0.34, 0.3)),
        ambient_down=vec((0.13, 0.15, 0.07)),
        air=air,
    )


def hairs(image: np.ndarray, picture: Picture) -> np.ndarray:
    """Return the picture with single hairs standing off the outlines of head, body and tail."""
    height = picture.depth.shape[0]
    scale = height / 960
    rng = np.random.default_rng(21)
    first = int(picture.body.max()) - len(fox()) + 1
    result = image.copy()
    trunk, head, tail = (first,), (first + 1, first + 3, first + 4), (first + 2,)
    for parts, comb in ((trunk, (0.0, 0.9)), (head, (0.0, 0.7)), (tail, (0.0, -1.0))):
        inside = np.isin(picture.body, parts).astype(np.float32)
        soft = blurred(inside, 3 * scale)
        gy, gx = np.gradient(-soft)
        edge = (inside > 0) & (cv2.erode(inside, np.ones((3, 3), np.uint8)) == 0)
        rows, columns = np.nonzero(edge & (np.hypot(gx, gy) > 0.02 / scale))
        for y, x in zip(rows, columns, strict=True):
            if rng.random() > 0.8:
                continue
            normal = np.array([gx[y, x], gy[y, x]])
            normal /= max(float(np.hypot(*normal)), 1e-6)
            way = normal * 0.75 + np.array(comb) + rng.normal(0, 0.22, 2)
            way /= float(np.hypot(*way))
            if way @ normal < 0.15:
                continue
            at = np.array([x, y]) - normal * 2.5 * scale
            size = rng.uniform(4.5, 9.5) * scale
            middle, end = at + way * size * 0.55, at + way * size + normal * 0.6 * scale
            cy, cx = np.clip(np.rint(at[::-1] - normal[::-1] * scale), 0, None).astype(int)
            colour = image[min(cy, height - 1), min(cx, image.shape[1] - 1)].astype(float)
            colour = np.clip(colour * rng.uniform(0.86, 1.12), 0, 255)
            line = np.rint(np.array([at, middle, end]) * 16).astype(np.int32)
            cv2.polylines(result, [line], False, colour.tolist(), 1, cv2.LINE_AA, 4)
    return result


def look(picture: Picture) -> np.ndarray:
    """Develop the rendering, and let fireflies out."""
    height, width = picture.depth.shape
    scale = height / 960
    image = focus(picture, 15.2, 9.0 * scale, 5.0 * scale)
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(22):
        px, py = rng.uniform(0.03, 0.97) * width, rng.uniform(0.22, 0.93) * height
        if abs(px / width - 0.45) < 0.2 and py / height > 0.2:
            continue
        size = rng.uniform(1.2, 2.6) * scale
        r = (x - px) ** 2 + (y - py) ** 2
        spark = np.exp(-r / (2 * size**2)) * 2.2 + np.exp(-r / (2 * (size * 4.5) ** 2)) * 0.22
        image = image + spark[..., None] * srgb("#ffe27a") * np.float32(rng.uniform(0.4, 1))
    image = finish(
        glow(vec(image), 0.3, 0.9),
        exposure=0.98,
        vignette=0.42,
        shadows=(0.012, 0.018, 0.03),
        seed=2,
        grain=0.008,
    )
    return hairs(image, picture)


if __name__ == "__main__":
    sys.exit(draw("creature", scene, look, __doc__ or "", margin=9))
