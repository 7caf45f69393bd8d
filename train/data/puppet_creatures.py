"""Skeletons of people and animals."""

from __future__ import annotations

import numpy as np

from train.data.puppet_builder import SkeletonBuilder


def humanoid(b: SkeletonBuilder) -> None:
    """Add a person seen from the front, with a stick or a hat at times."""
    fat = b.pick(0.8, 1.35)
    torso_radius = b.near(0.075) * fat
    pelvis = b.add(
        -1, length=0.03, radius=torso_radius * 0.95, angle=-np.pi / 2, jitter=0.25, group=1
    )
    torso = b.add(
        pelvis,
        length=b.near(0.22, 0.1),
        radius=(torso_radius * b.pick(0.8, 1.1), torso_radius * b.pick(0.95, 1.25)),
        jitter=0.15,
        limit=0.35,
        layer=1,
        group=2,
        box=b.pick(0, 0.5),
        soft=0.15,
    )
    neck = b.add(torso, length=0.05, radius=0.03 * fat, jitter=0.1, limit=0.3, group=0, layer=0.5)
    b.add(
        neck,
        length=b.near(0.07),
        radius=(b.near(0.05), b.near(0.055)),
        jitter=0.2,
        limit=0.5,
        layer=2,
        group=0,
    )
    arm = b.near(0.17, 0.15)
    leg = b.near(0.24, 0.15)
    arm_radius, leg_radius = b.near(0.03) * fat, b.near(0.045) * fat
    sleeve = int(b.rng.integers(0, 3))
    boots = int(b.rng.integers(1, 5))
    for side in (-1, 1):
        front = b.pick(-2.5, 2.5)
        front = front - 3 if front < 0 else front + 2
        upper = b.add(
            torso,
            along=0.95,
            across=0.85 * side,
            length=arm,
            radius=(arm_radius * 1.15, arm_radius * 0.9),
            angle=side * b.pick(0.6, 3.0),
            jitter=0.4,
            limit=1.2,
            layer=front,
            group=2,
        )
        fore = b.add(
            upper,
            length=arm * b.near(0.95, 0.1),
            radius=(arm_radius * 0.9, arm_radius * 0.7),
            angle=b.pick(-0.8, 0.8),
            jitter=0.5,
            limit=1.3,
            layer=front + 0.3,
            group=2 if sleeve else 0,
        )
        b.add(
            fore,
            length=0.03,
            radius=(arm_radius * 0.75, arm_radius),
            jitter=0.3,
            limit=0.6,
            layer=front + 0.6,
            lobes=b.pick(0, 0.3),
        )
        front = b.pick(-1.9, 0.9)
        thigh = b.add(
            pelvis,
            along=0.0,
            across=0.5 * side,
            length=leg,
            radius=(leg_radius * 1.2, leg_radius * 0.8),
            angle=np.pi - side * b.pick(-0.1, 0.5),
            jitter=0.3,
            limit=0.9,
            layer=front,
            group=1,
        )
        shin = b.add(
            thigh,
            length=leg * b.near(0.95, 0.1),
            radius=(leg_radius * 0.8, leg_radius * 0.5),
            angle=b.pick(-0.3, 0.3),
            jitter=0.3,
            limit=1.0,
            layer=front + 0.2,
            group=1 if sleeve != 1 else 0,
        )
        b.add(
            shin,
            length=0.06,
            radius=(0.026, 0.02),
            angle=-side * b.pick(0.6, 1.5),
            jitter=0.2,
            limit=0.4,
            layer=front + 0.3,
            group=boots,
        )
    if b.rng.random() < 0.3:  # something in the hand
        b.add(
            6,
            length=b.near(0.25, 0.6),
            radius=(b.pick(0.008, 0.03), b.pick(0.008, 0.05)),
            angle=b.pick(-1.5, 1.5),
            limit=0.4,
            layer=8,
            group=5,
            box=b.pick(0, 1),
        )
    if b.rng.random() < 0.35:  # hair or a hat
        b.add(
            3,
            along=1.0,
            length=b.pick(0.0, 0.05),
            radius=b.near(0.05),
            angle=b.pick(-0.6, 0.6),
            jitter=0.1,
            limit=0.05,
            layer=2.2,
            group=6,
            lobes=b.pick(0, 0.2),
        )


def humanoid_side(b: SkeletonBuilder) -> None:
    """Add a person seen from the side, walking or standing."""
    humanoid(b)
    turn = 1 if b.rng.random() < 0.5 else -1
    for index, row in enumerate(b.rows):
        if row["length"] > 0.1 and row["along"] == 0.95:
            row["across"] = 0.0
            row["angle"] = turn * b.pick(2.2, 3.6)
            row["layer"] = -3 if index < 7 else 4
        if row["parent"] == 0 and row["along"] == 0.0:
            row["across"] = 0.0
            row["angle"] = np.pi + turn * b.pick(-0.7, 0.7)
            row["layer"] = -2 if index < 10 else 0.5


