"""More motions for a puppet picture: one limb turns alone, and nothing else moves.

A picture does not depend on where its parts go next. So each scene can be asked again and again: a
limb with all that hangs on it turns about its joint by some angle, or a thing or body shifts as a
whole. The exact motion follows from the part labels, with nothing to draw. It is what a person
expects who pulls a limb, or a body, with one arrow. The limb that an arrow means is that of the
part under it: a hand is pulled at the hand, the whole arm at the upper arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmp_engine.modeling.cmp import Guidance
from train.data.puppets import PuppetBatch

_LEAST_AREA: Final = 0.0008
"""Least share of the picture that a limb covers."""

_INSIDE: Final = np.ones((5, 5), np.uint8)
"""Arrows start at least 2 px inside."""

_PULL: Final = (2.5, 36.0)
"""Shortest and longest arrow, px at a short side of 256. A drag is short before it is long."""

_AREA_POWER: Final = 0.75
"""How a limb's chance grows with its area: large ones are what people pull at."""

_MOST_ANGLE: Final = 1.1
_PINNED: Final = 0.35
_SECOND_ARROW: Final = 0.25


@dataclass(frozen=True, slots=True)
class LimbPulls:
    """M pulls at limbs, bodies and things of a batch of scenes.

    Attributes:
        image: (M,) int64 scene of each.
        guidance: M sets; the first entry is the arrow, the rest pins on what stands.
        joints: (M, 2) px, about which the limb turns; meaningless where it shifts.
        turns: (M,) bool, False where it shifts.
        masks: (M, H, W) bool, what follows.
    """

    image: Tensor
    guidance: Guidance
    joints: Tensor
    turns: Tensor
    masks: Tensor


@dataclass(frozen=True, slots=True)
class LimbTurns:
    """A turning limb for each scene of a batch.

    Attributes:
        flow: (B, 2, H, W) exact forward flow, px.
        guidance: One or two arrows on the limb, sometimes pins on what stands; the first entry is
            an arrow. Nothing valid where the scene has no limb.
        joints: (B, 2) px, about which the limb turns.
        has_limb: (B,) bool.
    """

    flow: Tensor
    guidance: Guidance
    joints: Tensor
    has_limb: Tensor


def pull_limbs(
    scenes: PuppetBatch,
    *,
    generator: torch.Generator,
    count: int,
    shift_share: float,
    max_pins: int = 2,
) -> LimbPulls:
    """Return up to ``count`` pulls for each scene, limbs that turn and bodies that shift.

    A limb's chance grows with its area. Its arrow is drawn on the part that turns, more
    often where it moves fast.

    Args:
        scenes: The pictures; their own motion is not looked at.
        generator: On the CPU.
        count: Pulls a scene.
        shift_share: Share of pulls at what hangs on nothing.
        max_pins: Most pins of a pull.
    """
    rng = _numpy_generator(generator)
    found: list[tuple[int, _Pull]] = []
    for index in range(len(scenes.labels)):
        scene = _Scene(scenes, index)
        for _ in range(count):
            pull = scene.shift(rng) if rng.random() < shift_share else scene.turn(rng)
            if pull is not None:
                found.append((index, pull))
    size = scenes.labels.shape[-2:]
    pulls = [pull for _, pull in found]
    points = np.zeros((len(found), 1 + max_pins, 2), np.float32)
    valid = np.zeros((len(found), 1 + max_pins), np.bool_)
    for row, pull in enumerate(pulls):
        pins = np.array(pull.pins[:max_pins]).reshape(-1, 2)
        points[row, 0], points[row, 1 : 1 + len(pins)] = pull.start, pins
        valid[row, : 1 + len(pins)] = True
    vectors = np.zeros_like(points)
    vectors[:, 0] = np.array([pull.vector for pull in pulls]).reshape(-1, 2)
    device = scenes.labels.device
    masks = np.stack([pull.mask for pull in pulls]) if pulls else np.zeros((0, *size), np.bool_)
    return LimbPulls(
        torch.tensor([index for index, _ in found], dtype=torch.int64, device=device),
        Guidance(*map(torch.from_numpy, (points, vectors, valid))).to(device),
        torch.tensor(np.array([pull.joint for pull in pulls]).reshape(-1, 2)).float().to(device),
        torch.tensor([pull.turns for pull in pulls], dtype=torch.bool, device=device),
        torch.from_numpy(masks).to(device),
    )


def turn_limbs(scenes: PuppetBatch, *, generator: torch.Generator, max_points: int) -> LimbTurns:
    """Return a limb that turns alone in each scene.

    Args:
        scenes: The pictures; their own motion is not looked at.
        generator: On the CPU.
        max_points: Most points of a sample, at least 1.

    Source: own choice; `train/README.md` has what it does to limbs that are pulled by one arrow.
    """
    rng = _numpy_generator(generator)
    batch, height, width = scenes.labels.shape
    flow = np.zeros((batch, 2, height, width), np.float32)
    points = np.zeros((batch, max_points, 2), np.float32)
    vectors = np.zeros_like(points)
    valid = np.zeros((batch, max_points), np.bool_)
    joints = np.zeros((batch, 2), np.float32)
    for index in range(batch):
        pull = _Scene(scenes, index).turn(rng)
        if pull is None:
            continue
        flow[index] = pull.flow()
        starts = [pull.start]
        if max_points > 1 and rng.random() < _SECOND_ARROW:
            starts.append(pull.another(rng))
        places = np.array([*starts, *pull.pins])[:max_points]
        points[index, : len(places)] = places
        valid[index, : len(places)] = True
        column, row = places.astype(np.int64).T
        vectors[index, : len(places)] = flow[index][:, row, column].T
        joints[index] = pull.joint
    device = scenes.labels.device
    return LimbTurns(
        torch.from_numpy(flow).to(device),
        Guidance(*map(torch.from_numpy, (points, vectors, valid))).to(device),
        torch.from_numpy(joints).to(device),
        torch.from_numpy(valid.any(1)).to(device),
    )


