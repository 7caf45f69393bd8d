"""Every command of train/README.md: its parser takes it, its files exist, its processes divide."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from train.config import load_recipe, read_tables
from train.eval.plan import read_plan
from train.eval.transfer.recipe import load_transfer_recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "train" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if " -m train." in line
]
MODULES = sorted({re.search(r" -m (train\.[\w.]+)", line).group(1) for line in COMMANDS})


class Parsed(Exception):
    """The command line was understood."""


@pytest.fixture
def parse(monkeypatch):
    """Return a function that gives what a command line of a module means, without running it."""

    def stop(parser, arguments=None, _namespace=None):
        raise Parsed(known(parser, arguments))

    known = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)

    def parsed(module: str, words: list[str]) -> argparse.Namespace:
        with pytest.raises(Parsed) as info:
            importlib.import_module(module).main(words)
        return info.value.args[0]

    return parsed


def split(line: str) -> tuple[str, list[str], int]:
    """Return a command's module, its words, and by how many processes it is run."""
    words = shlex.split(line)
    place = words.index("-m")
    count = "1"
    if "--nproc-per-node" in words[:place]:
        count = words[words.index("--nproc-per-node") + 1]
    return words[place + 1], words[place + 2 :], int(count)


def micro_batches(path: Path) -> int:
    """Return that number of a recipe of pretraining or of a downstream task."""
    load = load_transfer_recipe if "encoder" in read_tables(path) else load_recipe
    return load(path).schedule.micro_batches


@pytest.mark.parametrize("line", COMMANDS)
def test_readme_when_it_names_a_command_then_the_command_can_be_given(line, parse):
    module, words, count = split(line)
    options = parse(module, words)
    for path in re.findall(r"train/configs/\S+\.toml", line):
        assert (ROOT / path).is_file()
    if getattr(options, "config", None) is not None:
        assert micro_batches(ROOT / options.config) % count == 0


def test_readme_when_it_runs_a_plan_then_its_processes_divide_every_recipe(parse):
    lines = [split(line) for line in COMMANDS]
    plans = [parse(module, words) for module, words, _ in lines if module.endswith("ablations")]
    for options in plans:
        tables = read_tables(ROOT / options.plan)
        plan = read_plan(tables, ROOT / options.plan)
        task = load_transfer_recipe((ROOT / options.plan).parent / tables["task"]["config"])
        schedules = [task.schedule, *(variant.recipe().schedule for variant in plan.variants)]
        assert {schedule.micro_batches % options.processes for schedule in schedules} == {0}
    assert len(plans) == 1


@pytest.mark.parametrize("module", MODULES)
def test_command_when_asked_for_help_then_it_is_printed(module, capsys):
    with pytest.raises(SystemExit) as info:
        importlib.import_module(module).main(["--help"])
    assert info.value.code == 0
    assert f"python -m {module}" in capsys.readouterr().out
