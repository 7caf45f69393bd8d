import cv2
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from cmp_engine.errors import FlowError, ImageError
from cmp_engine.resample import pixel_grid
from cmp_engine.warp import (
    BackwardMap,
    backward_map,
    compose,
    identity_map,
    moving_parts,
    warp_image,
)

METHODS = ["negate", "fixed_point", "splat"]


def texture(height=60, width=80, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def constant(u, v, height=60, width=80) -> np.ndarray:
    return np.broadcast_to(np.float32([u, v]), (height, width, 2)).copy()


def rotation(degrees, height=120, width=140, center=(70.0, 60.0)) -> np.ndarray:
    away = pixel_grid(height, width) - np.float32(center)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return (away @ np.float32([[c, s], [-s, c]]) - away).astype(np.float32)


def square(shift, height=60, width=80, at=(slice(20, 40), slice(20, 40))) -> np.ndarray:
    flow = np.zeros((height, width, 2), np.float32)
    flow[at] = shift
    return flow


def away_from(holes) -> np.ndarray:
    """True for pixels with no hole within two pixels."""
    return cv2.dilate(holes.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fill", ["stretch", "behind"])
def test_frame_when_flow_is_zero_then_is_the_image(method, fill):
    image = texture()
    backward = backward_map(constant(0, 0), method=method, fill=fill, guide=image)
    assert not backward.holes.any()
    assert np.array_equal(backward.map_xy, pixel_grid(60, 80))
    assert np.array_equal(warp_image(image, backward), image)


@pytest.mark.parametrize("method", METHODS)
@hypothesis.given(u=strategies.integers(-9, 9), v=strategies.integers(-9, 9))
@hypothesis.settings(max_examples=15)
def test_frame_when_flow_is_constant_then_is_the_image_shifted(method, u, v):
    image = texture()
    backward = backward_map(constant(u, v), method=method)
    frame = warp_image(image, backward)
    inside = np.zeros((60, 80), bool)
    inside[max(0, v) : 60 + min(0, v), max(0, u) : 80 + min(0, u)] = True
    assert np.array_equal(backward.holes, ~inside)
    assert np.array_equal(frame[inside], np.roll(image, (v, u), axis=(0, 1))[inside])


@pytest.mark.parametrize("degrees", [4, 15, -33, 80])
def test_map_when_flow_is_a_rotation_then_inverts_it_within_a_tenth_of_a_pixel(degrees):
    backward = backward_map(rotation(degrees))
    expected = pixel_grid(120, 140) + rotation(-degrees)
    inside = (expected >= 0).all(axis=-1)
    inside &= (expected[..., 0] <= 139) & (expected[..., 1] <= 119)
    assert not backward.holes[inside].any()
    assert np.abs(backward.map_xy - expected)[inside].max() < 0.1


def test_map_when_flow_grows_a_part_twice_then_has_no_cracks():
    flow = (pixel_grid(60, 80) - np.float32([40, 30])) * np.float32(1)
    backward = backward_map(flow)
    expected = (pixel_grid(60, 80) + np.float32([40, 30])) / 2
    assert not backward.holes.any()
    assert np.abs(backward.map_xy - expected).max() < 0.1


def test_frame_when_a_part_moves_then_it_covers_what_is_still():
    image = texture()
    frame = warp_image(image, backward_map(square((15, 0)), soft_edges=False))
    assert np.array_equal(frame[20:40, 35:55], image[20:40, 20:40])
    assert np.array_equal(frame[:20], image[:20])


def test_holes_when_a_part_moves_then_are_what_it_uncovers():
    backward = backward_map(square((15, 0)), soft_edges=False)
    expected = np.zeros((60, 80), bool)
    expected[20:40, 20:35] = True
    assert np.array_equal(backward.holes, expected)


def test_frame_when_order_puts_the_still_part_in_front_then_it_stays_whole():
    image = texture()
    order = np.zeros((60, 80), np.float32)
    order[:, 50:] = 1
    frame = warp_image(image, backward_map(square((15, 0)), order=order, soft_edges=False))
    assert np.array_equal(frame[:, 50:], image[:, 50:])
    assert np.array_equal(frame[20:40, 35:50], image[20:40, 20:35])


@pytest.mark.parametrize("soft_edges", [False, True])
def test_holes_when_stretched_then_show_nothing_of_the_part_that_left(soft_edges):
    image = np.full((60, 80, 3), 40, np.uint8)
    image[20:40, 20:40] = 220
    backward = backward_map(square((25, 0)), soft_edges=soft_edges)
    frame = warp_image(image, backward)
    assert backward.holes[25:35, 20:40].all()
    # Not above the ground's own value; resampling may undershoot beside the bright part.
    assert frame[:, :40].max() == 40


def test_holes_when_there_is_a_background_then_show_it_in_place():
    image, plate = texture(seed=1), texture(seed=2)
    backward = backward_map(square((15, 0)), fill="behind", soft_edges=False)
    frame = warp_image(image, backward, background=plate)
    assert np.array_equal(frame[20:40, 20:35], plate[20:40, 20:35])
    assert np.array_equal(frame[~backward.holes], warp_image(image, backward)[~backward.holes])


def test_holes_when_the_background_moves_too_then_show_the_place_behind():
    image, plate = texture(seed=1), texture(seed=2)
    flow = square((18, 3)) + constant(2, 3) * (square((1, 1)) == 0)
    backward = backward_map(flow, fill="behind", soft_edges=False)
    frame = warp_image(image, backward, background=plate)
    assert np.array_equal(frame[28:38, 26:34], plate[25:35, 24:32])


def test_rim_when_a_part_turns_then_softens_its_edge_both_sides():
    image = np.full((120, 140, 3), 30, np.uint8)
    inside = np.zeros((120, 140, 1), np.float32)
    inside[30:90, 40:100] = 1
    image[30:90, 40:100] = 230
    backward = backward_map(rotation(20) * inside)
    frame = warp_image(image, backward)
    assert backward.rim is not None
    assert backward.rim.index.size > 200
    assert np.unique(backward.rim.index).size == backward.rim.index.size
    between = (frame[..., 0] > 60) & (frame[..., 0] < 200)
    assert between.sum() > 150
    # Hard, a turned edge is a staircase: soft, its steps have many heights.
    assert np.unique(frame[between][:, 0]).size > 20


def test_frame_when_flow_is_soft_at_an_edge_then_does_not_smear():
    image = np.full((80, 120, 3), 30, np.uint8)
    image[20:60, 20:60] = 230
    flow = np.zeros((80, 120, 2), np.float32)
    ramp = np.clip((np.arange(120) - 16) / 8, 0, 1) * np.clip((64 - np.arange(120)) / 8, 0, 1)
    flow[20:60, :, 0] = 30 * ramp
    frame = warp_image(image, backward_map(flow, guide=image))
    row = frame[40, :, 0].astype(int)
    assert (row[50:88] > 200).mean() > 0.9
    assert (row[:46] < 60).all()
    assert (row[96:] < 60).all()


def test_frame_when_a_jump_has_no_edge_in_the_picture_then_is_stretched_not_torn():
    ramp = np.linspace(60, 200, 120).astype(np.uint8)
    image = np.repeat(np.repeat(ramp[None, :, None], 80, axis=0), 3, axis=2)
    flow = np.zeros((80, 120, 2), np.float32)
    flow[:, :60, 0] = -8
    backward = backward_map(flow, guide=image)
    row = warp_image(image, backward)[40, :, 0].astype(int)
    assert not backward.holes[:, 8:112].any()
    assert (np.diff(row[10:110]) >= -1).all()


def test_composition_when_one_is_the_identity_then_is_the_other():
    backward = backward_map(rotation(10))
    none = identity_map(120, 140)
    inside = away_from(backward.holes)
    for composed in (compose(backward, none), compose(none, backward)):
        assert np.array_equal(composed.holes, backward.holes)
        assert np.abs(composed.map_xy - backward.map_xy)[inside].max() < 1e-3


def test_composition_when_three_then_brackets_do_not_matter():
    maps = [backward_map(rotation(d, center=c)) for d, c in ((5, (70, 60)), (-8, (60, 50)))]
    maps.append(backward_map(constant(3.5, -2.25, 120, 140)))
    left = compose(compose(*maps[:2]), maps[2])
    right = compose(maps[0], compose(*maps[1:]))
    whole = away_from(left.holes | right.holes)
    assert whole.mean() > 0.7
    assert np.abs(left.map_xy - right.map_xy)[whole].max() < 0.1


def test_composition_when_two_rotations_then_is_their_sum():
    composed = compose(backward_map(rotation(10)), backward_map(rotation(12)))
    expected = pixel_grid(120, 140) + rotation(-22)
    assert np.abs(composed.map_xy - expected)[away_from(composed.holes)].max() < 0.1


def test_composition_when_sizes_differ_then_says_so():
    with pytest.raises(FlowError, match="one size"):
        compose(identity_map(3, 4), identity_map(4, 3))


def test_moving_parts_when_one_part_moves_then_are_that_part_and_its_edge():
    image = np.full((60, 80, 3), 30, np.uint8)
    image[20:40, 20:40] = 220
    parts = moving_parts(square((15, 0)), guide=image)
    assert parts[20:40, 20:40].all()
    assert not parts[:10].any()
    assert not parts[:, 50:].any()


def test_moving_parts_when_all_moves_as_one_then_are_none():
    assert not moving_parts(constant(5, 0)).any()


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (np.zeros((4, 5), np.float32), "shape"),
        (np.zeros((4, 5, 3), np.float32), "shape"),
        (np.zeros((0, 5, 2), np.float32), "shape"),
        (np.full((4, 5, 2), np.nan, np.float32), "finite"),
    ],
)
def test_map_when_the_flow_is_no_flow_then_says_so(flow, message):
    with pytest.raises(FlowError, match=message):
        backward_map(flow)


