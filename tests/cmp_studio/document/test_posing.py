from dataclasses import replace
from itertools import pairwise

import pytest

from cmp_studio.document.groups import Group
from cmp_studio.document.motion import (
    displacement,
    guide_points,
    loop_gap,
    peak_guidance,
    track_span,
)
from cmp_studio.document.posing import peak_pose, pose_at
from cmp_studio.document.scene import FilmSettings, Picture, Scene, add_track
from cmp_studio.document.scene_edits import add_group, replace_group, set_layer_order
from cmp_studio.document.shutter import exposure_times
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import Timing, make_arrow, make_path, make_pin, make_take

PICTURE = Picture("a.png", 640, 480, b"", "0")
TAKE = take_from([(0, 0, 0), (0.5, 10, 5), (1.0, 20, -3)])


def scene_of(*tracks, **film):
    scene = Scene(PICTURE, film=FilmSettings(**{"duration": 2.0, "loop": "once", **film}))
    for track in tracks:
        scene = add_track(scene, track)
    return scene


LINEAR = Timing(easing="linear")


def test_pose_at_when_there_are_groups_then_each_has_its_tracks_back_to_front():
    scene = scene_of(make_arrow((10, 10), (20, 10)), make_pin((50, 50)), make_pin((60, 60)))
    scene = add_group(scene, Group(), track_ids=[1])
    scene = add_group(scene, Group(), track_ids=[2])
    scene = set_layer_order(scene, (5, 0, 4))
    layers = pose_at(scene, 2.0)
    assert [layer.group for layer in layers] == [5, 0, 4]
    assert layers[2].displacements == ((10, 0),)
    assert (layers[0].points, layers[1].points) == (((50, 50),), ((60, 60),))
    assert [layer.is_rest for layer in layers] == [True, True, False]
    off = replace_group(scene, replace(scene.group(4), is_on=False))
    assert [layer.group for layer in pose_at(off, 2.0)] == [5, 0]


def test_pose_at_when_the_way_is_long_then_is_given_in_full_steps():
    scene = scene_of(make_arrow((10, 10), (110, 60), timing=LINEAR), make_pin((5, 5)))
    (layer,) = pose_at(scene, 2.0, step_px=30)
    assert [step[0][0] for step in layer.via] == pytest.approx([30, 60, 90])
    assert [step[1] for step in layer.via] == [(0, 0)] * 3
    (half,) = pose_at(scene, 1.0, step_px=30)
    assert half.via[0][0] == pytest.approx(
        layer.via[0][0]
    )  # a growing arrow passes the same places
    assert pose_at(scene, 0.5, step_px=30)[0].via == ()
    assert pose_at(scene, 2.0)[0].via == ()


def test_pose_at_when_a_path_is_long_then_steps_follow_it():
    path = make_path(((10, 10), (110, 10), (110, 110)), timing=LINEAR, is_smooth=False)
    (layer,) = pose_at(scene_of(path), 2.0, step_px=50)
    corner = [step[0] for step in layer.via]
    assert corner == [pytest.approx((50, 0)), pytest.approx((100, 0)), pytest.approx((100, 50))]


def test_peak_pose_when_it_is_a_take_then_is_where_it_is_farthest():
    (layer,) = peak_pose(scene_of(make_take((10, 10), TAKE)))
    assert layer.displacements[0] == pytest.approx((20, -3), abs=0.5)
    assert peak_guidance(scene_of(make_take((10, 10), TAKE)))[1] == [layer.displacements[0]]


def test_guide_points_when_stiff_then_surround_the_start_on_the_picture():
    places = guide_points(make_pin((100, 100), stiffness=20), 640, 480)
    assert places[0] == (100, 100)
    assert len(places) == 13
    assert all(((x - 100) ** 2 + (y - 100) ** 2) ** 0.5 <= 20.001 for x, y in places)
    corner = guide_points(make_pin((0, 0), stiffness=20), 640, 480)
    assert all(x >= 0 and y >= 0 for x, y in corner)
    assert 1 < len(corner) < 13
    (layer,) = pose_at(scene_of(make_pin((100, 100), stiffness=20)), 0.0)
    assert len(layer.points) == len(layer.displacements) == 13


