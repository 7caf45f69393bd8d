import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.motion import (
    HOLD_SECONDS,
    along,
    curve_points,
    displacement,
    eased,
    film_seconds,
    frame_times,
    guidance_at,
    peak_guidance,
    progress,
    repeated,
)
from cmp_studio.document.scene import FilmSettings, Picture, Scene, add_track
from cmp_studio.document.tracks import EASINGS, REPEATS, Timing, make_arrow, make_path, make_pin

SCENE = Scene(Picture("a.png", 640, 480, b"", "0"))
ARROW = make_arrow((10, 20), (50, 0))
SHARES = st.floats(0, 1)
POINTS = st.tuples(st.floats(0, 500), st.floats(0, 500))
PATHS = st.lists(POINTS, min_size=2, max_size=7).map(tuple)


@pytest.mark.parametrize("easing", EASINGS)
def test_eased_when_at_and_beyond_the_ends_then_is_exact(easing):
    assert [eased(easing, u) for u in (-3.0, 0.0, 1.0, 7.0)] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("easing", EASINGS)
def test_eased_when_near_the_ends_then_has_no_jump(easing):
    assert eased(easing, 1e-7) == pytest.approx(0, abs=1e-5)
    assert eased(easing, 1 - 1e-7) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("easing", ["linear", "ease"])
@given(a=SHARES, b=SHARES)
def test_eased_when_not_a_spring_then_never_goes_back(easing, a, b):
    assert eased(easing, min(a, b)) <= eased(easing, max(a, b)) + 1e-12


@pytest.mark.parametrize("easing", ["ease", "spring"])
def test_eased_when_gentle_then_starts_at_rest(easing):
    assert eased(easing, 1e-4) / 1e-4 < 0.01


def test_eased_when_a_spring_then_overshoots_by_a_sixth_and_settles():
    values = [eased("spring", i / 1000) for i in range(1001)]
    assert 1.12 < max(values) < 1.2
    assert all(abs(value - 1) < 0.03 for value in values[650:])


@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("repeat", [repeat for repeat in REPEATS if repeat != "once"])
def test_repeated_when_it_returns_then_both_ends_are_exactly_zero(easing, repeat):
    assert (repeated(repeat, easing, 0.0), repeated(repeat, easing, 1.0)) == (0.0, 0.0)


@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("repeat", REPEATS)
def test_repeated_when_time_goes_on_then_has_no_jump(easing, repeat):
    values = [repeated(repeat, easing, i / 2000) for i in range(2001)]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.02


@pytest.mark.parametrize("easing", EASINGS)
def test_repeated_when_it_sways_then_goes_as_far_to_both_sides(easing):
    values = [repeated("sway", easing, i / 400) for i in range(401)]
    assert max(values) == pytest.approx(-min(values), abs=1e-9)
    assert max(values) >= 1.0
    assert repeated("sway", easing, 0.5) == pytest.approx(0, abs=1e-9)


def test_progress_when_before_and_after_its_window_then_waits_and_holds():
    film = FilmSettings(duration=4.0, loop="once")
    timing = Timing(start=1.0, end=3.0)
    assert [progress(timing, t, film) for t in (0.0, 1.0, 2.0, 3.0, 4.0)] == [0, 0, 0.5, 1, 1]
    assert progress(Timing(start=5.0), 4.0, film) == 0.0
    assert progress(Timing(start=2.0, end=100.0), 4.0, film) == 1.0  # a window past the end is cut


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.3, 1.1), (0.5, 99.0)])
def test_displacement_when_seamless_then_first_equals_last(repeat, easing, start, end):
    film = FilmSettings(loop="seamless")
    track = replace(ARROW, timing=Timing(start, end, easing, repeat))
    assert displacement(track, 0.0, film) == (0.0, 0.0)
    assert displacement(track, film.duration, film) == (0.0, 0.0)


def test_displacement_when_scaled_then_is_multiplied_by_the_strength():
    film = FilmSettings(loop="once", strength=0.5)
    assert displacement(ARROW, film.duration, film) == (20.0, -10.0)
    assert displacement(make_pin((3, 3)), 1.0, film) == (0.0, 0.0)


def test_along_when_an_arrow_then_goes_straight_and_beyond():
    assert along(ARROW, 0.5) == (20.0, -10.0)
    assert along(ARROW, 1.1) == pytest.approx((44.0, -22.0))
    assert along(ARROW, -1.0) == (-40.0, 20.0)


@given(points=PATHS)
def test_along_when_a_path_then_starts_and_ends_exactly(points):
    path = make_path(points)
    assert along(path, 0.0) == (0.0, 0.0)
    end = (points[-1][0] - points[0][0], points[-1][1] - points[0][1])
    assert along(path, 1.0) == pytest.approx(end, abs=1e-9)


