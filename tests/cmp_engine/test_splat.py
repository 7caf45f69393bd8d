import numpy as np
import pytest

from cmp_engine.elements import make_elements
from cmp_engine.jumps import motion_order
from cmp_engine.splat import overlay, see


def surface_of(u, v=None, *, order=None, side=None, drawn=None):
    u = np.ascontiguousarray(u, np.float32)
    v = np.zeros_like(u) if v is None else np.ascontiguousarray(v, np.float32)
    elements = make_elements(u, v, motion_order(u, v) if order is None else order, side=side)
    return see(elements, drawn), elements


def test_surface_when_still_then_shows_every_pixel_itself():
    surface, _ = surface_of(np.zeros((5, 7)))
    assert np.array_equal(surface.owner.ravel(), np.arange(35))
    assert np.array_equal(surface.x[3], np.arange(7))


def test_surface_when_neighbours_are_torn_then_has_a_hole_between():
    u = np.zeros((9, 30))
    u[:, 15:] = 4
    surface, elements = surface_of(u)
    assert (surface.owner[:, 15:19] < 0).all()
    assert (surface.owner[:, :15] >= 0).all()
    assert elements.is_low.reshape(9, 30)[4, 14]
    assert not elements.is_low.reshape(9, 30)[4, 15]


def test_surface_when_sides_are_known_then_stretches_between_others():
    u = np.zeros((9, 30))
    u[:, 15:] = 4
    surface, _ = surface_of(u, side=np.zeros((9, 30), np.uint8))
    assert (surface.owner[:, :30] >= 0).all()
    inner = surface.x[4, 13:21]
    assert (np.diff(inner) > 0).all()
    side = np.zeros((9, 30), np.uint8)
    side[:, 14], side[:, 15] = 2, 1
    torn, _ = surface_of(u, side=side)
    assert (torn.owner[:, 15:19] < 0).all()


def test_surface_when_elements_are_not_drawn_then_shows_what_they_hid():
    u = np.zeros((9, 30))
    u[:, 5:10] = 10
    drawn = np.ones((9, 30), bool)
    drawn[:, 5:10] = False
    surface, _ = surface_of(u, drawn=drawn.ravel())
    assert np.array_equal(surface.x[4, 15:20], np.arange(15, 20))
    assert (surface.owner[:, 5:10] < 0).all()


def test_surface_when_a_lower_pixel_shines_through_a_crack_then_it_is_closed():
    # A part that grows by half over a still ground leaves gaps between its pixels.
    u = np.zeros((40, 60), np.float32)
    v = np.zeros((40, 60), np.float32)
    y, x = np.mgrid[10:30, 10:30]
    u[10:30, 10:30] = 8 + (x - 10) * 0.5
    v[10:30, 10:30] = (y - 20) * 0.5
    surface, _ = surface_of(u, v)
    assert (surface.x[8:32, 20:46] < 30).all()


@pytest.mark.parametrize("shift", [-40, 40])
def test_surface_when_all_leaves_the_grid_then_is_one_hole(shift):
    surface, _ = surface_of(np.full((5, 30), shift))
    assert (surface.owner < 0).all()


def test_overlay_when_two_elements_cover_a_pixel_then_the_one_in_front_counts():
    x = np.float32([3.2, 3.1, 7.0])
    y = np.float32([2.0, 2.1, 2.0])
    one = np.ones(3, np.float32)
    none = np.zeros(3, np.float32)
    seen = overlay((5, 10), x, y, np.float32([1, 5, 0]), (one, none, none, one))
    at = dict(zip(seen.target.tolist(), seen.element.tolist(), strict=True))
    assert at[2 * 10 + 3] == 1
    assert at[2 * 10 + 7] == 2
    found = np.flatnonzero(seen.target == 23)[0]
    assert seen.x[found] == pytest.approx(-0.1, abs=1e-5)
    assert seen.y[found] == pytest.approx(-0.1, abs=1e-5)


def test_overlay_when_there_is_nothing_then_is_empty():
    none = np.zeros(0, np.float32)
    assert overlay((5, 10), none, none, none, (none, none, none, none)).target.size == 0
