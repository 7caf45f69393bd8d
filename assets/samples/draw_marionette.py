"""Draw the marionette: a harlequin of painted wood, on strings, on a small stage at night.

Run: ``python assets/samples/draw_marionette.py`` (a few minutes; ``--scale 0.4`` for a look)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from develop import draw, finish, focus, glow
from numpy.typing import ArrayLike
from raymarch import Body, Looks, Picture, Scene, Surface
from shapes import (
    Array,
    Frame,
    Points,
    box,
    capsule,
    cone,
    ellipsoid,
    fbm,
    mix,
    noise,
    ramp,
    smooth_max,
    smooth_min,
    sphere,
    srgb,
    tinted,
    torus,
    tube,
    vec,
)
from theatre import (
    CAMERA,
    FOOT,
    GOLD,
    RIM,
    SPOT,
    WASH,
    beam,
    brass,
    sky,
    stage,
)

PALE, HONEY, BARK = srgb("#e8b878"), srgb("#b8722e"), srgb("#7a4218")
CREAM, RED, TEAL = srgb("#f6e7c6"), srgb("#c22a20"), srgb("#1c7a80")
INK = srgb("#2a1712")

Pattern = Callable[[Points, Points], Array]
"""Colours from points and normals."""

# The pose: joints in scene units. Left and right are the viewer's.
HIP_L, KNEE_L, ANKLE_L = (-0.36, 1.82, 0.05), (-0.46, 1.06, 0.22), (-0.5, 0.3, 0.05)
HIP_R, KNEE_R, ANKLE_R = (0.36, 1.82, 0.05), (0.98, 1.36, 0.62), (1.12, 0.58, 0.5)
SHOULDER_L, ELBOW_L, WRIST_L = (-0.66, 3.02, 0.0), (-1.48, 2.9, 0.25), (-1.95, 3.74, 0.5)
SHOULDER_R, ELBOW_R, WRIST_R = (0.66, 3.02, 0.0), (1.36, 2.52, 0.2), (2.12, 2.3, 0.55)
HEAD = Frame.turned((0.0, 4.02, 0.12), x=4, y=-10, z=7)
TORSO = Frame.turned((0.0, 2.45, 0.0), z=-3, y=-6)


def ball(*points: ArrayLike, extra: float) -> tuple[Array, float]:
    """Return a ball around points."""
    all_points = np.array([vec(p) for p in points])
    centre = vec((all_points.min(0) + all_points.max(0)) / 2)
    return centre, float(np.linalg.norm(all_points - centre, axis=1).max()) + extra


# ---------------------------------------------------------------------------- materials


def wood(frame: Frame, light: Array = PALE, dark: Array = HONEY, seed: float = 0.0) -> Looks:
    """Return the looks of turned and oiled wood whose grain runs along the part's y axis."""

    def grain(p: Points) -> Array:
        x, y, z = frame.local(p)
        x = x + seed
        bend = 0.5 * noise((x * 1.3, y * 0.5, z * 1.3), 1.0)
        rings = np.sqrt((x + 0.35 + 0.2 * bend) ** 2 + (z - 0.5) ** 2) * 9 + bend * 3
        return 0.5 + 0.5 * np.sin(rings * 2.2)

    def pores(p: Points) -> Array:
        x, y, z = frame.local(p)
        return noise((x * 26 + seed, y * 2.2, z * 26), 1.0)

    def surface(p: Points, normal: Points) -> Surface:
        fine = pores(p)
        share = np.clip(0.25 + 0.6 * grain(p) * 0.7 + 0.55 * (fine - 0.5), 0, 1)
        colour = mix(light, dark, share) * (0.82 + 0.3 * fbm(p, 1.7, 2))[:, None]
        return Surface(
            vec(colour), roughness=0.36 + 0.18 * fine, specular=0.045,
            height=lambda q: 0.004 * pores(q),
        )  # fmt: skip

    return surface


