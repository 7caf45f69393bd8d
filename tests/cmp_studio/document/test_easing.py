import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.easing import curve_at, eased, repeated
from cmp_studio.document.motion import progress
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.tracks import Timing

SHARES = st.floats(0, 1)


@given(u=SHARES)
def test_curve_at_when_the_handles_are_on_the_diagonal_then_is_even(u):
    assert curve_at((1 / 3, 1 / 3, 2 / 3, 2 / 3), u) == pytest.approx(u, abs=1e-9)


@pytest.mark.parametrize(("u", "y"), [(0.25, 0.4085), (0.5, 0.8024), (0.75, 0.9605)])
def test_curve_at_when_it_is_the_ease_of_css_then_has_its_values(u, y):
    assert curve_at((0.25, 0.1, 0.25, 1.0), u) == pytest.approx(y, abs=1e-3)


@given(x1=SHARES, x2=SHARES, y1=SHARES, y2=SHARES, a=SHARES, b=SHARES)
def test_curve_at_when_handles_are_inside_then_stays_inside(x1, x2, y1, y2, a, b):
    assert -1e-9 <= curve_at((x1, y1, x2, y2), a) <= 1 + 1e-9


def test_eased_when_a_curve_goes_beyond_then_overshoots_and_ends_at_its_goal():
    curve = (0.3, 0.0, 0.4, 1.8)
    assert max(eased("curve", i / 100, curve=curve) for i in range(101)) > 1.05
    assert eased("curve", 1.0, curve=curve) == 1


@pytest.mark.parametrize("repeat", ["ping_pong", "sway", "pulse"])
def test_progress_when_it_has_cycles_then_each_is_the_same(repeat):
    film = FilmSettings(duration=3.0)
    timing = Timing(repeat=repeat, cycles=3)
    for time in (0.1, 0.4, 0.8):
        first = progress(timing, time, film)
        assert first == pytest.approx(repeated(repeat, "ease", time), abs=1e-9)
        assert progress(timing, time + 2, film) == pytest.approx(first, abs=1e-9)


@given(phase=st.floats(0, 0.999), cycles=st.integers(1, 5))
def test_progress_when_it_has_a_phase_then_ends_exactly_where_it_began(phase, cycles):
    film = FilmSettings(duration=2.0, loop="seamless")
    timing = Timing(repeat="sway", phase=phase, cycles=cycles)
    assert progress(timing, 0.0, film) == progress(timing, 2.0, film)
    assert progress(timing, 0.0, film) == repeated("sway", "ease", phase % 1.0)
