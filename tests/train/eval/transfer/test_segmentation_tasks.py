"""VOC and LIP end to end: train, judge, resume, two processes, two encoders together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig
from cmp_engine.weights import save_model
from tests.train.eval.transfer.made_up import launch, make_cihp, make_lip, make_voc
from tests.train.eval.transfer.test_confusion import plain_iou
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


def plain_evaluation(runs: list[Path], images: list[Path], masks: list[Path]) -> np.ndarray:
    """Return each class's IoU, with nothing of the evaluation's own code but the network."""
    networks = []
    for run in runs:
        description = read_run(run)
        state = torch.load(run / "state.pt", weights_only=True)["network"]
        classes = state["head.4.bias"].numel()
        encoder = random_encoder(description.origin.config)
        network = SegmentationNetwork(encoder, description.recipe.head.kind, classes).eval()
        network.load_state_dict(state)
        networks.append((network, description.recipe.crop))
    predictions, truths = [], []
    for image_file, mask_file in zip(images, masks, strict=True):
        picture = np.asarray(Image.open(image_file).convert("RGB"))
        total = 0
        for network, crop in networks:
            assert not crop.fit
            values = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
            mean = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)
            std = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)
            height, width = picture.shape[:2]
            padded = torch.zeros(1, 3, -(-height // 32) * 32, -(-width // 32) * 32)
            padded[..., :height, :width] = (values - mean) / std
            with torch.no_grad():
                total = total + network(padded)[..., :height, :width].softmax(1)
        predictions.append(total[0].argmax(0).numpy())
        truths.append(np.asarray(Image.open(mask_file)))
    return plain_iou(predictions, truths, classes)


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_voc_when_judged_by_two_processes_then_the_same_numbers_as_by_one(tmp_path, weights):
    folder = make_voc(tmp_path)
    out = tmp_path / "run"
    arguments = command("voc_resnet50", folder, out, "--encoder", str(weights))
    launch("train.eval.voc", arguments, processes=2)
    by_two = scores_of(out)
    assert by_two["processes"] == 2
    judge = ["--out", str(out), "--evaluate-only", "--device", "cpu"]
    assert voc.main(judge) == 0
    by_one = scores_of(out)
    assert by_one["processes"] == 1
    assert by_one["scores"] == by_two["scores"]

    alone = tmp_path / "alone"
    assert voc.main(command("voc_resnet50", folder, alone, "--encoder", str(weights))) == 0
    ours = torch.load(alone / "state.pt", weights_only=True)["network"]
    theirs = torch.load(out / "state.pt", weights_only=True)["network"]
    for name, tensor in ours.items():
        if not name.endswith("num_batches_tracked"):  # counts this process's own
            torch.testing.assert_close(theirs[name], tensor, atol=2e-4, rtol=2e-3, msg=name)


@pytest.mark.parametrize("task", ["lip_single", "lip_multi"])
def test_lip_when_trained_with_two_encoders_then_their_mean_is_judged_too(
    tmp_path, weights, task, capsys
):
    make = make_lip if task == "lip_single" else make_cihp
    folder = make(tmp_path / "data")
    first, second = tmp_path / "first", tmp_path / "second"
    whole = ["--set", "crop.fit=false"]
    ours = command(task, folder, first, *whole, "--encoder", str(weights))
    other = command(task, folder, second, *whole, "--encoder", f"random:{weights}")
    assert lip.main(ours) == 0
    assert lip.main(other) == 0
    judge = ["--out", str(first), "--evaluate-only", "--device", "cpu", "--ensemble", str(second)]
    assert lip.main(judge) == 0

    if task == "lip_single":
        deeper = folder / "TrainVal_parsing_annotations" / "TrainVal_parsing_annotations"
        images = sorted((folder / "TrainVal_images" / "val_images").iterdir())
        masks = [deeper / "val_segmentations" / f"{path.stem}.png" for path in images]
    else:
        images, masks = files_of(folder / "Validation", "Images", "Category_ids")
    alone = plain_evaluation([first], images, masks)
    both = plain_evaluation([first, second], images, masks)

    assert scores_of(first)["scores"]["miou"] == pytest.approx(np.nanmean(alone), abs=1e-6)
    together = scores_of(first, "ensemble.json")
    assert together["scores"]["miou"] == pytest.approx(np.nanmean(both), abs=1e-6)
    assert together["with"]["encoder"]["method"] == "random"
    assert "first with second, in %: miou" in capsys.readouterr().out


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
