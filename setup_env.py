"""Create ``.venv`` and install what CMP Studio needs, pinned by ``constraints.txt``.

``make`` runs this before every target; on Windows without make: ``py setup_env.py``. It needs
nothing but Python's standard library. A second run finds its own stamp and ends at once; an
interrupted one goes on where it stopped; a checkout that was moved is mended without a new
download. From where pip installs is pip's own configuration.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "cmp-studio-setup.json"
LOG = VENV / "cmp-studio-setup.log"
TEMPORARY = VENV / "cmp-studio-setup-tmp"
OLDEST_PYTHON = (3, 11)
GROUPS = {"run": (), "dev": ("dev",)}
GB = 1e9

# What a failed pip says, and what it means to a person.
NO_SPACE = re.compile(
    r"No space left on device|Errno 28|Errno 122|Disk quota exceeded|WinError 112"
)
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|getaddrinfo failed|ConnectTimeout"
    r"|Network is unreachable|Connection refused|Connection reset|ReadTimeout|Read timed out"
    r"|ProxyError|IncompleteRead|Connection broken"
)
NO_FILE = re.compile(r"No matching distribution found for (\S+)")


class SetupError(Exception):
    """Something that the person at the keyboard has to mend; the message is one sentence."""


def main() -> int:
    """Set the environment up; return the exit status."""
    parser = argparse.ArgumentParser(description="Create .venv and install CMP Studio into it.")
    parser.add_argument(
        "--dev", action="store_true", help="also what `make test`, `make lint` and training need"
    )
    parser.add_argument(
        "--min-free-gb", type=float, help="ask for this much free disk space instead of the usual"
    )
    arguments = parser.parse_args()
    level = "dev" if arguments.dev else "run"
    try:
        set_up(level, arguments.min_free_gb)
    except SetupError as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno in (28, 122):
            print(f"Set-up stopped: {no_space_sentence()}", file=sys.stderr)
        else:
            print(f"Set-up stopped: {error}.", file=sys.stderr)
        return 1
    return 0


def set_up(level: str, min_free_gb: float | None = None) -> None:
    """Bring ``.venv`` to what pyproject.toml and constraints.txt ask for.

    Args:
        level: "run" for the program alone, "dev" for the tools, tests and training as well.
        min_free_gb: Free disk space to ask for, in GB; None estimates it.

    Raises:
        SetupError: With one sentence on what to do.
    """
    check_python()
    wanted = fingerprint(level)
    stamp = read_stamp()
    if venv_python().exists() and (
        stamp.get(level) == wanted or stamp.get("dev") == fingerprint("dev")
    ):
        if stamp.get("root") != str(ROOT):
            install_project()
            write_stamp({**stamp, "root": str(ROOT)})
        return
    check_space(min_free_gb)
    create_venv()
    remove_half_installed()
    requirements = wanted_requirements(level)
    what = "CMP Studio's packages" if level == "run" else "CMP Studio's packages and tools"
    pip(["install", "-c", str(ROOT / "constraints.txt"), *requirements], f"Installing {what}")
    install_project()
    write_stamp({**stamp, level: wanted, "root": str(ROOT)})


def check_python() -> None:
    """Raise SetupError unless this Python can make the environment."""
    if sys.version_info < OLDEST_PYTHON:
        came = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"CMP Studio needs Python 3.11 or newer, and {sys.executable} is {came}: install a"
            " newer one and run `make PYTHON=/path/to/python3.12 …`."
        )
    if venv_python().exists():
        return
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
            raise SetupError(
                f"this Python has no `{module}` module, which makes the environment: on Debian and"
                f" Ubuntu run `sudo apt-get install {version}-venv`, then try again."
            )


def venv_python() -> Path:
    """The Python inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def project() -> dict[str, Any]:
    """pyproject.toml as a dictionary."""
    import tomllib  # from 3.11 on: checked before

    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def wanted_requirements(level: str) -> list[str]:
    """What ``level`` requires, as pip takes it: the program's, its groups', the builder's."""
    description = project()
    groups = description["dependency-groups"]

    def of_group(name: str) -> list[str]:
        found = []
        for entry in groups[name]:
            found += [entry] if isinstance(entry, str) else of_group(entry["include-group"])
        return found

    requirements = [
        *description["project"]["dependencies"],
        *description["build-system"]["requires"],
    ]
    for name in GROUPS[level]:
        requirements += of_group(name)
    return sorted(set(requirements))


