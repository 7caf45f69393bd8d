from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.hints import beyond_reach, near_border, split_track
from cmp_studio.document.motion import along
from cmp_studio.document.scene import FilmSettings, Picture, Scene, add_track
from cmp_studio.document.tracks import make_arrow, make_path, make_pin


def scene_of(*tracks, strength=1.0):
    film = FilmSettings(strength=strength)
    scene = Scene(Picture("a.png", 640, 480, b"", "0"), film=film)
    for track in tracks:
        scene = add_track(scene, track)
    return scene


def test_beyond_reach_when_an_axis_is_too_long_then_names_the_track():
    scene = scene_of(make_arrow((10, 10), (60, 60)), make_arrow((10, 10), (10, 62)))
    assert beyond_reach(scene, 50) == (2,)
    assert beyond_reach(scene, None) == ()
    assert beyond_reach(replace(scene, film=FilmSettings(strength=1.5)), 50) == (1, 2)


def test_split_track_when_too_long_then_all_legs_are_within_reach_on_the_same_way():
    track = make_arrow((10, 10), (130, 60))
    split = split_track(track, 50)
    assert split.points == ((10, 10), (50, pytest.approx(26.667, abs=1e-3)),
                            (90, pytest.approx(43.333, abs=1e-3)), (130, 60))  # fmt: skip
    assert beyond_reach(scene_of(split), 50) == ()
    assert along(split, 0.4) == pytest.approx(along(track, 0.4))
    assert split_track(split, 50) is split


@given(
    points=st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 400)), min_size=2, max_size=6, unique=True
    ),
    smooth=st.booleans(),
)
def test_split_track_when_any_path_then_is_within_reach_and_keeps_its_points(points, smooth):
    track = make_path(tuple(points), is_smooth=smooth)
    split = split_track(track, 60)
    assert beyond_reach(scene_of(split), 60) == ()
    assert [point for point in split.points if point in track.points] == list(track.points)


def test_split_track_when_it_is_a_pin_then_stays():
    pin = make_pin((3, 3))
    assert split_track(pin, 5) is pin


def test_near_border_when_a_start_is_close_then_names_the_track():
    scene = scene_of(
        make_arrow((5, 200), (60, 200)), make_arrow((300, 474), (300, 400)), make_pin((1, 1)),
        make_arrow((300, 200), (639, 200)),
    )  # fmt: skip
    assert near_border(scene) == (1, 2)
