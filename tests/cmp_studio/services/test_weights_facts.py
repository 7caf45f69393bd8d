import json

from cmp_studio.services.weights_facts import fact_rows, score_lines


def test_facts_when_scores_are_json_then_sentences():
    text = '{"unit": "px", "clips": {"pairs": 52, "1": [3.58, "12 %"], "iou_3": 0.41}}'
    (line,) = score_lines(text)
    assert line == (
        "Clips: measured on 52 pairs; 1 arrow: off by 3.58 px, 12 % less than the best without "
        "one; 3 arrows: 41 % of the area is right"
    )


def test_facts_when_listed_then_data_first_and_recipes_left_out():
    rows = fact_rows({"date": "2026", "recipe": "{}", "data": "puppets", "scores": "good"})
    assert rows == [("Learned from", "puppets"), ("How well", "good"), ("Date", "2026")]


def test_facts_when_there_are_none_then_nothing():
    assert fact_rows({}) == []
    assert score_lines("[1]") == ["[1]"]


def test_facts_when_scores_are_those_of_the_bundled_weights_then_words_and_no_commands():
    scores = {
        "command": "python -m train.eval.flow",
        "clips_balanced_epe": {"1": 3.21, "3": 2.51},
        "clips_below_best_baseline": {"1": 0.21},
        "puppets_iou": {"10": 0.6},
        "limb_follows": 0.34,
        "background_leaks": 0.008,
    }
    assert score_lines(json.dumps(scores)) == [
        "Clips: off by 3.21 px with 1 arrow, off by 2.51 px with 3 arrows",
        "Clips: 21 % less error than the best way without a network with 1 arrow",
        "Puppets: 60 % of the area is right with 10 arrows",
        "Of a puppet's limb that is pulled, 34 % follows",
        "Of a still background, 0.8 % moves along",
    ]
