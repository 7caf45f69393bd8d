import numpy as np
import pytest
import torch
from scipy import ndimage

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
from train.watershed_cpu import edges_of, peaks_of_batch, squared_distance_of


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


@pytest.fixture(scope="module")
def puppet_flow() -> torch.Tensor:
    return PuppetGenerator(128, seed=9, with_next=False).batch(8, 0).flow


@pytest.mark.parametrize("kernel", [1, 15, 31, 81])
@pytest.mark.parametrize("find", [watershed_peaks, peaks_on_tensors])
def test_peaks_when_flow_is_of_puppets_then_equal_scipy(puppet_flow, find, kernel):
    ours = find(puppet_flow, kernel)
    assert ours.any()
    for mine, one in zip(ours.numpy(), puppet_flow.numpy(), strict=True):
        np.testing.assert_array_equal(mine, scipy_peaks(one, kernel))


@pytest.mark.parametrize("find", [watershed_peaks, peaks_on_tensors])
@pytest.mark.parametrize("kernel", [21, 45])
@pytest.mark.parametrize("seed", range(4))
def test_peaks_when_flow_is_random_then_equal_scipy(find, kernel, seed):
    flow = smooth_flow(seed, 121, 150)
    ours = find(torch.from_numpy(flow)[None], kernel)[0].numpy()
    np.testing.assert_array_equal(ours, scipy_peaks(flow, kernel))


@pytest.mark.parametrize("find", [watershed_peaks, peaks_on_tensors])
def test_peaks_when_nothing_moves_then_none(find):
    assert not find(torch.zeros(2, 2, 40, 40), 15).any()


def test_peaks_when_several_threads_then_the_same():
    flow = np.stack([smooth_flow(seed, 96, 96) for seed in range(5)])
    single = peaks_of_batch(flow, 31, EDGE_SHARE, threads=1)
    assert single.any()
    np.testing.assert_array_equal(peaks_of_batch(flow, 31, EDGE_SHARE, threads=3), single)


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


def test_edges_when_found_by_opencv_then_those_of_tensors():
    flow = smooth_flow(7, 60, 75)
    expected = sobel_edges(torch.from_numpy(flow)[None])[0].numpy()
    assert expected.any()
    np.testing.assert_array_equal(edges_of(flow, EDGE_SHARE), expected)


def test_edges_when_flow_is_constant_then_none():
    assert not sobel_edges(torch.full((1, 2, 30, 30), 3.0)).any()


def test_grid_when_as_in_the_paper_then_four_points():
    points = grid_points(384, 384, 200)
    assert points.tolist() == [[92, 92], [292, 92], [92, 292], [292, 292]]
    assert len(grid_points(384, 384, 80)) == 25
