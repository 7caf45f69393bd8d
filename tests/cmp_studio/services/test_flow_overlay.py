import numpy as np
import pytest

from cmp_studio.document.scene import add_track
from cmp_studio.document.tracks import make_arrow
from cmp_studio.services.flow_overlay import (
    MIN_SCALE_PX,
    automatic_scale,
    colored_flow,
    legend_wheel,
    needles,
)
from tests.cmp_studio.fakes import make_scene


def test_automatic_scale_when_there_are_arrows_then_the_longest():
    scene = add_track(make_scene(arrows=1), make_arrow((10, 10), (40, 50)))
    assert automatic_scale(scene) == pytest.approx(50)


def test_automatic_scale_when_nothing_moves_then_no_zero():
    assert automatic_scale(make_scene(pins=1)) == MIN_SCALE_PX
    assert automatic_scale(None) == MIN_SCALE_PX


def test_colored_flow_when_still_then_transparent_and_when_strong_then_opaque():
    flow = np.zeros((2, 3, 2), np.float16)
    flow[0, 0] = (10, 0)
    colored = colored_flow(flow, 10.0)
    assert colored.shape == (2, 3, 4)
    assert colored[0, 0, 3] == 255
    assert (colored[1, :, 3] == 0).all()


def test_colored_flow_when_opposite_then_other_colours():
    flow = np.zeros((1, 2, 2), np.float16)
    flow[0, 0], flow[0, 1] = (10, 0), (-10, 0)
    colored = colored_flow(flow, 10.0)
    assert (colored[0, 0, :3] != colored[0, 1, :3]).any()


def test_needles_when_half_moves_then_only_there_and_at_true_length():
    flow = np.zeros((10, 20, 2), np.float16)
    flow[:, 10:] = (4, -2)
    table = needles(flow, (100, 200), 20.0)
    assert (table[:, 0] > 100).all()
    assert table[:, 2:].tolist() == [[4.0, -2.0]] * len(table)
    assert len(table) == 25


def test_legend_wheel_when_drawn_then_its_corners_are_transparent():
    wheel = legend_wheel(40)
    assert wheel.shape == (40, 40, 4)
    assert wheel[0, 0, 3] == 0
    assert wheel[20, 20, 3] == 255
