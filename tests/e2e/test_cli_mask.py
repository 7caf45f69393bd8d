"""``cmp-studio mask`` for real: a picture and clicks in, files out, read back."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from cmp_engine.image_io import read_image, write_image
from cmp_studio.cli import main

HEIGHT, WIDTH = 90, 120


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    cv2.circle(image, (45, 45), 22, (220, 60, 40), -1)
    path = tmp_path_factory.mktemp("photos") / "größe 1.png"
    write_image(path, image)
    return path


@pytest.fixture
def run(random_weights, capsys):
    def call(*arguments):
        capsys.readouterr()
        words = ["mask", *map(str, arguments), "--weights", random_weights, "--device", "cpu"]
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_mask_when_clicked_then_a_grey_png_of_the_picture_s_size(run, photo, tmp_path):
    out, score = tmp_path / "mask.png", tmp_path / "score.png"
    code, text, _ = run(
        photo, "--positive", "45,45", "--negative", "110,80", "-o", out, "--score", score, "--json"
    )
    assert code == 0
    values = json.loads(text)
    with Image.open(out) as picture:
        mask = np.array(picture)
    assert mask.shape == (HEIGHT, WIDTH)
    assert set(np.unique(mask)) <= {0, 255}
    assert mask[45, 45] == 255
    assert mask[80, 110] == 0
    assert values["area_px"] == (mask == 255).sum()
    assert values["fusion"] == "colors"
    assert read_image(score).shape == (HEIGHT, WIDTH, 3)


def test_list_when_one_picture_is_missing_then_the_rest_is_written_and_the_code_is_1(
    run, photo, tmp_path
):
    (tmp_path / "clicks.csv").write_text(
        "image,label,positive,negative\n"
        f'{photo},disc,"45,45","110,80"\n'
        'none.jpg,cat,"1,1",\n'
        f'{photo},far,"900,1",\n',
        encoding="utf-8",
    )
    folder = tmp_path / "out"
    code, text, notes = run("--list", tmp_path / "clicks.csv", "-o", folder, "--json")
    values = json.loads(text)
    assert code == 1
    assert values["ok"] is False
    assert len(values["failures"]) == 2
    assert "none.jpg" in notes
    assert [row["label"] for row in values["objects"]] == ["disc"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "clicks_and_times.csv",
        "coco_annotations.json",
        "größe 1.json",
        "größe 1.png",
        "größe 1_1.png",
    ]
    shapes = json.loads((folder / "größe 1.json").read_text(encoding="utf-8"))
    assert (folder / shapes["imagePath"]).resolve() == photo.resolve()


def test_list_when_files_are_chosen_then_those_alone(run, photo, tmp_path):
    (tmp_path / "clicks.csv").write_text(f'image,positive\n{photo},"45,45"\n', encoding="utf-8")
    code, text, _ = run(
        "--list", tmp_path / "clicks.csv", "-o", tmp_path / "out", "--files", "coco"
    )
    assert code == 0
    assert text.strip().endswith("out: 1 objects of 1 pictures")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["coco_annotations.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--positive", "1,1", "-o", "a.png"], "give a picture"),
        (["a.jpg", "-o", "a.png"], "--positive X,Y"),
        (["a.jpg", "--positive", "1", "-o", "a.png"], "X,Y"),
        (["a.jpg", "--positive", "1,1", "-o", "a.jpg"], "PNG"),
        (["a.jpg", "--positive", "1,1", "-o", "a.png", "--threshold", "2"], "0 to 1"),
        (["a.jpg", "--positive", "1,1", "-o", "a.png", "--zoom", "0.5"], "--zoom"),
        (["--list", "a.csv", "--positive", "1,1", "-o", "out"], "--list"),
    ],
)
def test_mask_when_used_wrongly_then_usage(run, arguments, words):
    code, _, notes = run(*arguments)
    assert code == 2
    assert words in notes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.jpg", "--positive", "1,1", "-o", "a.png"], "There is no file none.jpg"),
        (["--list", "none.csv", "-o", "out"], "There is no file none.csv"),
    ],
)
def test_mask_when_a_file_is_missing_then_one_sentence(
    run, arguments, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, _, notes = run(*arguments)
    assert code == 1
    assert words in notes
    assert list(tmp_path.iterdir()) == []


def test_mask_when_the_click_is_outside_then_one_sentence(run, photo, tmp_path):
    code, _, notes = run(photo, "--positive", "500,1", "-o", tmp_path / "mask.png")
    assert code == 1
    assert "outside of the picture of 120 x 90 px" in notes
    assert not (tmp_path / "mask.png").exists()
