"""Draw the machine: a clockwork arm that lifts a glowing bulb, in the attic of a clock tower.

Run: ``python assets/samples/draw_machine.py`` (a few minutes; ``--scale 0.4`` for a look)
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
from develop import draw, finish, focus, glow
from raymarch import Body, Light, Looks, Picture, Scene, Surface
from shapes import (
    Array,
    Frame,
    Points,
    capsule,
    cone,
    curve,
    cylinder,
    dot,
    ellipsoid,
    minus,
    mix,
    ramp,
    smooth_max,
    smooth_min,
    sphere,
    srgb,
    torus,
    tube,
    vec,
)
from workshop import (
    CAMERA,
    SUNBEAM,
    attic,
    bolt,
    brass,
    dust,
    enamel,
    gear,
    iron,
    normalized_to_eye,
    plain,
    sky,
    steel,
    wheel,
)

TEAL, CREAM = srgb("#0b5a66"), srgb("#efe0bd")

SHOULDER = vec((-1.45, 1.75, 0.0))
ELBOW = vec((-0.75, 3.95, 0.0))
WRIST = vec((1.75, 3.55, 0.0))
BULB = vec((1.82, 2.28, 0.0))


def girder(
    start: Array, end: Array, wide: float, narrow: float, depth: float, holes: int, surface: Looks
) -> list[Body]:
    """Return two pierced side plates with spacers, from one joint to the next."""
    frame = Frame.along(start, end)
    size = float(np.linalg.norm(end - start))
    centres = [size * (0.2 + 0.62 * i / max(1, holes - 1)) for i in range(holes)]
    radii = [(wide + (narrow - wide) * c / size) * 0.56 for c in centres]

    def plates(p: Points) -> Array:
        x, y, z = frame.local(p)
        flat = capsule((x, y, 0 * z), (0, 0, 0), (0, size, 0), wide, narrow)
        groove = np.abs(flat + 0.09) - 0.018
        for centre, radius in zip(centres, radii, strict=True):
            flat = smooth_max(flat, radius - np.sqrt(x * x + (y - centre) ** 2), 0.025)
        side = np.abs(np.abs(z) - depth) - 0.06
        raised = np.maximum(groove, np.abs(np.abs(z) - depth - 0.06) - 0.012)
        return smooth_min(smooth_max(flat, side, 0.03), raised, 0.02)

    def spacers(p: Points) -> Array:
        x, y, z = frame.local(p)
        result = np.full_like(x, 1e3)
        for centre in [
            *(0.5 * (a + b) for a, b in pairwise(centres)),
            size * 0.93,
        ]:
            rod = np.maximum(np.hypot(x, y - centre) - 0.05, np.abs(z) - depth)
            result = np.minimum(result, rod)
        return result

    def rivets(p: Points) -> Array:
        x, y, z = frame.local(p)
        result = np.full_like(x, 1e3)
        spots = [0.5 * (a + b) for a, b in pairwise(centres)]
        spots += [centres[0] - radii[0] - 0.1, centres[-1] + radii[-1] + 0.1]
        for y0 in spots:
            edge = (wide + (narrow - wide) * y0 / size) * 0.5
            q = (np.abs(x) - edge, y - y0, np.abs(z) - depth - 0.06)
            result = np.minimum(result, ellipsoid(q, (0, 0, 0), (0.045, 0.045, 0.03)))
        return result

    middle, reach = vec((start + end) / 2), size / 2 + wide + depth
    return [
        Body(plates, surface, middle, reach),
        Body(spacers, steel, middle, reach),
        Body(rivets, brass, middle, reach),
    ]


def gauge(at: Array, radius: float, needle: float) -> list[Body]:
    """Return a pressure gauge that faces the viewer."""
    frame = Frame.turned(at, y=12, x=-6)

    def case(p: Points) -> Array:
        x, y, z = frame.local(p)
        q = (x, z, y)
        shell = cylinder(q, radius, 0.16, 0.04)
        hollow = cylinder((x, z - 0.14, y), radius * 0.84, 0.12)
        return np.minimum(
            smooth_max(shell, -hollow, 0.02), torus((x, z - 0.15, y), radius * 0.92, 0.045)
        )

    def dial(p: Points) -> Array:
        x, y, z = frame.local(p)
        return cylinder((x, z, y), radius * 0.9, 0.06)

    def dial_looks(p: Points, normal: Points) -> Surface:
        x, y, _ = frame.local(p)
        r, angle = np.hypot(x, y) / radius, np.degrees(np.arctan2(x, y))
        colour = mix(srgb("#fbf3dc"), srgb("#e6d3a4"), ramp(r, 0.2, 0.85))
        tick = np.abs(np.mod(angle + 10, 20) - 10) / 57 * r * radius
        major = ramp(tick, 0.014, 0.008) * ramp(np.abs(r - 0.68), 0.09, 0.07)
        major *= np.abs(angle) < 141
        red = ramp(np.abs(r - 0.56), 0.03, 0.02) * (angle > 78) * (angle < 141)
        turn = np.radians(needle)
        along, across = x * np.sin(turn) + y * np.cos(turn), x * np.cos(turn) - y * np.sin(turn)
        hand = ramp(np.abs(across) - 0.03 * radius * (1.2 - along / radius), 0.008, 0.0)
        hand *= (along > -0.14 * radius) * (along < 0.66 * radius)
        hand = np.maximum(hand, ramp(r, 0.13, 0.1))
        ink = np.maximum(major, hand)[:, None]
        colour = colour * (1 - red[:, None]) + srgb("#c0281c") * red[:, None]
        return Surface(vec(colour * (1 - ink) + srgb("#1c1512") * ink), roughness=0.35)

    return [
        Body(case, brass, frame.origin, radius + 0.25),
        Body(dial, dial_looks, frame.origin, radius + 0.1),
    ]


def machine() -> list[Body]:
    """Return the arm from its foot to its claw."""
    bodies = []
    foot = vec((-1.45, 0.0, 0.0))

    def plinth(p: Points) -> Array:
        q = minus(p, foot)
        base = cylinder((q[0], q[1] - 0.14, q[2]), 1.3, 0.14, 0.05)
        step = cylinder((q[0], q[1] - 0.36, q[2]), 1.08, 0.1, 0.03)
        return np.minimum(base, step)

    bodies.append(Body(plinth, iron, foot + vec((0, 0.25, 0)), 1.4))

    def studs(p: Points) -> Array:
        q = minus(p, foot)
        angle = np.arctan2(q[2], q[0])
        sector = 2 * np.pi / 16
        local = np.mod(angle, sector) - sector / 2
        r = np.hypot(q[0], q[2])
        return ellipsoid((r * np.cos(local) - 1.19, q[1] - 0.28, r * np.sin(local)), (0, 0, 0),
                         (0.065, 0.05, 0.065))  # fmt: skip

    bodies.append(Body(studs, brass, foot + vec((0, 0.28, 0)), 1.35))
    ring = Frame.turned(foot + vec((0, 0.58, 0)))
    bodies.append(gear(ring, 0.98, 0.085, 34, spokes=0))

    def turret(p: Points) -> Array:
        q = minus(p, foot + vec((0, 0.66, 0)))
        body = cone(q, 0.82, 0.56, 0.72, 0.06)
        band = torus((q[0], q[1] - 0.1, q[2]), 0.8, 0.055)
        return smooth_min(body, band, 0.02)

    bodies.append(Body(turret, enamel(TEAL), foot + vec((0, 1.0, 0)), 1.0))
    cap = foot + vec((0, 1.4, 0))

    def collar(p: Points) -> Array:
        q = minus(p, cap)
        return np.minimum(cylinder(q, 0.6, 0.06, 0.03), torus(q, 0.6, 0.05))

    bodies.append(Body(collar, brass, cap, 0.75))

    def fork(p: Points) -> Array:
        x, y, z = minus(p, SHOULDER)
        side = capsule((x, y, 0 * z), (0, -0.42, 0), (0, 0, 0), 0.42, 0.34)
        return smooth_max(side, np.abs(np.abs(z) - 0.46) - 0.07, 0.03)

    bodies.append(Body(fork, iron, SHOULDER + vec((0, -0.2, 0)), 1.0))
    bodies += girder(SHOULDER, ELBOW, 0.4, 0.31, 0.25, 4, enamel(TEAL))
    bodies += girder(ELBOW, WRIST, 0.34, 0.22, 0.17, 4, enamel(CREAM))
    bodies.append(bolt(SHOULDER + vec((0, 0, 0.56)), 0.27, 0.06))
    bodies.append(gear(wheel(ELBOW + vec((0, 0, 0.42))), 0.5, 0.06, 22, spokes=5, turn=0.2))
    bodies.append(bolt(ELBOW + vec((0, 0, 0.54)), 0.15, 0.05, steel))
    pinion = ELBOW + vec((-0.5, -0.44, 0.42))
    bodies.append(gear(wheel(pinion), 0.19, 0.06, 10, spokes=0, turn=0.1))
    # The counterweight behind the elbow.
    back = ELBOW + (ELBOW - WRIST) / float(np.linalg.norm(WRIST - ELBOW)) * 0.95

    def weight(p: Points) -> Array:
        arm = capsule(p, ELBOW, back, 0.1)
        q = Frame.along(ELBOW, back).local(p)
        drum = cylinder((q[0], q[1] - 0.95, q[2]), 0.36, 0.26, 0.06)
        bands = np.minimum(
            torus((q[0], q[1] - 0.8, q[2]), 0.36, 0.035),
            torus((q[0], q[1] - 1.1, q[2]), 0.36, 0.035),
        )
        return np.minimum(np.minimum(arm, drum), bands)

    bodies.append(Body(weight, brass, vec((ELBOW + back) / 2), 1.05))
    # The piston that lifts the forearm.
    low, high = (
        SHOULDER + vec((0.62, -0.1, 0.1)),
        ELBOW + (WRIST - ELBOW) * 0.3 + vec((0, -0.1, 0.1)),
    )
    direction = (high - low) / float(np.linalg.norm(high - low))
    joint = low + direction * 1.25

    def barrel(p: Points) -> Array:
        q = Frame.along(low, high).local(p)
        tube_ = cylinder((q[0], q[1] - 0.62, q[2]), 0.15, 0.62, 0.04)
        rings = np.minimum(
            torus((q[0], q[1] - 0.15, q[2]), 0.15, 0.035),
            torus((q[0], q[1] - 1.2, q[2]), 0.15, 0.04),
        )
        return np.minimum(tube_, rings)

    bodies.append(Body(barrel, brass, vec((low + joint) / 2), 0.85))
    bodies.append(
        Body(lambda p: capsule(p, joint, high, 0.07), steel, vec((joint + high) / 2), 0.9)
    )
    bodies.append(bolt(high + vec((0, 0, 0.14)), 0.12, 0.06))
    bodies.append(bolt(low + vec((0, 0, 0.2)), 0.14, 0.07))

    def lug(p: Points) -> Array:
        return capsule(p, low, foot + vec((0.35, 1.25, 0.1)), 0.13, 0.17)

    bodies.append(Body(lug, iron, vec((low + foot + vec((0.35, 1.25, 0.1))) / 2), 0.6))
    bodies += gauge(foot + vec((0.12, 1.02, 0.86)), 0.34, 52)
    # A cable from the turret to the elbow.
    path = curve(
        [
            foot + vec((-0.62, 0.9, 0.2)), foot + vec((-1.0, 1.3, 0.25)),
            SHOULDER + vec((-0.72, 0.75, 0.2)), SHOULDER + vec((-0.32, 1.45, 0.3)),
            ELBOW + vec((-0.5, -0.2, 0.25)), ELBOW + vec((-0.25, 0.1, 0.3)),
        ],
        26,
    )  # fmt: skip
    bodies.append(
        Body(
            lambda p: tube(p, path, [0.05] * len(path), 0.02),
            plain(srgb("#6e1d16"), 0.35), vec(np.mean(path, axis=0)), 1.75,
        )
    )  # fmt: skip
    bodies += claw()
    return bodies


def claw() -> list[Body]:
    """Return the wrist, three fingers and the bulb that they hold."""
    bodies = [bolt(WRIST + vec((0, 0, 0.27)), 0.17, 0.06)]
    top = WRIST + vec((0.03, -0.42, 0))

    def wrist(p: Points) -> Array:
        yoke = capsule(p, WRIST, top, 0.13, 0.12)
        q = minus(p, top)
        plate = cylinder((q[0], q[1] + 0.1, q[2]), 0.3, 0.07, 0.03)
        knob = sphere(p, WRIST, 0.2)
        return np.minimum(smooth_min(yoke, knob, 0.05), plate)

    bodies.append(Body(wrist, brass, vec((WRIST + top) / 2), 0.75))
    for turn in (172, 8, 270):
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        knuckle = top + vec((0.27 * c, -0.14, 0.27 * s))
        bend = top + vec((0.66 * c, -0.52, 0.66 * s))
        tip = top + vec((0.5 * c, -1.08, 0.5 * s))
        end = top + vec((0.27 * c, -1.28, 0.27 * s))
        centre = vec((knuckle + end) / 2 + (bend - knuckle) * 0.2)
        bodies.append(
            Body(
                lambda p, joints=(knuckle, bend, tip, end): tube(
                    p, joints, [0.115, 0.105, 0.085, 0.05], 0.05
                ),
                steel, centre, 0.9,
            )
        )  # fmt: skip
        for at, radius in ((knuckle, 0.14), (bend, 0.14)):
            bodies.append(Body(lambda p, c=at, r=radius: sphere(p, c, r), brass, vec(at), radius))

    def glass(p: Points) -> Array:
        round_part = sphere(p, BULB, 0.42)
        neck = capsule(p, BULB + vec((0, 0.3, 0)), BULB + vec((0, 0.55, 0)), 0.22, 0.17)
        return smooth_min(round_part, neck, 0.15)

    def glowing(p: Points, normal: Points) -> Surface:
        view = normalized_to_eye(p)
        facing = np.clip(dot(normal, view), 0, 1)
        q = minus(p, BULB)
        coil = np.abs(q[1] + 0.02 - 0.05 * np.sin(q[0] * 42)) / 0.03
        wire = ramp(coil, 1.6, 0.4) * ramp(np.abs(q[0]), 0.19, 0.15)
        wire = wire + 0.22 * np.exp(-((q[0] / 0.2) ** 2) - ((q[1] + 0.02) / 0.16) ** 2)
        heart = (0.2 + 1.1 * facing**2.6)[:, None] * vec((1.0, 0.4, 0.07)) * 1.35
        heart = heart + (wire * facing**2)[:, None] * vec((11.0, 7.0, 3.0))
        return Surface(
            vec(np.full((p[0].size, 3), 0.05)), roughness=0.05, specular=0.06, emission=vec(heart)
        )

    bodies.append(Body(glass, glowing, BULB, 0.85, has_shadow=False))

    def socket(p: Points) -> Array:
        q = minus(p, BULB + vec((0, 0.68, 0)))
        screw = cylinder(q, 0.19, 0.16, 0.03)
        for y in (-0.1, 0.0, 0.1):
            screw = np.minimum(screw, torus((q[0], q[1] - y, q[2]), 0.185, 0.028))
        return screw

    bodies.append(Body(socket, brass, BULB + vec((0, 0.68, 0)), 0.35, has_shadow=False))
    return bodies


def scene() -> Scene:
    """Return the whole set."""
    lights = [
        SUNBEAM,
        Light(BULB + vec((0.0, -0.05, 0.15)), vec((2.6, 1.4, 0.5)), 5, fades=1.6),
        Light(vec((7.0, 6.0, -3.6)), vec((0.75, 1.0, 1.25)), 8),
        Light(vec((3.0, 4.0, 12.0)), vec((0.22, 0.2, 0.19)), 3, has_shadow=False),
    ]
    return Scene(
        bodies=[*attic(), *machine()],
        lights=lights,
        camera=CAMERA,
        sky=sky,
        ambient_up=vec((0.17, 0.15, 0.14)),
        ambient_down=vec((0.12, 0.075, 0.04)),
        air=dust,
        far=40,
    )


def look(picture: Picture) -> np.ndarray:
    """Develop the rendering."""
    scale = picture.colour.shape[0] / 960
    image = focus(picture, 16.2, 9.0 * scale, 4.5 * scale)
    return finish(
        glow(image, 0.6, 0.9), exposure=1.05, vignette=0.5, shadows=(0.0, 0.012, 0.022), seed=3
    )


if __name__ == "__main__":
    sys.exit(draw("machine", scene, look, __doc__ or "", margin=4))
