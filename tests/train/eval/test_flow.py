import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from train.data.flow_estimation import consistent
from train.data.shards import write_shard
from train.data.video import measure
from train.eval.baselines import EdgeAwareDiffusion, NearestGuidance, ZeroFlow
from train.eval.cases import clip_cases, draw_guidance, puppet_cases
from train.eval.flow import evaluate, main, make_baselines, table_lines
from train.eval.limbs import score_limbs
from train.eval.scores import FlowScores, mean_scores, score_flow, score_warp
from train.eval.sheet import sheet


class Oracle:
    """Knows the truth; for tests of the judging itself."""

    def __init__(self, flow: np.ndarray) -> None:
        self.flow = flow

    def set_image(self, image: np.ndarray) -> None:
        assert image.shape[:2] == self.flow.shape[:2]

    def predict_many(self, guidance: list) -> np.ndarray:
        return np.stack([self.flow] * len(guidance))


def guidance(*rows: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.float32).reshape(-1, 4)
    return table[:, :2], table[:, 2:]


def two_colors(height: int = 24, width: int = 40) -> np.ndarray:
    image = np.full((height, width, 3), (200, 40, 40), np.uint8)
    image[:, width // 2 :] = (20, 60, 220)
    return image


def test_zero_and_nearest_when_asked_then_as_named():
    image = two_colors()
    for predictor in (ZeroFlow(), NearestGuidance()):
        predictor.set_image(image)
        flows = predictor.predict_many([guidance((5, 5, 3, 1), (35, 20, 0, -2)), guidance()])
        assert flows.shape == (2, 24, 40, 2)
        assert not flows[1].any()
    np.testing.assert_array_equal(flows[0][0, 0], [3, 1])
    np.testing.assert_array_equal(flows[0][23, 39], [0, -2])


def test_diffusion_when_solved_then_meets_the_guidance_and_is_the_minimum():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (7, 9, 3), dtype=np.uint8)
    diffusion = EdgeAwareDiffusion(sharpness=3.0, leak=1e-2, pull=0.05)
    diffusion.set_image(image)
    arrows = guidance((1, 2, 4, 0), (6, 5, 0, 0), (7, 1, -1, 2))
    flow = diffusion.predict_many([arrows])[0]
    for (x, y), vector in zip(*arrows, strict=True):
        np.testing.assert_allclose(flow[int(y), int(x)], vector, atol=1e-5)

    def energy(candidate: np.ndarray) -> float:
        color = image.astype(float) / 255
        total = 0.05 * np.square(candidate).sum()
        for axis in (0, 1):
            weight = np.exp(-3.0 * np.square(np.diff(color, axis=axis)).sum(-1)) + 1e-2
            total += (weight * np.square(np.diff(candidate, axis=axis)).sum(-1)).sum()
        return float(total)

    fixed = np.zeros((7, 9), bool)
    fixed[arrows[0][:, 1].astype(int), arrows[0][:, 0].astype(int)] = True
    for _ in range(5):
        change = rng.normal(0, 0.05, flow.shape) * ~fixed[..., None]
        assert energy(flow) < energy(flow + change)


def test_diffusion_when_colors_differ_then_motion_stays_on_its_side():
    diffusion = EdgeAwareDiffusion()
    diffusion.set_image(two_colors())
    flow = diffusion.predict_many([guidance((8, 12, 5, 0))])[0]
    assert flow[12, 14, 0] > 2
    assert np.abs(flow[:, 21:]).max() < 0.3


def test_diffusion_when_two_arrows_share_a_pixel_then_the_later_counts():
    diffusion = EdgeAwareDiffusion()
    diffusion.set_image(two_colors())
    flow = diffusion.predict_many([guidance((8, 12, 5, 0), (8.2, 12.1, -3, 1))])[0]
    np.testing.assert_allclose(flow[12, 8], [-3, 1], atol=1e-5)


def square_flow() -> np.ndarray:
    flow = np.zeros((96, 96, 2), np.float32)
    flow[30:60, 30:60] = (4, -3)
    return flow


