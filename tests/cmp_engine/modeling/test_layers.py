"""Shortcuts that must give what the long way gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from cmp_engine.modeling.layers import (
    Pool,
    convolve_channels,
    convolve_upsampled,
    dilate,
    fold_batch_norm,
    upsample,
)


@settings(max_examples=60)
@given(
    coarse=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    fine=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 24)),
    with_bias=st.booleans(),
)
def test_convolving_upsampled_channels_is_upsampling_then_convolving(
    coarse, fine, channels, with_bias
):
    out, inside = channels
    convolution = nn.Conv2d(inside + 2, out, 3, padding=1)
    values = torch.randn(2, inside, *coarse)

    with torch.no_grad():
        result = convolve_upsampled(
            convolution, values, 1, inside + 1, size_hw=fine, with_bias=with_bias
        )
        fine_values = functional.interpolate(values, fine, mode="bilinear", align_corners=True)
        weight = convolution.weight[:, 1 : inside + 1]
        bias = convolution.bias if with_bias else None
        expected = functional.conv2d(fine_values, weight, bias, padding=1)

    assert result.shape == (2, out, *fine)
    torch.testing.assert_close(result, expected, atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize("size_hw", [(48, 48), (40, 72)])
def test_convolving_upsampled_channels_passes_gradients_to_weights_and_values(size_hw):
    convolution = nn.Conv2d(16, 8, 3, padding=1).double()
    values = torch.randn(1, 16, 6, 6, dtype=torch.float64, requires_grad=True)
    target = torch.randn(1, 8, *size_hw, dtype=torch.float64)
    shortcut = convolve_upsampled(convolution, values, 0, 16, size_hw=size_hw, with_bias=True)
    direct = convolution(upsample(values, *size_hw))
    inputs = [values, convolution.weight, convolution.bias]

    got = torch.autograd.grad((shortcut * target).sum(), inputs)
    expected = torch.autograd.grad((direct * target).sum(), inputs)

    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_convolving_channels_in_two_parts_adds_up_to_the_whole():
    convolution = nn.Conv2d(7, 4, 3, padding=2, dilation=2, stride=2)
    values = torch.randn(2, 7, 9, 11)

    first = convolve_channels(convolution, values[:, :5], 0, 5, with_bias=True)
    second = convolve_channels(convolution, values[:, 5:], 5, None, with_bias=False)

    torch.testing.assert_close(first + second, convolution(values), atol=1e-5, rtol=1e-5)


def test_upsample_when_the_grid_fits_then_hands_the_values_on():
    values = torch.randn(1, 2, 3, 4)

    assert upsample(values, 3, 4) is values


def test_pool_when_the_grid_is_smaller_than_the_stride_then_gives_one_pixel():
    assert Pool(8)(torch.randn(1, 2, 3, 20)).shape == (1, 2, 1, 2)


def test_dilate_turns_a_striding_layer_into_one_that_keeps_its_grid():
    layer = nn.Sequential(
        nn.Conv2d(2, 2, 1, stride=2), nn.Sequential(nn.Conv2d(2, 2, 3, stride=2, padding=1))
    )

    dilate(layer, 4)

    assert layer(torch.randn(1, 2, 9, 9)).shape == (1, 2, 9, 9)
    assert layer[1][0].dilation == (4, 4)
    assert layer[0].dilation == (1, 1)


def _with_statistics(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return network


def test_fold_batch_norm_gives_the_same_answer_without_any_batch_norm():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1)
    )
    network.eval()
    _with_statistics(network)
    image = torch.randn(1, 3, 12, 12)

    folded = fold_batch_norm(network)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(image), network(image), atol=1e-5, rtol=1e-5)


def test_fold_batch_norm_leaves_the_original_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    folded = fold_batch_norm(network)

    assert network.training
    assert not folded.training
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_fold_batch_norm_when_there_is_group_norm_then_keeps_it():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8)).eval()
    image = torch.randn(1, 3, 8, 8)

    folded = fold_batch_norm(network)

    assert isinstance(folded[1], nn.GroupNorm)
    torch.testing.assert_close(folded(image), network(image))
