"""The training loop, top to bottom: batch, loss, gradients, step, state, log."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cmp_engine.modeling.attention import ArrowAttentionDecoder
from cmp_engine.modeling.cmp import CMP
from train.batches import Batch, BatchSource
from train.config import Recipe, ScheduleSettings, Stage
from train.distributed import World, any_true, sum_gradients, sum_values
from train.errors import DivergedError
from train.losses import (
    affinity_loss,
    attention_loss,
    bin_cross_entropy,
    draw_anchors,
    regression_loss,
)
from train.train_state import TrainState, memory_format, save_state, update_ema

logger = logging.getLogger(__name__)

LOSS_PARTS = ("loss", "moving", "still", "gate", "shape", "affinity")


@dataclass(frozen=True, slots=True)
class StepReport:
    """One line of the log: averages since the last line."""

    step: int
    seconds: float
    learning_rate: float
    size: int
    images_per_second: float
    waiting_share: float
    parts: dict[str, float]

    def to_json(self) -> str:
        """Return the report as one line of JSON."""
        values = {
            "step": self.step,
            "seconds": round(self.seconds, 1),
            "learning_rate": self.learning_rate,
            "size": self.size,
            "images_per_second": round(self.images_per_second, 2),
            "waiting_share": round(self.waiting_share, 4),
        }
        return json.dumps(values | {k: round(v, 5) for k, v in self.parts.items()})


def stage_at(schedule: ScheduleSettings, step: int) -> Stage:
    """Return the stage that step number ``step`` belongs to."""
    for stage in schedule.stages:
        if step < stage.until * schedule.steps:
            return stage
    return schedule.stages[-1]


def learning_rate_at(schedule: ScheduleSettings, step: int) -> float:
    """Return the learning rate of step number ``step``.

    Source: paper sec. 4 "Training Details" for ``paper``: divided by 10 at 2/3.5 and 3/3.5 of I.
    """
    rate = schedule.learning_rate
    if step < schedule.warmup:
        return rate * (step + 1) / schedule.warmup
    done = step / schedule.steps
    if schedule.decay == "paper":
        return rate * (0.1 if done >= 2 / 3.5 else 1.0) * (0.1 if done >= 3 / 3.5 else 1.0)
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def compute_loss(
    network: CMP, batch: Batch, recipe: Recipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the loss under the key ``loss``, and its parts."""
    height, width = batch.image.shape[-2:]
    image = batch.image.contiguous(memory_format=memory_format(batch.image.device))
    decoder = network.flow_decoder
    if isinstance(decoder, ArrowAttentionDecoder):
        prepared = network.prepare(image)
        motion = network.flow_encoder(batch.guidance, height, width)
        flow, gate = decoder.propagate_with_gate(prepared, motion)
        parts = attention_loss(flow.float(), gate.float(), batch.target, recipe.loss)
        affinity = flow.new_zeros(())
        if batch.target.object_ids is not None and recipe.loss.affinity:
            anchors = draw_anchors(batch.target, recipe.loss.anchors, generator)
            logits = decoder.affinity(prepared, anchors).float()
            affinity = affinity_loss(logits, anchors, batch.target)
        return {
            "loss": parts.total + recipe.loss.affinity * affinity,
            "affinity": affinity.detach(),
            "moving": parts.moving.detach(),
            "still": parts.still.detach(),
            "gate": parts.gate.detach(),
            "shape": parts.shape.detach(),
        }
    output = network(image, batch.guidance).float()
    if recipe.model.head == "bins":
        return {"loss": bin_cross_entropy(output, batch.target, network.bins)}
    return {"loss": regression_loss(output, batch.target)}


def train_one_step(
    state: TrainState, batches: list[Batch], recipe: Recipe, world: World, *, autocast: bool
) -> dict[str, Tensor]:
    """Do one step on this process's micro-batches; return the summed parts of the loss.

    Raises:
        DivergedError: The loss or a gradient is not finite; the weights are those before the step.
    """
    schedule = recipe.schedule
    for group in state.optimizer.param_groups:
        group["lr"] = group["rate"] * learning_rate_at(schedule, state.step)
    state.optimizer.zero_grad(set_to_none=True)
    total: dict[str, Tensor] = {}
    for part, batch in enumerate(batches):
        generator = torch.Generator()
        number = state.step * schedule.micro_batches + part * world.size + world.rank
        generator.manual_seed(recipe.seed + number)
        with torch.autocast(world.device.type, dtype=torch.bfloat16, enabled=autocast):
            parts = compute_loss(state.network, batch, recipe, generator)
        (parts["loss"] / schedule.micro_batches).backward()  # type: ignore[no-untyped-call]  # torch
        for key, value in parts.items():
            total[key] = total.get(key, torch.zeros_like(value)) + value.detach()
    parameters = [p for p in state.network.parameters() if p.requires_grad]
    sum_gradients(parameters, world)
    bound = schedule.clip if schedule.clip > 0 else math.inf
    norm = torch.nn.utils.clip_grad_norm_(parameters, bound)
    if not torch.isfinite(norm):
        raise DivergedError(
            f"The gradient is not finite at step {state.step}. Lower schedule.learning_rate and "
            "resume from the last state."
        )
    state.optimizer.step()
    state.step += 1
    update_ema(state, schedule.ema)
    return total


