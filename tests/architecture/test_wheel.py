"""The wheel holds what the program needs, and works from where pip would put it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The project's wheel, built without network and without an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The wheel, unpacked as an installation would."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, code: str) -> str:
    """What ``code`` prints in a fresh interpreter that knows the packages of the wheel alone."""
    whole = f"import sys; sys.path.insert(0, {str(installed)!r}); sys.path_importer_cache.clear()\n"
    done = subprocess.run(
        [sys.executable, "-c", whole + code],
        cwd=installed.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def names(wheel: Path) -> set[str]:
    """Every file in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("assets/weights", "cmp_engine/assets/weights"),
        ("assets/samples", "cmp_studio/assets/samples"),
        ("assets/icons", "cmp_studio/assets/icons"),
        ("assets/translations", "cmp_studio/assets/translations"),
    ],
)
def test_wheel_when_built_then_holds_every_asset(wheel, folder, inside):
    paths = [p for p in (ROOT / folder).rglob("*.*") if p.suffix not in (".py", ".pyc")]
    files = [path.relative_to(ROOT / folder).as_posix() for path in paths]
    assert files
    assert sorted({f"{inside}/{file}" for file in files} - names(wheel)) == []


def test_wheel_when_built_then_leaves_training_tests_and_drawing_out(wheel):
    assert not [name for name in names(wheel) if "/assets/" in name and name.endswith(".py")]
    top = {name.split("/")[0] for name in names(wheel)}
    assert {name for name in top if not name.endswith(".dist-info")} == {"cmp_engine", "cmp_studio"}


def test_wheel_when_built_then_stays_light(wheel):
    assert wheel.stat().st_size < 60e6


def test_wheel_when_installed_then_loads_its_weights_and_predicts(installed):
    code = """
import cmp_engine, numpy as np
from cmp_engine import MotionPredictor, load_model
model = load_model("default")
predictor = MotionPredictor(model, device="cpu")
predictor.set_image(np.full((96, 128, 3), 128, np.uint8))
print(cmp_engine.__file__, model.info.path, *predictor.predict([(60, 40)], [(8, 0)]).shape)
"""
    where, weights, *shape = run(installed, code).split()
    assert where.startswith(str(installed))
    assert weights.startswith(str(installed))
    assert shape == ["96", "128", "2"]


def test_wheel_when_installed_then_finds_its_samples(installed):
    code = """
from cmp_studio.services.samples import list_samples
for sample in list_samples(): print(sample.path)
"""
    paths = run(installed, code).splitlines()
    assert len(paths) >= 2
    assert all(path.startswith(str(installed)) for path in paths)


def test_wheel_when_installed_then_the_command_explains_itself(installed):
    code = """
import runpy, sys
sys.argv = ["cmp-studio", "--help"]
runpy.run_module("cmp_studio", run_name="__main__")
"""
    text = run(installed, code)
    for command in ("render", "animate", "flow", "weights", "doctor"):
        assert command in text