def paint(
    colour: Array | None = None,
    pattern: Pattern | None = None,
    gloss: float = 0.3,
    frame: Frame | None = None,
) -> Looks:
    """Return the looks of brushed lacquer that is a little worn, in one colour or a pattern's."""

    def strokes(p: Points) -> Array:
        x, y, z = p if frame is None else frame.local(p)
        return noise((x * 9, y * 2.5, z * 9), 2.0)

    def surface(p: Points, normal: Points) -> Surface:
        base = np.broadcast_to(colour, (p[0].size, 3)) if pattern is None else pattern(p, normal)
        worn = ramp(fbm(p, 5.0, 3), 0.68, 0.74)
        base = base * (0.85 + 0.28 * strokes(p))[:, None]
        base = base * (1 - 0.55 * worn)[:, None] + HONEY * (0.55 * worn)[:, None]
        return Surface(
            vec(base), roughness=gloss + 0.3 * worn + 0.1 * strokes(p),
            height=lambda q: 0.004 * strokes(q),
        )  # fmt: skip

    return surface


def lozenges(p: Points, normal: Points) -> Array:
    """Return the harlequin's diamonds on the torso."""
    x, y, z = TORSO.local(p)
    around = np.arctan2(x, z) * 1.05
    u, v = around * 2.1, (y + 0.1) * 1.5
    a, b = u + v, u - v
    ia, ib = np.floor(a), np.floor(b)
    edge = np.minimum(np.abs(a - np.rint(a)), np.abs(b - np.rint(b)))
    which = np.mod(ia + 2 * ib, 3)
    colours = np.array([CREAM, RED, TEAL])[which.astype(int)]
    line = ramp(edge, 0.055, 0.035)
    return tinted(colours, GOLD * 0.9, line)


