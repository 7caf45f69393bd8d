"""The runner of ablations: every pretraining and judgement once, and on again after a stop.

A pretended task shows how the runner calls its commands; the last tests run a real one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import statistics
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.eval.transfer.made_up import make_voc, plain_evaluation
from train.eval import tables
from train.eval.ablations import main
from train.eval.transfer.results import read_run

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
        self.checks: list[list[str]] = []
        self.code = 0
        self.is_late = False
        self.scores = {"miou": 0.25, "accuracy": 0.5}

    def main(self, words: list[str]) -> int:
        if "--check" in words:
            self.checks.append(words)
            return self.code
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
    drawn = f"random:{tmp_path / 'out' / 'pretrain' / 'random.0'}"
    assert [call["--encoder"] for call in task.calls] == [run, run, drawn, drawn]
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


def test_ablations_when_the_task_can_not_be_run_then_nothing_is_pretrained(
    task, command, tmp_path, capsys
):
    task.code = 1

    assert main([*command, "--data", "voc"]) == 1

    assert "train.eval.pretend failed with the sentence above" in capsys.readouterr().err
    assert not (tmp_path / "out" / "pretrain" / "bins.0" / "state.pt").exists()
    (words,) = task.checks
    asked = dict(itertools.pairwise(words))
    assert asked["--encoder"] == f"random:{tmp_path / 'out' / 'pretrain' / 'bins.0'}"
    assert asked["--data"] == "voc"


def test_ablations_when_the_recipe_has_changed_before_the_task_then_say_so(
    task, command, tmp_path, capsys
):
    task.is_late = True
    assert main([*command, "--minutes", "1"]) == 0  # pretrained, not judged
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("decoder_channels=8", "decoder_channels=12"), encoding="utf-8")
    task.is_late = False

    assert main(command) == 1

    assert "bins.0/state.pt belongs to a run with another recipe" in capsys.readouterr().err


def test_ablations_when_no_process_is_asked_for_then_one_sentence(task, command, capsys):
    assert main([*command, "--processes", "0"]) == 1
    assert capsys.readouterr().err == "--processes must be 1 or more, got 0.\n"


TINY_RECIPE = [
    "model.image_channels=16",
    "model.decoder_channels=8",
    "data.pairs=",
    "schedule.steps=2",
    "schedule.micro_batches=2",
    "schedule.stages=[{until=1.0,size=64,batch=4}]",
]
TINY_TASK = [
    "encoder.image_encoder=pyramid",
    "crop.size=64",
    "schedule.steps=12",
    "schedule.batch=4",
    "schedule.micro_batches=2",
    "schedule.optimizer=adamw",
    "schedule.learning_rate=0.01",
]
REPORTED = {"cmp": 44.5, "random": 19.8}


def real_plan(names: list[str], seeds: list[int]) -> str:
    """Return a plan of tiny recipes that see puppets alone, judged by VOC 2012."""
    variants = [
        f"""
[[variant]]
name = "{name}"
config = "{(CONFIGS / f"small_{name.replace('random', 'cmp')}.toml").as_posix()}"
set = {json.dumps(TINY_RECIPE)}
random = {str(name == "random").lower()}
"""
        for name in names
    ]
    return f"""
seeds = {seeds}
[task]
module = "train.eval.voc"
config = "{(CONFIGS / "voc_resnet50.toml").as_posix()}"
set = {json.dumps(TINY_TASK)}
{"".join(variants)}
[[table]]
title = "Real ones"
variants = {json.dumps(names)}
paper = {[REPORTED[name] for name in names]}
"""


def iou_of(run: Path, voc: Path) -> float:
    """Return the mean IoU in % of a run, counted plainly."""
    images = sorted((voc / "JPEGImages").iterdir())[4:]
    masks = [voc / "SegmentationClass" / f"{path.stem}.png" for path in images]
    return 100 * float(np.nanmean(plain_evaluation([run], images, masks)))


def test_ablations_when_run_with_a_real_task_then_its_scores_are_plain_counts(tmp_path, capsys):
    voc = make_voc(tmp_path / "data")
    names, seeds = ["cmp", "random"], [0, 1]
    (tmp_path / "plan.toml").write_text(real_plan(names, seeds), encoding="utf-8")
    out = tmp_path / "out"
    command = [str(tmp_path / "plan.toml"), "--out", str(out), "--data", str(voc)]
    command += ["--device", "cpu"]

    assert main([*command, "--minutes", "0"]) == 0
    assert "go on" in capsys.readouterr().out
    assert not (out / "pretrain").exists()
    assert main(command) == 0
    printed = capsys.readouterr().out

    rows = []
    for name in names:
        pretrained = out / "pretrain" / f"{name}.0"
        values = []
        for seed in seeds:
            run = out / "tuning" / f"{name}.voc.{seed}"
            origin = read_run(run).origin
            assert origin.method == name
            assert origin.config.encoder_width == 16  # the variant's network, random or not
            if name != "random":
                state = (pretrained / "state.pt").read_bytes()
                assert origin.sha256 == hashlib.sha256(state).hexdigest()
            values.append(iou_of(run, voc))
            kept = json.loads((out / "scores" / f"{name}.voc.{seed}.json").read_text())
            assert kept["value"] == pytest.approx(values[-1], abs=1e-4)
        mean, spread = statistics.fmean(values), statistics.stdev(values)
        rows.append(f"| {name} | {mean:.1f} ± {spread:.1f} | {REPORTED[name]} |")
    assert "\n".join(rows) in printed
    assert "\n".join(rows) in (out / "report.md").read_text(encoding="utf-8")
    scores = json.loads((out / "results.json").read_text())["scores"]
    assert [(score["variant"], score["seed"]) for score in scores] == [
        (name, seed) for name in names for seed in seeds
    ]
    assert np.asarray(Image.open(out / "plot.png").convert("L")).std() > 5
    assert len({score["value"] for score in scores}) == 4

    files = {path: path.stat().st_mtime_ns for path in out.glob("*/**/*") if path.is_file()}
    assert main(command) == 0
    assert "\n".join(rows) in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in files} == files

    assert tables.main(["--runs", str(out)]) == 0
    listed = capsys.readouterr().out
    assert rows[0] in listed
    assert f"{out / 'tuning' / 'cmp.voc.1'}: commit " in listed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ablations_when_run_by_two_processes_then_their_scores_are_plain_counts(tmp_path, capfd):
    voc = make_voc(tmp_path / "data")
    (tmp_path / "plan.toml").write_text(real_plan(["cmp"], [0]), encoding="utf-8")
    out = tmp_path / "out"
    command = [str(tmp_path / "plan.toml"), "--out", str(out), "--data", str(voc)]
    command += ["--device", "cpu", "--processes", "2", "--no-plot"]

    assert main(command) == 0

    run = out / "tuning" / "cmp.voc.0"
    assert json.loads((run / "scores.json").read_text())["processes"] == 2
    assert f"| cmp | {iou_of(run, voc):.1f} | 44.5 |" in capfd.readouterr().out


def test_ablations_when_the_tasks_data_are_missing_then_said_before_any_pretraining(
    tmp_path, capsys
):
    (tmp_path / "plan.toml").write_text(real_plan(["cmp"], [0]), encoding="utf-8")
    out = tmp_path / "out"
    command = [str(tmp_path / "plan.toml"), "--out", str(out), "--data", str(tmp_path / "none")]

    assert main([*command, "--device", "cpu"]) == 1

    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith(f"The folder {tmp_path / 'none' / 'JPEGImages'} is missing; expected")
    assert not list(out.rglob("*.pt"))
