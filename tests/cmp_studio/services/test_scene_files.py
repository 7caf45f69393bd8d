import pytest
from PySide6.QtCore import QObject

from cmp_studio.document.project_file import load_scene, load_thumbnail, save_scene
from cmp_studio.services.background import Background
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.scene_files import SceneFiles
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import make_scene, photo_bytes


class Desk(QObject):
    def __init__(self, folder):
        super().__init__()
        self.session = Session()
        self.background = Background()
        self.preferences = Preferences(folder / "home")
        self.files = SceneFiles(self.session, self.background, self.preferences)


@pytest.fixture
def desk(qtbot, tmp_path):
    made = Desk(tmp_path)
    yield made
    assert made.background.stop()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "holiday.png"
    path.write_bytes(photo_bytes())
    return path


def test_open_when_a_photo_then_a_scene_without_file_or_tracks(qtbot, desk, photo):
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open(photo)
    assert desk.session.scene.picture.name == "holiday.png"
    assert desk.session.picture.image_hw == (64, 96)
    assert desk.session.path is None
    assert not desk.session.is_dirty
    assert desk.preferences.recent_files() == [photo]


def test_save_when_reopened_then_the_same_scene(qtbot, desk, photo, tmp_path):
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open(photo)
    desk.session.add_pin((10, 10))
    path = tmp_path / "holiday.cmps"
    with qtbot.waitSignal(desk.files.saved, timeout=60_000):
        desk.files.save(path)
    assert not desk.session.is_dirty
    assert desk.session.path == path
    assert load_thumbnail(path)
    saved = desk.session.scene
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open(path)
    assert desk.session.scene == saved
    assert desk.session.scene is not saved


def test_open_sample_when_opened_then_saving_asks_for_a_file(qtbot, desk, tmp_path):
    path = tmp_path / "sample.cmps"
    save_scene(make_scene(arrows=1), path)
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open_sample(path)
    assert desk.session.path is None
    assert desk.preferences.recent_files() == []
    assert load_scene(path).tracks == desk.session.scene.tracks


def test_open_bytes_when_pasted_then_unsaved(qtbot, desk):
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open_bytes(photo_bytes, "Pasted picture.png")
    assert desk.session.is_dirty
    assert desk.session.title == "Pasted picture"


def test_open_when_there_is_no_such_file_then_one_sentence_and_the_old_stays(
    qtbot, desk, photo, tmp_path
):
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open(photo)
    with qtbot.waitSignal(desk.files.failed) as caught:
        desk.files.open(tmp_path / "gone.png")
    assert caught.args[0] == "gone.png can't be opened: no such file or directory."
    assert desk.session.scene.picture.name == "holiday.png"


def test_open_when_no_picture_then_one_sentence(qtbot, desk, tmp_path):
    path = tmp_path / "words.png"
    path.write_text("no picture")
    with qtbot.waitSignal(desk.files.failed) as caught:
        desk.files.open(path)
    assert "words.png" in caught.args[0]
    assert desk.session.scene is None


def test_open_when_two_are_opened_then_the_later_wins(qtbot, desk, photo, tmp_path):
    other = tmp_path / "other.png"
    other.write_bytes(photo_bytes(40, 40))
    desk.files.open(photo)
    desk.files.open(other)
    qtbot.waitUntil(lambda: desk.session.scene is not None and not desk.background.is_busy)
    assert desk.session.scene.picture.name == "other.png"


def test_save_when_the_folder_is_missing_then_one_sentence_and_still_dirty(qtbot, desk, photo):
    with qtbot.waitSignal(desk.files.opened):
        desk.files.open(photo)
    desk.session.add_pin((10, 10))
    with qtbot.waitSignal(desk.files.failed, timeout=60_000) as caught:
        desk.files.save(photo.parent / "no" / "such" / "folder.cmps")
    assert caught.args[0]
    assert desk.session.is_dirty
