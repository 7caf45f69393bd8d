from dataclasses import replace

import numpy as np
import pytest

from cmp_engine.errors import Cancelled
from cmp_studio.document.scene import FilmSettings
from cmp_studio.document.scene_edits import set_fill
from cmp_studio.pipeline.holes import hole_report


def test_hole_report_when_parts_move_apart_then_says_where_when_and_how_much(scene, predictor):
    moving = replace(scene, film=FilmSettings(2.0, 24.0, "once"))
    report = hole_report(moving, predictor, most_frames=5)
    assert report.times[0] == 0
    assert report.times[-1] == 2.0
    assert 5 <= len(report.times) <= 6
    assert report.shares[0] == 0
    assert report.worst == max(report.shares) > 0.03
    assert report.worst_time == report.times[report.shares.index(report.worst)]
    assert report.heat.shape == (48, 64)
    assert 0 < report.heat.max() <= 1
    assert report.heat.mean() == pytest.approx(np.mean(report.shares), abs=1e-6)
    assert "stretched background" in report.warning(moving)
    assert "painted in" in report.warning(set_fill(moving, "inpaint"))


def test_hole_report_when_nothing_moves_then_warns_of_nothing(scene, predictor):
    still = replace(scene, tracks=scene.tracks[1:])
    report = hole_report(still, predictor)
    assert (report.worst, report.warning(still)) == (0.0, "")


def test_hole_report_when_cancelled_then_stops(scene, predictor):
    with pytest.raises(Cancelled):
        hole_report(scene, predictor, cancelled=lambda: True)
