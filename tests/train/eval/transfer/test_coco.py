"""COCO end to end: average precision as pycocotools finds it from files, in one process or two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.train.eval.transfer.made_up import launch, make_coco
from train.errors import DataError
from train.eval import coco
from train.eval.transfer import instances
from train.eval.transfer.coco_files import CocoFiles
from train.eval.transfer.instances import average_precisions, mirrored

# pycocotools is compiled against an older numpy, which warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CONFIG = Path(__file__).parents[4] / "train" / "configs" / "coco_resnet50.toml"
TINY = [
    "encoder.image_encoder=resnet18",
    "encoder.norm=train",
    "detection.short_sides=[96,128]",
    "detection.short_side=96",
    "detection.max_side=160",
    "detection.channels=32",
    "detection.proposals=16",
    "detection.detections=12",
    "schedule.steps=2",
    "schedule.batch=2",
    "schedule.micro_batches=2",
    "schedule.learning_rate=0.001",
    "schedule.warmup=0",
]


@pytest.fixture
def root(tmp_path):
    return make_coco(tmp_path / "coco")


def command(root: Path, out: Path, *more: str) -> list[str]:
    changes = [word for change in TINY for word in ("--set", change)]
    arguments = ["--config", str(CONFIG), "--data", str(root), "--out", str(out)]
    return [*arguments, "--device", "cpu", *changes, *more]


def annotations_of(root: Path) -> Path:
    return root / "annotations" / "instances_val2017.json"


def scores_of(out: Path) -> dict:
    return json.loads((out / "scores.json").read_text())


def drawn_detections(files: CocoFiles, seed: int = 0) -> list[dict]:
    """Return the truth, moved, resized and with wrong classes here and there."""
    rng = np.random.default_rng(seed)
    found = []
    for index, image_id in enumerate(files.image_ids):
        target = files.target(index)
        for box, label, mask in zip(
            target["boxes"], target["labels"], target["masks"].numpy(), strict=True
        ):
            shift = int(rng.integers(0, 5))
            runs = coco_mask.encode(np.asfortranarray(np.roll(mask, shift, axis=1)))
            runs["counts"] = runs["counts"].decode()
            left, top, right, bottom = (box + shift).tolist()
            wrong = rng.random() < 0.2
            found.append(
                {
                    "image_id": image_id,
                    "category_id": 1 if wrong else files.category_ids[int(label) - 1],
                    "score": float(rng.random()),
                    "bbox": [left, top, right - left, bottom - top],
                    "segmentation": runs,
                }
            )
    return found


def plain_precisions(root: Path, found: list[dict], folder: Path) -> dict[str, np.ndarray]:
    """Return pycocotools's twelve figures for boxes and masks, all of it from files."""
    stats = {}
    for kind, dropped in (("bbox", "segmentation"), ("segm", "bbox")):
        path = folder / f"{kind}.json"
        path.write_text(json.dumps([{k: v for k, v in d.items() if k != dropped} for d in found]))
        truth = COCO(str(annotations_of(root)))
        judge = COCOeval(truth, truth.loadRes(str(path)), kind)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        stats[kind] = judge.stats
    return stats


def test_targets_when_read_then_boxes_and_masks_agree_and_crowds_are_left_out(root):
    files = CocoFiles(root, "train2017", only_labelled=True)
    assert len(files) == 3
    assert files.classes == ("disc", "bar", "cross")
    target = files.target(0)
    assert target["labels"].tolist() == [1, 2, 3]
    for box, mask in zip(target["boxes"], target["masks"], strict=True):
        rows, columns = torch.nonzero(mask, as_tuple=True)
        edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(np.array(edges) - box.numpy()).max() < 2
    assert len(CocoFiles(root, "val2017", only_labelled=False)) == 4


def test_target_when_mirrored_then_boxes_stay_on_their_masks(root):
    files = CocoFiles(root, "train2017", only_labelled=True)
    image = torch.from_numpy(files.picture(0)).permute(2, 0, 1)
    target = files.target(0)
    flipped, there = mirrored(image, target)
    assert torch.equal(flipped[..., 0], image[..., -1])
    columns = torch.nonzero(there["masks"][1])[:, 1]
    assert abs(float(columns.min()) - float(there["boxes"][1, 0])) < 2
    back = mirrored(flipped, there)[1]
    torch.testing.assert_close(back["boxes"], target["boxes"])