def quadruped(b: SkeletonBuilder) -> None:
    """Add an animal on four legs."""
    fat = b.pick(0.7, 1.4)
    turn = 1 if b.rng.random() < 0.5 else -1
    body_radius = b.near(0.11) * fat
    body = b.add(
        -1,
        length=b.near(0.38, 0.3),
        radius=(body_radius, body_radius * b.pick(0.9, 1.15)),
        bulge=body_radius * b.pick(-0.1, 0.2),
        jitter=0.25,
        soft=0.3,
    )
    neck = b.add(
        body,
        length=b.near(0.14, 0.6),
        radius=(body_radius * 0.75, body_radius * 0.45),
        angle=-turn * b.pick(0.2, 1.2),
        jitter=0.2,
        limit=0.6,
        layer=0.5,
    )
    head = b.add(
        neck,
        length=b.near(0.09, 0.3),
        radius=(body_radius * b.pick(0.55, 0.8), body_radius * b.pick(0.25, 0.5)),
        angle=turn * b.pick(0.3, 1.4),
        jitter=0.25,
        limit=0.6,
        layer=1,
        group=int(b.rng.integers(0, 2)),
    )
    for layer in (0.9, 1.1):
        b.add(
            head,
            along=0.0,
            across=-turn * 0.6,
            length=b.near(0.06, 0.5),
            radius=(0.022, 0.012),
            angle=-turn * b.pick(1.0, 2.4),
            limit=0.5,
            layer=layer,
            group=int(b.rng.integers(0, 3)),
        )
    leg = b.near(0.16, 0.45)
    leg_radius = body_radius * b.pick(0.28, 0.45)
    socks = int(b.rng.integers(0, 3))
    for along in (0.05, 0.95):
        for layer in (-2.0, 1.2):
            thigh = b.add(
                body,
                along=along,
                across=turn * 0.5,
                length=leg,
                radius=(leg_radius * 1.4, leg_radius * 0.8),
                angle=turn * (np.pi / 2 + b.pick(-0.5, 0.5)),
                jitter=0.3,
                limit=0.8,
                layer=layer,
            )
            shin = b.add(
                thigh,
                length=leg * b.near(0.9),
                radius=(leg_radius * 0.8, leg_radius * 0.6),
                angle=b.pick(-0.5, 0.5),
                jitter=0.25,
                limit=0.9,
                layer=layer + 0.1,
                group=socks,
            )
            b.add(
                shin,
                length=0.025,
                radius=leg_radius * 0.7,
                angle=-turn * 1.0,
                limit=0.4,
                layer=layer + 0.2,
                group=socks,
            )
    tail = b.near(0.25, 0.6)
    b.add(
        body,
        along=0.0,
        across=-turn * 0.4,
        length=tail,
        radius=(body_radius * 0.3, body_radius * b.pick(0.08, 0.4)),
        angle=np.pi + turn * b.pick(-0.6, 0.9),
        limit=0.9,
        layer=-0.5,
        soft=1.4,
        group=int(b.rng.integers(0, 2)),
    )


def bird(b: SkeletonBuilder) -> None:
    """Add a bird: body, neck, wings, legs, tail."""
    turn = 1 if b.rng.random() < 0.5 else -1
    radius = b.near(0.13, 0.25)
    body = b.add(
        -1,
        length=b.near(0.2, 0.3),
        radius=(radius * 0.6, radius * 0.8),
        bulge=radius * 0.2,
        angle=-b.pick(0.2, 1.3),
        jitter=0.2,
    )
    neck = b.add(
        body,
        length=b.near(0.1, 0.8),
        radius=(radius * 0.5, radius * 0.35),
        angle=-turn * b.pick(0, 0.6),
        limit=0.7,
        layer=0.5,
        soft=0.9,
    )
    head = b.add(neck, length=0.03, radius=radius * 0.5, limit=0.6, layer=1, group=1)
    b.add(
        head,
        length=b.near(0.09, 0.5),
        radius=(0.02, 0.006),
        angle=turn * b.pick(0.4, 1.4),
        limit=0.2,
        jitter=0.1,
        layer=0.8,
        group=2,
    )
    for layer in (-1.5, 1.5):
        wing = b.add(
            body,
            along=0.85,
            length=b.near(0.22, 0.4),
            radius=(radius * 0.5, radius * 0.4),
            angle=b.pick(1.2, 5.0),
            limit=1.2,
            layer=layer,
            group=3,
        )
        b.add(
            wing,
            length=b.near(0.2, 0.4),
            radius=(radius * 0.4, radius * 0.1),
            angle=b.pick(-0.8, 0.8),
            limit=0.9,
            layer=layer + 0.1,
            group=int(b.rng.integers(3, 5)),
        )
        leg = b.add(
            body,
            along=0.2,
            length=b.near(0.1, 0.5),
            radius=0.014,
            angle=np.pi - turn * b.pick(0.2, 1.2),
            limit=0.7,
            layer=layer * 0.5,
            group=2,
        )
        b.add(
            leg,
            length=0.06,
            radius=(0.014, 0.012),
            angle=-turn * b.pick(0.5, 1.5),
            limit=0.6,
            layer=layer * 0.5,
            group=2,
        )
    b.add(
        body,
        along=0.0,
        length=b.near(0.16, 0.5),
        radius=(radius * 0.35, radius * 0.5),
        angle=np.pi,
        limit=0.5,
        layer=-0.5,
        box=0.5,
        group=4,
    )


