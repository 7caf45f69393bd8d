import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_engine.errors import FlowError
from cmp_engine.flow_viz import (
    automatic_scale,
    color_wheel,
    draw_legend,
    flow_to_color,
    scale_text,
)


def one_pixel(dx, dy, **options):
    return flow_to_color(np.array([[[dx, dy]]], np.float32), **options)[0, 0].tolist()


def test_flow_to_color_when_zero_then_white_and_input_unchanged():
    flow = np.zeros((4, 5, 2), np.float32)
    assert (flow_to_color(flow) == 255).all()
    assert (flow == 0).all()


def test_flow_to_color_when_called_then_the_flow_is_not_changed():
    flow = np.random.default_rng(0).normal(0, 5, (20, 30, 2)).astype(np.float32)
    flow[3, 4] = np.nan
    before = flow.copy()
    flow_to_color(flow)
    flow_to_color(flow, max_flow=3)
    assert np.array_equal(flow, before, equal_nan=True)


@pytest.mark.parametrize(
    ("dx", "dy", "expected"),
    [
        # Right is red, and the hues run red, yellow, green clockwise on the screen (y down).
        (1, 0, (255, 0, 0)),
        (-1, 0, (0, 209, 255)),
        (np.cos(2 * np.pi * 15 / 54), np.sin(2 * np.pi * 15 / 54), (255, 255, 0)),
        (np.cos(2 * np.pi * 21 / 54), np.sin(2 * np.pi * 21 / 54), (0, 255, 0)),
        (np.cos(2 * np.pi * 25 / 54), np.sin(2 * np.pi * 25 / 54), (0, 255, 255)),
        (np.cos(2 * np.pi * 36 / 54), np.sin(2 * np.pi * 36 / 54), (0, 0, 255)),
        (np.cos(2 * np.pi * 49 / 54), np.sin(2 * np.pi * 49 / 54), (255, 0, 255)),
    ],
)
def test_flow_to_color_when_full_length_then_the_middlebury_hue(dx, dy, expected):
    assert np.abs(np.array(one_pixel(dx, dy, max_flow=1)) - expected).max() <= 3


def test_flow_to_color_when_half_the_scale_then_half_saturated():
    assert np.abs(np.array(one_pixel(5, 0, max_flow=10)) - (255, 127, 127)).max() <= 1


def test_flow_to_color_when_longer_than_the_scale_then_darker():
    assert np.abs(np.array(one_pixel(20, 0, max_flow=10)) - (191, 0, 0)).max() <= 1


def test_flow_to_color_when_the_scale_is_fixed_then_pictures_compare():
    flow = np.zeros((2, 2, 2), np.float32)
    flow[0, 0] = (4, 0)
    longer = flow.copy()
    longer[1, 1] = (0, 40)
    assert np.array_equal(
        flow_to_color(flow, max_flow=50)[0, 0], flow_to_color(longer, max_flow=50)[0, 0]
    )
    assert not np.array_equal(flow_to_color(flow)[0, 0], flow_to_color(longer)[0, 0])


def test_flow_to_color_when_not_finite_then_black():
    assert one_pixel(np.nan, 0, max_flow=1) == [0, 0, 0]
    assert one_pixel(np.inf, 0, max_flow=1) == [0, 0, 0]


@given(angle=st.floats(-np.pi, np.pi), length=st.floats(0, 3))
def test_flow_to_color_when_any_flow_then_no_darker_than_the_hue(angle, length):
    pixel = one_pixel(length * np.cos(angle), length * np.sin(angle), max_flow=1)
    assert max(pixel) >= (254 if length <= 1 else 190)


def test_flow_to_color_when_wrong_then_flow_error():
    with pytest.raises(FlowError, match="shape"):
        flow_to_color(np.zeros((3, 4, 3), np.float32))
    for scale in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(FlowError, match="scale"):
            flow_to_color(np.zeros((3, 4, 2), np.float32), max_flow=scale)


def test_automatic_scale_when_some_are_not_finite_then_the_longest_of_the_rest():
    flow = np.zeros((3, 3, 2), np.float32)
    flow[0, 0] = (3, 4)
    flow[1, 1] = (np.inf, 0)
    assert automatic_scale(flow) == 5
    assert automatic_scale(np.zeros((3, 3, 2), np.float32)) > 0


def test_color_wheel_when_drawn_then_it_agrees_with_the_flow_colors():
    wheel = color_wheel(101)
    assert wheel.shape == (101, 101, 4)
    assert wheel[50, 50].tolist() == [255, 255, 255, 255]
    assert wheel[0, 0, 3] == 0
    flow = np.array([[[40 / 50.5, -20 / 50.5]]], np.float32)
    assert np.abs(wheel[30, 90, :3].astype(int) - flow_to_color(flow, max_flow=1)[0, 0]).max() <= 1
    with pytest.raises(FlowError, match="at least 1 px"):
        color_wheel(0)


def test_draw_legend_when_there_is_room_then_only_the_corner_changes():
    color = np.full((300, 400, 3), 255, np.uint8)
    drawn = draw_legend(color, 12.5)
    assert (color == 255).all()
    assert (drawn[:150] == 255).all()
    assert (drawn[:, :200] == 255).all()
    assert (drawn[200:, 300:] != 255).any()


def test_draw_legend_when_too_small_then_unchanged():
    color = np.full((20, 20, 3), 9, np.uint8)
    assert np.array_equal(draw_legend(color, 3), color)


def test_scale_text_when_any_length_then_short():
    assert scale_text(12.5) == "12.5 px"
    assert scale_text(0.001) == "0.001 px"
    assert scale_text(12345.6) == "12346 px"
