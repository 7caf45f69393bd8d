from dataclasses import replace

import numpy as np
import pytest

from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.presets import PRESETS, apply_preset
from cmp_studio.document.scene import FilmSettings, add_track, picture_from_bytes, set_freeze
from cmp_studio.document.scene_edits import add_group, set_fill, set_layer_order
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import make_arrow, make_path, make_take
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.film import Film
from cmp_studio.pipeline.stage import (
    SceneRenderer,
    farthest_poses,
    scene_pose,
    stage_key,
    step_of,
)


def box(left, right, value=255):
    array = np.zeros((48, 64), np.uint8)
    array[10:40, left:right] = value
    return mask_from_array(array)


@pytest.fixture
def grouped(scene):
    """The scene's arrow, and a group on the right whose own arrow goes up."""
    bare = replace(scene, tracks=scene.tracks[:1])
    bare = add_track(bare, make_arrow((50, 25), (50, 15)))
    return add_group(bare, Group(mask=box(40, 60)), track_ids=[bare.tracks[1].id])


def test_renderer_when_a_scene_has_a_group_then_each_part_follows_its_own_arrow(grouped, predictor):
    renderer = SceneRenderer(grouped, predictor)
    frame = renderer.frame(scene_pose(grouped, None))
    assert frame.flow[25, 50] == pytest.approx((0, -10))
    assert frame.flow[25, 10] == pytest.approx(grouped.tracks[0].span)
    assert frame.flow[5, 50] == pytest.approx(grouped.tracks[0].span)  # outside of the mask


def test_renderer_when_the_layer_order_changes_then_so_does_what_is_in_front(grouped, predictor):
    other = set_layer_order(grouped, [grouped.groups[0].id, 0])
    images = [
        SceneRenderer(scene, predictor).frame(scene_pose(scene, None)).image
        for scene in (grouped, other)
    ]
    assert not np.array_equal(*images)
    assert stage_key(grouped) != stage_key(other)


def test_renderer_when_a_group_is_off_then_its_pixels_are_of_the_rest(grouped, predictor):
    off = replace(grouped, groups=(replace(grouped.groups[0], is_on=False),))
    flow = SceneRenderer(off, predictor).frame(scene_pose(off, None)).flow
    assert flow[25, 50] == pytest.approx(grouped.tracks[0].span)


def test_renderer_when_the_pose_is_of_another_stage_then_says_so(grouped, scene, predictor):
    renderer = SceneRenderer(scene, predictor)
    with pytest.raises(PipelineError, match="make both from one scene"):
        renderer.frame(scene_pose(grouped, 0.0))


def test_stage_key_when_only_tracks_and_timing_change_then_is_the_same(grouped):
    changed = add_track(grouped, make_arrow((5, 5), (9, 9)))
    changed = replace(changed, film=replace(changed.film, duration=9.0, strength=0.3, fps=5.0))
    assert stage_key(changed) == stage_key(grouped)
    for other in (
        set_freeze(grouped, box(0, 5)),
        set_fill(grouped, "inpaint"),
        replace(grouped, film=replace(grouped.film, mode="chained")),
        replace(grouped, film=replace(grouped.film, supersample=2)),
    ):
        assert stage_key(other) != stage_key(grouped)


def test_freeze_when_feathered_then_motion_fades_across_the_edge(scene, predictor):
    hard = set_freeze(scene, box(22, 34))
    soft = set_freeze(scene, replace(hard.freeze, feather=3.0))
    flows = [SceneRenderer(s, predictor).frame(scene_pose(s, None)).flow for s in (hard, soft)]
    hard_speed, soft_speed = (np.hypot(*flow[25].T) for flow in flows)
    assert not hard_speed[22:34].any()
    assert hard_speed[21] == pytest.approx(12, abs=0.1)
    assert 0 < soft_speed[23] < soft_speed[20] < 12


def test_plate_when_given_then_holes_show_it(scene, predictor, pixels):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (1, 2, 3)).save(buffer, "PNG")
    plated = set_fill(scene, "plate", plate=picture_from_bytes(buffer.getvalue(), "plate.png"))
    frame = SceneRenderer(plated, predictor).frame(scene_pose(plated, None))
    assert frame.holes.any()
    assert (frame.image[frame.holes] == (1, 2, 3)).mean() > 0.9


def test_film_when_the_background_is_painted_in_then_frames_do_not_depend_on_the_order(
    scene, predictor
):
    painted = set_fill(scene, "inpaint")
    film = Film(painted, predictor)
    together = list(film)
    again = Film(painted, predictor)
    assert np.array_equal(again.frame_at(scene.film.duration).image, together[-1]) or (
        scene.film.loop != "once"
    )
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))


