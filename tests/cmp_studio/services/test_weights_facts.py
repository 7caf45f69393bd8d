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
