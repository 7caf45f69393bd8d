"""The small benchmark end to end at toy size: resumes, and its pieces are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from train.config import load_recipe
from train.data.puppets import PuppetGenerator
from train.errors import DataError, TrainConfigError
from train.eval import small, small_pool
from train.eval.deadline import Deadline
from train.eval.small import main
from train.eval.small_pool import Pool, PoolSettings, PoolSource, make_pool
from train.eval.small_tasks import PUPPET_ROLES, camvid_task, ccp_task, puppet_roles, puppet_task

CONFIGS = Path(__file__).parents[3] / "train" / "configs"
TINY = [
    "model.encoder_width=16",
    "model.image_channels=16",
    "model.decoder_channels=8",
    "schedule.steps=3",
    "schedule.warmup=1",
    "schedule.stages=[{until=1.0,size=64,batch=4}]",
    "data.pairs=",
]
PLAN = """
seeds = [0, 1]
[pool]
size = 64
puppets = 12
clips = 0
[tasks]
puppets = [4, 2]
short_side = 64
[transfer.crop]
size = 64
[transfer.head]
kind = "linear"
[transfer.schedule]
steps = 2
batch = 2
micro_batches = 1
optimizer = "adamw"
learning_rate = 1e-3
{variants}
[[table]]
title = "Toy"
variants = ["random", "pathak"]
paper = [19.8, nan]
"""


def _variants() -> str:
    texts = []
    for name in ("random", "pathak"):
        recipe = (CONFIGS / f"small_{name.replace('random', 'cmp')}.toml").as_posix()
        texts.append(
            f'[[variant]]\nname = "{name}"\nconfig = "{recipe}"\nset = {json.dumps(TINY)}\n'
            f"random = {str(name == 'random').lower()}\n"
        )
    return "\n".join(texts)


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_pool, "_FILE", 8)


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CamVid's layout with three pictures: sky over road, a label that is ignored at the left."""
    return _dataset(tmp_path_factory.mktemp("camvid"), {"Sky": 0, "Road": 3, "ignored": 11})


def _dataset(folder: Path, classes: dict[str, int]) -> Path:
    top, bottom, left = classes.values()
    for name in ("images", "masks"):
        (folder / name).mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        mask = np.full((90, 120), top, np.uint8)
        mask[45:] = bottom
        mask[:, :10] = left
        image = rng.integers(0, 60, (90, 120, 3), dtype=np.uint8) + 60 * (mask[..., None] == top)
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), image.astype(np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)
    (folder / "train.txt").write_text("a\nb\n")
    (folder / "test.txt").write_text("c\n")
    lines = [f"{number} Class{number}" for number in range(11)]
    (folder / "labels.txt").write_text("\n".join([*lines, "11 Unlabelled(ignore)"]) + "\n")
    (folder / "labels_coarse.csv").write_text(
        "label,name,coarse,coarse_name\n0,null,0,background\n3,coat,1,upper\n11,hat,2,accessory\n"
    )
    return folder


class Impatient(Deadline):
    """Time for four questions; the first training stops after one step, in the midst of it."""

    def __init__(self, minutes: float | None) -> None:
        super().__init__(minutes)
        self._asked = 0
        self._left = iter([0.0])

    def is_late(self) -> bool:
        self._asked += 1
        return self._asked > 4

    def minutes_left(self) -> float | None:
        return next(self._left, 60.0)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # half a minute alone, and much longer beside other work
