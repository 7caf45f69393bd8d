import numpy as np

from cmp_engine.matte import SideColors, coverage_of


def strip(mixture):
    """A picture 60 px wide: front colour left, back colour right, a mixture in columns 20..40."""
    front, back = np.float32([200, 60, 40]), np.float32([30, 90, 160])
    share = np.ones(60, np.float32)
    share[20:40] = mixture
    share[40:] = 0
    image = share[:, None] * front + (1 - share[:, None]) * back
    return np.repeat(image[None], 30, axis=0).astype(np.uint8)


def band():
    pixel = np.concatenate([row * 60 + np.arange(20, 40) for row in range(30)])
    row = np.repeat(np.arange(30), 60) * 60
    return pixel, row + 19, row + 40


def test_mixture_when_colors_are_mixed_then_is_found():
    mixture = np.linspace(1, 0, 20)
    pixel, front, back = band()
    colors = SideColors.around(pixel, front, back, strip(mixture), block=1)
    share, trust, _ = colors.mixture()
    expected = np.tile(np.clip((mixture - 0.1) / 0.8, 0, 1), 30)
    assert np.abs(share - expected).max() < 0.05
    assert trust.min() > 0.9
    assert colors.contrast().min() > 10


def test_mixture_when_sides_are_alike_then_is_not_trusted():
    image = np.random.default_rng(0).integers(0, 256, (30, 60, 3)).astype(np.uint8)
    pixel, front, back = band()
    _, trust, _ = SideColors.around(pixel, front, back, image, block=1).mixture()
    assert np.median(trust) == 0


def test_colors_when_shared_by_blocks_then_are_nearly_the_same():
    pixel, front, back = band()
    image = strip(np.linspace(1, 0, 20))
    alone = SideColors.around(pixel, front, back, image, block=1)
    shared = SideColors.around(pixel, front, back, image, block=4)
    assert shared.front.shape[0] < alone.front.shape[0] / 8
    assert np.abs(shared.front[shared.number] - alone.front[alone.number]).max() < 2
    some = shared.of(np.arange(5))
    assert np.array_equal(some.own, shared.own[:5])


def test_coverage_when_there_is_no_picture_then_is_soft_over_two_pixels():
    signed = np.float32([-3, -1.5, -0.5, 0.5, 1.5, 3])
    coverage, is_foreign = coverage_of(signed, 3, np.arange(6), (2, 3), None)
    assert coverage.tolist() == [0, 0, 0.25, 0.75, 1, 1]
    assert not is_foreign.any()


def test_coverage_when_colors_disagree_with_the_flow_then_follows_colors_within_reach():
    mixture = (np.arange(20) < 14).astype(np.float32)  # the edge is at 34, the flow says 30
    pixel, front, back = band()
    colors = SideColors.around(pixel, front, back, strip(mixture), block=1)
    signed = np.tile(29.5 - np.arange(20, 40), 30).astype(np.float32)
    coverage, _ = coverage_of(signed, 12, pixel, (30, 60), colors)
    assert (coverage.reshape(30, 20)[:, :14] == 1).all()
    assert (coverage.reshape(30, 20)[:, 14:] == 0).all()
