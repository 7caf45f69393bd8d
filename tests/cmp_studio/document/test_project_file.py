import contextlib
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cmp_studio.document import project_file, scene_json
from cmp_studio.document.errors import SceneFileError, SceneVersionError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array, mask_to_array
from cmp_studio.document.motion import displacement
from cmp_studio.document.project_file import load_scene, load_thumbnail, save_scene
from cmp_studio.document.scene import (
    LOOP_MODES,
    SEQUENCE_MODES,
    FilmSettings,
    Scene,
    add_track,
    picture_from_bytes,
    replace_track,
    set_loop_range,
)
from cmp_studio.document.scene_edits import add_group
from cmp_studio.document.takes import Take
from cmp_studio.document.tracks import (
    EASINGS,
    REPEATS,
    Timing,
    make_arrow,
    make_path,
    make_pin,
    make_take,
)

DATA = Path(__file__).parent / "data"


def _picture_bytes(kind="PNG"):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


PICTURES = [
    picture_from_bytes(_picture_bytes(kind), f"größe.{kind}")
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
]
MASK = mask_from_array(np.tril(np.full((48, 64), 255, np.uint8)))


SOFT = replace(MASK, feather=2.5)
TAKE = Take(((0.0, 0.0, 0.0), (0.1, 2.0, 1.0), (0.5, -3.0, 4.0)), smoothing=0.1, speed=2.0)


def whole_scene():
    film = FilmSettings(3.5, 25.0, "seamless", 0.8, "chained", 180.0, 4, 2)
    scene = Scene(PICTURES[0], film=film, freeze=SOFT, fill="plate", plate=PICTURES[1])
    scene = add_track(scene, make_arrow((10, 20), (30.25, -4)))
    scene = add_track(scene, make_path(((1, 2), (3, 4), (5, 1)), timing=Timing(0.5, 2.0, "spring")))
    scene = add_track(scene, replace(make_pin((60, 40)), name="hip", color=3, is_on=False))
    scene = add_group(scene, Group(name="arm", mask=MASK, color=2), track_ids=[1])
    scene = add_group(scene, Group(is_on=False))
    scene = replace(scene, base_place=1)
    return add_track(scene, replace(make_take((20, 20), TAKE, start=0.5), group=4))


NUMBERS = st.floats(-1e6, 1e6)
INSIDE = st.tuples(st.floats(0, 63), st.floats(0, 47))
TIMINGS = st.builds(
    Timing,
    start=st.floats(0, 10),
    end=st.none() | st.floats(10.1, 99),
    easing=st.sampled_from(EASINGS),
    repeat=st.sampled_from(REPEATS),
    curve=st.tuples(st.floats(0, 1), st.floats(-2, 3), st.floats(0, 1), st.floats(-2, 3)),
    cycles=st.integers(1, 9),
    phase=st.floats(0, 0.99),
)
TAKES = st.builds(
    lambda ways, **options: Take(
        ((0.0, 0.0, 0.0), *((0.1 * (i + 1), *way) for i, way in enumerate(ways))), **options
    ),
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5),
    smoothing=st.floats(0, 2),
    speed=st.floats(0.1, 9),
    is_on=st.booleans(),
)


@st.composite
def tracks(draw):
    tail = draw(INSIDE)
    rest = draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4))
    track = draw(
        st.sampled_from(
            [
                make_pin(tail, stiffness=draw(st.floats(0, 99))),
                make_arrow(tail, rest[0]),
                make_path((tail, *rest), is_smooth=draw(st.booleans())),
                make_take(tail, draw(TAKES)),
            ]
        )
    )
    return replace(
        track,
        name=draw(st.text(max_size=8)),
        color=draw(st.integers(0, 99)),
        is_on=draw(st.booleans()),
        timing=draw(TIMINGS),
    )


@st.composite
def scenes(draw):
    film = st.builds(
        FilmSettings,
        duration=st.floats(0.01, 600),
        fps=st.floats(0.1, 240),
        loop=st.sampled_from(LOOP_MODES),
        strength=st.floats(0, 4),
        mode=st.sampled_from(SEQUENCE_MODES),
        shutter=st.floats(0, 720),
        subframes=st.integers(1, 64),
        supersample=st.integers(1, 4),
    )
    picture, freeze = st.sampled_from(PICTURES), st.sampled_from([None, MASK, SOFT])
    scene = Scene(draw(picture), (), draw(film), draw(freeze), draw(st.integers(1, 1000)))
    for mask in draw(st.lists(st.sampled_from([None, MASK, SOFT]), max_size=3)):
        scene = add_group(scene, Group(name=draw(st.text(max_size=4)), mask=mask))
    scene = replace(
        scene, base_place=draw(st.integers(0, len(scene.groups))), plate=draw(st.none() | picture)
    )
    if draw(st.booleans()):
        scene = replace(scene, fill="inpaint" if scene.plate is None else "plate")
    for track in draw(st.lists(tracks(), max_size=4)):
        group = draw(st.sampled_from([0, *(group.id for group in scene.groups)]))
        scene = add_track(scene, replace(track, group=group))
    return scene


