import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cmp_engine


@pytest.mark.parametrize("name", cmp_engine.__all__)
def test_engine_when_a_public_name_is_asked_for_then_it_is_there(name):
    assert getattr(cmp_engine, name).__name__ == name
    assert name in dir(cmp_engine)


def test_engine_when_a_name_is_unknown_then_says_so():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cmp_engine.nothing


def test_engine_when_types_are_checked_then_they_see_the_same_names():
    tree = ast.parse(Path(cmp_engine.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module.removeprefix("cmp_engine.")
        for node in block.body
        for alias in node.names
    }
    assert seen == cmp_engine._MODULES
    assert set(cmp_engine.__all__) == set(seen)


def test_engine_when_imported_then_waits_with_pytorch():
    code = (
        "import sys, cmp_engine; from cmp_engine import read_image, write_video, EngineError;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
