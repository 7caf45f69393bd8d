"""Rows as in figure 6, and tuning of the diffusion."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.image_io import read_image, write_image
from cmp_engine.weights import save_model
from train.data.shards import write_shard
from train.data.video import measure
from train.eval import tune as tuning
from train.eval.baselines import EdgeAwareDiffusion, NearestGuidance, ZeroFlow
from train.eval.rows import growing, main, rows_of

CELL_WIDTH, CELL_HEIGHT = 228, 242


def two_colors() -> np.ndarray:
    image = np.full((64, 64, 3), (200, 40, 40), np.uint8)
    image[:, 32:] = (20, 60, 220)
    return image


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    small = replace(
        preset("default"),
        image_channels=16,
        motion_channels=16,
        decoder_channels=16,
        short_side=96,
    )
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_model(build_network(small), path, metadata={})
    return path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    image = np.repeat(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8), 6, 0).repeat(6, 1)
    flows = np.zeros((2, 96, 96, 2), np.float32)
    flows[0, 30:60, 20:50, 0] = 6
    flows[1, 30:60, 26:56, 0] = -6
    pair = measure((0, 2), (image, image), flows)
    write_shard(folder / "a_1.safetensors", [pair], clip="a_1", stride=1, settings={"source": "a"})
    return folder


def test_guidance_when_it_grows_then_one_arrow_more_each_time():
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    sets = growing(table[:, :2], table[:, 2:])
    assert [len(points) for points, _ in sets] == [1, 2, 3]
    np.testing.assert_array_equal(sets[1][1], table[:2, 2:])


def test_rows_when_drawn_then_a_column_a_set_and_two_rows_a_predictor():
    table = np.array([[10, 10, 5, 0], [50, 50, 0, 0]], np.float32)
    predictors = {"zero": ZeroFlow(), "nearest": NearestGuidance()}
    sets = growing(table[:, :2], table[:, 2:])
    picture = rows_of("cat", two_colors(), sets, predictors)
    assert picture.shape == (5 * CELL_HEIGHT, 2 * CELL_WIDTH, 3)
    still, moved = picture[CELL_HEIGHT : 2 * CELL_HEIGHT], picture[3 * CELL_HEIGHT :][:CELL_HEIGHT]
    assert moved[30:-10, 20:200].std() > still[30:-10, 20:200].std()
    truth = np.zeros((64, 64, 2), np.float32)
    wider = rows_of("cat", two_colors(), sets, predictors, truth=truth)
    assert wider.shape[1] == 3 * CELL_WIDTH


def test_main_when_given_a_photo_and_pairs_then_writes_both(weights, pairs, tmp_path, capsys):
    photo, out = tmp_path / "photo.png", tmp_path / "rows.png"
    write_image(photo, two_colors())
    given = [
        "--photo",
        str(photo),
        "--arrow",
        "10",
        "10",
        "5",
        "0",
        "--arrow",
        "50",
        "50",
        "0",
        "0",
    ]
    found = ["--pairs", str(pairs), "--arrows", "3", "--cases", "1"]
    command = ["--weights", str(weights), "--device", "cpu", "--out", str(out)]
    assert main([*command, *given, *found]) == 0
    assert "wrote" in capsys.readouterr().out
    assert read_image(out).shape == (2 * (3 * CELL_HEIGHT + 10), 4 * CELL_WIDTH, 3)


@pytest.mark.parametrize(
    ("arguments", "message"), [([], "Give a photo"), (["--photo", "x.png"], "--arrow X Y DX DY")]
)
def test_main_when_something_is_missing_then_says_what(
    weights, tmp_path, capsys, arguments, message
):
    command = ["--weights", str(weights), "--device", "cpu", "--out", str(tmp_path / "o.png")]
    assert main([*command, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_tuning_when_the_error_has_one_valley_then_ends_near_it():
    def error_of(settings: EdgeAwareDiffusion) -> float:
        return (
            abs(math.log10(settings.sharpness / 30))
            + abs(math.log10(settings.pull / 1e-2))
            + abs(math.log10(settings.leak / 1e-4))
        )

    tried: list[float] = []
    best = tuning.tune(EdgeAwareDiffusion(), error_of, lambda settings, error: tried.append(error))
    assert error_of(best) < 0.25
    assert len(tried) == len(set(tried)) or len(tried) < 40


def test_tuning_when_run_on_pairs_then_prints_every_try_and_the_best(pairs, capsys, monkeypatch):
    monkeypatch.setattr(tuning, "SETTINGS", ("pull",))
    assert tuning.main(["--pairs", str(pairs), "--limit", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "best:"
    assert all("pull" in line and "balanced" in line for line in lines if line != "best:")
    assert tuning.main(["--pairs", str(pairs / "nowhere")]) == 1
