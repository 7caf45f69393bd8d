"""The verdict of the random-action run: it must be able to fail. Long runs are made by hand."""

import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.e2e.monkey import Findings, Monkey


def flat(**changes):
    values = {"memory_mb": [500.0 + i % 3 for i in range(40)], "turns": 9, **changes}
    return Findings(**values)


def test_verdict_when_nothing_was_found_then_passes():
    lines, is_good = flat().verdict()
    assert is_good
    assert all(line.startswith("PASS") for line in lines)


def test_verdict_when_something_broke_then_fails_and_says_what():
    for findings, words in (
        (flat(problems=["Traceback"]), "no exception or warning: 1 found"),
        (flat(slow=[(148.0, "theme")], longest_ms=(148.0, "theme")), "148 ms (theme), 1 over"),
        (flat(memory_mb=[500.0 + 5 * i for i in range(40)]), "flat memory: +12"),
    ):
        lines, is_good = findings.verdict()
        assert not is_good
        (failed,) = [line for line in lines if line.startswith("FAIL")]
        assert words in failed
    assert not flat().verdict(has_ended=False)[1]


def test_memory_when_it_only_grew_at_the_beginning_then_is_flat():
    findings = flat(memory_mb=[100.0 * min(i, 8) for i in range(1, 41)])
    assert findings.verdict()[1]


def test_turn_when_it_takes_long_then_noted():
    monkey = Monkey(SimpleNamespace(studio=None), None, ".", 1)
    monkey.turn(lambda: time.sleep(0.12), "sleep")
    monkey.turn(lambda: None)
    assert [name for _, name in monkey.findings.slow] == ["sleep"]
    assert monkey.findings.turns == 2


def test_verdict_when_the_run_is_short_then_says_nothing_of_memory():
    findings = flat(memory_mb=[100.0, 200.0])
    lines, is_good = findings.verdict(has_memory=False)
    assert is_good
    assert len(lines) == 2


@pytest.mark.timeout(900)
def test_annotate_and_probe_when_anything_is_done_at_random_then_nothing_breaks_or_freezes():
    """Some hundreds of events, with a stand-in for the network and a picture of 3 megapixels."""
    words = ["--modes", "--events", "300", "--side", "2000", "--clock", "cpu", "--seed", "4"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.monkey", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("answers: ")]
    counts = {name: int(count) for name, count in re.findall(r"([a-z][a-z ]*) (\d+)", line[9:])}
    for name in ("masks", "pictures opened", "probes"):  # the hand reaches all of it
        assert counts.get(name, 0) > 0, line
