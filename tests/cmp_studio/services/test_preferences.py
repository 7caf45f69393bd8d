from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray

from cmp_studio.services.preferences import MAX_RECENT_FILES, Preferences, user_folder


@pytest.fixture
def preferences(qtbot, tmp_path):
    return Preferences(tmp_path)


def test_values_when_saved_then_read_back_by_another_run(qtbot, tmp_path):
    first = Preferences(tmp_path)
    first.set_text("a/text", "words, with comma")
    first.set_number("a/number", 2.5)
    first.set_flag("a/flag", value=True)
    first.set_blob("a/blob", QByteArray(b"\x00\x01\xff"))
    first.set_theme("light")
    first.save()
    second = Preferences(tmp_path)
    assert second.text("a/text", "") == "words, with comma"
    assert second.number("a/number", 0) == 2.5
    assert second.flag("a/flag", default=False) is True
    assert second.blob("a/blob") == QByteArray(b"\x00\x01\xff")
    assert second.theme() == "light"


def test_values_when_missing_or_odd_then_defaults(preferences):
    preferences.set_text("odd", "not a number")
    preferences.set_text("window/theme", "purple")
    assert preferences.number("odd", 3.0) == 3.0
    assert preferences.text("missing", "x") == "x"
    assert preferences.flag("missing", default=True) is True
    assert preferences.blob("missing").isEmpty()
    assert preferences.theme() == "system"


def test_recent_files_when_added_then_newest_first_without_the_gone(preferences, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(MAX_RECENT_FILES + 3)]
    for path in paths:
        path.touch()
        preferences.add_recent_file(path)
    preferences.add_recent_file(paths[5])
    paths[7].unlink()
    files = preferences.recent_files()
    assert files[0] == paths[5]
    assert paths[7] not in files
    assert len(files) == MAX_RECENT_FILES - 1
    preferences.clear_recent_files()
    assert preferences.recent_files() == []


def test_recent_files_when_one_then_read_back_as_one(qtbot, tmp_path):
    path = tmp_path / "only.png"
    path.touch()
    first = Preferences(tmp_path)
    first.add_recent_file(path)
    first.save()
    assert Preferences(tmp_path).recent_files() == [path]


def test_user_folder_when_the_variable_is_set_then_there(home):
    assert user_folder() == Path(home)
