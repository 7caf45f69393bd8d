from itertools import combinations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from cmp_studio.services.session import PALETTE_SIZE
from cmp_studio.widgets.theme import DARK, LIGHT, TRACK_COLORS, make_palette, style_sheet


def luminance(name):
    color = QColor(name)
    parts = [color.redF(), color.greenF(), color.blueF()]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_theme_when_words_stand_on_a_ground_then_readable(theme):
    for ground in (theme.window, theme.raised, theme.hover):
        assert contrast(theme.text, ground) >= 7
        assert contrast(theme.muted, ground) >= 4.5
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    assert contrast(theme.warning, theme.window) >= 4.5
    assert contrast(theme.accent, theme.window) >= 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_theme_when_grounds_are_grey_then_neutral(theme):
    for name in (theme.canvas, theme.window, theme.raised, theme.hover, theme.pressed):
        assert QColor(name).saturation() == 0


def test_theme_when_changed_then_the_whole_window_has_its_colours_as_if_it_were_new(hand, qtbot):
    hand.window.show()
    hand.studio.preferences.set_theme("dark")
    qtbot.waitUntil(lambda: not hand.window._themes.is_busy)
    dark = hand.window.grab().toImage()
    hand.studio.preferences.set_theme("light")
    qtbot.waitUntil(lambda: not hand.window._themes.is_busy)
    light = hand.window.grab().toImage()
    for widget in (hand.window, *hand.window.findChildren(QWidget)):
        widget.style().unpolish(widget)
        widget.style().polish(widget)
    assert light == hand.window.grab().toImage()
    assert light.pixelColor(3, 3) == QColor(LIGHT.window)
    hand.studio.preferences.set_theme("dark")
    qtbot.waitUntil(lambda: not hand.window._themes.is_busy)
    assert hand.window.grab().toImage() == dark


def test_style_sheet_when_it_names_colours_then_only_roles_of_the_palette():
    assert "#" not in style_sheet()
    palettes = [make_palette(theme) for theme in (DARK, LIGHT)]
    assert palettes[0] != palettes[1]


def test_track_colors_when_counted_then_one_for_each_palette_index():
    assert len(TRACK_COLORS) == PALETTE_SIZE


# Machado et al. (2009): what a person without one kind of cones sees, on linear RGB.
VISIONS = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
}


@pytest.mark.parametrize("vision", VISIONS)
def test_track_colors_when_seen_by_the_colour_blind_then_told_apart(vision):
    def seen(name):
        color = QColor(name)
        rgb = [color.redF(), color.greenF(), color.blueF()]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        out = [sum(m * c for m, c in zip(row, linear, strict=True)) for row in VISIONS[vision]]
        return [min(max(c, 0), 1) ** (1 / 2.4) * 255 for c in out]

    seen_colors = [seen(name) for name in TRACK_COLORS]
    for a, b in combinations(seen_colors, 2):
        assert sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 > 24
