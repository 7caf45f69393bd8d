"""What `cmp-studio doctor` looks at, one function each. None of them raises."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from cmp_engine.errors import EngineError
from cmp_studio.cli.console import size_text
from cmp_studio.cli.crash_log import user_folder
from cmp_studio.system_libraries import missing_libraries, problem, screen_platform

if TYPE_CHECKING:
    from cmp_engine.weights import LoadedModel

Status = Literal["ok", "note", "broken"]

PACKAGES: Final = (
    "torch",
    "torchvision",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "imageio",
    "imageio-ffmpeg",
    "safetensors",
    "platformdirs",
    "PySide6-Essentials",
)
ENCODERS: Final = {
    "libx264": "MP4",
    "libvpx-vp9": "WebM",
    "libwebp_anim": "WebP",
    "gif": "GIF",
    "png": "PNG",
}

_OPEN_QT: Final = (
    "from PySide6.QtCore import qVersion; from PySide6.QtWidgets import QApplication; "
    "QApplication([]); print(qVersion())"
)  # in a process of its own, because Qt ends the process where it can't open

_MIN_MEMORY: Final = 2 << 30
_MIN_DISK: Final = 500 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """What was found.

    Attributes:
        name: What was looked at.
        status: ``note`` is worth knowing, ``broken`` keeps something from working.
        text: What was found, one line.
        hint: What to do about it; empty where all is well.
    """

    name: str
    status: Status
    text: str
    hint: str = ""


def all_checks(*, weights: str, device: str) -> Iterator[Check]:
    """Yield every check, quick ones first."""
    yield check_python()
    yield from check_packages()
    yield check_memory()
    yield check_folder()
    yield check_device(device)
    yield check_weights(weights, device)
    yield check_ffmpeg()
    yield check_window()


def check_python() -> Check:
    """Look at the version of Python."""
    version = platform.python_version()
    text = f"{version} on {platform.system()} {platform.machine()}, {sys.executable}"
    return Check("Python", "ok", text)


def check_packages() -> Iterator[Check]:
    """Look at the packages that are needed, and at one that does harm."""
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        hint = f"Install what is missing: {sys.executable} -m pip install {' '.join(missing)}"
        yield Check("packages", "broken", f"missing: {', '.join(missing)}", hint)
    yield Check("packages", "ok", ", ".join(found))
    for name in ("opencv-python", "opencv-contrib-python"):
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        yield Check(
            "packages",
            "note",
            f"{name} {version} brings Qt plugins of its own, which can keep the window shut",
            f"Use the headless one: {sys.executable} -m pip uninstall {name}, "
            "then install opencv-python-headless again.",
        )


def check_memory() -> Check:
    """Look at the main memory."""
    total, free = _memory()
    if total is None:
        return Check("memory", "note", "the size of the main memory is not known here")
    text = f"{size_text(total)} in all" + ("" if free is None else f", {size_text(free)} free")
    if (total if free is None else free) < _MIN_MEMORY:
        return Check("memory", "note", text, "Close other programs before large pictures.")
    return Check("memory", "ok", text)


def check_folder() -> Check:
    """Look at the user's folder, where weights and settings go."""
    folder = user_folder()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        return Check(
            "user folder",
            "broken",
            f"{folder} can't be written",
            "Mend its permissions, or set CMP_STUDIO_HOME to another folder.",
        )
    free = shutil.disk_usage(there).free
    text = f"{folder}, {size_text(free)} free"
    if free < _MIN_DISK:
        return Check("user folder", "note", text, "There is little room for films and weights.")
    return Check("user folder", "ok", text)


def check_device(name: str) -> Check:
    """Look at the device that the network will run on."""
    try:
        from cmp_engine.device import describe_device, resolve_device

        return Check("device", "ok", describe_device(resolve_device(name)))
    except EngineError as error:
        return Check("device", "broken", str(error), "Use --device auto.")
    except (ImportError, OSError, RuntimeError) as error:
        return Check("device", "broken", _line(error), "Install PyTorch again.")


