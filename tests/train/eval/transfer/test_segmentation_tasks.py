"""VOC and LIP end to end: train, judge, resume, two processes, two encoders together."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig
from cmp_engine.weights import save_model
from tests.train.eval.transfer.made_up import (
    launch,
    make_cihp,
    make_lip,
    make_voc,
    plain_evaluation,
)
from train.eval import lip, voc
from train.eval.transfer.encoder import random_encoder
from train.eval.transfer.recipe import CropSettings, load_transfer_recipe
from train.eval.transfer.results import read_run
from train.eval.transfer.segmentation import SegmentationNetwork, SegmentationTask, whole_picture

CONFIGS = Path(__file__).parents[4] / "train" / "configs"
SLIM = ModelConfig(
    image_encoder="pyramid",
    decoder="attention",
    head="regression",
    encoder_width=16,
    image_channels=32,
    motion_channels=8,
    decoder_channels=16,
    attention_heads=2,
)
TINY = [
    "encoder.image_encoder=pyramid",
    "crop.size=64",
    "schedule.steps=4",
    "schedule.batch=4",
    "schedule.micro_batches=2",
    "schedule.learning_rate=0.05",
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a tiny network, as pretraining would leave them."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "cmp.safetensors"
    save_model(build_network(SLIM), path, metadata={"data": "none"}, half=False)
    return path


def command(config: str, data: Path, out: Path, *more: str) -> list[str]:
    changes = [word for change in TINY for word in ("--set", change)]
    arguments = ["--config", str(CONFIGS / f"{config}.toml"), "--data", str(data)]
    return [*arguments, "--out", str(out), "--device", "cpu", *changes, *more]


def scores_of(run: Path, name: str = "scores.json") -> dict:
    return json.loads((run / name).read_text())


def files_of(folder: Path, images: str, masks: str) -> tuple[list[Path], list[Path]]:
    found = sorted((folder / images).iterdir())
    return found, [folder / masks / f"{path.stem}.png" for path in found]


def test_voc_when_trained_then_its_miou_is_that_of_a_plain_count(tmp_path, weights, capsys):
    folder = make_voc(tmp_path)
    out = tmp_path / "run"
    code = voc.main(
        command("voc_resnet50", folder, out, "--encoder", str(weights), "--tensorboard")
    )
    assert code == 0
    values = scores_of(out)

    images, masks = files_of(folder, "JPEGImages", "SegmentationClass")
    expected = plain_evaluation([out], images[4:], masks[4:])

    assert values["scores"]["miou"] == pytest.approx(np.nanmean(expected), abs=1e-6)
    assert values["scores"]["iou/background"] == pytest.approx(expected[0], abs=1e-6)
    assert values["encoder"]["method"] == "cmp"
    assert values["step"] == 4
    assert values["commit"]
    assert values["data"] == "4 pictures of voc train_aug, judged on 3 of val"
    assert f"miou {100 * values['scores']['miou']:.2f}" in capsys.readouterr().out
    assert list((out / "tensorboard").glob("events.*"))
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [sorted({"loss", "scores"} & set(line)) for line in lines] == [["loss"], ["scores"]]


def test_voc_when_interrupted_then_the_same_scores_in_the_end(tmp_path, weights):
    folder = make_voc(tmp_path)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    encoder = ["--encoder", str(weights)]
    assert voc.main(command("voc_resnet50", folder, whole, *encoder)) == 0
    assert voc.main(command("voc_resnet50", folder, parts, *encoder, "--minutes", "0")) == 0
    assert not (parts / "scores.json").exists()
    moved = tmp_path / "moved.safetensors"  # data and weights may lie elsewhere the next time
    moved.write_bytes(weights.read_bytes())
    moved_data = tmp_path / "elsewhere"
    folder.rename(moved_data)
    again = command("voc_resnet50", moved_data, parts, "--encoder", str(moved))
    assert voc.main(again) == 0

    assert scores_of(parts)["scores"] == scores_of(whole)["scores"]
    log = (parts / "log.jsonl").read_text()
    assert voc.main(again) == 0  # nothing is left to do
    assert (parts / "log.jsonl").read_text() == log


def task_of(config: str, root: Path) -> tuple[ModuleType, Path, list[Path], list[Path]]:
    """Return a recipe's command, its made-up data, and pictures and masks to judge on."""
    if config == "lip_single":
        folder = make_lip(root)
        masks = folder / "TrainVal_parsing_annotations" / "TrainVal_parsing_annotations"
        names = folder / "TrainVal_images" / "val_images", masks / "val_segmentations"
    elif config == "lip_multi":
        folder = make_cihp(root)
        names = folder / "Validation" / "Images", folder / "Validation" / "Category_ids"
    else:
        folder = make_voc(root)
        names = folder / "JPEGImages", folder / "SegmentationClass"
    images, masks = files_of(folder, *(str(name.relative_to(folder)) for name in names))
    judged = slice(4, None) if config == "voc_resnet50" else slice(None)
    return voc if config == "voc_resnet50" else lip, folder, images[judged], masks[judged]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", ["voc_resnet50", "lip_single", "lip_multi"])
