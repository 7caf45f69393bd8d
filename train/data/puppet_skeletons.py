"""Kinematic trees of the synthetic puppets: people, animals, arms, props, blobs.

A skeleton is drawn in units of its own size (about 1 from end to end). Each part is a bone with a
tapered shape along it: it starts at its joint, runs ``length`` along its own axis, and turns about
the joint. Angles are in radians, clockwise on the screen because y points down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from train.data import puppet_creatures, puppet_objects
from train.data.puppet_builder import SkeletonBuilder

PARTS: Final = 20
"""Most parts of one skeleton."""

FLOAT_FIELDS: Final = (
    "along",  # where on the parent's axis the joint sits, 0 start .. 1 end
    "across",  # and how far beside the axis, in radii of the parent there
    "angle",  # rest angle, relative to the parent's direction at the joint
    "jitter",  # half-width of the rest pose's random angle
    "limit",  # half-width of the joint's turn between two frames
    "length",
    "start_radius",
    "end_radius",
    "bulge",  # extra radius in the middle
    "box",  # 0 round ends .. 1 square ends
    "lobes",  # strength of three lobes around the ends
    "ripple",  # waves along the outline
    "hollow",  # wall thickness of a ring, 0 for solid
    "layer",  # drawing order within the skeleton, higher is nearer
    "soft",  # half-width of the total bend along the part
)
INT_FIELDS: Final = ("parent", "group")  # parent -1: root; group: parts of one colour

PUPPET_KINDS: Final = (
    "humanoid",
    "humanoid",
    "humanoid_side",
    "quadruped",
    "quadruped",
    "bird",
    "robot_arm",
    "hand",
    "random_tree",
    "tentacles",
    "portrait",
)
PROP_KINDS: Final = ("mug", "box", "tool", "blob", "plant")


_MAKERS: Final[dict[str, Callable[[SkeletonBuilder], None]]] = {
    "humanoid": puppet_creatures.humanoid,
    "humanoid_side": puppet_creatures.humanoid_side,
    "quadruped": puppet_creatures.quadruped,
    "bird": puppet_creatures.bird,
    "robot_arm": puppet_objects.robot_arm,
    "hand": puppet_creatures.hand,
    "random_tree": puppet_objects.random_tree,
    "tentacles": puppet_objects.tentacles,
    "portrait": puppet_creatures.portrait,
    "mug": puppet_objects.mug,
    "box": puppet_objects.box,
    "tool": puppet_objects.tool,
    "blob": puppet_objects.blob,
    "plant": puppet_objects.plant,
}


def make_skeleton(kind: str, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return one random skeleton of a kind: each field as (PARTS,), absent parts with ``real`` 0.

    Every part follows its parent in the numbering.
    """
    builder = SkeletonBuilder(rng)
    _MAKERS[kind](builder)
    rows = builder.rows[:PARTS]
    skeleton = {name: np.zeros(PARTS, np.float32) for name in (*INT_FIELDS, *FLOAT_FIELDS, "real")}
    for index, row in enumerate(rows):
        for name, value in row.items():
            skeleton[name][index] = value
        skeleton["real"][index] = 1
    skeleton["parent"][len(rows) :] = -1
    return skeleton


def make_skeletons(
    kinds: tuple[str, ...], count: int, rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Return ``count`` skeletons, the kinds in turn: each field as (count, PARTS)."""
    made = [make_skeleton(kinds[index % len(kinds)], rng) for index in range(count)]
    return {name: np.stack([skeleton[name] for skeleton in made]) for name in made[0]}
