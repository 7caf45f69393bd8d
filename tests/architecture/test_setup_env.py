"""setup_env.py in a folder of its own, with a stand-in for pip that says what a test wants."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


class Checkout:
    """A folder with the files that set-up reads, and a `.venv` whose Python only pretends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("setup_env.py", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        self.site = folder / ".venv" / "lib" / "python3.11" / "site-packages"
        self.site.mkdir(parents=True)
        (folder / ".venv" / "bin").mkdir()
        self.pip_says("Successfully installed everything")

    def pip_says(self, output: str, status: int = 0) -> None:
        """Let pip answer every install with ``output`` and ``status``."""
        (self.folder / "pip-output").write_text(output + "\n")
        python = self.folder / ".venv" / "bin" / "python"
        python.write_text(
            "#!/bin/sh\n"
            'case "$*" in *--version*) exit 0;; esac\n'
            f'echo "$*" >> "{self.folder}/pip-calls"\n'
            f'cat "{self.folder}/pip-output"\n'
            f"exit {status}\n"
        )
        python.chmod(0o755)

    def calls(self) -> list[str]:
        """The command lines that pip got since the last look."""
        path = self.folder / "pip-calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run setup_env.py as make does."""
        command = [sys.executable, "setup_env.py", "--min-free-gb", "0", *options]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def setup_env(checkout):
    spec = importlib.util.spec_from_file_location("setup_env", checkout.folder / "setup_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_setup_when_run_twice_then_the_second_calls_no_pip(checkout):
    assert checkout.run().returncode == 0
    packages, itself = checkout.calls()
    assert f"-c {checkout.folder}/constraints.txt" in packages
    assert " torch>=" in packages
    assert " pytest" not in packages
    assert "--no-index -e" in itself

    again = checkout.run()
    assert (again.returncode, again.stdout, checkout.calls()) == (0, "", [])


def test_setup_when_tools_are_wanted_later_then_installs_them_once(checkout):
    checkout.run()
    checkout.calls()
    checkout.run("--dev")
    assert "pytest>=" in checkout.calls()[0]
    checkout.run()
    checkout.run("--dev")
    assert checkout.calls() == []


@pytest.mark.parametrize("file", ["constraints.txt", "pyproject.toml"])
def test_setup_when_a_version_changes_then_installs_again(checkout, file):
    checkout.run()
    checkout.calls()
    path = checkout.folder / file
    path.write_text(path.read_text().replace("safetensors", "safetensors-renamed"))
    checkout.run()
    assert len(checkout.calls()) == 2


def test_setup_when_only_a_tool_setting_changes_then_does_nothing(checkout):
    checkout.run()
    checkout.calls()
    path = checkout.folder / "pyproject.toml"
    path.write_text(path.read_text().replace("line-length = 100", "line-length = 99"))
    checkout.run()
    assert checkout.calls() == []


def test_setup_when_the_checkout_was_moved_then_installs_only_itself_again(tmp_path, checkout):
    checkout.run()
    checkout.calls()
    checkout.folder = checkout.folder.rename(tmp_path / "moved")
    checkout.pip_says("fine")
    assert checkout.run().returncode == 0
    (call,) = checkout.calls()
    assert call.endswith(" ".join(["-e", str(checkout.folder), *call.split()[-4:]]))
    checkout.run()
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        (
            "WARNING: Retrying after NewConnectionError: Temporary failure in name resolution\n"
            "ERROR: No matching distribution found for torch>=2.6",
            "could not reach its package index",
        ),
        ("ERROR: No matching distribution found for torch>=2.6", "finds no torch>=2.6 for Python"),
        ("a\nERROR: it broke\nb", "pip failed: ERROR: it broke"),
        ("  ModuleNotFoundError: No module\n  hint: see above", "failed: ModuleNotFoundError: No"),
    ],
)
def test_setup_when_pip_fails_then_says_why_and_goes_on_next_time(checkout, output, sentence):
    checkout.pip_says(output, status=1)
    failed = checkout.run()
    assert failed.returncode == 1
    assert sentence in failed.stderr
    assert failed.stderr.startswith("Set-up stopped: ")
    assert failed.stderr.count("\n") == 1
    assert output in (checkout.folder / ".venv" / "cmp-studio-setup.log").read_text()
    assert not (checkout.folder / ".venv" / "cmp-studio-setup-tmp").exists()

    checkout.pip_says("fine")
    assert checkout.run().returncode == 0
    assert len(checkout.calls()) == 3