def test_take_when_it_has_an_end_then_is_cut_there_and_holds():
    film = FilmSettings(4.0, loop="once")
    track = replace(make_take((1, 1), TAKE, start=1.0), timing=Timing(1.0, 1.5))
    assert displacement(track, 1.5, film) == displacement(track, 3.0, film) == (10, 5)
    assert track_span(track, film) == (1.0, 1.5)
    assert track_span(make_take((1, 1), TAKE, start=1.0), film) == (1.0, 2.0)


@pytest.mark.parametrize(("repeat", "seconds"), [("ping_pong", 2), ("sway", 4)])
def test_take_when_it_repeats_then_goes_at_its_own_speed(repeat, seconds):
    film = FilmSettings(20.0, loop="once")
    track = replace(make_take((1, 1), TAKE), timing=Timing(repeat=repeat, cycles=2))
    assert displacement(track, 0.5, film) == pytest.approx((10, 5))
    assert displacement(track, 1.5, film) == pytest.approx((10, 5))
    assert displacement(track, seconds + 0.5, film) == pytest.approx((10, 5))
    assert displacement(track, 2.0 * seconds, film) == (0, 0)
    assert track_span(track, film) == (0.0, 2.0 * seconds)
    if repeat == "sway":
        assert displacement(track, 2.5, film) == pytest.approx((-10, -5))


MOVING = [
    make_arrow((10, 10), (50, 30)),
    make_arrow((10, 10), (50, 30), timing=Timing(0.3, 1.1, "spring")),
    make_arrow((10, 10), (50, 30), timing=Timing(repeat="sway", cycles=3, phase=0.37)),
    make_path(((10, 10), (50, 30), (20, 90)), timing=Timing(repeat="pulse", phase=0.9)),
    make_take((10, 10), TAKE, start=0.25),
    replace(make_take((10, 10), TAKE), timing=Timing(repeat="sway", cycles=2)),
]


@pytest.mark.parametrize("track", MOVING)
def test_loop_gap_when_seamless_then_is_exactly_zero(track):
    scene = scene_of(track, loop="seamless")
    assert loop_gap(scene) == 0
    assert displacement(track, 0.0, scene.film) == displacement(track, 2.0, scene.film)


def test_loop_gap_when_it_jumps_then_is_how_far():
    assert loop_gap(scene_of(MOVING[0])) == pytest.approx((40**2 + 20**2) ** 0.5)
    assert loop_gap(scene_of(MOVING[0], strength=0.5)) == pytest.approx(500**0.5)
    assert loop_gap(scene_of(MOVING[0], loop="ping_pong")) == 0
    assert loop_gap(scene_of(replace(MOVING[0], is_on=False))) == 0
    assert loop_gap(scene_of()) == 0


def test_take_when_the_film_is_seamless_then_nothing_jumps_on_its_way():
    scene = scene_of(MOVING[4], loop="seamless")
    ways = [displacement(MOVING[4], i / 500, scene.film) for i in range(1001)]
    steps = [max(abs(b[0] - a[0]), abs(b[1] - a[1])) for a, b in pairwise(ways)]
    assert max(steps) < 0.2
    assert max(x for x, _ in ways) > 5


def test_exposure_times_when_there_is_no_blur_then_is_the_frames_own():
    assert exposure_times(FilmSettings(), 0.7) == [0.7]
    assert exposure_times(FilmSettings(shutter=180, subframes=1), 0.7) == [0.7]


def test_exposure_times_when_half_open_then_span_half_of_a_frame_about_it():
    film = FilmSettings(2.0, 10.0, "seamless", shutter=180, subframes=5)
    assert exposure_times(film, 1.0) == pytest.approx([0.98, 0.99, 1.0, 1.01, 1.02])


@pytest.mark.parametrize("loop", ["once", "hold", "ping_pong", "seamless"])
def test_exposure_times_when_at_the_ends_then_stay_on_the_timeline(loop):
    film = FilmSettings(2.0, 10.0, loop, shutter=360, subframes=4)
    for time in (0.0, 2.0):
        times = exposure_times(film, time)
        assert all(0 <= t <= 2 for t in times)
        if loop == "ping_pong":  # it turns round there: both halves show the same
            assert sorted(times)[::2] == pytest.approx(sorted(times)[1::2])
