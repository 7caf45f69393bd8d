"""Plans: read with their mistakes named; their scores as tables and plots."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from train.config import read_tables
from train.data.puppets import PuppetGenerator
from train.errors import DataError, TrainConfigError
from train.eval.paper_tables import FIGURE_5_FRACTIONS
from train.eval.plan import Plan, PlanTable, Variant, read_plan
from train.eval.plan_results import (
    Score,
    collect,
    format_table,
    read_score,
    score_path,
    write_report,
    write_score,
)
from train.eval.transfer.recipe import load_transfer_recipe
from train.guidance_sampling import sample_watershed
from train.objectives import build_for

CONFIGS = Path(__file__).parents[3] / "train" / "configs"
TEXT = """
seeds = [0, 1]
[[variant]]
name = "one"
config = "tiny.toml"
[[variant]]
name = "two"
label = "Second"
config = "tiny.toml"
set = ["schedule.steps=7"]
[[table]]
title = "Both"
variants = ["one", "two"]
x = [1, 2.5]
x_label = "size"
paper = [44.5, nan]
"""


def _plan(tmp_path: Path, text: str = TEXT) -> Plan:
    (tmp_path / "tiny.toml").write_text((CONFIGS / "tiny.toml").read_text(encoding="utf-8"))
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(read_tables(path), path)


@pytest.mark.parametrize("path", sorted((CONFIGS / "plans").glob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_plan_is_one(path):
    plan = read_plan(read_tables(path), path)

    shown = {name for table in plan.tables for name in table.variants}
    assert shown == {variant.name for variant in plan.variants}


SHIPPED = sorted(path.stem for path in (CONFIGS / "plans").glob("*.toml"))
OBJECTIVES = {"objective"}
VARIED = {
    "bins_or_regression": {"model.head"},
    "figure4": {"objective", "guidance.kernel", "guidance.grid_stride"},
    "figure5_data": {"data.fraction"},
    "figure5_strides": {"model.propagation_strides"},
    "samplers": {"guidance.sampler", "guidance.grid_stride", "guidance.max_points"},
    "small": {
        "objective", "guidance.kernel", "guidance.grid_stride", "data.fraction",
        "model.propagation_strides",
    },
    "small_quick": OBJECTIVES,
    "table1": OBJECTIVES,
    "table2": OBJECTIVES,
}  # fmt: skip
"""What the recipes of each plan differ in; all else must be equal."""


def _shipped(name: str) -> tuple[Plan, dict[str, Any], Path]:
    path = CONFIGS / "plans" / f"{name}.toml"
    tables = read_tables(path)
    return read_plan(tables, path), tables, path


def _settings(variant: Variant) -> dict[str, str]:
    """Return a recipe's values as texts by ``table.key``, without its name."""
    values = {key: value for key, value in asdict(variant.recipe()).items() if key != "name"}
    flat = {key: value for key, value in values.items() if not isinstance(value, dict)}
    for table in values.keys() - flat.keys():
        flat |= {f"{table}.{key}": value for key, value in values[table].items()}
    return {key: repr(value) for key, value in flat.items()}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plan_when_its_recipes_are_compared_then_they_differ_in_its_subject_alone(name):
    plan, _, _ = _shipped(name)
    recipes = [_settings(variant) for variant in plan.variants if not variant.is_random]
    different = {key for key in recipes[0] if len({recipe[key] for recipe in recipes}) > 1}

    assert different == VARIED[name]
    assert len({json.dumps(recipe, sort_keys=True) for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plan_when_built_then_its_networks_and_its_task_go_together(name):
    plan, tables, path = _shipped(name)
    with torch.device("meta"):
        networks = [build_for(variant.recipe()) for variant in plan.variants]
    assert all(any(True for _ in network.parameters()) for network in networks)
    encoders = {variant.recipe().model.image_encoder for variant in plan.variants}
    if "task" not in tables:  # train.eval.small has its own
        assert encoders == {"pyramid"}
        return
    task = tables["task"]
    recipe = load_transfer_recipe(path.parent / task["config"], task.get("set", []))
    assert encoders == {recipe.encoder.image_encoder}
    assert (task["module"], task["score"], recipe.data.layout) == ("train.eval.voc", "miou", "voc")
    assert (recipe.data.train, recipe.data.validation) == ("train_aug", "val")


def test_figure_4_when_k_and_g_shrink_then_points_grow_as_its_axis_says():
    plan, _, _ = _shipped("figure4")
    scenes = PuppetGenerator(384, seed=3, with_next=False).batch(2, 0)
    counts = []
    for name in plan.tables[0].variants[1:]:
        guidance = plan.variant(name).recipe().guidance
        assert guidance.kernel % 2 == 1
        assert guidance.grid_stride / guidance.kernel == pytest.approx(200 / 81, rel=0.1)
        sampled = sample_watershed(
            scenes.flow, kernel=guidance.kernel, grid_stride=guidance.grid_stride
        )
        counts.append(float(sampled.guidance.valid.sum(1).float().mean()))
    assert plan.variant(plan.tables[0].variants[0]).recipe().objective == "walker"
    assert counts == sorted(counts)
    assert all(0.4 < count / x < 2 for count, x in zip(counts, plan.tables[0].x[1:], strict=True))


def test_figure_5_when_read_then_shares_and_strides_are_those_of_its_axis():
    plan, _, _ = _shipped("figure5_data")
    fractions = [plan.variant(name).recipe().data.fraction for name in plan.tables[0].variants]
    assert [3.22 * share for share in fractions] == pytest.approx(plan.tables[0].x, abs=0.006)
    assert tuple(fractions) == FIGURE_5_FRACTIONS

    plan, _, _ = _shipped("figure5_strides")
    strides = [variant.recipe().model.propagation_strides for variant in plan.variants]
    assert strides == [(1,), (1, 2), (1, 2, 4), (1, 2, 4, 8)]
    labels = [f"{{{','.join(map(str, some))}}}" for some in strides]
    assert [variant.label for variant in plan.variants] == labels


def test_plan_when_read_then_recipes_have_their_changes_name_and_seed(tmp_path):
    plan = _plan(tmp_path)

    recipe = plan.variant("two").recipe(3)

    assert (recipe.name, recipe.schedule.steps, recipe.seed) == ("two", 7, 3)
    assert plan.variant("one").recipe().schedule.steps == 12
    assert plan.variant("two").label == "Second"


def test_pretrainings_when_fewer_than_seeds_then_are_taken_in_turn():
    plan = Plan(variants=(), tables=(), seeds=(5, 6, 7), pretrain_seeds=2)

    assert [plan.pretrain_seed(seed) for seed in plan.seeds] == [0, 1, 0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "two"', 'name = "one"', "same name"),
        ('name = "two"', 'name = "../two"', "letters, digits"),
        ('"one", "two"', '"one", "three"', "no variant three"),
        ("x = [1, 2.5]", "x = [1]", "one number for each of the 2"),
        ("seeds = [0, 1]", "seeds = []", "seeds"),
        ("seeds = [0, 1]", "pretrain_seeds = 2", "pretrain_seeds"),
        ('title = "Both"', "", "'title' is missing"),
        ('title = "Both"', 'title = "Both"\nxlabel = "a"', "unknown keys xlabel"),
        ("schedule.steps=7", "schedule.stepz=7", "stepz"),
        ('config = "tiny.toml"\nset', 'config = "none.toml"\nset', r"none\.toml"),
        ("x = [1, 2.5]", 'x = ["a", "b"]', "wrong kind"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    with pytest.raises(TrainConfigError, match=message):
        _plan(tmp_path, TEXT.replace(old, new))


def _write(folder: Path, variant: str, task: str, values: list[float]) -> None:
    for seed, value in enumerate(values):
        write_score(folder, Score(variant=variant, task=task, seed=seed, value=value))


def test_table_when_scores_are_there_then_has_mean_spread_and_the_papers_figure(tmp_path):
    plan = _plan(tmp_path)
    _write(tmp_path, "one", "a", [10.0, 14.0])
    _write(tmp_path, "one", "b", [20.0, 20.0])
    _write(tmp_path, "two", "a", [30.0])

    text = format_table(plan, plan.tables[0], collect(tmp_path, plan, ["a", "b"]), ["a", "b"])

    assert text.splitlines() == [
        "**Both**",
        "",
        "| size | a | b | mean | paper |",
        "| --- | --- | --- | --- | --- |",
        "| 1 (one) | 12.0 ± 2.8 | 20.0 ± 0.0 | 16.0 ± 1.4 | 44.5 |",
        "| 2.5 (Second) | 30.0 | - | - |  |",
    ]


def test_table_when_it_wants_one_task_then_shows_that_alone_frozen_or_not():
    table = PlanTable(title="t", variants=("one",), tasks=("b",))
    plan = Plan(
        variants=(Variant(name="one", label="One", config=Path("x")),),
        tables=(table,),
        seeds=(0,),
        pretrain_seeds=1,
    )

    assert table.of(["a", "b", "b-frozen"]) == ("b", "b-frozen")
    assert format_table(plan, table, {("one", "b"): [3.0]}, ["a", "b"]).splitlines()[-1] == (
        "| One | 3.0 |"
    )


def test_report_when_written_then_numbers_and_plot_are_there(tmp_path):
    plan = _plan(tmp_path)
    _write(tmp_path, "two", "a", [30.0, 31.0])

    text = write_report(tmp_path, plan, ["a"], metric="%")

    assert "30.5 ± 0.7" in text
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == text + "\n"
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    scores = json.loads((tmp_path / "results.json").read_text())["scores"]
    assert [(s["variant"], s["seed"], s["value"]) for s in scores] == [
        ("two", 0, 30.0),
        ("two", 1, 31.0),
    ]


def test_score_when_kept_then_comes_back_and_a_damaged_one_is_named(tmp_path):
    score = Score(variant="one", task="a", seed=4, value=math.pi, parts={"x": 1.5}, commit="abc")
    write_score(tmp_path, score)
    path = score_path(tmp_path, "one", "a", 4)

    assert read_score(path) == score
    assert read_score(tmp_path / "none.json") is None
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match=r"one\.a\.4\.json"):
        read_score(path)
