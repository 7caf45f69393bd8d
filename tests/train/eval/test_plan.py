"""Plans: read with their mistakes named; their scores as tables and plots."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from train.config import read_tables
from train.errors import DataError, TrainConfigError
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
