"""Bins of flow and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cmp_engine.flow_bins import FlowBins

BINS = FlowBins()


def test_centers_are_symmetric_with_zero_in_the_middle():
    centers = BINS.centers(torch.empty(0))

    assert centers.shape == (99,)
    torch.testing.assert_close(centers, -centers.flip(0))
    assert centers[49] == pytest.approx(0, abs=1e-5)
    assert centers[-1] == pytest.approx(50 - 50 / 99)


@given(value=st.floats(-50, 50, width=32), num_bins=st.integers(1, 120), max_flow=st.floats(1, 200))
def test_encode_then_decode_is_within_half_a_bin(value, num_bins, max_flow):
    bins = FlowBins(num_bins, max_flow)
    value = value / 50 * max_flow
    flow = torch.full((1, 2, 1, 1), value)
    labels = bins.encode(flow)
    logits = torch.nn.functional.one_hot(labels, num_bins).movedim(-1, 2).reshape(1, -1, 1, 1)

    decoded = bins.decode(logits * 1e4)

    assert (decoded - flow).abs().max() <= bins.bin_width / 2 * (1 + 1e-3) + 1e-4


def test_encode_when_beyond_the_bound_then_takes_the_outermost_bin():
    flow = torch.tensor([-1e6, -50.0, 50.0, 1e6])

    assert BINS.encode(flow).tolist() == [0, 0, 98, 98]


def test_decode_keeps_axes_pixels_and_batch_apart():
    labels = torch.randint(0, 99, (2, 2, 3, 4))
    logits = torch.nn.functional.one_hot(labels, 99).movedim(-1, 2).reshape(2, 198, 3, 4) * 1e4

    flow = BINS.decode(logits)

    torch.testing.assert_close(flow, BINS.centers(flow)[labels], atol=1e-4, rtol=0)


def test_decode_is_the_expectation_over_the_softmax():
    logits = torch.randn(1, 198, 2, 2)
    probabilities = logits[0, :99, 1, 0].softmax(0)

    flow = BINS.decode(logits)

    expected = (probabilities * BINS.centers(probabilities)).sum()
    torch.testing.assert_close(flow[0, 0, 1, 0], expected)


def test_decode_when_logits_are_half_or_channels_last_then_is_the_same():
    logits = torch.randn(1, 198, 4, 6).half()

    assert BINS.decode(logits).dtype == torch.float32
    torch.testing.assert_close(
        BINS.decode(logits.float()),
        BINS.decode(logits.to(memory_format=torch.channels_last)),
        atol=1e-4,
        rtol=1e-4,
    )
