"""Limbs over a flow: exact motion, outlines along the picture's edges, nothing elsewhere."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from cmp_engine.limb_placement import LimbPlacer
from cmp_engine.modeling.limbs import FlowWithLimbs

H, W = 64, 96
EDGE = 41
"""The picture is dark left of this column and bright from it on."""


def picture():
    image = np.full((H, W, 3), 40, np.uint8)
    image[:, EDGE:] = 200
    return image


def layer(*, trust=1.0, border=40, kept=1.0, count=1):
    """Limbs left of a border, px, that turn about (8, 60)."""
    outline = torch.full((count, H // 4, W // 4), -6.0)
    outline[:, :, : border // 4] = 6.0
    points = torch.tensor([[20.0, 12.0]]).repeat(count, 1)
    lever = torch.complex(*(points - torch.tensor([8.0, 60.0])).T)
    kappa = torch.view_as_real(1 / lever)
    return FlowWithLimbs(
        torch.zeros(1, 2, H // 4, W // 4),
        torch.full((1, H // 8, W // 8), kept),
        torch.zeros(count, dtype=torch.int64),
        torch.arange(count),
        points,
        torch.tensor([[6.0, 0.0]]).repeat(count, 1),
        kappa,
        outline,
        torch.full((count,), trust),
    )


@pytest.fixture(scope="module")
def overlay():
    return LimbPlacer(picture(), (H, W))


def put(overlay, limbs, flow=None, *, is_edge_aware=True):
    flow = np.zeros((H, W, 2), np.float32) if flow is None else flow
    overlay.put_over(flow, limbs, is_edge_aware=is_edge_aware)
    return flow


def exact():
    """The rotation about (8, 60) that takes (20, 12) to (26, 12), in px per px of the arrow."""
    y, x = np.mgrid[:H, :W]
    turn = 6.0 / complex(20 - 8, 12 - 60)
    moved = turn * ((x - 8) + 1j * (y - 60))
    return np.stack([moved.real, moved.imag], 2)


def test_limb_when_trusted_then_its_motion_is_exact_up_to_the_edge_of_the_picture(overlay):
    flow = put(overlay, layer(border=36))
    np.testing.assert_allclose(flow[:, : EDGE - 1], exact()[:, : EDGE - 1], atol=0.02)
    assert np.abs(flow[:, EDGE + 1 :]).max() < 0.05
    too_wide = put(overlay, layer(border=44))
    np.testing.assert_allclose(too_wide[:, : EDGE - 1], exact()[:, : EDGE - 1], atol=0.02)
    assert np.abs(too_wide[:, EDGE + 1 :]).max() < 0.05


def test_limb_when_bilinear_then_equal_to_the_whole_grid_at_once(overlay):
    limbs = layer(border=24, kept=0.4)
    before = np.random.default_rng(0).normal(size=(H, W, 2)).astype(np.float32)
    flow = put(overlay, limbs, before.copy(), is_edge_aware=False)
    outline = functional.interpolate(limbs.outline[None], (H, W), mode="bilinear")[0]
    whole = limbs.over(
        torch.from_numpy(before).permute(2, 0, 1)[None],
        torch.full((1, H, W), 0.4),
        outline,
        limbs.motion((H, W), stride=1),
        cell_area=1.0,
    )
    np.testing.assert_allclose(flow, whole[0].permute(1, 2, 0).numpy(), atol=2e-3)


def test_limb_when_not_trusted_then_the_flow_stays(overlay):
    before = np.random.default_rng(0).normal(size=(H, W, 2)).astype(np.float32)
    flow = put(overlay, layer(trust=1e-4), before.copy())
    np.testing.assert_array_equal(flow, before)


def test_limb_when_its_outline_is_empty_then_what_its_arrow_moved_is_gone(overlay):
    limbs = layer(border=0, kept=0.25)
    flow = put(overlay, limbs, np.ones((H, W, 2), np.float32))
    np.testing.assert_allclose(flow, 0.25)


def test_limb_when_the_picture_is_padded_then_it_ends_with_the_picture():
    overlay = LimbPlacer(picture()[:50], (H, W))
    flow = np.zeros((50, W, 2), np.float32)
    overlay.put_over(flow, layer(border=36), is_edge_aware=True)
    np.testing.assert_allclose(flow[:, : EDGE - 1], exact()[:50, : EDGE - 1], atol=0.02)


def test_layer_of_a_set_has_only_its_own_limbs():
    both = layer(count=2)
    torch.testing.assert_close(both.of_set(0).numbers, torch.tensor([0, 1]))
    assert len(both.of_set(0, least_trust=2.0).sets) == 0
