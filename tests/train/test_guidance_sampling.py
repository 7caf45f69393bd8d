import pytest
import torch

from cmp_engine.modeling.cmp import Guidance
from train.data.puppets import PuppetBatch, PuppetGenerator
from train.guidance_sampling import (
    MOVING_PX,
    flow_at,
    motion_edges,
    sample_artist,
    sample_grid,
    sample_guidance,
    sample_random,
    sample_uniform,
    sample_watershed,
    unguided_motion,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def scenes() -> PuppetBatch:
    return PuppetGenerator(96, seed=4, with_next=False).batch(48, 1)


def two_squares() -> torch.Tensor:
    """Two squares that move apart, far from each other."""
    flow = torch.zeros(1, 2, 96, 96)
    flow[:, 0, 20:50, 10:35] = 6
    flow[:, 1, 40:70, 60:85] = -9
    return flow


def everywhere(flow: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(flow[:, 0], dtype=torch.bool)


def test_artist_when_sampled_then_arrows_carry_the_flow_and_pins_stand_still(scenes):
    sampled = sample_artist(scenes.flow, scenes.valid, scenes.labels, generator=seeded())
    guidance = sampled.guidance
    here = flow_at(scenes.flow, guidance.points)
    length = here.norm(dim=-1)
    is_arrow = guidance.valid & (guidance.vectors.abs().amax(-1) > 0)
    is_pin = guidance.valid & ~is_arrow
    assert torch.equal(guidance.vectors[is_arrow], here[is_arrow])
    assert (length[is_arrow] > MOVING_PX).all()
    assert (length[is_pin] < 0.5).all()
    assert is_pin.any(1).float().mean() > 0.25
    assert 1 <= is_arrow.sum(1).float().mean() <= 4


def test_artist_when_sampled_often_then_mostly_one_to_three_arrows(scenes):
    counts = []
    for seed in range(6):
        guidance = sample_artist(
            scenes.flow, scenes.valid, scenes.labels, generator=seeded(seed)
        ).guidance
        counts.append((guidance.valid & (guidance.vectors.abs().amax(-1) > 0)).sum(1))
    counts = torch.cat(counts)
    assert ((counts >= 1) & (counts <= 3)).float().mean() > 0.6
    assert (counts > 3).any()


def test_artist_when_seeded_alike_then_the_same(scenes):
    first = sample_artist(scenes.flow, scenes.valid, generator=seeded(3))
    second = sample_artist(scenes.flow, scenes.valid, generator=seeded(3))
    assert torch.equal(first.guidance.points, second.guidance.points)
    assert torch.equal(first.unguided, second.unguided)


@pytest.mark.parametrize("most", [1, 2, 10])
def test_artist_when_points_are_limited_then_no_more(scenes, most):
    guidance = sample_artist(
        scenes.flow, scenes.valid, scenes.labels, generator=seeded(), max_points=most
    ).guidance
    assert guidance.points.shape[1] == most
    assert guidance.valid.any(1).all()


def test_artist_when_a_square_moves_then_points_keep_off_its_edge():
    flow = two_squares().expand(64, -1, -1, -1)
    guidance = sample_artist(flow, everywhere(flow), generator=seeded()).guidance
    edges = motion_edges(flow)
    x, y = guidance.points.long().unbind(-1)
    for dx in (-2, 0, 2):
        for dy in (-2, 0, 2):
            row, column = (y + dy).clamp(0, 95), (x + dx).clamp(0, 95)
            on_edge = edges.flatten(1).gather(1, row * 96 + column)
            assert not on_edge[guidance.valid].any()


def test_artist_when_nothing_moves_then_pins_alone():
    flow = torch.zeros(8, 2, 64, 64)
    sampled = sample_artist(flow, everywhere(flow), generator=seeded())
    assert sampled.guidance.valid.any(1).all()
    assert not sampled.guidance.vectors.any()
    assert not sampled.unguided.any()


def test_artist_when_all_moves_and_nothing_is_trusted_then_no_points():
    flow = torch.full((4, 2, 64, 64), 3.0)
    sampled = sample_artist(flow, ~everywhere(flow), generator=seeded())
    assert not sampled.guidance.valid.any()


def test_artist_when_flow_is_untrusted_then_no_points_there():
    flow = two_squares().expand(32, -1, -1, -1)
    valid = everywhere(flow).clone()
    valid[:, :, :48] = False
    guidance = sample_artist(flow, valid, generator=seeded()).guidance
    assert (guidance.points[guidance.valid][:, 0] >= 48).all()


def test_unguided_when_one_of_two_movers_has_an_arrow_then_the_other():
    flow = two_squares()
    guidance = Guidance(
        torch.tensor([[[20.0, 30.0]]]), torch.tensor([[[6.0, 0.0]]]), torch.tensor([[True]])
    )
    unguided = unguided_motion(flow, guidance)
    assert not unguided[0, 20:50, 10:35].any()
    assert unguided[0, 40:70, 60:85].all()
    assert unguided.sum() == 30 * 25


def test_unguided_when_a_pin_lies_on_a_mover_then_does_not_explain_it():
    flow = two_squares()
    pin = Guidance(torch.tensor([[[20.0, 30.0]]]), torch.zeros(1, 1, 2), torch.tensor([[True]]))
    assert unguided_motion(flow, pin)[0, 20:50, 10:35].all()


def test_unguided_when_objects_touch_then_the_flood_stays_in_one():
    flow = torch.zeros(1, 2, 64, 64)
    flow[:, 0, 10:50, 8:56] = 5
    ids = torch.zeros(1, 64, 64, dtype=torch.int64)
    ids[:, 10:50, 8:32] = 1
    ids[:, 10:50, 32:56] = 2
    guidance = Guidance(
        torch.tensor([[[16.0, 30.0]]]), torch.tensor([[[5.0, 0.0]]]), torch.tensor([[True]])
    )
    assert not unguided_motion(flow, guidance).any()
    unguided = unguided_motion(flow, guidance, ids)
    assert not unguided[0, 10:50, 8:32].any()
    assert unguided[0, 10:50, 40:56].all()


def test_watershed_when_sampled_then_peaks_and_grid_with_their_flow(scenes):
    sampled = sample_watershed(scenes.flow, kernel=31, grid_stride=50)
    guidance = sampled.guidance
    here = flow_at(scenes.flow, guidance.points)
    assert torch.equal(guidance.vectors[guidance.valid], here[guidance.valid])
    assert (guidance.valid.sum(1) >= 4).all()
    assert not sampled.unguided.any()


def test_watershed_when_flow_is_untrusted_then_points_there_are_left_out(scenes):
    nowhere = torch.zeros_like(scenes.valid)
    assert not sample_watershed(scenes.flow, valid=nowhere).guidance.valid.any()


def test_uniform_and_grid_when_sampled_then_inside_with_their_flow(scenes):
    for sampled in (
        sample_uniform(scenes.flow, generator=seeded(), count=7),
        sample_grid(scenes.flow, grid_stride=30),
    ):
        points = sampled.guidance.points
        assert points.min() >= 0
        assert points.max() <= 95
        assert torch.equal(sampled.guidance.vectors, flow_at(scenes.flow, points))
        assert sampled.guidance.valid.all()


def test_random_points_when_drawn_then_differ_in_number_about_the_mean(scenes):
    sampled = sample_random(scenes.flow, generator=seeded(), mean_count=7)

    counts = sampled.guidance.valid.sum(1)
    assert counts.min() >= 1
    assert counts.max() <= 13
    assert 5.5 < counts.float().mean() < 8.5
    points = sampled.guidance.points
    expected = flow_at(scenes.flow, points) * sampled.guidance.valid[..., None]
    assert torch.equal(sampled.guidance.vectors, expected)


def test_no_guidance_when_asked_for_then_is_an_empty_set_for_each_image(scenes):
    sampled = sample_guidance("none", scenes.flow, scenes.valid, generator=seeded())

    assert sampled.guidance.points.shape == (48, 0, 2)
    assert sampled.guidance.rasterize(96, 96).abs().sum() == 0
    assert not sampled.unguided.any()


@pytest.mark.parametrize("sampler", ["artist", "watershed", "uniform", "random", "grid"])
def test_guidance_when_any_sampler_then_is_a_batch(scenes, sampler):
    sampled = sample_guidance(
        sampler, scenes.flow, scenes.valid, scenes.labels, generator=seeded(), grid_stride=50
    )
    batch, count = sampled.guidance.valid.shape
    assert batch == 48
    assert sampled.guidance.points.shape == sampled.guidance.vectors.shape == (48, count, 2)


def test_guidance_when_some_go_to_the_watershed_then_those_have_its_points(scenes):
    paper = sample_watershed(scenes.flow, kernel=31, grid_stride=50, valid=scenes.valid).guidance
    mixed = sample_guidance(
        "artist",
        scenes.flow,
        scenes.valid,
        generator=seeded(),
        kernel=31,
        grid_stride=50,
        watershed_share=0.5,
    ).guidance
    same = [
        torch.equal(mixed.points[i][mixed.valid[i]], paper.points[i][paper.valid[i]])
        for i in range(48)
    ]
    assert 8 <= sum(same) <= 40
