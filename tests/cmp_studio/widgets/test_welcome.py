import pytest

import cmp_studio.services.samples as samples_module
from cmp_studio.document.project_file import save_scene
from cmp_studio.services.background import Background
from cmp_studio.services.recent_thumbnails import RecentThumbnails
from cmp_studio.widgets.welcome import RecentButton, SampleButton, Welcome
from tests.cmp_studio.fakes import make_scene, photo_bytes


@pytest.fixture
def welcome(qtbot, preferences, themes, monkeypatch, tmp_path):
    monkeypatch.setattr(samples_module, "samples_folder", lambda: tmp_path)
    save_scene(make_scene(), tmp_path / "marionette.cmps", thumbnail=photo_bytes(300, 200))
    save_scene(make_scene(), tmp_path / "old_clock.cmps")
    background = Background()
    made = Welcome(preferences, background, RecentThumbnails(background), themes)
    qtbot.addWidget(made)
    made.show()
    made.fill()
    qtbot.waitUntil(lambda: bool(made.findChildren(SampleButton)))
    yield made
    assert background.stop()


def test_samples_when_listed_then_each_is_a_picture_to_click(qtbot, welcome, tmp_path):
    buttons = welcome.findChildren(SampleButton)
    assert [button.text() for button in buttons] == ["Marionette", "Old clock"]
    with qtbot.waitSignal(welcome.sample_chosen) as caught:
        buttons[1].click()
    assert caught.args == [tmp_path / "old_clock.cmps"]
    welcome.grab()


def test_recent_when_a_file_was_opened_then_listed_and_clickable(
    qtbot, welcome, preferences, tmp_path
):
    path = tmp_path / "marionette.cmps"
    preferences.add_recent_file(path)
    plain = welcome.findChild(RecentButton).icon().cacheKey()
    qtbot.waitUntil(lambda: welcome.findChild(RecentButton).icon().cacheKey() != plain)
    button = welcome.findChild(RecentButton)
    assert button.toolTip() == str(path)
    with qtbot.waitSignal(welcome.file_chosen) as caught:
        button.click()
    assert caught.args == [path]


def test_buttons_when_clicked_then_open_and_paste_are_asked_for(qtbot, welcome):
    with qtbot.waitSignal(welcome.open_asked):
        welcome.drop_zone.open_button.click()
    with qtbot.waitSignal(welcome.paste_asked):
        welcome.drop_zone.paste_button.click()


def test_recent_when_saved_while_nobody_looks_then_listed_when_somebody_does(
    qtbot, welcome, preferences, tmp_path
):
    welcome.hide()
    for number in range(3):
        path = tmp_path / f"saved{number}.png"
        path.write_bytes(photo_bytes())
        preferences.add_recent_file(path)
    assert welcome.findChildren(RecentButton) == []
    welcome.show()
    names = [button.path.name for button in welcome.findChildren(RecentButton)]
    assert names == ["saved2.png", "saved1.png", "saved0.png"]
