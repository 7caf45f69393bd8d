import json

import numpy as np
import pytest

from cmp_engine.image_io import write_image
from cmp_studio.cli import main, work
from tests.cmp_studio.fakes import FakePredictor


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    write_image(path, image)
    return path


@pytest.fixture(autouse=True)
def _fake_network(monkeypatch):
    monkeypatch.setattr(work, "load_predictor", lambda options, console: FakePredictor())
    monkeypatch.setattr(work, "engine_values", lambda predictor: {"weights": None})


def probe(*arguments):
    return main(["probe", *map(str, arguments)])


def test_probe_when_one_point_is_given_then_four_probes_answer_as_json(photo, tmp_path, capsys):
    out = tmp_path / "out"
    code = probe(photo, "--at", "20,20", "-o", out, "--no-report", "--max-side", 24, "--json")
    assert code == 0
    values = json.loads(capsys.readouterr().out)
    assert list(values["found"]) == ["response", "rigidity", "motion", "saturation"]
    assert values["ok"] is True
    assert all((out / name).exists() for name in ("experiment.json", "numbers.csv"))
    assert not (out / "report.html").exists()


def test_probe_when_points_arrows_and_a_b_are_given_then_adds_what_they_allow(
    photo, tmp_path, capsys
):
    out = tmp_path / "out"
    points = ["--at", "20,20", "--at", "40,30"]
    arrows = ["--arrow", "20,20,5,0", "--arrow", "40,30,0,5", "--against-arrow", "20,20,0,5"]
    small = ["--no-report", "--max-side", 24]
    assert probe(photo, *points, *arrows, "-o", out, *small, "--json") == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert list(found)[4:] == ["influence", "sufficiency", "compare"]


def test_probe_when_run_again_then_says_that_the_numbers_are_the_same(photo, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    asked = ["--what", "rigidity", "motion", "--at", "20,20", "--no-report"]
    assert probe(photo, *asked, "-o", first) == 0
    assert probe("--again", first, "-o", second, "--no-report") == 0
    assert "The numbers are the same as before." in capsys.readouterr().out
    assert (first / "numbers.csv").read_text() == (second / "numbers.csv").read_text()


def test_probe_when_the_picture_is_another_then_does_not_run_again(photo, tmp_path, capsys):
    first = tmp_path / "first"
    assert probe(photo, "--what", "response", "--at", "20,20", "--no-report", "-o", first) == 0
    write_image(photo, np.zeros((40, 60, 3), np.uint8))
    assert probe("--again", first, "-o", tmp_path / "second") == 1
    assert "is not the picture that was probed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-o", "out"], 2, "say which picture"),
        (["PHOTO", "-o", "out"], 2, "say what to probe"),
        (["PHOTO", "--at", "5", "-o", "out"], 2, "should be X,Y"),
        (["PHOTO", "--at", "5,5", "--what", "colour", "-o", "out"], 2, "invalid choice"),
        (["none.jpg", "--at", "5,5", "-o", "out"], 1, "There is no file none.jpg"),
        (["PHOTO", "--at", "500,5", "-o", "out"], 1, "outside of the picture"),
        (["PHOTO", "--at", "5,5", "-o", "none/out"], 1, "does not exist"),
        (["PHOTO", "--what", "influence", "--at", "5,5", "-o", "out"], 1, "at least two points"),
        (["PHOTO", "--at", "5,5", "--max-side", "2", "-o", "out"], 1, "from 8 to"),
        (["--again", "none", "-o", "out"], 1, "There is no experiment at none"),
    ],
)
def test_probe_when_the_input_is_wrong_then_says_one_sentence(
    photo, tmp_path, monkeypatch, capsys, arguments, code, message
):
    monkeypatch.chdir(tmp_path)
    given = [str(photo) if argument == "PHOTO" else argument for argument in arguments]
    assert probe(*given) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_list_when_some_rows_fail_then_each_is_named_and_the_rest_is_written(
    photo, tmp_path, capsys
):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "list.csv").write_text(
        "image,at\n"
        'photo.png,"20,20"\n'
        'none.png,"20,20"\n'
        'broken.png,"20,20"\n'
        'photo.png,"900,1"\n'
        'photo.png,"left"\n'
        "photo.png,\n"
        'photo.png,"30,10"\n',
        encoding="utf-8",
    )
    out = tmp_path / "out"
    asked = ["--list", tmp_path / "list.csv", "-o", out, "--no-report", "--max-side", 24]
    assert probe(*asked, "--json") == 1
    captured = capsys.readouterr()
    values = json.loads(captured.out)
    assert values["ok"] is False
    assert [list(row["found"]) for row in values["pictures"]] == [
        ["response", "rigidity", "motion", "saturation"]
    ] * 2
    assert sorted(path.name for path in out.iterdir()) == ["photo", "photo-2"]
    assert len(values["failures"]) == 5
    notes = captured.err
    for words in ("none.png", "broken.png", "outside of the picture", "'left'", "no place"):
        assert words in notes
    assert "Traceback" not in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no file"),
        ("image,at\n", "has no rows"),
        ("picture\na.png\n", "should begin with the columns image,at"),
        (b"\xff\xfe\x00", "is no text in UTF-8"),
    ],
)
def test_list_when_the_file_is_wrong_then_says_one_sentence(tmp_path, capsys, text, message):
    path = tmp_path / "list.csv"
    if isinstance(text, bytes):
        path.write_bytes(text)
    elif text is not None:
        path.write_text(text)
    assert probe("--list", path, "-o", tmp_path / "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_list_when_a_picture_is_named_too_then_usage(photo, capsys):
    assert probe(photo, "--list", "a.csv", "-o", "out") == 2
    assert "--list names the pictures" in capsys.readouterr().err


def test_probe_when_asked_for_help_then_shows_examples(capsys):
    assert probe("--help") == 0
    out = capsys.readouterr().out
    assert "examples:\n  cmp-studio probe" in out
    assert max(len(line) for line in out.splitlines()) <= 100
