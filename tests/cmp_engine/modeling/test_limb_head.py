"""Limbs that turn: what the head answers, and how it is put into the flow."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.modeling.blocks import double
from cmp_engine.modeling.cmp import CMP, Guidance
from cmp_engine.modeling.lever import PLACES, inverse
from cmp_engine.modeling.limbs import FlowWithLimbs, Limbs

_SIDE = 96


@pytest.fixture(scope="module")
def network() -> CMP:
    torch.manual_seed(4)
    return build_network(preset("default")).eval()


def _find(network: CMP, points, vectors) -> Limbs:
    image = torch.randn(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    points, vectors = torch.tensor([points]).float(), torch.tensor([vectors]).float()
    guidance = Guidance(points, vectors, torch.ones(points.shape[:2], dtype=torch.bool))
    with torch.inference_mode():
        motion = network.flow_encoder(guidance, _SIDE, _SIDE)
        prepared = network.prepare(image)
        affinity = network.flow_decoder.affinity(prepared, points)
        return network.flow_decoder.find_limbs(prepared, motion, affinity)


def test_limbs_are_of_arrows_and_not_of_pins(network):
    limbs = _find(network, [[40, 30], [60, 70], [20, 80]], [[9, 0], [0, 0], [0, -7]])

    assert limbs.numbers.tolist() == [0, 2]
    assert limbs.outline.shape == (2, _SIDE // 4, _SIDE // 4)
    torch.testing.assert_close(limbs.log_joint.exp().sum(-1), torch.ones(2))
    torch.testing.assert_close(limbs.vectors, torch.tensor([[9.0, 0.0], [0.0, -7.0]]))


def test_untrained_limbs_are_hardly_trusted(network):
    assert torch.sigmoid(_find(network, [[40, 30]], [[9, 0]]).trust).max() < 0.3


def test_own_backbone_changes_limbs_and_nothing_else(network):
    image = torch.randn(1, 3, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    encoder = network.image_encoder
    with torch.inference_mode():
        before = encoder(image)
        for parameter in encoder.limbs.backbone.parameters():
            parameter += 0.1
        after = encoder(image)
        for parameter in encoder.limbs.backbone.parameters():
            parameter -= 0.1
    is_same = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert is_same == [True, True, False, False]


def _made(trust: float, *, sets: int = 1) -> Limbs:
    """A limb in the left third of the picture that turns about (10, 80), in the last set."""
    start, joint = torch.tensor([[12.0, 20.0]]), torch.tensor([[10.0, 80.0]])
    outline = torch.full((1, _SIDE // 4, _SIDE // 4), -30.0)
    outline[:, :, :8] = 30.0
    return Limbs(
        torch.tensor([sets - 1]),
        torch.tensor([0]),
        start,
        torch.tensor([[6.0, 0.0]]),
        torch.zeros(1, PLACES, 2),
        torch.zeros(1, PLACES + 1),
        inverse(start - joint),
        outline,
        torch.tensor([trust]),
    )


def _merged(flow: torch.Tensor, share: torch.Tensor, limbs: Limbs) -> torch.Tensor:
    return FlowWithLimbs.of(flow, share, limbs).merged()


def _motion(limbs: Limbs) -> torch.Tensor:
    """Its exact motion at stride 2."""
    nothing = torch.zeros(1, 2, _SIDE // 4, _SIDE // 4)
    share = torch.zeros(1, 2, _SIDE // 8, _SIDE // 8)
    return FlowWithLimbs.of(nothing, share, limbs).motion((48, 48), stride=2)


def test_trusted_limb_moves_rigidly_and_the_rest_of_its_arrow_stands():
    flow = torch.randn(1, 2, _SIDE // 4, _SIDE // 4)
    share = torch.full((1, 1, _SIDE // 8, _SIDE // 8), 0.8)
    limbs = _made(30.0)

    answer = _merged(flow, share, limbs)

    assert answer.shape[-2:] == (48, 48)  # stride 2
    truth = _motion(limbs)
    torch.testing.assert_close(answer[..., :15], truth[..., :15], atol=1e-4, rtol=1e-4)
    assert answer[..., 18:].abs().max() < 1e-4
    # The joint is in row 80 px, and above it all goes to the right.
    assert answer[0, 0, :39, :15].min() > 0
    assert answer[0, :, 39:41, 4].norm(dim=0).max() < 0.3


def test_limb_that_is_not_trusted_changes_nothing():
    flow = torch.randn(1, 2, _SIDE // 4, _SIDE // 4)
    share = torch.full((1, 1, _SIDE // 8, _SIDE // 8), 0.8)

    torch.testing.assert_close(_merged(flow, share, _made(-30.0)), double(flow))


def test_trusted_limb_leaves_what_follows_other_arrows():
    flow = torch.randn(1, 2, _SIDE // 4, _SIDE // 4)
    share = torch.zeros(1, 2, _SIDE // 8, _SIDE // 8)
    share[:, 1] = 0.9  # all cells look at the other arrow

    answer = _merged(flow, share, _made(30.0))

    torch.testing.assert_close(answer[..., 18:], double(flow)[..., 18:])


def test_limb_of_one_set_changes_no_other_set():
    flow = torch.randn(2, 2, _SIDE // 4, _SIDE // 4)
    share = torch.full((2, 1, _SIDE // 8, _SIDE // 8), 0.8)

    answer = _merged(flow, share, _made(30.0, sets=2))

    torch.testing.assert_close(answer[0], double(flow)[0])
    assert (answer[1] - double(flow)[1]).abs().max() > 1


def test_smaller_limb_counts_more_where_two_overlap():
    hand, arm = _made(30.0), _made(30.0)
    small = torch.full_like(hand.outline, -30.0)
    small[:, :3, :8] = 30.0
    hand = replace(hand, outline=small, vectors=-hand.vectors)
    both = Limbs(
        *(torch.cat([getattr(limb, name) for limb in (hand, arm)]) for name in Limbs.__slots__)
    )
    both = replace(both, numbers=torch.tensor([0, 1]))
    share = torch.full((1, 2, _SIDE // 8, _SIDE // 8), 0.4)

    answer = _merged(torch.zeros(1, 2, _SIDE // 4, _SIDE // 4), share, both)

    assert answer[0, 0, :4, :15].max() < 0  # goes with the hand
    truth = _motion(arm)
    torch.testing.assert_close(answer[0, :, 12:, :15], truth[0, :, 12:, :15], atol=1e-3, rtol=1e-3)


def test_answer_of_a_set_does_not_depend_on_the_others_in_its_batch():
    flow = torch.randn(2, 2, _SIDE // 4, _SIDE // 4)
    share = torch.full((2, 1, _SIDE // 8, _SIDE // 8), 0.8)
    doubtful, sure = _made(-9.0), _made(9.0, sets=2)
    both = Limbs(
        *(torch.cat([getattr(limb, name) for limb in (doubtful, sure)]) for name in Limbs.__slots__)
    )

    together = _merged(flow, share, both)

    alone = _merged(flow[:1], share[:1], doubtful)
    torch.testing.assert_close(together[:1], alone, atol=0, rtol=0)
