import itertools
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from cmp_engine.errors import Cancelled, GuidanceError, ImageError, NotReadyError
from cmp_engine.sequence import FrameRenderer, compose_forward, resize_image
from cmp_engine.warp import backward_map


class FakePredictor:
    """Moves a box of the picture, or all of it, as the mean of the arrows says."""

    def __init__(self, *, box=None, reach_px: float | None = None) -> None:
        self.box = box
        self.reach_px = reach_px
        self.image: np.ndarray | None = None
        self.images: list[np.ndarray] = []
        self.calls: list[int] = []

    @property
    def image_hw(self) -> tuple[int, int] | None:
        return None if self.image is None else (self.image.shape[0], self.image.shape[1])

    def set_image(self, image: np.ndarray) -> None:
        self.image = image
        self.images.append(image)

    def predict_many(
        self, guidance: Sequence, *, size_hw: tuple[int, int] | None = None
    ) -> np.ndarray:
        self.calls.append(len(guidance))
        height, width = self.image_hw
        flows = []
        for _, vectors in guidance:
            vectors = np.asarray(vectors, np.float32).reshape(-1, 2)
            if self.reach_px is not None:
                assert np.abs(vectors).max() <= self.reach_px + 1e-3
            flow = np.zeros((height, width, 2), np.float32)
            moving = vectors[np.abs(vectors).max(axis=1) > 0]
            speed = moving.mean(axis=0) if len(moving) else np.zeros(2)
            if self.box is None:
                flow[:] = speed
            else:
                box = self.box if len(self.images) < 2 else self.brightest()
                flow[box] = speed
            if size_hw is not None and size_hw != (height, width):
                flow = cv2.resize(flow, size_hw[::-1], interpolation=cv2.INTER_NEAREST)
                flow *= np.float32([size_hw[1] / width, size_hw[0] / height])
            flows.append(flow)
        return np.stack(flows)

    def brightest(self) -> tuple[slice, slice]:
        """The box again, wherever it is now: it is the brightest part."""
        y, x = np.nonzero(self.image[..., 0] > 150)
        return slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1)


BOX = (slice(30, 50), slice(30, 60))


def picture(height=80, width=120) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 100, (height, width, 3)).astype(np.uint8)
    image[BOX] = rng.integers(160, 256, (20, 30, 3))
    return image


def ready(predictor: FakePredictor, image: np.ndarray) -> FakePredictor:
    predictor.set_image(image)
    return predictor


def test_frame_when_there_are_no_arrows_then_is_the_picture():
    image = picture()
    renderer = FrameRenderer(ready(FakePredictor(), image), image)
    for points, vectors in (([], []), ([[5, 5]], [[0, 0]])):
        frame = renderer.frame(points, vectors)
        assert np.array_equal(frame.image, image)
        assert not frame.flow.any()
        assert frame.hole_fraction == 0


@pytest.mark.parametrize("size_hw", [(40, 60), (80, 120), (100, 170), (33, 47)])
def test_frame_when_size_differs_then_is_the_resized_picture_moved_as_far(size_hw):
    image = picture()
    renderer = FrameRenderer(ready(FakePredictor(), image), image, size_hw=size_hw)
    assert np.array_equal(renderer.frame([], []).image, resize_image(image, size_hw))
    frame = renderer.frame([[10, 10]], [[12, -8]])
    assert frame.image.shape == (*size_hw, 3)
    assert frame.flow.shape == (*size_hw, 2)
    assert np.allclose(frame.flow, [12 * size_hw[1] / 120, -8 * size_hw[0] / 80], atol=1e-3)
    assert frame.holes.shape == size_hw


def test_frame_when_all_moves_by_whole_pixels_then_is_resampled_exactly():
    image = picture()
    frame = FrameRenderer(ready(FakePredictor(), image), image).frame([[10, 10]], [[7, 3]])
    assert np.array_equal(frame.image[3:, 7:], image[:-3, :-7])
    expected = 1 - 77 * 113 / (80 * 120)
    assert frame.hole_fraction == pytest.approx(expected)


def test_frames_when_drawn_together_then_are_those_drawn_alone():
    image = picture()
    guidance = [([[40, 40]], [[0.4 * k, -0.3 * k]]) for k in range(20)]
    renderer = FrameRenderer(ready(FakePredictor(box=BOX), image), image)
    together = list(renderer.frames(guidance))
    for index in (19, 3, 0, 11):
        alone = renderer.frame(*guidance[index])
        assert np.array_equal(alone.image, together[index].image)
        assert np.array_equal(alone.holes, together[index].holes)
    assert np.array_equal(together[0].image, image)


