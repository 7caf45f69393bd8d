"""The command line that all downstream tasks share."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import torch

from cmp_engine.errors import EngineError
from train.distributed import World, join, leave
from train.errors import TrainConfigError, TrainError
from train.eval.transfer.encoder import LoadedEncoder, TransferEncoder, load_encoder, random_encoder
from train.eval.transfer.finetune import STATE_NAME, FineTuner, TransferTask
from train.eval.transfer.layouts import open_pictures
from train.eval.transfer.recipe import Layout, TransferRecipe, load_transfer_recipe
from train.eval.transfer.results import (
    ENSEMBLE_NAME,
    RUN_NAME,
    SCORES_NAME,
    RunDescription,
    describe_scores,
    read_run,
    write_values,
)
from train.eval.transfer.segmentation import SegmentationTask, build_segmentation
from train.reporting import Reporter
from train.train_state import read_state

logger = logging.getLogger(__name__)

BuildTask: TypeAlias = Callable[
    [TransferRecipe, TransferEncoder, torch.device], tuple[TransferTask[Any], str]
]
"""Makes a task from a recipe and an encoder, and says in words what its data are."""


def run_task(
    name: str,
    description: str,
    layouts: Sequence[Layout],
    build: BuildTask,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the command of a task; 0 done or stopped in time, 1 failed on the input.

    Args:
        name: Of the task; the command is ``python -m train.eval.NAME``.
        description: For ``--help``.
        layouts: Layouts of data that the task can be run on.
        build: Makes the task.
        arguments: Of the command line.
    """
    has_ensemble = build is build_pictures_task
    options = _parser(name, description, has_ensemble=has_ensemble).parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recipe = _recipe(options, name, layouts)
        world = join(options.device)
        try:
            if not options.check:
                options.out.mkdir(parents=True, exist_ok=True)
            _run(name, recipe, build, options, world)
        finally:
            leave(world)
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nStopped; run the same command again to go on from the last saved state.\n"
        )
        return 1
    return 0


def build_pictures_task(
    recipe: TransferRecipe, encoder: TransferEncoder, device: torch.device
) -> tuple[SegmentationTask, str]:
    """Return the task of learning and judging semantic segmentation on a recipe's data."""
    data = recipe.data
    train = open_pictures(data, data.train)
    validation = open_pictures(data, data.validation)
    network = build_segmentation(encoder, recipe, len(validation.classes), device)
    words = (
        f"{len(train)} pictures of {data.layout} {data.train}, judged on {len(validation)} of "
        f"{data.validation}"
    )
    return SegmentationTask(network, train, validation, recipe, device), words


def _recipe(options: argparse.Namespace, name: str, layouts: Sequence[Layout]) -> TransferRecipe:
    if options.evaluate_only:
        recipe = read_run(options.out).recipe
    elif options.config is not None:
        recipe = load_transfer_recipe(options.config, options.set)
    else:
        raise TrainConfigError("Give a recipe with --config, such as one of train/configs.")
    if options.encoder is not None:
        recipe = replace(recipe, encoder=replace(recipe.encoder, weights=options.encoder))
    if options.data is not None:
        recipe = replace(recipe, data=replace(recipe.data, root=options.data))
    if recipe.data.layout not in layouts:
        raise TrainConfigError(
            f"train.eval.{name} takes data.layout {' or '.join(layouts)}, and {recipe.name} has "
            f"{recipe.data.layout}."
        )
    return recipe


def _run(
    name: str, recipe: TransferRecipe, build: BuildTask, options: argparse.Namespace, world: World
) -> None:
    loaded = _encoder(options, recipe)
    task, data = build(recipe, loaded.encoder, world.device)
    tuner = FineTuner(
        task,
        recipe,
        world,
        options.out,
        encoder_sha256=loaded.origin.sha256,
        autocast=options.bf16,
        workers=_workers(options, world),
    )
    if options.check:
        if world.is_main:
            sys.stdout.write(f"{recipe.name} can be run: {data}\n")
        return
    run = RunDescription(name, recipe, loaded.origin, data)
    is_done = tuner.state.step >= tuner.schedule.steps and (options.out / SCORES_NAME).exists()
    if is_done and not options.evaluate_only:
        if world.is_main:
            known = json.loads((options.out / SCORES_NAME).read_text(encoding="utf-8"))
            _say(f"{options.out.name} is done", known["scores"])
        if getattr(options, "ensemble", None) is not None:
            _judge_together(task, run, tuner, options, world)
        return
    if tuner.state.step:
        logger.info("going on from step %d", tuner.state.step)
    if world.is_main:
        write_values(options.out / RUN_NAME, run.to_values())
    scores = _scores(tuner, task, options, world)
    if scores is not None and world.is_main:
        values = describe_scores(run, tuner.state, scores, world)
        write_values(options.out / SCORES_NAME, values)
        _say(options.out.name, scores)
    if scores is not None and getattr(options, "ensemble", None) is not None:
        _judge_together(task, run, tuner, options, world)


