"""What a run tells people: a progress line, JSON lines, TensorBoard curves and pictures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from cmp_engine.flow_viz import flow_to_color
from cmp_engine.geometry import IMAGE_MEAN, IMAGE_STD
from cmp_engine.modeling.cmp import CMP
from cmp_engine.warp import backward_map, warp_image
from train.batches import Batch
from train.distributed import World, sum_values
from train.eval.sheet import draw_arrows, titled_cell

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LOG_NAME = "log.jsonl"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One line of the log: averages since the last line.

    Attributes:
        step: Steps done.
        seconds: Time spent in training so far, over all calls.
        learning_rate: Of the last step.
        size: Side of the crops, px.
        images_per_second: Over all processes.
        waiting_share: Share of the time that the device had no batch to work on.
        skipped: Steps since the last line whose gradient was not a number.
        parts: Loss and its parts.
    """

    step: int
    seconds: float
    learning_rate: float
    size: int
    images_per_second: float
    waiting_share: float
    skipped: int
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
            "skipped": self.skipped,
        }
        return json.dumps(values | {k: round(v, 5) for k, v in self.parts.items()})


class ReportWindow:
    """Sums between two reports, in this process.

    Attributes:
        waited: Seconds that the device had no batch to work on.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._started = time.monotonic()
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._skipped = 0
        self._images = 0
        self.waited = 0.0

    def add(self, parts: Mapping[str, Tensor], images: int, *, is_skipped: bool) -> None:
        """Take a step: its loss and parts, summed over this process's micro-batches."""
        self._images += images
        self._skipped += is_skipped
        for key, value in parts.items():
            known = torch.zeros_like(value) if is_skipped else value
            self._sums[key] = self._sums.get(key, torch.zeros_like(value)) + known
        self._steps += not is_skipped

    def report(
        self, step: int, seconds: float, *, learning_rate: float, size: int, micro_batches: int
    ) -> StepReport:
        """Return the means over all processes; every one of them must ask.

        Args:
            step: Steps done.
            seconds: Time spent in training so far, over all calls.
            learning_rate: Of the last step.
            size: Side of the crops, px.
            micro_batches: Of a step, in all processes together.
        """
        elapsed = max(time.monotonic() - self._started, 1e-9)
        keys = list(self._sums)
        values = torch.stack([self._sums[key].float() for key in keys]).to(self._world.device)
        values = sum_values(values, self._world) / max(1, self._steps * micro_batches)
        return StepReport(
            step=step,
            seconds=seconds,
            learning_rate=learning_rate,
            size=size,
            images_per_second=self._images * self._world.size / elapsed,
            waiting_share=self.waited / elapsed,
            skipped=self._skipped,
            parts={key: float(value) for key, value in zip(keys, values, strict=True)},
        )


def append_report(folder: Path, report: StepReport) -> None:
    """Add a line to the log of a run."""
    _append(folder, report.to_json())


def append_scores(folder: Path, step: int, scores: Mapping[str, float]) -> None:
    """Add a line to the log of a run: what an evaluation after ``step`` steps found."""
    _append(folder, json.dumps({"step": step, "scores": dict(scores)}))