def test_frames_when_asked_then_share_passes_and_read_only_a_batch_ahead():
    image = picture()
    predictor = ready(FakePredictor(), image)
    endless = (([[5, 5]], [[k, 0]]) for k in itertools.count(1))
    frames = FrameRenderer(predictor, image).frames(endless)
    assert predictor.calls == []
    next(frames)
    assert predictor.calls == [8]
    assert len(list(itertools.islice(frames, 8))) == 8
    assert predictor.calls == [8, 8]
    frames.close()


def test_frames_when_cancelled_then_stop():
    image = picture()
    predictor = ready(FakePredictor(), image)
    answers = iter([False, False, False, True])
    guidance = [([[5, 5]], [[k, 0]]) for k in range(1, 9)]
    frames = FrameRenderer(predictor, image).frames(guidance, cancelled=lambda: next(answers))
    assert len([next(frames), next(frames)]) == 2
    with pytest.raises(Cancelled):
        next(frames)
    assert predictor.image is image


def test_freeze_when_a_part_is_frozen_then_it_stays_to_the_bit():
    image = picture()
    freeze = np.zeros((80, 120), np.float32)
    freeze[:, 60:] = 1
    renderer = FrameRenderer(ready(FakePredictor(), image), image, freeze=freeze)
    frame = renderer.frame([[10, 10]], [[5, 0]])
    assert not frame.flow[:, 60:].any()
    assert (frame.flow[:, :60] == (5, 0)).all()
    assert np.array_equal(frame.image[:, 68:], image[:, 68:])


def test_freeze_when_feathered_then_scales_the_motion():
    image = picture()
    freeze = np.broadcast_to(np.linspace(0, 1, 120, dtype=np.float32), (80, 120)).copy()
    renderer = FrameRenderer(ready(FakePredictor(), image), image, freeze=freeze)
    flow = renderer.frame([[2, 2]], [[4, 0]]).flow
    assert np.allclose(flow[..., 0], 4 * (1 - freeze), atol=0.02)


def test_freeze_when_an_arrow_starts_in_it_then_counts_as_a_pin():
    image = picture()
    predictor = ready(FakePredictor(), image)
    freeze = np.zeros((80, 120), np.float32)
    freeze[:, 60:] = 1
    renderer = FrameRenderer(predictor, image, freeze=freeze)
    assert np.array_equal(renderer.frame([[100, 10]], [[9, 9]]).image, image)
    assert predictor.calls == []
    assert renderer.frame([[100, 10], [5, 5]], [[9, 9], [2, 0]]).flow[0, 0].tolist() == [2, 0]


@pytest.mark.parametrize("distance", [9.9, 10, 23, 40])
def test_arrow_when_beyond_the_reach_then_is_walked_in_steps(distance):
    image = picture()
    predictor = ready(FakePredictor(box=BOX, reach_px=10), image)
    frame = FrameRenderer(predictor, image).frame([[45, 40]], [[distance, 0]])
    assert np.abs(frame.flow[33:47, 33:57] - (distance, 0)).max() < 0.6
    assert not frame.flow[:20].any()
    assert predictor.image is image
    assert len(predictor.images) == (1 if distance <= 10 else 1 + int(np.ceil(distance / 10)))


def test_arrow_when_beyond_the_reach_then_the_picture_is_resampled_once():
    image = picture()
    predictor = ready(FakePredictor(reach_px=5), image)
    frame = FrameRenderer(predictor, image).frame([[45, 40]], [[12, 0]])
    assert np.array_equal(frame.image[:, 12:], image[:, :-12])


def test_arrows_when_they_grow_then_pass_through_kept_poses():
    image = picture()
    predictor = ready(FakePredictor(box=BOX, reach_px=10), image)
    renderer = FrameRenderer(predictor, image)
    list(renderer.frames([([[45, 40]], [[d, 0]]) for d in (12, 14, 16, 18)]))
    # The picture, the pose at 10 px, and the picture again.
    assert len(predictor.images) == 3


