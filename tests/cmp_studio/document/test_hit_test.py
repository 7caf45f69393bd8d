from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.hit_test import Hit, distance_to, hit, nearest_track, tracks_in
from cmp_studio.document.scene import Picture, Scene, add_track
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import make_arrow, make_path, make_pin, make_take

EMPTY = Scene(Picture("a.png", 640, 480, b"", "0"))


def scene_of(*tracks):
    scene = EMPTY
    for track in tracks:
        scene = add_track(scene, track)
    return scene


@pytest.mark.parametrize(
    ("point", "part"),
    [((102, 100), "tail"), ((198, 101), "head"), ((150, 104), "body"), ((150, 120), None)],
)
def test_hit_when_near_an_arrow_then_names_the_part(point, part):
    found = hit(scene_of(make_arrow((100, 100), (200, 100))), point, 10)
    assert found == (None if part is None else Hit(1, part))


def test_hit_when_near_a_pin_on_a_shaft_then_the_handle_wins():
    scene = scene_of(make_pin((150, 108)), make_arrow((100, 100), (200, 100)))
    assert hit(scene, (150, 101), 12) == Hit(1, "pin")
    assert hit(scene, (120, 101), 12) == Hit(2, "body")


def test_hit_when_handles_compete_then_the_nearest_wins_and_the_later_one_at_equal_distance():
    scene = scene_of(make_pin((100, 100)), make_pin((106, 100)), make_pin((100, 100)))
    assert hit(scene, (104, 100), 12) == Hit(2, "pin")
    assert hit(scene, (99, 100), 12) == Hit(3, "pin")


def test_hit_when_an_arrow_has_no_length_then_gives_its_head():
    assert hit(scene_of(make_arrow((50, 50), (50, 50))), (52, 50), 12) == Hit(1, "head")


def test_hit_when_a_path_bends_then_follows_the_curve():
    scene = scene_of(make_path(((0, 0), (100, 200), (200, 0))))
    assert hit(scene, (100, 198), 5) == Hit(1, "body")
    assert hit(scene, (100, 20), 5) is None


def test_hit_when_the_track_is_off_then_still_takes_it():
    scene = scene_of(replace(make_pin((10, 10)), is_on=False))
    assert hit(scene, (11, 10), 5) == Hit(1, "pin")


def test_nearest_track_when_far_away_then_still_finds_one():
    scene = scene_of(make_pin((10, 10)), make_arrow((400, 400), (500, 400)))
    assert nearest_track(scene, (0, 300)).id == 1
    assert nearest_track(scene, (450, 300)).id == 2
    assert nearest_track(EMPTY, (0, 0)) is None


@given(x=st.floats(0, 639), y=st.floats(0, 479), radius=st.floats(0, 300))
def test_hit_when_something_is_hit_then_it_is_within_the_radius(x, y, radius):
    scene = scene_of(make_pin((30, 40)), make_arrow((100, 100), (300, 220)))
    found = hit(scene, (x, y), radius)
    near = min(distance_to(track, (x, y)) for track in scene.tracks)
    assert (found is not None) == (near <= radius)


def test_hit_when_points_are_asked_for_then_names_the_one_between_the_ends():
    scene = scene_of(make_path(((100, 100), (150, 160), (200, 100), (250, 160))))
    assert hit(scene, (199, 101), 10, has_points=True) == Hit(1, "point", 2)
    assert hit(scene, (199, 101), 10).part == "body"
    assert hit(scene, (249, 159), 10, has_points=True) == Hit(1, "head")


def test_hit_when_on_the_way_of_a_take_then_is_its_body():
    take = take_from([(0, 0, 0), (1, 80, 0), (2, 80, 60)])
    scene = scene_of(make_take((100, 100), take))
    assert hit(scene, (102, 100), 10) == Hit(1, "pin")
    assert hit(scene, (178, 140), 10) == Hit(1, "body")
    assert hit(scene, (178, 140), 10, has_takes=False) is None


def test_tracks_in_when_a_box_is_drawn_then_has_those_with_a_point_inside():
    scene = scene_of(make_pin((10, 10)), make_arrow((50, 50), (90, 90)), make_pin((200, 5)))
    assert tracks_in(scene, (95, 95), (80, 80)) == (2,)
    assert tracks_in(scene, (0, 0), (60, 60)) == (1, 2)
    assert tracks_in(scene, (300, 300), (400, 400)) == ()
