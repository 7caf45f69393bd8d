"""Skeletons of machines, props, soft bodies and random trees."""

from __future__ import annotations

import numpy as np

from train.data.puppet_builder import SkeletonBuilder


def robot_arm(b: SkeletonBuilder) -> None:
    """Add a robot's arm with a gripper."""
    base = b.add(
        -1,
        length=0.08,
        radius=b.near(0.08),
        angle=-np.pi / 2 + b.pick(-0.8, 0.8),
        jitter=0.4,
        limit=0.0,
        box=0.8,
        group=1,
    )
    parent = base
    width = b.near(0.06)
    for index in range(int(b.rng.integers(3, 6))):
        parent = b.add(
            parent,
            length=b.near(0.24, 0.3),
            radius=(width, width * 0.85),
            angle=b.pick(-1.0, 1.0),
            jitter=0.5,
            limit=0.9,
            box=b.pick(0, 1),
            layer=index + 1,
            group=int(b.rng.integers(0, 3)),
        )
        width *= 0.82
        if b.rng.random() < 0.5:
            b.add(
                parent,
                along=0.0,
                length=0.0,
                radius=width * b.pick(0.5, 1.0),
                limit=0.0,
                layer=index + 1.5,
                group=3,
            )
    for side in (-1, 1):
        finger = b.add(
            parent,
            across=side * 0.8,
            length=0.07,
            radius=0.02,
            angle=side * b.pick(0.0, 0.8),
            limit=0.7,
            layer=6,
            box=0.6,
            group=1,
        )
        b.add(finger, length=0.06, radius=0.016, angle=-side * 0.6, limit=0.4, layer=6.5, group=1)


def random_tree(b: SkeletonBuilder) -> None:
    """Add a tree of random parts."""
    count = int(b.rng.integers(3, 16))
    root_radius = b.pick(0.05, 0.16)
    b.add(
        -1,
        length=b.pick(0.0, 0.4),
        radius=(root_radius, root_radius * b.pick(0.5, 1.4)),
        angle=b.pick(-3.1, 3.1),
        box=b.pick(0, 1) * float(b.rng.random() < 0.3),
        lobes=b.pick(0, 0.4) * float(b.rng.random() < 0.3),
        soft=b.pick(0, 0.8),
    )
    chained = b.pick(0.3, 0.8)
    for index in range(1, count):
        parent = index - 1 if b.rng.random() < chained else int(b.rng.integers(0, index))
        radius = max(b.rows[parent]["end_radius"] * b.pick(0.45, 1.0), 0.012)
        b.add(
            parent,
            along=1.0 if b.rng.random() < 0.7 else b.pick(0, 1),
            length=b.pick(0.05, 0.35),
            radius=(radius, radius * b.pick(0.4, 1.2)),
            angle=b.pick(-1.8, 1.8),
            jitter=0.4,
            limit=1.0,
            bulge=radius * b.pick(-0.2, 0.5),
            box=float(b.rng.random() < 0.2),
            lobes=b.pick(0, 0.4) * float(b.rng.random() < 0.25),
            ripple=b.pick(0, 0.2) * float(b.rng.random() < 0.25),
            layer=b.pick(-3, 3),
            soft=b.pick(0, 1.0) * float(b.rng.random() < 0.4),
            group=int(b.rng.integers(0, 6)),
        )


def tentacles(b: SkeletonBuilder) -> None:
    """Add a body with soft arms."""
    body = b.add(
        -1,
        length=b.pick(0, 0.15),
        radius=b.near(0.14, 0.4),
        angle=b.pick(-3.1, 3.1),
        lobes=b.pick(0, 0.2),
        layer=1,
    )
    arms = int(b.rng.integers(1, 5))
    for arm in range(arms):
        parent, radius = body, b.pick(0.03, 0.08)
        angle = b.pick(-0.4, 0.4) + 2 * np.pi * arm / arms
        for joint in range(int(b.rng.integers(2, 5))):
            parent = b.add(
                parent,
                along=b.pick(0.2, 1.0) if joint == 0 else 1.0,
                length=b.pick(0.12, 0.25),
                radius=(radius, radius * 0.8),
                angle=angle if joint == 0 else b.pick(-0.5, 0.5),
                limit=0.8,
                soft=1.2,
                layer=-arm - joint * 0.1,
                group=min(joint, 1) * int(b.rng.integers(0, 2)),
            )
            radius *= 0.8


