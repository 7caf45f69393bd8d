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
        ("schedule.steps=many", r"schedule\.steps must be a whole number, got 'many'"),
        ("schedule.steps=2.5", r"schedule\.steps must be a whole number, got 2\.5"),
        ("schedule.steps=true", r"schedule\.steps must be a whole number, got True"),
        ("schedule.learning_rate=fast", r"schedule\.learning_rate must be a number, got 'fast'"),
        ("schedule.stages=3", r"schedule\.stages must be a list, got 3"),
        ("schedule.stages=[{until=1.0,size=64.0,batch=4}]", r"stages\.size must be a whole number"),
        ("guidance.sampler=watershedd", r"guidance\.sampler must be one of watershed, artist"),
        ("data.pairs=2024", r"data\.pairs must be a text, got 2024"),
        ("schedule=3", r"\[schedule\] must be a table, got 3"),
        ("data=x", r"\[data\] must be a table, got 'x'"),
        ("model=default", r"\[model\] must be a table, got 'default'"),
        ("seed=x", "seed must be a whole number, got 'x'"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(TrainConfigError, match=message):
        load_recipe(CONFIGS / "tiny.toml", [override])


def test_whole_number_when_a_number_is_wanted_then_taken():
    assert load_recipe(CONFIGS / "tiny.toml", ["schedule.ema=0"]).schedule.ema == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe[model]"])
def test_recipe_when_it_can_not_be_read_then_named(tmp_path, content):
    path = tmp_path / "recipe.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(TrainConfigError, match=r"recipe\.toml (can't be read|is not valid TOML)"):
        load_recipe(path)


def test_missing_recipe_is_named(tmp_path):
    with pytest.raises(TrainConfigError, match=r"none\.toml"):
        load_recipe(tmp_path / "none.toml")
