"""Fine-tunes a task's network: resumes exactly, the same for any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import torch
from torch import Tensor, nn

from train.distributed import World, any_true
from train.errors import DivergedError, TrainConfigError
from train.eval.transfer.recipe import ScheduleSettings, TransferRecipe
from train.prefetch import prefetched
from train.release import current_commit
from train.reporting import (
    ReportWindow,
    StepReport,
    append_report,
    append_scores,
    forget_reports_after,
)
from train.step import StepResult, descend
from train.train_state import read_state, write_state

STATE_NAME: Final = "state.pt"
MOST_SKIPPED: Final = 10
"""So many steps in a row without a finite gradient end the run."""


class Sized(Protocol):
    """A batch that knows how many pictures it has."""

    def __len__(self) -> int:
        """Return the number of pictures."""


BatchT = TypeVar("BatchT", bound=Sized)


class TransferTask(Protocol[BatchT]):
    """What a downstream task is to the loop.

    Attributes:
        network: In training mode, on its device.
        encoder_prefix: How the names of the encoder's weights in ``network`` begin.
    """

    network: nn.Module
    encoder_prefix: str

    @property
    def size(self) -> int:
        """Side of the pictures, px, for the log."""

    def batch(self, step: int, part: int) -> BatchT:
        """Return a micro-batch, which depends on these numbers alone; called in threads."""

    def loss(self, batch: BatchT) -> dict[str, Tensor]:
        """Return the loss under ``loss``, and its parts."""

    def evaluate(self, world: World) -> dict[str, float]:
        """Return the scores, the same in every process; the network stays in training mode."""


@dataclass(slots=True)
class TransferState:
    """Where a run is.

    Attributes:
        step: Steps done; the random numbers of a step follow from its number and the seed.
        seconds: Time spent so far, over all calls.
        commits: Of the code that ran, in order.
    """

    step: int = 0
    seconds: float = 0.0
    commits: list[str] = field(default_factory=list)


def build_optimizer(
    network: nn.Module, encoder_prefix: str, schedule: ScheduleSettings
) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; a group's factor of the learning rate is its ``rate``."""
    groups: list[dict[str, Any]] = []
    for is_encoder, rate in ((True, 1.0), (False, schedule.head_rate)):
        parameters = [
            parameter
            for name, parameter in network.named_parameters()
            if parameter.requires_grad and name.startswith(encoder_prefix) == is_encoder
        ]
        if parameters:
            groups.append({"params": parameters, "rate": rate})
    rate, decay = schedule.learning_rate, schedule.weight_decay
    if schedule.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)
    return torch.optim.SGD(groups, lr=rate, momentum=schedule.momentum, weight_decay=decay)


