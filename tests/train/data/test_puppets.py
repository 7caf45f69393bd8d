import pytest
import torch
from torch.nn.functional import grid_sample, max_pool2d

from train.data.puppet_skeletons import PARTS, PROP_KINDS, PUPPET_KINDS, make_skeletons
from train.data.puppets import PuppetBatch, PuppetGenerator

SIDE = 96


@pytest.fixture(scope="module")
def generator() -> PuppetGenerator:
    return PuppetGenerator(SIDE, seed=5, is_clean=True)


@pytest.fixture(scope="module")
def batch(generator: PuppetGenerator) -> PuppetBatch:
    return generator.batch(24, 3)


def _targets(batch: PuppetBatch) -> tuple[torch.Tensor, torch.Tensor]:
    side = torch.arange(SIDE, dtype=torch.float32)
    return batch.flow[:, 0] + side, batch.flow[:, 1] + side[:, None]


def test_batch_when_asked_twice_then_the_same(generator, batch):
    again = generator.batch(24, 3)
    assert torch.equal(again.image, batch.image)
    assert torch.equal(again.flow, batch.flow)
    assert torch.equal(again.next_image, batch.next_image)


def test_batch_when_the_step_changes_then_another(generator, batch):
    assert not torch.equal(generator.batch(24, 4).flow, batch.flow)


def test_generator_when_made_again_with_the_seed_then_the_same_batch(batch):
    again = PuppetGenerator(SIDE, seed=5, is_clean=True).batch(24, 3)
    assert torch.equal(again.image, batch.image)
    other = PuppetGenerator(SIDE, seed=6, is_clean=True).batch(24, 3)
    assert not torch.equal(other.image, batch.image)


def test_batch_when_drawn_then_has_the_documented_shapes(batch):
    parts = batch.parents.shape[1]
    assert batch.image.shape == batch.next_image.shape == (24, 3, SIDE, SIDE)
    assert batch.image.dtype == batch.flow.dtype == torch.float32
    assert batch.image.min() >= 0
    assert batch.image.max() <= 255
    assert batch.flow.shape == (24, 2, SIDE, SIDE)
    assert batch.labels.shape == batch.object_ids.shape == batch.valid.shape == (24, SIDE, SIDE)
    assert batch.joints.shape == (24, parts, 2)
    assert batch.part_motion.shape == (24, parts, 2, 3)
    assert batch.labels.min() >= 0
    assert batch.labels.max() < parts
    assert batch.valid.all()


def test_size_when_not_square_then_pictures_are_that_size():
    wide = PuppetGenerator((64, 104), seed=1, with_next=False).batch(2, 0)
    assert wide.image.shape == (2, 3, 64, 104)
    assert wide.next_image.shape == (2, 3, 0, 0)
    assert not wide.visible.any()


def test_flow_when_followed_then_the_next_picture_is_the_same_there(batch):
    x, y = _targets(batch)
    grid = torch.stack([x, y], -1) * (2 / (SIDE - 1)) - 1
    warped = grid_sample(batch.next_image, grid, align_corners=True, padding_mode="border")
    error = (warped - batch.image).abs().mean(1)
    # Half-covered pixels at the outlines mix two parts that may move apart.
    inner = max_pool2d((~batch.visible)[:, None].float(), 3, 1, 1)[:, 0] == 0
    moving = batch.flow.norm(dim=1) > 1
    unmoved = (batch.next_image - batch.image).abs().mean(1)
    assert error[inner].mean() < 1.0
    assert error[inner & moving].mean() < 0.25 * unmoved[inner & moving].mean()


def test_flow_when_a_part_is_rigid_then_is_the_motion_of_its_part(batch):
    side = torch.arange(SIDE, dtype=torch.float32)
    y, x = torch.meshgrid(side, side, indexing="ij")
    here = torch.stack([x, y, torch.ones_like(x)], -1)
    for index in range(len(batch.image)):
        motion = batch.part_motion[index][batch.labels[index]]
        there = torch.einsum("hwij,hwj->hwi", motion, here)
        rigid = ~batch.is_soft[index][batch.labels[index]]
        expected = (there - here[..., :2]).permute(2, 0, 1)
        assert torch.allclose(expected[:, rigid], batch.flow[index][:, rigid], atol=2e-2)


