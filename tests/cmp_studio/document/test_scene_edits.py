from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.errors import SceneError, TrackError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.scene import Picture, Scene, add_track
from cmp_studio.document.scene_edits import (
    add_group,
    add_tracks,
    duplicate_tracks,
    layer_order,
    mirror_tracks,
    moved_layers,
    nudge_tracks,
    remove_group,
    replace_group,
    set_fill,
    set_group,
    set_layer_order,
)
from cmp_studio.document.takes import take_from
from cmp_studio.document.track_json import tracks_from_text, tracks_to_text
from cmp_studio.document.tracks import Timing, make_arrow, make_path, make_pin, make_take

PICTURE = Picture("a.png", 640, 480, b"", "0")
MASK = mask_from_array(np.full((480, 640), 255, np.uint8))


def scene_of(*tracks):
    scene = Scene(PICTURE)
    for track in tracks:
        scene = add_track(scene, track)
    return scene


def grouped():
    scene = scene_of(make_arrow((10, 10), (20, 10)), make_pin((30, 30)), make_pin((50, 50)))
    scene = add_group(scene, Group(name="back"), track_ids=[1])
    return add_group(scene, Group(name="front", mask=MASK), track_ids=[2])


def test_add_group_when_added_then_is_in_front_with_its_tracks():
    scene = grouped()
    assert [group.name for group in scene.groups] == ["back", "front"]
    assert [track.group for track in scene.tracks] == [4, 5, 0]
    assert layer_order(scene) == (0, 4, 5)
    assert scene.next_id == 6


def test_set_layer_order_when_turned_round_then_reads_back():
    scene = set_layer_order(grouped(), (5, 0, 4))
    assert layer_order(scene) == (5, 0, 4)
    assert [group.name for group in scene.groups] == ["front", "back"]
    assert scene.base_place == 1
    with pytest.raises(SceneError, match="each once"):
        set_layer_order(scene, (4, 5))


@pytest.mark.parametrize(
    ("layers", "move", "expected"),
    [
        ({1}, "forward", (0, 2, 1, 3)),
        ({1}, "backward", (1, 0, 2, 3)),
        ({1}, "front", (0, 2, 3, 1)),
        ({2}, "back", (2, 0, 1, 3)),
        ({0}, "forward", (1, 0, 2, 3)),
        ({3}, "forward", (0, 1, 2, 3)),
        ({3}, "front", (0, 1, 2, 3)),
        ({0}, "backward", (0, 1, 2, 3)),
        ({0, 2}, "forward", (1, 0, 3, 2)),
        ({2, 3}, "forward", (0, 1, 2, 3)),
        ({2, 3}, "backward", (0, 2, 3, 1)),
        ({0, 2}, "front", (1, 3, 0, 2)),
        ({1, 3}, "back", (1, 3, 0, 2)),
        ({7}, "front", (0, 1, 2, 3)),
        (set(), "backward", (0, 1, 2, 3)),
    ],
)
def test_moved_layers_when_some_go_further_then_the_others_keep_their_order(layers, move, expected):
    assert moved_layers((0, 1, 2, 3), layers, move) == expected


def test_remove_group_when_gone_then_its_tracks_stay():
    scene = remove_group(set_layer_order(grouped(), (5, 0, 4)), 5)
    assert layer_order(scene) == (0, 4)
    assert [track.group for track in scene.tracks] == [4, 0, 0]
    with pytest.raises(SceneError, match="no group number 5"):
        remove_group(scene, 5)


def test_replace_group_when_its_mask_does_not_fit_then_refuses():
    scene = grouped()
    assert replace_group(scene, replace(scene.groups[0], name="x")).groups[0].name == "x"
    small = mask_from_array(np.zeros((5, 5), np.uint8))
    with pytest.raises(SceneError, match="size of the picture"):
        replace_group(scene, replace(scene.groups[0], mask=small))


def test_set_group_when_there_is_no_such_group_then_refuses():
    with pytest.raises(TrackError, match="in group 77"):
        set_group(grouped(), [1], 77)


def test_duplicate_tracks_when_called_then_copies_lie_beside_under_new_ids():
    scene = duplicate_tracks(grouped(), [1, 3])
    assert [track.id for track in scene.tracks] == [1, 2, 3, 6, 7]
    assert scene.tracks[3].points == ((22, 22), (32, 22))
    assert scene.tracks[3].group == 4


def test_nudge_tracks_when_at_the_border_then_stay_on_the_picture():
    scene = nudge_tracks(grouped(), [1, 2], -25, 1)
    assert scene.tracks[0].points == ((0, 11), (10, 11))
    assert scene.tracks[1].points == ((5, 31),)
    assert nudge_tracks(scene, [], 5, 5) is scene


def test_mirror_tracks_when_several_then_about_their_middle():
    scene = mirror_tracks(grouped(), [1, 2], "horizontal")
    assert scene.tracks[0].points == ((30, 10), (20, 10))
    assert scene.tracks[1].points == ((10, 30),)
    one = mirror_tracks(grouped(), [1], "horizontal")
    assert one.tracks[0].points == ((10, 10), (0, 10))


def test_tracks_text_when_pasted_into_another_scene_then_are_the_same_inside_of_it():
    take = take_from([(0, 0, 0), (0.25, 3, 1)])
    tracks = (
        replace(make_arrow((600, 400), (620, 400), timing=Timing(0.5, easing="curve")), name="ä"),
        make_path(((1, 2), (3, 4), (5, 6)), is_smooth=False),
        make_pin((5, 5), stiffness=9),
        replace(make_take((9, 9), take), group=4),
    )
    back = tracks_from_text(tracks_to_text(tracks))
    assert back == tracks
    small = Scene(Picture("b.png", 100, 90, b"", "1"))
    pasted = add_tracks(small, back).tracks
    assert [track.id for track in pasted] == [1, 2, 3, 4]
    assert pasted[0].points == ((99, 89), (119, 89))  # moved onto the smaller picture
    assert pasted[3] == replace(tracks[3], id=4, group=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "something else"),
        ('{"format": "cmp-studio-tracks", "version": 9, "tracks": []}', "another version"),
        ('{"format": "cmp-studio-tracks", "version": 2, "tracks": [{}]}', "lacks"),
        ('{"format": "cmp-studio-tracks", "version": 2, "tracks": 5}', "must be a list"),
    ],
)
def test_tracks_from_text_when_it_is_no_such_text_then_says_so(text, message):
    with pytest.raises(TrackError, match=message):
        tracks_from_text(text)


def test_set_fill_when_there_is_no_plate_then_refuses():
    scene = grouped()
    assert set_fill(scene, "inpaint").fill == "inpaint"
    with pytest.raises(SceneError, match="choose a file"):
        set_fill(scene, "plate")
    with pytest.raises(SceneError, match="shape of the picture"):
        set_fill(scene, "plate", plate=Picture("p.png", 480, 640, b"", "2"))
    half = Picture("p.png", 320, 240, b"", "2")
    assert set_fill(scene, "plate", plate=half).plate is half
