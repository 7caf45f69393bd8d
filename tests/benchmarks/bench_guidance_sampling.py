"""Times the paper's guidance points on a batch of tensors against SciPy, image by image.

python tests/benchmarks/bench_guidance_sampling.py [--pairs data/train_pairs]

Budget: at least 20 times faster per image than SciPy for 32 flows of 384 x 384. Wall time is what
counts; the time of all cores together is printed beside it, since other work on the machine makes
wall times vary. On a CPU numba compiles the work (untimed, at the first call); ``--no-numba`` times
the way without it. With ``--pairs`` the
mean number of points on real flows is printed as well, and the same times on them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from train import watershed_cpu
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


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians for one image, ms: of wall time, and of the time of all cores."""

    wall: float
    spread: float
    cores: float


def time_of(work: Callable[[], object], repeats: int) -> Timing:
    """Return how long some work on a batch takes for one image."""
    walls, cores = [], []
    for _ in range(repeats + 1):
        started, busy = time.perf_counter(), time.process_time()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        walls.append((time.perf_counter() - started) / BATCH * 1e3)
        cores.append((time.process_time() - busy) / BATCH * 1e3)
    kept = walls[1:]
    return Timing(statistics.median(kept), max(kept) - min(kept), statistics.median(cores[1:]))


def compare(name: str, flow: torch.Tensor, repeats: int) -> None:
    """Print SciPy's time on flows (BATCH, 2, H, W), and ours on every device."""
    one_by_one = flow.numpy()
    plain = time_of(lambda: [scipy_peaks(one) for one in one_by_one], repeats)
    print(
        f"{name}: scipy {plain.wall:.3f} ms an image (spread {plain.spread:.3f}), "
        f"{plain.cores:.3f} ms of a core"
    )
    expected = np.stack([scipy_peaks(one) for one in one_by_one])
    for device in ["cpu"] + (["cuda"] if torch.cuda.is_available() else []):
        on_device = flow.to(device)
        ours = time_of(lambda f=on_device: watershed_peaks(f, KERNEL), repeats)
        differing = int((watershed_peaks(on_device, KERNEL).cpu().numpy() != expected).sum())
        what = torch.cuda.get_device_name() if device == "cuda" else "cpu"
        print(
            f"{name}: {what} {ours.wall:.3f} ms an image (spread {ours.spread:.3f}), "
            f"{ours.cores:.3f} ms of a core: {plain.wall / ours.wall:.1f} times faster (budget "
            f"{BUDGET:.0f}), {plain.cores / ours.cores:.1f} times by cores; "
            f"{differing} of {int(expected.sum())} points differ"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="folder of pairs, for real flows")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-numba", action="store_true", help="as where numba is missing")
    options = parser.parse_args()
    if options.no_numba:
        watershed_cpu.compiled_marker = lambda: None  # type: ignore[assignment]  # a stand-in
    flow = PuppetGenerator(SIDE, seed=3, with_next=False).batch(BATCH, 0).flow
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {BATCH} x {SIDE} px")
    compare("puppets", flow, options.repeats)
    if options.pairs:
        real = real_flows(options.pairs, 3 * BATCH)
        compare("clips", real[:: len(real) // BATCH][:BATCH].contiguous(), options.repeats)
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
