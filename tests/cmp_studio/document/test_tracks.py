import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.errors import TrackError
from cmp_studio.document.tracks import (
    Timing,
    Track,
    keep_inside,
    make_arrow,
    make_path,
    make_pin,
    move_head,
    move_point,
    move_tail,
    move_track,
)

COORDINATES = st.floats(-1e4, 1e4)


def test_makers_when_called_then_give_tracks_without_an_id():
    arrow = make_arrow((1, 2), (3, 5))
    assert (arrow.id, arrow.kind, arrow.tail, arrow.head) == (0, "arrow", (1.0, 2.0), (3.0, 5.0))
    assert arrow.span == (2.0, 3.0)
    assert make_pin((4, 5)).points == ((4.0, 5.0),)
    assert make_path(((0, 0), (1, 1), (2, 0))).kind == "path"


def test_track_when_changed_then_refuses():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_pin((1, 1)).name = "x"


@pytest.mark.parametrize(
    ("kind", "points", "message"),
    [
        ("arrow", ((0.0, 0.0),), "two points, got 1"),
        ("path", ((0.0, 0.0),), "2 to 10000 points, got 1"),
        ("pin", ((0.0, 0.0), (1.0, 1.0)), "has one, got 2"),
        ("arrow", ((0.0, 0.0), (float("nan"), 1.0)), "finite"),
        ("wobble", ((0.0, 0.0),), "kind must be one of arrow, path, pin"),
    ],
)
def test_track_when_its_points_make_no_sense_then_says_what_it_wants(kind, points, message):
    with pytest.raises(TrackError, match=message):
        Track(1, kind, points)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"start": -1.0}, "0 s or later"),
        ({"start": float("inf")}, "0 s or later"),
        ({"start": 1.0, "end": 1.0}, "later than its start"),
        ({"easing": "bouncy"}, "linear, ease, spring"),
        ({"repeat": "twice"}, "once, ping_pong, sway, pulse"),
    ],
)
def test_timing_when_out_of_range_then_says_what_it_wants(values, message):
    with pytest.raises(TrackError, match=message):
        Timing(**values)


@pytest.mark.parametrize("field", ["id", "color"])
def test_track_when_a_number_is_negative_then_refuses(field):
    with pytest.raises(TrackError, match="0 or more"):
        dataclasses.replace(make_pin((0, 0)), **{field: -1})


def test_moves_when_called_then_change_only_what_they_name():
    path = make_path(((0, 0), (5, 5), (9, 0)))
    assert move_track(path, 1, -1).points == ((1, -1), (6, 4), (10, -1))
    assert move_head(path, (9, 9)).points == ((0, 0), (5, 5), (9, 9))
    assert move_tail(path, (1, 1)).points == ((1, 1), (5, 5), (9, 0))
    assert move_point(path, 1, (4, 4)).points == ((0, 0), (4, 4), (9, 0))
    assert move_head(make_pin((1, 1)), (2, 3)).points == ((2, 3),)
    with pytest.raises(TrackError, match="points 0 to 2, got number 3"):
        move_point(path, 3, (0, 0))


@given(x=COORDINATES, y=COORDINATES)
def test_keep_inside_when_moved_then_the_tail_is_on_the_picture_and_the_span_stays(x, y):
    arrow = keep_inside(make_arrow((x, y), (x + 8, y - 4)), 100, 60)
    assert 0 <= arrow.tail[0] <= 99
    assert 0 <= arrow.tail[1] <= 59
    assert arrow.span == pytest.approx((8, -4))
    assert keep_inside(arrow, 100, 60).tail == pytest.approx(arrow.tail)
