import cv2
import numpy as np
import pytest

from cmp_engine.jumps import motion_order
from cmp_engine.layers import split_layers


def moving_square(speed=20.0, *, soft=0, size=(90, 130)):
    u = np.zeros(size, np.float32)
    u[30:60, 30:60] = speed
    if soft:
        u = cv2.blur(u, (soft, soft))
    return u, np.zeros_like(u)


def picture(*, inside=220, outside=40, size=(90, 130)):
    image = np.full((*size, 3), outside, np.uint8)
    image[30:60, 30:60] = inside
    return image


def layers_of(u, v, guide=None, reach=4):
    return split_layers(u, v, motion_order(u, v), guide, reach=reach)


def test_layers_when_flow_is_smooth_then_are_none():
    y, x = np.mgrid[:80, :80].astype(np.float32)
    c, s = np.cos(1.0), np.sin(1.0)
    turned = layers_of((x - 40) * (c - 1) - (y - 40) * s, (x - 40) * s + (y - 40) * (c - 1))
    assert turned is None
    assert layers_of(*moving_square(0)) is None


@pytest.mark.parametrize("soft", [0, 7])
@pytest.mark.parametrize("has_guide", [False, True])
def test_layers_when_a_part_moves_then_take_the_flow_of_their_own_side(soft, has_guide):
    u, v = moving_square(soft=soft)
    layers = layers_of(u, v, picture() if has_guide else None)
    assert layers is not None
    between = (np.abs(layers.u) > 0.5) & (np.abs(layers.u - 20) > 0.5)
    assert not between.any()
    assert np.abs(layers.rim_u - 20).max() < 0.5
    assert (layers.u[33:57, 33:57] > 19).all()


def test_coverage_when_the_picture_has_a_mixed_edge_then_follows_it():
    u, v = moving_square()
    shape = np.zeros((90, 130), np.float32)
    shape[30:60, 31:58] = 1
    shape = cv2.GaussianBlur(shape, (0, 0), 1.2)
    image = np.repeat((40 + 180 * shape)[..., None], 3, axis=2).astype(np.uint8)
    layers = layers_of(u, v, image)
    left, right = slice(26, 35), slice(55, 64)
    for columns in (left, right):
        assert np.abs(layers.coverage[45, columns] - shape[45, columns]).max() < 0.25
    assert not layers.is_solid.reshape(90, 130)[45, 30]


def test_layers_when_colors_do_not_tell_the_sides_apart_then_do_not_come_apart():
    u, v = moving_square()
    layers = layers_of(u, v, picture(inside=40))
    assert layers is not None
    assert layers.rim.size == 0
    assert layers.is_solid.all()
    # The jump is spread instead.
    assert np.abs(np.diff(layers.u, axis=1)).max() < 0.6 * 20


def test_outline_when_it_does_not_look_like_background_then_is_not_drawn():
    u, v = moving_square()
    image = picture()
    image[28:30, 28:62] = 130  # something of the part, beyond the edge of its flow
    layers = layers_of(u, v, image)
    solid = layers.is_solid.reshape(90, 130)
    assert not solid[28:30, 34:56].any()
    assert solid[20:24].all()


def test_order_when_parts_are_equally_fast_then_still_differs():
    u = np.float32([[5, -5, 0]])
    order = motion_order(u, np.zeros_like(u))
    assert order[0, 0] > order[0, 1] > order[0, 2]


def test_layers_when_the_band_is_all_there_is_then_are_none():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 20, (40, 40)).astype(np.float32)
    image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    for guide in (None, image):
        layers = split_layers(noise, noise.T.copy(), np.abs(noise), guide, reach=3)
        assert layers is None or np.isfinite(layers.u).all()
