import numpy as np
import pytest

from train.data.augment import (
    Crop,
    as_jpeg,
    change_colors,
    change_looks,
    choose_crop,
    crop_pair,
)
from train.data.shards import Pair


def ramp_pair(height: int = 60, width: int = 80, stride: int = 1) -> Pair:
    """A pair whose red is x, whose green is y, and whose flow grows with both."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 3, y * 3, np.full_like(x, 100)], -1).astype(np.uint8)
    flow = np.stack([0.1 * x, -0.2 * y], -1).astype(np.float32)[::stride, ::stride]
    return Pair(image, flow, np.ones(flow.shape[:2], bool), stride)


def test_crop_when_it_is_the_whole_square_then_changes_nothing():
    pair = ramp_pair(60, 60)
    image, flow, valid = crop_pair(pair, Crop(0, 0, 60), 60)
    np.testing.assert_array_equal(image, pair.image)
    np.testing.assert_allclose(flow, pair.flow, atol=1e-5)
    assert valid.all()


def test_crop_when_shifted_then_is_that_part():
    pair = ramp_pair()
    image, flow, _ = crop_pair(pair, Crop(10, 5, 40), 40)
    np.testing.assert_array_equal(image, pair.image[5:45, 10:50])
    np.testing.assert_allclose(flow, pair.flow[5:45, 10:50], atol=1e-4)


def test_crop_when_mirrored_then_the_flow_turns_round_too():
    pair = ramp_pair()
    image, flow, _ = crop_pair(pair, Crop(10, 5, 40, is_mirrored=True), 40)
    np.testing.assert_array_equal(image, pair.image[5:45, 10:50][:, ::-1])
    np.testing.assert_allclose(flow[..., 0], -pair.flow[5:45, 10:50][:, ::-1, 0], atol=1e-4)
    np.testing.assert_allclose(flow[..., 1], pair.flow[5:45, 10:50][:, ::-1, 1], atol=1e-4)


@pytest.mark.parametrize("size", [20, 80])
def test_crop_when_scaled_then_the_flow_is_scaled_with_it(size):
    pair = ramp_pair()
    _, flow, _ = crop_pair(pair, Crop(10, 5, 40), size)
    scale = size / 40
    middle = (size - 1) / 2
    # The middle of the crop is the middle of its pixels, whatever the scale.
    expected = np.array([0.1 * (10 + 19.5), -0.2 * (5 + 19.5)]) * scale
    corners = flow[int(middle) : int(middle) + 2, int(middle) : int(middle) + 2]
    np.testing.assert_allclose(corners.mean((0, 1)), expected, atol=2e-3)


def test_crop_when_flow_is_stored_sparsely_then_the_same_values():
    dense, sparse = ramp_pair(), ramp_pair(stride=2)
    crop = Crop(11.3, 6.2, 37, is_mirrored=True)
    _, flow, _ = crop_pair(dense, crop, 32)
    _, same, _ = crop_pair(sparse, crop, 32)
    np.testing.assert_allclose(same, flow, atol=0.02)  # OpenCV resamples in 1/32 px


def test_crop_when_flow_is_untrusted_then_so_are_pixels_near_it():
    pair = ramp_pair()
    pair.valid[20, 30] = False
    _, _, valid = crop_pair(pair, Crop(10, 5, 40), 80)
    assert not valid[30:32, 40:42].any()
    assert valid.mean() > 0.98


def test_choice_when_made_often_then_fits_and_prefers_motion():
    pair = ramp_pair(60, 160)
    pair.flow[:] = 0
    pair.flow[20:40, 130:150] = 4
    rng = np.random.default_rng(0)
    crops = [choose_crop(pair, 32, rng) for _ in range(200)]
    for crop in crops:
        assert 0 <= crop.left <= 160 - crop.side
        assert 0 <= crop.top <= 60 - crop.side
    sees = [crop.left + crop.side > 135 for crop in crops]
    blind = (160 - 135) / (160 - 46)  # about the chance of one place
    assert np.mean(sees) > 1.6 * blind
    assert 0.3 < np.mean([crop.is_mirrored for crop in crops]) < 0.7


def test_looks_when_changed_then_seeded_and_of_the_same_shape():
    image = ramp_pair().image
    for seed in range(20):
        changed = change_looks(image, np.random.default_rng(seed))
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        np.testing.assert_array_equal(changed, change_looks(image, np.random.default_rng(seed)))


def test_colors_when_the_picture_is_grey_then_it_stays_grey():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for seed in range(20):
        changed = change_colors(grey, np.random.default_rng(seed)).astype(int)
        assert np.ptp(changed, axis=2).max() <= 3  # rounding, then gamma


def test_jpeg_when_of_high_quality_then_nearly_the_same():
    image = ramp_pair().image
    assert np.abs(as_jpeg(image, 98).astype(int) - image).mean() < 2
    assert np.abs(as_jpeg(image, 10).astype(int) - image).mean() > 1