def test_scores_when_perfect_zero_or_all_moving_then_as_defined():
    truth, valid = square_flow(), np.ones((96, 96), bool)
    perfect = score_flow(truth, truth, valid)
    assert perfect == FlowScores(0, 0, 0, 1, perfect.psnr)
    zero = score_flow(np.zeros_like(truth), truth, valid)
    # 5 px at 96 are 20 px at 384.
    assert zero.moving == pytest.approx(20)
    assert zero.still == 0
    assert zero.balanced == pytest.approx(10)
    assert zero.iou == 0
    everything = score_flow(np.full_like(truth, 2) * (2, -1.5), truth, valid)
    assert everything.moving == pytest.approx(0, abs=1e-5)
    assert everything.still == pytest.approx(20)
    assert everything.iou == pytest.approx(900 / 96**2)


def test_scores_when_pixels_are_untrusted_then_they_do_not_count():
    truth, valid = square_flow(), np.ones((96, 96), bool)
    wrong = truth.copy()
    wrong[:10] = 50
    valid[:10] = False
    assert score_flow(wrong, truth, valid).balanced == 0


def test_scores_when_nothing_moves_or_stands_then_none():
    flow, valid = np.zeros((20, 20, 2), np.float32), np.ones((20, 20), bool)
    assert score_flow(flow, flow, valid) is None
    assert score_flow(flow, flow + 9, valid) is None


def test_mean_when_a_clip_has_many_pairs_then_it_counts_once():
    def scores(value: float, psnr: float = math.nan) -> FlowScores:
        return FlowScores(value, value, value, value, psnr)

    mean = mean_scores([("a", scores(1)), ("a", scores(3)), ("b", scores(8, 30.0))])
    assert mean.moving == 5
    assert mean.psnr == 30


def test_psnr_when_the_flow_is_true_then_much_better_than_none():
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8), 4, 0).repeat(4, 1)
    truth = np.zeros((96, 96, 2), np.float32)
    truth[30:60, 30:60, 0] = 8
    following = image.copy()
    following[30:60, 38:68] = image[30:60, 30:60]
    good = score_warp(truth, image, following, truth)
    bad = score_warp(np.zeros_like(truth), image, following, truth)
    assert good > bad + 8


def test_guidance_when_drawn_then_lies_on_movers_and_is_nested():
    truth, valid = square_flow(), np.ones((96, 96), bool)
    drawn = draw_guidance(truth, valid, [1, 3, 10, "paper"], seed=[1, 2])
    assert [len(drawn[rule][0]) for rule in (1, 3, 10)] == [1, 3, 10]
    np.testing.assert_array_equal(drawn[10][0][:3], drawn[3][0])
    for points, vectors in (drawn[rule] for rule in (1, 3, 10)):
        assert ((points >= 32) & (points <= 57)).all()
        np.testing.assert_array_equal(vectors, np.full_like(vectors, 1) * (4, -3))
    points, vectors = drawn["paper"]
    assert len(points) >= 2
    column, row = points.astype(int).T
    np.testing.assert_array_equal(vectors, truth[row, column])
    again = draw_guidance(truth, valid, [3], seed=[1, 2])
    np.testing.assert_array_equal(again[3][0], drawn[3][0])


