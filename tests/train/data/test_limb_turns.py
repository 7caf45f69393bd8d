"""One limb of a puppet picture turns alone: exact flow from labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from train.data.limb_turns import LimbPulls, LimbTurns, pull_limbs, turn_limbs
from train.data.puppets import PuppetBatch, PuppetGenerator
from train.guidance_sampling import flow_at

_POINTS = 4


@pytest.fixture(scope="module")
def scenes() -> PuppetBatch:
    return PuppetGenerator(96, seed=8, with_next=False).batch(10, 3)


def _turns(scenes: PuppetBatch, seed: int = 0) -> LimbTurns:
    return turn_limbs(scenes, generator=torch.Generator().manual_seed(seed), max_points=_POINTS)


def test_turn_is_rigid_about_the_joint_and_all_else_stands(scenes):
    turns = _turns(scenes)

    assert turns.has_limb.sum() > 5
    for index in torch.nonzero(turns.has_limb).squeeze(1).tolist():
        y, x = torch.nonzero(turns.flow[index].norm(dim=0) > 0.05).unbind(-1)
        before = torch.stack([x, y], -1) - turns.joints[index]
        after = before + turns.flow[index, :, y, x].T
        torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1), atol=1e-3, rtol=1e-4)
        moving = scenes.labels[index, y, x].unique()
        assert 0 not in moving
        # What moves is one part and what hangs on it.
        roots = [part for part in moving.tolist() if int(scenes.parents[index, part]) not in moving]
        assert len(roots) >= 1
        assert all(int(scenes.parents[index, part]) != 0 for part in moving.tolist())


def test_guidance_is_the_flow_and_starts_with_an_arrow(scenes):
    turns = _turns(scenes)

    there = turns.guidance.valid & turns.has_limb[:, None]
    at = flow_at(turns.flow, turns.guidance.points)
    torch.testing.assert_close(turns.guidance.vectors[there], at[there])
    lengths = turns.guidance.vectors.norm(dim=-1)
    assert (lengths[turns.has_limb, 0] > 0.05).all()
    assert (turns.guidance.valid.sum(1)[turns.has_limb] >= 1).all()


def test_same_generator_gives_the_same_and_another_one_does_not(scenes):
    one, same, other = _turns(scenes), _turns(scenes), _turns(scenes, seed=1)

    assert torch.equal(one.flow, same.flow)
    assert not torch.equal(one.flow, other.flow)


def test_picture_without_a_limb_asks_nothing(scenes):
    bare = replace(
        scenes,
        labels=torch.zeros_like(scenes.labels),
        parents=torch.zeros_like(scenes.parents),
    )

    turns = _turns(bare)

    assert not turns.has_limb.any()
    assert not turns.guidance.valid.any()
    assert (turns.flow == 0).all()


def _pulls(scenes: PuppetBatch, *, shift_share: float = 0.4) -> LimbPulls:
    generator = torch.Generator().manual_seed(2)
    return pull_limbs(scenes, generator=generator, count=6, shift_share=shift_share)


def test_pulls_start_on_what_follows_and_pins_stand(scenes):
    pulls = _pulls(scenes)

    assert pulls.turns.any()
    assert (~pulls.turns).any()
    for number in range(len(pulls.image)):
        points = pulls.guidance.points[number][pulls.guidance.valid[number]].long()
        follows = pulls.masks[number, points[:, 1], points[:, 0]]
        assert follows[0]
        assert not follows[1:].any()


def test_limb_that_turns_hangs_on_something_and_a_body_that_shifts_does_not(scenes):
    pulls = _pulls(scenes)

    for number, image in enumerate(pulls.image.tolist()):
        labels = scenes.labels[image][pulls.masks[number]].unique()
        has_root = bool((scenes.parents[image, labels] == 0).any())
        assert has_root != bool(pulls.turns[number])


def test_limb_is_that_of_the_part_under_the_arrow(scenes):
    pulls = _pulls(scenes, shift_share=0.0)

    for number, image in enumerate(pulls.image.tolist()):
        x, y = pulls.guidance.points[number, 0].long().tolist()
        above = scenes.parents[image, scenes.labels[image, y, x]]
        others = scenes.labels[image][pulls.masks[number]].unique().tolist()
        assert int(above) not in others


def test_arrow_of_a_turn_keeps_the_distance_to_its_joint(scenes):
    pulls = _pulls(scenes, shift_share=0.0)

    before = pulls.guidance.points[:, 0] - pulls.joints
    after = before + pulls.guidance.vectors[:, 0]
    torch.testing.assert_close(after.norm(dim=-1), before.norm(dim=-1), atol=1e-3, rtol=1e-4)


def test_pulls_of_a_picture_without_parts_are_none(scenes):
    bare = replace(
        scenes,
        labels=torch.zeros_like(scenes.labels),
        parents=torch.zeros_like(scenes.parents),
    )

    pulls = _pulls(bare)

    assert len(pulls.image) == 0
    assert pulls.masks.shape == (0, 96, 96)
