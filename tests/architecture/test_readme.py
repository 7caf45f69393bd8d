"""What README.md says is so: its commands are understood, its example runs, its files exist."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("#")[0].strip()
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith(("cmp-studio ", "make "))
]
MAX_PICTURE_BYTES = 3_000_000


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("cmp-studio ")])
def test_readme_when_it_names_a_command_then_the_command_understands_it(line):
    parse = importlib.import_module("cmp_studio.cli.main")._parse
    words = shlex.split(line.replace("--arrow …", "--arrow 1,2,3,4"))
    assert parse(words[1:]).command == words[1]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("make ")])
def test_readme_when_it_names_a_make_target_then_it_exists(line):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(line.split()[1])}:", makefile, flags=re.MULTILINE)


def test_readme_when_its_first_picture_is_shown_then_it_is_light_enough():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    sizes = {name: (ROOT / name).stat().st_size for name in pictures}
    assert {name: n for name, n in sizes.items() if n > MAX_PICTURE_BYTES} == {}


@pytest.mark.parametrize("document", ["README.md", "GLOSSARY.md", "CHANGELOG.md"])
def test_document_when_it_links_to_a_file_then_the_file_exists(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)\)", text)
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_readme_when_its_example_runs_then_the_picture_moves(tmp_path, monkeypatch):
    (example,) = [block for language, block in BLOCKS if language == "python"]
    from cmp_engine.image_io import write_image

    y, x = np.mgrid[0:300, 0:400]
    disc = (np.hypot(x - 320, y - 200) < 40)[..., None]
    photo = np.where(disc, (220, 60, 40), (90, 110, 120)).astype(np.uint8)
    write_image(tmp_path / "photo.jpg", photo)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["flow"].shape == (300, 400, 2)
    assert names["flow"][200, 320, 0] > 1
    assert names["frame"].shape == (300, 400, 3)
    assert not np.array_equal(names["frame"], names["image"])