@given(scene=scenes())
def test_load_scene_when_it_was_saved_then_is_the_same(scene, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "identity.cmps"
    save_scene(scene, path)
    loaded = load_scene(path)
    assert loaded == scene
    assert loaded.picture.data == scene.picture.data  # left out of the comparison of pictures


def test_save_scene_when_called_twice_then_writes_the_same_bytes(tmp_path):
    one, two = tmp_path / "one.cmps", tmp_path / "two.cmps"
    save_scene(whole_scene(), one, thumbnail=b"\x89PNG small")
    save_scene(load_scene(one), two, thumbnail=load_thumbnail(one))
    assert one.read_bytes() == two.read_bytes()


def test_save_scene_when_done_then_holds_the_members_that_are_documented(tmp_path):
    path = tmp_path / "a.cmps"
    save_scene(whole_scene(), path, thumbnail=b"\x89PNG small")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = {"scene.json", "picture.png", "masks/freeze.png", "thumbnail.png"}
        names |= {"masks/group-4.png", "plate.jpg"}
        assert set(archive.namelist()) == names
        assert archive.read("picture.png") == PICTURES[0].data
        assert json.loads(archive.read("scene.json"))["version"] == scene_json.VERSION
    assert load_thumbnail(path) == b"\x89PNG small"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.cmps"]


def test_save_scene_when_the_rename_fails_then_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.cmps"
    save_scene(whole_scene(), path)
    before = path.read_bytes()

    def refuse(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SceneFileError, match=r"can't be saved as .*a\.cmps: No space left"):
        save_scene(Scene(PICTURES[1]), path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_save_scene_when_the_folder_is_missing_then_names_it(tmp_path):
    with pytest.raises(SceneFileError, match=r"folder .*nowhere does not exist"):
        save_scene(whole_scene(), tmp_path / "nowhere" / "a.cmps")


def test_save_scene_when_the_target_is_a_link_then_keeps_the_link(tmp_path):
    real, link = tmp_path / "real.cmps", tmp_path / "link.cmps"
    save_scene(whole_scene(), real)
    link.symlink_to(real)
    save_scene(Scene(PICTURES[2]), link)
    assert link.is_symlink()
    assert load_scene(real) == Scene(PICTURES[2])


def test_load_thumbnail_when_there_is_none_then_gives_none(tmp_path):
    path = tmp_path / "a.cmps"
    save_scene(whole_scene(), path)
    assert load_thumbnail(path) is None
    assert load_thumbnail(tmp_path / "missing.cmps") is None


# What follows takes a good file, spoils one thing, and expects one sentence.


@pytest.fixture
def members(tmp_path):
    save_scene(whole_scene(), tmp_path / "good.cmps", thumbnail=b"\x89PNG")
    with zipfile.ZipFile(tmp_path / "good.cmps") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def respoken(members, change):
    values = json.loads(members["scene.json"])
    change(values)
    return {**members, "scene.json": json.dumps(values).encode()}


def refused(path, message, error=SceneFileError):
    with pytest.raises(error, match=message) as caught:
        load_scene(path)
    assert str(caught.value).startswith((path.name, "There is no", str(path)))
    assert "\n" not in str(caught.value)


def test_load_scene_when_it_was_packed_by_another_program_then_is_the_same(members, tmp_path):
    assert load_scene(write(tmp_path / "a.cmps", members)) == whole_scene()


@pytest.mark.parametrize(
    "member", ["scene.json", "picture.png", "masks/freeze.png", "masks/group-4.png", "plate.jpg"]
)
def test_load_scene_when_a_member_is_missing_then_names_it(members, tmp_path, member):
    del members[member]
    refused(write(tmp_path / "a.cmps", members), member.replace(".", r"\."))


def _set(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(values):
        for key in keys:
            values = values[key]
        values[last] = value

    return change


def _delete(*keys):
    def change(values):
        for key in keys[:-1]:
            values = values[key]
        del values[keys[-1]]

    return change


SPOILED = {
    "format": (_set("format", "other"), "not a scene of CMP Studio"),
    "version text": (_set("version", "1"), "'version' of the scene must be a whole number"),
    "version old": (_set("version", 0), "version 0, which this program can't read any more"),
    "unknown field": (_set("extra", 1), "unknown field 'extra'"),
    "lacks field": (_delete("film"), "the scene lacks 'film'"),
    "film list": (_set("film", []), "'film' of the scene must be an object"),
    "duration text": (_set("film", "duration", "2"), "must be a finite number, got '2'"),
    "duration bool": (_set("film", "duration", True), "must be a finite number, got True"),
    "duration range": (_set("film", "duration", 0), "Duration must be more than 0"),
    "duration huge": (_set("film", "duration", 10**400), "must be a finite number"),
    "loop": (_set("film", "loop", "forever"), "must be one of once, ping_pong, seamless, hold"),
    "loop list": (_set("film", "loop", ["once"]), "must be one of"),
    "tracks object": (_set("tracks", {}), "must be a list"),
    "track text": (_set("tracks", 0, "arrow"), "track 0 must be an object"),
    "id zero": (_set("tracks", 0, "id", 0), "ids must be from 1"),
    "id float": (_set("tracks", 0, "id", 1.0), "whole number"),
    "id twice": (_set("tracks", 0, "id", 2), "id of its own"),
    "kind": (_set("tracks", 0, "kind", "wave"), "must be one of arrow, path, pin, take"),
    "points few": (_set("tracks", 0, "points", [[1, 2]]), "two points, got 1"),
    "point short": (_set("tracks", 0, "points", 0, [1]), r"pairs \[x, y\]"),
    "point text": (_set("tracks", 0, "points", 0, ["1", 2]), r"pairs \[x, y\]"),
    "point outside": (_set("tracks", 0, "points", 0, [900, 2]), "outside of the picture"),
    "name": (_set("tracks", 0, "name", None), "must be text"),
    "is_on": (_set("tracks", 0, "is_on", 1), "true or false"),
    "timing": (_set("tracks", 1, "timing", "end", 0.1), "later than its start"),
    "timing field": (_delete("tracks", 1, "timing", "end"), "lacks 'end'"),
    "next_id": (_set("next_id", 2), "below next_id"),
    "picture path": (_set("picture", "file", "../picture.png"), "not to be trusted"),
    "picture other": (_set("picture", "file", "scene.json"), "not to be trusted"),
    "picture size": (_set("picture", "width", 65), "says that its picture is 65 x 48"),
    "picture hash": (_set("picture", "sha256", "0" * 64), "SHA-256 differs"),
    "curve": (_set("tracks", 0, "timing", "curve", [0, 1]), "four finite numbers"),
    "curve range": (_set("tracks", 0, "timing", "curve", [2, 0, 1, 1]), "x from 0 to 1"),
    "cycles": (_set("tracks", 0, "timing", "cycles", 0), "Cycles must be from 1"),
    "phase": (_set("tracks", 0, "timing", "phase", 1), "Phase must be"),
    "smooth": (_set("tracks", 1, "is_smooth", 1), "true or false"),
    "stiffness": (_set("tracks", 2, "stiffness", -1), "Stiffness must be"),
    "takes of an arrow": (lambda v: v["tracks"][0].update(takes=v["tracks"][3]["takes"]), "Only a"),
    "no take": (_set("tracks", 3, "takes", []), "A take has 1 to"),
    "take order": (
        _set("tracks", 3, "takes", 0, "samples", 2, [0.05, 1, 1]),
        "times of a take's samples must rise",
    ),
    "take sample": (_set("tracks", 3, "takes", 0, "samples", 1, [0.1, 2]), "triples"),
    "take speed": (_set("tracks", 3, "takes", 0, "speed", 0), "speed must be"),
    "group of a track": (_set("tracks", 0, "group", 99), "in group 99, which the scene has not"),
    "group id": (_set("groups", 1, "id", 1), "id of its own"),
    "group file": (_set("groups", 0, "mask", "file", "masks/group-9.png"), "one of masks/group-4"),
    "group feather": (_set("groups", 0, "mask", "feather", -1), "Feather must be"),
    "base place": (_set("base_place", 3), "From 0 to 2 groups"),
    "fill": (_set("fill", "magic"), "one of stretch, inpaint, plate"),
    "plate": (_set("plate", None), "the scene has none"),
    "plate path": (_set("plate", "file", "scene.json"), "not to be trusted"),
    "mode": (_set("film", "mode", "fast"), "one of total, chained"),
    "shutter": (_set("film", "shutter", -1), "shutter angle"),
    "subframes": (_set("film", "subframes", 0), "Subframes must be"),
    "supersample": (_set("film", "supersample", 9), "Supersampling must be"),
    "freeze path": (_set("freeze", "file", "/etc/passwd"), r"must be one of masks/freeze\.png"),
}


@pytest.mark.parametrize(("change", "message"), SPOILED.values(), ids=SPOILED)
def test_load_scene_when_a_field_is_wrong_then_says_which(members, tmp_path, change, message):
    refused(write(tmp_path / "a.cmps", respoken(members, change)), message)


def test_load_scene_when_a_newer_program_wrote_it_then_says_so(members, tmp_path):
    newer = respoken(members, _set("version", scene_json.VERSION + 1))
    refused(write(tmp_path / "a.cmps", newer), "newer CMP Studio", SceneVersionError)


def test_load_scene_when_version_1_wrote_it_then_has_what_it_had():
    scene = load_scene(DATA / "version_1.cmps")
    assert [track.kind for track in scene.tracks] == ["arrow", "path", "pin"]
    assert scene.tracks[1].timing == Timing(0.5, 2.0, "spring", "sway")
    assert scene.tracks[1].points == ((1, 2), (3, 4), (5, 1))
    assert scene.tracks[2] == replace(make_pin((60, 40)), id=3, name="hip", color=3, is_on=False)
    assert scene.film == FilmSettings(3.5, 25.0, "seamless", 0.8)
    assert np.array_equal(mask_to_array(scene.freeze), mask_to_array(MASK))
    assert (scene.groups, scene.fill, scene.plate, scene.next_id) == ((), "stretch", None, 4)


def test_load_scene_when_version_1_is_saved_anew_then_is_the_same_scene(tmp_path):
    scene = load_scene(DATA / "version_1.cmps")
    save_scene(scene, tmp_path / "new.cmps")
    assert load_scene(tmp_path / "new.cmps") == scene
    with zipfile.ZipFile(tmp_path / "new.cmps") as archive:
        assert json.loads(archive.read("scene.json"))["version"] == scene_json.VERSION


def test_load_scene_when_version_2_wrote_it_then_moves_as_it_did(tmp_path):
    scene = load_scene(DATA / "version_2.cmps")
    ways = [displacement(track, 0.9, scene.film) for track in scene.tracks]
    expected = [(7.776, 1.5552), (29.022, 29.5266), (0.0, 0.0), (-3.6, 6.0)]  # by version 2
    for way, (x, y) in zip(ways, expected, strict=True):
        assert way == pytest.approx((x, y), abs=1e-4)
    assert (scene.loop_range, scene.groups[0].name) == (None, "Arm")
    assert all(track.keys == () for track in scene.tracks)
    save_scene(scene, tmp_path / "new.cmps")
    assert load_scene(tmp_path / "new.cmps") == scene


def test_save_scene_when_it_has_a_loop_range_keys_and_delays_then_they_come_back(tmp_path):
    scene = set_loop_range(load_scene(DATA / "version_2.cmps"), (0.25, 1.0))
    path = replace(scene.tracks[1], keys=(0.3,))
    take = scene.tracks[3]
    take = replace(take, takes=(replace(take.takes[0], delay=0.125), *take.takes[1:]))
    scene = replace_track(replace_track(scene, path), take)
    save_scene(scene, tmp_path / "new.cmps")
    again = load_scene(tmp_path / "new.cmps")
    assert again == scene
    assert again.loop_range == (0.25, 1.0)
    assert again.tracks[1].keys == (0.3,)
    assert again.tracks[3].takes[0].delay == 0.125


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("loop_range", [2.0, 1.0]), "loop range must go from"),
        (_set("loop_range", [1.0]), "null or two finite numbers"),
        (_set("loop_range", "all"), "null or two finite numbers"),
        (_set("tracks", 1, "keys", [0.2, 0.4]), "a key for each point between its ends"),
        (_set("tracks", 1, "keys", [1.0]), "must rise"),
        (_set("tracks", 1, "keys", ["a"]), "a list of finite numbers"),
        (_set("tracks", 3, "takes", 0, "delay", -1), "delay must be"),
    ],
)
def test_load_scene_when_a_field_of_version_3_is_wrong_then_says_which(tmp_path, change, message):
    save_scene(load_scene(DATA / "version_2.cmps"), tmp_path / "now.cmps")
    with zipfile.ZipFile(tmp_path / "now.cmps") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    refused(write(tmp_path / "a.cmps", respoken(members, change)), message)


