import math
from dataclasses import replace

import pytest

from cmp_studio.document.motion import displacement
from cmp_studio.document.scene import FilmSettings, add_track, replace_track, set_film
from cmp_studio.document.tracks import Timing, make_arrow
from cmp_studio.services.film_frames import peak_index, preview_times
from tests.cmp_studio.fakes import make_scene


@pytest.mark.parametrize("repeat", ["once", "ping_pong", "sway", "pulse"])
def test_peak_index_when_an_arrow_points_elsewhere_then_furthest_at_the_same_time(repeat):
    scene = set_film(make_scene(), FilmSettings(duration=2.0, fps=12))
    for end in ((40.0, 20.0), (3.0, 55.0)):
        timing = Timing(0.25, 1.5, repeat=repeat, cycles=2)
        track = replace(make_arrow((20.0, 20.0), end), timing=timing)
        drawn = add_track(scene, track)
        (track,) = drawn.tracks
        ways = [math.hypot(*displacement(track, t, drawn.film)) for t in preview_times(drawn.film)]
        assert peak_index(drawn, frozenset([track.id]), 3) == ways.index(
            pytest.approx(max(ways), rel=1e-6)
        )
        off = replace_track(drawn, replace(track, is_on=False))
        assert peak_index(off, frozenset([track.id]), 3) == 3
    still = add_track(scene, make_arrow((20.0, 20.0), (20.0, 20.0)))
    assert peak_index(still, frozenset([still.tracks[-1].id]), 3) == 3
