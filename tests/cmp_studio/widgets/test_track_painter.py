from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from cmp_studio.document.takes import Take
from cmp_studio.document.tracks import make_arrow, make_path, make_pin, make_take
from cmp_studio.widgets import track_painter
from cmp_studio.widgets.track_painter import TrackLook, TrackPainter
from cmp_studio.widgets.view_transform import ViewTransform

VIEW = ViewTransform(1.375, 11.25, -3.5)
LOOKS = (
    TrackLook(),
    TrackLook(is_selected=True, hovered="head", has_points=True, point=1),
    TrackLook(moved=(30.0, 9.0), is_far=True),
)


@pytest.fixture
def tracks():
    made = [
        make_arrow((20, 30), (45, 58)),
        make_path([(60, 20), (80, 60), (120, 40)]),
        replace(make_pin((40, 70)), stiffness=12.0),
        make_take((100, 80), Take(((0.0, 0.0, 0.0), (0.2, 12.0, 4.0), (0.5, 30.0, -9.0)))),
        replace(make_arrow((90, 15), (91, 15)), is_on=False),
    ]
    return [replace(track, id=number, color=number) for number, track in enumerate(made, 1)]


def painted(draw, *, ratio=1.0, opacity=1.0):
    image = QImage(
        round(220 * ratio), round(150 * ratio), QImage.Format.Format_ARGB32_Premultiplied
    )
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(90, 120, 100))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(opacity)
    painter.setBrush(QColor(200, 0, 200))  # what was drawn before must not matter
    draw(painter)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1).astype(int)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("opacity", [1.0, 0.4])
@pytest.mark.parametrize("look", LOOKS)
def test_draw_when_played_back_then_the_same_pixels_as_drawn_anew(
    qapp, tracks, look, ratio, opacity
):
    kept = TrackPainter()

    def anew(painter):
        """Each track on a sheet of its own: where its lines cross, they don't shine through."""
        for track in tracks:
            sheet = QImage(
                round(220 * ratio), round(150 * ratio), QImage.Format.Format_ARGB32_Premultiplied
            )
            sheet.setDevicePixelRatio(ratio)
            sheet.fill(QColor(0, 0, 0, 0))
            onto = QPainter(sheet)
            onto.setRenderHint(QPainter.RenderHint.Antialiasing)
            track_painter._draw_standing(onto, track, VIEW, look)
            onto.end()
            painter.setOpacity(opacity * (1.0 if track.is_on else 0.55))
            painter.drawImage(0, 0, sheet)
            track_painter._draw_moved(painter, track, VIEW, look)

    def played(painter):
        kept.draw(painter, VIEW, [(track, look) for track in tracks])

    expected = painted(anew, ratio=ratio, opacity=opacity)
    assert np.ptp(expected) > 100
    for _ in range(2):  # first recorded, then played back
        found = painted(played, ratio=ratio, opacity=opacity)
        assert np.abs(found - expected).max() <= 2


def test_draw_when_panned_or_the_film_plays_then_nothing_is_drawn_anew(qapp, tracks, monkeypatch):
    calls = []
    draw = track_painter._draw_standing
    monkeypatch.setattr(
        track_painter, "_draw_standing", lambda *given: (calls.append(given[1].id), draw(*given))
    )
    kept = TrackPainter()

    def paint(looks, view=VIEW):
        calls.clear()
        painted(lambda painter: kept.draw(painter, view, list(zip(tracks, looks, strict=True))))
        return list(calls)

    calm = [TrackLook()] * 5
    assert paint(calm) == [1, 2, 3, 4, 5]
    assert paint(calm) == []
    assert paint(calm, VIEW.panned(13, 4)) == []
    assert paint([TrackLook(moved=(3.0, 4.0))] * 5) == []
    assert paint([TrackLook(is_selected=True), *calm[1:]]) == [1]
    assert paint(calm, replace(VIEW, scale=2.0)) == [1, 2, 3, 4, 5]
    tracks[2] = replace(tracks[2], color=4)
    assert paint(calm, replace(VIEW, scale=2.0)) == [3]


def test_draw_when_out_of_sight_or_too_large_to_keep_then_still_right(qapp, tracks, monkeypatch):
    from cmp_studio.widgets import kept_drawing

    def paint(view, *, is_kept):
        monkeypatch.setattr(kept_drawing, "_MAX_PIXELS", 1 << 20 if is_kept else 0)
        kept = TrackPainter()

        def draw(painter):
            kept.draw(painter, view, [(track, LOOKS[1]) for track in tracks if track.is_on])

        return painted(draw), painted(draw)

    for view in (VIEW, VIEW.panned(-60, -20), replace(VIEW, scale=6.0)):
        first, again = paint(view, is_kept=True)
        assert np.ptp(first) > 100
        assert np.array_equal(first, again)
        assert np.abs(first - paint(view, is_kept=False)[0]).max() <= 2
    far, _ = paint(VIEW.panned(5000, 0), is_kept=True)
    assert np.array_equal(far, painted(lambda painter: None))
