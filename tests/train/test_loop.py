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
from train.batches import BatchSource
from train.config import load_recipe
from train.distributed import World
from train.errors import TrainConfigError
from train.loop import Trainer, learning_rate_at, stage_at
from train.train_state import TrainState, load_state, new_state, save_state

ROOT = Path(__file__).parents[2]
TINY = ROOT / "train" / "configs" / "tiny.toml"
ALONE = World(0, 1, torch.device("cpu"))


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
    trainer, _ = _trainer(whole)
    assert trainer.run()

    first, state = _trainer(parts)
    assert not first.run(minutes=0)
    assert 0 < state.step < 12
    second, _ = _trainer(parts)
    assert second.run()

    for name, tensor in _weights(whole).items():
        torch.testing.assert_close(_weights(parts)[name], tensor, atol=0, rtol=0, msg=name)


def test_log_has_one_line_a_report_with_the_waiting_share(tmp_path):
    trainer, _ = _trainer(tmp_path)
    trainer.run(report_every=4)

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["step"] for line in lines] == [4, 8, 12]
    assert all(0 <= line["waiting_share"] <= 1 and line["loss"] > 0 for line in lines)


def test_loss_falls_on_puppets(tmp_path):
    trainer, _ = _trainer(
        tmp_path,
        (
            "schedule.steps=60",
            "schedule.learning_rate=0.01",
            "schedule.stages=[{until=1.0,size=64,batch=8}]",
        ),
    )
    trainer.run(report_every=20)

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert lines[-1]["loss"] < 0.97 * lines[0]["loss"]


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

    for name, tensor in _weights(one).items():
        torch.testing.assert_close(_weights(two)[name], tensor, atol=2e-4, rtol=2e-3, msg=name)


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
