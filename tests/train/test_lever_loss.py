"""Joints of arrows on puppets, where they are known, and the loss of the answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from cmp_engine.modeling.cmp import Guidance
from cmp_engine.modeling.lever import Levers
from train.data.puppets import PuppetGenerator
from train.guidance_sampling import sample_artist
from train.lever_loss import (
    JOINT,
    SHIFT,
    UNKNOWN,
    LeverTarget,
    join_lever_targets,
    joint_loss,
    lever_target,
    motion_error,
    no_lever_target,
)
from train.losses import Target

_SIDE = 64
_CELLS = 8


def _turn_about(joint: tuple[float, float], angle: float) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    x, y = joint
    return torch.tensor([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])


def _scene(
    motion: torch.Tensor,
    point: tuple[float, float],
    *,
    joint: tuple[float, float] = (20.0, 44.0),
    parents: tuple[int, ...] = (0, 0, 1),
    told: torch.Tensor | None = None,
) -> tuple[LeverTarget, Guidance]:
    """A limb, part 2, that fills the picture and hangs on part 1."""
    place = torch.tensor([*point, 1.0])
    vector = motion @ place - place[:2]
    guidance = Guidance(
        torch.tensor([[point]]), vector.view(1, 1, 2), torch.ones(1, 1, dtype=torch.bool)
    )
    empty = PuppetGenerator(_SIDE, seed=5, with_next=False).batch(1, 0)
    scenes = replace(
        empty,
        part_motion=torch.stack(
            [torch.eye(2, 3), torch.eye(2, 3), motion if told is None else told]
        )[None],
        labels=torch.full((1, _SIDE, _SIDE), 2),
        parents=torch.tensor([parents]),
        joints=torch.tensor([[(0.0, 0.0), (50.0, 50.0), joint]]),
    )
    return lever_target(scenes, guidance), guidance


def test_target_when_a_part_turns_then_is_its_joint():
    truth, _ = _scene(_turn_about((20.0, 44.0), 0.4), (50.0, 40.0))

    assert truth.kinds.item() == JOINT
    torch.testing.assert_close(truth.joints[0, 0], torch.tensor([20.0, 44.0]), atol=1e-3, rtol=0)


def test_target_when_a_part_shifts_or_hardly_turns_then_is_a_shift():
    shift = torch.tensor([[1.0, 0.0, 5.0], [0.0, 1.0, -2.0]])
    slow = _turn_about((-4000.0, 30.0), 0.002)

    assert _scene(shift, (30.0, 30.0))[0].kinds.item() == SHIFT
    assert _scene(slow, (30.0, 30.0))[0].kinds.item() == SHIFT


def test_target_when_the_joint_is_outside_or_the_arrow_tiny_then_is_unknown():
    assert _scene(_turn_about((-30.0, 30.0), 0.2), (30.0, 30.0))[0].kinds.item() == UNKNOWN
    assert _scene(_turn_about((20.0, 30.0), 0.01), (30.0, 30.0))[0].kinds.item() == UNKNOWN


def test_target_when_the_part_does_not_explain_the_arrow_then_is_unknown():
    turn = _turn_about((20.0, 44.0), 0.4)

    truth, _ = _scene(turn, (50.0, 40.0), told=torch.eye(2, 3))

    assert truth.kinds.item() == UNKNOWN


def test_target_when_the_centre_is_no_joint_of_the_limb_then_is_unknown():
    turn = _turn_about((20.0, 44.0), 0.4)

    assert _scene(turn, (50.0, 40.0), joint=(20.0, 34.0))[0].kinds.item() == UNKNOWN
    assert _scene(turn, (50.0, 40.0), parents=(0, 0, 0))[0].kinds.item() == UNKNOWN


def test_targets_of_puppets_are_places_that_their_part_leaves_alone():
    scenes = PuppetGenerator(96, seed=5, with_next=False).batch(8, 0)
    sampled = sample_artist(
        scenes.flow, scenes.valid, scenes.labels, generator=torch.Generator().manual_seed(0)
    )
    truth = lever_target(scenes, sampled.guidance)

    found = torch.nonzero(truth.kinds == JOINT)
    assert len(found) > 3
    for image, number in found.tolist():
        x, y = sampled.guidance.points[image, number].long().tolist()
        motion = scenes.part_motion[image, scenes.labels[image, y, x]]
        joint = truth.joints[image, number]
        turn = (motion[:, :2] - torch.eye(2))[:, 0].norm()
        moved = (motion[:, :2] @ joint + motion[:, 2] - joint).norm()
        assert moved <= 3 * turn + 0.06


def _answer(cell: int | None, zeta: torch.Tensor) -> Levers:
    scores = torch.zeros(1, 1, _CELLS**2 + 1)
    scores[..., _CELLS**2 if cell is None else cell] = 20
    return Levers(scores.log_softmax(-1), torch.zeros(1, 1, 2), zeta)


def _true_zeta(joint: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    middle = torch.arange(_CELLS) * 8 + 4.0
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    cells = torch.complex(x - joint[0], y - joint[1]).flatten()
    zeta = cells / torch.complex(point[0] - joint[0], point[1] - joint[1])
    return torch.view_as_real(zeta)[None, None]


def test_losses_are_about_zero_for_the_truth_and_not_for_a_shift():
    joint, point = (19.5, 43.5), (50.0, 40.0)  # the joint is the middle of cell (5, 2)
    motion = _turn_about(joint, 0.4)
    truth, guidance = _scene(motion, point)
    y, x = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
    place = torch.stack([x, y, torch.ones_like(x)]).float()
    flow = (torch.einsum("ij,jhw->ihw", motion, place) - place[:2])[None]
    labels = torch.ones(1, _SIDE, _SIDE, dtype=torch.int64)
    target = Target(flow, torch.ones_like(labels, dtype=torch.bool), labels)

    zeta = _true_zeta(torch.tensor(joint), torch.tensor(point))
    grid = (_CELLS, _CELLS)
    right = _answer(5 * _CELLS + 2, zeta)
    flat = torch.tensor([1.0, 0.0]).expand(1, 1, _CELLS**2, 2)
    wrong = _answer(None, flat)

    assert float(joint_loss(right, truth, grid)) == pytest.approx(0, abs=1e-3)
    assert float(motion_error(right, guidance, target, grid)) == pytest.approx(0, abs=1e-3)
    assert float(joint_loss(wrong, truth, grid)) > 5
    assert float(motion_error(wrong, guidance, target, grid)) > 0.3


def test_losses_when_nothing_is_known_are_zero():
    _, guidance = _scene(_turn_about((20.0, 44.0), 0.4), (50.0, 40.0))
    zeta = torch.zeros(1, 1, _CELLS**2, 2)
    target = Target(torch.zeros(1, 2, _SIDE, _SIDE), torch.ones(1, _SIDE, _SIDE).bool())

    grid = (_CELLS, _CELLS)
    assert float(joint_loss(_answer(0, zeta), no_lever_target(guidance), grid)) == 0
    assert float(motion_error(_answer(0, zeta), guidance, target, grid)) == 0


def test_joined_targets_are_padded_with_unknown():
    one, _ = _scene(_turn_about((20.0, 44.0), 0.4), (50.0, 40.0))

    joined = join_lever_targets([one, one], 3)

    assert joined.kinds.tolist() == [[JOINT, UNKNOWN, UNKNOWN]] * 2
    assert joined.joints.shape == (2, 3, 2)
