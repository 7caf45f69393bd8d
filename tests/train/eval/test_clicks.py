"""The simulated user and the scores, on drawn objects and segmenters whose answers are known."""

import math

import cv2
import numpy as np
import pytest
from PIL import Image

from cmp_engine.click_fusion import FUSIONS
from cmp_studio.cli import mask as mask_command
from train.errors import TrainError
from train.eval.click_user import (
    GrabCut,
    Session,
    TrueObject,
    iou,
    next_click,
    read_objects,
    replay,
    simulate,
)
from train.eval.clicks import evaluate, format_table, main, score_sessions, worst_sheet

HEIGHT, WIDTH = 60, 80


@pytest.fixture
def item():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (30, 30), 15, 1, -1)
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image[mask > 0] = (210, 80, 40)
    return TrueObject("disc", image, mask > 0, np.ones((HEIGHT, WIDTH), bool))


class Growing:
    """Marks a square about each positive click, of 21 px."""

    def __init__(self):
        self.asked = []

    def set_image(self, image):
        self.size_hw = image.shape[:2]

    def segment(self, positive, negative):
        self.asked.append((len(positive), len(negative)))
        mask = np.zeros(self.size_hw, bool)
        for x, y in positive:
            mask[max(0, int(y) - 10) : int(y) + 11, max(0, int(x) - 10) : int(x) + 11] = True
        return mask


def test_next_click_when_nothing_is_marked_then_in_the_middle_of_the_object(item):
    is_positive, (x, y) = next_click(np.zeros_like(item.mask), item)
    assert is_positive
    assert math.dist((x, y), (30, 30)) <= 1


def test_next_click_when_too_much_is_marked_then_negative_in_the_largest_wrong_region(item):
    marked = item.mask.copy()
    marked[10:40, 60:75] = True
    marked[55:58, 2:5] = True
    is_positive, (x, y) = next_click(marked, item)
    assert not is_positive
    assert 60 <= x < 75
    assert 10 <= y < 40


def test_next_click_when_wrong_pixels_are_ignored_ones_then_none(item):
    marked = item.mask.copy()
    marked[10:40, 60:75] = True
    valid = np.ones_like(item.valid)
    valid[10:40, 60:75] = False
    unsure = TrueObject("disc", item.image, item.mask, valid)
    assert next_click(marked, unsure) is None
    assert iou(marked, item.mask, valid) == 1


def test_simulate_when_the_mask_is_good_enough_then_the_user_stops(item):
    class Knows(Growing):
        def segment(self, positive, negative):
            super().segment(positive, negative)
            return item.mask if len(positive) + len(negative) > 1 else ~item.mask

    knows = Knows()
    session = simulate(item, knows, clicks=6)
    assert knows.asked == [(1, 0), (1, 1)]
    assert session.ious[0] == 0
    assert session.ious[1:] == (1.0,) * 5
    assert session.order == (True, False)
    assert list(session.seconds) == sorted(session.seconds)


def test_replay_when_clicks_are_given_in_order_then_the_same_counts(item):
    session = simulate(item, Growing(), clicks=5)
    other = Growing()
    replayed = replay(item, session, other, [1, 2, 5])
    assert sum(other.asked[-1]) == len(session.order)
    assert [replayed[mark] for mark in (1, 2, 5)] == [session.ious[k - 1] for k in (1, 2, 5)]


def test_scores_when_worked_out_by_hand():
    def session(ious):
        empty = np.zeros((1, 1), bool)
        return Session("a", (), (), (True,) * 3, ious, (1.0, 2.0, 3.0), empty)

    scores = score_sessions([session((0.5, 0.9, 0.95)), session((0.2, 0.6, 0.82))])
    assert scores.ious[1] == pytest.approx(0.35)
    assert scores.clicks_to == {0.80: 2.5, 0.85: 2.5, 0.90: 2.5}
    assert scores.failures == {0.80: 0.0, 0.85: 0.5, 0.90: 0.5}
    assert scores.seconds == pytest.approx(2.5)


def test_grabcut_when_colors_are_plain_then_it_finds_the_object(item):
    grabcut = GrabCut()
    grabcut.set_image(item.image)
    assert iou(grabcut.segment([(30, 30)], [(70, 50)]), item.mask, item.valid) > 0.9


def test_evaluate_when_done_then_a_row_for_each_and_grabcut_with_the_same_clicks(item):
    scores, sessions = evaluate([item], {"growing": Growing(), "other": Growing()}, clicks=3)
    assert list(scores) == ["growing", "other", "grabcut, same"]
    assert scores["growing"].ious == scores["other"].ious
    table = format_table(scores, 3).splitlines()
    assert len(table) == 4
    assert table[3].startswith("grabcut, same")
    sheet = worst_sheet([item], sessions["growing"])
    assert sheet.dtype == np.uint8
    assert (sheet == (0, 220, 60)).all(-1).any()


def test_objects_when_read_then_one_for_each_value_and_the_ignored_pixels(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    index = np.zeros((40, 50), np.uint8)
    index[5:20, 5:20], index[25:35, 25:45], index[0] = 1, 2, 255
    Image.fromarray(index).save(tmp_path / "masks" / "a.png")
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "images" / "a.jpg")
    first, second = read_objects(tmp_path)
    assert (first.name, second.name) == ("a", "a #2")
    assert first.mask.sum() == 15 * 15
    assert not first.valid[0].any()


def test_objects_when_there_are_none_then_a_sentence(tmp_path):
    with pytest.raises(TrainError, match="Expected pictures"):
        list(read_objects(tmp_path))


def test_main_when_there_is_no_data_then_one_line(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "Expected pictures" in capsys.readouterr().err


def test_command_line_when_it_lists_fusions_then_all_of_them():
    assert sorted(mask_command._FUSIONS) == sorted(FUSIONS)
