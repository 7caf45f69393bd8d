import numpy as np
import pytest

from cmp_engine.inpaint import paint_out


def stripes(height=120, width=160) -> np.ndarray:
    x = np.arange(width)
    row = 128 + 90 * np.sign(np.sin(x * 2 * np.pi / 16))
    return np.repeat(np.repeat(row[None, :, None], height, axis=0), 3, axis=2).astype(np.uint8)


def hole(height=120, width=160) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[40:80, 60:100] = True
    return mask


def test_picture_when_painted_then_is_unchanged_outside_of_the_mask():
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    painted = paint_out(image, hole())
    assert np.array_equal(painted[~hole()], image[~hole()])


def test_texture_when_painted_then_goes_on():
    image = stripes()
    bad = image.copy()
    bad[hole()] = (255, 0, 255)
    painted = paint_out(bad, hole())
    error = np.abs(painted.astype(int) - image)[hole()]
    assert (error < 40).mean() > 0.9


def test_texture_when_larger_than_the_working_grid_then_still_goes_on():
    image, mask = stripes(240, 320), hole(240, 320)
    painted = paint_out(image, mask, working_side=64)
    error = np.abs(painted.astype(int) - image)[mask]
    assert (error < 60).mean() > 0.8


def test_painting_when_repeated_then_is_the_same():
    image = np.random.default_rng(3).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    mask = hole()[::2, ::2]
    assert np.array_equal(paint_out(image, mask), paint_out(image, mask))


@pytest.mark.parametrize("value", [True, False])
def test_picture_when_mask_is_all_or_nothing_then_is_unchanged(value):
    image = stripes(20, 30)
    assert np.array_equal(paint_out(image, np.full((20, 30), value)), image)


def test_picture_when_hardly_anything_is_known_then_is_filled_smoothly():
    image = np.full((24, 24, 3), 77, np.uint8)
    mask = np.ones((24, 24), bool)
    mask[:, 0] = False
    assert (np.abs(paint_out(image, mask).astype(int) - 77) <= 8).all()
