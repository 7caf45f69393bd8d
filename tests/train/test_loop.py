"""The loop: an interrupted run ends like a whole one, two processes like one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from cmp_engine.build import build_network
from train.batches import Batch, BatchSource
from train.config import Stage, load_recipe
from train.distributed import World
from train.errors import DivergedError, TrainConfigError
from train.loop import Trainer, stage_at
from train.step import learning_rate_at
from train.train_state import TrainState, load_state, new_state, save_state

ROOT = Path(__file__).parents[2]
TINY = ROOT / "train" / "configs" / "tiny.toml"
ALONE = World(0, 1, torch.device("cpu"))
SHORT = (
    "schedule.steps=4",
    "schedule.stages=[{until=0.5,size=64,batch=2},{until=1.0,size=96,batch=2}]",
)


class OneBatch(BatchSource):
    """Gives the same batch again and again."""

    def batch(self, step: int, part: int, stage: Stage) -> Batch:
        return super().batch(0, 0, stage)


def _trainer(folder: Path, overrides: tuple[str, ...] = ()) -> tuple[Trainer, TrainState]:
    recipe = load_recipe(TINY, list(overrides))
    torch.manual_seed(0)
    state = new_state(build_network(recipe.model), recipe, ALONE.device)
    if (folder / "state.pt").exists():
        load_state(state, recipe, folder / "state.pt")
    return Trainer(state, recipe, BatchSource(recipe, ALONE.device), ALONE, folder), state


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    content = torch.load(folder / "state.pt", weights_only=True)
    return {**content["network"], **{f"ema.{k}": v for k, v in content["ema"].items()}}


def test_interrupted_run_ends_like_a_whole_one(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    trainer, _ = _trainer(whole, SHORT)
    assert trainer.run()

    first, state = _trainer(parts, SHORT)
    assert not first.run(minutes=0)
    assert 0 < state.step < 4
    second, _ = _trainer(parts, SHORT)
    assert second.run()

    expected, found = _weights(whole), _weights(parts)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0, msg=name)


def test_log_has_one_line_a_report_with_the_waiting_share(tmp_path):
    trainer, _ = _trainer(tmp_path, SHORT)
    trainer.run(report_every=2)

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["step"] for line in lines] == [2, 4]
    assert all(0 <= line["waiting_share"] <= 1 and line["loss"] > 0 for line in lines)


def test_loss_falls_on_a_batch_seen_again_and_again(tmp_path):
    recipe = load_recipe(
        TINY,
        [
            "schedule.steps=16",
            "schedule.learning_rate=0.01",
            "schedule.micro_batches=1",
            "schedule.stages=[{until=1.0,size=64,batch=4}]",
        ],
    )
    torch.manual_seed(0)
    state = new_state(build_network(recipe.model), recipe, ALONE.device)
    Trainer(state, recipe, OneBatch(recipe, ALONE.device), ALONE, tmp_path).run(report_every=4)

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]


def test_run_when_no_gradient_is_finite_then_ends_with_the_last_state(tmp_path):
    trainer, state = _trainer(tmp_path, ("schedule.steps=40", SHORT[1]))
    with torch.no_grad():
        next(state.network.flow_decoder.parameters()).fill_(torch.nan)

    with pytest.raises(DivergedError, match="not finite for 10 steps"):
        trainer.run()

    assert state.step == 10
    assert not (tmp_path / "state.pt").exists()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_when_made_ahead_then_in_order_and_only_those_needed(tmp_path, workers):
    recipe = load_recipe(TINY, list(SHORT))
    state = new_state(build_network(recipe.model), recipe, ALONE.device)
    asked: list[tuple[int, int]] = []

    class Recording(BatchSource):
        def batch(self, step: int, part: int, stage: Stage) -> Batch:
            asked.append((step, part))
            return super().batch(step, part, stage)

    source = Recording(recipe, ALONE.device)
    assert Trainer(state, recipe, source, ALONE, tmp_path, workers=workers).run()
    assert sorted(asked) == [(step, part) for step in range(4) for part in range(2)]


def test_state_of_another_recipe_is_refused(tmp_path):
    recipe = load_recipe(TINY)
    state = new_state(build_network(recipe.model), recipe, ALONE.device)
    save_state(state, recipe, tmp_path / "state.pt")

    with pytest.raises(TrainConfigError, match="another recipe"):
        load_state(state, load_recipe(TINY, ["seed=7"]), tmp_path / "state.pt")


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    arguments = ["-m", "train.pretrain", "--config", str(TINY), "--device", "cpu"]
    arguments += [word for change in SHORT for word in ("--set", change)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    subprocess.run(
        [sys.executable, *arguments, "--out", str(one)], cwd=ROOT, env=environment, check=True
    )
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    subprocess.run(
        [sys.executable, *launch, *arguments, "--out", str(two)],
        cwd=ROOT,
        env=environment,
        check=True,
    )

    expected, found = _weights(one), _weights(two)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=2e-4, rtol=2e-3, msg=name)


def test_paper_schedule_drops_twice_by_ten():
    recipe = load_recipe(
        TINY,
        [
            "schedule.decay=paper",
            "schedule.steps=3500",
            "schedule.warmup=0",
            "schedule.learning_rate=0.1",
        ],
    )
    rates = [learning_rate_at(recipe.schedule, step) for step in (0, 1999, 2000, 2999, 3000)]

    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001])


def test_stages_follow_each_other():
    schedule = load_recipe(TINY).schedule

    assert [stage_at(schedule, step).size for step in (0, 5, 6, 11)] == [64, 64, 96, 96]


@pytest.mark.parametrize("size", [2, 3])
def test_processes_when_they_do_not_divide_the_micro_batches_then_refused(tmp_path, size):
    recipe = load_recipe(TINY, ["schedule.micro_batches=1"])
    state = new_state(build_network(recipe.model), recipe, ALONE.device)
    world = World(0, size, ALONE.device)
    with pytest.raises(TrainConfigError, match="divisible by the number of processes"):
        Trainer(state, recipe, BatchSource(recipe, ALONE.device), world, tmp_path)
