"""What a run tells: lines, curves and pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from cmp_engine.build import build_network
from train.batches import BatchSource
from train.config import load_recipe
from train.pretrain import main
from train.reporting import (
    LOG_NAME,
    Reporter,
    StepReport,
    answers_sheet,
    append_report,
    forget_reports_after,
)

TINY = Path(__file__).parents[2] / "train" / "configs" / "tiny.toml"


def report(step: int, skipped: int = 0) -> StepReport:
    return StepReport(step, 60.0, 0.1, 64, 12.5, 0.03, skipped, {"loss": 1.5})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_when_not_on_a_terminal_then_a_line_each():
    stream = io.StringIO()
    reporter = Reporter(100, stream=stream)
    reporter(report(20))
    reporter(report(40, skipped=2))
    reporter.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("step 20/100  loss 1.500  64 px  12.5 images/s  waiting 3%")
    assert lines[0].endswith("4 min left")
    assert "2 skipped" in lines[1]


def test_progress_when_on_a_terminal_then_stays_one_line():
    stream = Terminal()
    reporter = Reporter(100, stream=stream)
    reporter(report(20))
    reporter(report(40))
    reporter.close()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") == 2


def test_log_when_a_run_goes_on_from_an_earlier_state_then_later_lines_go(tmp_path):
    forget_reports_after(tmp_path, 0)
    for step in (10, 20, 30):
        append_report(tmp_path, report(step))
    with (tmp_path / LOG_NAME).open("a") as log:
        log.write('{"step": 4')  # killed while writing
    forget_reports_after(tmp_path, 20)
    text = (tmp_path / LOG_NAME).read_text()
    assert [line.split(",")[0] for line in text.splitlines()] == ['{"step": 10', '{"step": 20']


@pytest.fixture(scope="module")
def tiny_batch():
    recipe = load_recipe(TINY)
    return recipe, BatchSource(recipe, torch.device("cpu")).batch(0, 0, recipe.schedule.stages[0])


def test_sheet_when_drawn_then_a_row_an_image_and_the_network_as_before(tiny_batch):
    recipe, batch = tiny_batch
    network = build_network(recipe.model).train()
    picture = answers_sheet(network, batch)
    assert network.training
    assert picture.dtype == np.uint8
    assert picture.shape[0] == 2 * (224 + 18)
    assert picture.shape[1] == 4 * 228
    assert picture.std() > 10
    assert not torch.is_grad_enabled() or next(network.parameters()).requires_grad


def test_run_when_asked_for_tensorboard_then_curves_and_pictures(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    command = ["--config", str(TINY), "--out", str(tmp_path), "--device", "cpu"]
    small = ["--set", "schedule.steps=4", "--set", "schedule.stages=[{until=1.0,size=64,batch=2}]"]
    shown = ["--tensorboard", "--report-every", "2", "--pictures-every", "2", "--workers", "2"]
    assert main([*command, *small, *shown]) == 0
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert {"train/loss", "learning_rate", "speed/waiting_share"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("answers")] == [2, 4]
    assert [event.step for event in events.Scalars("train/loss")] == [2, 4]