def test_benchmark_when_interrupted_then_ends_with_the_scores_of_a_whole_run(
    tmp_path, streets, capsys, monkeypatch
):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.format(variants=_variants()), encoding="utf-8")
    command = [
        "--plan",
        str(plan),
        "--camvid",
        str(streets),
        "--device",
        "cpu",
        "--no-plot",
        "--out",
    ]

    assert main([*command, str(tmp_path / "whole")]) == 0
    printed = capsys.readouterr().out
    parts = [*command, str(tmp_path / "parts")]
    stops = 0
    with monkeypatch.context() as patched:
        patched.setattr(small, "Deadline", Impatient)
        while main(parts) == 0 and "go on" in capsys.readouterr().out:
            stops += 1
            assert stops < 40
    assert stops >= 3

    whole, again = (
        json.loads((tmp_path / name / "results.json").read_text())["scores"]
        for name in ("whole", "parts")
    )
    assert len(whole) == 2 * 2 * 2
    assert again == whole
    assert "| pathak |" in printed
    assert "± " in printed
    assert not list((tmp_path / "whole" / "tuning").iterdir())

    plan.write_text(
        PLAN.format(variants=_variants()).replace("steps = 2", "steps = 3"), encoding="utf-8"
    )
    assert main(parts) == 1
    assert "other settings" in capsys.readouterr().err


def test_pool_when_partly_made_then_only_the_rest_is_made(tmp_path):
    settings = PoolSettings(size=64, puppets=16, clips=0)
    late = iter([False, True])
    assert make_pool(tmp_path, settings, None, is_late=lambda: next(late)) is None
    first = tmp_path / "puppets-00.safetensors"
    before = first.stat().st_mtime_ns

    pool = make_pool(tmp_path, settings, None)

    assert pool is not None
    assert first.stat().st_mtime_ns == before
    image, flow, valid = pool.pairs["puppets"]
    assert image.shape == (16, 3, 64, 64)
    assert flow.shape == (16, 2, 64, 64)
    assert valid.shape == (16, 64, 64)
    scenes = PuppetGenerator(64, 0, with_next=False).batch(8, 1)
    torch.testing.assert_close(flow[8:].float(), scenes.flow, atol=0.02, rtol=1e-3)
    with pytest.raises(TrainConfigError, match="other settings"):
        make_pool(tmp_path, PoolSettings(size=64, puppets=24, clips=0), None)
    with pytest.raises(DataError, match=r"train\.data\.prepare"):
        make_pool(tmp_path / "clips", PoolSettings(size=64, puppets=0, clips=8), None)


def _numbered_pool() -> Pool:
    """Picture n is n grey all over, and its flow is (n, 1) px in the left half alone."""
    number = torch.arange(16).view(16, 1, 1, 1)
    image = number.expand(16, 3, 64, 64).to(torch.uint8)
    flow = torch.zeros(16, 2, 64, 64)
    flow[:, 0, :, :32] = number[..., 0].float()
    flow[:, 1, :, :32] = 1
    valid = torch.ones(16, 64, 64, dtype=torch.uint8)
    return Pool(64, {"puppets": (image, flow.half(), valid)})


def test_source_when_pairs_are_mirrored_then_flow_turns_with_the_picture():
    recipe = load_recipe(CONFIGS / "small_cmp.toml", [*TINY, "guidance.sampler=none"])
    source = PoolSource(recipe, _numbered_pool(), torch.device("cpu"))
    stage = recipe.schedule.stages[0]
    flows = torch.cat([source.batch(step, 0, stage).target.flow for step in range(12)])

    is_mirrored = flows[:, 1, 0, 0] == 0
    assert 0 < is_mirrored.sum() < len(flows)
    assert (flows[is_mirrored][:, 0, :, 32:] <= 0).all()
    assert (flows[is_mirrored][:, 1, :, 32:] == 1).all()
    assert (flows[~is_mirrored][:, 0, :, :32] >= 0).all()
    assert torch.equal(source.batch(3, 0, stage).image, source.batch(3, 0, stage).image)


def test_source_when_a_fraction_is_asked_for_then_gives_the_first_pairs_alone():
    stage_of = load_recipe(CONFIGS / "small_cmp.toml", TINY).schedule.stages[0]
    seen = {}
    for fraction in (0.25, 1.0):
        recipe = load_recipe(CONFIGS / "small_cmp.toml", [*TINY, f"data.fraction={fraction}"])
        source = PoolSource(recipe, _numbered_pool(), torch.device("cpu"))
        batches = [source.batch(step, 0, stage_of).target.flow for step in range(20)]
        seen[fraction] = set(torch.cat(batches)[:, 0].abs().amax((1, 2)).int().tolist())

    assert seen[0.25] == {0, 1, 2, 3}
    assert len(seen[1.0]) > 12


