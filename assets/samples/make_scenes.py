"""Write the sample scenes: the pictures beside this file, with arrows and pins on them.

Run from the root of the checkout, after the three ``draw_*.py``:
``PYTHONPATH=. python assets/samples/make_scenes.py``. Where a track starts and ends is computed
from the joints of the drawing, so a picture that is drawn anew keeps its arrows on its parts.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import draw_creature as creature
import draw_machine as machine
import draw_marionette as marionette
import forest
import numpy as np
import theatre
import workshop
from develop import SIZE_WH
from numpy.typing import ArrayLike
from raymarch import Camera
from shapes import Array, vec

from cmp_engine.image_io import read_image
from cmp_studio.document.masks import mask_from_bytes
from cmp_studio.document.project_file import save_scene
from cmp_studio.document.scene import (
    FilmSettings,
    Scene,
    add_track,
    picture_from_bytes,
    set_freeze,
)
from cmp_studio.document.tracks import Point, Repeat, Timing, Track, make_arrow, make_path, make_pin
from cmp_studio.pipeline.thumbnails import thumbnail_png

FOLDER = Path(__file__).parent


def middle(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the point half way between two."""
    return vec((vec(a) + vec(b)) / 2)


class Stage:
    """A camera's view, on which tracks are placed by points of the drawing."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def at(self, point: ArrayLike) -> Point:
        """Return where a point of the drawing lies in the picture, px."""
        x, y = self._camera.project(point, *SIZE_WH)
        return round(x, 1), round(y, 1)

    def pins(self, *points: ArrayLike) -> list[Track]:
        """Return pins on points of the drawing."""
        return [replace(make_pin(self.at(point)), color=6) for point in points]

    def swing(
        self,
        point: ArrayLike,
        *joints: tuple[ArrayLike, float],
        name: str,
        color: int,
        repeat: Repeat = "sway",
        start: float = 0.0,
        end: float | None = None,
    ) -> Track:
        """Return a track that turns a point about joints.

        A swing to both sides is a straight arrow; a motion to one side follows the arc.

        Args:
            point: Of the drawing; the spot that is moved.
            joints: Each a point of the drawing and the angle of the turn about it, degrees,
                clockwise as seen. The first is the last in the chain, as the wrist is before the
                elbow.
            name: Of the track.
            color: Of the track.
            repeat: How it moves.
            start: Seconds.
            end: Seconds, None for the end of the film.
        """
        timing = Timing(start=start, end=end, repeat=repeat)

        def turned(share: float) -> Point:
            x, y = self.at(point)
            for joint, degrees in joints:
                px, py = self.at(joint)
                angle, dx, dy = math.radians(degrees) * share, x - px, y - py
                x = px + dx * math.cos(angle) - dy * math.sin(angle)
                y = py + dx * math.sin(angle) + dy * math.cos(angle)
            return round(x, 1), round(y, 1)

        if repeat == "sway":
            track = make_arrow(turned(0), turned(1), timing=timing)
        else:
            track = make_path((turned(0), turned(0.5), turned(1)), timing=timing)
        return replace(track, name=name, color=color)


def marionette_tracks() -> list[Track]:
    """Return the puppet's dance: it waves, beckons, kicks and nods."""
    m, stage = marionette, Stage(theatre.CAMERA)
    elbow_l, elbow_r, knee = (m.ELBOW_L, 14), (m.ELBOW_R, -13), (m.KNEE_R, -11)
    neck = (m.HEAD.world((0, -0.75, 0)), 4)
    palm_l, palm_r = (
        vec(m.WRIST_L) + vec((-0.12, 0.3, 0.08)),
        vec(m.WRIST_R) + vec((0.3, 0.08, 0.1)),
    )
    arm_l, arm_r = middle(m.ELBOW_L, m.WRIST_L), middle(m.ELBOW_R, m.WRIST_R)
    shoe = vec(m.ANKLE_R) + vec((0.2, -0.18, 0.25))
    return [
        stage.swing(palm_l, elbow_l, name="Waving hand", color=0),
        stage.swing(m.WRIST_L, elbow_l, name="Wrist", color=0),
        stage.swing(arm_l, elbow_l, name="Forearm", color=0),
        stage.swing(palm_r, elbow_r, name="Other hand", color=1),
        stage.swing(m.WRIST_R, elbow_r, name="Other wrist", color=1),
        stage.swing(arm_r, elbow_r, name="Other forearm", color=1),
        stage.swing(shoe, knee, name="Kicking foot", color=2),
        stage.swing(m.ANKLE_R, knee, name="Ankle", color=2),
        stage.swing(middle(m.KNEE_R, m.ANKLE_R), knee, name="Shin", color=2),
        stage.swing(m.HEAD.world((0.12, 1.0, 0.3)), neck, name="Hat", color=3),
        stage.swing(m.HEAD.world((0, 0.1, 0.55)), neck, name="Head", color=3),
        stage.swing(m.HEAD.world((0, -0.4, 0.45)), neck, name="Chin", color=3),
        *stage.pins(
            m.ELBOW_L, m.SHOULDER_L, m.ELBOW_R, m.SHOULDER_R, m.KNEE_R, m.KNEE_L,
            m.TORSO.world((0, 0.8, 0.5)), m.TORSO.world((0, 0.3, 0.45)),
            m.TORSO.world((0, -0.6, 0.35)), vec(m.ANKLE_L) + vec((-0.1, -0.2, 0.2)),
            (3.4, 3.6, -3.3), (-3.2, 4.4, -3.3), (-2.0, 0.0, 1.6), (2.3, 0.0, 1.6),
        ),
    ]  # fmt: skip


