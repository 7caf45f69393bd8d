from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_engine.errors import Cancelled, ImageError
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.scene import FilmSettings
from cmp_studio.pipeline import film as film_module
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.film import Film, plan_reuse
from cmp_studio.pipeline.stage import decode_picture, scene_pose


def test_film_when_ping_pong_then_starts_and_would_end_with_the_picture(scene, predictor, pixels):
    film = Film(scene, predictor)
    frames = list(film)
    assert (film.frame_count, len(frames), film.seconds) == (14, 14, 14 / 8)
    np.testing.assert_array_equal(frames[0], pixels)
    for there, back in zip(frames[1:7], frames[:7:-1], strict=True):
        assert there is back  # drawn once, shown twice
    assert predictor.answered == 7  # all but the first, which needs no network


def test_film_when_at_its_peak_then_the_dragged_part_moved_and_the_pinned_rest_did_not(
    scene, predictor, pixels
):
    peak = Film(scene, predictor).peak()
    np.testing.assert_array_equal(peak.image[:, 52:], pixels[:, 52:])
    np.testing.assert_allclose(
        peak.image[10:40, 20:30].astype(int), pixels[10:40, 8:18].astype(int), atol=2
    )
    assert peak.flow[24, 12] == pytest.approx([12, 0])


def test_film_when_nothing_may_be_kept_then_gives_the_same_frames(scene, predictor, monkeypatch):
    usual = [frame.copy() for frame in Film(scene, predictor)]
    monkeypatch.setattr(film_module, "KEPT_BYTES", 0)
    predictor.answered = 0
    again = list(Film(scene, predictor))
    np.testing.assert_array_equal(usual, again)
    assert predictor.answered > 7  # most of the way back was asked for again


def test_film_when_gone_through_twice_then_the_second_round_is_the_first(scene, predictor):
    frames = list(Film(scene, predictor, loops=2))
    assert len(frames) == 28
    np.testing.assert_array_equal(frames[:14], frames[14:])
    assert predictor.answered == 7


@pytest.mark.parametrize("loop", ["ping_pong", "seamless"])
def test_film_when_it_loops_then_the_frame_after_the_last_is_the_first(scene, predictor, loop):
    film = Film(replace(scene, film=FilmSettings(1.0, 8.0, loop)), predictor)
    first = next(iter(film))
    at_end = 0.0 if loop == "ping_pong" else film.scene.film.duration
    np.testing.assert_array_equal(film.frame_at(at_end).image, first)


def test_film_when_hold_then_rests_on_the_last_frame(scene, predictor):
    frames = list(Film(replace(scene, film=FilmSettings(1.0, 8.0, "hold")), predictor))
    assert len(frames) == 16
    assert all(frame is frames[7] for frame in frames[8:])


def test_film_when_a_mask_freezes_all_then_nothing_moves(scene, predictor, pixels):
    frozen = replace(scene, freeze=mask_from_array(np.full((48, 64), 255, np.uint8)))
    for frame in Film(frozen, predictor):
        np.testing.assert_array_equal(frame, pixels)


def test_film_when_a_size_is_given_then_frames_have_it(scene, predictor):
    film = Film(scene, predictor, size_hw=(24, 32))
    assert {frame.shape for frame in film} == {(24, 32, 3)}
    assert film.peak().flow[12, 6] == pytest.approx([6, 0])


def test_film_when_there_is_no_track_then_shows_the_picture(scene, predictor, pixels):
    for frame in Film(replace(scene, tracks=()), predictor):
        np.testing.assert_array_equal(frame, pixels)
    assert predictor.answered == 0


def test_film_when_the_picture_was_decoded_before_then_leaves_the_predictor_alone(
    scene, predictor, pixels
):
    predictor.set_image(pixels)
    list(Film(scene, predictor, image=pixels))
    assert len(predictor.pictures) == 1


def test_film_when_cancelled_then_stops_at_the_next_frame(scene, predictor):
    images = Film(scene, predictor).images(cancelled=lambda: predictor.answered > 0)
    with pytest.raises(Cancelled):
        list(images)


def test_film_when_gone_through_zero_times_then_refuses(scene, predictor):
    with pytest.raises(PipelineError, match="at least once, got 0"):
        Film(scene, predictor, loops=0)


def test_decode_picture_when_damaged_or_not_as_measured_then_says_so(scene):
    cut = replace(scene.picture, data=scene.picture.data[:-60])
    with pytest.raises(ImageError):
        decode_picture(cut)
    with pytest.raises(PipelineError, match=r"noise.png should be 99 x 48, but .* 64 x 48"):
        decode_picture(replace(scene.picture, width=99))


def test_pose_when_the_way_back_then_is_the_same(scene):
    seamless = replace(scene, film=FilmSettings(1.0, 8.0, "seamless"))
    assert scene_pose(seamless, 0.3) == scene_pose(seamless, 0.7)
    assert scene_pose(seamless, 0.3) != scene_pose(seamless, 0.31)


def _guidance(number):
    return ((0.0, 0.0),), ((float(number), 0.0),)


@given(numbers=st.lists(st.integers(0, 6), max_size=30), capacity=st.integers(0, 5))
def test_plan_reuse_when_followed_then_has_every_frame_and_never_keeps_too_many(numbers, capacity):
    sequence = [_guidance(number) for number in numbers]
    kept = set()
    for guidance, step in zip(sequence, plan_reuse(sequence, capacity), strict=True):
        assert step.is_drawn or guidance in kept
        kept -= set(step.dropped)
        if step.is_kept:
            kept.add(guidance)
        assert len(kept) <= capacity
    assert not kept  # nothing is kept that is not shown again


@given(numbers=st.lists(st.integers(0, 6), max_size=30))
def test_plan_reuse_when_there_is_room_then_draws_every_frame_once(numbers):
    sequence = [_guidance(number) for number in numbers]
    drawn = sum(step.is_drawn for step in plan_reuse(sequence, 7))
    assert drawn == len(set(numbers))


def test_plan_reuse_when_room_is_short_on_the_way_back_then_keeps_the_last_frames():
    there = [_guidance(number) for number in range(6)]
    plan = plan_reuse(there + there[-2:0:-1], 2)
    assert [step.is_drawn for step in plan[6:]] == [False, False, True, True]


@pytest.mark.parametrize("size_hw", [(24, 48), (20, 30)])
def test_film_when_smaller_than_the_picture_then_as_clean_as_the_whole_one_shrunk(
    scene, predictor, size_hw
):
    whole = Film(scene, predictor).peak()
    small = Film(scene, predictor, size_hw=size_hw).peak()
    shrunk = cv2.resize(whole.image, size_hw[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(small.image, shrunk)
    assert small.holes.shape == size_hw
    assert small.holes.mean() == pytest.approx(whole.holes.mean(), abs=0.03)
    scale = np.array([size_hw[1] / whole.flow.shape[1], size_hw[0] / whole.flow.shape[0]])
    coarse = cv2.resize(whole.flow, size_hw[::-1], interpolation=cv2.INTER_AREA) * scale
    np.testing.assert_allclose(small.flow, coarse, atol=1e-4)
