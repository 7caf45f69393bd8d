"""The loop of all downstream tasks: resumes exactly, and its evaluation changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cmp_engine.config import ModelConfig
from train.distributed import World
from train.errors import DivergedError, TrainConfigError
from train.eval.transfer.encoder import random_encoder
from train.eval.transfer.finetune import FineTuner, build_optimizer
from train.eval.transfer.recipe import (
    CropSettings,
    HeadSettings,
    ScheduleSettings,
    TransferRecipe,
    parse_transfer_recipe,
)
from train.eval.transfer.segmentation import SegmentationTask, build_segmentation

ALONE = World(0, 1, torch.device("cpu"))
SLIM = ModelConfig(
    image_encoder="pyramid",
    decoder="attention",
    head="regression",
    encoder_width=16,
    image_channels=32,
)
RECIPE = TransferRecipe(
    name="tiny",
    crop=CropSettings(size=64, scale=(0.8, 1.25)),
    head=HeadSettings(kind="fcn"),
    schedule=ScheduleSettings(steps=4, batch=4, micro_batches=2, learning_rate=0.02),
    seed=3,
)


class Squares:
    """Bright squares on dark ground, drawn from the picture's number."""

    classes = ("ground", "square")
    swapped = ()

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int):
        rng = np.random.default_rng(index)
        mask = np.zeros((60, 76), np.uint8)
        top, left = rng.integers(0, 30, 2)
        mask[top : top + 25, left : left + 25] = 1
        image = rng.integers(0, 60, (60, 76, 3)) + 150 * mask[..., None]
        return image.astype(np.uint8), mask


def make_task(recipe: TransferRecipe = RECIPE) -> SegmentationTask:
    torch.manual_seed(0)
    encoder = random_encoder(SLIM)
    network = build_segmentation(encoder, recipe, 2, ALONE.device)
    return SegmentationTask(network, Squares(6), Squares(3), recipe, ALONE.device)


def test_run_when_interrupted_then_ends_at_the_same_numbers(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected_task = make_task()
    expected = FineTuner(expected_task, RECIPE, ALONE, whole).run(evaluate_every=2)

    first = FineTuner(make_task(), RECIPE, ALONE, parts)
    assert first.run(minutes=0) is None
    assert 0 < first.state.step < 4
    task = make_task()
    torch.manual_seed(99)  # what ran in between must not matter
    found = FineTuner(task, RECIPE, ALONE, parts, workers=2).run()

    assert found == expected
    assert set(expected) == {"miou", "accuracy", "iou/ground", "iou/square"}
    for name, tensor in expected_task.network.state_dict().items():
        assert torch.equal(task.network.state_dict()[name], tensor), name
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "scores" in line] == [2, 4]
    assert next(line["loss"] for line in lines if "loss" in line) > 0
    assert lines[-1]["scores"]["miou"] == expected["miou"]


def test_loss_when_trained_on_squares_then_they_are_found(tmp_path):
    schedule = replace(RECIPE.schedule, steps=30, decay="constant", learning_rate=0.05)
    recipe = replace(RECIPE, schedule=schedule)
    scores = FineTuner(make_task(recipe), recipe, ALONE, tmp_path).run()
    assert scores["iou/square"] > 0.5


def test_state_when_of_another_recipe_or_other_weights_then_refused(tmp_path):
    FineTuner(make_task(), RECIPE, ALONE, tmp_path, encoder_sha256="a").run(minutes=0)
    with pytest.raises(TrainConfigError, match=r"another recipe; choose another --out\.$"):
        FineTuner(make_task(), replace(RECIPE, seed=4), ALONE, tmp_path, encoder_sha256="a")
    with pytest.raises(TrainConfigError, match="other weights"):
        FineTuner(make_task(), RECIPE, ALONE, tmp_path, encoder_sha256="b")


def test_processes_when_they_do_not_divide_the_micro_batches_then_refused(tmp_path):
    with pytest.raises(TrainConfigError, match="divisible by the number of processes"):
        FineTuner(make_task(), RECIPE, World(0, 3, ALONE.device), tmp_path)


def test_run_when_no_gradient_is_finite_then_ends_with_a_sentence(tmp_path):
    task = make_task(replace(RECIPE, schedule=replace(RECIPE.schedule, steps=40)))
    with torch.no_grad():
        next(task.network.head.parameters()).fill_(torch.nan)
    with pytest.raises(DivergedError, match="not finite for 10 steps"):
        FineTuner(
            task, replace(RECIPE, schedule=replace(RECIPE.schedule, steps=40)), ALONE, tmp_path
        ).run(report_every=1)


def test_rates_when_scheduled_then_as_the_recipe_says():
    poly = ScheduleSettings(steps=100, learning_rate=1.0)
    assert [poly.rate_at(step) for step in (0, 50)] == pytest.approx([1.0, 0.5**0.9])
    drops = ScheduleSettings(
        steps=90, learning_rate=1.0, decay="drops", drops=(2 / 3, 8 / 9), warmup=10
    )
    rates = [drops.rate_at(step) for step in (0, 9, 59, 60, 80)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.1, 0.01])


def test_optimizer_when_the_head_is_faster_then_its_group_alone():
    task = make_task()
    schedule = ScheduleSettings(head_rate=10.0)
    groups = build_optimizer(task.network, "encoder.", schedule).param_groups
    assert [group["rate"] for group in groups] == [1.0, 10.0]
    assert len(groups[1]["params"]) == len(list(task.network.head.parameters()))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"schedule": {"batch": 3, "micro_batches": 2}}, "must be divisible"),
        ({"head": {"kind": "unet"}}, r"head\.kind must be one of fcn32s, fcn, linear, got 'unet'"),
        ({"encoder": {"image_encoder": "vgg"}}, r"encoder\.image_encoder must be one of"),
        ({"crop": {"scale": [2.0, 0.5]}}, r"crop\.scale"),
        ({"crop": {"scale": [1.0]}}, r"crop\.scale must be a list of 2 values"),
        ({"crop": {"scale": ["a", "b"]}}, r"crop\.scale must be a list, each of it a number"),
        ({"crop": {"size": 0}}, r"crop\.size must be a whole number from 1, got 0"),
        ({"crop": {"fit": "no"}}, r"crop\.fit must be true or false, got 'no'"),
        ({"schedule": {"learning_rate": "x"}}, r"schedule\.learning_rate must be a number"),
        ({"schedule": 3}, r"\[schedule\] must be a table, got 3"),
        ({"seed": 1.5}, r"seed must be a whole number, got 1\.5"),
        ({"colour": {}}, "unknown entries colour"),
        ({"data": {"folder": "x"}}, "unknown keys folder"),
    ],
)
def test_recipe_when_it_can_not_be_then_one_sentence(tables, message):
    with pytest.raises(TrainConfigError, match=message):
        parse_transfer_recipe(tables, "bad")
