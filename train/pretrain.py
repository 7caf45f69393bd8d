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
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from cmp_engine.build import build_network
from cmp_engine.errors import EngineError
from cmp_engine.weights import load_model
from train.batches import BatchSource
from train.config import Recipe, load_recipe
from train.distributed import World, join, leave
from train.errors import TrainError
from train.image_weights import start_from_image_weights
from train.loop import StepReport, Trainer
from train.train_state import TrainState, copy_matching, load_state, new_state

logger = logging.getLogger(__name__)


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
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard curves")
    return parser


def _start(recipe: Recipe, options: argparse.Namespace, world: World) -> TrainState:
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.model)
    if recipe.schedule.image_weights:
        start_from_image_weights(network.image_encoder, recipe.schedule.image_weights)
    if options.init is not None:
        source = load_model(options.init).network.state_dict()
        count = copy_matching(network, source)
        logger.info("%d of %d tensors start from %s", count, len(source), options.init)
    state = new_state(network, recipe, world.device)
    path = options.out / "state.pt"
    if path.exists():
        load_state(state, recipe, path)
        logger.info("going on from step %d", state.step)
    return state


def _reporter(recipe: Recipe, options: argparse.Namespace) -> _Reporter:
    return _Reporter(recipe, options.out if options.tensorboard else None)


class _Reporter:
    """Prints one line a report, and writes TensorBoard curves on request."""

    def __init__(self, recipe: Recipe, folder: Path | None) -> None:
        self._steps = recipe.schedule.steps
        self._writer = None
        if folder is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"))

    def __call__(self, report: StepReport) -> None:
        parts = "  ".join(f"{key} {value:.3f}" for key, value in report.parts.items())
        left = (self._steps - report.step) * report.seconds / max(report.step, 1) / 60
        sys.stderr.write(
            f"step {report.step}/{self._steps}  {parts}  {report.size} px  "
            f"{report.images_per_second:.1f} images/s  waiting {report.waiting_share:.0%}  "
            f"{left:.0f} min left\n"
        )
        if self._writer is not None:
            for key, value in report.parts.items():
                self._writer.add_scalar(f"train/{key}", value, report.step)
            self._writer.flush()


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
        trainer = Trainer(state, recipe, source, world, options.out, autocast=options.bf16)
        if world.is_main:
            (options.out / "recipe.json").write_text(recipe.to_json() + "\n", encoding="utf-8")
        trainer.run(
            minutes=options.minutes,
            save_every=options.save_every,
            report_every=options.report_every,
            on_report=_reporter(recipe, options),
        )
        leave(world)
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
