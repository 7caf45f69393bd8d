import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.errors import TrackError
from cmp_studio.document.takes import Take, take_at, take_from

ZIGZAG = take_from([(i / 30, 10.0 * (i % 2), i) for i in range(61)])


def test_take_from_when_clock_and_place_are_any_then_begins_at_zero():
    take = take_from([(100.0, 30, 40), (100.5, 33, 36), (101.0, 30, 50)])
    assert take.samples == ((0, 0, 0), (0.5, 3, -4), (1.0, 0, 10))
    assert take.seconds == 1.0


def test_take_from_when_recorded_at_half_speed_then_is_twice_as_fast():
    take = take_from([(0, 0, 0), (2.0, 8, 0)], recording_speed=0.5)
    assert take.seconds == 1.0
    assert take_at(take, 0.5) == (4, 0)


def test_take_from_when_times_stand_still_then_the_later_place_counts():
    take = take_from([(0, 0, 0), (1, 1, 1), (1, 2, 2), (0.5, 3, 3), (2, 9, 9)])
    assert take.samples == ((0, 0, 0), (1, 3, 3), (2, 9, 9))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (((0.0, 0.0, 0.0),), "2 to"),
        (((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)), "begins at"),
        (((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)), "must rise"),
        (((0.0, 0.0, 0.0), (1.0, math.nan, 0.0)), "finite"),
    ],
)
def test_take_when_its_samples_make_no_sense_then_says_so(samples, message):
    with pytest.raises(TrackError, match=message):
        Take(samples)


@pytest.mark.parametrize("change", [{"smoothing": -1}, {"smoothing": 9}, {"speed": 0}])
def test_take_when_a_setting_is_out_of_range_then_says_so(change):
    with pytest.raises(TrackError, match="must be from"):
        replace(ZIGZAG, **change)


def test_take_at_when_before_and_after_then_holds_its_ends():
    assert take_at(ZIGZAG, -1) == (0, 0)
    assert take_at(ZIGZAG, 99) == (0, 60)


def test_take_at_when_sped_up_then_is_there_sooner():
    fast = replace(ZIGZAG, speed=2.0)
    assert fast.seconds == pytest.approx(1.0)
    assert take_at(fast, 0.45) == pytest.approx(take_at(ZIGZAG, 0.9))


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.2])
def test_take_at_when_smoothed_then_trembles_less_and_keeps_its_ends(smoothing):
    smooth = replace(ZIGZAG, smoothing=smoothing)
    assert take_at(smooth, 0) == (0, 0)
    assert take_at(smooth, 2) == (0, 60)
    # In the middle the zigzag of 10 px averages to 5.
    assert [take_at(smooth, 1 + i / 90)[0] for i in range(4)] == pytest.approx([5] * 4, abs=0.25)
    assert smooth.samples == ZIGZAG.samples


@given(smoothing=st.floats(0.01, 2.0), at=st.floats(0, 2))
def test_take_at_when_it_went_evenly_then_smoothing_changes_nothing(smoothing, at):
    smooth = replace(ZIGZAG, smoothing=smoothing)
    assert take_at(smooth, at)[1] == pytest.approx(30 * at, abs=1e-6)
    assert -0.01 <= take_at(smooth, at)[0] <= 10.01