@pytest.mark.parametrize("field", ["tracks", "film", "freeze", "picture", "next_id"])
@pytest.mark.parametrize("value", [[1], {"a": 1}, "text", 7.5])
def test_load_scene_when_a_version_1_file_is_damaged_then_is_a_sentence(tmp_path, field, value):
    with zipfile.ZipFile(DATA / "version_1.cmps") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    refused(write(tmp_path / "a.cmps", respoken(members, _set(field, value))), "scene file is")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "scene.json"),
        (b"\xff\xfe\x00", "scene.json"),
        (b"[" * 100_000, "scene.json"),
        (b'{"format": NaN}', "NaN is not a number"),
        (b"[]", "not a scene of CMP Studio"),
    ],
)
def test_load_scene_when_the_json_is_broken_then_says_so(members, tmp_path, text, message):
    refused(write(tmp_path / "a.cmps", {**members, "scene.json": text}), message)


def test_load_scene_when_the_picture_is_damaged_then_says_so(members, tmp_path):
    cut = {**members, "picture.png": members["picture.png"][:-100]}
    refused(write(tmp_path / "a.cmps", cut), "damaged: größe.PNG is not a readable picture")
    none = {**members, "picture.png": b"nothing"}
    refused(write(tmp_path / "b.cmps", none), "damaged: größe.PNG is not a picture")


