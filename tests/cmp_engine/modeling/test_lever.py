"""The geometry of a lever: where a joint can be, and what turning about it does."""

from __future__ import annotations

import math

import pytest
import torch

from cmp_engine.modeling.lever import (
    MOST_LEVERS,
    PLACES,
    decide_turn,
    inverse,
    is_possible,
    joint_places,
    levers_from,
    place_of,
)


def _turned(joint: torch.Tensor, start: torch.Tensor, angle: float) -> torch.Tensor:
    """The arrow (1, 2) of a start that turns about a joint."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (turn @ (start - joint) + joint - start)[None]


@pytest.mark.parametrize("angle", [0.6, -0.6, 0.05])
@pytest.mark.parametrize("joint", [(40.0, 70.0), (90.0, 20.0)])
def test_true_joint_lies_between_two_places_next_to_each_other(joint, angle):
    joint, start = torch.tensor(joint), torch.tensor([60.0, 50.0])
    arrow = _turned(joint, start, angle)

    places = joint_places(start[None], arrow)
    number, off_line = place_of(joint[None], start[None], arrow)

    assert places.shape == (1, PLACES, 2)
    assert float(off_line) < 1e-4
    low = int(number)
    gap = (places[0, low + 1] - places[0, low]).norm()
    for place in (places[0, low], places[0, low + 1]):
        assert (place - joint).norm() <= gap + 1e-3
    apart = (places - start).norm(dim=-1) - (places - start - arrow).norm(dim=-1)
    assert apart.abs().max() < 1e-3  # all as far from the start as from the end


def test_joint_off_the_bisector_is_told_in_levers():
    start, arrow = torch.tensor([[50.0, 50.0]]), torch.tensor([[0.0, 10.0]])

    _, off_line = place_of(torch.tensor([[20.0, 75.0]]), start, arrow)

    assert float(off_line) == pytest.approx(20 / math.hypot(30, 25), abs=1e-4)


def test_places_outside_the_picture_or_too_close_are_impossible():
    start, arrow = torch.tensor([[50.0, 50.0]]), torch.tensor([[0.0, 24.0]])
    places = joint_places(start, arrow)

    possible = is_possible(places, start, arrow, (100, 80))[0]

    x = places[0, :, 0]
    assert not possible[(x < -0.5) | (x > 80)].any()
    # A lever of 5 px cannot make an arrow of 24.
    assert not possible[(x - 50).abs() < 4.5].any()
    assert possible[(x > 5) & (x < 30)].all()


def test_motion_about_a_certain_joint_is_the_rigid_turn():
    joint, start = torch.tensor([40.0, 70.0]), torch.tensor([75.0, 50.0])
    arrow = _turned(joint, start, 0.5)
    kappa = inverse(start - joint)[None]
    places = torch.rand(50, 2) * 60 + torch.tensor([10.0, 40.0])

    zeta = levers_from(kappa, (places - start)[None])[0]
    answer = torch.stack(
        [
            arrow[0, 0] * zeta[:, 0] - arrow[0, 1] * zeta[:, 1],
            arrow[0, 0] * zeta[:, 1] + arrow[0, 1] * zeta[:, 0],
        ],
        -1,
    )

    truth = torch.cat([_turned(joint, place, 0.5) for place in places])
    torch.testing.assert_close(answer, truth, atol=1e-3, rtol=1e-3)


def test_motion_far_from_the_joint_is_bounded():
    far = torch.tensor([[[500.0, 0.0], [0.0, 700.0]]])

    assert levers_from(torch.tensor([[0.1, 0.0]]), far).norm(dim=-1).max() <= MOST_LEVERS + 1e-4


def _decided(chances: dict[int | None, float]) -> tuple[torch.Tensor, torch.Tensor]:
    start, arrow = torch.tensor([[60.0, 60.0]]), torch.tensor([[0.0, 6.0]])
    places = joint_places(start, arrow)
    chance = torch.full((1, PLACES + 1), 1e-9)
    for number, value in chances.items():
        chance[0, PLACES if number is None else number] = value
    return decide_turn(chance.log(), places, start), inverse(start[:, None] - places)[0]


def test_turn_when_the_joint_is_sure_then_is_about_it():
    kappa, of_places = _decided({90: 1.0})

    torch.testing.assert_close(kappa[0], of_places[90], atol=1e-4, rtol=1e-2)


def test_turn_when_a_shift_is_sure_then_is_none():
    kappa, _ = _decided({None: 1.0})

    assert kappa.abs().max() < 1e-4


def test_turn_when_two_joints_are_likely_then_is_about_the_likelier_one():
    kappa, of_places = _decided({90: 0.7, 30: 0.3})

    assert (kappa[0] - of_places[90]).norm() < 0.2 * of_places[90].norm()
