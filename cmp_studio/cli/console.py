"""What a command says: progress and notes on stderr, the result on stdout."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

_REDRAW_SECONDS: Final = 0.1
_PLAIN_STEP: Final = 25
_BAR_CELLS: Final = 24


class Console:
    """The terminal, or whatever stands in for it.

    On a terminal a step shows as one line that is redrawn; elsewhere as a few plain lines.

    Args:
        is_quiet: Say nothing but errors and reports.
        is_json: Print the result, and an error too, as one JSON object.

    Attributes:
        is_live: Whether lines can be redrawn.
    """

    def __init__(self, *, is_quiet: bool = False, is_json: bool = False) -> None:
        self._is_quiet = is_quiet
        self._is_json = is_json
        self.is_live = not is_quiet and sys.stderr.isatty()
        self._has_line = False

    def note(self, text: str) -> None:
        """Say something worth knowing."""
        if not self._is_quiet:
            self._clear()
            print(text, file=sys.stderr, flush=True)

    def step(self, text: str) -> None:
        """Say what is going on, until something else is said; on a terminal only."""
        if self.is_live:
            self.redraw(f"{text} ...")

    def progress(self, label: str, *, amount: Callable[[int], str] = str) -> Progress:
        """Return a counter of steps to call with the steps done and all steps.

        Args:
            label: What is being done.
            amount: Turns a number of steps into words.
        """
        return Progress(self, label, amount)

    def result(self, text: str, values: Mapping[str, object]) -> None:
        """Print what came out: ``text`` for people, or ``values`` as JSON."""
        self._clear()
        if self._is_json:
            print(json.dumps({"ok": True, **values}, indent=1), flush=True)
        elif not self._is_quiet:
            print(text, flush=True)

    def report(self, text: str, values: Mapping[str, object]) -> None:
        """Print a report that was asked for, even when quiet; ``values`` say themselves if ok."""
        self._clear()
        print(json.dumps(values, indent=1) if self._is_json else text, flush=True)

    def skip(self, sentence: str) -> None:
        """Say in one line, even when quiet, what of many things did not work; the rest goes on."""
        self._clear()
        print(f"cmp-studio: {' '.join(sentence.split())}", file=sys.stderr, flush=True)

    def fail(self, sentence: str) -> None:
        """Say in one line why it did not work."""
        self._clear()
        line = " ".join(sentence.split())
        print(f"cmp-studio: {line}", file=sys.stderr, flush=True)
        if self._is_json:
            print(json.dumps({"ok": False, "error": line}, indent=1), flush=True)

    def redraw(self, text: str) -> None:
        """Show a line in place of the one that is being redrawn; on a terminal only."""
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        self._has_line = True

    def _clear(self) -> None:
        if self._has_line:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._has_line = False


class Progress:
    """Shows how far something is: a bar on a terminal, a line every quarter elsewhere."""

    def __init__(self, console: Console, label: str, amount: Callable[[int], str]) -> None:
        self._console = console
        self._label = label
        self._amount = amount
        self._start = time.monotonic()
        self._drawn = 0.0
        self._said = 0

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps are done."""
        percent = 100 * done // max(total, 1)
        how_far = f"{self._amount(done)} of {self._amount(total)}"
        now = time.monotonic()
        if not self._console.is_live:
            if percent // _PLAIN_STEP > self._said // _PLAIN_STEP:
                self._said = percent
                self._console.note(f"{self._label}: {percent} % ({how_far})")
        elif done == total or now - self._drawn >= _REDRAW_SECONDS:
            self._drawn = now
            cells = _BAR_CELLS * done // max(total, 1)
            bar = "#" * cells + "-" * (_BAR_CELLS - cells)
            left = (now - self._start) / done * (total - done) if done else 0.0
            self._console.redraw(
                f"{self._label} [{bar}] {percent:3} %  {how_far}, {_clock(left)} left"
            )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def size_text(size_bytes: int) -> str:
    """Return a file size for people: ``3.4 MB``."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