def test_source_when_the_pool_does_not_fit_then_says_why():
    wrong_size = load_recipe(
        CONFIGS / "small_cmp.toml", [*TINY, "schedule.stages=[{until=1.0,size=96,batch=4}]"]
    )
    with pytest.raises(TrainConfigError, match="96 px"):
        PoolSource(wrong_size, _numbered_pool(), torch.device("cpu"))
    clips = [*TINY[:-1], "data.pairs=x"]
    clips[-2] = "schedule.stages=[{until=1.0,size=64,batch=4,puppet_share=0.5}]"
    with pytest.raises(TrainConfigError, match="wants clips"):
        PoolSource(
            load_recipe(CONFIGS / "small_cmp.toml", clips), _numbered_pool(), torch.device("cpu")
        )


def test_puppet_roles_when_parts_hang_together_then_tell_body_limb_and_end():
    scenes = PuppetGenerator(64, 5, with_next=False).batch(8, 0)

    roles = puppet_roles(scenes)

    names = np.array(PUPPET_ROLES)
    for picture in range(8):
        parents = scenes.parents[picture].tolist()
        for part in scenes.labels[picture].unique().tolist():
            children = parents.count(part) if part else 0
            found = set(names[roles[picture][scenes.labels[picture] == part].unique().numpy()])
            if part == 0:
                assert found == {"background"}
            elif parents[part] == 0:
                assert found == {"body" if children else "thing"}
            else:
                assert found == {"end" if not children else "limb" if children == 1 else "body"}


def test_puppet_task_when_made_twice_then_is_the_same_and_train_is_not_test():
    first, second = (puppet_task(64, train=3, test=3) for _ in range(2))

    assert (first.train[0][0] == second.train[0][0]).all()
    assert (first.train[0][1] == second.train[0][1]).all()
    assert not (first.train[0][0] == first.test[0][0]).all()


def test_puppet_task_when_scenes_are_drawn_then_keeps_the_one_of_three_with_least_background():
    task = puppet_task(64, train=3, test=1)

    drawn = puppet_roles(PuppetGenerator(64, 1_000_003, with_next=False).batch(9, 0))
    shares = (drawn == 0).flatten(1).float().mean(1).view(3, 3)
    kept = torch.tensor([float((mask == 0).mean()) for _, mask in task.train.pictures])
    torch.testing.assert_close(kept, shares.amin(1))


def test_camvid_when_read_then_is_small_and_label_11_counts_for_nothing(streets):
    task = camvid_task(streets, 48)

    image, mask = task.train[0]
    assert (len(task.train), len(task.test), len(task.train.classes)) == (2, 1, 11)
    assert image.shape == (48, 64, 3)
    assert mask.shape == (48, 64)
    assert mask[4, 30] == 0
    assert mask[40, 30] == 3
    assert mask[20, 1] == 255
    assert image[4, 30].mean() > image[40, 30].mean()


def test_ccp_when_read_then_labels_are_coarse(tmp_path):
    task = ccp_task(_dataset(tmp_path, {"null": 0, "coat": 3, "hat": 11}), 90)

    assert task.train.classes == ("background", "upper", "accessory")
    assert set(np.unique(task.test[0][1])) == {0, 1, 2}


def test_data_when_half_there_then_the_sentence_names_file_and_tree(tmp_path, capsys):
    folder = _dataset(tmp_path, {"Sky": 0, "Road": 3, "ignored": 11})
    (folder / "masks" / "b.png").unlink()
    with pytest.raises(DataError, match=r"b\.png .*images/NAME\.jpg, masks/NAME\.png"):
        camvid_task(folder, 48)
    (folder / "labels_coarse.csv").write_text("label,name\n0,null\n")
    with pytest.raises(DataError, match="columns label, coarse and coarse_name"):
        ccp_task(folder, 48)

    out = ["--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main([*out, "--camvid", str(tmp_path / "nowhere")]) == 1
    assert "labels.txt" in capsys.readouterr().err
