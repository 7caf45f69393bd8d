import dataclasses

import numpy as np
import pytest

from cmp_engine import probe
from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig
from cmp_engine.errors import Cancelled, FlowError, GuidanceError, NotReadyError, ProbeError
from cmp_engine.predictor import MotionPredictor
from tests.cmp_engine.probe_fakes import (
    FormulaPredictor,
    parent_and_child,
    saturates_at,
    shifts,
    turns_about,
)

WIDE = (60, 80)  # height, width


@pytest.fixture(scope="module")
def real_predictor():
    """A tiny network with random weights and a random picture."""
    config = ModelConfig(
        image_encoder="resnet18",
        decoder="plain",
        propagation_strides=(1, 2),
        image_channels=8,
        motion_channels=4,
        decoder_channels=8,
        num_bins=9,
        short_side=64,
    )
    predictor = MotionPredictor(build_network(config).eval(), device="cpu")
    rng = np.random.default_rng(3)
    predictor.set_image(rng.integers(0, 256, (48, 70, 3), dtype=np.uint8))
    return predictor


# The grid


def test_grid_when_the_picture_is_large_then_is_bounded_and_maps_there_and_back():
    grid = probe.ProbeGrid.fit((600, 1000), 100)
    assert grid.grid_hw == (60, 100)
    points = np.array([[0.0, 0.0], [999.0, 599.0], [10.5, 20.25]], np.float32)
    np.testing.assert_allclose(grid.to_image(grid.to_grid(points)), points, atol=1e-3)
    np.testing.assert_allclose(grid.to_grid([-0.5, -0.5]), [-0.5, -0.5], atol=1e-6)


def test_grid_when_the_picture_is_small_then_is_the_pictures_own():
    assert probe.ProbeGrid.fit(WIDE).grid_hw == WIDE
    assert probe.ProbeGrid.fit((600, 1000), None).grid_hw == (600, 1000)


def test_grid_when_its_size_makes_no_sense_then_says_so():
    with pytest.raises(ProbeError, match="from 8 to 10000 px, got 3"):
        probe.ProbeGrid.fit(WIDE, 3)


# The live probe


def test_respond_when_everything_shifts_then_follows_whole_and_straight():
    answer = probe.respond(FormulaPredictor(shifts), (10, 20), (3, 4))
    np.testing.assert_allclose(answer.follow, 1, atol=1e-5)
    np.testing.assert_allclose(answer.magnitude, 5, atol=1e-4)
    np.testing.assert_allclose(answer.turn, 0, atol=1e-5)
    np.testing.assert_allclose(answer.angle, np.arctan2(4, 3), atol=1e-5)


def test_respond_when_asked_on_a_smaller_grid_then_flow_is_in_px_of_the_grid():
    options = probe.ProbeOptions(max_side=40)
    answer = probe.respond(FormulaPredictor(shifts), (10, 20), (3, 4), options=options)
    assert answer.flow.shape == (30, 40, 2)
    np.testing.assert_allclose(answer.flow, np.broadcast_to([1.5, 2], (30, 40, 2)), atol=1e-5)
    np.testing.assert_allclose(answer.follow, 1, atol=1e-5)


def test_respond_when_pins_are_given_then_they_are_held():
    predictor = FormulaPredictor(shifts)
    probe.respond(predictor, (10, 20), (3, 4), pins=[(1, 2), (3, 4)])
    points, pulls = predictor.calls[0]
    np.testing.assert_array_equal(points, [[10, 20], [1, 2], [3, 4]])
    np.testing.assert_array_equal(pulls, [[3, 4], [0, 0], [0, 0]])


@pytest.mark.parametrize("max_side", [80, 40])
def test_isolines_when_a_disc_fades_then_lie_at_its_radii(max_side):
    def fades(z, points, pulls):
        return pulls[0] * np.maximum(0, 1 - abs(z - (40 + 30j)) / 25)

    answer = probe.respond(
        FormulaPredictor(fades), (40, 30), (6, 0), options=probe.ProbeOptions(max_side=max_side)
    )
    assert [line.level for line in answer.isolines] == [0.25, 0.5, 0.75]
    for line in answer.isolines:
        radius = np.hypot(*(line.points - (40, 30)).T)
        np.testing.assert_allclose(radius, 25 * (1 - line.level), atol=0.9)


def test_reading_when_taken_between_pixels_then_is_bilinear_in_px_of_the_picture():
    grid = probe.ProbeGrid((20, 40), (10, 20))
    flow = np.zeros((10, 20, 2), np.float32)
    flow[..., 0] = np.arange(20)
    reading = probe.read_flow_at(flow, (9.5, 5.0), grid)  # at 4.5 of the grid
    assert (reading.u, reading.v) == pytest.approx((9.0, 0.0))
    assert (reading.magnitude, reading.angle) == pytest.approx((9.0, 0.0))


