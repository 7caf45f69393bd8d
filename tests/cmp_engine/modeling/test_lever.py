"""The joint of an arrow: its geometry, and what the decoder makes of it."""

from __future__ import annotations

import math

import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.modeling.attention import STRIDE, _cell_centers
from cmp_engine.modeling.cmp import CMP, Guidance
from cmp_engine.modeling.lever import MOST_LEVERS, LeverHead, Levers

_SIDE = 128
_CELLS = _SIDE // STRIDE
_TOKEN, _HINTS, _CONTOUR = 24, 5, 4


@pytest.fixture
def head() -> LeverHead:
    torch.manual_seed(1)
    return LeverHead(16, _TOKEN, _HINTS, _CONTOUR).eval()


def _levers(head: LeverHead, points, arrows, is_arrow=None) -> Levers:
    points, arrows = torch.tensor([points]).float(), torch.tensor([arrows]).float()
    count = points.shape[1]
    cells = _cell_centers(_CELLS, _CELLS, points).view(-1, 2)
    generator = torch.Generator().manual_seed(2)
    with torch.inference_mode():
        looked = head.prepare(
            torch.randn(1, 16, _CELLS, _CELLS, generator=generator),
            torch.randn(1, 8, 2 * _CELLS, 2 * _CELLS, generator=generator),
        )
        return head(
            looked,
            torch.randn(1, count, _TOKEN, generator=generator),
            torch.randn(1, _HINTS, _CELLS, _CELLS, generator=generator),
            torch.randn(1, count, len(cells), _CONTOUR, generator=generator),
            cells[None, None] - points[:, :, None],
            arrows,
            torch.ones(1, count) if is_arrow is None else torch.tensor([is_arrow]).float(),
        )


def _insist(head: LeverHead, row: int, column: int) -> None:
    """Make the head give all probability to one cell, by its hints."""
    number = row * _CELLS + column

    def scores(hidden: torch.Tensor) -> torch.Tensor:
        wanted = torch.full((*hidden.shape[:-1], 1), -30.0)
        wanted[:, :, number] = 30.0
        return wanted

    def nothing(maps: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(maps[:, :1])

    head.score.forward = scores  # type: ignore[method-assign]  # a stand-in
    head.around.forward = nothing  # type: ignore[method-assign]  # a stand-in


def test_probabilities_add_up_to_one_and_start_at_a_shift(head):
    levers = _levers(head, [[60, 60], [20, 90]], [[10, 0], [3, 4]])

    assert levers.log_joint.shape == (1, 2, _CELLS**2 + 1)
    torch.testing.assert_close(levers.log_joint.exp().sum(-1), torch.ones(1, 2))
    assert (levers.log_joint[..., -1].exp() > 0.8).all()


def test_motion_when_the_joint_is_certain_then_is_the_rigid_turn_about_it(head):
    row, column = 6, 5
    _insist(head, row, column)
    joint = torch.tensor([column, row]) * STRIDE + (STRIDE - 1) / 2
    start = joint + torch.tensor([48.0, 7.0])
    angle = 0.5
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    arrow = turn @ (start - joint) + joint - start

    levers = _levers(head, [start.tolist()], [arrow.tolist()])

    cells = _cell_centers(_CELLS, _CELLS, start).view(-1, 2)
    truth = (cells - joint) @ turn.T + joint - cells
    zeta = levers.zeta[0, 0]
    answer = torch.stack(
        [
            arrow[0] * zeta[:, 0] - arrow[1] * zeta[:, 1],
            arrow[0] * zeta[:, 1] + arrow[1] * zeta[:, 0],
        ],
        -1,
    )
    near = (cells - joint).norm(dim=-1) < MOST_LEVERS * (start - joint).norm()
    assert near.sum() > 100
    torch.testing.assert_close(answer[near], truth[near], atol=0.1, rtol=1e-3)


def test_place_that_the_arrow_cannot_turn_about_has_no_probability(head):
    start, arrow = [60.0, 60.0], [0.0, 30.0]
    _insist(head, 7, 8)  # 7 px away: the arrow is longer than the circle is wide

    levers = _levers(head, [start], [arrow])

    assert levers.log_joint[0, 0, 7 * _CELLS + 8] < -100
    assert torch.isfinite(levers.zeta).all()


def test_pins_turn_nothing(head):
    _insist(head, 3, 3)

    levers = _levers(head, [[90, 90], [60, 60]], [[5, 5], [0, 0]], is_arrow=[1, 0])

    assert levers.kappa[0, 0].norm() > 1e-3
    assert (levers.kappa[0, 1] == 0).all()
    assert (levers.zeta[0, 1] == torch.tensor([1.0, 0.0])).all()


def test_motion_far_from_the_joint_is_bounded(head):
    _insist(head, 8, 8)

    levers = _levers(head, [[76, 68]], [[0, 3]])

    assert levers.zeta.norm(dim=-1).max() <= MOST_LEVERS + 1e-4


@pytest.fixture(scope="module")
def network() -> CMP:
    torch.manual_seed(4)
    return build_network(preset("default")).eval()


def test_default_network_answers_with_its_levers(network):
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    guidance = Guidance(
        torch.tensor([[[40.0, 30.0]]]), torch.tensor([[[0.0, 9.0]]]), torch.ones(1, 1).bool()
    )
    with torch.inference_mode():
        motion = network.flow_encoder(guidance, 64, 64)
        answer = network.flow_decoder.answer(network.prepare(image), motion)

    assert answer.levers.log_joint.shape == (1, 1, 65)
    assert answer.flow.shape == (1, 2, 16, 16)