def fingerprint(level: str) -> str:
    """A digest of everything that decides what ``.venv`` should hold."""
    description = project()
    parts = {
        "requirements": wanted_requirements(level),
        "constraints": (ROOT / "constraints.txt").read_text(encoding="utf-8"),
        "scripts": description["project"]["scripts"],
        "version": description["project"]["version"],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_stamp() -> dict[str, str]:
    """What the last complete set-up left; empty where there was none."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Record a complete set-up, in one step."""
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    part.replace(STAMP)


def check_space(min_free_gb: float | None) -> None:
    """Raise SetupError where the disk is too full for what comes."""
    there = folder_size(VENV) / GB if VENV.exists() else 0.0
    needed = min_free_gb if min_free_gb is not None else max(1.0, usual_size_gb() - there)
    free = shutil.disk_usage(ROOT).free / GB
    if free < needed:
        raise SetupError(
            f"{ROOT} has {free:.1f} GB free and the packages need about {needed:.0f} GB: free some"
            " space, or, if your pip is set up for a PyTorch without CUDA, run"
            " `make MIN_FREE_GB=3 …`."
        )


def usual_size_gb() -> float:
    """Room for the packages and for what is downloaded on the way to them."""
    return 9.0 if sys.platform.startswith("linux") else 3.0  # PyTorch for Linux brings CUDA along


def folder_size(folder: Path) -> int:
    """Bytes of all files under ``folder``."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118  # os.walk gives strings
    return total


def no_space_sentence() -> str:
    """What to say when the disk filled up on the way."""
    free = shutil.disk_usage(ROOT).free / GB
    return (
        f"the disk is full ({free:.1f} GB free at {ROOT}): free about {usual_size_gb():.0f} GB and"
        " run the same command again; what is complete is kept."
    )


def create_venv() -> None:
    """Make ``.venv`` if its Python is not there or does not start."""
    if venv_python().exists():
        works = subprocess.run(
            [str(venv_python()), "-m", "pip", "--version"], capture_output=True, check=False
        )
        if works.returncode == 0:
            return
    say(f"Making .venv with Python {sys.version.split()[0]}")
    if Path(sys.prefix).resolve() == VENV:
        raise SetupError("the Python in .venv is broken: remove the folder .venv and try again.")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        output = made.stdout + made.stderr
        if NO_SPACE.search(output):
            raise SetupError(no_space_sentence())
        raise SetupError(f"Python could not make .venv: {last_line(output)}")


def site_packages() -> Path:
    """The folder of installed packages in ``.venv``."""
    if os.name == "nt":
        return VENV / "Lib" / "site-packages"
    found = sorted((VENV / "lib").glob("python3*/site-packages"))
    return found[0] if found else VENV / "lib" / "site-packages"


def remove_half_installed() -> None:
    """Drop traces of packages that an interrupted pip did not finish, so that pip does."""
    for folder in site_packages().glob("*.dist-info"):
        if not (folder / "RECORD").exists():
            shutil.rmtree(folder, ignore_errors=True)
    for folder in site_packages().glob("~*"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(TEMPORARY, ignore_errors=True)


def install_project() -> None:
    """Make ``cmp-studio`` and the packages of this checkout known to ``.venv``."""
    pip(
        ["install", "--no-build-isolation", "--no-deps", "--no-index", "-e", str(ROOT)],
        "Installing CMP Studio itself",
    )


def pip(arguments: list[str], title: str) -> None:
    """Run pip with a progress line; its whole output goes to the log.

    Raises:
        SetupError: With the reason that the output gives.
    """
    command = [str(venv_python()), "-m", "pip", *arguments]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {"PIP_USER": "0", "TMPDIR": str(TEMPORARY), "PYTHONUNBUFFERED": "1"}
    TEMPORARY.mkdir(exist_ok=True)
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    )
    progress = Progress(title)
    reader = threading.Thread(target=progress.follow, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            progress.show()
            reader.join(0.25)
        status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        progress.end()
        shutil.rmtree(TEMPORARY, ignore_errors=True)
        LOG.write_text("\n".join(progress.lines) + "\n", encoding="utf-8")
    if status:
        raise SetupError(reason_of_failure("\n".join(progress.lines)))


def reason_of_failure(output: str) -> str:
    """One sentence on why pip stopped, from what it printed."""
    if NO_SPACE.search(output):
        return no_space_sentence()
    if NO_NETWORK.search(output):
        return (
            "pip could not reach its package index: check the network (and pip's proxy settings),"
            " then run the same command again."
        )
    missing = NO_FILE.search(output)
    if missing:
        version = ".".join(map(str, sys.version_info[:2]))
        return (
            f"pip finds no {missing.group(1)} for Python {version} on this computer: try another"
            f" Python (`make PYTHON=python3.12 …` after removing .venv); pip's words are in {LOG}."
        )
    return f"pip failed: {last_line(output)} (all of its words are in {LOG})"


def last_line(output: str) -> str:
    """The last line that says something, errors first."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"ERROR|\w*(Error|Exception):", line)]
    return (errors or lines or ["it said nothing"])[-1]


class Progress:
    """One line on a terminal that says what pip is at; in a log, a line every so often."""

    LOG_SECONDS = 15.0

    def __init__(self, title: str) -> None:
        """Start the clock under ``title``."""
        self.lines: list[str] = []
        self._title = title
        self._start = time.monotonic()
        self._step = "starting"
        self._file: tuple[str, float] | None = None
        self._total = 0
        self._installed_before = 0
        self._shown_at = 0.0
        self._is_terminal = sys.stdout.isatty()

    def follow(self, output: Iterable[str]) -> None:
        """Read pip's output to its end (in a thread of its own)."""
        for line in output:
            self.lines.append(line.rstrip())
            self._read(line.strip())

    def _read(self, line: str) -> None:
        if line.startswith("Collecting "):
            self._step, self._file = f"looking up {name_in(line)}", None
        elif line.startswith(("Downloading ", "Using cached ")) and ".metadata" not in line:
            size = re.search(r"\(([\d.]+) (kB|MB|GB)\)", line)
            file = line.split()[1 if line.startswith("Downloading") else 2].rsplit("/", 1)[-1]
            self._step = f"fetching {file.split('-')[0]}"
            if size and line.startswith("Downloading"):
                factor = {"kB": 1e3, "MB": 1e6, "GB": 1e9}[size.group(2)]
                self._file = (file, float(size.group(1)) * factor)
        elif line.startswith("Installing collected packages:"):
            self._total, self._file = line.count(",") + 1, None
            self._installed_before = installed_count()
        elif "WARNING: Retrying" in line:
            self._step = "the network is slow, trying again"

    def describe(self) -> str:
        """What goes on, in a few words."""
        if self._total:
            done = min(self._total, max(0, installed_count() - self._installed_before))
            return f"unpacking, {done} of {self._total}"
        if self._file is not None:
            name, size = self._file
            done = sum(file_size(p) for p in TEMPORARY.glob(f"pip-unpack-*/{name}"))
            if size >= 1e6:
                return f"{self._step}, {done / 1e6:.0f} of {size / 1e6:.0f} MB"
        return self._step

    def show(self) -> None:
        """Bring the line up to date."""
        now = time.monotonic()
        if not self._is_terminal and now - max(self._shown_at, self._start) < self.LOG_SECONDS:
            return
        self._shown_at = now
        text = f"{self._title}: {self.describe()} ({clock(now - self._start)})"
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            print("\r\033[K" + text[:width], end="", flush=True)
        else:
            print(text, flush=True)

    def end(self) -> None:
        """Leave a last line that stays."""
        seconds = time.monotonic() - self._start
        prefix = "\r\033[K" if self._is_terminal else ""
        print(f"{prefix}{self._title}: {clock(seconds)}", flush=True)


def name_in(line: str) -> str:
    """The package name in a line like "Collecting numpy==2.4.6 (from …)"."""
    found = re.match(r"Collecting ([A-Za-z0-9._-]+)", line)
    return found.group(1) if found else "packages"


def installed_count() -> int:
    """How many packages are completely installed."""
    return sum(1 for _ in site_packages().glob("*.dist-info/RECORD"))


def file_size(path: Path) -> int:
    """Bytes of a file that may vanish at any moment."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
