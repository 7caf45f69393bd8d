import pytest

from cmp_studio.services.preferences import Preferences
from cmp_studio.services.view_options import ViewOptions


@pytest.fixture
def preferences(qtbot, tmp_path):
    return Preferences(tmp_path)


def test_options_when_changed_then_said_once_and_remembered(qtbot, preferences):
    options = ViewOptions(preferences)
    said = []
    options.changed.connect(lambda: said.append(1))
    for _ in range(2):
        options.set_flow_style("needles")
        options.set_flow_opacity(0.5)
        options.set_flow_scale(12.0, is_automatic=False)
        options.set_mode("flow")
        options.set_has_overlays(value=False)
    assert len(said) == 5
    again = ViewOptions(preferences)
    assert again.flow_style == "needles"
    assert again.flow_opacity == 0.5
    assert again.flow_scale == 12.0
    assert not again.is_scale_automatic
    assert again.mode == "motion"
    assert again.has_overlays


def test_options_when_the_file_holds_nonsense_then_defaults(qtbot, preferences):
    preferences.set_text("view/flow_style", "stripes")
    preferences.set_text("view/flow_opacity", "much")
    preferences.set_number("view/flow_scale", -4)
    options = ViewOptions(preferences)
    assert options.flow_style == "colors"
    assert options.flow_opacity == 0.85
    assert options.flow_scale == 1.0
