import json

import cv2
import numpy as np
import pytest

from train.eval import probes

SIZE = 96


class Oracle:
    """Answers everything with the true flow of a scene."""

    def __init__(self, truth):
        self.truth = truth
        self.image_hw = None

    def set_image(self, image):
        self.image_hw = image.shape[:2]

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None):
        rows, columns = size_hw or self.image_hw
        flow = cv2.resize(self.truth.flow, (columns, rows)) * (rows / self.image_hw[0])
        return np.stack([flow] * len(guidance))


@pytest.fixture(scope="module")
def truths():
    stream = probes.puppet_truths(SIZE, 77)
    return [next(stream) for _ in range(12)]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([0, 0, 1, 1], [5, 5, 3, 3], 1.0),
        ([0, 0, 1, 1], [0, 0, 1, 2], 4 / 7),
        ([0, 0, 1, 1], [0, 1, 0, 1], -0.5),
        ([0, 0, 0], [1, 1, 1], 1.0),
    ],
)
def test_adjusted_rand_index_when_known_then_is_that(first, second, wanted):
    found = probes.adjusted_rand_index(np.array(first), np.array(second))
    assert found == pytest.approx(wanted)


def test_motion_when_the_answer_is_the_truth_then_is_right(truths):
    scores = probes.ProbeScores()
    for truth in truths:
        probes.score_motion(Oracle(truth), truth, scores)
    assert len(scores.rotates) >= 3
    assert len(scores.shifts) >= 3
    assert np.mean(scores.rotates) >= 0.8
    assert np.mean(scores.shifts) >= 0.8
    assert np.median(scores.center_share) < 0.15
    assert sum(scores.measure) == sum(scores.rotates) + sum(scores.shifts)


def test_sufficiency_when_the_answer_is_the_truth_then_has_no_error(truths):
    scores = probes.ProbeScores()
    for truth in truths:
        probes.score_sufficiency(Oracle(truth), truth, scores, seed=1)
    assert scores.to_truth
    np.testing.assert_allclose(scores.to_truth, 0, atol=1e-5)


def test_influence_and_parts_when_scored_then_every_case_is_counted(truths):
    scores = probes.ProbeScores()
    for truth in truths[:3]:
        probes.score_influence(Oracle(truth), truth, scores)
    assert len(scores.leads) >= 1
    probes.score_parts(Oracle(truths[0]), truths[0], scores)
    assert len(scores.parts) == len(scores.parts_inside) == len(scores.parts_color) == 1
    lines = list(probes.score_lines(scores))
    assert any(line.startswith("influence") for line in lines)


def test_evaluate_when_the_time_is_up_then_begins_no_further_scene(monkeypatch):
    for name in ("score_motion", "score_influence", "score_sufficiency"):
        monkeypatch.setattr(probes, name, lambda *args, **options: None)
    seen = []
    monkeypatch.setattr(probes, "score_parts", lambda *args: seen.append(1))
    probes.evaluate(None, scenes=5, part_scenes=5, size=64, seed=3, minutes=0)
    assert len(seen) == 1
    probes.evaluate(None, scenes=5, part_scenes=3, size=64, seed=3)
    assert len(seen) == 4


def test_main_when_the_weights_are_missing_then_says_so(capsys):
    assert probes.main(["--weights", "no-such-weights"]) == 1
    assert "no-such-weights" in capsys.readouterr().err


def test_main_when_run_then_prints_and_writes_the_scores(monkeypatch, tmp_path, capsys):
    info = type("Info", (), {"sha256": "ab" * 32})()
    monkeypatch.setattr(probes, "load_model", lambda name: type("Model", (), {"info": info})())
    monkeypatch.setattr(probes, "MotionPredictor", lambda model, **options: None)
    monkeypatch.setattr(probes, "evaluate", lambda predictor, **options: probes.ProbeScores([0.5]))
    path = tmp_path / "scores.json"
    assert probes.main(["--weights", "some", "--json", str(path)]) == 0
    assert json.loads(path.read_text())["some"]["parts"] == [0.5]
    assert "ARI 0.50 on all pixels" in capsys.readouterr().out
