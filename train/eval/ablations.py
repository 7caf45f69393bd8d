"""Ablations: runs or resumes a list of pretraining recipes, and judges each by a downstream task.

::

    python -m train.eval.ablations train/configs/plans/figure4.toml --out runs/figure4 \
        --pairs data/yfcc_youtube9k_pairs --data data/VOCdevkit/VOC2012 --processes 4

A plan (`train.eval.plan`) lists the recipes; its table ``[task]`` names the task::

    [task]
    module = "train.eval.voc"          # its command
    config = "../voc_alexnet.toml"     # its recipe, beside the plan
    score = "miou"                     # what to compare, of its scores.json, 0 to 1
    set = []                           # changes of its recipe

Before a recipe is pretrained, the task is asked whether it can be run on its network, so that data
that are missing show at once. Prints the plan's tables with the paper's figures beside the runs',
and writes them with a plot to ``--out``. Run the same command again to go on where it stopped; runs
that are there are kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cmp_engine.errors import EngineError
from train.config import Recipe, read_settings, read_tables
from train.errors import DataError, TrainConfigError, TrainError
from train.eval.deadline import Deadline
from train.eval.plan import Plan, Variant, read_plan
from train.eval.plan_results import Score, read_score, score_path, write_report, write_score

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCommand:
    """The downstream task that judges.

    Attributes:
        module: Of its command, ``train.eval.NAME``.
        config: Its recipe.
        score: Which of its scores to compare.
        set: ``table.key=value`` changes of its recipe.
    """

    module: str = "train.eval.voc"
    config: str = ""
    score: str = "miou"
    set: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Last part of the module's name."""
        return self.module.rpartition(".")[2]


class Commands:
    """Runs modules of this project: in this process, or as several by `torchrun`.

    Args:
        processes: For each command, 1 or more.
        options: Added to every command.

    Raises:
        TrainConfigError: No process is asked for.
    """

    def __init__(self, processes: int, options: Sequence[str] = ()) -> None:
        if processes < 1:
            raise TrainConfigError(f"--processes must be 1 or more, got {processes}.")
        self._processes = processes
        self._options = list(options)

    def run(self, module: str, arguments: Sequence[str]) -> None:
        """Run ``python -m module arguments``.

        Raises:
            TrainConfigError: There is no such module, or it failed; it has said why.
        """
        words = [*arguments, *self._options]
        if self._processes == 1:
            try:
                code = int(importlib.import_module(module).main(words))
            except ModuleNotFoundError as error:
                raise TrainConfigError(f"There is no command {module}: {error}.") from error
        else:
            # Standalone: on a free port, so that two plans can be run side by side.
            start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
            count = ["--nproc-per-node", str(self._processes)]
            code = subprocess.run([*start, *count, "-m", module, *words], check=False).returncode
        if code:
            raise TrainConfigError(f"{module} failed with the sentence above, run with {words}.")


class Ablations:
    """Runs a plan by the commands that are there for each of its steps.

    Args:
        plan: What to compare.
        task: What to judge by.
        folder: Of the plan's file.
        out: Folder for everything.
        commands: Runs them.
        deadline: When to stop.
        data: Folder of the task's data; None for what its recipe says.
    """

    def __init__(
        self,
        plan: Plan,
        task: TaskCommand,
        folder: Path,
        out: Path,
        commands: Commands,
        deadline: Deadline,
        *,
        data: Path | None = None,
    ) -> None:
        self._plan = plan
        self._task = task
        self._config = folder / task.config
        self._out = out
        self._commands = commands
        self._deadline = deadline
        self._data = data
        self._task_tables = read_tables(self._config, task.set)

    def run(self) -> bool:
        """Do what is missing, in the plan's order; return whether all is there."""
        for variant in self._plan.variants:
            for seed in self._plan.seeds:
                number = self._plan.pretrain_seed(seed)
                if not variant.is_random and not self._pretrain(variant, number):
                    return False
                if not self._judge(variant, seed):
                    return False
        return True

    def _run_folder(self, variant: Variant, number: int) -> Path:
        return self._out / "pretrain" / f"{variant.name}.{number}"

    def _pretrain(self, variant: Variant, number: int) -> bool:
        recipe, folder = variant.recipe(number), self._run_folder(variant, number)
        done = _steps_done(folder, recipe)
        if done < recipe.schedule.steps:
            if self._deadline.is_late():
                return False
            if not done:
                drawn = self._as_drawn(variant, number)
                checked = self._task_arguments(f"{folder.name}.check", drawn)
                self._commands.run(self._task.module, [*checked, "--check"])
            changes = [*variant.changes, f"seed={recipe.seed}"]
            logger.info("pretraining %s", folder.name)
            self._commands.run("train.pretrain", self._arguments(variant.config, folder, changes))
        return _steps_done(folder, recipe) >= recipe.schedule.steps

    def _judge(self, variant: Variant, seed: int) -> bool:
        task = self._task
        number = self._plan.pretrain_seed(seed)
        name = f"{variant.name}.{task.name}.{seed}"
        folder = self._out / "tuning" / name
        settings = self._settings(variant, number)
        path = score_path(self._out, variant.name, task.name, seed)
        kept = read_score(path)
        if kept is not None:
            if kept.settings != settings:
                raise TrainConfigError(
                    f"{path} was scored with other settings; choose another --out, or delete it "
                    f"and {folder}."
                )
            return True
        if self._deadline.is_late():
            return False
        if variant.is_random:
            encoder = self._as_drawn(variant, number)
        else:
            encoder = str(self._run_folder(variant, number))
        logger.info("judging %s", name)
        arguments = self._task_arguments(name, encoder, [f"seed={seed}"])
        self._commands.run(task.module, arguments)
        found = _read_scores(folder / "scores.json", task.score)
        if found is None:
            return False
        write_score(
            self._out,
            Score(
                variant=variant.name,
                task=task.name,
                seed=seed,
                value=100 * found.scores[task.score],
                parts={name: 100 * value for name, value in found.scores.items()},
                minutes=60 * found.hours,
                commit=found.commit,
                settings=settings,
            ),
        )
        return True

    def _as_drawn(self, variant: Variant, number: int) -> str:
        """Return what a task calls the encoder of a variant's network with random weights."""
        folder = self._run_folder(variant, number)
        folder.mkdir(parents=True, exist_ok=True)
        text = variant.recipe(number).to_json() + "\n"
        (folder / "recipe.json").write_text(text, encoding="utf-8")
        return f"random:{folder}"

    def _task_arguments(self, name: str, encoder: str, changes: Sequence[str] = ()) -> list[str]:
        folder = self._out / "tuning" / name
        arguments = self._arguments(self._config, folder, [*self._task.set, *changes])
        arguments += ["--encoder", encoder]
        return arguments if self._data is None else [*arguments, "--data", str(self._data)]

    def _settings(self, variant: Variant, number: int) -> str:
        values = {
            "pretraining": json.loads(variant.recipe(number).to_json()),
            "task": self._task_tables,
            "is_random": variant.is_random,
        }
        return json.dumps(values, sort_keys=True)

    def _arguments(self, config: Path, out: Path, changes: Sequence[str]) -> list[str]:
        words = ["--config", str(config), "--out", str(out)]
        for change in changes:
            words += ["--set", change]
        left = self._deadline.minutes_left()
        return words if left is None else [*words, "--minutes", f"{left:.3f}"]


