"""The runner of ablations: every pretraining and judgement once, and on again after a stop."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from train.eval.ablations import main

CONFIGS = Path(__file__).parents[3] / "train" / "configs"
PLAN = f"""
seeds = [0, 1]
[task]
module = "train.eval.pretend"
config = "task.toml"
score = "miou"
set = ["schedule.steps=5"]
[[variant]]
name = "bins"
config = "{(CONFIGS / "small_cmp.toml").as_posix()}"
set = ["model.encoder_width=16", "model.image_channels=16", "model.decoder_channels=8",
       "schedule.steps=2", "schedule.stages=[{{until=1.0,size=64,batch=2}}]", "data.pairs="]
[[variant]]
name = "random"
config = "{(CONFIGS / "small_cmp.toml").as_posix()}"
random = true
[[table]]
title = "Bins"
variants = ["bins", "random"]
paper = [44.5, 19.8]
"""


class PretendTask:
    """Stands for a downstream task's command: notes how it is called, and leaves scores."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self.code = 0
        self.is_late = False
        self.scores = {"miou": 0.25, "accuracy": 0.5}

    def main(self, words: list[str]) -> int:
        pairs = zip(words[::2], words[1::2], strict=True)
        self.calls.append({key: value for key, value in pairs if key != "--set"})
        sets = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        self.calls[-1]["set"] = ", ".join(sets)
        if self.code == 0 and not self.is_late:
            out = Path(self.calls[-1]["--out"])
            out.mkdir(parents=True, exist_ok=True)
            values = {"scores": self.scores, "hours": 0.5, "commit": "abc"}
            (out / "scores.json").write_text(json.dumps(values), encoding="utf-8")
        return self.code


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> PretendTask:
    pretend = PretendTask()
    module = ModuleType("train.eval.pretend")
    module.main = pretend.main  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "train.eval.pretend", module)
    return pretend


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "task.toml").write_text("[schedule]\nsteps = 9\n", encoding="utf-8")
    return [str(tmp_path / "plan.toml"), "--out", str(tmp_path / "out"), "--device", "cpu"]


def test_ablations_when_run_to_the_end_then_judge_every_variant_and_seed_once(
    task, command, tmp_path, capsys
):
    command = [*command, "--no-plot"]
    assert main([*command, "--data", "voc"]) == 0
    first = len(task.calls)
    assert main(command) == 0

    assert first == len(task.calls) == 4
    run = str(tmp_path / "out" / "pretrain" / "bins.0")
    assert [call["--encoder"] for call in task.calls] == [run, run, "random", "random"]
    assert [call["set"] for call in task.calls][:2] == [
        "schedule.steps=5, seed=0",
        "schedule.steps=5, seed=1",
    ]
    assert task.calls[0]["--data"] == "voc"
    state = torch.load(Path(run) / "state.pt", weights_only=True)
    assert state["step"] == 2
    assert "| bins | 25.0 ± 0.0 | 44.5 |" in capsys.readouterr().out


def test_ablations_when_stopped_then_go_on_to_the_same_end(task, command, tmp_path, capsys):
    command = [*command, "--no-plot"]
    stop = [*command, "--minutes"]
    assert main([*stop, "0"]) == 0
    assert task.calls == []
    assert "go on" in capsys.readouterr().out

    task.is_late = True
    assert main([*stop, "1"]) == 0
    assert len(task.calls) == 1
    before = (tmp_path / "out" / "pretrain" / "bins.0" / "state.pt").stat().st_mtime_ns

    task.is_late = False
    assert main(command) == 0
    assert len(task.calls) == 5
    assert (tmp_path / "out" / "pretrain" / "bins.0" / "state.pt").stat().st_mtime_ns == before


def test_ablations_when_the_recipe_has_changed_then_say_so(task, command, tmp_path, capsys):
    assert main([*command, "--no-plot"]) == 0
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("schedule.steps=5", "schedule.steps=6"), encoding="utf-8")

    assert main([*command, "--no-plot"]) == 1

    assert "other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("train.eval.pretend", "train.eval.none"), "no command train.eval.none"),
        (('score = "miou"', 'score = "mask_ap"'), "scores are miou, accuracy"),
        (("[task]", "[tasks]"), "names no task"),
        (('"task.toml"', '"none.toml"'), "none.toml"),
    ],
)
def test_mistakes_are_named(task, command, tmp_path, capsys, change, message):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace(*change), encoding="utf-8")

    assert main(command) == 1

    assert message in capsys.readouterr().err


def test_ablations_when_a_command_fails_then_stop_with_its_sentence(task, command, capsys):
    task.code = 1

    assert main(command) == 1

    assert "failed with the sentence above" in capsys.readouterr().err
