import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cmp_studio.document.errors import PictureError, SceneError, TrackError
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.scene import (
    FilmSettings,
    Scene,
    add_track,
    picture_from_bytes,
    picture_suffix,
    remove_tracks,
    replace_track,
    set_film,
    set_freeze,
)
from cmp_studio.document.tracks import make_arrow, make_pin, move_track


def picture_bytes(kind="PNG", size=(64, 48), **options):
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 100, 50)).save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width, height):
    """A BMP whose header claims a size that its few bytes don't have."""
    data = bytearray(picture_bytes("BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


@pytest.fixture
def scene():
    return Scene(picture_from_bytes(picture_bytes(), "a.png"))


def test_add_track_when_tracks_were_removed_then_never_uses_an_id_twice(scene):
    two = add_track(add_track(scene, make_pin((1, 1))), make_pin((2, 2)))
    assert [track.id for track in two.tracks] == [1, 2]
    again = add_track(remove_tracks(two, [2]), make_pin((3, 3)))
    assert [track.id for track in again.tracks] == [1, 3]
    assert scene.tracks == ()


def test_replace_track_when_it_is_there_then_keeps_the_order(scene):
    two = add_track(add_track(scene, make_arrow((1, 1), (5, 5))), make_pin((2, 2)))
    moved = replace_track(two, move_track(two.track(1), 3, 0))
    assert [track.tail for track in moved.tracks] == [(4, 1), (2, 2)]
    assert moved.tracks[1] is two.tracks[1]


def test_track_when_the_id_is_not_there_then_says_so(scene):
    with pytest.raises(TrackError, match="no track number 7"):
        scene.track(7)
    with pytest.raises(TrackError, match="no track number 7"):
        replace_track(scene, replace(make_pin((0, 0)), id=7))
    assert remove_tracks(scene, [7]) == scene


@pytest.mark.parametrize("point", [(-1, 5), (64, 5), (5, 48), (5, -0.6)])
def test_add_track_when_it_starts_outside_then_names_the_picture_size(scene, point):
    with pytest.raises(TrackError, match="outside of the picture, which is 64 x 48"):
        add_track(scene, make_pin(point))


def test_add_track_when_only_its_head_is_outside_then_takes_it(scene):
    assert add_track(scene, make_arrow((63, 47), (200, -50))).tracks[0].head == (200, -50)


def test_scene_when_ids_clash_then_refuses(scene):
    pin = replace(make_pin((0, 0)), id=1)
    with pytest.raises(TrackError, match="id of its own"):
        replace(scene, tracks=(pin, pin), next_id=2)
    with pytest.raises(TrackError, match="below next_id"):
        replace(scene, tracks=(pin,), next_id=1)


def test_set_freeze_when_the_size_differs_then_refuses(scene):
    good = mask_from_array(np.zeros((48, 64), np.uint8))
    assert set_freeze(scene, good).freeze == good
    assert set_freeze(set_freeze(scene, good), None) == scene
    with pytest.raises(SceneError, match="64 x 48, got 48 x 64"):
        set_freeze(scene, mask_from_array(np.zeros((64, 48), np.uint8)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"duration": 0.0}, "Duration"),
        ({"duration": float("nan")}, "Duration"),
        ({"duration": 601.0}, "at most 600 s"),
        ({"fps": 0.0}, "Frames per second"),
        ({"strength": -0.1}, "Strength"),
        ({"loop": "forever"}, "once, ping_pong, seamless, hold"),
    ],
)
def test_film_settings_when_out_of_range_then_says_what_it_wants(scene, values, message):
    with pytest.raises(SceneError, match=message):
        FilmSettings(**values)
    assert set_film(scene, FilmSettings(fps=12.0)).film.fps == 12.0


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("WEBP", ".webp"),
        ("TIFF", ".tif"),
        ("BMP", ".bmp"),
        ("GIF", ".gif"),
        ("AVIF", ".avif"),
    ],
)
def test_picture_from_bytes_when_a_known_kind_then_measures_it(kind, suffix):
    picture = picture_from_bytes(picture_bytes(kind), "/some/where/photo.any")
    assert (picture.name, picture.width, picture.height) == ("photo.any", 64, 48)
    assert picture_suffix(picture) == suffix


def test_picture_from_bytes_when_the_camera_lay_on_its_side_then_gives_the_shown_size():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = picture_from_bytes(picture_bytes("JPEG", exif=exif), "a.jpg")
    assert (picture.width, picture.height) == (48, 64)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a picture known here"),
        (b"hello", "not a picture known here"),
        (picture_bytes()[:20], "not a"),
        (picture_bytes(size=(15, 40)), "at least 16 px"),
        (claiming(9_500, 11_000), "at most 100 megapixels, got 9500 x 11000"),
        (claiming(30_000, 30_000), "a.png is too large: a picture may have at most 100 mega"),
    ],
    ids=["empty", "text", "cut", "small", "large", "bomb"],
)
def test_picture_from_bytes_when_unusable_then_is_one_sentence(data, message):
    with pytest.raises(PictureError, match=message):
        picture_from_bytes(data, "a.png")


def test_pictures_when_the_bytes_are_equal_then_are_equal_without_comparing_them():
    one, two = (picture_from_bytes(picture_bytes(), "a.png") for _ in range(2))
    assert one == two
    assert one != picture_from_bytes(picture_bytes(size=(65, 48)), "a.png")
    assert "data" not in repr(one)
