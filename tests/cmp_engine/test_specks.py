"""Single wrong pixels of a backward map."""

from __future__ import annotations

import numpy as np

from cmp_engine.resample import pixel_grid
from cmp_engine.specks import find_specks


def _shifted(height: int = 40, width: int = 60) -> np.ndarray:
    return pixel_grid(height, width) + np.float32([6, -3])


def test_specks_when_a_pixel_goes_another_way_then_takes_that_of_those_around():
    map_xy = _shifted()
    map_xy[20, 30] += (15, 4)
    specks, instead = find_specks(map_xy)
    assert specks.tolist() == [20 * 60 + 30]
    np.testing.assert_allclose(instead, [(36, 17)], atol=1e-4)


def test_specks_when_a_string_is_thin_then_it_stays():
    map_xy = _shifted()
    map_xy[5:35, 30] += (15, 4)
    specks, _ = find_specks(map_xy)
    assert len(specks) == 0


def test_specks_when_two_parts_meet_then_there_are_none():
    map_xy = _shifted()
    map_xy[:, 30:] += (15, 4)
    specks, _ = find_specks(map_xy)
    assert len(specks) == 0


def test_specks_when_a_map_turns_smoothly_then_there_are_none():
    grid = pixel_grid(40, 60)
    turned = np.stack([grid[..., 0] * 0.9 + grid[..., 1] * 0.2, grid[..., 1] * 1.1], axis=-1)
    specks, _ = find_specks(turned.astype(np.float32))
    assert len(specks) == 0