def test_guidance_when_movers_are_tiny_then_fewer_points():
    flow = np.zeros((60, 60, 2), np.float32)
    flow[30, 30:32] = 5
    drawn = draw_guidance(flow, np.ones((60, 60), bool), [10], seed=[0])
    assert len(drawn[10][0]) == 2
    nothing = draw_guidance(np.zeros_like(flow), np.ones((60, 60), bool), [10], seed=[0])
    assert len(nothing[10][0]) == 0


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pairs of one clip."""
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    made = []
    for left in (20, 40):
        image = np.repeat(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8), 6, 0).repeat(6, 1)
        flows = np.zeros((2, 96, 96, 2), np.float32)
        flows[0, 30:60, left : left + 30, 0] = 6
        flows[1, 30:60, left + 6 : left + 36, 0] = -6
        following = image.copy()
        following[30:60, left + 6 : left + 36] = image[30:60, left : left + 30]
        made.append(measure((left, left + 2), (image, following), flows))
        assert consistent(flows[0], flows[1]).any()
    write_shard(folder / "a_1.safetensors", made, clip="a_1", stride=1, settings={"source": "a"})
    return folder


def test_cases_when_read_from_pairs_then_hold_flow_next_frame_and_guidance(pairs: Path):
    cases = list(clip_cases(pairs, [1, "paper"]))
    assert [case.name for case in cases] == ["a_1 20-22", "a_1 40-42"]
    case = cases[0]
    assert case.flow.shape == (96, 96, 2)
    assert np.median(case.flow[40:50, 30:40, 0]) == 6
    assert np.abs(case.next_image[40:50, 36:46].astype(int) - case.image[40:50, 30:40]).mean() < 12
    assert len(list(clip_cases(pairs, [1], limit=1))) == 1


def test_cases_when_of_puppets_then_without_camera_drift():
    cases = list(puppet_cases(5, [1], size=64, seed=5))
    assert len(cases) == 5
    for case in cases:
        assert np.median(np.hypot(*np.moveaxis(case.flow, -1, 0))) < 20
        assert (np.hypot(*np.moveaxis(case.flow, -1, 0)) > 1).any()


def test_evaluation_when_given_an_oracle_then_it_wins(pairs: Path):
    case = next(clip_cases(pairs, [1, 3]))
    predictors = {**make_baselines(), "oracle": Oracle(case.flow)}
    found = evaluate([case], predictors, [1, 3], sheet_every=1)
    assert found.cases == 1
    assert found.table["oracle", 3].balanced == 0
    assert found.table["oracle", 3].iou == 1
    assert found.table["zero", 1].moving == pytest.approx(24)
    assert found.table["oracle", 1].psnr > found.table["zero", 1].psnr
    lines = list(table_lines(found.table))
    assert any("oracle" in line and "-100 %" in line for line in lines)
    picture = sheet(found.rows)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


class KnowsPuppets:
    """Answers limb tests perfectly: moves exactly what the truth moves."""

    def __init__(self, seed: int, size: int) -> None:
        from train.data.puppets import PuppetGenerator

        self.batches = PuppetGenerator(size, seed=seed, with_next=False)
        self.step = -1
        self.known: dict[bytes, np.ndarray] = {}

    def set_image(self, image: np.ndarray) -> None:
        while image.tobytes() not in self.known:
            self.step += 1
            batch = self.batches.batch(8, self.step)
            for picture, flow in zip(batch.image, batch.flow, strict=True):
                key = picture.permute(1, 2, 0).round().byte().contiguous().numpy().tobytes()
                self.known[key] = flow.permute(1, 2, 0).numpy()
        self.flow = self.known[image.tobytes()]

    def predict_many(self, guidance: list) -> np.ndarray:
        return np.stack([self.flow] * len(guidance))


def test_limbs_when_the_predictor_knows_all_then_all_follows_and_nothing_leaks():
    scores = score_limbs(KnowsPuppets(5, 64), count=3, size=64, seed=5)
    assert scores.scenes == 3
    assert scores.follows == 1
    assert scores.leaks == 0


def test_limbs_when_nothing_moves_then_nothing_follows():
    scores = score_limbs(ZeroFlow(), count=2, size=64, seed=5)
    assert scores.follows == 0
    assert scores.leaks == 0


def test_main_when_run_without_weights_then_prints_the_baselines(pairs: Path, tmp_path, capsys):
    report, picture = tmp_path / "scores.json", tmp_path / "sheet.png"
    command = f"--pairs {pairs} --points 1 paper --sheet {picture} --json {report} --no-psnr"
    code = main(command.split())
    assert code == 0
    printed = capsys.readouterr().out
    assert "diffusion" in printed
    assert "balanced" in printed
    assert picture.stat().st_size > 1000
    rows = json.loads(report.read_text())[f"clips {pairs}"]
    assert {row["predictor"] for row in rows} == {"zero", "nearest", "diffusion"}


def test_main_when_weights_are_missing_then_says_so(pairs: Path, capsys):
    assert main(["--weights", "no-such-weights", "--pairs", str(pairs)]) == 1
    assert "no-such-weights" in capsys.readouterr().err


def test_main_when_given_weights_then_a_row_of_theirs(pairs: Path, tmp_path: Path, capsys):
    from dataclasses import replace

    from cmp_engine.build import build_network
    from cmp_engine.config import preset
    from cmp_engine.weights import save_model

    torch.manual_seed(0)
    small = replace(preset("default"), image_channels=16, motion_channels=16, decoder_channels=16)
    path = tmp_path / "small.safetensors"
    save_model(build_network(small), path, metadata={})
    command = f"--weights {path} --pairs {pairs} --points 1 --limit 1 --no-psnr"
    code = main([*command.split(), "--device", "cpu", "--short-side", "96"])
    assert code == 0
    assert "small" in capsys.readouterr().out
