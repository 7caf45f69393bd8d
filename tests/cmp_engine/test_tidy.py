import numpy as np

from cmp_engine.bilateral_grid import Axis, alike_mean
from cmp_engine.tidy import relaxation_reach, relaxed, tidied


def part(speed=(20.0, 5.0)) -> np.ndarray:
    flow = np.zeros((120, 160, 2), np.float32)
    flow[40:90, 50:110] = speed
    return flow


def test_tidied_when_a_part_moves_as_one_then_keeps_it():
    assert np.abs(tidied(part()) - part()).max() < 0.05


def test_tidied_when_a_part_is_blotchy_then_moves_it_as_one():
    flow = part()
    flow[55:60, 70:76, 0] *= 0.85
    flow[70:80, 80:95] *= 1.1
    result = tidied(flow)
    inner = result[45:85, 55:105, 0]
    assert np.abs(np.diff(inner, axis=1)).max() < 1
    assert np.ptp(inner) < 0.75 * np.ptp(flow[45:85, 55:105, 0])


def test_tidied_when_an_edge_is_sharp_then_it_stays_sharp_and_in_place():
    result = tidied(part())
    assert np.array_equal(result[..., 0] > 10, part()[..., 0] > 10)


def test_tidied_when_neighbours_go_opposite_ways_then_does_not_mix_them():
    flow = part((0.0, 0.0))
    flow[40:90, 50:80] = (12, 0)
    flow[40:90, 80:110] = (-12, 0)
    assert np.abs(tidied(flow) - flow).max() < 0.1


def test_tidied_when_motion_is_too_little_to_see_then_there_is_none():
    flow = np.random.default_rng(0).normal(0, 0.02, (120, 160, 2)).astype(np.float32)
    flow[40:90, 50:110] += 20
    result = tidied(flow)
    assert not result[:30].any()
    assert not tidied(np.full((20, 20, 2), 0.01, np.float32)).any()


def test_tidied_when_motion_is_small_then_is_left_alone():
    flow = part((0.3, 0.1))
    assert np.array_equal(tidied(flow), flow)


def test_tidied_when_flow_is_linear_then_stays_linear():
    y, x = np.mgrid[:120, :160].astype(np.float32)
    flow = np.dstack([(y - 60) * 0.2, (80 - x) * 0.2])
    assert np.abs(tidied(flow) - flow)[15:-15, 15:-15].max() < 0.6


def test_tidied_when_zero_or_tiny_then_works():
    assert not tidied(np.zeros((1, 1, 2), np.float32)).any()
    assert tidied(np.full((1, 1, 2), 5, np.float32)).tolist() == [[[5, 5]]]


def test_relaxed_when_a_jump_is_loose_then_spreads_it_nearby():
    u = np.zeros((100, 100), np.float32)
    u[:, 50:] = 10
    loose = np.concatenate([row * 100 + np.array([49, 50]) for row in range(100)])
    none = np.zeros(0, np.int64)
    result, _ = relaxed(u, np.zeros_like(u), loose=loose, tight=none, step=np.full(200, 10.0))
    reach = relaxation_reach((100, 100))
    assert np.abs(np.diff(result[50])).max() < 3
    assert np.array_equal(result[:, : 50 - reach], u[:, : 50 - reach])


def test_relaxed_when_a_jump_is_tight_then_keeps_it():
    u = np.zeros((100, 100), np.float32)
    u[:, 50:] = 10
    jump = np.concatenate([row * 100 + np.array([49, 50]) for row in range(100)])
    result, _ = relaxed(
        u, np.zeros_like(u), loose=jump[:2], tight=jump[100:], step=np.full(2, 10.0)
    )
    assert np.array_equal(result[70:], u[70:])


def test_mean_when_keys_differ_then_stays_on_its_side():
    key = np.zeros((40, 40), np.float32)
    key[:, 20:] = 100
    noise = np.random.default_rng(0).normal(0, 1, (40, 40)).astype(np.float32)
    axes = (Axis.of(key, 10), Axis.of(np.zeros_like(key), 1))
    (mean,) = alike_mean((key + noise,), axes, cell_px=5)
    assert np.abs(mean - key).max() < 1
    assert (mean - key).std() < 0.4