def face(p: Points, normal: Points) -> Surface:
    """Return the painted head: wood, eyes, brows, cheeks and a smile."""
    surface = wood(HEAD, srgb("#efc48c"), srgb("#cf9350"))(p, normal)
    x, y, z = HEAD.local(p)
    front = ramp(z, 0.05, 0.25) * ramp(z, 0.74, 0.64)  # not on the nose
    colour = surface.albedo
    side = np.abs(x)
    cheek = np.exp(-(((side - 0.36) / 0.15) ** 2) - ((y + 0.16) / 0.13) ** 2) * front
    colour = tinted(colour, srgb("#d8503a"), 0.62 * cheek)

    def oval(cx: float, cy: float, rx: float, ry: float, soft: float = 0.06) -> Array:
        r = np.sqrt(((side - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
        return ramp(r, 1 + soft, 1 - soft) * front

    outline = oval(0.22, 0.1, 0.143, 0.183)
    white = oval(0.22, 0.1, 0.122, 0.162)
    r = np.sqrt(((x - 0.2 * np.sign(x) + 0.03) / 0.078) ** 2 + ((y - 0.1) / 0.1) ** 2)
    iris = ramp(r, 1.06, 0.94) * white
    r = np.sqrt(((x - 0.2 * np.sign(x) + 0.03) / 0.045) ** 2 + ((y - 0.1) / 0.06) ** 2)
    pupil = ramp(r, 1.1, 0.9) * white
    r = np.sqrt((x - 0.2 * np.sign(x) + 0.055) ** 2 + (y - 0.14) ** 2) / 0.026
    glint = ramp(r, 1.15, 0.85) * white
    for share, tint in (
        (outline, INK), (white, srgb("#fff6e6")), (iris, srgb("#1f7f8a")), (pupil, INK),
        (glint, srgb("#ffffff")),
    ):  # fmt: skip
        colour = tinted(colour, tint, share)
    arch = np.abs(y - (0.37 - 1.3 * (side - 0.22) ** 2)) / (0.034 * (1.25 - side))
    brow = ramp(arch, 1.2, 0.8) * ramp(np.abs(side - 0.22), 0.155, 0.135) * front
    colour = tinted(colour, BARK * 0.45, brow)
    smile = np.abs(y - (-0.34 + 1.1 * x * x)) / 0.024
    lips = ramp(smile, 1.3, 0.7) * ramp(side, 0.235, 0.215) * front
    dimple = ramp(np.sqrt((side - 0.24) ** 2 + (y + 0.275) ** 2) / 0.03, 1.2, 0.8) * front
    colour = tinted(colour, srgb("#8c1f1a"), np.maximum(lips, dimple))
    surface.albedo = vec(colour)
    painted = np.maximum(np.maximum(outline, brow), lips)
    surface.roughness = np.asarray(surface.roughness) * (1 - 0.5 * painted)
    return surface


# ---------------------------------------------------------------------------- the puppet


def limb(
    start: ArrayLike,
    end: ArrayLike,
    ra: float,
    rb: float,
    surface: Callable[[Frame], Looks],
    bulge: float = 0.05,
) -> Body:
    """Return a turned wooden limb between two joints, with a bead at each end."""
    frame = Frame.along(start, end)
    size = float(np.linalg.norm(vec(end) - vec(start)))
    middle, gap = 0.5 * size, 0.075

    def distance(p: Points) -> Array:
        q = frame.local(p)
        body = capsule(q, (0, gap + ra, 0), (0, size - gap - rb, 0), ra, rb)
        belly = ellipsoid(q, (0, middle * 0.9, 0), (ra + bulge, size * 0.36, ra + bulge))
        body = smooth_min(body, belly, 0.12)
        groove = np.abs(q[1] - (size - gap - rb * 0.6)) - 0.012
        radial = np.sqrt(q[0] ** 2 + q[2] ** 2) - (rb + 0.0)
        cut = np.maximum(groove, -(radial + 0.02))
        return np.maximum(body, -cut)

    centre, radius = ball(start, end, extra=max(ra, rb) + bulge)
    return Body(distance, surface(frame), centre, radius)


def joint(at: ArrayLike, radius: float = 0.095, surface: Looks = brass) -> Body:
    """Return a ball joint."""
    return Body(lambda p: sphere(p, at, radius), surface, vec(at), radius)


def hand(wrist: ArrayLike, toward: ArrayLike, spread: float, mirror: float) -> Body:
    """Return a mitten with a thumb."""
    frame = Frame.along(wrist, toward, front=(0.1 * mirror, 0.0, 1))

    def distance(p: Points) -> Array:
        q = frame.local(p)
        palm = ellipsoid(q, (0, 0.2, 0), (0.15, 0.2, 0.085))
        result = palm
        for index, (x, tip, lean) in enumerate(
            ((-0.105, 0.47, -0.07), (-0.035, 0.53, -0.02), (0.04, 0.52, 0.03), (0.108, 0.45, 0.09))
        ):
            finger = capsule(q, (x, 0.26, 0), (x + lean * spread, tip, 0.03), 0.046, 0.04)
            result = smooth_min(result, finger, 0.035 if index else 0.04)
        thumb = capsule(q, (0.1 * mirror, 0.14, 0.02), (0.245 * mirror, 0.29, 0.05), 0.056, 0.045)
        cuff = torus((q[0], q[1] - 0.035, q[2]), 0.075, 0.035)
        return smooth_min(smooth_min(result, thumb, 0.05), cuff, 0.03)

    centre = frame.world((0, 0.25, 0))
    return Body(distance, wood(frame, srgb("#efc48c"), srgb("#cf9350")), centre, 0.42)


def shoe(ankle: ArrayLike, toe: ArrayLike) -> Body:
    """Return a painted shoe with a turned-up toe and a gold bobble."""
    heel = vec(ankle) + vec((0, -0.19, 0))
    frame = Frame.along(heel, vec(toe), front=(0, 1, 0))

    def distance(p: Points) -> Array:
        q = frame.local(p)
        sole = ellipsoid(q, (0, 0.16, 0.02), (0.165, 0.33, 0.115))
        tip = tube(q, [(0, 0.36, 0.02), (0, 0.52, 0.06), (0, 0.57, 0.16)], [0.1, 0.07, 0.045], 0.08)
        upper = capsule(q, (0, 0.0, 0.05), (0, -0.01, 0.17), 0.13, 0.115)
        return smooth_min(smooth_min(sole, tip, 0.1), upper, 0.1)

    def bobble(p: Points) -> Array:
        return sphere(frame.local(p), (0, 0.58, 0.21), 0.062)

    shape = Body(
        lambda p: np.minimum(distance(p), bobble(p)), None, frame.world((0, 0.25, 0.05)), 0.52
    )
    red = paint(srgb("#b5231c"), gloss=0.22)

    def surface(p: Points, normal: Points) -> Surface:
        result = red(p, normal)
        is_gold = bobble(p) < 0.004
        result.albedo = vec(np.where(is_gold[:, None], GOLD, result.albedo))
        return result

    shape.surface = surface
    return shape


def puppet() -> list[Body]:
    """Return all of the marionette but its strings."""
    bodies = []

    def head(p: Points) -> Array:
        q = HEAD.local(p)
        skull = ellipsoid(q, (0, 0.02, 0), (0.6, 0.64, 0.58))
        jaw = ellipsoid(q, (0, -0.3, 0.06), (0.42, 0.34, 0.42))
        nose = capsule(q, (0, -0.05, 0.5), (0, -0.02, 0.83), 0.1, 0.125)
        ears = smooth_max(
            sphere((np.abs(q[0]), q[1], q[2]), (0.6, 0.0, -0.02), 0.15),
            -sphere((np.abs(q[0]), q[1], q[2]), (0.7, 0.0, 0.09), 0.1), 0.04,
        )  # fmt: skip
        skin = smooth_min(smooth_min(skull, jaw, 0.25), ears, 0.05)
        return smooth_min(skin, nose, 0.05)

    bodies.append(Body(head, face, HEAD.origin, 1.0))

    def hat(p: Points) -> Array:
        x, y, z = HEAD.local(p)
        q = (x - 0.1 * np.maximum(y - 0.55, 0) ** 2, y - 0.36, z + 0.04)
        felt = cone(q, 0.56, 0.08, 1.12, 0.05)
        brim = torus((q[0], q[1] - 0.03, q[2]), 0.535, 0.085)
        return np.minimum(felt * 0.9, brim)

    def hat_looks(p: Points, normal: Points) -> Surface:
        x, y, z = HEAD.local(p)
        stripe = np.floor((np.arctan2(x, z + 0.04) / (2 * np.pi) + 0.5) * 8)
        base = np.where((np.mod(stripe, 2) < 1)[:, None], RED, CREAM)
        base = np.where((y < 0.475)[:, None], TEAL, base)
        base = base * (0.8 + 0.35 * noise(p, 18.0))[:, None]
        return Surface(
            vec(base), roughness=0.75, sheen=0.5, height=lambda q: 0.006 * noise(q, 30.0)
        )

    bodies.append(Body(hat, hat_looks, HEAD.world((0.05, 0.9, 0)), 0.95))
    tufts = [
        HEAD.world((side * x, y, z))
        for side in (-1, 1)
        for x, y, z in ((0.56, 0.3, 0.08), (0.66, 0.2, -0.1), (0.6, 0.1, -0.24), (0.5, 0.34, 0.24))
    ]

    def hair(p: Points) -> Array:
        result = sphere(p, tufts[0], 0.14)
        for at in tufts[1:]:
            result = smooth_min(result, sphere(p, at, 0.14), 0.04)
        return (result - 0.035 * noise(p, 15.0)) * 0.8

    bodies.append(
        Body(
            hair,
            lambda p, n: Surface(
                vec(srgb("#d9641c") * (0.45 + 0.8 * noise(p, 15.0))[:, None]), roughness=0.8,
                sheen=0.5, wrap=0.2,
            ),
            HEAD.world((0, 0.22, 0)), 0.95,
        )
    )  # fmt: skip
    tip = HEAD.world((0.18, 1.52, -0.04))
    bodies.append(
        Body(
            lambda p: sphere(p, tip, 0.15) - 0.02 * noise(p, 22.0),
            lambda p, n: Surface(
                vec(GOLD * (0.6 + 0.6 * noise(p, 22.0))[:, None]), roughness=0.9, sheen=0.8
            ),
            tip, 0.2,
        )
    )  # fmt: skip

    def ruff(p: Points) -> Array:
        x, y, z = TORSO.local(p)
        y = y - 0.93
        angle = np.arctan2(x, z)
        radial = np.sqrt(x * x + z * z)
        wave = 0.075 * np.sin(angle * 15) * ramp(radial, 0.15, 0.6)
        upper = np.maximum(np.abs(y - wave - 0.06 + 0.09 * radial) - 0.028, radial - 0.62)
        wave = 0.075 * np.sin(angle * 13 + 1) * ramp(radial, 0.15, 0.7)
        lower = np.maximum(np.abs(y - wave + 0.09 + 0.09 * radial) - 0.028, radial - 0.74)
        return np.minimum(upper, lower) * 0.55

    bodies.append(
        Body(
            ruff,
            lambda p, n: Surface(
                vec(CREAM * (0.92 + 0.12 * noise(p, 30.0))[:, None]), roughness=0.8, wrap=0.35,
                sheen=0.2,
            ),
            TORSO.world((0, 0.9, 0)), 0.86,
        )
    )  # fmt: skip

    def torso(p: Points) -> Array:
        q = TORSO.local(p)
        chest = ellipsoid(q, (0, 0.36, 0), (0.62, 0.56, 0.42))
        waist = ellipsoid(q, (0, -0.2, 0.0), (0.46, 0.5, 0.36))
        return smooth_min(chest, waist, 0.3)

    bodies.append(Body(torso, paint(pattern=lozenges, gloss=0.26), TORSO.origin, 1.05))
    for height in (0.42, 0.12, -0.18):
        at = TORSO.world((0, height, 0.42 if height > 0 else 0.37))
        bodies.append(Body(lambda p, at=at: sphere(p, at, 0.07), brass, at, 0.07))

    def hips(p: Points) -> Array:
        q = TORSO.local(p)
        return ellipsoid(q, (0, -0.62, 0), (0.5, 0.26, 0.37))

    def belt(p: Points) -> Array:
        x, y, z = TORSO.local(p)
        return torus((x, (y + 0.46) * 0.8, z * 1.25), 0.43, 0.06)

    bodies.append(Body(hips, paint(srgb("#1b6a70"), gloss=0.3), TORSO.world((0, -0.62, 0)), 0.52))
    bodies.append(Body(belt, brass, TORSO.world((0, -0.46, 0)), 0.52))

    def trousers(frame: Frame) -> Looks:
        def stripes(p: Points, normal: Points) -> Array:
            x, _, z = frame.local(p)
            which = np.mod(np.floor((np.arctan2(x, z) / (2 * np.pi) + 0.5) * 8), 2) < 1
            return vec(np.where(which[:, None], RED, CREAM))

        return paint(pattern=stripes, gloss=0.32, frame=frame)

    def sleeve(frame: Frame) -> Looks:
        return paint(RED, gloss=0.3, frame=frame)

    for hip, knee, ankle in ((HIP_L, KNEE_L, ANKLE_L), (HIP_R, KNEE_R, ANKLE_R)):
        bodies.append(limb(hip, knee, 0.19, 0.165, trousers, bulge=0.06))
        bodies.append(limb(knee, ankle, 0.135, 0.105, wood, bulge=0.045))
        bodies.append(joint(hip, 0.13, wood(Frame.turned(hip), HONEY, BARK)))
        bodies.append(joint(knee, 0.1))
        bodies.append(joint(ankle, 0.105))
    bodies.append(shoe(ANKLE_L, vec(ANKLE_L) + vec((-0.32, -0.22, 0.75))))
    bodies.append(shoe(ANKLE_R, vec(ANKLE_R) + vec((0.5, -0.42, 0.55))))
    for shoulder, elbow, wrist in (
        (SHOULDER_L, ELBOW_L, WRIST_L), (SHOULDER_R, ELBOW_R, WRIST_R),
    ):  # fmt: skip
        bodies.append(limb(shoulder, elbow, 0.17, 0.14, sleeve, bulge=0.05))
        bodies.append(limb(elbow, wrist, 0.125, 0.095, wood, bulge=0.04))
        bodies.append(joint(shoulder, 0.125))
        bodies.append(joint(elbow, 0.095))
        bodies.append(joint(wrist, 0.095))
    bodies.append(hand(WRIST_L, vec(WRIST_L) + vec((-0.24, 0.53, 0.1)), 1.6, 1))
    bodies.append(hand(WRIST_R, vec(WRIST_R) + vec((0.5, 0.12, 0.2)), 1.0, 1))
    return bodies


# ---------------------------------------------------------------------------- strings


CROSS = Frame.turned((0.05, 6.08, 0.35), x=-14, y=14, z=-4)


def strings() -> list[Body]:
    """Return the control cross and the strings that hang from it."""

    def cross(p: Points) -> Array:
        x, y, z = CROSS.local(p)
        bar = box((x, y, z), (1.95, 0.07, 0.12), 0.05)
        spine = box((x, y - 0.1, z - 0.1), (0.13, 0.07, 0.95), 0.05)
        return np.minimum(bar, spine)

    def thread(a: ArrayLike, b: ArrayLike) -> list[Body]:
        a, b = vec(a), vec(b)
        pieces = []
        count = max(1, round(float(np.linalg.norm(b - a)) / 0.8))
        for i in range(count):
            start, end = a + (b - a) * i / count, a + (b - a) * (i + 1) / count
            centre, radius = ball(start, end, extra=0.02)
            pieces.append(
                Body(
                    lambda p, s=start, e=end: capsule(p, s, e, 0.0095),
                    lambda p, n: Surface(
                        vec(np.broadcast_to(srgb("#efe2c4"), (p[0].size, 3))), roughness=0.5,
                        wrap=0.5, emission=vec((0.03, 0.026, 0.02)),
                    ),
                    centre, radius, is_scenery=True,
                )
            )  # fmt: skip
        return pieces

    grip = Frame(CROSS.origin, vec([CROSS.axes[1], CROSS.axes[0], CROSS.axes[2]]))
    bodies = [Body(cross, wood(grip, HONEY, BARK, 3.0), CROSS.origin, 2.05, is_scenery=True)]
    for start, end in (
        ((-1.18, 3.1, 0.16), CROSS.world((-1.78, 0, 0))),
        ((1.12, 2.86, 0.14), CROSS.world((1.8, 0, 0))),
        (vec(KNEE_R) + vec((0, 0.08, 0.06)), CROSS.world((1.5, 0, 0.05))),
        (vec(SHOULDER_L) + vec((-0.13, 0.12, -0.05)), CROSS.world((-1.38, 0, -0.05))),
        (vec(SHOULDER_R) + vec((0.13, 0.12, -0.05)), CROSS.world((1.22, 0, -0.05))),
    ):
        bodies += thread(start, end)
    return bodies


def scene() -> Scene:
    """Return the whole set."""
    lights = [SPOT, RIM, FOOT, WASH]
    return Scene(
        bodies=[*stage(), *puppet(), *strings()],
        lights=lights,
        camera=CAMERA,
        sky=sky,
        ambient_up=vec((0.11, 0.13, 0.2)),
        ambient_down=vec((0.17, 0.09, 0.05)),
        air=beam,
        far=40,
    )


def look(picture: Picture) -> np.ndarray:
    """Develop the rendering."""
    scale = picture.colour.shape[0] / 960
    image = focus(picture, 17.4, 5.0 * scale, 3.0 * scale)
    return finish(
        glow(image, 0.35), exposure=1.05, vignette=0.45, grain=0.009, shadows=(0.012, 0.0, 0.03)
    )


if __name__ == "__main__":
    sys.exit(draw("marionette", scene, look, __doc__ or "", margin=4))