def test_task_when_run_by_two_processes_then_the_same_numbers_as_by_one(tmp_path, weights, config):
    module, folder, images, masks = task_of(config, tmp_path / "data")
    out = tmp_path / "run"
    arguments = command(config, folder, out, "--encoder", str(weights))
    launch(module.__name__, arguments, processes=2)
    by_two = scores_of(out)
    assert by_two["processes"] == 2
    assert module.main(["--out", str(out), "--evaluate-only", "--device", "cpu"]) == 0
    by_one = scores_of(out)
    assert by_one["processes"] == 1
    assert by_one["scores"] == by_two["scores"]
    expected = np.nanmean(plain_evaluation([out], images, masks))
    assert by_two["scores"]["miou"] == pytest.approx(expected, abs=1e-6)

    alone = tmp_path / "alone"
    assert module.main(command(config, folder, alone, "--encoder", str(weights))) == 0
    ours = torch.load(alone / "state.pt", weights_only=True)["network"]
    theirs = torch.load(out / "state.pt", weights_only=True)["network"]
    for name, tensor in ours.items():
        if not name.endswith("num_batches_tracked"):  # counts this process's own
            torch.testing.assert_close(theirs[name], tensor, atol=2e-4, rtol=2e-3, msg=name)


def two_runs(
    config: str, fits: tuple[bool, bool], folder: Path, root: Path, weights: Path
) -> tuple[Path, Path]:
    """Train with pretrained and with random weights; return the folders of both runs.

    They learn enough to see more than the background, so that their mean is not one of them.
    """
    changes = ["schedule.steps=16", "schedule.optimizer=adamw", "schedule.learning_rate=0.01"]
    more = [word for change in changes for word in ("--set", change)]
    first, second = root / "first", root / "second"
    for out, fit, encoder in ((first, fits[0], weights), (second, fits[1], f"random:{weights}")):
        words = [*more, "--set", f"crop.fit={str(fit).lower()}", "--encoder", str(encoder)]
        assert lip.main(command(config, folder, out, *words)) == 0
    return first, second


@pytest.mark.parametrize(
    ("config", "fits"),
    [
        ("lip_single", (True, True)),
        ("lip_single", (True, False)),
        ("lip_multi", (False, False)),
    ],
)
def test_lip_when_trained_with_two_encoders_then_their_mean_is_judged_too(
    tmp_path, weights, config, fits, capsys
):
    _, folder, images, masks = task_of(config, tmp_path / "data")
    first, second = two_runs(config, fits, folder, tmp_path, weights)
    judge = ["--out", str(first), "--evaluate-only", "--device", "cpu", "--ensemble", str(second)]
    assert lip.main(judge) == 0

    alone = np.nanmean(plain_evaluation([first], images, masks))
    other = np.nanmean(plain_evaluation([second], images, masks))
    both = plain_evaluation([first, second], images, masks)

    assert scores_of(first)["scores"]["miou"] == pytest.approx(alone, abs=1e-6)
    together = scores_of(first, "ensemble.json")
    assert together["scores"]["miou"] == pytest.approx(np.nanmean(both), abs=1e-6)
    assert together["scores"]["iou/background"] == pytest.approx(both[0], abs=1e-6)
    assert min(abs(np.nanmean(both) - alone), abs(np.nanmean(both) - other)) > 1e-4
    assert together["encoder"]["method"] == "cmp"
    assert together["with"]["encoder"]["method"] == "random"
    assert "first with second, in %: miou" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ensemble_when_judged_by_two_processes_then_the_same_numbers_as_by_one(tmp_path, weights):
    _, folder, images, masks = task_of("lip_single", tmp_path / "data")
    first, second = two_runs("lip_single", (True, False), folder, tmp_path, weights)
    judge = ["--out", str(first), "--evaluate-only", "--device", "cpu", "--ensemble", str(second)]
    launch("train.eval.lip", judge, processes=2)
    by_two = scores_of(first, "ensemble.json")
    assert lip.main(judge) == 0
    by_one = scores_of(first, "ensemble.json")

    assert (by_one["processes"], by_two["processes"]) == (1, 2)
    assert by_one["scores"] == by_two["scores"]
    expected = np.nanmean(plain_evaluation([first, second], images, masks))
    assert by_two["scores"]["miou"] == pytest.approx(expected, abs=1e-6)


