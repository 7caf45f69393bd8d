"""The loss of the limb head: low for the truth, and it reaches what it should teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.modeling.attention import MotionAnswer
from cmp_engine.modeling.cmp import Guidance
from cmp_engine.modeling.lever import PLACES, inverse, place_of
from cmp_engine.modeling.limbs import FlowWithLimbs, Limbs
from train.batches import BatchSource
from train.config import Recipe, load_recipe
from train.limb_loss import _joint_entropy, outline_loss, trust_loss
from train.losses import Target
from train.step import compute_loss
from train.train_state import copy_matching, new_state, with_limb_backbone

CONFIGS = Path(__file__).parents[2] / "train" / "configs"
CPU = torch.device("cpu")


def _recipe(name: str, *, puppets: float = 1.0) -> Recipe:
    stages = f"schedule.stages=[{{until=1.0,size=64,batch=8,puppet_share={puppets}}}]"
    return load_recipe(CONFIGS / f"{name}.toml", ['data.pairs=""', stages])


def test_joint_entropy_is_lowest_at_the_true_place():
    start, arrow = torch.tensor([[40.0, 40.0]]), torch.tensor([[0.0, 8.0]])
    number, _ = place_of(torch.tensor([[70.0, 44.0]]), start, arrow)
    turns = torch.tensor([True])

    def entropy(place: int) -> float:
        scores = torch.zeros(1, PLACES + 1)
        scores[0, place] = 8
        return float(_joint_entropy(scores.log_softmax(-1), number, turns))

    found = [entropy(place) for place in range(PLACES + 1)]
    assert found.index(min(found)) in (int(number), int(number) + 1)
    assert entropy(PLACES) > 5


def test_shift_is_taught_by_the_last_entry():
    scores = torch.zeros(1, PLACES + 1)
    scores[0, PLACES] = 12

    entropy = _joint_entropy(scores.log_softmax(-1), torch.tensor([3.0]), torch.tensor([False]))

    assert float(entropy) < 0.01


def test_outline_loss_is_about_zero_for_the_truth_whatever_its_area():
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[0, 8:16, 8:20] = True
    masks[1, :, :40] = True
    logits = torch.where(masks[:, 2::4, 2::4], 20.0, -20.0)

    assert float(outline_loss(logits, masks)) == pytest.approx(0, abs=0.02)
    assert float(outline_loss(-logits, masks)) > 10


def test_limbs_learn_joints_and_outlines_and_nothing_else_changes():
    recipe = _recipe("default_limbs")
    torch.manual_seed(0)
    state = new_state(build_network(recipe.model), recipe, CPU)
    batch = BatchSource(recipe, CPU).batch(0, 0, recipe.schedule.stages[0])
    assert batch.pulls is not None
    assert batch.pulls.turns.any()

    parts = compute_loss(state.network, batch, recipe, torch.Generator().manual_seed(0))
    parts["loss"].backward()

    moved = {n for n, p in state.network.named_parameters() if p.grad is not None and p.grad.any()}
    assert all(".limbs." in name and ".trusted." not in name for name in moved)
    for name in (
        "line.5.weight",
        "shift.weight",
        "turned.weight",
        "limb.4.weight",
        "image8.weight",
    ):
        assert f"flow_decoder.limbs.{name}" in moved
    assert "image_encoder.limbs.edges.0.weight" in moved
    assert "image_encoder.limbs.backbone.stages.0.0.project.weight" in moved


def test_own_backbone_when_the_weights_have_none_then_starts_as_the_shared_one():
    torch.manual_seed(0)
    shared = build_network(replace(preset("default"), limb_backbone=False)).state_dict()
    network = build_network(preset("default"))

    copy_matching(network, with_limb_backbone(shared))

    own = network.image_encoder.limbs.backbone.state_dict()
    assert len(own) > 90
    for name, tensor in own.items():
        assert torch.equal(tensor, shared[f"image_encoder.{name}"])


def test_own_backbone_when_the_weights_have_one_then_kept():
    torch.manual_seed(0)
    source = build_network(preset("default")).state_dict()

    name = "image_encoder.limbs.backbone.stem.weight"
    assert not torch.equal(source[name], source["image_encoder.stem.weight"])
    assert torch.equal(with_limb_backbone(source)[name], source[name])


def test_trust_learns_alone():
    recipe = _recipe("default_trust")
    torch.manual_seed(0)
    state = new_state(build_network(recipe.model), recipe, CPU)
    batch = BatchSource(recipe, CPU).batch(0, 0, recipe.schedule.stages[0])

    parts = compute_loss(state.network, batch, recipe, torch.Generator().manual_seed(0))
    parts["loss"].backward()

    moved = {n for n, p in state.network.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved
    assert all(".trusted." in name for name in moved)


def test_motion_is_learned_without_the_limbs():
    recipe = _recipe("default")
    state = new_state(build_network(recipe.model), recipe, CPU)

    learned = {n for n, p in state.network.named_parameters() if p.requires_grad}

    assert learned
    assert not any(".limbs." in name for name in learned)


def test_pull_of_a_batch_has_one_arrow_each():
    recipe = _recipe("default_limbs")
    batch = BatchSource(recipe, CPU).batch(3, 1, recipe.schedule.stages[0])
    assert batch.pulls is not None
    guidance: Guidance = batch.guidance

    arrows = guidance.valid & (guidance.vectors.norm(dim=-1) > 0)
    assert (arrows.sum(1) == 1).all()
    assert arrows[:, 0].all()
    assert len(batch.pulls.image) == len(guidance.valid) == len(batch.pulls.masks)


def _turning(trust: float) -> tuple[MotionAnswer, Limbs, Target]:
    """A limb in the left half that turns as it should, and an answer that stands."""
    start, joint = torch.tensor([[12.0, 20.0]]), torch.tensor([[10.0, 60.0]])
    outline = torch.full((1, 16, 16), -30.0)
    outline[:, :, :8] = 30.0
    limbs = Limbs(
        torch.tensor([0]),
        torch.tensor([0]),
        start,
        torch.tensor([[6.0, 0.0]]),
        torch.zeros(1, PLACES, 2),
        torch.zeros(1, PLACES + 1),
        inverse(start - joint),
        outline,
        torch.tensor([trust]),
    )
    nothing, share = torch.zeros(1, 2, 16, 16), torch.zeros(1, 1, 8, 8)
    flow = FlowWithLimbs.of(nothing, share, limbs).motion((64, 64), stride=1)
    flow[..., 32:] = 0
    answer = MotionAnswer(
        torch.zeros(1, 2, 16, 16),
        torch.zeros(1, 1, 16, 16),
        torch.full((1, 1, 8, 8), 0.5),
        torch.zeros(1, 1, 2, 16, 16),
    )
    return answer, limbs, Target(flow, torch.ones(1, 64, 64, dtype=torch.bool))


def test_trust_is_taught_where_the_limb_is_right():
    assert float(trust_loss(*_turning(4.0))) < 0.05
    assert float(trust_loss(*_turning(-4.0))) > 3


def test_trust_is_forbidden_where_the_limb_is_wrong():
    answer, limbs, target = _turning(4.0)
    stands = replace(target, flow=torch.zeros_like(target.flow))

    assert float(trust_loss(answer, limbs, stands)) > 3


def test_trust_of_no_arrows_costs_nothing():
    answer, limbs, target = _turning(4.0)
    none = Limbs(*(getattr(limbs, name)[:0] for name in Limbs.__slots__))

    assert float(trust_loss(answer, none, target)) == 0
