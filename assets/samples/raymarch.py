"""A small ray marcher for the sample pictures: bodies and lamps in, linear light out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapes import Array, Distance, Points, dot, length, minus, normalized, ramp, unit, vec

# ---------------------------------------------------------------------------- what a scene holds


@dataclass
class Surface:
    """What a body looks like at some of its points.

    Attributes:
        albedo: (N, 3) linear.
        roughness: 0.05 (a mirror's gloss) .. 1, a number or (N,).
        specular: Strength of the highlight of a non-metal.
        metal: 0 or 1, a number or (N,).
        sheen: Strength of the light edge of felt, velvet and moss.
        wrap: How far light creeps round the edge, as in wax, felt or leaves.
        emission: (N, 3) or one colour, light of its own.
        height: Small relief, of points, that bends the normal; None for a plain surface.
        cavity: (N,) darkening of grooves, or 1.
    """

    albedo: Array
    roughness: Array | float = 0.6
    specular: float = 0.04
    metal: Array | float = 0.0
    sheen: float = 0.0
    wrap: float = 0.0
    emission: Array | float = 0.0
    height: Callable[[Points], Array] | None = None
    cavity: Array | float = 1.0


Looks = Callable[[Points, Points], Surface]
"""What a body looks like: points and normals to a surface."""


@dataclass
class Body:
    """A thing in the scene.

    Attributes:
        distance: Its distance function.
        surface: Its looks, from points and normals.
        centre: Middle of a ball that holds it.
        radius: Radius of that ball; infinite for a floor or a wall.
        has_shadow: Whether it keeps light from others.
        is_scenery: Whether it stands still in the film made from the picture.
    """

    distance: Distance
    surface: Looks
    centre: Array = field(default_factory=lambda: vec((0, 0, 0)))
    radius: float = np.inf
    has_shadow: bool = True
    is_scenery: bool = False


@dataclass
class Light:
    """A lamp.

    Attributes:
        position: Where it hangs.
        colour: Linear light that it throws on a surface that faces it.
        hardness: How sharp its shadows are: 4 is a cloudy window, 40 a small bulb.
        aim: What a spotlight is turned on, None for a bare bulb.
        cone: Cosines where a spotlight begins to fade, and where it ends.
        has_shadow: Whether it casts shadows.
        fades: Distance at which half of the light is left; infinite for one far away.
    """

    position: Array
    colour: Array
    hardness: float = 12.0
    aim: Array | None = None
    cone: tuple[float, float] = (0.95, 0.85)
    has_shadow: bool = True
    fades: float = np.inf


@dataclass
class Camera:
    """Where the picture is taken from.

    Attributes:
        eye: Its place.
        target: What lies in the middle of the picture.
        view: Height of the view in degrees.
    """

    eye: Array
    target: Array
    view: float = 30.0

    def rays(self, width: int, height: int) -> Array:
        """Return (height, width, 3) directions of length 1."""
        forward = unit(self.target - self.eye)
        right = unit(np.cross(forward, (0, 1, 0)))
        up = np.cross(right, forward)
        size = np.tan(np.radians(self.view) / 2)
        y = (1 - 2 * (np.arange(height) + 0.5) / height) * size
        x = (2 * (np.arange(width) + 0.5) / width - 1) * size * width / height
        rays = forward + x[None, :, None] * right + y[:, None, None] * up
        return vec(rays / np.linalg.norm(rays, axis=2, keepdims=True))

    def project(self, point: ArrayLike, width: int, height: int) -> tuple[float, float]:
        """Return where a point of the scene lies in the picture, x and y in px."""
        forward = unit(self.target - self.eye)
        right = unit(np.cross(forward, (0, 1, 0)))
        up = np.cross(right, forward)
        offset = vec(point) - self.eye
        scale = height / 2 / np.tan(np.radians(self.view) / 2) / float(offset @ forward)
        return (
            float(width / 2 - 0.5 + offset @ right * scale),
            float(height / 2 - 0.5 - offset @ up * scale),
        )


@dataclass
class Scene:
    """Bodies, lights, a camera, and the air between them.

    Attributes:
        bodies: Everything solid.
        lights: Lamps.
        camera: The view.
        sky: Colour of a direction that meets nothing, (N, 3); also what metal mirrors.
        ambient_up: Linear light from above that reaches everything.
        ambient_down: The same from below.
        air: Colour and density of the air, applied after lighting: (colours, points, depth).
        far: Where rays end.
        reach: How far a corner is darkened by what is near.
    """

    bodies: list[Body]
    lights: list[Light]
    camera: Camera
    sky: Callable[[Points], Array]
    ambient_up: Array
    ambient_down: Array
    air: Callable[[Array, Points, Array], Array] | None = None
    far: float = 60.0
    reach: float = 0.6


@dataclass
class Picture:
    """A finished rendering.

    Attributes:
        colour: (H, W, 3) linear light.
        depth: (H, W) distance from the eye.
        body: (H, W) index of the body seen, -1 for the sky.
        scenery: (H, W) True where scenery or the sky is seen.
    """

    colour: Array
    depth: Array
    body: NDArray[np.int16]
    scenery: NDArray[np.bool_]


# ---------------------------------------------------------------------------- rendering


def render(scene: Scene, width: int, height: int, *, samples: int = 1, tile: int = 64) -> Picture:
    """Return the picture of a scene.

    The picture is made in tiles. A tile looks only at the bodies whose ball its rays can meet,
    and its shadows only at those whose ball lies towards the lamp.

    Args:
        scene: What is to be seen.
        width: Of the picture, px.
        height: Of the picture, px.
        samples: Rays across and down each pixel that lies on an edge; the others get one ray.
        tile: Side of a tile, px.
    """
    rays = scene.camera.rays(width, height)
    colour = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), scene.far, np.float32)
    body = np.full((height, width), -1, np.int16)
    tiles = [
        (slice(top, top + tile), slice(left, left + tile))
        for top in range(0, height, tile)
        for left in range(0, width, tile)
    ]
    for here in tiles:
        block = rays[here]
        c, t, b = _tile(scene, _columns(block.reshape(-1, 3)))
        colour[here] = c.reshape(*block.shape)
        depth[here] = t.reshape(block.shape[:2])
        body[here] = b.reshape(block.shape[:2])
    if samples > 1:
        _smooth_edges(scene, rays, colour, _edges(colour, body), samples, tiles)
    still = np.array([*(thing.is_scenery for thing in scene.bodies), True])  # the last is the sky
    return Picture(colour, depth, body, still[body])


def _columns(rays: Array) -> Points:
    return rays[:, 0].copy(), rays[:, 1].copy(), rays[:, 2].copy()


def _edges(colour: Array, body: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return where neighbouring pixels differ much."""
    tone = (colour / (1 + colour)).sum(axis=2)
    result = np.zeros(body.shape, bool)
    for axis in (0, 1):
        differs = (np.diff(body, axis=axis) != 0) | (np.abs(np.diff(tone, axis=axis)) > 0.14)
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        result[tuple(first)] |= differs
        result[tuple(second)] |= differs
    return result


def _smooth_edges(
    scene: Scene,
    rays: Array,
    colour: Array,
    edges: NDArray[np.bool_],
    samples: int,
    tiles: list[tuple[slice, slice]],
) -> None:
    """Average several rays in each pixel on an edge; tones rather than light, for smooth steps."""
    right = rays[:, -1:] - rays[:, :1]
    right = right / (rays.shape[1] - 1)
    down = (rays[-1:] - rays[:1]) / (rays.shape[0] - 1)
    for here in tiles:
        chosen = np.flatnonzero(edges[here])
        if not chosen.size:
            continue
        block = rays[here].reshape(-1, 3)[chosen]
        shape = rays[here].shape
        dx = np.broadcast_to(right[here[0]], shape).reshape(-1, 3)[chosen]
        dy = np.broadcast_to(down[:, here[1]], shape).reshape(-1, 3)[chosen]
        steps = (np.arange(samples) + 0.5) / samples - 0.5
        bundle = np.concatenate([block + dx * i + dy * j for j in steps for i in steps])
        bundle = vec(bundle / np.linalg.norm(bundle, axis=1, keepdims=True))
        light = np.maximum(_tile(scene, _columns(bundle))[0], 0)
        tone = (light / (1 + light)).reshape(samples**2, -1, 3).mean(axis=0)
        flat = colour[here].reshape(-1, 3)
        flat[chosen] = tone / np.maximum(1 - tone, 1e-4)
        colour[here] = flat.reshape(shape)


def _tile(scene: Scene, directions: Points) -> tuple[Array, Array, NDArray[np.int16]]:
    eye = scene.camera.eye
    axis = unit([float(c.mean()) for c in directions])
    spread = float(np.arccos(np.clip(dot(directions, axis), -1, 1)).max())
    seen = [i for i, body in enumerate(scene.bodies) if _in_cone(body, eye, axis, spread)]
    t, hit = _march(scene, directions, seen)
    colour = scene.sky(directions)
    index = np.full(t.shape, -1, np.int16)
    where = np.flatnonzero(hit)
    if where.size:
        depth = t[where]
        rays = tuple(c[where] for c in directions)
        p = tuple(eye[k] + rays[k] * depth for k in range(3))
        distances = np.stack([scene.bodies[i].distance(p) for i in seen])
        nearest = np.asarray(seen, np.int16)[distances.argmin(axis=0)]
        lit = np.zeros((where.size, 3), np.float32)
        for i in np.unique(nearest):
            mine = np.flatnonzero(nearest == i)
            points = tuple(c[mine] for c in p)
            lit[mine] = _shade(
                scene, int(i), points, tuple(c[mine] for c in rays), depth[mine], seen
            )
        colour[where] = lit
        index[where] = nearest
    if scene.air is not None:
        ends = tuple(eye[k] + directions[k] * t for k in range(3))
        colour = scene.air(colour, ends, t)
    return colour, t, index


def _in_cone(body: Body, eye: Array, axis: Array, spread: float) -> bool:
    if not np.isfinite(body.radius):
        return True
    offset = body.centre - eye
    away = float(np.linalg.norm(offset))
    if away <= body.radius:
        return True
    angle = np.arccos(np.clip(float(offset @ axis) / away, -1, 1))
    return bool(angle - np.arcsin(min(body.radius / away, 1)) < spread + 0.002)


def _march(scene: Scene, directions: Points, seen: list[int]) -> tuple[Array, NDArray[np.bool_]]:
    eye = scene.camera.eye
    count = directions[0].size
    t = np.zeros(count, np.float32)
    hit = np.zeros(count, bool)
    if not seen:
        return np.full(count, scene.far, np.float32), hit
    bodies = [scene.bodies[i] for i in seen]
    starts = [
        max(0.0, float(np.linalg.norm(b.centre - eye)) - b.radius) if np.isfinite(b.radius) else 0.0
        for b in bodies
    ]
    t += np.float32(min(starts))
    active = np.arange(count)
    rays = directions
    for _ in range(140):
        here = t[active]
        p = tuple(eye[k] + rays[k] * here for k in range(3))
        d = _nearest(bodies, p, 0.4)
        near = d < 0.0004 * here
        t[active] = here + np.where(near, 0, d * np.float32(0.92))
        hit[active[near]] = True
        going = ~near & (t[active] < scene.far)
        if not going.any():
            break
        if not going.all():
            active, d = active[going], d[going]
            rays = tuple(c[going] for c in rays)
    else:
        hit[active[d < 0.01 * t[active]]] = True
    t[~hit] = scene.far
    return t, hit


def _nearest(bodies: list[Body], p: Points, sure: Array | float) -> Array:
    """Return the distance to the nearest body, or a little less where that is beyond `sure`."""
    result = np.full_like(p[0], 1e3)
    for body in bodies:
        if not np.isfinite(body.radius):
            result = np.minimum(result, body.distance(p))
            continue
        bound = length(minus(p, body.centre)) - np.float32(body.radius)
        near = np.flatnonzero(bound < np.minimum(result, sure))
        if near.size > 0.7 * bound.size:
            bound = body.distance(p)
        elif near.size:
            bound[near] = body.distance((p[0][near], p[1][near], p[2][near]))
        result = np.minimum(result, bound)
    return result


def _gradient(function: Distance, p: Points, step: float) -> Points:
    total = [np.float32(0), np.float32(0), np.float32(0)]
    for sign in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        value = function(tuple(p[k] + np.float32(sign[k] * step) for k in range(3)))
        for k in range(3):
            total[k] = total[k] + sign[k] * value
    return tuple(vec(c / (4 * step)) for c in total)


def _shade(
    scene: Scene, index: int, p: Points, rays: Points, depth: Array, seen: list[int]
) -> Array:
    body = scene.bodies[index]
    normal = normalized(_gradient(body.distance, p, 0.0012))
    surface = body.surface(p, normal)
    smooth = normal
    if surface.height is not None:
        slope = _gradient(surface.height, p, 0.004)
        along = dot(slope, normal)
        normal = normalized(tuple(normal[k] - (slope[k] - along * normal[k]) for k in range(3)))
    view = tuple(-c for c in rays)
    facing = np.clip(dot(normal, view), 0, 1)
    albedo = surface.albedo
    metal = np.asarray(surface.metal, np.float32) * np.ones_like(facing)
    rough = np.clip(np.asarray(surface.roughness, np.float32) * np.ones_like(facing), 0.04, 1)
    base = surface.specular * (1 - metal)[:, None] + albedo * metal[:, None]
    closed = _openness(scene, p, smooth) * surface.cavity

    up = (0.5 + 0.5 * normal[1])[:, None]
    ambient = scene.ambient_down * (1 - up) + scene.ambient_up * up
    diffuse = ambient * closed[:, None]
    gloss = np.zeros_like(albedo)
    centre, reach = _ball(p)
    for lamp in scene.lights:
        to = tuple(lamp.position[k] - p[k] for k in range(3))
        away = length(to)
        to = tuple(c / away for c in to)
        cosine = dot(normal, to)
        if surface.wrap:
            soft = np.clip((cosine + surface.wrap) / (1 + surface.wrap), 0, 1)
        else:
            soft = np.clip(cosine, 0, 1)
        strength = 1 / (1 + (away / np.float32(lamp.fades)) ** 2)
        if lamp.aim is not None:
            on_axis = -dot(to, unit(lamp.aim - lamp.position))
            strength = ramp(on_axis, lamp.cone[1], lamp.cone[0])
        reached = soft * strength > 1e-3
        if lamp.has_shadow and reached.any():
            shadow = np.ones_like(cosine)
            shadow[reached] = _shadow(
                scene, lamp, tuple(c[reached] for c in p), tuple(c[reached] for c in smooth),
                centre, reach,
            )  # fmt: skip
            strength = strength * shadow
        light = strength[:, None] * lamp.colour
        diffuse = diffuse + soft[:, None] * light
        half = normalized(tuple(to[k] + view[k] for k in range(3)))
        nh = np.clip(dot(normal, half), 0, 1)
        alpha = rough**2
        lobe = alpha**2 / (np.pi * (nh * nh * (alpha**2 - 1) + 1) ** 2)
        fresnel = (
            base
            + (1 - base) * ((1 - np.clip(dot(view, half), 0, 1)) ** 5 * (1 - rough * 0.7))[:, None]
        )
        visible = np.clip(cosine, 0, 1) / (
            4 * np.maximum(np.maximum(cosine, 0.05) * np.maximum(facing, 0.05), 0.05) + 0.05
        )
        gloss += np.minimum(lobe * visible, 30.0)[:, None] * fresnel * light
        if surface.sheen:
            edge = (1 - facing) ** 3 * surface.sheen * (0.35 + 0.65 * soft)
            gloss += edge[:, None] * light * (0.12 + 0.88 * albedo)

    mirrored = tuple(2 * facing * normal[k] - view[k] for k in range(3))
    polish = (1 - rough) ** 2
    edge = base + (1 - base) * ((1 - facing) ** 5 * polish)[:, None]
    occluded = np.clip(closed * 1.3 - 0.1, 0, 1)
    around = scene.sky(mirrored) * polish[:, None] + ambient * (1 - polish)[:, None]
    gloss += around * edge * occluded[:, None]
    return vec(albedo * (1 - metal)[:, None] * diffuse + gloss + surface.emission)


def _ball(p: Points) -> tuple[Array, float]:
    centre = vec([0.5 * (float(c.min()) + float(c.max())) for c in p])
    return centre, float(length(minus(p, centre)).max())


def _openness(scene: Scene, p: Points, normal: Points) -> Array:
    """Return how open the surroundings of a surface are, 1 for a plain (ambient occlusion)."""
    centre, radius = _ball(p)
    bodies = [
        b for b in scene.bodies
        if float(np.linalg.norm(b.centre - centre)) < b.radius + radius + scene.reach
    ]  # fmt: skip
    closed, weight = np.zeros_like(p[0]), 1.0
    for step in (0.06, 0.2, 0.5, 1.0):
        away = np.float32(step * scene.reach)
        q = tuple(p[k] + normal[k] * away for k in range(3))
        d = _nearest(bodies, q, float(away))
        closed += weight * np.clip(away - d, 0, away) / away
        weight *= 0.8
    return np.clip(1 - closed / 2.4, 0.0, 1) ** np.float32(1.25)


def _shadow(
    scene: Scene, lamp: Light, p: Points, normal: Points, centre: Array, radius: float
) -> Array:
    """Return how much of a lamp reaches each point."""
    axis = lamp.position - centre
    reach = float(np.linalg.norm(axis))
    axis = axis / reach
    bodies = []
    for body in scene.bodies:
        if not body.has_shadow:
            continue
        if np.isfinite(body.radius):
            offset = body.centre - centre
            along = float(np.clip(offset @ axis, 0, reach))
            spread = radius + along / lamp.hardness
            if float(np.linalg.norm(offset - along * axis)) > body.radius + spread:
                continue
        bodies.append(body)
    result = np.ones_like(p[0])
    if not bodies:
        return result
    start = tuple(p[k] + normal[k] * np.float32(0.02) for k in range(3))
    to = tuple(lamp.position[k] - start[k] for k in range(3))
    end = length(to)
    to = tuple(c / end for c in to)
    t = np.full_like(end, 0.02)
    active = np.arange(end.size)
    for _ in range(48):
        here = t[active]
        q = tuple(start[k][active] + to[k][active] * here for k in range(3))
        d = _nearest(bodies, q, 0.25 + 1.2 * here / np.float32(lamp.hardness))
        result[active] = np.minimum(result[active], 0.5 + 0.5 * lamp.hardness * d / here)
        t[active] = here + np.clip(d, 0.02 + 0.01 * here, 0.9)
        active = active[(result[active] > 0.0) & (t[active] < end[active])]
        if not active.size:
            break
    result = np.clip(result, 0, 1)
    return result * result * (3 - 2 * result)
