"""The small benchmark: the paper's comparisons at a size that two CPU cores can do.

::

    python -m train.eval.small --pairs data/train_pairs --camvid DATA/camvid --ccp DATA/ccp \
        --out runs/small --minutes 60

Pretrains a small encoder by each variant of the plan (CMP, what the paper compares it with, other
numbers of guidance points, other propagation nets, less data), all on the same pairs of clips and
puppets. Then each is fine-tuned, and one with random weights, with several seeds, to find parts of
puppets, things in streets (CamVid) and clothes (CCP). Prints tables of mean IoU with its standard
deviation over the seeds, and writes them with all scores and a plot to ``--out``.

Run the same command again to go on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from cmp_engine.errors import EngineError
from train.config import read_settings, read_tables
from train.distributed import World, join, leave
from train.errors import TrainConfigError, TrainError
from train.eval.deadline import Deadline
from train.eval.plan import FROZEN, Plan, Variant, read_plan
from train.eval.plan_results import Score, read_score, score_path, write_report, write_score
from train.eval.small_pool import Pool, PoolSettings, PoolSource, make_pool
from train.eval.small_tasks import SmallTask, camvid_task, ccp_task, puppet_task
from train.eval.transfer.encoder import load_encoder, random_encoder
from train.eval.transfer.finetune import FineTuner
from train.eval.transfer.recipe import TransferRecipe, parse_transfer_recipe
from train.eval.transfer.segmentation import SegmentationTask, build_segmentation
from train.loop import Trainer
from train.objectives import build_for
from train.train_state import load_state, new_state

logger = logging.getLogger(__name__)

_PLAN: Final = Path(__file__).parents[1] / "configs" / "plans" / "small.toml"
_NEVER: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """Sizes of the tasks.

    Attributes:
        puppets: Puppet scenes to learn from, and to measure on.
        short_side: Of all tasks' pictures, px; a multiple of 32.
    """

    puppets: tuple[int, int] = (64, 96)
    short_side: int = 96


class SmallBenchmark:
    """Runs a plan in one process.

    Args:
        plan: What to compare.
        transfer: Tables of the recipe of fine-tuning.
        sizes: Of the tasks.
        tasks: By name.
        out: Folder for everything.
        world: A single process.
        deadline: When to stop.
    """

    def __init__(
        self,
        plan: Plan,
        transfer: Mapping[str, Any],
        sizes: TaskSettings,
        tasks: Mapping[str, SmallTask],
        out: Path,
        world: World,
        deadline: Deadline,
    ) -> None:
        self._plan = plan
        self._transfer = transfer
        self._sizes = sizes
        self._tasks = tasks
        self._out = out
        self._world = world
        self._deadline = deadline

    def run(self, pool: Pool, *, is_frozen: bool = False) -> bool:
        """Do what is missing, table by table; return whether all is there.

        Args:
            pool: To pretrain on.
            is_frozen: Whether to train heads on frozen encoders instead of fine-tuning.
        """
        plan = self._plan
        for table in plan.tables:
            variants = [plan.variant(name) for name in table.variants]
            for variant in variants:
                for number in range(0 if variant.is_random else plan.pretrain_seeds):
                    if not self._pretrain(variant, number, pool):
                        return False
            for seed in plan.seeds:
                for task in table.of(list(self._tasks)):
                    for variant in variants:
                        if not self._score(variant, task, seed, is_frozen=is_frozen):
                            return False
        return True

    def _run_folder(self, variant: Variant, number: int) -> Path:
        return self._out / "pretrain" / f"{variant.name}.{number}"

    def _pretrain(self, variant: Variant, number: int, pool: Pool) -> bool:
        """Pretrain a variant to the end of its recipe; return whether it got there."""
        recipe, folder = variant.recipe(number), self._run_folder(variant, number)
        torch.manual_seed(recipe.seed)
        state = new_state(build_for(recipe), recipe, self._world.device)
        if (folder / "state.pt").exists():
            load_state(state, recipe, folder / "state.pt")
        if state.step >= recipe.schedule.steps:
            return True
        if self._deadline.is_late():
            return False
        folder.mkdir(parents=True, exist_ok=True)
        source = PoolSource(recipe, pool, self._world.device)
        trainer = Trainer(state, recipe, source, self._world, folder)
        done = trainer.run(minutes=self._deadline.minutes_left(), save_every=200)
        logger.info("%s: %d steps, %.1f minutes", folder.name, state.step, state.seconds / 60)
        return done

    def _score(self, variant: Variant, task: str, seed: int, *, is_frozen: bool) -> bool:
        """Fine-tune and measure, unless that is done already; return whether the score is there."""
        pretraining = self._plan.pretrain_seed(seed)
        run, name = self._run_folder(variant, pretraining), task + FROZEN * is_frozen
        weights = "random" if variant.is_random else str(run)
        recipe = self._transfer_recipe(weights, seed)
        settings = json.dumps(
            {
                "pretraining": json.loads(variant.recipe(pretraining).to_json()),
                "transfer": self._transfer,
                "tasks": asdict(self._sizes),
            },
            sort_keys=True,
        )
        path = score_path(self._out, variant.name, name, seed)
        kept = read_score(path)
        if kept is not None:
            if kept.settings != settings:
                raise TrainConfigError(
                    f"{path} was scored with other settings; choose another --out, or delete it."
                )
            return True
        if self._deadline.is_late():
            return False
        torch.manual_seed(seed)
        if variant.is_random:
            encoder, sha256 = random_encoder(variant.recipe().model), ""
        else:
            loaded = load_encoder(recipe.encoder)
            encoder, sha256 = loaded.encoder, loaded.origin.sha256
        encoder.requires_grad_(not is_frozen)
        data, device = self._tasks[task], self._world.device
        network = build_segmentation(encoder, recipe, len(data.train.classes), device)
        judged = SegmentationTask(network, data.train, data.test, recipe, device)
        folder = self._out / "tuning" / f"{variant.name}.{name}.{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        tuner = FineTuner(judged, recipe, self._world, folder, encoder_sha256=sha256)
        found = tuner.run(minutes=self._deadline.minutes_left(), save_every=_NEVER)
        if found is None:
            return False
        score = Score(
            variant=variant.name,
            task=name,
            seed=seed,
            value=100 * found["miou"],
            parts={key: 100 * value for key, value in found.items() if value == value},
            minutes=tuner.state.seconds / 60,
            commit=tuner.state.commits[-1],
            settings=settings,
        )
        write_score(self._out, score)
        shutil.rmtree(folder)
        logger.info("%s, %s, seed %d: %.1f %%", variant.label, name, seed, score.value)
        return True

    def _transfer_recipe(self, weights: str, seed: int) -> TransferRecipe:
        encoder = {**self._transfer.get("encoder", {}), "weights": weights}
        return parse_transfer_recipe({**self._transfer, "encoder": encoder, "seed": seed}, "small")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.small",
        description="Compare ways to pretrain small encoders; run again to go on.",
    )
    parser.add_argument("--plan", type=Path, default=_PLAN, help="a TOML file (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is made")
    parser.add_argument("--pairs", type=Path, help="pairs of clips made by train.data.prepare")
    parser.add_argument("--camvid", type=Path, help="folder of CamVid; without it, no such task")
    parser.add_argument("--ccp", type=Path, help="folder of CCP; without it, no such task")
    parser.add_argument("--minutes", type=float, help="stop cleanly after this long")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--frozen", action="store_true", help="train heads on frozen encoders instead"
    )
    parser.add_argument("--no-plot", action="store_true")
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change the plan"
    )
    return parser


def _tasks(options: argparse.Namespace, settings: TaskSettings) -> dict[str, SmallTask]:
    side = settings.short_side
    train, test = settings.puppets
    tasks = {"puppets": puppet_task(side, train=train, test=test)}
    if options.camvid is not None:
        tasks["camvid"] = camvid_task(options.camvid, side)
    if options.ccp is not None:
        tasks["ccp"] = ccp_task(options.ccp, side)
    return tasks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        tables = read_tables(options.plan, options.set)
        plan = read_plan(tables, options.plan)
        pool_settings = read_settings(PoolSettings, tables.get("pool", {}), "plan", "pool")
        task_table = dict(tables.get("tasks", {}))
        if "puppets" in task_table:
            task_table["puppets"] = tuple(task_table["puppets"])
        task_settings = read_settings(TaskSettings, task_table, "plan", "tasks")
        world = join(options.device)
        try:
            tasks = _tasks(options, task_settings)
            deadline = Deadline(options.minutes)
            pool = make_pool(
                options.out / "pool", pool_settings, options.pairs, is_late=deadline.is_late
            )
            done = False
            if pool is not None:
                benchmark = SmallBenchmark(
                    plan,
                    dict(tables.get("transfer", {})),
                    task_settings,
                    tasks,
                    options.out,
                    world,
                    deadline,
                )
                done = benchmark.run(pool, is_frozen=options.frozen)
            names = [task + FROZEN * options.frozen for task in tasks]
            print(
                write_report(
                    options.out, plan, names, metric="mean IoU, %", has_plot=not options.no_plot
                )
            )
            if not done:
                print("\nStopped in time; run the same command again to go on.")
        finally:
            leave(world)
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
