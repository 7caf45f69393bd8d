"""Micro-batches: one guidance set for each image, or two of which the image is encoded once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cmp_engine.build import build_network
from train.batches import BatchSource
from train.config import Recipe, load_recipe
from train.errors import TrainConfigError
from train.step import compute_loss

CONFIGS = Path(__file__).parents[2] / "train" / "configs"
CPU = torch.device("cpu")
SMALL = ['data.pairs=""', "schedule.stages=[{until=1.0,size=64,batch=8}]"]


def _recipe(*overrides: str) -> Recipe:
    return load_recipe(CONFIGS / "default.toml", [*SMALL, *overrides])


def test_batch_when_two_sets_then_the_second_is_a_limb_that_turns_alone():
    recipe = _recipe("guidance.sets=2")
    one = BatchSource(_recipe("guidance.sets=1"), CPU).batch(4, 1, recipe.schedule.stages[0])
    two = BatchSource(recipe, CPU).batch(4, 1, recipe.schedule.stages[0])
    count = len(one.image)

    assert torch.equal(one.image, two.image)
    assert len(two.guidance.valid) == len(two.target.flow) == 2 * count
    assert torch.equal(one.target.flow, two.target.flow[:count])
    assert torch.equal(two.target.first(count).counted, one.target.counted)
    asked = two.guidance.valid[count:]
    assert asked.any()


def test_loss_when_two_sets_then_is_finite_and_learns():
    recipe = _recipe("guidance.sets=2")
    torch.manual_seed(0)
    network = build_network(recipe.model)
    batch = BatchSource(recipe, CPU).batch(0, 0, recipe.schedule.stages[0])

    parts = compute_loss(network, batch, recipe, torch.Generator().manual_seed(0))
    parts["loss"].backward()

    assert all(torch.isfinite(value) for value in parts.values())
    assert network.flow_decoder.head.weight.grad.abs().max() > 0


def test_sets_when_the_decoder_takes_one_or_the_number_is_off_then_says_so():
    with pytest.raises(TrainConfigError, match=r"guidance\.sets is 1, or 2 with the attention"):
        load_recipe(CONFIGS / "paper_human.toml", ["guidance.sets=2"])
    with pytest.raises(TrainConfigError, match="got 3"):
        _recipe("guidance.sets=3")