@dataclass(frozen=True, slots=True)
class _Pull:
    """One arrow, and what follows it."""

    start: NDArray[np.float64]
    vector: NDArray[np.float64]
    pins: list[NDArray[np.float64]]
    joint: NDArray[np.float64]
    turns: bool
    mask: NDArray[np.bool_]
    places: NDArray[np.float64]
    """(K, 2) where an arrow may start."""

    def flow(self) -> NDArray[np.float32]:
        """Return the flow (2, H, W) of a limb that turns."""
        y, x = np.mgrid[: self.mask.shape[0], : self.mask.shape[1]]
        lever = complex(*(self.start - self.joint))
        turn = complex(*self.vector) / lever
        moved = turn * ((x - self.joint[0]) + 1j * (y - self.joint[1]))
        return np.stack([moved.real * self.mask, moved.imag * self.mask]).astype(np.float32)

    def another(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return another start."""
        chosen = _draw(np.linalg.norm(self.places - self.joint, axis=1), rng)
        return np.asarray(self.places[chosen])


class _Scene:
    """One scene, and its parts with what hangs on each."""

    def __init__(self, scenes: PuppetBatch, index: int) -> None:
        self._labels = scenes.labels[index].cpu().numpy()
        self._parents = scenes.parents[index].cpu().numpy()
        self._joints = scenes.joints[index].cpu().numpy().astype(np.float64)
        count = len(self._parents)
        area = np.bincount(self._labels.ravel(), minlength=count)[:count].astype(np.float64)
        self._carries = np.eye(count, dtype=np.bool_)  # [p, q]: q is p or hangs on it
        above = self._parents.copy()
        while (above > 0).any():
            has = np.flatnonzero(above > 0)
            self._carries[above[has], has] = True
            above = np.where(above > 0, self._parents[above], 0)
        carried = self._carries @ area
        is_large = carried >= _LEAST_AREA * self._labels.size
        part = np.arange(count) > 0
        hangs = (self._parents > 0) & (area[self._parents] > 0)
        self._limbs = np.where(part & hangs & is_large, carried**_AREA_POWER, 0.0)
        self._bodies = np.where(part & (self._parents == 0) & is_large, np.sqrt(carried), 0.0)
        self._short = min(self._labels.shape)

    def turn(self, rng: np.random.Generator) -> _Pull | None:
        """Return a pull at a limb, or None where there is none."""
        if not self._limbs.any():
            return None
        part = _draw(self._limbs, rng)
        mask, own = self._carries[part][self._labels], self._labels == part
        places, joint = _inner_places(own if own.any() else mask), self._joints[part]
        lever = places - joint
        length = np.linalg.norm(lever, axis=1)
        if not length.any():
            return None
        chosen = _draw(length, rng)
        sine = min(self._pull(rng) / (2 * max(float(length[chosen]), 1.0)), 0.95)
        angle = min(2 * np.arcsin(sine), _MOST_ANGLE) * rng.choice([-1, 1])
        moved = (np.exp(1j * angle) - 1) * complex(*lever[chosen])
        vector = np.array([moved.real, moved.imag])
        pins = self._pins(mask, int(self._parents[part]), rng)
        return _Pull(places[chosen], vector, pins, joint, turns=True, mask=mask, places=places)

    def shift(self, rng: np.random.Generator) -> _Pull | None:
        """Return a pull at what hangs on nothing, or None where there is nothing."""
        if not self._bodies.any():
            return None
        part = _draw(self._bodies, rng)
        own = _inner_places(self._labels == part) if (self._labels == part).any() else None
        if own is None:
            return None
        mask = self._carries[part][self._labels]
        start = own[rng.integers(len(own))]
        angle = rng.uniform(0, 2 * np.pi)
        vector = self._pull(rng) * np.array([np.cos(angle), np.sin(angle)])
        pins = self._pins(mask, 0, rng)
        return _Pull(start, vector, pins, np.zeros(2), turns=False, mask=mask, places=own)

    def _pull(self, rng: np.random.Generator) -> float:
        low, high = (value * self._short / 256 for value in _PULL)
        return float(low * (high / low) ** rng.random())

    def _pins(
        self, mask: NDArray[np.bool_], parent: int, rng: np.random.Generator
    ) -> list[NDArray[np.float64]]:
        """Return places to pin, mostly none: on what carries the limb, or anywhere that stands."""
        if rng.random() >= _PINNED:
            return []
        still = ~mask
        carrier = still & (self._labels == parent)
        pool = np.argwhere(carrier if rng.random() < 0.5 and carrier.any() else still)
        if not len(pool):
            return []
        count = 2 if rng.random() < 0.3 else 1
        return [pool[rng.integers(len(pool))][::-1].astype(np.float64) for _ in range(count)]


def _inner_places(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the pixels (K, 2) x, y well inside the mask, or all of it where that leaves none."""
    inner = cv2.erode(mask.astype(np.uint8), _INSIDE, borderValue=0)
    found = np.argwhere(inner if inner.any() else mask)
    return found[:, ::-1].astype(np.float64)


def _draw(weight: NDArray[np.float64], rng: np.random.Generator) -> int:
    total = np.cumsum(weight)
    return min(int(np.searchsorted(total, rng.random() * total[-1], "right")), len(weight) - 1)


def _numpy_generator(generator: torch.Generator) -> np.random.Generator:
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
