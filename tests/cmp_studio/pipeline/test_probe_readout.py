import numpy as np
import pytest

from cmp_engine.errors import GuidanceError
from cmp_engine.probe_grid import ProbeGrid
from cmp_studio.pipeline.findings import Finding
from cmp_studio.pipeline.probe_readout import (
    layers_of,
    paint,
    part_places,
    profile_table,
    read_at,
)

GRID = ProbeGrid((40, 80), (20, 40))  # half the picture's size


@pytest.fixture
def finding():
    """The right half goes 6 px right and 8 px down, in px of the picture."""
    flow = np.zeros((20, 40, 2), np.float32)
    flow[:, 20:] = (3, 4)
    ramp = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (20, 1))
    labels = np.ones((20, 40), np.int64)
    labels[:, 20:] = 2
    return Finding(
        kind="response",
        sentence="It moves.",
        numbers={},
        grid=GRID,
        flows={"flow": flow},
        maps={"follow": ramp, "curl": ramp - 0.5},
        labels={"parts": labels},
    )


def test_read_when_on_a_flow_then_is_in_px_of_the_picture(finding):
    found = read_at(finding, "flow", (60, 20))
    assert (found.u, found.v, found.magnitude) == pytest.approx((6, 8, 10))
    assert found.angle == pytest.approx(np.degrees(np.arctan2(8, 6)))
    assert (found.value, found.part) == (None, None)


def test_read_when_on_a_map_then_gives_its_value_and_the_flow_below(finding):
    found = read_at(finding, "follow", (39.5, 20))
    assert found.value == pytest.approx(0.5)
    assert found.magnitude == pytest.approx(5)


def test_read_when_on_parts_then_names_the_part(finding):
    assert [read_at(finding, "parts", (x, 5)).part for x in (10, 70)] == [1, 2]


def test_read_when_outside_then_says_so(finding):
    with pytest.raises(GuidanceError, match="outside of the picture"):
        read_at(finding, "flow", (200, 20))


def test_profile_when_across_the_edge_then_the_length_jumps_there(finding):
    table = profile_table(finding, "flow", ((0, 20), (79, 20)))
    distance, length = (np.array([row[i] for row in table.rows]) for i in (0, 3))
    assert distance[-1] == pytest.approx(79)
    assert length[distance < 36].max() == 0
    assert length[distance > 42].min() == pytest.approx(10)
    assert table.columns[3] == "length_px"


def test_profile_when_along_a_map_then_has_its_values(finding):
    table = profile_table(finding, "follow", ((0, 20), (79, 20)))
    values = [row[3] for row in table.rows]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1)


def test_profile_when_there_is_no_flow_then_is_none(finding):
    bare = Finding("influence", "None.", {}, GRID)
    assert profile_table(bare, "photo", ((0, 0), (5, 5))) is None


def test_paint_when_the_scale_is_fixed_then_the_rim_is_that_long(finding):
    fixed = paint(finding, "flow", scale=40)
    assert (fixed.legend, fixed.high) == ("wheel", 40)
    assert paint(finding, "flow").high == pytest.approx(10)
    assert fixed.pixels.shape == (20, 40, 4)
    assert fixed.pixels[5, 5, 3] == 0  # what stays lets the photo through
    assert fixed.pixels[5, 30, 3] > 0


def test_paint_when_a_map_has_a_sign_then_its_bar_is_around_0(finding):
    signed, plain = paint(finding, "curl"), paint(finding, "follow")
    assert signed.low == -signed.high
    assert (plain.low, plain.high) == (0, 1)


def test_paint_when_parts_then_each_has_a_colour_and_a_place(finding):
    layer = paint(finding, "parts")
    assert tuple(layer.pixels[10, 5]) != tuple(layer.pixels[10, 35])
    (first, x1, _), (second, x2, _) = part_places(finding, "parts")
    assert (first, second) == (1, 2)
    assert x1 < 40 < x2


def test_paint_when_the_layer_is_not_there_then_is_none(finding):
    assert paint(finding, "photo") is None
    assert layers_of(finding) == ("flow", "follow", "curl", "parts")
