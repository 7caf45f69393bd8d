import shutil
import subprocess
import sys

import pytest

from cmp_studio import system_libraries

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux lacks libraries"
)
LISTING = """\
/x/QtGui.abi3.so:
\tlibEGL.so.1 => not found
\tlibz.so.1 => /lib/libz.so.1 (0x00007f)
\tlibxkbcommon.so.0 => not found
/x/libqxcb.so:
\tlibEGL.so.1 => not found
\tlibxcb-cursor.so.0 => not found
\tlibunheard.so.3 => not found
"""


@pytest.fixture
def bare_machine(monkeypatch):
    """A Linux machine that lacks four libraries."""
    listing = subprocess.CompletedProcess([], 0, stdout=LISTING)
    monkeypatch.setattr(system_libraries.sys, "platform", "linux")
    monkeypatch.setattr(system_libraries.subprocess, "run", lambda *_, **__: listing)
    monkeypatch.setattr(system_libraries.shutil, "which", lambda name: f"/usr/bin/{name}")


def test_missing_libraries_when_some_are_not_found_then_names_each_once(bare_machine):
    assert system_libraries.missing_libraries("xcb") == [
        "libEGL.so.1",
        "libunheard.so.3",
        "libxcb-cursor.so.0",
        "libxkbcommon.so.0",
    ]


def test_problem_when_apt_is_there_then_gives_the_exact_line(bare_machine):
    sentence = system_libraries.problem("xcb")
    assert sentence is not None
    assert "libunheard.so.3" in sentence
    assert sentence.endswith("sudo apt-get install libegl1 libxcb-cursor0 libxkbcommon0")


def test_problem_when_apt_is_not_there_then_still_names_the_libraries(bare_machine, monkeypatch):
    monkeypatch.setattr(
        system_libraries.shutil, "which", lambda name: None if name == "apt-get" else name
    )
    sentence = system_libraries.problem("xcb")
    assert sentence is not None
    assert "libEGL.so.1" in sentence
    assert "apt-get" not in sentence


@linux
def test_problem_when_there_is_no_screen_then_points_to_the_commands(monkeypatch):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    sentence = system_libraries.problem()
    assert sentence is not None
    assert "no screen" in sentence


@linux
@pytest.mark.parametrize(
    ("variables", "platform"),
    [
        ({"QT_QPA_PLATFORM": "offscreen:size=1x1"}, "offscreen"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "wayland"),
        ({"DISPLAY": ":0"}, "xcb"),
    ],
)
def test_screen_platform_when_variables_are_set_then_follows_them(monkeypatch, variables, platform):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert system_libraries.screen_platform() == platform


def test_problem_when_tests_run_here_then_nothing_is_missing():
    assert system_libraries.problem("offscreen") is None


def test_command_when_packages_are_asked_for_then_prints_only_them(
    bare_machine, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["system_libraries", "--packages", "--offscreen"])
    assert system_libraries.main() == 0
    assert capsys.readouterr().out == "libegl1 libxcb-cursor0 libxkbcommon0\n"


@linux
@pytest.mark.skipif(shutil.which("ldd") is None, reason="no ldd on this machine")
def test_command_when_run_as_a_module_then_needs_no_qt():
    code = (
        "import sys, cmp_studio.system_libraries as s;"
        "print(s.missing_libraries('offscreen'), 'PySide6' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["[]", "False", "False"]
