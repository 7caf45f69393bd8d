import math
from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.errors import SceneError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.motion import displacement, loop_gap
from cmp_studio.document.presets import PRESETS, apply_preset
from cmp_studio.document.scene import FilmSettings, Picture, Scene, add_track, set_freeze
from cmp_studio.document.scene_edits import add_group
from cmp_studio.document.tracks import make_arrow, make_pin

EMPTY = Scene(Picture("a.png", 640, 480, b"", "0"), film=FilmSettings(4.0))
DISC = np.hypot(*np.mgrid[-200:280, -300:340]) < 120
PINS = ((200, 100), (260, 100), (200, 220), (260, 220))


def pinned():
    scene = EMPTY
    for point in PINS:
        scene = add_track(scene, make_pin(point, stiffness=5))
    return scene


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_when_put_onto_pins_then_their_spots_move_and_the_loop_closes(preset):
    scene = apply_preset(pinned(), preset, track_ids=[1, 2, 3, 4])
    assert {track.id for track in scene.tracks} == {5, 6, 7, 8}
    assert {track.tail for track in scene.tracks} == set(PINS)
    assert {track.kind for track in scene.tracks} <= {"arrow", "pin"}
    assert {track.stiffness for track in scene.tracks} == {5}
    ways = [
        math.hypot(*displacement(track, time / 10, scene.film))
        for track in scene.tracks
        for time in range(40)
    ]
    assert 2 <= max(ways) < 0.3 * 120
    assert scene.film.loop == "seamless"
    assert loop_gap(scene) == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_when_put_onto_a_mask_then_finds_places_inside_of_it(preset):
    mask = mask_from_array(DISC.astype(np.uint8) * 255)
    scene = add_group(EMPTY, Group(mask=mask))
    scene = apply_preset(scene, preset)
    assert len(scene.tracks) == 9
    for track in scene.tracks:
        x, y = track.tail
        assert DISC[round(y), round(x)]
        assert track.group == scene.groups[0].id
    assert apply_preset(scene, preset, amount=2.0).tracks[:9] == scene.tracks


def test_preset_when_only_a_freeze_mask_is_there_then_moves_what_it_leaves_free():
    scene = set_freeze(EMPTY, mask_from_array((~DISC).astype(np.uint8) * 255))
    for track in apply_preset(scene, "wave").tracks:
        assert DISC[round(track.tail[1]), round(track.tail[0])]


def test_preset_when_nothing_is_there_then_moves_the_middle():
    assert len(apply_preset(EMPTY, "breathe").tracks) == 4


def test_preset_when_other_things_move_already_then_the_film_stays():
    scene = add_track(pinned(), make_arrow((9, 9), (20, 9)))
    result = apply_preset(scene, "nod", track_ids=[2])
    assert result.film == scene.film
    assert [track.id for track in result.tracks] == [1, 3, 4, 5, 6]


def test_preset_when_larger_then_moves_farther():
    def farthest(amount):
        scene = apply_preset(pinned(), "sway", amount=amount)
        return max(math.hypot(*track.span) for track in scene.tracks)

    assert farthest(2.0) == pytest.approx(2 * farthest(1.0))


def test_preset_when_the_mask_is_one_pixel_then_moves_it():
    one = np.zeros((480, 640), np.uint8)
    one[70, 90] = 255
    scene = apply_preset(add_group(EMPTY, Group(mask=mask_from_array(one))), "flicker")
    assert [track.tail for track in scene.tracks] == [(90, 70)]
    empty = add_group(EMPTY, Group(mask=mask_from_array(one * 0)))
    assert len(apply_preset(empty, "flicker").tracks) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "dance"}, "breathe, sway"),
        ({"preset": "nod", "amount": 0}, "above 0"),
        ({"preset": "nod", "group": 9}, "no group number 9"),
    ],
)
def test_preset_when_asked_for_nonsense_then_says_so(options, message):
    with pytest.raises(SceneError, match=message):
        apply_preset(EMPTY, **options)


def test_preset_when_a_group_is_named_then_goes_onto_its_mask():
    left = np.zeros((480, 640), np.uint8)
    left[100:300, 50:200] = 255
    scene = add_group(EMPTY, Group(mask=mask_from_array(left)))
    scene = add_group(scene, replace(Group(), mask=mask_from_array(np.fliplr(left).copy())))
    tracks = apply_preset(scene, "sway", group=scene.groups[0].id).tracks
    assert all(track.tail[0] < 200 for track in tracks)
