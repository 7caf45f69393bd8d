import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from cmp_engine.errors import ConfigError, FlowError, ImageError
from cmp_engine.geometry import (
    IMAGE_MEAN,
    IMAGE_STD,
    MAX_ASPECT,
    ImageGeometry,
    check_image,
    normalize_images,
    resize_flow,
    resize_image,
)

sides = st.integers(16, 9000)


def affine_flow(height, width):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.dstack([3 + 0.02 * x - 0.01 * y, -2 + 0.015 * x + 0.03 * y]).astype(np.float32)


def test_fit_when_the_picture_is_384_square_then_it_stays_untouched():
    geometry = ImageGeometry.fit((384, 384))
    image = np.random.default_rng(0).integers(0, 256, (384, 384, 3), np.uint8)
    points = np.array([[0, 0], [182.3, 70.1], [383, 383]], np.float32)
    assert geometry.network_hw == geometry.resized_hw == (384, 384)
    assert np.array_equal(geometry.image_to_network(image), image)
    assert np.array_equal(geometry.points_to_network(points), points)
    assert np.array_equal(geometry.vectors_to_network(points), points)


@given(height=sides, width=sides, short_side=st.sampled_from([192, 384, 416]))
@example(height=16, width=4000, short_side=384)
@example(height=16, width=6_250_000, short_side=384)
@example(height=10_000, width=10_000, short_side=384)
def test_fit_when_any_size_then_the_network_grid_is_bounded_and_a_multiple_of_32(
    height, width, short_side
):
    geometry = ImageGeometry.fit((height, width), short_side=short_side)
    network_h, network_w = geometry.network_hw
    resized_h, resized_w = geometry.resized_hw
    assert network_h % 32 == network_w % 32 == 0
    assert 0 <= network_h - resized_h < 32
    assert 0 <= network_w - resized_w < 32
    assert max(resized_h, resized_w) <= MAX_ASPECT * short_side
    assert min(resized_h, resized_w) <= short_side
    if max(height, width) <= MAX_ASPECT * min(height, width):
        assert min(resized_h, resized_w) == short_side


@given(height=sides, width=sides, x=st.floats(0, 1), y=st.floats(0, 1))
def test_points_when_there_and_back_then_identical(height, width, x, y):
    geometry = ImageGeometry.fit((height, width))
    points = np.array([[x * width - 0.5, y * height - 0.5]], np.float32)
    there = geometry.points_to_network(points)
    assert (there >= -0.5 - 1e-3).all()
    assert (there <= np.array(geometry.resized_hw[::-1]) - 0.5 + 1e-3).all()
    assert np.allclose(geometry.points_to_image(there), points, atol=2e-3)


@given(height=sides, width=sides)
def test_vectors_when_there_and_back_then_identical(height, width):
    geometry = ImageGeometry.fit((height, width))
    vectors = np.array([[3.5, -2], [0, 0], [-100, 7]], np.float32)
    assert np.allclose(
        geometry.vectors_to_image(geometry.vectors_to_network(vectors)), vectors, rtol=1e-5
    )


@given(height=st.integers(16, 700), width=st.integers(16, 700))
def test_flow_when_affine_and_there_and_back_then_identical_inside(height, width):
    geometry = ImageGeometry.fit((height, width), short_side=64)
    flow = affine_flow(height, width)
    back = geometry.flow_to_image(geometry.flow_to_network(flow))
    # One coarse pixel along the border is constant instead of affine.
    margin = int(np.ceil(1 / min(geometry.scale_xy))) + 1
    inside = (slice(margin, -margin), slice(margin, -margin))
    assert back.shape == flow.shape
    if flow[inside].size:
        assert np.abs(back[inside] - flow[inside]).max() < 0.02


@given(height=st.integers(16, 400), width=st.integers(16, 400))
def test_flow_when_a_point_moves_then_flow_and_point_agree_in_both_frames(height, width):
    # The flow of an affine map, made on the network grid, must move a picture point as it does
    # when the point is taken to the network, moved there and brought back.
    geometry = ImageGeometry.fit((height, width), short_side=96)
    network_h, network_w = geometry.network_hw
    flow = geometry.flow_to_image(affine_flow(network_h, network_w))
    row, column = height // 2, width // 2
    point = np.array([[column, row]], np.float32)
    x, y = geometry.points_to_network(point)[0]
    moved = geometry.vectors_to_image(
        np.array([[3 + 0.02 * x - 0.01 * y, -2 + 0.015 * x + 0.03 * y]], np.float32)
    )[0]
    assert np.allclose(flow[row, column], moved, atol=0.02, rtol=1e-3)


