"""Recipes: every shipped one loads, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.config import load_recipe, read_tables
from train.errors import TrainConfigError
from train.eval.transfer.recipe import load_transfer_recipe

CONFIGS = Path(__file__).parents[2] / "train" / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_loads(path):
    if "encoder" in read_tables(path):  # of a downstream task
        assert load_transfer_recipe(path).name == path.stem
        return
    recipe = load_recipe(path)

    assert recipe.name == path.stem
    assert recipe.schedule.stages[-1].until == 1.0


def test_set_changes_one_value():
    recipe = load_recipe(CONFIGS / "tiny.toml", ["schedule.steps=3", "guidance.sampler=uniform"])

    assert recipe.schedule.steps == 3
    assert recipe.guidance.sampler == "uniform"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("schedule.stepz=3", "stepz"),
        ("wrong.table=3", "wrong"),
        ("model.preset=nothing", "nothing"),
        ("model.num_bins=0", "num_bins"),
        ("schedule.stages=[{until=1.0,size=64,batch=4,puppet_share=2}]", "puppet_share"),
        ("schedule.stages=[{until=1.0,size=64,batch=4,puppet_share=0}]", "train.data.prepare"),
        ("schedule.micro_batches=3", "divisible"),
        ("nonsense", "table.key=value"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(TrainConfigError, match=message):
        load_recipe(CONFIGS / "tiny.toml", [override])


def test_missing_recipe_is_named(tmp_path):
    with pytest.raises(TrainConfigError, match=r"none\.toml"):
        load_recipe(tmp_path / "none.toml")