def test_load_scene_when_the_mask_is_damaged_or_does_not_fit_then_says_so(members, tmp_path):
    cut = {**members, "masks/freeze.png": members["masks/freeze.png"][:60]}
    refused(write(tmp_path / "a.cmps", cut), "mask is not a readable PNG")
    other = mask_from_array(np.zeros((20, 20), np.uint8)).png
    refused(
        write(tmp_path / "b.cmps", {**members, "masks/freeze.png": other}),
        "must have the size of the picture",
    )


def test_load_scene_when_a_member_unpacks_to_too_much_then_refuses(members, tmp_path, monkeypatch):
    monkeypatch.setitem(project_file._MAX_BYTES, "scene.json", 1_000_000)
    bomb = {**members, "scene.json": b" " * 2_000_000 + members["scene.json"]}
    refused(write(tmp_path / "a.cmps", bomb), "unpacks to 2.* bytes, at most 1000000")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil"])
def test_load_scene_when_a_member_points_outside_then_refuses(members, tmp_path, name):
    refused(write(tmp_path / "a.cmps", {**members, name: b"x"}), "not to be trusted")


def test_load_scene_when_it_has_too_many_members_then_refuses(members, tmp_path):
    many = members | {f"m{i}": b"" for i in range(70)}
    refused(write(tmp_path / "a.cmps", many), "some twice or too many")


