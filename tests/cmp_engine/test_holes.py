import numpy as np
import pytest

from cmp_engine.holes import fill_holes, nearest_true
from cmp_engine.resample import pixel_grid


def test_nearest_when_mask_is_random_then_is_a_true_pixel_at_the_smallest_distance():
    rng = np.random.default_rng(0)
    mask = rng.random((31, 43)) < 0.02
    distance, nearest = nearest_true(mask)
    true_y, true_x = np.nonzero(mask)
    y, x = np.divmod(np.arange(mask.size), 43)
    exact = np.hypot(y[:, None] - true_y, x[:, None] - true_x).min(axis=1)
    assert mask.ravel()[nearest].all()
    assert np.abs(distance - exact).max() < 0.05 * exact.max()
    assert np.abs(np.hypot(nearest // 43 - y, nearest % 43 - x) - exact).max() < 0.5


@pytest.fixture
def slit() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map with a hole of columns 20 to 25, the background on its left."""
    holes = np.zeros((30, 60), bool)
    holes[:, 20:26] = True
    seeds = np.zeros((30, 60), bool)
    seeds[:, 19] = True
    map_xy = pixel_grid(30, 60)
    map_xy[holes] = -1000
    return map_xy, holes, seeds


def test_fill_when_stretched_then_comes_from_the_background_beside(slit):
    map_xy, holes, seeds = slit
    fill_holes(map_xy, holes, seeds, fill="stretch")
    filled = map_xy[:, 20:26]
    assert (filled[..., 0] <= 19).all()
    assert (filled[..., 0] >= 8).all()
    assert (np.diff(filled[..., 0], axis=1) < 0).all()
    assert np.abs(filled[8:22, :, 1] - np.arange(8, 22)[:, None]).max() < 0.5


def test_fill_when_behind_then_goes_on_as_the_background_moves(slit):
    map_xy, holes, seeds = slit
    map_xy[:, :20] -= np.float32([2, 1])
    fill_holes(map_xy, holes, seeds, fill="behind")
    expected = pixel_grid(30, 60)[:, 20:26] - np.float32([2, 1])
    assert np.allclose(map_xy[:, 20:26], expected, atol=1e-4)


def test_fill_when_there_are_no_seeds_then_takes_what_is_nearest(slit):
    map_xy, holes, seeds = slit
    fill_holes(map_xy, holes, np.zeros_like(seeds), fill="stretch")
    assert (map_xy[:, 20:26] >= 0).all()


def test_fill_when_all_is_hole_or_nothing_is_then_leaves_the_map():
    for holes in (np.ones((4, 5), bool), np.zeros((4, 5), bool)):
        map_xy = pixel_grid(4, 5)
        fill_holes(map_xy, holes, np.zeros((4, 5), bool), fill="stretch")
        assert np.array_equal(map_xy, pixel_grid(4, 5))