def test_line_profile_when_a_disc_turns_then_grows_across_the_line_with_distance():
    answer = probe.respond(FormulaPredictor(turns_about(20 + 30j)), (60, 30), (0, 0.4))
    profile = probe.line_profile(answer.flow, (20, 30), (70, 30), answer.grid, count=6)
    np.testing.assert_allclose(profile.distance, [0, 10, 20, 30, 40, 50], atol=1e-4)
    np.testing.assert_allclose(profile.across, profile.distance / 100, atol=1e-3)
    np.testing.assert_allclose(profile.along, 0, atol=0.01)


def test_line_profile_when_its_ends_are_one_then_says_so():
    grid = probe.ProbeGrid.fit(WIDE)
    flow = np.zeros((*WIDE, 2), np.float32)
    with pytest.raises(ProbeError, match="two different ends"):
        probe.line_profile(flow, (5, 5), (5, 5), grid)
    with pytest.raises(FlowError, match="Expected a flow of shape"):
        probe.read_flow_at(flow[:10], (5, 5), grid)


# Rigidity


def test_rigidity_when_one_half_follows_every_pull_then_it_is_rigid_and_the_rest_is_not():
    predictor = FormulaPredictor(saturates_at(1e9))
    found = probe.rigidity_map(predictor, (10, 10), direction_count=4, lengths=[2, 5])
    left = np.arange(80) < 40
    np.testing.assert_allclose(found.rigidity[:, left], 1, atol=1e-5)
    np.testing.assert_allclose(found.rigidity[:, ~left], 0)
    assert found.mask()[:, left].all()
    assert found.pulls.shape == (8, 2)
    assert found.by_direction().shape == (4, *WIDE)


def test_rigidity_when_answers_differ_by_direction_then_agreement_is_low():
    def contrary(z, points, pulls):
        return np.where(z.real < 40, pulls[0], -1j * pulls[0] * np.sign(pulls[0].real))

    found = probe.rigidity_map(FormulaPredictor(contrary), (10, 10), direction_count=2, lengths=[4])
    np.testing.assert_allclose(found.follow, 1, atol=1e-5)
    np.testing.assert_allclose(found.agreement[:, 0], 1, atol=1e-5)
    assert found.agreement[0, 79] < 0.01


# Shift or rotate


def test_shift_or_rotate_when_everything_shifts_then_says_shift():
    found = probe.shift_or_rotate(FormulaPredictor(shifts), (30, 30))
    assert found.kind == "shift"
    assert found.turning_share < 1e-3
    np.testing.assert_allclose(found.fits[0].translation, found.pulls[0], atol=1e-4)
    np.testing.assert_allclose(found.curl, 0, atol=1e-4)


def test_shift_or_rotate_when_a_disc_turns_then_finds_angle_and_center():
    pull = np.array([0.0, 2.0])
    found = probe.shift_or_rotate(FormulaPredictor(turns_about(40 + 30j)), (60, 30), pull)
    (fit,) = found.fits
    assert found.kind == "rotate"
    assert fit.angle == pytest.approx(0.1, abs=1e-3)  # 2 px at 20 px, clockwise on the screen
    assert fit.center == pytest.approx((40, 30), abs=0.1)
    assert found.center == pytest.approx((40, 30), abs=0.1)
    assert fit.residual < 0.01
    assert fit.curl == pytest.approx(2 * np.sin(0.1), abs=1e-3)
    assert found.curl[30, 40] == pytest.approx(2 * np.sin(0.1), abs=1e-3)


def test_shift_or_rotate_when_pulled_all_around_then_all_pulls_name_one_center():
    predictor = FormulaPredictor(turns_about(40 + 30j, radius=45))
    found = probe.shift_or_rotate(predictor, (60, 30), direction_count=8)
    assert found.kind == "rotate"
    assert found.center == pytest.approx((40, 30), abs=0.2)
    assert found.pulls[found.strongest][1] != 0  # a pull along the arm moves nothing


def test_shift_or_rotate_when_the_picture_is_shrunk_then_answers_in_px_of_the_picture():
    predictor = FormulaPredictor(turns_about(100 + 150j), (300, 400))
    options = probe.ProbeOptions(max_side=100)
    found = probe.shift_or_rotate(predictor, (300, 150), (0, 20), options=options)
    assert found.fits[0].center == pytest.approx((100, 150), abs=0.5)


def test_shift_or_rotate_when_another_part_does_otherwise_then_fits_the_pulled_one():
    def two_parts(z, points, pulls):
        turned = turns_about(20 + 30j)(z, points, pulls)
        return np.where(z.real < 62, turned, pulls[0] * (1 + 0.5j))

    found = probe.shift_or_rotate(FormulaPredictor(two_parts), (50, 30), (0, 4))
    assert found.fits[0].center == pytest.approx((20, 30), abs=1.5)


