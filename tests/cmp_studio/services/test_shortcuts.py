import pytest

from cmp_studio.services.preferences import Preferences
from cmp_studio.services.shortcuts import Shortcuts

DEFAULTS = {"undo": ("Ctrl+Z",), "redo": ("Ctrl+Shift+Z", "Ctrl+Y"), "about": ()}


@pytest.fixture
def preferences(qtbot, tmp_path):
    return Preferences(tmp_path / "home")


@pytest.fixture
def shortcuts(preferences):
    return Shortcuts(DEFAULTS, preferences)


def test_keys_when_changed_then_remembered_and_reset(shortcuts, preferences):
    shortcuts.set_keys("undo", ("F5",))
    assert shortcuts.is_own("undo")
    again = Shortcuts(DEFAULTS, preferences)
    assert again.keys("undo") == ("F5",)
    again.reset("undo")
    assert again.keys("undo") == ("Ctrl+Z",)
    assert not again.has_own
    assert Shortcuts(DEFAULTS, preferences).keys("undo") == ("Ctrl+Z",)


def test_keys_when_taken_from_another_then_it_loses_them(shortcuts):
    shortcuts.set_keys("about", ("ctrl+y",))
    assert shortcuts.keys("redo") == ("Ctrl+Shift+Z",)
    assert shortcuts.owner("Ctrl+Y") == "about"
    shortcuts.reset_all()
    assert shortcuts.keys("redo") == ("Ctrl+Shift+Z", "Ctrl+Y")
    assert shortcuts.keys("about") == ()


def test_keys_when_removed_then_none_also_next_time(shortcuts, preferences):
    shortcuts.set_keys("undo", ())
    assert Shortcuts(DEFAULTS, preferences).keys("undo") == ()
