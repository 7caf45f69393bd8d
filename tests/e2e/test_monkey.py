"""The verdict of the random-action run: it must be able to fail. The run itself is made by hand."""

import time
from types import SimpleNamespace

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
