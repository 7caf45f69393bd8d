"""`ClickSegmenter` with predictors whose answers are known, and once with a real network."""

import numpy as np
import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.click_fusion import (
    FUSIONS,
    agreement_rule,
    fusion_rule,
    published_rule,
    with_affinity,
)
from cmp_engine.config import PRESETS
from cmp_engine.errors import ConfigError, EngineError, GuidanceError, NotReadyError
from cmp_engine.predictor import MotionPredictor
from cmp_engine.segment import ClickSegmenter

HEIGHT, WIDTH = 120, 160


class Parts:
    """A predictor that knows the parts: each moves with the last arrow on it.

    Parts are found by their colour, so that crops have them too. `size_hw` is answered by nearest
    neighbours.
    """

    def __init__(self):
        self.image = None
        self.image_hw = None
        self.made = []
        self.sets = []

    def twin(self):
        twin = Parts()
        twin.made, twin.sets = self.made, self.sets
        return twin

    def set_image(self, image):
        self.image = image
        self.image_hw = image.shape[:2]
        self.made.append(self.image_hw)

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None, limbs=True):
        height, width = self.image_hw
        flows = np.zeros((len(guidance), *size_hw, 2), np.float32)
        rows = ((np.arange(size_hw[0]) + 0.5) * height / size_hw[0]).astype(int)
        columns = ((np.arange(size_hw[1]) + 0.5) * width / size_hw[1]).astype(int)
        code = self.image.astype(int) @ (1, 256, 65536)
        for flow, (points, vectors) in zip(flows, guidance, strict=True):
            full = np.zeros((height, width, 2), np.float32)
            for (x, y), vector in zip(points, vectors, strict=True):
                if code[int(y), int(x)]:
                    full[code == code[int(y), int(x)]] = vector
            flow[:] = full[rows][:, columns]
            flow *= (size_hw[1] / width, size_hw[0] / height)
        self.sets += guidance
        return flows

    def affinity(self, points, *, size_hw=None):
        """This one says nothing at sight."""
        return


class Sight(Parts):
    """A predictor in whose answers nothing moves, and that knows parts at sight."""

    def twin(self):
        return Sight()

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None, limbs=True):
        return np.zeros((len(guidance), *size_hw, 2), np.float32)

    def affinity(self, points, *, size_hw=None):
        code = self.image.astype(int) @ (1, 256, 65536)
        rows = ((np.arange(size_hw[0]) + 0.5) * code.shape[0] / size_hw[0]).astype(int)
        columns = ((np.arange(size_hw[1]) + 0.5) * code.shape[1] / size_hw[1]).astype(int)
        small = code[rows][:, columns]
        same = [small == code[int(y), int(x)] for x, y in points]
        return np.stack([np.stack([np.where(s, 6.0, -6.0)] * 2) for s in same]).astype(np.float32)