@pytest.mark.parametrize("seed", [0, 1])
def test_precisions_when_counted_then_those_of_pycocotools(root, tmp_path, seed):
    files = CocoFiles(root, "val2017", only_labelled=False)
    found = drawn_detections(files, seed)
    expected = plain_precisions(root, found, tmp_path)

    scores = average_precisions(files, found)

    assert 0.1 < scores["box_ap"] < 1
    for name, kind in (("box", "bbox"), ("mask", "segm")):
        assert scores[f"{name}_ap"] == pytest.approx(expected[kind][0], abs=1e-6)
        assert scores[f"{name}/ap75"] == pytest.approx(expected[kind][2], abs=1e-6)
        assert scores[f"{name}/ap_small"] == pytest.approx(expected[kind][3], abs=1e-6)
        assert f"{name}/ap_large" not in scores  # the pictures have no large object
        assert expected[kind][5] == -1


def test_precisions_when_nothing_is_found_then_zero(root):
    scores = average_precisions(CocoFiles(root, "val2017", only_labelled=False), [])
    assert (scores["box_ap"], scores["mask_ap"]) == (0.0, 0.0)


def test_coco_when_trained_then_what_it_finds_scores_as_in_pycocotools(
    root, tmp_path, monkeypatch, capsys
):
    kept = []

    def keep(truth, found):
        kept.extend(found)
        return average_precisions(truth, found)

    monkeypatch.setattr(instances, "average_precisions", keep)
    out = tmp_path / "run"
    assert coco.main(command(root, out, "--encoder", "random", "--tensorboard")) == 0
    values = scores_of(out)
    assert kept
    expected = plain_precisions(root, kept, tmp_path)
    assert values["scores"]["box_ap"] == pytest.approx(expected["bbox"][0], abs=1e-6)
    assert values["scores"]["mask_ap"] == pytest.approx(expected["segm"][0], abs=1e-6)
    assert values["data"] == "3 pictures of COCO train2017, judged on 4 of val2017"
    line = json.loads((out / "log.jsonl").read_text().splitlines()[0])
    assert {"loss", "loss_mask", "loss_box_reg", "loss_objectness"} <= set(line)
    assert list((out / "tensorboard").glob("events.*"))
    capsys.readouterr()


def test_coco_when_interrupted_then_the_same_weights_and_scores(root, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert coco.main(command(root, whole)) == 0
    assert coco.main(command(root, parts, "--minutes", "0")) == 0
    assert not (parts / "scores.json").exists()
    assert coco.main(command(root, parts)) == 0
    assert scores_of(parts)["scores"] == scores_of(whole)["scores"]
    ours, theirs = (
        torch.load(run / "state.pt", weights_only=True)["network"] for run in (whole, parts)
    )
    for name, tensor in ours.items():
        assert torch.equal(theirs[name], tensor), name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_coco_when_judged_by_two_processes_then_the_same_numbers_as_by_one(root, tmp_path):
    out = tmp_path / "run"
    assert coco.main(command(root, out, "--set", "schedule.steps=1")) == 0
    by_one = scores_of(out)
    judge = ["--out", str(out), "--evaluate-only", "--device", "cpu"]
    launch("train.eval.coco", judge, processes=2)
    by_two = scores_of(out)
    assert (by_one["processes"], by_two["processes"]) == (1, 2)
    assert by_two["scores"] == by_one["scores"]


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda root: (root / "val2017" / "000000001002.jpg").unlink(), "1 of 4 pictures"),
        (lambda root: (root / "val2017" / "000000001002.jpg").write_bytes(b""), "1 of 4 pictures"),
        (lambda root: annotations_of(root).unlink(), "is missing"),
        (lambda root: annotations_of(root).write_text('{"images": ['), "damaged or was cut off"),
        (lambda root: annotations_of(root).write_text("{}"), "is damaged or was cut off"),
    ],
)
def test_data_when_half_there_then_one_sentence_names_the_file_and_the_tree(
    root, tmp_path, capsys, break_it, words
):
    break_it(root)
    assert coco.main(command(root, tmp_path / "run")) == 1
    message = capsys.readouterr().err.strip()
    assert words in message
    assert "expected train2017/*.jpg, val2017/*.jpg, and annotations/" in message
    assert str(root) in message
    assert "\n" not in message


def test_picture_when_of_another_size_than_annotated_then_named(root):
    files = CocoFiles(root, "val2017", only_labelled=False)
    (root / "val2017" / "000000001001.jpg").write_bytes(
        (root / "val2017" / "000000001002.jpg").read_bytes()
    )
    files.coco.imgs[1001]["width"] = 100
    with pytest.raises(DataError, match=r"has 112 x 96 px, and its annotations are for 100 x 96"):
        files.picture(0)


def test_encoder_when_no_resnet_then_one_sentence(root, tmp_path, capsys):
    out = tmp_path / "run"
    alexnet = ["--set", "encoder.image_encoder=alexnet_stride32"]
    assert coco.main(command(root, out, *alexnet)) == 1
    assert "needs a ResNet encoder" in capsys.readouterr().err