def test_arrow_when_far_too_long_then_says_so_and_the_predictor_keeps_its_picture():
    image = picture()
    predictor = ready(FakePredictor(reach_px=2), image)
    with pytest.raises(GuidanceError, match="too long"):
        FrameRenderer(predictor, image).frame([[45, 40]], [[100, 0]])
    assert predictor.image is image


def test_frames_when_only_the_strength_changes_then_one_prediction_is_enough():
    image = picture()
    predictor = ready(FakePredictor(box=BOX), image)
    guidance = [([[40, 40]], [[s * 6, s * 2]]) for s in (1, 0.5, 0.25, -1)]
    renderer = FrameRenderer(predictor, image, scales_linearly=True)
    frames = list(renderer.frames(guidance))
    assert sum(predictor.calls) == 1
    plain = FrameRenderer(predictor, image).frames(guidance)
    for frame, expected in zip(frames, plain, strict=True):
        assert np.allclose(frame.flow, expected.flow, atol=1e-4)
    list(renderer.frames([([[41, 40]], [[6, 2]])]))
    assert sum(predictor.calls) == 6


def test_holes_when_painted_in_then_are_the_same_in_all_frames():
    image = np.full((80, 120, 3), 60, np.uint8)
    image[::4] = 90
    image[BOX] = 220
    renderer = FrameRenderer(ready(FakePredictor(box=BOX), image), image, fill="inpaint")
    frames = list(renderer.frames([([[40, 40]], [[d, 0]]) for d in (15, 25, 35)]))
    uncovered = (frames[0].holes & frames[1].holes).astype(np.uint8)
    uncovered = cv2.erode(uncovered, np.ones((5, 5), np.uint8)) > 0
    assert uncovered.sum() > 100
    assert np.array_equal(frames[0].image[uncovered], frames[1].image[uncovered])
    assert frames[2].image[frames[2].holes].max() < 150


def test_holes_when_a_background_is_given_then_show_it():
    image = picture()
    plate = np.full((80, 120, 3), 7, np.uint8)
    renderer = FrameRenderer(ready(FakePredictor(box=BOX), image), image, background=plate)
    frame = renderer.frame([[40, 40]], [[20, 0]])
    assert (frame.image[frame.holes] == 7).mean() > 0.9


def test_order_when_given_then_decides_what_is_in_front():
    image = picture()
    order = np.zeros((80, 120), np.float32)
    order[:, 60:] = 1
    renderer = FrameRenderer(ready(FakePredictor(box=BOX), image), image, order=order)
    frame = renderer.frame([[40, 40]], [[20, 0]])
    assert np.array_equal(frame.image[35:45, 66:], image[35:45, 66:])


def test_flow_when_composed_then_hidden_pixels_stay_with_their_like():
    first = np.zeros((40, 90, 2), np.float32)
    first[10:30, 10:30] = (20, 0)
    second = np.zeros((40, 90, 2), np.float32)
    second[10:30, 30:50] = (20, 0)
    total = compose_forward(first, second, backward_map(first, soft_edges=False))
    assert np.abs(total[12:28, 12:28] - (40, 0)).max() < 1e-3
    # The ground under the part in between has not moved.
    assert not total[12:28, 32:60].any()


def test_renderer_when_the_predictor_has_another_picture_then_says_so():
    image = picture()
    with pytest.raises(NotReadyError, match="set_image"):
        FrameRenderer(FakePredictor(), image)
    with pytest.raises(NotReadyError, match="set_image"):
        FrameRenderer(ready(FakePredictor(), image[:40]), image)


def test_renderer_when_given_a_wrong_picture_then_says_so():
    image = picture()
    predictor = ready(FakePredictor(), image)
    with pytest.raises(ImageError, match="uint8"):
        FrameRenderer(predictor, image.astype(np.float32))
    with pytest.raises(ImageError, match="freeze"):
        FrameRenderer(predictor, image, freeze=np.zeros((3, 3), np.float32))
    with pytest.raises(ImageError, match="finite"):
        FrameRenderer(predictor, image, order=np.full((80, 120), np.nan, np.float32))
    with pytest.raises(ImageError, match="at least"):
        FrameRenderer(predictor, image, size_hw=(0, 5))


def test_frame_when_guidance_is_nonsense_then_says_so():
    image = picture()
    with pytest.raises(GuidanceError):
        FrameRenderer(ready(FakePredictor(), image), image).frame([[500, 5]], [[1, 1]])