def _append(folder: Path, line: str) -> None:
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def forget_reports_after(folder: Path, step: int) -> None:
    """Drop lines of the log behind ``step``: of steps that an interrupted run did not save."""
    path = folder / LOG_NAME
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if _step_of(line) <= step]
    if len(kept) < len(lines):
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _step_of(line: str) -> float:
    """Return the step of a line; one that was cut off counts as behind all others."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


class Reporter:
    """Prints the progress line, and writes TensorBoard curves and pictures on request.

    Args:
        steps: Of the whole run.
        tensorboard: Folder for TensorBoard's files, or None for none.
        draw: Makes the picture, (H, W, 3) uint8 RGB; asked for now and then.
        pictures_every: Steps from one picture to the next.
        stream: Gets the progress line; it stays one line on a terminal.
    """

    def __init__(
        self,
        steps: int,
        tensorboard: Path | None = None,
        *,
        draw: Callable[[], NDArray[np.uint8]] | None = None,
        pictures_every: int = 500,
        stream: TextIO = sys.stderr,
    ) -> None:
        self._steps = steps
        self._draw = draw
        self._pictures_every = pictures_every
        self._last_picture: int | None = None
        self._stream = stream
        self._writer: SummaryWriter | None = None
        if tensorboard is not None:
            from torch.utils.tensorboard import SummaryWriter as Writer

            self._writer = Writer(str(tensorboard))

    def __call__(self, report: StepReport) -> None:
        """Tell about some steps."""
        line = progress_line(report, self._steps)
        is_terminal = self._stream.isatty()
        self._stream.write(f"\r\x1b[K{line}" if is_terminal else f"{line}\n")
        self._stream.flush()
        if self._writer is not None:
            self._write(self._writer, report)

    def add_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Tell what an evaluation after ``step`` steps found; scores of parts in curves alone."""
        shown = {key: value for key, value in scores.items() if "/" not in key}
        line = "  ".join(f"{key} {value:.4g}" for key, value in shown.items())
        start = "\n" if self._stream.isatty() else ""
        self._stream.write(f"{start}after step {step}: {line}\n")
        self._stream.flush()
        if self._writer is not None:
            for key, value in scores.items():
                self._writer.add_scalar(f"scores/{key}", value, step)
            self._writer.flush()

    def close(self) -> None:
        """End the progress line, and TensorBoard's files."""
        if self._stream.isatty():
            self._stream.write("\n")
        if self._writer is not None:
            self._writer.close()

    def _write(self, writer: SummaryWriter, report: StepReport) -> None:
        curves: dict[str, float] = {f"train/{key}": value for key, value in report.parts.items()}
        curves |= {
            "learning_rate": report.learning_rate,
            "speed/images_per_second": report.images_per_second,
            "speed/waiting_share": report.waiting_share,
            "speed/skipped_steps": report.skipped,
        }
        for name, value in curves.items():
            writer.add_scalar(name, value, report.step)
        is_due = (
            self._last_picture is None or report.step >= self._last_picture + self._pictures_every
        )
        if self._draw is not None and is_due:
            self._last_picture = report.step
            picture: Any = self._draw()
            writer.add_image("answers", picture, report.step, dataformats="HWC")
        writer.flush()


def progress_line(report: StepReport, steps: int) -> str:
    """Return the report as one line for people."""
    parts = "  ".join(f"{key} {value:.3f}" for key, value in report.parts.items())
    left = (steps - report.step) * report.seconds / max(report.step, 1) / 60
    skipped = f"  {report.skipped} skipped" if report.skipped else ""
    return (
        f"step {report.step}/{steps}  {parts}  {report.size} px  "
        f"{report.images_per_second:.1f} images/s  waiting {report.waiting_share:.0%}{skipped}  "
        f"{left:.0f} min left"
    )


@torch.no_grad()
def answers_sheet(network: CMP, batch: Batch, *, rows: int = 4) -> NDArray[np.uint8]:
    """Return pictures (h, w, 3) uint8 RGB of what a network answers now.

    A row for each image: photo and arrows, true flow, the network's, and the photo warped by it.

    Args:
        network: In any mode; it has the same one afterwards.
        batch: What to answer.
        rows: Most images, half of them from the batch's start and half from its end.
    """
    was_training = network.training
    network.eval()
    try:
        output = network(batch.image, batch.guidance).float()
        flow = interpolate(network.to_flow(output), size=batch.image.shape[-2:], mode="bilinear")
    finally:
        network.train(was_training)
    count = len(batch.image)
    chosen = sorted({*range(min(rows // 2, count)), *range(max(0, count - rows // 2), count)})
    made = [_row(batch, flow[index].permute(1, 2, 0).cpu().numpy(), index) for index in chosen]
    return np.concatenate(made)


def _row(batch: Batch, answer: NDArray[np.float32], index: int) -> NDArray[np.uint8]:
    mean, std = (np.array(values, np.float32) for values in (IMAGE_MEAN, IMAGE_STD))
    pixels = batch.image[index].permute(1, 2, 0).float().cpu().numpy() * std + mean
    image = np.ascontiguousarray(pixels.round().clip(0, 255).astype(np.uint8))
    truth = np.ascontiguousarray(batch.target.flow[index].permute(1, 2, 0).cpu().numpy())
    counted = batch.target.counted[index].cpu().numpy()
    valid = batch.guidance.valid[index].cpu()
    points = batch.guidance.points[index].cpu()[valid].numpy()
    vectors = batch.guidance.vectors[index].cpu()[valid].numpy()
    longest = max(float(np.hypot(truth[..., 0], truth[..., 1]).max()), 1.0)
    colors = flow_to_color(truth, max_flow=longest)
    colors[~counted] = 128
    answer = np.ascontiguousarray(answer)
    cells = [
        ("arrows and pins", draw_arrows(image, (points, vectors))),
        (f"truth, {longest:.0f} px", colors),
        ("answer", flow_to_color(answer, max_flow=longest)),
        ("warped", warp_image(image, backward_map(answer))),
    ]
    return np.concatenate([titled_cell(title, picture) for title, picture in cells], axis=1)
