"""Train a CMP network from a recipe.

::

    python -m train.pretrain --config train/configs/default.toml --out runs/default --minutes 30
    torchrun --nproc-per-node 2 -m train.pretrain --config train/configs/default.toml --out runs/d

Run the same command again to go on where it stopped: the end is the same as that of a run that was
never interrupted. ``--set schedule.steps=2000`` changes one value of the recipe.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from cmp_engine.errors import EngineError
from cmp_engine.weights import load_model
from train.batches import BatchSource
from train.config import Recipe, load_recipe
from train.distributed import World, join, leave
from train.errors import TrainError
from train.image_weights import start_from_image_weights
from train.loop import Trainer, stage_at
from train.objectives import ANSWERS_FLOW, build_for
from train.reporting import Reporter, answers_sheet
from train.train_state import TrainState, copy_matching, load_state, new_state, with_limb_backbone

logger = logging.getLogger(__name__)

_PICTURE_STEP: Final = 1 << 28  # its batch is in no run, so pictures are of nothing trained on


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.pretrain",
        description="Train a CMP network from a recipe; run again to resume.",
    )
    parser.add_argument("--config", type=Path, required=True, help="recipe, a TOML file")
    parser.add_argument("--out", type=Path, required=True, help="folder for state and logs")
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change the recipe"
    )
    parser.add_argument("--minutes", type=float, help="stop cleanly after this long")
    parser.add_argument("--init", type=Path, help="start from the weights in this file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 where it is exact enough")
    parser.add_argument("--save-every", type=int, default=500, metavar="STEPS")
    parser.add_argument("--report-every", type=int, default=50, metavar="STEPS")
    parser.add_argument(
        "--tensorboard", action="store_true", help="also write TensorBoard curves and pictures"
    )
    parser.add_argument("--pictures-every", type=int, default=500, metavar="STEPS")
    parser.add_argument("--workers", type=int, help="threads that make batches ahead; 0 for none")
    return parser


def _start(recipe: Recipe, options: argparse.Namespace, world: World) -> TrainState:
    torch.manual_seed(recipe.seed)
    network = build_for(recipe)
    if recipe.schedule.image_weights:
        start_from_image_weights(network.image_encoder, recipe.schedule.image_weights)
    if options.init is not None:
        source = load_model(options.init).network.state_dict()
        count = copy_matching(network, with_limb_backbone(source))
        total = len(network.state_dict())
        logger.info("%d of %d tensors start from %s", count, total, options.init)
    state = new_state(network, recipe, world.device)
    path = options.out / "state.pt"
    if path.exists():
        load_state(state, recipe, path)
        logger.info("going on from step %d", state.step)
    return state


def _reporter(
    recipe: Recipe, options: argparse.Namespace, state: TrainState, source: BatchSource
) -> Reporter:
    def draw() -> NDArray[np.uint8]:
        network = state.network if state.ema is None else state.ema
        stage = stage_at(recipe.schedule, state.step - 1)
        return answers_sheet(network, source.batch(_PICTURE_STEP, 0, stage))

    return Reporter(
        recipe.schedule.steps,
        options.out / "tensorboard" if options.tensorboard else None,
        draw=draw if recipe.objective in ANSWERS_FLOW else None,
        pictures_every=options.pictures_every,
    )


def _workers(options: argparse.Namespace, world: World) -> int:
    """Return how many threads make batches ahead: some for a GPU, none on a CPU that computes."""
    if options.workers is not None:
        return max(0, int(options.workers))
    return 0 if world.device.type == "cpu" else max(1, min(8, (os.cpu_count() or 2) // 2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done or stopped in time, 1 failed on the input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        recipe = load_recipe(options.config, options.set)
        world = join(options.device)
        options.out.mkdir(parents=True, exist_ok=True)
        state = _start(recipe, options, world)
        source = BatchSource(recipe, world.device)
        trainer = Trainer(
            state,
            recipe,
            source,
            world,
            options.out,
            autocast=options.bf16,
            workers=_workers(options, world),
        )
        reporter = _reporter(recipe, options, state, source) if world.is_main else None
        if world.is_main:
            (options.out / "recipe.json").write_text(recipe.to_json() + "\n", encoding="utf-8")
        try:
            trainer.run(
                minutes=options.minutes,
                save_every=options.save_every,
                report_every=options.report_every,
                on_report=reporter,
            )
        finally:
            if reporter is not None:
                reporter.close()
            leave(world)
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
