"""One step: what a bad gradient does, batch norms over processes, and the paper's networks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from torch import distributed

from cmp_engine.build import build_network
from train.batches import Batch, BatchSource
from train.config import Recipe, load_recipe
from train.distributed import World
from train.step import train_one_step
from train.train_state import TrainState, new_state

CONFIGS = Path(__file__).parents[2] / "train" / "configs"
CPU = torch.device("cpu")
ALONE = World(0, 1, CPU)
SMALL = (
    "schedule.stages=[{until=1.0,size=64,batch=4,puppet_share=1.0}]",
    "schedule.micro_batches=2",
    "schedule.image_weights=''",
)


def start(config: str, *overrides: str) -> tuple[Recipe, TrainState]:
    recipe = load_recipe(CONFIGS / f"{config}.toml", [*SMALL, *overrides])
    torch.manual_seed(0)
    return recipe, new_state(build_network(recipe.model), recipe, CPU)


def batches_of(recipe: Recipe, world: World = ALONE, step: int = 0) -> list[Batch]:
    source = BatchSource(recipe, CPU)
    parts = range(world.rank, recipe.schedule.micro_batches, world.size)
    return [source.batch(step, part, recipe.schedule.stages[0]) for part in parts]


def weights(state: TrainState) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.network.state_dict().items()}


@pytest.mark.parametrize(
    "config", ["tiny", "default", "paper_human", "paper_resnet50", "paper_alexnet"]
)
def test_shipped_recipe_when_small_then_takes_a_step_that_moves_all_parts(config):
    recipe, state = start(config)
    before = weights(state)

    done = train_one_step(state, batches_of(recipe), recipe, ALONE, autocast=False)

    assert not done.is_skipped
    assert state.step == 1
    assert 0 < float(done.parts["loss"]) < 100
    moved = {
        name.split(".")[0]
        for name, parameter in state.network.named_parameters()
        if not torch.equal(parameter, before[name])
    }
    assert moved == {name.split(".")[0] for name, _ in state.network.named_parameters()}


def test_loss_when_it_regresses_then_is_the_end_point_error():
    recipe, state = start("paper_resnet50", "model.image_encoder=resnet18", "model.head=regression")
    done = train_one_step(state, batches_of(recipe), recipe, ALONE, autocast=False)
    assert not done.is_skipped
    assert state.network.config.head == "regression"
    assert 0 < float(done.parts["loss"]) < 100


@pytest.mark.parametrize("config", ["tiny", "paper_resnet50"])
def test_step_when_a_picture_is_not_a_number_then_skipped(config):
    overrides = ["model.image_encoder=resnet18"] if config == "paper_resnet50" else []
    recipe, state = start(config, *overrides)
    before = weights(state)
    good, bad = batches_of(recipe)
    bad.image[:, :, 5, 5] = torch.nan

    done = train_one_step(state, [good, bad], recipe, ALONE, autocast=False)

    assert done.is_skipped
    assert state.step == 1
    assert not state.optimizer.state
    for name, tensor in weights(state).items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor, before[name], rtol=0, atol=0, msg=name)


def test_step_when_in_two_processes_then_batch_norms_are_those_of_one(monkeypatch):
    overrides = ("model.image_encoder=resnet18", "schedule.learning_rate=0.01")
    recipe, alone = start("paper_resnet50", *overrides)
    train_one_step(alone, batches_of(recipe), recipe, ALONE, autocast=False)

    meeting = threading.Barrier(2, timeout=120)
    sent: dict[int, torch.Tensor] = {}
    ranks = threading.local()

    def all_reduce(tensor: torch.Tensor) -> None:
        sent[ranks.here] = tensor.clone()
        meeting.wait()
        total = sent[0] + sent[1]
        meeting.wait()
        tensor.copy_(total)

    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    states: dict[int, TrainState] = {}
    starts = [start("paper_resnet50", *overrides)[1] for _ in range(2)]

    def work(rank: int) -> None:
        ranks.here = rank
        world = World(rank, 2, CPU)
        train_one_step(starts[rank], batches_of(recipe, world), recipe, world, autocast=False)
        states[rank] = starts[rank]

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(states) == [0, 1]
    expected = weights(alone)
    for rank, state in states.items():
        for name, tensor in weights(state).items():
            if not name.endswith("num_batches_tracked"):
                torch.testing.assert_close(
                    tensor, expected[name], rtol=1e-3, atol=1e-4, msg=f"{rank} {name}"
                )
