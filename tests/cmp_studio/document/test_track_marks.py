"""Marks of paths and takes in time: where they are, and what moving them does."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.errors import TrackError
from cmp_studio.document.motion import along, displacement, drawn_line
from cmp_studio.document.path_keys import even_keys, way_share
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.takes import take_from
from cmp_studio.document.track_edits import (
    add_point,
    insert_point,
    path_from_take,
    remove_point,
    with_take,
)
from cmp_studio.document.track_marks import moved_mark, track_marks
from cmp_studio.document.tracks import Timing, make_path, make_take

FILM = FilmSettings(duration=2.0, fps=24, loop="once")
STEADY = Timing(easing="linear")
CORNER = make_path(((0, 0), (10, 0), (10, 30)), timing=STEADY, is_smooth=False)
LONG = make_path(((0, 0), (20, 10), (40, 0), (60, 10), (80, 0)), timing=STEADY)


def two_recordings():
    first = make_take((5, 5), take_from([(0, 0, 0), (0.5, 8, 0), (1.0, 8, 4)]), start=0.25)
    return with_take(first, take_from([(0, 0, 0), (0.4, 0, 6)]), start=0.75, mode="layer")


@pytest.mark.parametrize("is_smooth", [True, False])
def test_way_share_when_keys_are_those_of_even_speed_then_changes_nothing(is_smooth):
    track = replace(LONG, is_smooth=is_smooth)
    keyed = replace(track, keys=even_keys(track))
    for step in range(21):
        assert along(keyed, step / 20) == pytest.approx(along(track, step / 20), abs=1e-6)


@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3, unique=True), st.booleans())
def test_way_share_when_keys_are_any_then_never_goes_back_and_passes_each_point(keys, is_smooth):
    keys = tuple(sorted(keys))
    if min(b - a for a, b in zip((0.0, *keys), (*keys, 1.0), strict=True)) < 1e-4:
        return
    track = replace(LONG, keys=keys, is_smooth=is_smooth)
    shares = [way_share(track, step / 200) for step in range(201)]
    assert all(b >= a - 1e-12 for a, b in pairwise(shares))
    assert (shares[0], shares[-1]) == (0, 1)
    for key, (x, y) in zip(keys, track.points[1:-1], strict=True):
        assert along(track, key) == pytest.approx((x, y), abs=1e-6)


def test_marks_of_a_path_when_at_even_speed_then_at_the_share_of_its_length():
    (mark,) = track_marks(CORNER, FILM)
    assert (mark.kind, mark.index) == ("point", 1)
    assert mark.time == pytest.approx(0.5, abs=0.01)


def test_point_when_moved_in_time_then_passed_there_and_the_ends_stay():
    (mark,) = track_marks(CORNER, FILM)
    moved = moved_mark(CORNER, FILM, mark, 1.5)
    assert displacement(moved, 1.5, FILM) == pytest.approx((10, 0), abs=1e-6)
    assert displacement(moved, 2.0, FILM) == (10, 30)
    assert moved.points == CORNER.points
    assert track_marks(moved, FILM)[0].time == pytest.approx(1.5, abs=0.01)


def test_point_when_moved_past_its_neighbours_then_stays_between_them():
    marks = track_marks(LONG, FILM)
    moved = moved_mark(LONG, FILM, marks[1], 99.0)
    assert moved.keys[0] < moved.keys[1] < moved.keys[2]
    moved = moved_mark(moved, FILM, marks[1], -99.0)
    assert 0 < moved.keys[0] < moved.keys[1] < moved.keys[2] < 1


@pytest.mark.parametrize("repeat", ["ping_pong", "sway", "pulse"])
def test_point_when_the_path_is_repeated_then_moved_in_its_first_way(repeat):
    track = replace(CORNER, timing=Timing(easing="linear", repeat=repeat))
    (mark,) = track_marks(track, FILM)
    for time in (mark.time * 1.5, 5.0):
        assert 0 < moved_mark(track, FILM, mark, time).keys[0] < 1


def test_points_when_put_in_and_taken_out_then_the_others_keep_their_times():
    track = replace(LONG, keys=(0.2, 0.5, 0.8))
    more = insert_point(track, 2, (30, 20))
    assert more.keys == pytest.approx((0.2, 0.35, 0.5, 0.8))
    assert remove_point(more, 2).keys == pytest.approx(track.keys)
    assert remove_point(track, 0).keys == (0.5, 0.8)
    assert remove_point(track, 4).keys == (0.2, 0.5)
    assert len(add_point(track, (90, 0)).keys) == 4


def test_keys_when_they_do_not_fit_then_refused():
    with pytest.raises(TrackError, match="a key for each point"):
        replace(LONG, keys=(0.5,))
    with pytest.raises(TrackError, match="must rise"):
        replace(LONG, keys=(0.5, 0.4, 0.6))


def test_marks_of_a_take_when_layered_then_begin_and_end_of_each_recording():
    marks = track_marks(two_recordings(), FILM)
    found = [(mark.kind, mark.index, mark.time) for mark in marks]
    assert found == [
        ("begin", 1, pytest.approx(0.75)),
        ("end", 1, pytest.approx(1.15)),
        ("end", 0, pytest.approx(1.25)),
    ]


def test_recording_when_its_begin_is_moved_then_all_of_it_comes_later():
    track = two_recordings()
    begin = track_marks(track, FILM)[0]
    moved = moved_mark(track, FILM, begin, 1.0)
    assert moved.takes[1].delay == pytest.approx(0.75)
    assert moved.takes[0] == track.takes[0]
    assert displacement(moved, 1.2, FILM)[1] == pytest.approx(
        displacement(track, 0.95, FILM)[1] + 4 * 0.9 - 4 * 0.4, abs=0.05
    )
    assert moved_mark(track, FILM, begin, -5.0).takes[1].delay == 0


def test_recording_when_its_end_is_moved_then_plays_faster_or_slower():
    track = two_recordings()
    end = track_marks(track, FILM)[2]
    moved = moved_mark(track, FILM, end, 2.0)
    assert moved.takes[0].speed == pytest.approx(1.0 / 1.75)
    assert track_marks(moved, FILM)[-1].time == pytest.approx(2.0)
    assert 0 < moved_mark(track, FILM, end, 0.0).takes[0].speed <= 20


def test_path_of_a_take_when_made_then_passes_its_points_when_the_take_did():
    samples = [(0, 0, 0), (0.8, 10, 0), (1.0, 10, 40)]  # slow, then fast round the corner
    take = make_take((5, 5), take_from(samples))
    path = replace(path_from_take(take), is_smooth=False)
    assert np.allclose(path.points, [(5, 5), (15, 5), (15, 45)], atol=2)
    for time in (0.4, 0.8, 0.9):
        assert displacement(path, time, FILM) == pytest.approx(
            displacement(take, time, FILM), abs=0.7
        )


def test_marks_when_a_path_ends_where_it_starts_then_in_order():
    ring = make_path(((0, 0), (10, 0), (10, 10), (0, 0)), timing=STEADY, is_smooth=False)
    times = [mark.time for mark in track_marks(ring, FILM)]
    assert times == sorted(times)
    assert len(drawn_line(ring)) == 4
