"""Where an error that nobody foresaw goes: a file with the details, and a sentence for the user."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
import traceback
from pathlib import Path
from typing import Final

LOG_NAME: Final = "cmp-studio-crash.log"
_MAX_BYTES: Final = 1_000_000


def user_folder() -> Path:
    """Return the folder for settings, logs and weights of this user; `CMP_STUDIO_HOME` moves it."""
    home = os.environ.get("CMP_STUDIO_HOME")
    if home:
        return Path(home)
    import platformdirs

    return platformdirs.user_data_path("cmp-studio")


def write_crash(error: BaseException, arguments: list[str]) -> str:
    """Append the traceback to the log and return a sentence on what happened and where to look."""
    what = " ".join(str(error).split()) or type(error).__name__
    sentence = f"something went wrong inside ({type(error).__name__}: {what[:200]})"
    path = user_folder() / LOG_NAME
    lines = [
        f"{time.strftime('%Y-%m-%d %H:%M:%S')} cmp-studio {shlex.join(arguments)}\n",
        f"Python {sys.version.split()[0]} on {platform.platform()}\n",
        *traceback.format_exception(error),
        "\n",
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_full = path.exists() and path.stat().st_size > _MAX_BYTES
        with path.open("w" if is_full else "a", encoding="utf-8", errors="replace") as file:
            file.writelines(lines)
    except OSError:
        return f"{sentence}; the details could not be written to {path}."
    return f"{sentence}; the details are in {path}."
