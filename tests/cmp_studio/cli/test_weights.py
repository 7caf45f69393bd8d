import json
from pathlib import Path

import pytest

import cmp_engine.weights as engine_weights
from cmp_engine.config import preset
from cmp_engine.errors import Cancelled, WeightsDownloadError
from cmp_studio.cli import main

INFO = engine_weights.WeightsInfo(
    "cmp-official",
    Path("/w/cmp-official.safetensors"),
    "ab" * 32,
    preset("resnet50_skip"),
    {"a": "b"},
)


def test_fetch_when_it_arrives_then_shows_progress_in_bytes_and_how_to_use_it(monkeypatch, capsys):
    asked = []

    def fetch_weights(name, progress, *, url):
        asked.append((name, url))
        for done in (57_000_000, 114_000_000, 228_465_722):
            progress(done, 228_465_722)
        return INFO

    monkeypatch.setattr(engine_weights, "fetch_weights", fetch_weights)
    assert main(["weights", "fetch"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "cmp-official is ready: use it with --weights cmp-official\n"
    assert captured.err.splitlines() == [
        "Fetching cmp-official: 49 % (114.0 MB of 228.5 MB)",
        "Fetching cmp-official: 100 % (228.5 MB of 228.5 MB)",
    ]
    assert main(["weights", "fetch", "cmp-official", "--url", "http://mirror/x", "--json"]) == 0
    assert asked == [
        ("cmp-official", engine_weights.OFFICIAL_URL),
        ("cmp-official", "http://mirror/x"),
    ]
    result = json.loads(capsys.readouterr().out)
    assert (result["name"], result["sha256"], result["network"]) == (
        "cmp-official",
        "ab" * 32,
        "resnet50 + skip, bins",
    )


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (WeightsDownloadError("The server sent 3 bytes."), 1, "The server sent 3 bytes."),
        (Cancelled("stop"), 130, "stopped"),
    ],
)
def test_fetch_when_it_fails_then_is_one_line(monkeypatch, capsys, error, code, message):
    def fetch_weights(name, progress, *, url):
        raise error

    monkeypatch.setattr(engine_weights, "fetch_weights", fetch_weights)
    assert main(["weights", "fetch"]) == code
    assert message in capsys.readouterr().err


def test_list_when_files_are_broken_or_absent_then_says_so(monkeypatch, capsys, home):
    folder = home / "weights"
    folder.mkdir(parents=True)
    (folder / "mine.safetensors").write_bytes(b"nothing")
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines[:-2]}
    assert "BROKEN: " in rows["mine"]
    assert "228.5 MB, not here yet: get it with `cmp-studio weights fetch" in rows["cmp-official"]
    assert lines[-1].endswith(str(folder))


def test_import_when_the_file_is_foreign_then_names_it(capsys, tmp_path):
    foreign = tmp_path / "holiday.pth.tar"
    foreign.write_bytes(b"not weights")
    assert main(["weights", "import", str(foreign)]) == 1
    assert "holiday.pth.tar" in capsys.readouterr().err


def test_verify_when_there_is_nothing_then_says_so(monkeypatch, capsys):
    monkeypatch.setattr(engine_weights, "list_weights", list)
    assert main(["weights", "verify"]) == 1
    assert "no weights to verify" in capsys.readouterr().err