def check_weights(weights: str, device: str) -> Check:
    """Load the weights and ask them once."""
    try:
        from cmp_engine.weights import load_model

        model = load_model(weights)
        milliseconds, longest = _ask(model, device)
    except EngineError as error:
        hint = "See `cmp-studio weights list`; `cmp-studio weights fetch` gets the published ones."
        return Check("weights", "broken", str(error), hint)
    except (ImportError, OSError, RuntimeError) as error:
        return Check("weights", "broken", _line(error), "Install PyTorch again.")
    text = f"{model.info.name}, {model.info.path}, sha256 {model.info.sha256[:16]}..."
    if longest is None:
        hint = "The file may be damaged; fetch or import it again."
        return Check("weights", "broken", f"{text}, but its answer is not a number", hint)
    return Check("weights", "ok", f"{text}, a test answer took {milliseconds:.0f} ms")


def check_ffmpeg() -> Check:
    """Look at ffmpeg and what it can write."""
    try:
        import imageio_ffmpeg

        program = imageio_ffmpeg.get_ffmpeg_exe()
        version = _output([program, "-version"]).split("\n", 1)[0]
        listing = _output([program, "-hide_banner", "-encoders"])
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        hint = f"Install it: {sys.executable} -m pip install --force-reinstall imageio-ffmpeg"
        return Check("ffmpeg", "broken", _line(error), hint)
    encoders = set(re.findall(r"^ V\S+ (\S+)", listing, re.MULTILINE))
    lacking = [kind for name, kind in ENCODERS.items() if name not in encoders]
    text = f"{' '.join(version.split()[:3])}, {program}"
    if lacking:
        hint = (
            "Unset IMAGEIO_FFMPEG_EXE, so that the ffmpeg that comes with imageio-ffmpeg is used."
        )
        return Check("ffmpeg", "broken", f"{text}, can't write {', '.join(lacking)}", hint)
    return Check("ffmpeg", "ok", f"{text}, writes {', '.join(ENCODERS.values())}")


def check_window() -> Check:
    """Look at whether the window can open."""
    screen = screen_platform()
    if screen is None:
        missing = missing_libraries("xcb")
        text = "there is no screen here, so no window can open; the commands need none"
        hint = "" if not missing else (problem("xcb") or "")
        return Check("window", "note", text, hint)
    sentence = problem(screen)
    if sentence is not None:
        text, _, hint = sentence.partition(". ")
        return Check("window", "broken", text, hint)
    try:
        version = _output([sys.executable, "-c", _OPEN_QT]).strip()
    except subprocess.TimeoutExpired:
        return Check("window", "broken", f"Qt does not answer on {screen}", "Look at the screen.")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        hint = "Try another platform with QT_QPA_PLATFORM, or install PySide6-Essentials again."
        text = f"Qt can't open on {screen}: {said.strip().splitlines()[-1]}"
        return Check("window", "broken", text, hint)
    return Check("window", "ok", f"Qt {version} on {screen}")


def _ask(model: LoadedModel, device: str) -> tuple[float, float | None]:
    """Return how long an answer takes, ms, and its longest flow, px; None where it is no number."""
    import numpy as np

    from cmp_engine.predictor import MotionPredictor

    predictor = MotionPredictor(model, device=device)
    x = np.arange(384, dtype=np.uint8)
    predictor.set_image(np.stack(np.broadcast_arrays(x, x[:, None], x ^ x[:, None]), axis=-1))
    predictor.predict([(192, 192)], [(20, 0)])
    start = time.perf_counter()
    flow = predictor.predict([(192, 192)], [(24, 0)])
    milliseconds = 1000 * (time.perf_counter() - start)
    return milliseconds, float(np.abs(flow).max()) if np.isfinite(flow).all() else None


def _memory() -> tuple[int | None, int | None]:
    """Return the main memory in all and what is free of it, bytes; None where not known."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), None
    except (AttributeError, ValueError, OSError):
        return None, None


def _output(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return result.stdout


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
