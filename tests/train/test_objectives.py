"""The other methods' objectives: least for the perfect answer, and felt by the encoder."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from train.batches import BatchSource
from train.config import PretextSettings, Recipe, load_recipe
from train.errors import TrainConfigError
from train.losses import Target
from train.objectives import build_for, flow_similarity_loss, motion_mask_loss
from train.pretrain import main as pretrain
from train.release import release
from train.step import compute_loss

CONFIGS = Path(__file__).parents[2] / "train" / "configs"
SMALL = [
    "model.encoder_width=16",
    "model.image_channels=16",
    "model.decoder_channels=16",
    "schedule.steps=2",
    "schedule.warmup=1",
    "schedule.stages=[{until=1.0,size=64,batch=4}]",
    "data.pairs=",
]
OBJECTIVES = ("cmp", "walker", "pathak", "mahendran")


def _recipe(objective: str) -> Recipe:
    return load_recipe(CONFIGS / "small_cmp.toml", [*SMALL, f"objective={objective}"])


def _two_motions(size: int = 16) -> Target:
    """Left half goes right, right half goes up."""
    flow = torch.zeros(2, 2, size, size)
    flow[:, 0, :, : size // 2] = 4.0
    flow[:, 1, :, size // 2 :] = -4.0
    return Target(flow, torch.ones(2, size, size, dtype=torch.bool))


def _embedding(target: Target) -> torch.Tensor:
    """One direction for each of the two motions."""
    left = (target.flow[:, :1] > 0).float()
    return torch.cat([left, 1 - left], 1)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_flow_similarity_when_embeddings_group_the_motions_then_is_near_its_minimum():
    target, settings = _two_motions(), PretextSettings(samples=256)
    perfect = _embedding(target)

    best = flow_similarity_loss(perfect, target, settings, _seeded())

    # Each pixel is like the 127 others of its half and like none of the other half.
    assert float(best) == pytest.approx(math.log(127), abs=0.05)
    for other in (torch.ones_like(perfect), perfect.roll(4, dims=3), torch.randn_like(perfect)):
        assert flow_similarity_loss(other, target, settings, _seeded()) > best + 0.1


def test_flow_similarity_when_embeddings_are_free_then_descent_finds_the_motions():
    target, settings = _two_motions(), PretextSettings(samples=256)
    embedding = torch.randn(2, 4, 16, 16, generator=_seeded(), requires_grad=True)
    optimizer = torch.optim.Adam([embedding], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        flow_similarity_loss(embedding, target, settings, _seeded()).backward()
        optimizer.step()

    vectors = torch.nn.functional.normalize(embedding.detach()[0].flatten(1), dim=0)
    cosine = vectors.T @ vectors
    left = (target.flow[0, 0] > 0).flatten()
    same = left[:, None] == left
    assert cosine[same].mean() > cosine[~same].mean() + 0.5


def test_flow_similarity_when_pixels_are_not_counted_then_they_do_not_matter():
    target = _two_motions()
    counted = target.counted.clone()
    counted[:, :, 5:8] = False
    settings = PretextSettings(samples=300)
    embedding = torch.randn(2, 4, 16, 16, generator=_seeded())
    changed_flow, changed = target.flow.clone(), embedding.clone()
    changed_flow[:, :, :, 5:8] = 77.0
    changed[:, :, :, 5:8] = 5.0

    first = flow_similarity_loss(embedding, Target(target.flow, counted), settings, _seeded())
    second = flow_similarity_loss(changed, Target(changed_flow, counted), settings, _seeded())

    torch.testing.assert_close(first, second)


def test_flow_similarity_when_nothing_is_counted_then_is_zero_with_a_finite_gradient():
    target = _two_motions()
    embedding = torch.randn(2, 4, 16, 16, requires_grad=True)
    nothing = Target(target.flow, torch.zeros_like(target.counted))

    loss = flow_similarity_loss(embedding, nothing, PretextSettings(), _seeded())
    loss.backward()

    assert loss == 0
    assert embedding.grad is not None
    assert torch.isfinite(embedding.grad).all()


def test_motion_mask_loss_when_the_answer_is_the_mask_then_is_least():
    flow = torch.zeros(1, 2, 64, 64)
    flow[:, 0, 16:40, 16:40] = 3.0
    target = Target(flow, torch.ones(1, 64, 64, dtype=torch.bool))
    perfect = 20.0 * (flow[:, :1, 4::8, 4::8] > 0).float() - 10.0

    best = motion_mask_loss(perfect, target, PretextSettings())

    assert best < 1e-3
    for other in (-perfect, torch.zeros_like(perfect), perfect.roll(1, dims=2)):
        assert motion_mask_loss(other, target, PretextSettings()) > best + 0.1


def test_motion_mask_loss_when_all_moves_alike_then_says_nothing():
    target = Target(torch.full((2, 2, 64, 64), 3.0), torch.ones(2, 64, 64, dtype=torch.bool))

    assert motion_mask_loss(torch.randn(2, 1, 8, 8), target, PretextSettings()) == 0


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_gradient_when_any_objective_then_reaches_the_whole_encoder(objective):
    recipe = _recipe(objective)
    network = build_for(recipe)
    batch = BatchSource(recipe, torch.device("cpu")).batch(0, 0, recipe.schedule.stages[0])

    compute_loss(network, batch, recipe, _seeded())["loss"].backward()

    assert batch.guidance.valid.any() == (objective == "cmp")
    unreached = [
        name
        for name, parameter in network.image_encoder.named_parameters()
        # what makes features at stride 4 is for decoders that look at them
        if not name.startswith("lateral4") and (parameter.grad is None or not parameter.grad.any())
    ]
    assert unreached == []


@pytest.mark.parametrize("objective", ["pathak", "mahendran"])
def test_pretraining_when_interrupted_then_ends_like_a_whole_run(objective, tmp_path, capfd):
    changes = [part for text in [*SMALL, f"objective={objective}"] for part in ("--set", text)]
    command = ["--config", str(CONFIGS / "small_cmp.toml"), *changes]

    assert pretrain([*command, "--out", str(tmp_path / "whole"), "--tensorboard"]) == 0
    assert pretrain([*command, "--out", str(tmp_path / "parts"), "--minutes", "0"]) == 0
    assert pretrain([*command, "--out", str(tmp_path / "parts")]) == 0

    whole, parts = (
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "parts")
    )
    assert whole["step"] == parts["step"] == 2
    for name, tensor in whole["network"].items():
        assert torch.equal(parts["network"][name], tensor), name
    with pytest.raises(TrainConfigError, match="answers no flow"):
        release(tmp_path / "whole", tmp_path / "out.safetensors")


def test_recipe_when_the_objective_is_cmp_then_reads_as_before_there_were_others():
    text = load_recipe(CONFIGS / "tiny.toml").to_json()

    assert "objective" not in text
    assert "fraction" not in text
    assert '"objective": "walker"' in _recipe("walker").to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["objective=jigsaw"], "cmp, limbs, trust, walker, pathak, mahendran"),
        (["objective=walker", "model.head=regression"], "model.head = bins"),
        (["objective=pathak", "model.preset=default", "model.head=regression",
          "model.decoder=attention", "model.limb_backbone=false"], "another decoder"),
        (["objective=mahendran", "pretext.temperature=0"], "temperature"),
        (["objective=mahendran", "pretext.samples=1"], "samples"),
        (["data.fraction=0"], "fraction"),
        (["data.puppet_scenes=-1"], "puppet_scenes"),
    ],
)  # fmt: skip
def test_mistakes_are_named(changes, message):
    with pytest.raises(TrainConfigError, match=message):
        load_recipe(CONFIGS / "small_cmp.toml", [*SMALL, *changes])
