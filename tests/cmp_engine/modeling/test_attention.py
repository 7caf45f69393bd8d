"""The default network: sets of arrows, answers that scale and turn."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.modeling.attention import TURN_RADIUS, _complex_dot
from cmp_engine.modeling.cmp import CMP, Guidance
from cmp_engine.modeling.lever import complex_product


@pytest.fixture(scope="module")
def network() -> CMP:
    torch.manual_seed(3)
    return build_network(preset("default")).eval()


def _arrows(points, vectors, valid=None) -> Guidance:
    points, vectors = torch.tensor([points]).float(), torch.tensor([vectors]).float()
    if valid is None:
        valid = [True] * points.shape[1]
    return Guidance(points, vectors, torch.tensor([valid]))


def _flow(network: CMP, guidance: Guidance, side: int = 96) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    image = torch.randn(1, 3, side, side, generator=generator)
    with torch.inference_mode():
        return network.to_flow(network(image, guidance))


def test_flow_of_one_arrow_has_stride_two_with_limbs_and_is_not_zero(network):
    flow = _flow(network, _arrows([[40, 30]], [[8, -3]]))

    assert flow.shape == (1, 2, 48, 48)
    assert flow.abs().max() > 0.1


def test_padding_arrows_change_nothing(network):
    alone = _flow(network, _arrows([[40, 30], [9, 70]], [[8, -3], [0, 0]]))
    padded = _flow(
        network,
        _arrows([[40, 30], [9, 70], [60, 60]], [[8, -3], [0, 0], [50, 50]], [True, True, False]),
    )

    torch.testing.assert_close(alone, padded, atol=1e-4, rtol=1e-4)


def test_order_of_arrows_changes_nothing(network):
    one = _flow(network, _arrows([[40, 30], [9, 70]], [[8, -3], [1, 6]]))
    other = _flow(network, _arrows([[9, 70], [40, 30]], [[1, 6], [8, -3]]))

    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_pins_alone_give_exactly_zero_flow(network):
    assert _flow(network, _arrows([[40, 30], [9, 70]], [[0, 0], [0, 0]])).abs().max() == 0


def test_longer_arrows_have_no_cap(network):
    short = _flow(network, _arrows([[40, 30]], [[8, 0]])).abs().max()
    long = _flow(network, _arrows([[40, 30]], [[800, 0]])).abs().max()

    assert long > 20 * short


def test_turn_term_is_an_exact_rotation_about_the_joint():
    joint, arrow = torch.tensor([10.0, 20.0]), torch.tensor([50.0, 35.0])
    angle = torch.tensor(0.7)
    spin = torch.tensor([math.cos(angle) - 1, math.sin(angle)])
    pixels = torch.rand(100, 2) * 64
    truth = complex_product(spin, pixels - joint)
    pull = complex_product(spin, arrow - joint)
    lever = arrow - joint
    kappa = TURN_RADIUS * torch.stack([lever[0], -lever[1]]) / lever.square().sum()
    gains = torch.cat([torch.tensor([1.0, 0.0]), kappa])
    turn = complex_product(pull, (pixels - arrow) / TURN_RADIUS)
    fields = torch.cat([pull.expand(100, 2), turn], dim=1)[:, :, None, None]

    flow = _complex_dot(gains[None, :, None, None].expand(100, 4, 1, 1), fields)

    torch.testing.assert_close(flow[:, :, 0, 0], truth, atol=1e-4, rtol=1e-4)


def test_gradient_reaches_every_parameter():
    network = build_network(replace(preset("default"), limb_channels=0, limb_backbone=False))
    image = torch.randn(2, 3, 64, 64)
    guidance = Guidance(
        torch.tensor([[[20.0, 30.0], [50.0, 9.0]]] * 2),
        torch.tensor([[[5.0, 3.0], [0.0, 0.0]]] * 2),
        torch.ones(2, 2, dtype=torch.bool),
    )

    network(image, guidance).square().mean().backward()

    without = [name for name, p in network.named_parameters() if p.grad is None]
    still = [
        name for name, p in network.named_parameters() if p.grad is not None and not p.grad.any()
    ]
    assert without == []
    assert still == []


def test_one_prepared_image_serves_many_guidance_sets(network):
    image = torch.randn(1, 3, 64, 64)
    sets = Guidance(
        torch.tensor([[[20.0, 30.0]], [[50.0, 9.0]]]),
        torch.tensor([[[5.0, 3.0]], [[-2.0, 8.0]]]),
        torch.ones(2, 1, dtype=torch.bool),
    )
    with torch.inference_mode():
        prepared = network.prepare(image)
        both = network.propagate(prepared, sets, 64, 64)
        second = Guidance(sets.points[1:], sets.vectors[1:], sets.valid[1:])
        alone = network.propagate(prepared, second, 64, 64)

    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=1e-4)
