import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, QSizeF

from cmp_studio.widgets.view_transform import (
    MAX_SCALE,
    MIN_SCALE,
    ViewTransform,
    centred,
    fitted,
    visible_part,
)

numbers = st.floats(-2000, 2000)
transforms = st.builds(ViewTransform, st.floats(0.05, 20), numbers, numbers)


@given(transform=transforms, x=numbers, y=numbers)
def test_to_picture_when_from_to_screen_then_back(transform, x, y):
    back = transform.to_picture(transform.to_screen((x, y)))
    assert back == pytest.approx((x, y), abs=1e-6)


@given(transform=transforms, factor=st.floats(0.2, 5), x=numbers, y=numbers)
def test_zoomed_when_around_a_point_then_it_stays(transform, factor, x, y):
    anchor = QPointF(x, y)
    zoomed = transform.zoomed(factor, anchor)
    before, after = transform.to_picture(anchor), zoomed.to_picture(anchor)
    assert after == pytest.approx(before, abs=1e-6 * max(1, abs(x), abs(y)) / transform.scale)


def test_zoomed_when_beyond_the_limits_then_stays_within():
    origin = QPointF(0, 0)
    assert ViewTransform().zoomed(1e9, origin).scale == MAX_SCALE
    assert ViewTransform().zoomed(1e-9, origin).scale == MIN_SCALE


def test_fitted_when_wide_then_the_whole_photo_lies_inside_the_margin():
    transform = fitted((500, 2000), QSizeF(800, 600), 20)
    rect = transform.rect((500, 2000))
    assert rect.left() == pytest.approx(20)
    assert rect.width() == pytest.approx(760)
    assert rect.center().y() == pytest.approx(300)


def test_fitted_when_tiny_then_enlarged_at_most_twice():
    assert fitted((20, 20), QSizeF(800, 600), 20).scale == 2.0


def test_centred_when_at_a_scale_then_in_the_middle():
    rect = centred((100, 200), QSizeF(800, 600), 1.5).rect((100, 200))
    assert (rect.center().x(), rect.center().y()) == (400, 300)


def test_kept_visible_when_panned_away_then_a_strip_stays():
    gone = ViewTransform(1.0, 5000, -5000)
    kept = gone.kept_visible((100, 200), QSizeF(800, 600), 48)
    assert kept.left == 800 - 48
    assert kept.top == 48 - 100


def test_to_screen_when_pixel_centre_then_half_a_pixel_from_the_corner():
    assert ViewTransform(4.0, 10, 20).to_screen((0, 0)) == QPointF(12, 22)


@given(transform=transforms)
def test_visible_part_when_anywhere_then_holds_what_is_seen(transform):
    view, size = QRectF(0, 0, 800, 600), (3000, 4000)
    place = transform.rect(size)
    part = visible_part(place, view, size)
    assert 0 <= part.left() < part.left() + part.width() <= 4000
    assert 0 <= part.top() < part.top() + part.height() <= 3000
    seen = view & place
    if not seen.isEmpty():
        step = transform.scale
        assert place.left() + part.left() * step <= seen.left() + 1e-6
        assert place.left() + (part.left() + part.width()) * step >= seen.right() - 1e-6
        assert place.top() + part.top() * step <= seen.top() + 1e-6
        assert place.top() + (part.top() + part.height()) * step >= seen.bottom() - 1e-6