def creature_tracks() -> list[Track]:
    """Return the fox's hello: paw, tail, an ear."""
    c, stage = creature, Stage(forest.CAMERA)
    elbow = (c.ELBOW, 13)
    lobe = (c.HEAD.world((0.5, 0.45, 0)), 9)
    tracks = [
        stage.swing(c.HAND.world((0, 0.2, 0.1)), elbow, name="Waving paw", color=0),
        stage.swing(c.PAW, elbow, name="Wrist", color=0),
        stage.swing(middle(c.PAW, c.ELBOW), elbow, name="Forearm", color=0),
        stage.swing(
            c.HEAD.world(c.EAR.world((0, 0.8, 0.1))), lobe, name="Ear", color=2, repeat="pulse",
            start=0.8, end=2.2,
        ),
    ]  # fmt: skip
    # The tail bends: each part turns about the ones below it.
    roots = (2, 5, 8)
    for number, index in enumerate((4, 6, 8, 9, 10, 11, 12, 13), 1):
        joints = [(c.TAIL[root], 3.3) for root in reversed(roots) if root < index]
        tracks.append(stage.swing(c.TAIL[index], *joints, name=f"Tail {number}", color=1))
    return tracks + stage.pins(
        c.TAIL[1], (-0.13, 2.0, 0.95), (0.3, 1.2, 0.85), (-0.7, 0.9, 0.7), (0.95, 0.9, 0.6),
        (0.3, 0.2, 1.2), (-0.72, 0.2, 1.2), c.ELBOW, c.SHOULDER, c.HEAD.world((0, 0.3, 0.6)),
        c.HEAD.world((-0.5, -0.3, 0.3)), c.HEAD.world((0.5, -0.3, 0.3)), (-3.2, 3.0, -2.0),
        (0.4, -0.2, 2.2), (3.9, 1.6, -2.0), (0.95, 2.6, -1.5),
    )  # fmt: skip


def machine_tracks() -> list[Track]:
    """Return the crane's work: the arm rises and sinks, and what it carries swings."""
    k, stage = machine, Stage(workshop.CAMERA)
    elbow, wrist = (k.ELBOW, -3.0), (k.WRIST, -5.0)
    tracks = [
        stage.swing(k.ELBOW + (k.WRIST - k.ELBOW) * share, elbow, name=f"Arm {number}", color=0)
        for number, share in enumerate((0.25, 0.55, 0.7, 0.9, 1.0), 1)
    ]
    top = k.WRIST + vec((0.03, -0.42, 0))
    tracks += [
        stage.swing(k.BULB, wrist, elbow, name="Bulb", color=1),
        stage.swing(k.BULB + vec((0, 0.5, 0)), wrist, elbow, name="Socket", color=1),
        stage.swing(top + vec((0, -0.1, 0)), wrist, elbow, name="Claw", color=1),
    ]
    for side, word in ((-1, "Left"), (1, "Right")):
        for x, y, part in (
            (0.27, -0.14, "root"),
            (0.46, -0.33, "upper finger"),
            (0.65, -0.52, "knuckle"),
            (0.57, -0.8, "finger"),
            (0.5, -1.06, "last joint"),
            (0.33, -1.22, "tip"),
        ):
            point = top + vec((side * x, y, 0.05))
            tracks.append(stage.swing(point, wrist, elbow, name=f"{word} {part}", color=1))
    weight = k.ELBOW + (k.ELBOW - k.WRIST) * 0.36
    tracks.append(stage.swing(weight, elbow, name="Counterweight", color=2))
    return tracks + stage.pins(
        k.ELBOW, middle(k.SHOULDER, k.ELBOW), k.SHOULDER, (-1.45, 0.9, 0.6), (-1.33, 1.02, 0.9),
        (-1.45, 0.3, 1.2), (-0.45, 2.3, 0.1), k.ELBOW + vec((-0.5, -0.44, 0.5)), (1.0, 0.0, 1.5),
        (3.75, 0.5, 0.6), (-3.6, 5.0, -4.4), (4.3, 5.0, -4.4), (1.0, 5.6, -4.6), (1.0, 1.6, -4.4),
    )  # fmt: skip


FILMS = {
    "marionette": (marionette_tracks, FilmSettings(duration=2.4, fps=24, loop="seamless")),
    "creature": (creature_tracks, FilmSettings(duration=2.8, fps=24, loop="seamless")),
    "machine": (machine_tracks, FilmSettings(duration=3.6, fps=24, loop="seamless")),
}


def make_scene(name: str) -> Scene:
    """Return the scene of a picture that lies beside this file."""
    make_tracks, film = FILMS[name]
    path = FOLDER / f"{name}.jpg"
    scene = Scene(picture_from_bytes(path.read_bytes(), path.name), film=film)
    for track in make_tracks():
        scene = add_track(scene, track)
    still = FOLDER / f"{name}_still.png"
    return set_freeze(scene, mask_from_bytes(still.read_bytes(), still.name))


def main() -> None:
    """Write all scenes."""
    for name in FILMS:
        if not (FOLDER / f"{name}.jpg").is_file():
            print(f"{name}.jpg is missing, run draw_{name}.py first")  # noqa: T201
            continue
        scene = make_scene(name)
        image = read_image(scene.picture.data)
        target = FOLDER / f"{name}.cmps"
        save_scene(scene, target, thumbnail=thumbnail_png(np.ascontiguousarray(image)))
        print(f"{target}: {len(scene.tracks)} tracks, {target.stat().st_size / 1024:.0f} KiB")  # noqa: T201


if __name__ == "__main__":
    main()
