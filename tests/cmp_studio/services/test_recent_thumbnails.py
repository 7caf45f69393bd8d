import pytest

from cmp_studio.services import recent_thumbnails
from cmp_studio.services.background import Background
from cmp_studio.services.recent_thumbnails import RecentThumbnails
from tests.cmp_studio.fakes import photo_bytes


@pytest.fixture
def thumbnails(qtbot):
    background = Background()
    yield RecentThumbnails(background)
    assert background.stop()


def read(qtbot, thumbnails, path):
    if not thumbnails.png(path):
        with qtbot.waitSignal(thumbnails.ready) as caught:
            pass
        assert caught.args == [path]
    return thumbnails.png(path)


def test_picture_when_the_file_is_written_anew_then_takes_the_place_of_the_old_one(
    qtbot, thumbnails, tmp_path
):
    path = tmp_path / "photo.png"
    pictures = []
    for width in (40, 60, 80):
        path.write_bytes(photo_bytes(width, 30))
        pictures.append(read(qtbot, thumbnails, path))
    assert len(set(pictures)) == 3
    assert len(thumbnails._pictures) == 1


def test_pictures_when_there_were_many_files_then_only_the_last_are_kept(
    qtbot, thumbnails, tmp_path, monkeypatch
):
    monkeypatch.setattr(recent_thumbnails, "_KEPT", 3)
    paths = [tmp_path / f"photo{number}.png" for number in range(5)]
    for path in paths:
        path.write_bytes(photo_bytes())
        assert read(qtbot, thumbnails, path)
    assert list(thumbnails._pictures) == paths[-3:]
    assert read(qtbot, thumbnails, paths[0])


def test_picture_when_the_file_is_none_then_empty_and_not_read_again_and_again(
    qtbot, thumbnails, tmp_path
):
    path = tmp_path / "words.png"
    path.write_text("no picture")
    assert thumbnails.png(path) == b""
    qtbot.waitUntil(lambda: path in thumbnails._pictures)
    assert thumbnails.png(path) == b""
    assert not thumbnails._asked