@dataclass(frozen=True, slots=True)
class _TaskScores:
    scores: Mapping[str, float]
    hours: float
    commit: str


def _steps_done(folder: Path, recipe: Recipe) -> int:
    """Return how far the pretraining in a folder is.

    Raises:
        TrainConfigError: It is of another recipe.
    """
    path = folder / "state.pt"
    if not path.exists():
        return 0
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if _but_name(content["recipe"]) != _but_name(recipe.to_json()):
        raise TrainConfigError(
            f"{path} belongs to a run with another recipe; choose another --out, or delete it."
        )
    return int(content["step"])


def _but_name(recipe: str) -> dict[str, Any]:
    """Return the values of a recipe; its name is the plan's here, and that of its file there."""
    values: dict[str, Any] = json.loads(recipe)
    return {key: value for key, value in values.items() if key != "name"}


def _read_scores(path: Path, score: str) -> _TaskScores | None:
    """Return what a task's command left, or None if it stopped in time."""
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        scores = {str(name): float(value) for name, value in values["scores"].items()}
        found = _TaskScores(scores, float(values["hours"]), str(values["commit"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no list of scores: {error}; delete it.") from error
    if score not in found.scores:
        raise TrainConfigError(
            f"The plan compares {score!r}, and the task's scores are {', '.join(found.scores)}."
        )
    return found


def _read_task(tables: Mapping[str, Any], path: Path) -> TaskCommand:
    table = dict(tables.get("task", {}))
    if not table.get("config"):
        raise TrainConfigError(
            f"{path} names no task; its table [task] needs the module and the config of a task."
        )
    table["set"] = tuple(table.get("set", []))
    return read_settings(TaskCommand, table, path.stem, "task")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.ablations",
        description="Run or resume the recipes of a plan, and compare them by a downstream task.",
    )
    parser.add_argument("plan", type=Path, help="a TOML file, such as those in train/configs/plans")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is made")
    parser.add_argument("--pairs", type=Path, help="data.pairs of every recipe")
    parser.add_argument("--data", type=Path, help="folder of the task's data set")
    parser.add_argument("--minutes", type=float, help="stop cleanly after this long")
    parser.add_argument("--processes", type=int, default=1, help="for each training, by torchrun")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 where it is exact enough")
    parser.add_argument("--no-plot", action="store_true")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        tables = read_tables(options.plan)
        extra = [] if options.pairs is None else [f"data.pairs={options.pairs}"]
        plan = read_plan(tables, options.plan, changes=extra)
        task = _read_task(tables, options.plan)
        commands = Commands(
            options.processes, ["--device", options.device, *["--bf16"] * options.bf16]
        )
        ablations = Ablations(
            plan,
            task,
            options.plan.parent,
            options.out,
            commands,
            Deadline(options.minutes),
            data=options.data,
        )
        done = ablations.run()
        print(
            write_report(
                options.out,
                plan,
                [task.name],
                metric=f"{task.name}, {task.score} in %",
                has_plot=not options.no_plot,
            )
        )
        if not done:
            print("\nStopped in time; run the same command again to go on.")
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