def hand(b: SkeletonBuilder) -> None:
    """Add a forearm with a hand of five fingers."""
    fore = b.add(
        -1, length=b.near(0.35), radius=(0.12, 0.09), angle=-np.pi / 2, jitter=0.8, group=1
    )
    palm = b.add(fore, length=0.2, radius=(0.11, 0.13), box=0.5, limit=0.6, jitter=0.2, layer=1)
    for index in range(5):
        thumb = index == 0
        parent = palm
        angle = b.pick(-1.2, -0.8) if thumb else (index - 2.5) * b.pick(0.05, 0.25)
        size = b.near(0.1, 0.15) * (0.85 if index == 4 else 1.0)
        for joint in range(2 if thumb else 3):
            parent = b.add(
                parent,
                along=0.2 if thumb and joint == 0 else 1.0,
                across=(-0.9 if thumb else (index - 2.5) * 0.55) if joint == 0 else 0.0,
                length=size * (1 - 0.15 * joint),
                radius=(0.036 - 0.004 * joint, 0.032 - 0.004 * joint),
                angle=angle if joint == 0 else b.pick(-0.2, 0.3),
                jitter=0.12,
                limit=0.9,
                layer=2 + index * 0.1 + joint * 0.01,
            )


def portrait(b: SkeletonBuilder) -> None:
    """Add the upper half of a person, with a face."""
    radius = b.near(0.2, 0.15)
    chest = b.add(
        -1,
        length=0.2,
        radius=(radius * 1.6, radius * 1.3),
        angle=-np.pi / 2,
        jitter=0.15,
        limit=0.2,
        box=b.pick(0, 0.4),
        group=1,
    )
    neck = b.add(chest, length=0.16, radius=0.09, jitter=0.1, limit=0.25, layer=1)
    head = b.add(
        neck,
        along=0.9,
        length=b.near(0.16),
        radius=(radius * 0.75, radius * 0.9),
        jitter=0.2,
        limit=0.35,
        layer=2,
    )
    b.add(
        head,
        along=0.9,
        length=b.pick(0, 0.1),
        radius=radius * b.pick(0.8, 1.1),
        limit=0.1,
        jitter=0.3,
        layer=1.5 if b.rng.random() < 0.5 else 2.5,
        group=2,
        lobes=b.pick(0, 0.25),
    )
    for side in (-1, 1):
        b.add(  # eyes
            head,
            along=0.5,
            across=side * 0.4,
            length=0.02,
            radius=0.022,
            angle=side * np.pi / 2,
            jitter=0.0,
            limit=0.0,
            layer=3,
            group=3,
        )
        b.add(  # ears
            head,
            along=0.4,
            across=side * 0.95,
            length=0.02,
            radius=0.035,
            limit=0.0,
            layer=1.8,
        )
        upper = b.add(
            chest,
            along=0.9,
            across=side * 0.95,
            length=b.near(0.3),
            radius=(0.1, 0.085),
            angle=side * b.pick(1.6, 3.0),
            limit=0.7,
            layer=side * 3.0,
            group=1,
        )
        fore = b.add(
            upper,
            length=b.near(0.28),
            radius=(0.08, 0.06),
            angle=-side * b.pick(0.2, 2.4),
            limit=1.0,
            layer=3.5,
            group=int(b.rng.integers(0, 2)),
        )
        b.add(fore, length=0.06, radius=(0.06, 0.07), limit=0.6, layer=3.7, lobes=b.pick(0, 0.3))
    b.add(  # mouth
        head,
        along=0.05,
        across=-0.3,
        length=0.08,
        radius=0.012,
        angle=np.pi / 2,
        jitter=0.1,
        limit=0.0,
        layer=3,
        group=4,
    )