def test_shift_or_rotate_when_nothing_answers_then_says_still():
    found = probe.shift_or_rotate(FormulaPredictor(lambda z, points, pulls: 0 * z), (30, 30))
    assert found.kind == "still"
    assert found.turning_share == 0


def test_divergence_and_curl_when_a_flow_swells_and_turns_then_are_its_rates():
    y, x = np.mgrid[:9, :7].astype(np.float32)
    flow = np.stack([0.1 * x - 0.2 * y, 0.2 * x + 0.1 * y], -1)
    divergence, curl = probe.divergence_and_curl(flow)
    np.testing.assert_allclose(divergence, 0.2, atol=1e-5)
    np.testing.assert_allclose(curl, 0.4, atol=1e-5)


# Influence and saturation


def test_influence_when_a_child_hangs_on_a_parent_then_it_follows_but_does_not_lead():
    predictor = FormulaPredictor(parent_and_child)
    points = [(10, 30), (40, 30), (70, 30)]  # ground, parent, child
    found = probe.influence_matrix(predictor, points, direction_count=4, length=5)
    np.testing.assert_allclose(found.follow, [[1, 0, 0], [0, 1, 1], [0, 0, 1]], atol=1e-5)
    assert found.leaders() == ((1, 2),)
    assert found.asymmetry[2, 1] == pytest.approx(-1)
    assert found.by_direction.shape == (4, 3, 3)


def test_saturation_when_the_answer_is_capped_then_finds_the_cap():
    predictor = FormulaPredictor(saturates_at(10.0))
    found = probe.saturation_curve(predictor, (20, 20), (2, 0), lengths=[4, 8, 10, 16, 20])
    np.testing.assert_allclose(found.at_point, [4, 8, 10, 10, 10], atol=1e-4)
    np.testing.assert_allclose(found.gain, [1, 1, 1, 0.625, 0.5], atol=1e-5)
    np.testing.assert_allclose(found.moving_share, 0.5)
    assert found.saturates_at == 16


def test_saturation_when_there_is_no_cap_then_says_none():
    found = probe.saturation_curve(FormulaPredictor(shifts), (20, 20), (0, 1))
    assert found.saturates_at is None
    assert found.pulls[-1] == pytest.approx(20)


# Rigid parts


def test_parts_when_three_parts_hang_together_then_finds_three():
    found = probe.rigid_parts(FormulaPredictor(parent_and_child), probes=48)
    assert (found.count, found.is_chosen) == (3, True)
    truth = np.digitize(np.arange(80), [26, 53])  # ground, parent, child
    for column in range(80):
        assert set(found.labels[:, column]) == {int(found.labels[0, column])}
    columns = found.labels[0]
    np.testing.assert_array_equal(columns[:, None] == columns, truth[:, None] == truth)
    assert found.confidence.max() <= 1


def test_parts_when_the_number_is_given_then_it_is_kept():
    found = probe.rigid_parts(FormulaPredictor(parent_and_child), probes=48, count=2)
    assert (found.count, found.is_chosen) == (2, False)


def test_parts_when_a_region_is_given_then_only_it_is_probed_and_labelled():
    region = np.arange(80) >= 26
    predictor = FormulaPredictor(parent_and_child)
    found = probe.rigid_parts(predictor, probes=30, region=np.tile(region, (60, 1)))
    assert found.count == 2
    assert (found.labels[:, :26] == 0).all()
    assert (found.labels[:, 26:] > 0).all()
    assert (found.points[:, 0] >= 25.5).all()


def test_parts_when_the_region_is_wrong_then_says_so():
    predictor = FormulaPredictor(shifts)
    with pytest.raises(ProbeError, match="picture's size"):
        probe.rigid_parts(predictor, region=np.ones((4, 4), bool))
    with pytest.raises(ProbeError, match="is empty"):
        probe.rigid_parts(predictor, region=np.zeros(WIDE, bool))


# Sufficiency and comparison


def test_sufficiency_when_each_arrow_moves_its_quarter_then_grows():
    def quarters(z, points, pulls):
        moved = np.zeros_like(z)
        for point, pull in zip(points, pulls, strict=True):
            moved = np.where(abs(z.real - point.real) <= 9.5, pull, moved)
        return moved

    truth = np.zeros((*WIDE, 2), np.float32)
    truth[..., 0] = 4
    points = [(9.5, 9), (29.5, 9), (49.5, 9), (69.5, 9)]
    found = probe.sufficiency(FormulaPredictor(quarters), points, [(4, 0)] * 4, truth=truth)
    np.testing.assert_allclose(found.moving_share, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.to_last, [3, 2, 1, 0], atol=1e-5)
    np.testing.assert_allclose(found.to_truth, [3, 2, 1, 0], atol=1e-5)


