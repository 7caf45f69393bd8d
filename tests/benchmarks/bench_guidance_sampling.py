"""Times the paper's guidance points on a batch of tensors against SciPy, image by image.

python tests/benchmarks/bench_guidance_sampling.py [--pairs data/train_pairs]

Budget: at least 20 times faster per image than SciPy for 32 flows of 384 x 384. On two CPU cores
that is out of reach: SciPy's transform itself is compiled code of one pass or two. It is met where
a GPU is there. With ``--pairs`` the mean number of points on real flows is printed as well.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from train.data.clips import ClipPairs, center_crop
from train.data.puppets import PuppetGenerator
from train.watershed import EDGE_SHARE, grid_points, watershed_peaks

BATCH, SIDE, KERNEL, GRID_STRIDE = 32, 384, 81, 200
BUDGET = 20.0


def scipy_peaks(flow: np.ndarray) -> np.ndarray:
    """The paper's recipe with SciPy, one image (2, H, W)."""
    energy = sum(ndimage.sobel(flow[c], axis=a) ** 2 for c in range(2) for a in range(2))
    response = np.sqrt(energy)
    edges = response > EDGE_SHARE * max(response.max(), 0.01)
    if not edges.any():
        return np.zeros_like(edges)
    distance = ndimage.distance_transform_edt(~edges)
    highest = ndimage.maximum_filter(distance, KERNEL, mode="constant", cval=-1.0)
    peaks = (distance == highest) & (distance > 0)
    peaks[[0, -1]] = False
    peaks[:, [0, -1]] = False
    return peaks


def median_ms(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return median and spread of the time for one image, ms."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append((time.perf_counter() - started) / BATCH * 1e3)
    kept = times[1:]
    return statistics.median(kept), max(kept) - min(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="folder of pairs, for the number of points")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    flow = PuppetGenerator(SIDE, seed=3, with_next=False).batch(BATCH, 0).flow
    one_by_one = flow.numpy()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {BATCH} x {SIDE} px")
    plain, spread = median_ms(lambda: [scipy_peaks(one) for one in one_by_one], options.repeats)
    print(f"scipy  {plain:7.3f} ms an image (spread {spread:.3f})")
    devices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    expected = np.stack([scipy_peaks(one) for one in one_by_one])
    for device in devices:
        on_device = flow.to(device)
        ours, spread = median_ms(lambda f=on_device: watershed_peaks(f, KERNEL), options.repeats)
        differing = int((watershed_peaks(on_device, KERNEL).cpu().numpy() != expected).sum())
        name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
        print(
            f"{device:<6} {ours:7.3f} ms an image (spread {spread:.3f}), {plain / ours:.1f} times "
            f"faster (budget {BUDGET:.0f}), {differing} points differ, {name}"
        )
    if options.pairs:
        real = real_flows(options.pairs, 96)
        points = watershed_peaks(real, KERNEL).flatten(1).sum(1).float().mean()
        grid = len(grid_points(SIDE, SIDE, GRID_STRIDE))
        print(f"{float(points):.1f} + {grid} points on {len(real)} real pairs (paper: 9.5 + 4)")


def real_flows(folder: Path, count: int) -> torch.Tensor:
    """Return flows (count, 2, SIDE, SIDE) of pairs spread over a folder."""
    pairs = ClipPairs(folder)
    numbers = np.unique(np.linspace(0, len(pairs) - 1, count).astype(int))
    flows = [center_crop(pairs.pair(int(number)), SIDE)[1] for number in numbers]
    return torch.from_numpy(np.stack(flows)).permute(0, 3, 1, 2).contiguous()


if __name__ == "__main__":
    main()