def mug(b: SkeletonBuilder) -> None:
    """Add a mug with its handle."""
    body = b.add(-1, length=0.5, radius=0.26, angle=-np.pi / 2, jitter=0.4, box=1.0, layer=1)
    b.add(
        body,
        along=0.5,
        across=1.0,
        length=0.0,
        radius=b.near(0.17),
        hollow=0.06,
        limit=0.0,
        group=int(b.rng.integers(0, 2)),
    )
    if b.rng.random() < 0.5:
        b.add(
            body,
            along=0.3,
            length=0.2,
            radius=0.25,
            jitter=0.0,
            limit=0.0,
            box=1.0,
            layer=2,
            group=2,
        )


def box(b: SkeletonBuilder) -> None:
    """Add a box with things on it."""
    body = b.add(
        -1,
        length=b.pick(0.3, 0.8),
        radius=b.pick(0.12, 0.35),
        angle=b.pick(-3.1, 3.1),
        box=1.0,
    )
    for _ in range(int(b.rng.integers(0, 4))):
        b.add(
            body,
            along=b.pick(0.1, 0.9),
            across=b.pick(-0.6, 0.6),
            length=b.pick(0, 0.15),
            radius=b.pick(0.02, 0.07),
            angle=b.pick(-3, 3),
            limit=0.0,
            box=float(b.rng.integers(0, 2)),
            layer=1,
            group=int(b.rng.integers(0, 4)),
        )


def tool(b: SkeletonBuilder) -> None:
    """Add a hammer, a spoon, or pliers."""
    handle = b.add(-1, length=b.pick(0.4, 0.7), radius=b.pick(0.025, 0.06), angle=b.pick(-3, 3))
    b.add(
        handle,
        length=b.pick(0.05, 0.3),
        radius=(b.pick(0.05, 0.12), b.pick(0.02, 0.12)),
        angle=float(b.rng.choice([0.0, 1.57, -1.57])),
        limit=0.0,
        box=float(b.rng.integers(0, 2)),
        layer=1,
        group=1,
    )
    if b.rng.random() < 0.4:  # scissors or pliers
        b.add(
            handle,
            along=0.9,
            length=b.pick(0.3, 0.6),
            radius=0.04,
            angle=b.pick(2.2, 4.0),
            limit=0.8,
            layer=0.5,
            group=int(b.rng.integers(0, 2)),
        )


def blob(b: SkeletonBuilder) -> None:
    """Add one soft shape."""
    b.add(
        -1,
        length=b.pick(0, 0.6),
        radius=(b.pick(0.12, 0.35), b.pick(0.12, 0.35)),
        angle=b.pick(-3.1, 3.1),
        bulge=b.pick(-0.1, 0.1),
        lobes=b.pick(0, 0.5),
        ripple=b.pick(0, 0.2),
        soft=b.pick(0, 1.2),
    )


def plant(b: SkeletonBuilder) -> None:
    """Add a stem with leaves."""
    stem = b.add(
        -1, length=0.45, radius=(0.03, 0.02), angle=-np.pi / 2, jitter=0.3, soft=0.7, limit=0.4
    )
    for index in range(int(b.rng.integers(3, 9))):
        side = 1 if index % 2 else -1
        b.add(
            stem,
            along=b.pick(0.2, 1.0),
            length=b.pick(0.12, 0.4),
            radius=(0.015, 0.01),
            bulge=b.pick(0.01, 0.08),
            angle=side * b.pick(0.2, 1.4),
            soft=0.9,
            limit=0.6,
            layer=b.pick(-2, 2),
            group=1 + int(b.rng.integers(0, 2)),
        )
    if b.rng.random() < 0.6:
        b.add(stem, length=0.0, radius=b.pick(0.05, 0.12), lobes=0.4, layer=3, group=4)
