"""Guidance as the networks get it, and the two steps of the whole network."""

from __future__ import annotations

import torch

from cmp_engine.modeling.cmp import Guidance


def _guidance(points, vectors, valid=None) -> Guidance:
    points = torch.tensor(points, dtype=torch.float32)
    valid = torch.ones(points.shape[:2], dtype=torch.bool) if valid is None else torch.tensor(valid)
    return Guidance(points, torch.tensor(vectors, dtype=torch.float32), valid)


def test_rasterize_puts_the_vector_at_its_pixel_and_the_mask_twice():
    sparse = _guidance([[[2.9, 1.2]]], [[[5.0, -3.0]]]).rasterize(4, 6)

    assert sparse.shape == (1, 4, 4, 6)
    assert sparse[0, :, 1, 2].tolist() == [5, -3, 1, 1]
    assert sparse.count_nonzero() == 4


def test_rasterize_when_the_vector_is_a_pin_then_sets_the_mask_alone():
    sparse = _guidance([[[0.0, 0.0]]], [[[0.0, 0.0]]]).rasterize(2, 2)

    assert sparse[0, :, 0, 0].tolist() == [0, 0, 1, 1]


def test_rasterize_when_two_arrows_share_a_pixel_then_the_later_one_counts():
    sparse = _guidance([[[1, 1], [1.4, 1.4]]], [[[5, 5], [2, 3]]]).rasterize(3, 3)

    assert sparse[0, :2, 1, 1].tolist() == [2, 3]


def test_rasterize_when_off_the_grid_or_padding_then_drops_the_arrow():
    points = [[[6, 0], [0, 4], [-1, 0], [1, 1]]]
    sparse = _guidance(points, [[[1, 1]] * 4], [[True, True, True, False]]).rasterize(4, 6)

    assert not sparse.any()


def test_rasterize_when_there_is_no_arrow_then_is_empty():
    guidance = Guidance(torch.zeros(2, 0, 2), torch.zeros(2, 0, 2), torch.zeros(2, 0).bool())

    assert not guidance.rasterize(4, 4).any()


def test_rasterize_keeps_the_sets_of_a_batch_apart():
    sparse = _guidance([[[0, 0]], [[1, 1]]], [[[1, 2]], [[3, 4]]]).rasterize(2, 2)

    assert sparse[0, :2, 0, 0].tolist() == [1, 2]
    assert sparse[1, :2, 1, 1].tolist() == [3, 4]
    assert sparse.count_nonzero() == 8
