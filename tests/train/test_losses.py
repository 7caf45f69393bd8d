"""Losses: eq. (1) against a plain computation, and what the attention loss rewards."""

from __future__ import annotations

import pytest
import torch

from cmp_engine.flow_bins import FlowBins
from train.config import LossSettings
from train.losses import Target, attention_loss, bin_cross_entropy, regression_loss


def _turning_square(size: int = 64) -> Target:
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = (x > 16) & (x < 48) & (y > 16) & (y < 48)
    flow = torch.stack([-(y - 16.0) * 0.2, (x - 16.0) * 0.2]) * inside
    counted = torch.ones(1, size, size, dtype=torch.bool)
    return Target(flow[None], counted, inside[None].long())


def test_cross_entropy_equals_the_sum_over_axes_by_hand():
    bins = FlowBins(9, 4.5)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 18, 4, 4, generator=generator)
    flow = torch.randn(2, 2, 4, 4, generator=generator) * 4
    counted = torch.rand(2, 4, 4, generator=generator) > 0.3
    expected, pixels = 0.0, 0
    for b, y, x in torch.nonzero(counted).tolist():
        pixels += 1
        for axis in range(2):
            scores = logits[b, 9 * axis : 9 * axis + 9, y, x]
            label = int(bins.encode(flow[b, axis, y, x]))
            expected -= float(scores.log_softmax(0)[label])

    loss = bin_cross_entropy(logits, Target(flow, counted), bins)

    assert float(loss) == pytest.approx(expected / pixels, rel=1e-5)


def test_pixels_that_do_not_count_do_not_matter():
    truth = _turning_square()
    counted = truth.counted.clone()
    counted[:, :32] = False
    wrong = truth.flow.clone()
    wrong[..., :32, :] += 100

    assert float(regression_loss(wrong, Target(truth.flow, counted))) == pytest.approx(0, abs=1e-3)


def test_attention_loss_is_about_zero_for_the_truth():
    truth = _turning_square()
    small = truth.at(16, 16)
    gate = torch.where(small.flow.norm(dim=1) > 0.5, 20.0, -20.0).unsqueeze(1)

    loss = attention_loss(small.flow, gate, truth, LossSettings())

    assert float(loss.total) < 1e-3


def test_shape_loss_tells_sliding_from_turning():
    truth = _turning_square()
    small = truth.at(16, 16)
    moving = small.flow.norm(dim=1) > 0.5
    mean = small.flow[:, :, moving[0]].mean(-1)
    sliding = mean[:, :, None, None] * moving.unsqueeze(1)
    gate = torch.zeros(1, 1, 16, 16)

    slides = attention_loss(sliding, gate, truth, LossSettings()).shape
    turns = attention_loss(small.flow, gate, truth, LossSettings()).shape

    assert float(turns) == pytest.approx(0, abs=1e-3)
    assert float(slides) > 0.3


def test_images_count_alike_however_much_of_them_moves():
    """A small limb that is missed costs as much as a large body that is missed."""
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    small = ((x > 12) & (x < 16) & (y > 12) & (y < 16)).float()
    large = ((x > 2) & (y > 2)).float()
    flow = 3 * torch.stack([torch.stack([small, 0 * small]), torch.stack([large, 0 * large])])
    target = Target(flow, torch.ones(2, 32, 32, dtype=torch.bool))
    gate = torch.zeros(2, 1, 32, 32)
    losses = []
    for missed in (0, 1):
        answer = flow.clone()
        answer[missed] = 0
        losses.append(attention_loss(answer, gate, target, LossSettings()))
    assert float(losses[0].moving) == pytest.approx(float(losses[1].moving), rel=1e-4)
    assert float(losses[0].moving) > 1


def test_relative_error_adds_its_weight():
    truth = _turning_square()
    wrong = 0.5 * truth.at(16, 16).flow
    gate = torch.zeros(1, 1, 16, 16)
    without, light, heavy = (
        float(attention_loss(wrong, gate, truth, LossSettings(relative=weight)).total)
        for weight in (0.0, 0.5, 1.0)
    )
    assert heavy - without == pytest.approx(2 * (light - without), rel=1e-4)
    assert 0.1 < heavy - without < 0.5


def test_coarse_target_takes_values_unmixed():
    truth = _turning_square()
    values = {round(v, 4) for v in truth.flow.flatten().tolist()}

    assert {round(v, 4) for v in truth.at(16, 16).flow.flatten().tolist()} <= values
