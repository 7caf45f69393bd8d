"""What is drawn on the command line, as the scene that `animate --save-scene` writes."""

import json

import numpy as np
import pytest
from PIL import Image

from cmp_studio.cli import main
from cmp_studio.cli.drawing import take_from_csv
from cmp_studio.document.errors import TrackError
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.project_file import load_scene
from cmp_studio.document.scene_edits import layer_order
from cmp_studio.document.track_json import tracks_to_text
from cmp_studio.document.tracks import make_arrow, make_pin


@pytest.fixture
def folder(tmp_path):
    ys, xs = np.mgrid[:80, :120].astype(np.uint8)
    Image.fromarray(np.stack([xs, ys, xs + ys], -1)).save(tmp_path / "photo.png")
    mask = np.zeros((80, 120), np.uint8)
    mask[20:60, 30:90] = 255
    Image.fromarray(mask).save(tmp_path / "arm.png")
    (tmp_path / "wave.csv").write_text("t,dx,dy\n5.0,0,0\n5.5,4,-2\n\n6.0,0,0\n")
    return tmp_path


@pytest.fixture
def drawn(folder, capsys):
    """Run `animate` with some options and return the scene."""

    def call(*options):
        scene = folder / "out.cmps"
        words = ["animate", str(folder / "photo.png"), *map(str, options)]
        code = main([*words, "--save-scene", str(scene)])
        assert code == 0, capsys.readouterr().err
        return load_scene(scene)

    return call


def test_animate_when_there_are_groups_then_what_follows_one_is_in_it(drawn, folder):
    scene = drawn(
        "--arrow", "5,5,9,9", "--group", folder / "arm.png", "--arrow", "50,40,3,4",
        "--pin", "60,50", "--group", "none", "--path", "9,9:20,9", "--feather", "1.5",
    )  # fmt: skip
    first, second = scene.groups
    assert layer_order(scene) == (0, first.id, second.id)
    assert (first.name, first.mask.feather, second.mask) == ("arm", 1.5, None)
    assert mask_to_array(first.mask)[30, 40] == 255
    assert [(track.kind, track.group) for track in scene.tracks] == [
        ("arrow", 0), ("arrow", first.id), ("path", second.id), ("pin", first.id),
    ]  # fmt: skip


def test_animate_when_a_take_is_given_then_plays_it(drawn, folder):
    scene = drawn(
        "--take", f"50,40,{folder / 'wave.csv'}", "--smoothing", "0.1", "--speed", "2",
        "--repeat", "sway", "--cycles", "2",
    )  # fmt: skip
    (track,) = scene.tracks
    (take,) = track.takes
    assert take.samples == ((0, 0, 0), (0.5, 4, -2), (1.0, 0, 0))
    assert (take.smoothing, take.speed) == (0.1, 2)
    assert (track.timing.repeat, track.timing.cycles) == ("sway", 2)


def test_animate_when_motion_and_film_are_chosen_then_the_scene_has_them(drawn, folder):
    scene = drawn(
        "--path", "5,5:20,5:20,20", "--straight", "--curve", "0.1,0,0.9,1.5", "--pin", "50,50,12",
        "--mode", "chained", "--shutter", "180", "--subframes", "4", "--supersample", "2",
        "--fill", folder / "photo.png", "--freeze", folder / "arm.png", "--feather", "2",
    )  # fmt: skip
    path, pin = scene.tracks
    assert (path.is_smooth, path.timing.easing, path.timing.curve) == (
        False, "curve", (0.1, 0, 0.9, 1.5),
    )  # fmt: skip
    assert pin.stiffness == 12
    film = scene.film
    assert (film.mode, film.shutter, film.subframes, film.supersample) == ("chained", 180, 4, 2)
    assert (scene.fill, scene.plate.name, scene.freeze.feather) == ("plate", "photo.png", 2)


def test_animate_when_a_preset_is_given_then_goes_onto_the_mask(drawn, folder):
    scene = drawn("--group", folder / "arm.png", "--preset", "sway:2")
    assert {track.group for track in scene.tracks} == {scene.groups[0].id}
    assert scene.film.loop == "seamless"
    assert max(track.span[0] for track in scene.tracks) > 5


def test_animate_when_tracks_come_from_a_file_then_are_added(drawn, folder):
    file = folder / "tracks.json"
    file.write_text(tracks_to_text([make_arrow((5, 5), (9, 9)), make_pin((300, 9))]))
    scene = drawn("--tracks", file)
    assert [track.tail for track in scene.tracks] == [(5, 5), (119, 9)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pin", "1,2,-3"), "radius of 0 or more"),
        (("--pin", "1"), "should be X,Y"),
        (("--take", "1,2"), "should be X,Y,FILE"),
        (("--curve", "2,0,1,1"), "x from 0 to 1"),
        (("--preset", "dance"), "breathe, sway, wave, nod, wind, flicker"),
        (("--preset", "nod:0"), "more than 0"),
        (("--mode", "fast"), "total"),
    ],
)
def test_animate_when_an_option_makes_no_sense_then_is_wrong_usage(
    folder, capsys, options, message
):
    code = main(["animate", str(folder / "photo.png"), *options, "-o", str(folder / "a.mp4")])
    assert code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--group", "missing.png"), "There is no file missing.png"),
        (("--fill", "inpiant"), "There is no file inpiant"),
        (("--take", "1,2,missing.csv"), "There is no file missing.csv"),
        (("--shutter", "9999"), "shutter angle must be"),
        (("--supersample", "9"), "Supersampling must be"),
    ],
)
def test_animate_when_something_can_not_be_used_then_is_one_line(folder, capsys, options, message):
    target = str(folder / "a.cmps")
    code = main(["animate", str(folder / "photo.png"), *options, "--save-scene", target])
    error = capsys.readouterr().err
    assert code == 1
    assert message in error
    assert error.count("\n") == 1


def test_take_from_csv_when_a_row_is_wrong_then_names_it():
    with pytest.raises(TrackError, match=r"Row 2 of a\.csv should be seconds, dx, dy"):
        take_from_csv("0,0,0\n1,two,3\n", "a.csv")
    with pytest.raises(TrackError, match=r"Row 2 .* has a value"):
        take_from_csv("0,0,0\n1,nan,3\n", "a.csv")
    with pytest.raises(TrackError, match="2 to"):
        take_from_csv("", "a.csv")


def test_animate_when_saved_as_json_then_says_where(folder, capsys):
    target = folder / "a.cmps"
    words = ["animate", str(folder / "photo.png"), "--preset", "breathe", "--json"]
    assert main([*words, "--save-scene", str(target)]) == 0
    assert json.loads(capsys.readouterr().out)["scene"] == str(target)
