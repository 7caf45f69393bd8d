"""Which limbs are asked about."""

from __future__ import annotations

import numpy as np

from train.eval.limbs import _pick_limb, _share_within


def _scene(hand_turn: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A trunk that stands, an arm that turns about its end, and a hand that turns with it or more.

    Returns:
        Flow (96, 96, 2), labels (96, 96) and parents: 1 the trunk, 2 the arm, 3 the hand.
    """
    labels = np.zeros((96, 96), np.int64)
    labels[10:90, 10:30] = 1
    labels[40:52, 30:60] = 2
    labels[40:52, 60:85] = 3
    y, x = np.mgrid[:96, :96].astype(np.float32)
    flow = np.zeros((96, 96, 2), np.float32)
    for part, turn, (cx, cy) in ((2, 0.2, (30, 46)), (3, 0.2 + hand_turn, (30, 46))):
        moved = np.stack([-turn * (y - cy), turn * (x - cx)], axis=-1)
        flow[labels == part] = moved[labels == part]
    return flow, labels, np.array([-1, 0, 1, 2])


def test_limb_that_moves_as_one_then_is_picked_with_what_hangs_on_it():
    flow, labels, parents = _scene(0.0)
    picked = _pick_limb(flow, labels, parents)
    assert picked is not None
    limb, (x, y) = picked
    np.testing.assert_array_equal(limb, labels >= 2)
    assert labels[y, x] == 2  # on the hand it could mean the hand alone
    assert _share_within(flow, flow, limb) == 1.0
    assert _share_within(0.5 * flow, flow, limb) == 0.0


def test_limb_whose_hand_turns_on_its_own_then_is_not_asked_about():
    flow, labels, parents = _scene(0.9)
    picked = _pick_limb(flow, labels, parents)
    assert picked is None