class Trainer:
    """Runs a recipe from a state until its end, or until the time is up.

    Args:
        state: Where to start; changed in place.
        recipe: What to do.
        source: Gives the micro-batches of a step.
        world: This process's place.
        folder: Gets ``state.pt`` and ``log.jsonl``.
        autocast: bfloat16 where the device has it.
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
    ) -> None:
        self._state = state
        self._recipe = recipe
        self._source = source
        self._world = world
        self._folder = folder
        self._autocast = autocast

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
        """
        state, schedule, world = self._state, self._recipe.schedule, self._world
        started, before = time.monotonic(), state.seconds
        window = _Window(world)
        with self._prefetched() as next_batches:
            while state.step < schedule.steps:
                waiting = time.monotonic()
                batches = next_batches()
                window.waited += time.monotonic() - waiting
                parts = train_one_step(state, batches, self._recipe, world, autocast=self._autocast)
                window.add(parts, sum(len(batch.image) for batch in batches))
                state.seconds = before + time.monotonic() - started
                if state.step % report_every == 0 or state.step == schedule.steps:
                    self._report(window, on_report)
                    window = _Window(world)
                if state.step % save_every == 0:
                    self._save()
                late = minutes is not None and time.monotonic() - started > 60 * minutes
                if minutes is not None and any_true(late, world):
                    break
        self._save()
        return state.step >= schedule.steps

    @contextmanager
    def _prefetched(self) -> Iterator[Callable[[], list[Batch]]]:
        """Make the next step's batches in a thread while this step computes."""
        schedule = self._recipe.schedule

        def make(step: int) -> list[Batch]:
            stage = stage_at(schedule, step)
            parts = range(self._world.rank, schedule.micro_batches, self._world.size)
            return [self._source.batch(step, part, stage) for part in parts]

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
            step = self._state.step
            waiting: Future[list[Batch]] = pool.submit(make, step)

            def take() -> list[Batch]:
                nonlocal waiting, step
                batches = waiting.result()
                step += 1
                waiting = pool.submit(make, step)
                return batches

            try:
                yield take
            finally:
                waiting.cancel()

    def _save(self) -> None:
        if self._world.is_main:
            save_state(self._state, self._recipe, self._folder / "state.pt")

    def _report(self, window: _Window, on_report: Callable[[StepReport], None] | None) -> None:
        state, schedule = self._state, self._recipe.schedule
        report = window.report(
            state,
            learning_rate_at(schedule, state.step - 1),
            stage_at(schedule, state.step - 1).size,
            schedule.micro_batches,
        )
        if not self._world.is_main:
            return
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(report.to_json() + "\n")
        if on_report is not None:
            on_report(report)


class _Window:
    """Sums between two reports."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._started = time.monotonic()
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._images = 0
        self.waited = 0.0

    def add(self, parts: dict[str, Tensor], images: int) -> None:
        for key, value in parts.items():
            self._sums[key] = self._sums.get(key, torch.zeros_like(value)) + value
        self._steps += 1
        self._images += images

    def report(
        self, state: TrainState, learning_rate: float, size: int, micro_batches: int
    ) -> StepReport:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        keys = [key for key in LOSS_PARTS if key in self._sums]
        values = torch.stack([self._sums[key].float() for key in keys]).to(self._world.device)
        values = sum_values(values, self._world) / max(1, self._steps * micro_batches)
        return StepReport(
            step=state.step,
            seconds=state.seconds,
            learning_rate=learning_rate,
            size=size,
            images_per_second=self._images * self._world.size / elapsed,
            waiting_share=self.waited / elapsed,
            parts={key: float(value) for key, value in zip(keys, values, strict=True)},
        )
