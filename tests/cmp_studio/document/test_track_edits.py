import math
from dataclasses import replace

import pytest

from cmp_studio.document.errors import TrackError
from cmp_studio.document.motion import displacement, goal
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.takes import take_from
from cmp_studio.document.track_edits import (
    add_point,
    insert_point,
    insert_point_near,
    mirror_track,
    path_from_take,
    remove_point,
    set_displacement,
    set_smooth,
    set_start,
    set_take,
    with_take,
)
from cmp_studio.document.tracks import make_arrow, make_path, make_pin, make_take

ARROW = make_arrow((10, 10), (50, 10))
PATH = make_path(((0, 0), (10, 0), (10, 10)))
PIN = make_pin((5, 6), stiffness=4)
TAKE = take_from([(0, 0, 0), (1, 8, 4), (2, 0, 0)])
FILM = FilmSettings(4.0, loop="once")


def test_add_point_when_on_an_arrow_then_is_a_path_that_goes_on():
    path = add_point(ARROW, (60, 30))
    assert (path.kind, path.points) == ("path", ((10, 10), (50, 10), (60, 30)))


def test_insert_point_when_in_the_middle_then_keeps_both_ends():
    path = insert_point(ARROW, 1, (30, 20))
    assert path.points == ((10, 10), (30, 20), (50, 10))
    assert remove_point(path, 1) == ARROW


def test_insert_point_near_when_on_a_leg_then_goes_into_that_leg():
    path, index = insert_point_near(PATH, (11, 6))
    assert (index, path.points) == (2, ((0, 0), (10, 0), (11, 6), (10, 10)))


def test_remove_point_when_the_start_goes_then_the_next_is_the_start():
    assert remove_point(PATH, 0).points == ((10, 0), (10, 10))


@pytest.mark.parametrize(
    "edit",
    [
        lambda: add_point(PIN, (1, 1)),
        lambda: insert_point(ARROW, 0, (1, 1)),
        lambda: insert_point(ARROW, 3, (1, 1)),
        lambda: remove_point(ARROW, 0),
        lambda: remove_point(PATH, 3),
        lambda: set_displacement(PIN, 1, 1),
        lambda: path_from_take(ARROW),
        lambda: set_take(make_take((1, 1), TAKE), 0, None),
        lambda: set_take(make_take((1, 1), TAKE), 1, TAKE),
        lambda: set_displacement(make_path(((0, 0), (5, 5), (0, 0))), 3, 3),
    ],
)
def test_edit_when_it_makes_no_sense_then_says_so(edit):
    with pytest.raises(TrackError):
        edit()


def test_set_smooth_when_off_then_the_path_goes_straight():
    straight = set_smooth(make_path(((0, 0), (100, 0), (100, 100))), False)
    from cmp_studio.document.motion import along, drawn_line

    assert drawn_line(straight) == straight.points
    assert along(straight, 0.25) == pytest.approx((50, 0))
    assert along(straight, 0.75) == pytest.approx((100, 50))


def test_set_start_when_moved_then_all_of_it_moves():
    assert set_start(PATH, (5, 5)).points == ((5, 5), (15, 5), (15, 15))


def test_set_displacement_when_typed_then_the_end_is_there_and_the_way_is_turned():
    assert set_displacement(ARROW, -3, 4).points == ((10, 10), (7, 14))
    turned = set_displacement(PATH, -20, 20)  # twice as long, a quarter turn
    assert turned.points[1] == pytest.approx((0, 20))
    assert turned.points[2] == (-20, 20)


def test_mirror_track_when_done_twice_then_is_as_before():
    for track in (ARROW, PATH, PIN, make_take((3, 4), TAKE)):
        for axis in ("horizontal", "vertical"):
            assert mirror_track(mirror_track(track, axis, 40.0), axis, 40.0) == track


def test_mirror_track_when_at_its_start_then_goes_to_the_other_side():
    assert mirror_track(ARROW, "horizontal", 10).points == ((10, 10), (-30, 10))
    take = mirror_track(make_take((3, 4), TAKE), "horizontal", 3)
    assert displacement(take, 1.0, FILM) == (-8, 4)


def test_with_take_when_on_a_pin_then_moves_as_recorded_from_then_on():
    track = with_take(replace(PIN, id=7, name="hip"), TAKE, start=1.0, mode="layer")
    assert (track.id, track.name, track.kind, track.stiffness) == (7, "hip", "take", 4)
    assert displacement(track, 0.9, FILM) == (0, 0)
    assert displacement(track, 2.0, FILM) == (8, 4)
    assert displacement(track, 3.5, FILM) == (0, 0)


def test_with_take_when_layered_then_displacements_add_up_each_at_its_time():
    track = make_take((5, 6), TAKE, start=1.0)
    for start in (0.5, 1.5):
        both = with_take(track, TAKE, start=start, mode="layer")
        alone = make_take((5, 6), TAKE, start=start)
        for time in (0.0, 0.7, 1.2, 1.9, 2.6, 3.9):
            parts = [displacement(t, time, FILM) for t in (track, alone)]
            wanted = tuple(map(sum, zip(*parts, strict=True)))
            assert displacement(both, time, FILM) == pytest.approx(wanted, abs=1e-9)


def test_with_take_when_new_then_replaces_the_old_one():
    track = with_take(make_take((5, 6), TAKE, start=1.0), TAKE, start=0.0, mode="new")
    assert (len(track.takes), track.timing.start) == (1, 0.0)


def test_set_take_when_a_layer_is_off_then_it_does_not_count():
    both = with_take(make_take((5, 6), TAKE), TAKE, start=0.0, mode="layer")
    assert displacement(both, 1.0, FILM) == (16, 8)
    one = set_take(both, 1, replace(TAKE, is_on=False))
    assert displacement(one, 1.0, FILM) == (8, 4)
    assert set_take(both, 0, None).takes == (TAKE,)


def test_path_from_take_when_simple_then_has_few_points_on_the_recorded_way():
    samples = [(i / 60, 40 * math.sin(i / 60), i / 2) for i in range(121)]
    path = path_from_take(make_take((100, 100), take_from(samples), start=0.5), tolerance=1.0)
    assert path.kind == "path"
    assert 3 <= len(path.points) < 12
    assert path.head == pytest.approx((100 + 40 * math.sin(2), 160))
    assert (path.timing.start, path.timing.end) == (0.5, 2.5)
    assert goal(path) == pytest.approx(path.span)
