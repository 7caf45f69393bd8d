"""Counting pixels: the same as a plain count, in any order and any number of processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.train.eval.transfer.made_up import plain_iou
from train.distributed import World
from train.eval.transfer.confusion import ConfusionMatrix

ALONE = World(0, 1, torch.device("cpu"))


@pytest.fixture
def pictures():
    rng = np.random.default_rng(5)
    truths = [rng.integers(0, 5, (13, 17)).astype(np.uint8) for _ in range(7)]
    for truth in truths:
        truth[rng.random(truth.shape) < 0.2] = 255
    predictions = [rng.integers(0, 6, (13, 17)) for _ in truths]
    return predictions, truths


def test_iou_when_counted_picture_by_picture_then_equals_a_plain_count(pictures):
    predictions, truths = pictures
    matrix = ConfusionMatrix(7)
    for prediction, truth in zip(predictions, truths, strict=True):
        matrix.add(torch.from_numpy(prediction), torch.from_numpy(truth))
    matrix.reduce(ALONE)

    expected = plain_iou(predictions, truths, 7)

    np.testing.assert_allclose(matrix.iou().numpy(), expected, atol=1e-12)
    assert matrix.mean_iou() == pytest.approx(np.nanmean(expected), abs=1e-12)
    assert np.isnan(expected[6])
    right = sum(((p == t) & (t != 255)).sum() for p, t in zip(predictions, truths, strict=True))
    assert matrix.accuracy() == pytest.approx(right / sum((t != 255).sum() for t in truths))


def test_iou_when_all_is_right_then_one():
    matrix = ConfusionMatrix(3)
    truth = torch.tensor([[0, 1], [2, 255]])
    matrix.add(torch.tensor([[0, 1], [2, 0]]), truth)
    assert matrix.mean_iou() == 1.0
    assert int(matrix.counts.sum()) == 3


@pytest.mark.parametrize("label", [-1, 3])
def test_label_when_it_is_no_class_then_refused(label):
    matrix = ConfusionMatrix(3)
    with pytest.raises(ValueError, match="Labels are 0 to 2"):
        matrix.add(torch.tensor([label]), torch.tensor([0]))
    assert int(matrix.counts.sum()) == 0


def test_shapes_when_they_differ_then_refused():
    with pytest.raises(ValueError, match="one shape"):
        ConfusionMatrix(3).add(torch.zeros(2, dtype=torch.long), torch.zeros(3, dtype=torch.long))