class FineTuner:
    """Runs a task from a folder's state, or from the start, until the recipe's end.

    Args:
        task: What to learn and how to judge it.
        recipe: Schedule and seed.
        world: This process's place.
        folder: Gets ``state.pt`` and ``log.jsonl``; a state that is there is gone on from.
        encoder_sha256: Checksum of the encoder's weights, which must not change meanwhile.
        autocast: bfloat16 where the device has it.
        workers: Threads that make batches ahead, each one step's.

    Raises:
        TrainConfigError: The folder's state is of another recipe or of other weights.
    """

    def __init__(
        self,
        task: TransferTask[Any],
        recipe: TransferRecipe,
        world: World,
        folder: Path,
        *,
        encoder_sha256: str = "",
        autocast: bool = False,
        workers: int = 1,
    ) -> None:
        self.state = TransferState()
        self._task = task
        self._recipe = recipe
        self._world = world
        self._folder = folder
        self._sha256 = encoder_sha256
        self._autocast = autocast
        self._workers = workers
        if recipe.schedule.micro_batches % world.size:
            raise TrainConfigError(
                f"schedule.micro_batches ({recipe.schedule.micro_batches}) must be divisible by "
                f"the number of processes ({world.size})."
            )
        task.network.train()
        self._optimizer = build_optimizer(task.network, task.encoder_prefix, recipe.schedule)
        if (folder / STATE_NAME).exists():
            self._load()

    @property
    def schedule(self) -> ScheduleSettings:
        """The recipe's schedule."""
        return self._recipe.schedule

    def run(
        self,
        *,
        minutes: float | None = None,
        save_every: int = 500,
        report_every: int = 50,
        evaluate_every: int = 0,
        on_report: Callable[[StepReport], None] | None = None,
        on_scores: Callable[[int, Mapping[str, float]], None] | None = None,
    ) -> dict[str, float] | None:
        """Train and judge; return the scores at the recipe's end, or None if time was up before.

        Args:
            minutes: Stop cleanly after this long.
            save_every: Steps from one saved state to the next.
            report_every: Steps from one line of the log to the next.
            evaluate_every: Steps from one evaluation to the next; 0 for the end alone.
            on_report: Called in the main process with each line.
            on_scores: Called in the main process with the step and its scores.

        Raises:
            DivergedError: The gradient was not finite for many steps in a row.
        """
        state, schedule, world = self.state, self._recipe.schedule, self._world
        started, before = time.monotonic(), state.seconds
        self._note_commit()
        if world.is_main:
            forget_reports_after(self._folder, state.step)
        window, skipped = ReportWindow(world), 0
        steps = range(state.step, schedule.steps)
        with prefetched(self._batches, steps, workers=self._workers) as next_batches:
            while state.step < schedule.steps:
                waiting = time.monotonic()
                batches = next_batches()
                window.waited += time.monotonic() - waiting
                done = self._step(batches)
                images = sum(len(batch) for batch in batches)
                window.add(done.parts, images, is_skipped=done.is_skipped)
                skipped = skipped + 1 if done.is_skipped else 0
                if skipped == MOST_SKIPPED:
                    raise DivergedError(
                        f"The gradient was not finite for {skipped} steps up to step {state.step}. "
                        "Start anew with a lower schedule.learning_rate."
                    )
                state.seconds = before + time.monotonic() - started
                is_last = state.step == schedule.steps
                if state.step % report_every == 0 or is_last:
                    self._report(window, on_report)
                    window = ReportWindow(world)
                if evaluate_every and state.step % evaluate_every == 0 and not is_last:
                    self._evaluate(on_scores)
                if state.step % save_every == 0:
                    self._save()
                late = minutes is not None and time.monotonic() - started > 60 * minutes
                if minutes is not None and any_true(late, world):
                    break
        self._save()
        return self._evaluate(on_scores) if state.step >= schedule.steps else None

    def _batches(self, step: int) -> list[Any]:
        parts = range(self._world.rank, self._recipe.schedule.micro_batches, self._world.size)
        return [self._task.batch(step, part) for part in parts]

    def _step(self, batches: list[Any]) -> StepResult:
        schedule, world, step = self._recipe.schedule, self._world, self.state.step
        for group in self._optimizer.param_groups:
            group["lr"] = group["rate"] * schedule.rate_at(step)

        def losses() -> Iterator[dict[str, Tensor]]:
            for part, batch in enumerate(batches):
                number = step * schedule.micro_batches + part * world.size + world.rank
                # Dropout and the sampling of Mask R-CNN draw from PyTorch's own generator.
                torch.manual_seed(hash((self._recipe.seed, 3, number)) % 2**63)
                with torch.autocast(
                    world.device.type, dtype=torch.bfloat16, enabled=self._autocast
                ):
                    parts = self._task.loss(batch)
                yield parts

        done = descend(
            self._task.network,
            self._optimizer,
            losses(),
            world,
            micro_batches=schedule.micro_batches,
            clip=schedule.clip,
        )
        self.state.step += 1
        return done

    def _note_commit(self) -> None:
        commit = current_commit()
        if commit not in self.state.commits[-1:]:
            self.state.commits.append(commit)

    def _report(self, window: ReportWindow, on_report: Callable[[StepReport], None] | None) -> None:
        state, schedule = self.state, self._recipe.schedule
        report = window.report(
            state.step,
            state.seconds,
            learning_rate=schedule.rate_at(state.step - 1),
            size=self._task.size,
            micro_batches=schedule.micro_batches,
        )
        if self._world.is_main:
            append_report(self._folder, report)
            if on_report is not None:
                on_report(report)

    def _evaluate(
        self, on_scores: Callable[[int, Mapping[str, float]], None] | None
    ) -> dict[str, float]:
        scores = self._task.evaluate(self._world)
        if self._world.is_main:
            append_scores(self._folder, self.state.step, scores)
            if on_scores is not None:
                on_scores(self.state.step, scores)
        return scores

    def _save(self) -> None:
        if not self._world.is_main:
            return
        content = {
            "recipe": self._recipe.identity(),
            "encoder_sha256": self._sha256,
            "step": self.state.step,
            "seconds": self.state.seconds,
            "commits": self.state.commits,
            "network": self._task.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        write_state(content, self._folder / STATE_NAME)

    def _load(self) -> None:
        path = self._folder / STATE_NAME
        content = read_state(path, self._recipe.identity())
        if content["encoder_sha256"] != self._sha256:
            raise TrainConfigError(
                f"{path} belongs to a run from other weights than those that encoder.weights names "
                "now; choose another --out."
            )
        self._task.network.load_state_dict(content["network"])
        self._optimizer.load_state_dict(content["optimizer"])
        self.state.step, self.state.seconds = int(content["step"]), float(content["seconds"])
        self.state.commits = [str(commit) for commit in content["commits"]]