def once(scene, **film):
    settings = {"duration": 1.0, "fps": 8.0, "loop": "once", **film}
    return replace(scene, film=FilmSettings(**settings))


def test_blur_when_the_shutter_is_open_then_a_moving_frame_is_a_mixture_and_a_still_one_not(
    scene, predictor, pixels
):
    sharp, blurred = once(scene), once(scene, shutter=180.0, subframes=4)
    plain, soft = list(Film(sharp, predictor)), list(Film(blurred, predictor))
    assert not np.array_equal(plain[4], soft[4])
    rough = [np.abs(np.diff(frame.astype(float), axis=1)).mean() for frame in (plain[4], soft[4])]
    assert rough[1] < rough[0]
    still = replace(blurred, tracks=blurred.tracks[1:])
    assert all(np.array_equal(frame, pixels) for frame in Film(still, predictor))


def test_blur_when_the_film_goes_back_and_forth_then_each_frame_is_drawn_once(scene, predictor):
    film = Film(once(scene, loop="ping_pong", shutter=360.0, subframes=3), predictor)
    frames = list(film)
    assert all(np.array_equal(frames[i], frames[-i]) for i in range(1, len(frames) // 2))
    assert len(film.hole_shares) == film.frame_count


def test_supersampling_when_on_then_still_pixels_stay_to_the_bit(scene, predictor, pixels):
    fine = set_freeze(once(scene, supersample=2), box(40, 64))
    frames = list(Film(fine, predictor))
    assert np.array_equal(frames[0], pixels)
    assert np.array_equal(frames[-1][12:38, 52:], pixels[12:38, 52:])
    frame = Film(fine, predictor).frame_at(1.0)
    assert frame.flow.shape == (48, 64, 2)
    assert frame.holes.shape == (48, 64)
    assert frame.flow[25, 20] == pytest.approx(scene.tracks[0].span, abs=0.3)


def test_chain_when_the_way_is_long_then_looks_again_on_the_way_and_arrives(scene, predictor):
    chained = once(replace(scene, tracks=scene.tracks[:1]), mode="chained")
    assert step_of(chained, None) == pytest.approx(2.0)
    film = Film(chained, predictor)
    predictor.pictures.clear()
    flow = film.frame_at(1.0).flow
    assert len(predictor.pictures) > 1
    assert flow[25, 40] == pytest.approx(scene.tracks[0].span, abs=0.1)


def test_chain_when_it_comes_back_then_the_last_frame_is_the_picture(scene, predictor, pixels):
    film = Film(once(scene, mode="chained", loop="seamless"), predictor)
    assert np.array_equal(film.frame_at(1.0).image, pixels)
    assert film.loop_difference().largest == 0


@pytest.mark.parametrize("loop", ["once", "hold", "seamless", "ping_pong"])
def test_loop_difference_when_stated_then_is_zero_only_for_films_that_close(scene, predictor, loop):
    take = take_from([(0, 0, 0), (0.4, 6, 2), (0.9, 9, 4)])
    moving = add_track(once(scene, loop=loop), make_take((40, 30), take))
    difference = Film(moving, predictor).loop_difference()
    if loop in ("once", "hold"):
        assert difference.motion_px == pytest.approx(
            max(np.hypot(*scene.tracks[0].span), np.hypot(9, 4))
        )
        assert difference.largest > 0
    else:
        assert (difference.motion_px, difference.mean, difference.largest) == (0, 0, 0)


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_when_rendered_then_moves_and_closes(scene, predictor, preset):
    bare = replace(scene, tracks=scene.tracks[1:], film=FilmSettings(1.0, 6.0))
    film = Film(apply_preset(bare, preset), predictor)
    frames = list(film)
    assert any(not np.array_equal(frame, frames[0]) for frame in frames[1:])
    assert film.loop_difference().largest == 0


def test_farthest_poses_when_chosen_then_are_the_extremes(scene):
    moving = once(replace(scene, tracks=()), duration=1.0)
    moving = add_track(moving, make_path(((10, 10), (30, 10), (30, 30)), is_smooth=False))
    poses = [scene_pose(moving, i / 20) for i in range(21)]
    chosen = farthest_poses(poses, 2)
    assert chosen[0] == poses[-1] or chosen[0].layers[0].displacements[0][0] == pytest.approx(20)
    assert len(farthest_poses([poses[0]])) == 0