@pytest.fixture
def parts():
    """A black picture with a red ring, a green thing of two parts, and a small blue square."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    far = np.hypot(x - 50, y - 60)
    image[(far < 40) & (far > 18)] = (220, 40, 30)
    image[10:40, 110:140] = (30, 200, 60)
    image[80:110, 110:140] = (30, 200, 60)
    image[56:64, 120:128] = (40, 70, 230)
    return image


@pytest.fixture
def segmenter(parts):
    segmenter = ClickSegmenter(Parts())
    segmenter.set_image(parts)
    return segmenter


def iou(mask, truth):
    return (mask & truth).sum() / (mask | truth).sum()


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_mask_when_an_object_has_a_hole_then_the_hole_stays_out(parts, fusion):
    segmenter = ClickSegmenter(Parts(), fusion=fusion)
    segmenter.set_image(parts)
    result = segmenter.mask([(20, 60)])
    assert iou(result.mask, parts[..., 0] == 220) > 0.9
    assert not result.mask[60, 50]
    assert result.mask.shape == (HEIGHT, WIDTH)
    assert result.mask.dtype == np.bool_
    assert result.score.dtype == np.float32
    assert 0 <= result.score.min() <= result.score.max() <= 1


def test_mask_when_an_object_is_in_two_parts_then_a_click_on_each_gives_both(segmenter, parts):
    green = parts[..., 1] == 200
    one = segmenter.mask([(125, 25)]).mask
    both = segmenter.mask([(125, 25), (125, 95)]).mask
    assert one[:60].sum() > 0
    assert not one[70:].any()
    assert iou(both, green) > 0.9


def test_mask_when_published_then_parts_without_a_click_count_too(parts):
    segmenter = ClickSegmenter(Parts(), fusion="published")
    segmenter.set_image(parts)
    assert iou(segmenter.mask([(125, 25)]).mask, parts[..., 1] == 200) > 0.95


def test_mask_when_clicked_beside_then_that_spot_is_out(segmenter):
    result = segmenter.mask([(20, 60)], [(85, 60)])
    assert result.mask[60, 20]
    assert not result.mask[60, 85]
    assert result.score[60, 85] == 0


def test_mask_when_negative_clicks_are_given_then_they_are_held_still(segmenter):
    segmenter.mask([(20, 60)], [(125, 95)])
    points, vectors = segmenter._predictor.sets[-1]
    assert points.tolist() == [[20, 60], [125, 95]]
    assert np.hypot(*vectors[0]) == pytest.approx(30 * HEIGHT / 384)
    assert vectors[1].tolist() == [0, 0]


def test_mask_when_small_then_it_is_looked_at_in_a_crop_and_lands_exactly(segmenter, parts):
    result = segmenter.mask([(124, 60)])
    assert (result.box.height, result.box.width) == (64, 64)
    assert segmenter._predictor.made == [(HEIGHT, WIDTH), (64, 64)]
    assert np.array_equal(result.mask, parts[..., 2] == 230)


def test_mask_when_zoom_is_off_then_the_whole_picture_is_looked_at(parts):
    segmenter = ClickSegmenter(Parts(), zoom_factor=0)
    segmenter.set_image(parts)
    box = segmenter.mask([(124, 60)]).box
    assert (box.top, box.left, box.height, box.width) == (0, 0, HEIGHT, WIDTH)


def test_mask_when_published_then_it_zooms_on_two_clicks_alone(parts):
    segmenter = ClickSegmenter(Parts(), fusion="published")
    segmenter.set_image(parts)
    assert segmenter.mask([(124, 60)]).box.width == WIDTH
    assert segmenter.mask([(121, 57), (127, 63)]).box.width == 64


def test_mask_when_asked_again_then_the_crop_is_not_made_again_and_the_answer_the_same(segmenter):
    first = segmenter.mask([(124, 60)])
    segmenter.mask([(20, 60)])
    again = segmenter.mask([(124, 60)])
    assert len(segmenter._predictor.made) == 2
    assert np.array_equal(first.score, again.score)


def test_mask_when_only_the_zoom_changes_then_the_network_is_asked_for_another_crop_alone(
    segmenter,
):
    first = segmenter.mask([(124, 60)])
    asked, crops = len(segmenter._predictor.sets), len(segmenter._predictor.made)
    wider = segmenter.mask([(124, 60)], zoom_factor=9)
    assert 64 < wider.box.height < HEIGHT
    assert wider.box != first.box
    assert len(segmenter._predictor.sets) == asked + len(FUSIONS["colors"].directions)
    asked, crops = len(segmenter._predictor.sets), len(segmenter._predictor.made)
    for zoom in (2, 9, 9.01, 4):
        segmenter.mask([(124, 60)], zoom_factor=zoom)
    assert (len(segmenter._predictor.sets), len(segmenter._predictor.made)) == (asked, crops)
    segmenter.mask([(124, 60)], speed=31)
    assert len(segmenter._predictor.sets) > asked


def test_mask_when_the_same_was_asked_before_then_fresh_or_kept_is_the_same(parts):
    kept, fresh = (ClickSegmenter(Parts()) for _ in range(2))
    kept.set_image(parts)
    fresh.set_image(parts)
    for _ in range(2):
        for speed in (20.0, 30.0):
            kept.mask([(50, 92), (124, 60)], [(5, 5)], speed=speed)
    found = kept.mask([(50, 92)], [(5, 5)], speed=20.0)
    expected = fresh.mask([(50, 92)], [(5, 5)], speed=20.0)
    np.testing.assert_array_equal(found.score, expected.score)
    np.testing.assert_array_equal(found.coarse_flows, expected.coarse_flows)


def test_mask_when_many_crops_were_made_then_few_are_kept(parts):
    parts[:] = 0
    for left in range(0, 150, 12):
        parts[50:54, left : left + 4] = (left + 20, 9, 9)
    segmenter = ClickSegmenter(Parts())
    segmenter.set_image(parts)
    for left in range(0, 150, 12):
        mask = segmenter.mask([(left + 2, 52)]).mask
        assert np.array_equal(mask, parts[..., 0] == left + 20)
    assert len(segmenter._views) <= 5


def test_mask_when_the_picture_changes_then_the_new_one_counts(segmenter, parts):
    segmenter.mask([(124, 60)])
    segmenter.set_image(np.ascontiguousarray(parts[:, ::-1]))
    mask = segmenter.mask([(WIDTH - 1 - 124, 60)]).mask
    assert np.array_equal(mask, parts[:, ::-1, 2] == 230)


def test_mask_when_other_objects_are_excluded_then_they_stay_out(segmenter, parts):
    others = np.zeros((HEIGHT, WIDTH), bool)
    others[:60] = True
    mask = segmenter.mask([(20, 75)], exclude=others).mask
    assert not mask[:60].any()
    assert mask[61:].any()


def test_flows_when_asked_then_one_for_each_direction_in_px_of_the_picture(segmenter, parts):
    result = segmenter.mask([(20, 60)])
    assert result.flows.shape == (len(result.directions), HEIGHT, WIDTH, 2)
    pull = 30 * HEIGHT / 384
    for flow, direction in zip(result.flows, result.directions, strict=True):
        assert flow[60, 20] == pytest.approx(pull * direction, abs=1e-3)
        assert flow[60, 50] == pytest.approx([0, 0], abs=1e-3)


def test_flows_when_zoomed_then_they_lie_at_their_place_and_are_zero_outside(segmenter):
    result = segmenter.mask([(124, 60)])
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[result.box.rows, result.box.columns] = False
    assert not result.flows[:, outside].any()
    pull = 30 * result.box.height / 384
    assert result.flows[0, 60, 124] == pytest.approx(pull * result.directions[0], abs=1e-3)


def test_at_when_the_threshold_rises_then_the_mask_shrinks_and_the_click_stays(segmenter):
    result = segmenter.mask([(20, 60)])
    areas = [int(result.at(threshold).sum()) for threshold in (0.1, 0.5, 0.9)]
    assert areas == sorted(areas, reverse=True)
    assert np.array_equal(result.at(0.5), result.mask)
    assert result.at(0.9)[60, 20]


@pytest.mark.parametrize(
    ("positive", "negative", "words"),
    [
        ([], [], "at least one click"),
        ([(500, 10)], [], "Positive click 1 is at .500, 10., outside"),
        ([(10, 10)], [(10, -3)], "Negative click 1 is at .10, -3., outside"),
        ([(float("nan"), 1)], [], "finite"),
        ([(1, 2, 3)], [], "pairs"),
    ],
)
def test_mask_when_clicks_make_no_sense_then_a_sentence(segmenter, positive, negative, words):
    with pytest.raises(GuidanceError, match=words):
        segmenter.mask(positive, negative)


def test_mask_when_the_others_have_another_size_then_a_sentence(segmenter):
    with pytest.raises(GuidanceError, match="other objects"):
        segmenter.mask([(20, 60)], exclude=np.zeros((3, 3), bool))


def test_mask_when_there_is_no_picture_then_a_sentence():
    with pytest.raises(NotReadyError, match="set_image"):
        ClickSegmenter(Parts()).mask([(1, 1)])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fusion": "best"}, "no way of fusing"),
        ({"threshold": 1.5}, "from 0 to 1"),
        ({"speed": 0}, "above 0"),
        ({"zoom_factor": 0.5}, "1 or more"),
    ],
)
def test_segmenter_when_an_option_makes_no_sense_then_a_sentence(options, words):
    with pytest.raises(ConfigError, match=words):
        ClickSegmenter(Parts(), **options)


def test_at_when_the_threshold_makes_no_sense_then_a_sentence(segmenter):
    with pytest.raises(ConfigError, match="from 0 to 1"):
        segmenter.mask([(20, 60)]).at(2)


def test_published_rule_when_worked_out_by_hand_then_the_mean_over_its_maximum():
    flows = np.zeros((4, 1, 3, 2), np.float32)
    flows[:, 0, 0] = ((1, 0), (0, 1), (-1, 0), (0, -1))
    flows[:, 0, 1] = ((0.5, 0), (0, 0), (-0.5, 0), (0, 0))
    score = published_rule(flows, np.array(fusion_rule("published").directions, np.float32))
    assert score[0] == pytest.approx([1, 0.25, 0])


def test_agreement_when_a_pixel_goes_the_other_way_then_it_does_not_count():
    directions = np.array(fusion_rule("agreement").directions, np.float32)
    with_it, against = directions[:, None, None], -directions[:, None, None]
    flows = np.concatenate([with_it, against], axis=2)
    score = agreement_rule(flows, directions)
    assert score[0, 0] > 0.95
    assert score[0, 1] < 0.05


def test_mask_when_the_network_is_real_then_clicks_hold_and_it_repeats():
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (70, 90, 3), dtype=np.uint8)
    predictor = MotionPredictor(build_network(PRESETS["default"]), device="cpu", short_side=64)
    segmenter = ClickSegmenter(predictor)
    segmenter.set_image(image)
    first = segmenter.mask([(30, 30), (40.5, 35.25)], [(80, 60)])
    assert first.mask[30, 30]
    assert not first.mask[60, 80]
    assert first.flows.shape == (len(first.directions), 70, 90, 2)
    again = segmenter.mask([(30, 30), (40.5, 35.25)], [(80, 60)])
    assert np.array_equal(first.score, again.score)


def test_twin_when_it_takes_a_picture_then_the_first_predictor_keeps_its_own():
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    predictor = MotionPredictor(build_network(PRESETS["default"]), device="cpu", short_side=64)
    predictor.set_image(image)
    before = predictor.predict([(10, 10)], [(5, 0)])
    twin = predictor.twin()
    assert twin.image is None
    with pytest.raises(EngineError, match="set_image"):
        twin.predict([(10, 10)], [(5, 0)])
    twin.set_image(image[::2, ::2].copy())
    assert np.array_equal(predictor.predict([(10, 10)], [(5, 0)]), before)
    assert np.array_equal(predictor.image, image)
    twin.set_image(image)
    assert np.allclose(twin.predict([(10, 10)], [(5, 0)]), before, atol=1e-6)


def test_mask_when_the_network_knows_parts_at_sight_then_they_count_without_motion(parts):
    segmenter = ClickSegmenter(Sight())
    segmenter.set_image(parts)
    mask = segmenter.mask([(125, 95)]).mask
    truth = np.zeros_like(mask)
    truth[80:110, 110:140] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85
    blind = ClickSegmenter(Sight(), fusion="agreement")
    blind.set_image(parts)
    assert blind.mask([(125, 95)]).mask.sum() < 50


def test_with_affinity_when_a_place_belongs_to_both_sides_then_it_says_nothing():
    score = np.full((1, 3), 0.5, np.float32)
    positive = np.array([[[[4.0, 4.0, -4.0]]] * 2], np.float32).reshape(1, 2, 1, 3)
    negative = np.array([[[[-4.0, 4.0, 4.0]]] * 2], np.float32).reshape(1, 2, 1, 3)
    alone = with_affinity(score, positive, None, weight=1.0)
    assert alone[0, 0] > 0.9
    assert alone[0, 2] < 0.1
    both = with_affinity(score, positive, negative, weight=1.0)
    assert both[0, 1] == pytest.approx(0.5)
    assert both[0, 2] < 0.1 < 0.8 < both[0, 0]
    assert both[0, 0] < alone[0, 0]


def test_mask_when_speed_fusion_or_zoom_are_given_then_in_place_of_the_own(parts):
    predictor = Parts()
    segmenter = ClickSegmenter(predictor, zoom_factor=0)
    segmenter.set_image(parts)
    segmenter.mask([(125, 95)], speed=60.0, fusion="agreement")
    assert len(predictor.sets) == 4
    assert np.hypot(*predictor.sets[0][1][0]) == pytest.approx(60 * HEIGHT / 384)
    assert len(predictor.made) == 1
    segmenter.mask([(124, 60)], zoom_factor=2.0)
    assert len(predictor.made) == 2
    with pytest.raises(ConfigError, match="speed"):
        segmenter.mask([(125, 95)], speed=0)
    with pytest.raises(ConfigError, match="zoom"):
        segmenter.mask([(125, 95)], zoom_factor=0.5)


def test_affinity_when_the_network_says_so_then_logits_of_the_asked_size():
    torch.manual_seed(3)
    predictor = MotionPredictor(build_network(PRESETS["default"]), device="cpu")
    predictor.set_image(np.random.default_rng(0).integers(0, 255, (90, 130, 3), dtype=np.uint8))
    both = predictor.affinity([(20, 30), (100, 60)], size_hw=(45, 65))
    assert both.shape == (2, 2, 45, 65)
    assert np.isfinite(both).all()
    near, far = both[0, :, 15, 10], both[0, :, 40, 60]
    assert (near > far).all()  # nothing belongs more to a place than what is there
    assert predictor.affinity([(20, 30)]).shape == (1, 2, 90, 130)
    with pytest.raises(GuidanceError):
        predictor.affinity([(200, 30)])


def test_affinity_when_the_network_is_a_published_one_then_none():
    predictor = MotionPredictor(build_network(PRESETS["alexnet_plain"]), device="cpu")
    predictor.set_image(np.zeros((64, 64, 3), np.uint8))
    assert predictor.affinity([(20, 30)]) is None