@given(points=PATHS)
def test_curve_points_when_a_path_then_passes_through_every_point(points):
    curve = curve_points(points)
    for point in points:
        assert min(math.dist(point, sample) for sample in curve) < 1e-6


@given(points=PATHS, share=SHARES)
def test_along_when_a_path_then_stays_on_its_curve(points, share):
    x, y = along(make_path(points), share)
    at = (x + points[0][0], y + points[0][1])
    curve = curve_points(points)
    longest = max(math.dist(a, b) for a, b in pairwise(curve)) if len(curve) > 1 else 0.0
    assert min(math.dist(at, sample) for sample in curve) <= longest / 2 + 1e-6


def test_along_when_a_path_then_goes_at_even_speed():
    path = make_path(((0, 0), (10, 0), (200, 100), (210, 300), (400, 310)))
    places = [along(path, i / 100) for i in range(101)]
    steps = [math.dist(a, b) for a, b in pairwise(places)]
    assert max(steps) / min(steps) < 1.05


def test_along_when_a_path_is_overshot_then_goes_on_straight():
    path = make_path(((0, 0), (100, 0), (200, 0)))
    assert along(path, 1.1) == pytest.approx((220, 0), abs=1e-6)
    assert along(path, -0.1) == pytest.approx((-20, 0), abs=1e-6)


def test_along_when_all_points_of_a_path_are_one_then_stays():
    path = make_path(((5, 5), (5, 5), (5, 5)))
    assert [along(path, share) for share in (0.3, 1.0, 1.5)] == [(0.0, 0.0)] * 3


def test_guidance_when_tracks_are_off_then_leaves_them_out_and_pins_are_zeros():
    scene = add_track(add_track(SCENE, ARROW), make_pin((7, 8)))
    scene = add_track(scene, replace(ARROW, is_on=False))
    points, displacements = guidance_at(scene, scene.film.duration)
    assert points == [(10.0, 20.0), (7.0, 8.0)]
    assert displacements == [(40.0, -20.0), (0.0, 0.0)]
    assert guidance_at(SCENE, 1.0) == ([], [])


def test_peak_guidance_when_a_track_comes_back_then_still_is_its_goal():
    track = replace(ARROW, timing=Timing(repeat="ping_pong"))
    scene = add_track(SCENE, track)
    assert guidance_at(scene, scene.film.duration)[1] == [(0.0, 0.0)]
    assert peak_guidance(scene) == ([(10.0, 20.0)], [(40.0, -20.0)])


def test_frame_times_when_once_then_spans_the_duration_exactly():
    times = frame_times(FilmSettings(duration=2.0, fps=24.0, loop="once"))
    assert (len(times), times[0], times[-1]) == (48, 0.0, 2.0)


@given(duration=st.floats(0.01, 20), fps=st.floats(1, 60))
def test_frame_times_when_ping_pong_then_each_turning_point_comes_once(duration, fps):
    times = frame_times(FilmSettings(duration=duration, fps=fps, loop="ping_pong"))
    assert times.count(0.0) == 1
    assert times.count(max(times)) == 1
    assert max(times) == duration
    assert times[1:] == times[:0:-1]  # the same there and back, so the end leads into the start


@given(duration=st.floats(0.01, 20), fps=st.floats(1, 60))
def test_frame_times_when_seamless_then_the_next_frame_would_be_the_first(duration, fps):
    times = frame_times(FilmSettings(duration=duration, fps=fps, loop="seamless"))
    assert times[0] == 0.0
    assert times[-1] + duration / len(times) == pytest.approx(duration)


def test_frame_times_when_hold_then_rests_on_the_last_frame():
    film = FilmSettings(duration=1.0, fps=10.0, loop="hold")
    times = frame_times(film)
    assert times[10:] == [1.0] * round(HOLD_SECONDS * 10)
    assert film_seconds(film) == 1.0 + HOLD_SECONDS


def test_frame_times_when_the_film_is_very_short_then_has_two_frames():
    assert len(frame_times(FilmSettings(duration=0.001))) == 2


@pytest.mark.parametrize("loop", ["ping_pong", "seamless"])
def test_film_when_it_loops_then_the_seam_is_no_larger_than_any_other_step(loop):
    film = FilmSettings(loop=loop)
    places = [displacement(ARROW, time, film) for time in frame_times(film)]
    steps = [math.dist(a, b) for a, b in pairwise(places)]
    assert math.dist(places[-1], places[0]) <= max(steps)
    assert math.dist(places[-1], places[0]) > 0  # and the end is not shown twice