def test_load_scene_when_packed_in_an_unknown_way_then_refuses(members, tmp_path):
    refused(write(tmp_path / "a.cmps", members, zipfile.ZIP_BZIP2), "packed in an unknown way")


def test_load_scene_when_any_byte_is_flipped_then_is_a_sentence_or_the_same_scene(
    members, tmp_path
):
    path = write(tmp_path / "a.cmps", members)
    good = path.read_bytes()
    generator = np.random.default_rng(11)
    for position in generator.integers(0, len(good), 300):
        spoiled = bytearray(good)
        spoiled[position] ^= 1 << int(generator.integers(8))
        path.write_bytes(spoiled)
        with contextlib.suppress(SceneFileError):  # any other error fails the test
            assert load_scene(path) == whole_scene()


def test_load_scene_when_the_file_is_cut_anywhere_then_is_a_sentence(members, tmp_path):
    path = write(tmp_path / "a.cmps", members)
    good = path.read_bytes()
    for length in range(0, len(good), len(good) // 40):
        path.write_bytes(good[:length])
        refused(path, "not a scene file")


def test_load_scene_when_it_is_no_file_then_says_so(tmp_path):
    refused(tmp_path / "missing.cmps", "There is no such file")
    (tmp_path / "folder.cmps").mkdir()
    refused(tmp_path / "folder.cmps", "can't be read")
