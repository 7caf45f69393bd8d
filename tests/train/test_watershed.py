import numpy as np
import pytest
import torch
from scipy import ndimage

from train.data.puppets import PuppetGenerator
from train.watershed import (
    EDGE_SHARE,
    grid_points,
    sobel_edges,
    squared_distance,
    squared_distance_on_tensors,
    watershed_peaks,
    window_maximum,
)


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


@pytest.mark.parametrize("kernel", [15, 81])
def test_peaks_when_flow_is_of_puppets_then_equal_scipy(kernel):
    flow = PuppetGenerator(128, seed=9, with_next=False).batch(8, 0).flow
    ours = watershed_peaks(flow, kernel)
    assert ours.any()
    for mine, one in zip(ours.numpy(), flow.numpy(), strict=True):
        np.testing.assert_array_equal(mine, scipy_peaks(one, kernel))


@pytest.mark.parametrize("seed", range(4))
def test_peaks_when_flow_is_random_then_equal_scipy(seed):
    flow = smooth_flow(seed, 120, 152)
    ours = watershed_peaks(torch.from_numpy(flow)[None], 21)[0].numpy()
    np.testing.assert_array_equal(ours, scipy_peaks(flow, 21))


def test_peaks_when_nothing_moves_then_none():
    assert not watershed_peaks(torch.zeros(2, 2, 40, 40), 15).any()


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
    for measure in (squared_distance, squared_distance_on_tensors):
        np.testing.assert_array_equal(measure(edges).numpy(), np.rint(expected))


def test_distance_when_there_is_no_edge_then_infinite():
    edges = torch.zeros(2, 20, 30, dtype=torch.bool)
    edges[1, 3, 3] = True
    for measure in (squared_distance, squared_distance_on_tensors):
        distance = measure(edges)
        assert torch.isinf(distance[0]).all()
        assert torch.isfinite(distance[1]).all()


@pytest.mark.parametrize("kernel", [1, 3, 15, 81])
def test_window_maximum_when_any_kernel_then_equals_scipy(kernel):
    values = torch.rand(2, 50, 67, generator=torch.Generator().manual_seed(0))
    for mine, one in zip(window_maximum(values, kernel), values, strict=True):
        expected = ndimage.maximum_filter(one.numpy(), kernel, mode="constant", cval=-1.0)
        np.testing.assert_array_equal(mine.numpy(), expected)


def test_edges_when_flow_is_constant_then_none():
    assert not sobel_edges(torch.full((1, 2, 30, 30), 3.0)).any()


def test_grid_when_as_in_the_paper_then_four_points():
    points = grid_points(384, 384, 200)
    assert points.tolist() == [[92, 92], [292, 92], [92, 292], [292, 292]]
    assert len(grid_points(384, 384, 80)) == 25
