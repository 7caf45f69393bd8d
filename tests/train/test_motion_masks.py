"""Motion masks: camera motion is not motion, and what moves against it is."""

from __future__ import annotations

import torch

from train.motion_masks import background_flow, motion_masks

SETTINGS = {"moving_px": 0.5, "moving_share": 0.2, "smallest": 0.01, "largest": 0.8}


def _camera(size: int = 64) -> torch.Tensor:
    """A pan with a zoom and a turn, (1, 2, size, size)."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([3 + 0.02 * x - 0.03 * y, -1 + 0.03 * x + 0.02 * y])[None]


def test_background_flow_when_a_quarter_moves_otherwise_then_is_the_camera_motion():
    flow = _camera()
    moved = flow.clone()
    moved[:, :, 16:48, 16:48] += torch.tensor([4.0, -3.0]).view(1, 2, 1, 1)

    found = background_flow(moved, torch.ones(1, 64, 64, dtype=torch.bool))

    assert (found - flow).abs().max() < 0.1


def test_motion_masks_when_an_object_moves_then_are_the_object():
    flow = _camera()
    truth = torch.zeros(1, 64, 64, dtype=torch.bool)
    truth[:, 10:40, 20:44] = True
    flow = flow + truth[:, None] * torch.tensor([-2.0, 2.0]).view(1, 2, 1, 1)

    masks = motion_masks(flow, torch.ones_like(truth), **SETTINGS)

    assert torch.equal(masks.mask, truth)
    assert masks.usable.all()


def test_motion_masks_when_nothing_moves_or_is_known_then_are_not_usable():
    flow = torch.cat([torch.zeros(1, 2, 64, 64), _camera()])
    valid = torch.ones(2, 64, 64, dtype=torch.bool)
    valid[1] = False

    masks = motion_masks(flow, valid, **SETTINGS)

    assert not masks.usable.any()
    assert not masks.mask.any()
