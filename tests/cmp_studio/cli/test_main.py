import json
import os
import signal
import subprocess
import sys

import pytest

from cmp_engine.errors import Cancelled, VideoError
from cmp_studio.cli import doctor, main, window
from cmp_studio.cli.crash_log import LOG_NAME, write_crash


def run_raising(monkeypatch, error):
    def run(options, console):
        raise error

    monkeypatch.setattr(doctor, "run", run)
    return main(["doctor"])


@pytest.mark.parametrize(
    "arguments", [["--help"], ["animate", "--help"], ["weights", "fetch", "-h"], ["--version"]]
)
def test_main_when_asked_for_help_then_answers_on_stdout_and_is_done(arguments, capsys):
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(("usage: cmp-studio", "cmp-studio "))
    assert captured.err == ""


@pytest.mark.parametrize("command", ["animate", "render", "flow", "probe", "weights", "doctor"])
def test_main_when_asked_for_help_then_every_command_shows_examples(command, capsys):
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"examples:\n  cmp-studio {command}" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_main_when_asked_for_help_then_loads_neither_torch_nor_qt_nor_numpy():
    code = (
        "import sys; from cmp_studio.cli import main; main(['--help']); main(['animate', '-h']);"
        "heavy = {'torch', 'PySide6', 'numpy', 'cv2', 'PIL'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render"], "the following arguments are required: SCENE"),
        (["animate", "a.jpg", "--arrow", "1,2"], "should be X,Y,DX,DY"),
        (["animate", "a.jpg", "--arrow", "1,2,3,4"], "say where the film goes with -o"),
        (["animate", "a.cmps", "-o", "a.mp4"], "rendered with `cmp-studio render`"),
        (["animate", "a.jpg", "--save-scene", "a.zip"], r"ends in .cmps"),
        (["animate", "a.jpg", "-o", "a.mp4", "--height", "5", "--max-side", "5"], "not allowed"),
        (["animate", "a.jpg", "-o", "a.mp4", "--fps", "0"], "more than 0"),
        (["flow", "a.jpg"], "say where the flow goes"),
        (["flow", "a.jpg", "-o", "a.flo", "--upsampling", "bilinear"], "belongs to --raw"),
        (["weights"], "required: VERB"),
        (["anmate", "a.jpg"], "did you mean animate?"),
        (["photograph"], "the commands are render, animate"),
        (["a.jpg", "b.jpg"], "unrecognized arguments: b.jpg"),
    ],
)
def test_main_when_used_wrongly_then_says_how_and_gives_2(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_main_when_the_input_is_bad_then_says_one_line_and_gives_1(monkeypatch, capsys):
    assert run_raising(monkeypatch, VideoError("The disk is full.")) == 1
    assert capsys.readouterr() == ("", "cmp-studio: The disk is full.\n")


@pytest.mark.parametrize("error", [Cancelled("The export was cancelled."), KeyboardInterrupt()])
def test_main_when_stopped_then_gives_130(monkeypatch, capsys, error):
    assert run_raising(monkeypatch, error) == 130
    assert "stopped" in capsys.readouterr().err


def test_main_when_the_system_asks_it_to_end_then_cleans_up_and_gives_130(monkeypatch, capsys):
    cleaned = []

    def run(options, console):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        finally:
            cleaned.append(True)

    monkeypatch.setattr(doctor, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["doctor"]) == 130
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) == before


def test_main_when_something_unforeseen_happens_then_logs_it_and_says_where(
    monkeypatch, capsys, home
):
    assert run_raising(monkeypatch, RuntimeError("tensor of\nthe wrong size")) == 1
    err = capsys.readouterr().err
    log = home / LOG_NAME
    assert err == (
        "cmp-studio: something went wrong inside (RuntimeError: tensor of the wrong size); "
        f"the details are in {log}.\n"
    )
    text = log.read_text()
    assert "cmp-studio doctor" in text
    assert "Traceback" in text
    assert "RuntimeError: tensor of" in text


def test_write_crash_when_the_folder_can_not_be_written_then_still_gives_a_sentence(
    monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CMP_STUDIO_HOME", str(tmp_path / "file"))
    sentence = write_crash(ValueError("x"), [])
    assert "could not be written" in sentence
    assert "\n" not in sentence


def test_main_when_the_reader_goes_away_then_ends_quietly():
    code = "from cmp_studio.cli import main; import sys; sys.exit(main(['animate', '--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in errors


def test_main_when_given_a_file_then_opens_the_window_with_it(monkeypatch, tmp_path):
    photo = tmp_path / "animate.jpg"
    photo.write_bytes(b"")
    opened = []

    def run(options, console):
        opened.append(options.file)
        return 0

    monkeypatch.setattr(window, "run", run)
    assert main([str(photo)]) == 0
    assert main([]) == 0
    assert opened == [photo, None]


def test_window_when_the_file_is_missing_then_says_so_before_anything_opens(capsys, tmp_path):
    assert main([str(tmp_path / "gone.jpg"), "--json"]) == 2  # the window prints no result
    assert main([str(tmp_path / "gone.jpg")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_window_when_a_library_is_missing_then_gives_the_command_that_mends_it(monkeypatch, capsys):
    import cmp_studio.system_libraries as libraries

    monkeypatch.setattr(libraries, "missing_libraries", lambda platform: ["libxcb-cursor.so.0"])
    monkeypatch.setattr(libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert main([]) == 1
    assert "sudo apt-get install libxcb-cursor0" in capsys.readouterr().err


def test_main_when_json_and_it_fails_then_the_error_is_json_too(capsys, tmp_path):
    assert main(["render", str(tmp_path / "gone.cmps"), "-o", "a.mp4", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["ok"] is False
    assert "no such file" in captured.err
