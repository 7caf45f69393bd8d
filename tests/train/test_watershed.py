import sys

import numpy as np
import pytest
import torch
from hypothesis import given, strategies
from scipy import ndimage

from train import watershed_cpu
from train.data.puppets import PuppetGenerator
from train.watershed import (
    EDGE_SHARE,
    grid_points,
    peaks_on_tensors,
    sobel_edges,
    squared_distance,
    watershed_peaks,
    window_maximum,
)
from train.watershed_cpu import compiled_marker, edges_of, peaks_of_batch, squared_distance_of


def scipy_peaks(flow: np.ndarray, kernel: int) -> np.ndarray:
    """The paper's recipe, one image at a time."""
    energy = sum(ndimage.sobel(flow[c], axis=a) ** 2 for c in range(2) for a in range(2))
    response = np.sqrt(energy)
    edges = response > EDGE_SHARE * max(response.max(), 0.01)
    if not edges.any():
        return np.zeros_like(edges)
    distance = ndimage.distance_transform_edt(~edges)
    highest = ndimage.maximum_filter(distance, kernel, mode="constant", cval=-1.0)
    peaks = (distance == highest) & (distance > 0)
    peaks[[0, -1]] = False
    peaks[:, [0, -1]] = False
    return peaks


def smooth_flow(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((2, height, width))
    smooth = ndimage.gaussian_filter(noise, (0, 9, 9)) * 60
    patches = ndimage.gaussian_filter(rng.standard_normal((height, width)), 12) > 0
    return (smooth * patches).astype(np.float32)


def any_flow(kind: str, seed: int, height: int, width: int) -> np.ndarray:
    """A flow of one of several kinds: few edges or many, ties or none."""
    rng = np.random.default_rng(seed)
    if kind == "smooth":
        return smooth_flow(seed, height, width)
    if kind == "noise":
        return rng.standard_normal((2, height, width)).astype(np.float32)
    flow = np.zeros((2, height, width), np.float32)
    if kind == "specks":  # single pixels that move: peaks far from edges, and ties
        for _ in range(3):
            flow[:, rng.integers(height), rng.integers(width)] = rng.integers(-9, 9, 2)
        return flow
    steps = [100, 3, 3.0001, 1] if kind == "steps" else [7, 0.1]  # responses at the very threshold
    for step in steps:
        top, left = rng.integers(height), rng.integers(width)
        flow[rng.integers(2), top:, left:] += np.float32(step)
    return flow


def compiled_peaks(flow: torch.Tensor, kernel: int) -> torch.Tensor:
    assert compiled_marker() is not None, "the tests need numba: see dependency group train"
    return watershed_peaks(flow, kernel)


def opencv_peaks(flow: torch.Tensor, kernel: int) -> torch.Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watershed_cpu, "compiled_marker", lambda: None)
        return watershed_peaks(flow, kernel)


FINDERS = [compiled_peaks, opencv_peaks, peaks_on_tensors]


@pytest.fixture(scope="module")
def puppet_flow() -> torch.Tensor:
    return PuppetGenerator(128, seed=9, with_next=False).batch(8, 0).flow


@pytest.mark.parametrize("kernel", [1, 3, 15, 31, 81])
@pytest.mark.parametrize("find", FINDERS)
def test_peaks_when_flow_is_of_puppets_then_equal_scipy(puppet_flow, find, kernel):
    ours = find(puppet_flow, kernel)
    assert ours.any()
    for mine, one in zip(ours.numpy(), puppet_flow.numpy(), strict=True):
        np.testing.assert_array_equal(mine, scipy_peaks(one, kernel))


@pytest.mark.parametrize("find", FINDERS)
@pytest.mark.parametrize("kernel", [21, 45])
@pytest.mark.parametrize("seed", range(4))
def test_peaks_when_flow_is_random_then_equal_scipy(find, kernel, seed):
    flow = smooth_flow(seed, 121, 150)
    ours = find(torch.from_numpy(flow)[None], kernel)[0].numpy()
    np.testing.assert_array_equal(ours, scipy_peaks(flow, kernel))


@pytest.mark.parametrize("find", FINDERS)
@given(
    kind=strategies.sampled_from(["smooth", "noise", "specks", "steps", "few steps"]),
    seed=strategies.integers(0, 2**31),
    height=strategies.integers(1, 110),
    width=strategies.integers(1, 110),
    half=strategies.integers(0, 60),
)
def test_peaks_when_flow_size_and_kernel_are_any_then_equal_scipy(
    find, kind, seed, height, width, half
):
    flow = any_flow(kind, seed, height, width)
    ours = find(torch.from_numpy(flow)[None], 2 * half + 1)[0].numpy()
    np.testing.assert_array_equal(ours, scipy_peaks(flow, 2 * half + 1))