def test_comparison_when_b_is_a_turned_then_says_how_far():
    a = FormulaPredictor(shifts)
    guidance = ([(10, 10)], [(3, 0)]), ([(10, 10)], [(0, 3)])
    found = probe.compare(a, guidance[0], a, guidance[1])
    assert found.mean_turn == pytest.approx(90, abs=1e-3)
    assert found.mean_distance == pytest.approx(3 * 2**0.5, abs=1e-4)
    assert (found.overlap, found.differing_share) == (1, 1)
    np.testing.assert_allclose(found.difference[0, 0], [-3, 3], atol=1e-5)


def test_comparison_when_the_pictures_differ_then_says_so():
    a, b = FormulaPredictor(shifts), FormulaPredictor(shifts, (50, 80))
    guidance = ([(10, 10)], [(3, 0)])
    with pytest.raises(ProbeError, match="must see the same picture"):
        probe.compare(a, guidance, b, guidance)


# Wrong input, stopping, real networks


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: probe.rigidity_map(p, (80, 5)), GuidanceError, "outside of the picture"),
        (lambda p: probe.influence_matrix(p, [("a", 1)] * 2), ProbeError, "pairs of numbers"),
        (lambda p: probe.respond(p, (5, 5), (0, 0)), ProbeError, "not both zero"),
        (lambda p: probe.respond(p, (5, 5), (1, np.nan)), ProbeError, "two numbers dx, dy"),
        (lambda p: probe.influence_matrix(p, []), ProbeError, "at least 2 points to probe, got 0"),
        (lambda p: probe.rigid_parts(p, points=[]), ProbeError, "at least 3 points to probe"),
        (lambda p: probe.rigid_parts(p, count=0, probes=9), ProbeError, "number of parts"),
        (lambda p: probe.rigidity_map(p, (5, 5), lengths=[]), ProbeError, "at least one"),
        (lambda p: probe.rigidity_map(p, (5, 5), lengths=[-1]), ProbeError, "above 0"),
        (lambda p: probe.shift_or_rotate(p, (5, 5), length=0), ProbeError, "above 0"),
        (lambda p: probe.rigidity_map(p, (5, 5), direction_count=0), ProbeError, "from 1 to 64"),
        (lambda p: probe.saturation_curve(p, (5, 5), (1, 0), lengths=[3]), ProbeError, "two"),
        (lambda p: probe.sufficiency(p, [], []), ProbeError, "at least one arrow"),
    ],
)
def test_probe_when_the_input_is_wrong_then_says_what(call, error, message):
    with pytest.raises(error, match=message):
        call(FormulaPredictor(shifts))


def test_probe_when_there_is_no_picture_then_says_what_to_do():
    with pytest.raises(NotReadyError, match="call set_image"):
        probe.rigidity_map(FormulaPredictor(shifts, None), (5, 5))


def test_probe_when_cancelled_then_stops_and_progress_counted_up_to_there():
    seen = []
    options = probe.ProbeOptions(
        progress=lambda done, total: seen.append((done, total)), cancelled=lambda: len(seen) == 2
    )
    with pytest.raises(Cancelled):
        probe.rigidity_map(FormulaPredictor(shifts), (5, 5), options=options)
    assert seen == [(8, 24), (16, 24)]


def test_results_when_made_then_are_frozen():
    found = probe.rigidity_map(FormulaPredictor(shifts), (5, 5), direction_count=1, lengths=[3])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.follow = None


def test_probes_when_a_real_network_answers_then_all_are_finite_and_repeatable(real_predictor):
    options = probe.ProbeOptions(max_side=32)
    ask = {"direction_count": 2, "options": options}
    first = probe.rigidity_map(real_predictor, (20, 20), lengths=[4], **ask)
    again = probe.rigidity_map(real_predictor, (20, 20), lengths=[4], **ask)
    np.testing.assert_array_equal(first.follow, again.follow)
    kind = probe.shift_or_rotate(real_predictor, (20, 20), **ask)
    assert np.isfinite([fit.residual for fit in kind.fits]).all()
    matrix = probe.influence_matrix(real_predictor, [(20, 20), (50, 30)], **ask)
    assert np.isfinite(matrix.follow).all()
    parts = probe.rigid_parts(real_predictor, probes=12, count=3, options=options)
    assert parts.labels.shape == first.grid.grid_hw
    live = probe.respond(real_predictor, (20, 20), (5, 0), options=options)
    np.testing.assert_array_equal(
        live.flow,
        real_predictor.predict([(20, 20)], [(5, 0)], size_hw=first.grid.grid_hw),
    )