def test_setup_when_interrupted_before_then_drops_half_installed_packages(checkout):
    whole, half = checkout.site / "a-1.dist-info", checkout.site / "b-1.dist-info"
    rest = checkout.site / "~orch"
    for folder in (whole, half, rest):
        folder.mkdir()
        (folder / "METADATA").touch()
    (whole / "RECORD").touch()
    checkout.run()
    assert [folder.exists() for folder in (whole, half, rest)] == [True, False, False]


def test_setup_when_the_stamp_is_damaged_then_installs_again(checkout):
    checkout.run()
    checkout.calls()
    (checkout.folder / ".venv" / "cmp-studio-setup.json").write_text("{")
    assert checkout.run().returncode == 0
    assert len(checkout.calls()) == 2


def test_setup_when_the_disk_is_too_full_then_says_how_much_is_needed(checkout):
    full = checkout.run("--min-free-gb", "1e6")
    assert full.returncode == 1
    assert "the packages need about 1000000 GB" in full.stderr
    assert checkout.calls() == []


def test_setup_when_python_is_too_old_then_says_which_is_needed(setup_env, monkeypatch):
    monkeypatch.setattr(setup_env.sys, "version_info", (3, 9, 2))
    with pytest.raises(
        setup_env.SetupError, match=r"needs Python 3\.11 or newer, and .* is 3\.9\.2"
    ):
        setup_env.check_python()


def test_setup_when_the_venv_module_is_missing_then_names_its_package(setup_env, monkeypatch):
    monkeypatch.setattr(setup_env, "VENV", setup_env.ROOT / "nowhere")
    monkeypatch.setattr(setup_env.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(setup_env.SetupError, match=r"apt-get install python3\.\d+-venv"):
        setup_env.check_python()


def test_progress_when_pip_speaks_then_says_what_it_is_at(setup_env, checkout):
    progress = setup_env.Progress("Installing")
    assert progress.describe() == "starting"
    progress.follow(["Collecting torch==2.15.0 (from -c constraints.txt (line 9))\n"])
    assert progress.describe() == "looking up torch"
    progress.follow(["  Downloading https://example.invalid/a/torch-2.15.0-cp311.whl (9.0 MB)\n"])
    part = setup_env.TEMPORARY / "pip-unpack-x" / "torch-2.15.0-cp311.whl"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(3_000_000))
    assert progress.describe() == "fetching torch, 3 of 9 MB"
    progress.follow(["Installing collected packages: torch, numpy\n"])
    record = checkout.site / "torch-2.15.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.touch()
    assert progress.describe() == "unpacking, 1 of 2"


def test_makefile_when_no_python_will_do_then_says_so(tmp_path, checkout):
    shutil.copy(ROOT / "Makefile", checkout.folder)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh", "echo"):
        (tools / name).symlink_to(shutil.which(name))
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    (tools / "python3").write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo Python 3.8.1 && exit\nexit 1\n"
    )
    (tools / "python3").chmod(0o755)
    done = subprocess.run(
        ["make", "setup"],
        cwd=checkout.folder,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert "needs Python 3.11 or newer, and this computer has Python 3.8.1" in done.stderr


def test_stamp_when_written_then_names_the_checkout(checkout):
    checkout.run()
    stamp = json.loads((checkout.folder / ".venv" / "cmp-studio-setup.json").read_text())
    assert stamp["root"] == str(checkout.folder)