def test_map_when_asked_nonsense_then_says_so():
    flow = constant(1, 0)
    with pytest.raises(FlowError, match="method"):
        backward_map(flow, method="magic")
    with pytest.raises(FlowError, match="order"):
        backward_map(flow, order=np.zeros((3, 3), np.float32))
    with pytest.raises(FlowError, match="order"):
        backward_map(flow, order=np.full((60, 80), np.inf, np.float32))
    with pytest.raises(ImageError, match="guide"):
        backward_map(flow, guide=texture(61))


def test_warp_when_the_picture_has_another_size_then_says_so():
    backward = identity_map(4, 5)
    with pytest.raises(ImageError, match="image"):
        warp_image(texture(5, 4), backward)
    with pytest.raises(ImageError, match="background"):
        warp_image(texture(4, 5), backward, background=texture(5, 4))
    with pytest.raises(ImageError, match="uint8"):
        warp_image(np.zeros((4, 5, 3), np.float32), backward)


def test_map_when_tiny_then_still_works():
    for height, width in ((1, 1), (1, 9), (9, 1), (2, 2)):
        image = texture(height, width)
        backward = backward_map(constant(1.5, 0.5, height, width), guide=image)
        assert isinstance(backward, BackwardMap)
        assert warp_image(image, backward).shape == image.shape
