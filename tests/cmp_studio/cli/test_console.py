import io
import json
import sys

import pytest

from cmp_studio.cli.console import Console, size_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_when_not_a_terminal_then_says_a_line_every_quarter(capsys):
    progress = Console().progress("film.mp4")
    for done in range(1, 41):
        progress(done, 40)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "film.mp4: 25 % (10 of 40)",
        "film.mp4: 50 % (20 of 40)",
        "film.mp4: 75 % (30 of 40)",
        "film.mp4: 100 % (40 of 40)",
    ]


def test_progress_when_a_terminal_then_redraws_one_line_and_clears_it(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    console = Console()
    progress = console.progress("film.mp4", amount=size_text)
    progress(1_000, 4_000)
    progress(4_000, 4_000)
    console.note("done")
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert "[######------------------]  25 %  1.0 kB of 4.0 kB" in text
    assert text.endswith("\r\x1b[Kdone\n")


def test_console_when_quiet_then_says_nothing_but_errors(capsys):
    console = Console(is_quiet=True)
    console.note("note")
    console.step("step")
    console.progress("film")(4, 4)
    console.result("result", {})
    assert capsys.readouterr() == ("", "")
    console.fail("it broke\nin two lines")
    assert capsys.readouterr() == ("", "cmp-studio: it broke in two lines\n")
    console.skip("Line 3: no\nclick")  # of a batch, whose rest went on
    assert capsys.readouterr() == ("", "cmp-studio: Line 3: no click\n")


def test_console_when_json_then_prints_one_object_for_result_and_error(capsys):
    console = Console(is_json=True)
    console.result("text", {"frames": 3})
    assert json.loads(capsys.readouterr().out) == {"ok": True, "frames": 3}
    console.fail("it broke")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"ok": False, "error": "it broke"}
    assert captured.err == "cmp-studio: it broke\n"


def test_step_when_not_a_terminal_then_is_silent(capsys):
    Console().step("Loading")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (3.4e6, "3.4 MB"), (5e10, "50.0 GB")],
)
def test_size_text_when_given_bytes_then_is_for_people(size, text):
    assert size_text(int(size)) == text
