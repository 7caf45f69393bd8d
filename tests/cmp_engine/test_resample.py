import numpy as np
import pytest

from cmp_engine.resample import (
    pixel_grid,
    sample_field,
    sample_field_points,
    sample_image,
    sample_image_points,
)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (17, 23, 3)).astype(np.uint8)


def test_grid_when_asked_then_holds_x_and_y_of_every_pixel():
    grid = pixel_grid(3, 4)
    assert grid.dtype == np.float32
    assert grid[2, 3].tolist() == [3, 2]


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_image_when_sampled_at_its_own_pixels_then_is_the_same(image, interpolation):
    assert np.array_equal(sample_image(image, pixel_grid(17, 23), interpolation), image)


def test_image_when_sampled_beyond_its_border_then_the_border_goes_on(image):
    at = np.array([[[-5, 4], [40, 4], [3, -9]]], np.float32)
    assert np.array_equal(sample_image(image, at)[0], image[[4, 4, 0], [0, 22, 3]])


def test_points_when_more_than_a_row_then_give_what_a_picture_of_them_gives(image):
    points = np.random.default_rng(1).uniform(0, 16, (2500, 2)).astype(np.float32)
    expected = sample_image(image, points.reshape(50, 50, 2)).reshape(-1, 3)
    assert np.array_equal(sample_image_points(image, points), expected)


def test_points_when_none_then_give_none(image):
    assert sample_image_points(image, np.zeros((0, 2), np.float32)).shape == (0, 3)


def test_field_when_linear_then_is_exact_between_pixels():
    grid = pixel_grid(9, 9)
    at = np.array([[1.25, 3.5], [6.75, 0.5]], np.float32)
    assert np.allclose(sample_field_points(grid, at), at, atol=1e-6)
    assert np.allclose(sample_field_points(grid[..., 0].copy(), at), at[:, 0], atol=1e-6)
    assert np.allclose(sample_field(grid, at[None]), at[None], atol=1e-6)