def test_joints_when_parts_move_then_stay_joined(batch):
    one = torch.ones(1)
    for index in range(len(batch.image)):
        for part, parent in enumerate(batch.parents[index].tolist()):
            if parent == 0 or batch.is_soft[index, parent]:
                continue
            joint = torch.cat([batch.joints[index, part], one])
            with_part = batch.part_motion[index, part] @ joint
            with_parent = batch.part_motion[index, parent] @ joint
            assert torch.allclose(with_part, with_parent, atol=2e-2)


def test_parents_when_followed_then_end_at_a_root_of_the_same_object(batch):
    for index in range(len(batch.image)):
        owner = torch.zeros(batch.parents.shape[1], dtype=torch.int64)
        owner[batch.labels[index].flatten()] = batch.object_ids[index].flatten()
        for part in batch.labels[index].unique().tolist():
            steps, above = 0, part
            while above:
                assert owner[above] in (0, owner[part])  # 0: nowhere to be seen
                above = int(batch.parents[index, above])
                steps += 1
                assert steps <= PARTS


def test_background_when_the_camera_stands_then_does_not_move(batch):
    still = (batch.part_motion[:, 0] - torch.eye(2, 3)).abs().amax((1, 2)) == 0
    assert still.float().mean() > 0.6
    background = (batch.labels == 0) & still[:, None, None]
    assert batch.flow.permute(0, 2, 3, 1)[background].abs().max() < 1e-3


def test_motion_when_sampled_then_is_varied_and_bounded(batch):
    longest = batch.flow.norm(dim=1).amax((1, 2))
    assert (longest > 1).float().mean() > 0.85
    assert longest.max() < 45 * SIDE / 256 * 1.7
    moving = (batch.flow.norm(dim=1) > 1).float().mean((1, 2))
    assert (moving < 0.9).float().mean() > 0.8


def test_visible_when_a_target_leaves_the_picture_then_is_false(batch):
    x, y = _targets(batch)
    gone = (x < 0) | (y < 0) | (x > SIDE - 1) | (y > SIDE - 1)
    assert not batch.visible[gone].any()


def test_backgrounds_when_given_then_appear():
    green = torch.zeros(200, 3, 64, 64, dtype=torch.uint8)
    green[:, 1] = 200
    drawn = PuppetGenerator(64, seed=2, is_clean=True, with_next=False, backgrounds=green)
    batch = drawn.batch(12, 0)
    background = batch.image.permute(0, 2, 3, 1)[batch.labels == 0]
    is_green = (background[:, 1] > 100) & (background[:, 0] < 1) & (background[:, 2] < 1)
    assert is_green.float().mean() > 0.4


def test_noise_when_not_clean_then_changes_pictures_but_not_flow(batch):
    noisy = PuppetGenerator(SIDE, seed=5).batch(24, 3)
    assert torch.equal(noisy.flow, batch.flow)
    assert not torch.equal(noisy.image, batch.image)
    assert (noisy.image - batch.image).abs().mean() < 12


@pytest.mark.parametrize("kind", sorted(set(PUPPET_KINDS + PROP_KINDS)))
def test_skeleton_when_made_then_parents_come_first(kind):
    import numpy as np

    made = make_skeletons((kind,), 12, np.random.default_rng(0))
    assert (made["parent"][:, 0] == -1).all()
    numbers = np.arange(PARTS)
    assert (made["parent"] < np.maximum(numbers, 1)).all()
    real = made["real"] > 0
    assert real[:, 0].all()
    assert (made["start_radius"][real] > 0).all()
    assert (made["parent"][real][:, None] >= -1).all()
