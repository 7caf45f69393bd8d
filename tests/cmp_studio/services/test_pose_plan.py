from dataclasses import replace

from cmp_studio.document.scene import FilmSettings, set_film
from cmp_studio.services.film_frames import posed, preview_times
from cmp_studio.services.pose_plan import SLICE, PosePlan
from tests.cmp_studio.fakes import make_scene


def test_poses_when_the_film_is_short_then_there_at_once(qapp):
    scene = set_film(make_scene(arrows=2), FilmSettings(1.0, 8.0))
    expected = tuple(posed(scene, time, None) for time in preview_times(scene.film))
    plan = PosePlan()
    assert plan.poses(scene, None) == expected
    assert not plan.is_busy


def test_poses_when_the_film_is_long_then_in_slices_and_the_same(qtbot):
    scene = set_film(make_scene(240, 160, arrows=8), FilmSettings(400.0, 24.0))
    assert len(preview_times(scene.film)) * 8 // 2 > SLICE
    plan = PosePlan()
    with qtbot.waitSignal(plan.ready):
        assert plan.poses(scene, None) is None
        assert plan.is_busy
    poses = plan.poses(scene, None)
    assert poses == tuple(posed(scene, time, None) for time in preview_times(scene.film))


def test_poses_when_another_scene_is_asked_for_meanwhile_then_only_that_is_worked_out(qtbot):
    long = set_film(make_scene(240, 160, arrows=8), FilmSettings(400.0, 24.0))
    short = replace(long, film=FilmSettings(0.5, 8.0))
    plan = PosePlan()
    told = []
    plan.ready.connect(lambda: told.append(True))
    assert plan.poses(long, None) is None
    assert plan.poses(short, None) is not None
    assert not plan.is_busy
    assert plan.poses(long, None) is None
    plan.cancel()
    assert not plan.is_busy
    assert told == []


def test_poses_when_the_computer_is_slow_then_in_slices_too(qtbot, monkeypatch):
    monkeypatch.setattr("cmp_studio.services.pose_plan.SLICE_SECONDS", 0.0)
    scene = set_film(make_scene(arrows=2), FilmSettings(1.0, 8.0))
    plan = PosePlan()
    with qtbot.waitSignal(plan.ready):
        assert plan.poses(scene, None) is None
    assert plan.poses(scene, None) == tuple(
        posed(scene, time, None) for time in preview_times(scene.film)
    )
