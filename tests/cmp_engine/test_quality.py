import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_engine.errors import ImageError
from cmp_engine.quality import averaged, shrunk, shrunk_flow, shrunk_mask

ALL_VALUES = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)


@given(count=st.integers(1, 64))
def test_averaged_when_all_are_equal_then_is_that_picture(count):
    assert np.array_equal(averaged([ALL_VALUES] * count), ALL_VALUES)


def test_averaged_when_black_and_white_then_is_half_the_light():
    black, white = np.zeros((70, 2, 3), np.uint8), np.full((70, 2, 3), 255, np.uint8)
    assert (averaged([black, white]) == 188).all()  # half of linear light in sRGB


def test_averaged_when_in_another_order_then_is_nearly_the_same():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (9, 9, 3), dtype=np.uint8) for _ in range(5)]
    off = averaged(images).astype(int) - averaged(images[::-1])
    assert np.abs(off).max() <= 1


@pytest.mark.parametrize("images", [[], [np.zeros((2, 2, 3), np.uint8), ALL_VALUES]])
def test_averaged_when_there_is_none_or_sizes_differ_then_refuses(images):
    with pytest.raises(ImageError, match="all of one size"):
        averaged(images)


def test_shrunk_when_nothing_moved_then_is_the_still_frame_to_the_bit():
    rng = np.random.default_rng(1)
    still = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    fine = rng.integers(0, 256, (16, 12, 3), dtype=np.uint8)
    moved = np.zeros((16, 12), bool)
    assert np.array_equal(shrunk(fine, (8, 6), still=still, moved=moved), still)
    moved[4:6, 8:10] = True
    result = shrunk(fine, (8, 6), still=still, moved=moved)
    assert (result != still).any(axis=-1).sum() == 1
    assert np.abs(result[2, 4] - fine[4:6, 8:10].mean(axis=(0, 1))).max() <= 0.5


def test_shrunk_flow_when_coarser_then_is_in_its_px():
    flow = np.tile(np.float32((8, -4)), (16, 12, 1))
    assert np.allclose(shrunk_flow(flow, (8, 6)), (4, -2))


def test_shrunk_mask_when_coarser_by_no_whole_factor_then_true_where_most_is():
    mask = np.zeros((9, 15), bool)
    mask[:, :8] = True  # up to 3.2 of 6 pixels
    assert shrunk_mask(mask, (4, 6)).tolist() == [[True, True, True, False, False, False]] * 4
