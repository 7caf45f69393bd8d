"""Times training beside a plain loop: images a second, and the share of time spent waiting.

python tests/benchmarks/bench_training.py [--config train/configs/tiny.toml] [--steps 6]

Both do the same work: the same steps of the same network, loss, optimizer and average of weights,
on the same puppet scenes with the paper's guidance points (K = 81, G = 200); the weights are
compared in the end. The plain loop makes a batch, samples every image's points with SciPy, takes
the step, and only then thinks of the next batch. Ours is `train.loop.Trainer`: points of a whole
batch at once, and batches made ahead by ``--workers`` threads (as `train.pretrain` does: none on a
CPU, where they would take the cores that compute). The loops take turns, ``--rounds`` times, since
other work on the machine makes wall times vary; medians are printed. Without ``--config`` the
network is that of the ``tiny`` recipe, so that what is around the network shows; a large network
hides it. ``--pairs`` takes half of a batch from clips.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from bench_guidance_sampling import scipy_peaks

from cmp_engine.build import build_network
from cmp_engine.modeling.cmp import Guidance
from train import batches as batches_module
from train.batches import Batch, BatchSource
from train.config import Recipe, load_recipe
from train.distributed import World, join
from train.guidance_sampling import SampledGuidance, flow_at
from train.loop import Trainer
from train.reporting import StepReport
from train.step import train_one_step
from train.train_state import TrainState, new_state
from train.watershed import grid_points

CONFIGS = Path(__file__).parents[2] / "train" / "configs"


@dataclass(frozen=True, slots=True)
class Timing:
    """Images a second of wall time, share of it without a batch, core time of an image (ms)."""

    images_per_second: float
    waiting_share: float
    core_ms: float

    def __str__(self) -> str:
        return (
            f"{self.images_per_second:6.2f} images/s, waiting {self.waiting_share:6.1%}, "
            f"{self.core_ms:7.1f} ms of a core an image"
        )


def scipy_guidance(_sampler: str, flow: torch.Tensor, *_: object, **settings: int) -> object:
    """The paper's points with SciPy, one image after the other; a stand-in for our sampling."""
    found = []
    for one in flow.cpu().numpy():
        row, column = np.nonzero(scipy_peaks(one))
        found.append(torch.from_numpy(np.stack([column, row], -1)).float())
    grid = grid_points(*flow.shape[-2:], settings["grid_stride"]).float()
    most = max(len(points) for points in found) + len(grid)
    points = torch.zeros(len(flow), most, 2)
    is_real = torch.zeros(len(flow), most, dtype=torch.bool)
    for index, some in enumerate(found):
        count = len(some) + len(grid)
        points[index, :count] = torch.cat([some, grid])
        is_real[index, :count] = True
    points, is_real = points.to(flow.device), is_real.to(flow.device)
    vectors = flow_at(flow, points) * is_real[..., None]
    nothing = torch.zeros_like(flow[:, 0], dtype=torch.bool)
    return SampledGuidance(Guidance(points * is_real[..., None], vectors, is_real), nothing)


def plain_loop(state: TrainState, recipe: Recipe, world: World, steps: int) -> Timing:
    """Train without anything made ahead."""
    source = BatchSource(recipe, world.device)
    schedule = recipe.schedule
    waited, images = 0.0, 0

    def batches(step: int) -> list[Batch]:
        parts = range(schedule.micro_batches)
        return [source.batch(step, part, schedule.stages[0]) for part in parts]

    batches(0)  # the stock of textures is made once
    started, busy = time.perf_counter(), time.process_time()
    for step in range(steps):
        asked = time.perf_counter()
        made = batches(step)
        waited += time.perf_counter() - asked
        train_one_step(state, made, recipe, world, autocast=False)
        images += sum(len(batch.image) for batch in made)
    spent = time.perf_counter() - started
    cores = time.process_time() - busy
    return Timing(images / spent, waited / spent, cores / images * 1e3)


def median(timings: list[Timing]) -> Timing:
    """Return the median of each figure."""
    columns = zip(*(astuple(timing) for timing in timings), strict=True)
    return Timing(*(statistics.median(column) for column in columns))


def largest_difference(first: TrainState, second: TrainState) -> float:
    """Return how far apart any two weights are."""
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def our_loop(state: TrainState, recipe: Recipe, world: World, steps: int, workers: int) -> Timing:
    """Train as `train.pretrain` does."""
    source = BatchSource(recipe, world.device)
    source.batch(0, 0, recipe.schedule.stages[0])
    reports: list[tuple[StepReport, float]] = []

    def keep(report: StepReport) -> None:
        reports.append((report, time.process_time()))  # what follows writes the state

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(state, recipe, source, world, Path(folder), workers=workers)
        busy = time.process_time()
        trainer.run(report_every=steps, on_report=keep)
    images = steps * recipe.schedule.stages[0].batch
    last, ended = reports[-1]
    return Timing(last.images_per_second, last.waiting_share, (ended - busy) / images * 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIGS / "tiny.toml")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--workers", type=int, default=1 if torch.cuda.is_available() else 0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=Path, help="folder of pairs")
    options = parser.parse_args()
    share = 0.5 if options.pairs else 1.0
    stage = f"{{until=1.0,size={options.size},batch={options.batch},puppet_share={share}}}"
    overrides = [
        f"schedule.stages=[{stage}]",
        f"schedule.steps={options.steps}",
        "schedule.micro_batches=1",
        "schedule.image_weights=''",
        "guidance.sampler=watershed",
        "guidance.kernel=81",
        "guidance.grid_stride=200",
        *([f"data.pairs='{options.pairs}'"] if options.pairs else []),
    ]
    recipe = load_recipe(options.config, overrides)
    world = join()
    print(
        f"torch {torch.__version__}, {world.device}, {torch.get_num_threads()} threads, network of "
        f"{options.config.stem}, {options.batch} x {options.size} px, {options.steps} steps"
    )

    def start() -> TrainState:
        torch.manual_seed(0)
        return new_state(build_network(recipe.model), recipe, world.device)

    plain_loop(start(), recipe, world, 1)  # the first step of a process is slow
    ours_all, plain_all = [], []
    sampler = batches_module.sample_guidance
    for _ in range(options.rounds):
        ours_state, plain_state = start(), start()
        ours_all.append(our_loop(ours_state, recipe, world, options.steps, options.workers))
        batches_module.sample_guidance = scipy_guidance  # type: ignore[assignment]  # a stand-in
        try:
            plain_all.append(plain_loop(plain_state, recipe, world, options.steps))
        finally:
            batches_module.sample_guidance = sampler
        print(f"weights differ by {largest_difference(ours_state, plain_state):.1e} at most")
    ours, plain = median(ours_all), median(plain_all)
    print(f"plain loop with SciPy   {plain}")
    print(f"ours, {options.workers} threads ahead   {ours}")
    print(
        f"{ours.images_per_second / plain.images_per_second:.2f} times faster; by core time "
        f"{plain.core_ms / ours.core_ms:.2f} times"
    )


if __name__ == "__main__":
    main()
