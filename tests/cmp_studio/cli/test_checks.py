import subprocess
import sys
from importlib import metadata

import pytest

from cmp_engine.errors import WeightsFormatError
from cmp_studio.cli import checks


def test_check_packages_when_one_is_missing_then_gives_the_command(monkeypatch):
    real = metadata.version

    def version(name):
        if name in ("safetensors", "opencv-python", "opencv-contrib-python"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(checks.metadata, "version", version)
    broken, rest = list(checks.check_packages())
    assert (broken.status, rest.status) == ("broken", "ok")
    assert broken.text == "missing: safetensors"
    assert broken.hint.endswith("pip install safetensors")


def test_check_packages_when_the_other_opencv_is_there_then_warns(monkeypatch):
    monkeypatch.setattr(checks.metadata, "version", lambda name: "1.0")
    statuses = [check.status for check in checks.check_packages()]
    assert statuses == ["ok", "note", "note"]


def test_check_folder_when_it_can_not_be_written_then_is_broken(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("CMP_STUDIO_HOME", str(file))
    assert checks.check_folder().status == "broken"


@pytest.mark.parametrize(("gigabytes", "status"), [(0.1, "note"), (100, "ok")])
def test_check_memory_when_little_is_free_then_notes_it(monkeypatch, gigabytes, status):
    monkeypatch.setattr(checks, "_memory", lambda: (int(64e9), int(gigabytes * 1e9)))
    assert checks.check_memory().status == status


def test_check_memory_when_it_is_not_known_then_notes_it(monkeypatch):
    monkeypatch.setattr(checks, "_memory", lambda: (None, None))
    assert checks.check_memory().status == "note"


def test_check_device_when_it_is_not_there_then_is_broken():
    assert checks.check_device("cpu").status == "ok"
    found = checks.check_device("abacus")
    assert (found.status, found.hint) == ("broken", "Use --device auto.")


def test_check_ffmpeg_when_it_lacks_an_encoder_then_says_what_can_not_be_written(monkeypatch):
    def output(command):
        return "ffmpeg version 1.0 of someone" if "-version" in command else " V..... gif  GIF\n"

    monkeypatch.setattr(checks, "_output", output)
    found = checks.check_ffmpeg()
    assert found.status == "broken"
    assert "ffmpeg version 1.0" in found.text
    assert "can't write MP4, WebM, WebP, PNG" in found.text


def test_check_ffmpeg_when_it_does_not_run_then_is_broken(monkeypatch):
    def output(command):
        raise OSError("Exec format error")

    monkeypatch.setattr(checks, "_output", output)
    found = checks.check_ffmpeg()
    assert (found.status, found.text) == ("broken", "Exec format error")


def test_check_weights_when_they_are_damaged_then_is_broken(monkeypatch):
    import cmp_engine.weights

    def load_model(name):
        raise WeightsFormatError("half of it is missing.")

    monkeypatch.setattr(cmp_engine.weights, "load_model", load_model)
    found = checks.check_weights("default", "cpu")
    assert (found.status, found.text) == ("broken", "half of it is missing.")
    assert "weights fetch" in found.hint


def test_check_window_when_there_is_no_screen_then_is_a_note_with_what_will_be_missing(monkeypatch):
    monkeypatch.setattr(checks, "screen_platform", lambda: None)
    monkeypatch.setattr(checks, "missing_libraries", lambda platform: ["libEGL.so.1"])
    monkeypatch.setattr(checks, "problem", lambda platform: "sudo apt-get install libegl1")
    found = checks.check_window()
    assert (found.status, found.hint) == ("note", "sudo apt-get install libegl1")


def test_check_window_when_a_library_is_missing_then_is_broken_with_the_command(monkeypatch):
    sentence = (
        "The window needs system libraries that are missing: libEGL.so.1. "
        "Install them with: sudo apt-get install libegl1"
    )
    monkeypatch.setattr(checks, "problem", lambda platform: sentence)
    found = checks.check_window()
    assert found.status == "broken"
    assert found.text.endswith("libEGL.so.1")
    assert found.hint == "Install them with: sudo apt-get install libegl1"


def test_check_window_when_qt_ends_its_process_then_is_broken_with_what_it_said(monkeypatch):
    def output(command):
        raise subprocess.CalledProcessError(-6, command, stderr="qt.qpa: could not connect\n")

    monkeypatch.setattr(checks, "problem", lambda platform: None)
    monkeypatch.setattr(checks, "_output", output)
    found = checks.check_window()
    assert found.status == "broken"
    assert "could not connect" in found.text


def test_check_window_when_all_is_well_then_names_qt_and_the_platform():
    found = checks.check_window()
    assert (found.status, found.text.split()[0], found.text.split()[-1]) == (
        "ok",
        "Qt",
        "offscreen",
    )


def test_check_python_when_run_then_names_the_interpreter():
    assert sys.executable in checks.check_python().text