@pytest.mark.parametrize("find", FINDERS)
def test_peaks_when_nothing_moves_then_none(find):
    assert not find(torch.zeros(2, 2, 40, 40), 15).any()


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("find", FINDERS)
def test_peaks_when_a_flow_is_not_finite_then_it_alone_has_none(find, value):
    flow = torch.from_numpy(np.stack([smooth_flow(seed, 96, 96) for seed in (0, 1, 0)]))
    expected = find(flow, 31)
    assert expected[0].any()
    flow[1, 0, 60, 70] = value
    expected[1] = False
    assert torch.equal(find(flow, 31), expected)


@pytest.mark.parametrize("find", [compiled_peaks, opencv_peaks])
def test_peaks_when_flow_is_transposed_or_float64_then_the_same(puppet_flow, find):
    expected = find(puppet_flow, 31)
    channels_last = puppet_flow.contiguous(memory_format=torch.channels_last)
    assert torch.equal(find(channels_last, 31), expected)
    assert torch.equal(find(puppet_flow.double(), 31), expected)


@pytest.mark.parametrize("has_numba", [True, False])
def test_peaks_when_several_threads_then_the_same(has_numba, monkeypatch):
    if not has_numba:
        monkeypatch.setattr(watershed_cpu, "compiled_marker", lambda: None)
    flow = np.stack([smooth_flow(seed, 96, 96) for seed in range(5)])
    single = peaks_of_batch(flow, 31, EDGE_SHARE, threads=1)
    assert single.any()
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(peaks_of_batch(flow, 31, EDGE_SHARE, threads=threads), single)


def test_peaks_when_there_are_no_flows_then_none():
    assert watershed_peaks(torch.zeros(0, 2, 40, 50), 15).shape == (0, 40, 50)


def test_marker_when_numba_is_missing_then_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "train.watershed_compiled", raising=False)
    assert compiled_marker.__wrapped__() is None


def test_compiled_when_no_folder_can_be_written_then_compiles_all_the_same(monkeypatch):
    module = pytest.importorskip("train.watershed_compiled")
    asked = []

    def njit(*, cache=False, **options):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(module, "njit", njit)
    assert module.compiled(len) is len
    assert asked == [True, False]


def test_peaks_when_one_square_moves_then_its_middle_and_no_border():
    flow = torch.zeros(1, 2, 61, 61)
    flow[:, 0, 20:41, 20:41] = 5
    peaks = watershed_peaks(flow, 15)
    assert peaks[0, 30, 30]
    assert not peaks[:, 0].any()
    assert not peaks[:, :, -1].any()


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3])
def test_distance_when_edges_are_random_then_equals_scipy(share):
    edges = torch.from_numpy(np.random.default_rng(1).random((3, 70, 93)) < share)
    edges[:, 5, 7] = True
    expected = np.stack([ndimage.distance_transform_edt(~e) for e in edges.numpy()]) ** 2
    np.testing.assert_array_equal(squared_distance(edges).numpy(), np.rint(expected))
    for one, wanted in zip(edges.numpy(), expected, strict=True):
        np.testing.assert_array_equal(squared_distance_of(one), np.rint(wanted))


def test_distance_when_there_is_no_edge_then_infinite():
    edges = torch.zeros(2, 20, 30, dtype=torch.bool)
    edges[1, 3, 3] = True
    distance = squared_distance(edges)
    assert torch.isinf(distance[0]).all()
    assert torch.isfinite(distance[1]).all()
    assert squared_distance_of(edges[0].numpy()) is None


@pytest.mark.parametrize("kernel", [1, 3, 15, 81])
def test_window_maximum_when_any_kernel_then_equals_scipy(kernel):
    values = torch.rand(2, 50, 67, generator=torch.Generator().manual_seed(0))
    for mine, one in zip(window_maximum(values, kernel), values, strict=True):
        expected = ndimage.maximum_filter(one.numpy(), kernel, mode="constant", cval=-1.0)
        np.testing.assert_array_equal(mine.numpy(), expected)


@pytest.mark.parametrize("kind", ["smooth", "noise", "specks", "steps", "few steps"])
@pytest.mark.parametrize("share", [EDGE_SHARE, 0.25])
def test_edges_when_responses_tie_with_the_threshold_then_equal_scipy(kind, share):
    for seed in range(5):
        flow = any_flow(kind, seed, 60, 75)
        energy = sum(ndimage.sobel(flow[c], axis=a) ** 2 for c in range(2) for a in range(2))
        response = np.sqrt(energy)
        expected = response > share * max(response.max(), 0.01)
        on_tensors = sobel_edges(torch.from_numpy(flow)[None], edge_share=share)[0].numpy()
        np.testing.assert_array_equal(on_tensors, expected)
        np.testing.assert_array_equal(edges_of(flow, share), expected)


def test_edges_when_flow_is_constant_then_none():
    assert not sobel_edges(torch.full((1, 2, 30, 30), 3.0)).any()


def test_grid_when_as_in_the_paper_then_four_points():
    points = grid_points(384, 384, 200)
    assert points.tolist() == [[92, 92], [292, 92], [92, 292], [292, 292]]
    assert len(grid_points(384, 384, 80)) == 25
