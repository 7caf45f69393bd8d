"""The training loop, top to bottom: batch, loss, gradients, step, state, log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from train.batches import Batch, BatchSource
from train.config import Recipe, ScheduleSettings, Stage
from train.distributed import World, any_true
from train.errors import DivergedError, TrainConfigError
from train.prefetch import prefetched
from train.reporting import ReportWindow, StepReport, append_report, forget_reports_after
from train.step import learning_rate_at, train_one_step
from train.train_state import TrainState, save_state

MOST_SKIPPED: Final = 10
"""So many steps in a row without a finite gradient end the run."""


def stage_at(schedule: ScheduleSettings, step: int) -> Stage:
    """Return the stage that step number ``step`` belongs to."""
    for stage in schedule.stages:
        if step < stage.until * schedule.steps:
            return stage
    return schedule.stages[-1]


class Trainer:
    """Runs a recipe from a state until its end, or until the time is up.

    Args:
        state: Where to start; changed in place.
        recipe: What to do.
        source: Gives the micro-batches of a step.
        world: This process's place.
        folder: Gets ``state.pt`` and ``log.jsonl``.
        autocast: bfloat16 where the device has it.
        workers: Threads that make batches ahead, each one step's; 0 makes none ahead.

    Raises:
        TrainConfigError: The number of processes does not divide that of the micro-batches.
    """

    def __init__(
        self,
        state: TrainState,
        recipe: Recipe,
        source: BatchSource,
        world: World,
        folder: Path,
        *,
        autocast: bool = False,
        workers: int = 1,
    ) -> None:
        if recipe.schedule.micro_batches % world.size:
            raise TrainConfigError(
                f"schedule.micro_batches ({recipe.schedule.micro_batches}) must be divisible by "
                f"the number of processes ({world.size})."
            )
        self._state = state
        self._recipe = recipe
        self._source = source
        self._world = world
        self._folder = folder
        self._autocast = autocast
        self._workers = workers

    def run(
        self,
        *,
        minutes: float | None = None,
        save_every: int = 500,
        report_every: int = 50,
        on_report: Callable[[StepReport], None] | None = None,
    ) -> bool:
        """Train; return whether the recipe's end was reached.

        The state is saved every ``save_every`` steps, at the end, and when the time is up. After
        an error the last saved state stands.

        Raises:
            DivergedError: The gradient was not finite for many steps in a row.
        """
        state, schedule, world = self._state, self._recipe.schedule, self._world
        started, before = time.monotonic(), state.seconds
        if world.is_main:
            forget_reports_after(self._folder, state.step)
        window, skipped = ReportWindow(world), 0
        steps = range(state.step, schedule.steps)
        with prefetched(self._batches, steps, workers=self._workers) as next_batches:
            while state.step < schedule.steps:
                waiting = time.monotonic()
                batches = next_batches()
                window.waited += time.monotonic() - waiting
                done = train_one_step(state, batches, self._recipe, world, autocast=self._autocast)
                images = sum(len(batch.image) for batch in batches)
                window.add(done.parts, images, is_skipped=done.is_skipped)
                skipped = skipped + 1 if done.is_skipped else 0
                if skipped == MOST_SKIPPED:
                    raise DivergedError(
                        f"The gradient was not finite for {skipped} steps up to step {state.step}. "
                        "Start anew with a lower schedule.learning_rate; --init takes over the "
                        "weights of a released run."
                    )
                state.seconds = before + time.monotonic() - started
                if state.step % report_every == 0 or state.step == schedule.steps:
                    self._report(window, on_report)
                    window = ReportWindow(world)
                if state.step % save_every == 0:
                    self._save()
                late = minutes is not None and time.monotonic() - started > 60 * minutes
                if minutes is not None and any_true(late, world):
                    break
        self._save()
        return state.step >= schedule.steps

    def _batches(self, step: int) -> list[Batch]:
        schedule = self._recipe.schedule
        stage = stage_at(schedule, step)
        parts = range(self._world.rank, schedule.micro_batches, self._world.size)
        return [self._source.batch(step, part, stage) for part in parts]

    def _save(self) -> None:
        if self._world.is_main:
            save_state(self._state, self._recipe, self._folder / "state.pt")

    def _report(self, window: ReportWindow, on_report: Callable[[StepReport], None] | None) -> None:
        state, schedule = self._state, self._recipe.schedule
        report = window.report(
            state.step,
            state.seconds,
            learning_rate=learning_rate_at(schedule, state.step - 1),
            size=stage_at(schedule, state.step - 1).size,
            micro_batches=schedule.micro_batches,
        )
        if not self._world.is_main:
            return
        append_report(self._folder, report)
        if on_report is not None:
            on_report(report)
