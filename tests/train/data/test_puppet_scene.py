import torch
from hypothesis import given
from hypothesis import strategies as st

from train.data.puppet_scene import FLAT, bend_forward, bend_inverse


@given(
    length=st.floats(-20, 120),
    across=st.floats(-20, 20),
    curvature=st.floats(-0.015, 0.015),
)
def test_bend_when_inverted_then_gives_the_point_back(length, across, curvature):
    if abs(curvature) < FLAT:
        curvature = FLAT
    s, v, k = (torch.tensor([value]) for value in (length, across, curvature))
    back_s, back_v = bend_inverse(*bend_forward(s, v, k), k)
    assert torch.allclose(back_s, s, atol=5e-3)
    assert torch.allclose(back_v, v, atol=5e-3)


def test_bend_when_flat_then_leaves_the_point():
    s, v = torch.tensor([0.0, 30.0, 100.0]), torch.tensor([5.0, -7.0, 0.0])
    x, y = bend_forward(s, v, torch.full_like(s, FLAT))
    assert torch.allclose(x, s, atol=1e-2)
    assert torch.allclose(y, v, atol=1e-2)


def test_bend_when_a_quarter_turn_then_ends_beside():
    length = torch.tensor([100.0])
    curvature = torch.pi / 2 / length
    x, y = bend_forward(length, torch.zeros(1), curvature)
    radius = 1 / curvature
    assert torch.allclose(torch.cat([x, y]), torch.cat([radius, radius]), rtol=1e-4)