class Brightness(torch.nn.Module):
    """Answers class 1 where the picture is bright; remembers what it saw."""

    def forward(self, image):
        self.seen = image
        return torch.cat([torch.zeros_like(image[:, :1]), image.mean(1, keepdim=True)], dim=1)


@pytest.mark.parametrize("fit", [False, True])
def test_whole_picture_when_judged_then_logits_lie_where_the_picture_is(fit):
    image = np.zeros((40, 90, 3), np.uint8)
    image[:20, :45] = 255
    network = Brightness()
    crop = CropSettings(size=180, fit=fit)

    logits = whole_picture(network, image, crop, torch.device("cpu"))

    assert network.seen.shape[-2:] == ((96, 192) if fit else (64, 96))
    assert logits.shape == (2, 40, 90)
    expected = np.zeros((40, 90), int)
    expected[:20, :45] = 1
    np.testing.assert_array_equal(logits.argmax(0).numpy(), expected)


def test_lip_when_fitted_then_trained_and_judged(tmp_path, weights):
    folder = make_lip(tmp_path / "data")
    out = tmp_path / "run"
    assert lip.main(command("lip_single", folder, out, "--encoder", str(weights))) == 0
    assert read_run(out).recipe.crop.fit
    assert 0 < scores_of(out)["scores"]["miou"] <= 1


def test_ensemble_when_of_other_data_then_refused(tmp_path, weights, capsys):
    single, multi = make_lip(tmp_path / "lip"), make_cihp(tmp_path / "cihp")
    first, second = tmp_path / "first", tmp_path / "second"
    lip.main(command("lip_single", single, first, "--encoder", str(weights)))
    lip.main(command("lip_multi", multi, second, "--encoder", str(weights)))
    judge = ["--out", str(first), "--evaluate-only", "--device", "cpu", "--ensemble", str(second)]
    capsys.readouterr()
    assert lip.main(judge) == 1
    assert "must be of the same data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--encoder", "nowhere.safetensors"], "There is no weights file at nowhere.safetensors."),
        (["--data", "nowhere"], "The folder nowhere/JPEGImages is missing; expected JPEGImages/*"),
        (["--set", "schedule.micro_batches=3"], "must be divisible"),
        (["--set", "data.layout=coco"], "takes data.layout voc, and voc_resnet50 has coco"),
    ],
)
def test_command_when_the_input_is_bad_then_one_sentence(tmp_path, capsys, weights, more, words):
    folder = make_voc(tmp_path)
    out = tmp_path / "run"
    assert voc.main(command("voc_resnet50", folder, out, "--encoder", str(weights), *more)) == 1
    message = capsys.readouterr().err.strip()
    assert words in message
    assert "\n" not in message


def test_command_when_only_checked_then_says_what_it_would_do_and_leaves_nothing(
    tmp_path, capsys, weights
):
    folder = make_voc(tmp_path)
    out = tmp_path / "run"
    check = command("voc_resnet50", folder, out, "--encoder", f"random:{weights}", "--check")
    assert voc.main(check) == 0
    expected = "voc_resnet50 can be run: 4 pictures of voc train_aug, judged on 3 of val\n"
    assert capsys.readouterr().out == expected
    assert not out.exists()

    assert voc.main([*check, "--data", "nowhere"]) == 1
    assert "The folder nowhere/JPEGImages is missing" in capsys.readouterr().err


def test_command_when_stopped_by_the_user_then_says_how_to_go_on(
    tmp_path, capsys, weights, monkeypatch
):
    def stop(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(SegmentationTask, "loss", stop)
    folder = make_voc(tmp_path)
    out = tmp_path / "run"
    assert voc.main(command("voc_resnet50", folder, out, "--encoder", str(weights))) == 1
    assert "run the same command again" in capsys.readouterr().err


def test_run_when_there_is_none_to_judge_then_one_sentence(tmp_path, capsys):
    assert voc.main(["--out", str(tmp_path), "--evaluate-only"]) == 1
    assert "There is no run in" in capsys.readouterr().err
    assert voc.main(["--out", str(tmp_path)]) == 1
    assert "Give a recipe with --config" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "channels", "stride"),
    [("voc_alexnet", 4096, 32), ("voc_resnet50", 2048, 8), ("lip_single", 2048, 8)],
)
def test_network_when_of_a_shipped_recipe_then_logits_as_large_as_the_picture(
    config, channels, stride
):
    recipe = load_transfer_recipe(CONFIGS / f"{config}.toml")
    name = recipe.encoder.image_encoder
    encoder = random_encoder(ModelConfig(image_encoder=name, decoder="plain"))
    network = SegmentationNetwork(encoder, recipe.head.kind, 21).eval()
    assert (encoder.channels, encoder.stride) == (channels, stride)
    with torch.no_grad():
        assert network(torch.randn(1, 3, 64, 96)).shape == (1, 21, 64, 96)