@given(
    height=st.integers(16, 300),
    width=st.integers(16, 300),
    target=st.tuples(st.integers(16, 300), st.integers(16, 300)),
)
def test_resize_flow_when_constant_then_constant_and_rescaled(height, width, target):
    flow = np.full((height, width, 2), (4.0, -6.0), np.float32)
    resized = resize_flow(flow, target)
    assert resized.shape == (*target, 2)
    assert np.allclose(resized[..., 0], 4 * target[1] / width, rtol=1e-5)
    assert np.allclose(resized[..., 1], -6 * target[0] / height, rtol=1e-5)


@given(factor=st.integers(2, 6), height=st.integers(16, 40), width=st.integers(16, 40))
def test_resize_image_when_blocks_shrink_to_their_pixels_then_exact(factor, height, width):
    small = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.array_equal(resize_image(large, (height, width)), small)


def test_resize_image_when_a_ramp_then_half_pixels_are_right():
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (50, 200, 3)).copy()
    geometry = ImageGeometry.fit((50, 200), short_side=64)
    network = geometry.image_to_network(ramp)
    columns = np.arange(20, 250, 20)
    expected = geometry.points_to_image(np.stack([columns, columns], axis=1).astype(np.float32))
    assert np.abs(network[30, columns, 0] - expected[:, 0]).max() <= 1


def test_image_to_network_when_padded_then_the_border_mirrors_the_picture():
    image = np.random.default_rng(1).integers(0, 256, (384, 400, 3), np.uint8)
    geometry = ImageGeometry.fit((384, 400))
    network = geometry.image_to_network(image)
    assert network.shape == (384, 416, 3)
    assert np.array_equal(network[:, :400], image)
    assert np.array_equal(network[:, 400:], image[:, 383:399][:, ::-1])


@pytest.mark.parametrize("image_hw", [(16, 16), (16, 4000), (4000, 16), (17, 333), (16, 70_000)])
def test_image_to_network_when_small_or_thin_then_it_fills_the_grid(image_hw):
    geometry = ImageGeometry.fit(image_hw)
    network = geometry.image_to_network(np.full((*image_hw, 3), 77, np.uint8))
    assert network.shape == (*geometry.network_hw, 3)
    assert (network == 77).all()


def test_flow_to_image_when_another_size_is_asked_for_then_values_are_its_pixels():
    geometry = ImageGeometry.fit((500, 1000))
    flow = np.full((*geometry.network_hw, 2), (10.0, 20.0), np.float32)
    full = geometry.flow_to_image(flow)
    half = geometry.flow_to_image(flow, size_hw=(250, 500))
    assert half.shape == (250, 500, 2)
    assert np.allclose(half * 2, full[::2, ::2], rtol=1e-5)


def test_normalize_images_when_mean_and_one_deviation_above_then_zero_and_one():
    mean = torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGE_STD).view(1, 3, 1, 1)
    assert torch.allclose(normalize_images(mean), torch.zeros(1, 3, 1, 1))
    assert torch.allclose(normalize_images(mean + std), torch.ones(1, 3, 1, 1), atol=1e-6)
    assert normalize_images(torch.zeros(2, 3, 4, 5, dtype=torch.uint8)).dtype == torch.float32


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ([[1, 2, 3]], "numpy array"),
        (np.zeros((20, 20), np.uint8), "three channels"),
        (np.zeros((20, 20, 4), np.uint8), "three channels"),
        (np.zeros((20, 20, 3), np.float32), "uint8"),
        (np.zeros((15, 20, 3), np.uint8), "20 x 15"),
        (np.broadcast_to(np.uint8(0), (10_000, 10_001, 3)), "100 megapixels"),
    ],
)
def test_check_image_when_wrong_then_a_sentence_says_what(image, words):
    with pytest.raises(ImageError, match=words):
        check_image(image)


def test_fit_when_the_short_side_is_too_short_then_config_error():
    with pytest.raises(ConfigError, match="at least 32"):
        ImageGeometry.fit((100, 100), short_side=16)


def test_image_to_network_when_another_size_then_image_error():
    with pytest.raises(ImageError, match="200 x 100"):
        ImageGeometry.fit((100, 200)).image_to_network(np.zeros((200, 100, 3), np.uint8))


def test_flow_conversions_when_another_size_then_flow_error():
    geometry = ImageGeometry.fit((100, 200))
    with pytest.raises(FlowError, match="100, 200, 2"):
        geometry.flow_to_network(np.zeros((10, 10, 2), np.float32))
    with pytest.raises(FlowError, match="384, 768, 2"):
        geometry.flow_to_image(np.zeros((10, 10, 2), np.float32))
