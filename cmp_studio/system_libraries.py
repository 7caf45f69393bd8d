"""The libraries of the operating system that Qt needs, and how to get those that are missing.

Qt's own packages come by pip, but on Linux they load libEGL, libxkbcommon and others from the
system. Where one is missing, Qt ends with an import error or aborts the whole process; this
module finds out before, and says which command mends it. It imports nothing beyond the standard
library, so it runs where Qt cannot.

``python -m cmp_studio.system_libraries`` checks what a window needs on this machine's screen;
with ``--offscreen`` what the tests need; with ``--packages`` it prints nothing but the Debian
packages to install.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["debian_packages", "missing_libraries", "problem", "screen_platform"]

# Library as the linker names it -> Debian and Ubuntu package.
_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libGLdispatch.so.0": "libglvnd0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}


def screen_platform() -> str | None:
    """Return the Qt platform that a window would use: "xcb", "wayland", …; None without a screen.

    Off Linux the answer is always "native": Qt brings all that it needs there.
    """
    named = os.environ.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if named:
        return named
    if not sys.platform.startswith("linux"):
        return "native"
    if os.environ.get("WAYLAND_DISPLAY"):
        return "wayland"
    return "xcb" if os.environ.get("DISPLAY") else None


def missing_libraries(platform: str) -> list[str]:
    """Return the system libraries that Qt would not find, sorted; empty off Linux.

    Args:
        platform: Name of a Qt platform plugin, such as "xcb" or "offscreen".
    """
    spec = importlib.util.find_spec("PySide6")
    if not sys.platform.startswith("linux") or spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent
    files = [folder / f"Qt{part}.abi3.so" for part in ("Core", "Gui", "Widgets")]
    files.append(folder / "Qt" / "plugins" / "platforms" / f"libq{platform}.so")
    there = [str(file) for file in files if file.exists()]
    if not there or shutil.which("ldd") is None:
        return []
    listing = subprocess.run(["ldd", *there], capture_output=True, text=True, check=False).stdout
    return sorted({line.split()[0] for line in listing.splitlines() if "=> not found" in line})


def debian_packages(libraries: list[str]) -> list[str]:
    """Return the Debian and Ubuntu packages that hold ``libraries``, as far as they are known."""
    return sorted({_PACKAGES[name] for name in libraries if name in _PACKAGES})


def problem(platform: str | None = None) -> str | None:
    """Return a sentence on why no window can open on this machine, or None if one can.

    Args:
        platform: Qt platform to check; None for the one that a window would use.
    """
    platform = platform or screen_platform()
    if platform is None:
        return (
            "There is no screen here (DISPLAY and WAYLAND_DISPLAY are not set): open the window on"
            " a machine with one, or use the commands that need none (cmp-studio --help)."
        )
    missing = missing_libraries(platform)
    if not missing:
        return None
    sentence = f"The window needs system libraries that are missing: {', '.join(missing)}."
    packages = debian_packages(missing)
    if shutil.which("apt-get") and packages:
        return f"{sentence} Install them with: sudo apt-get install {' '.join(packages)}"
    return f"{sentence} Install them with your system's package manager."


def main() -> int:
    """Check this machine from a command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Check the system libraries that Qt needs.")
    parser.add_argument("--offscreen", action="store_true", help="check what the tests need")
    parser.add_argument(
        "--packages", action="store_true", help="print only the Debian packages to install"
    )
    arguments = parser.parse_args()
    platform = "offscreen" if arguments.offscreen else None
    if arguments.packages:
        missing = missing_libraries(platform or screen_platform() or "xcb")
        print(" ".join(debian_packages(missing)))
        return 0
    sentence = problem(platform)
    if sentence is not None:
        print(sentence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
