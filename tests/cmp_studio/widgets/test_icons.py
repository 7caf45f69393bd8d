import pytest
from PySide6.QtGui import QColor

from cmp_studio.widgets.icons import ICON_NAMES, application_icon, icon_pixmap, themed_icon
from cmp_studio.widgets.theme import DARK, LIGHT


@pytest.mark.parametrize("name", ICON_NAMES)
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_icon_when_drawn_then_has_ink_and_keeps_off_its_edge(qtbot, name, ratio):
    image = icon_pixmap(name, QColor("white"), 24, ratio).toImage()
    side = image.width()
    assert side == 24 * ratio
    alphas = [[image.pixelColor(x, y).alpha() for x in range(side)] for y in range(side)]
    assert max(map(max, alphas)) > 200
    edge = [*alphas[0], *alphas[-1], *(row[0] for row in alphas), *(row[-1] for row in alphas)]
    assert max(edge) == 0


def test_icons_when_compared_then_no_two_look_alike(qtbot):
    images = [icon_pixmap(name, QColor("white"), 24, 1.0).toImage() for name in ICON_NAMES]
    assert all(a != b for i, a in enumerate(images) for b in images[:i])


def test_themed_icon_when_themes_differ_then_other_pixels(qtbot):
    dark = themed_icon("play", DARK).pixmap(24, 24).toImage()
    light = themed_icon("play", LIGHT).pixmap(24, 24).toImage()
    assert dark != light


def test_application_icon_when_asked_then_all_sizes(qtbot):
    assert len(application_icon().availableSizes()) >= 4