def _encoder(options: argparse.Namespace, recipe: TransferRecipe) -> LoadedEncoder:
    """Return the encoder; of a run that is only judged, its network without the first weights."""
    if not options.evaluate_only:
        torch.manual_seed(recipe.seed)
        return load_encoder(recipe.encoder)
    origin = read_run(options.out).origin
    return LoadedEncoder(random_encoder(origin.config), origin)


def _scores(
    tuner: FineTuner, task: TransferTask[Any], options: argparse.Namespace, world: World
) -> dict[str, float] | None:
    if options.evaluate_only:
        if not (options.out / STATE_NAME).exists():
            raise TrainConfigError(
                f"There is no run to judge in {options.out}: {STATE_NAME} is missing."
            )
        return task.evaluate(world)
    steps = tuner.schedule.steps
    reporter = None
    if world.is_main:
        reporter = Reporter(steps, options.out / "tensorboard" if options.tensorboard else None)
    try:
        return tuner.run(
            minutes=options.minutes,
            save_every=options.save_every,
            report_every=options.report_every,
            evaluate_every=options.evaluate_every,
            on_report=reporter,
            on_scores=None if reporter is None else reporter.add_scores,
        )
    finally:
        if reporter is not None:
            reporter.close()


def _judge_together(
    task: TransferTask[Any],
    run: RunDescription,
    tuner: FineTuner,
    options: argparse.Namespace,
    world: World,
) -> None:
    """Judge the mean of the probabilities of two runs' networks (table 3's star row)."""
    other = read_run(options.ensemble)
    mine, theirs = run.recipe.data, other.recipe.data
    is_same = (mine.layout, mine.validation) == (theirs.layout, theirs.validation)
    if not isinstance(task, SegmentationTask) or not is_same:
        raise TrainConfigError(
            f"{options.ensemble} is judged on {theirs.layout} {theirs.validation} and "
            f"{options.out} on {mine.layout} {mine.validation}; both must be of the same data."
        )
    path = options.ensemble / STATE_NAME
    if not path.exists():
        raise TrainConfigError(f"There is no run to add in {options.ensemble}: {path} is missing.")
    encoder = random_encoder(other.origin.config)
    classes = len(task.validation.classes)
    network = build_segmentation(encoder, other.recipe, classes, world.device)
    content = read_state(path, other.recipe.identity())
    network.load_state_dict(content["network"])
    second = SegmentationTask(network, task.train, task.validation, other.recipe, world.device)
    scores = task.scores(task.confusion(world, [second]))
    if not world.is_main:
        return
    values = describe_scores(run, tuner.state, scores, world)
    values["with"] = {**other.to_values(), "step": int(content["step"])}
    write_values(options.out / ENSEMBLE_NAME, values)
    _say(f"{options.out.name} with {options.ensemble.name}", scores)


def _say(title: str, scores: Mapping[str, float]) -> None:
    for is_part in (False, True):
        some = {key: value for key, value in scores.items() if ("/" in key) == is_part}
        words = "  ".join(f"{key} {100 * value:.2f}" for key, value in some.items())
        sys.stdout.write(f"    {words}\n" if is_part else f"{title}, in %: {words}\n")


def _workers(options: argparse.Namespace, world: World) -> int:
    """Return how many threads make batches: one beside a CPU that computes, more for a GPU."""
    if options.workers is not None:
        return max(1, int(options.workers))
    return 1 if world.device.type == "cpu" else max(1, min(8, (os.cpu_count() or 2) // 2))


def _parser(name: str, description: str, *, has_ensemble: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m train.eval.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="recipe, a TOML file")
    parser.add_argument("--out", type=Path, required=True, help="folder for state, logs and scores")
    parser.add_argument(
        "--encoder",
        metavar="WEIGHTS",
        help="encoder.weights: random, imagenet, or CMP weights (name, file, folder of a run)",
    )
    parser.add_argument("--data", metavar="FOLDER", help="data.root: folder of the data set")
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change the recipe"
    )
    parser.add_argument(
        "--check", action="store_true", help="only see whether recipe, encoder and data will do"
    )
    parser.add_argument("--minutes", type=float, help="stop cleanly after this long")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 where it is exact enough")
    parser.add_argument("--save-every", type=int, default=500, metavar="STEPS")
    parser.add_argument("--report-every", type=int, default=50, metavar="STEPS")
    parser.add_argument(
        "--evaluate-every", type=int, default=0, metavar="STEPS", help="0: at the end alone"
    )
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard curves")
    parser.add_argument(
        "--workers", type=int, help="threads that make batches ahead; chosen if not given"
    )
    parser.add_argument(
        "--evaluate-only", action="store_true", help="judge the run in --out as it is"
    )
    if has_ensemble:
        parser.add_argument(
            "--ensemble",
            type=Path,
            metavar="RUN",
            help="also judge together with the run in this folder",
        )
    return parser
