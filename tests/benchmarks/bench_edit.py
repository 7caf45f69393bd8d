"""What an edit costs against the whole network, in one run.

Run: ``python -m tests.benchmarks.bench_edit [--network resnet50_skip] [--threads 2] [--runs 9]``

On a 384 x 384 image with five arrows, in turns, so that all are disturbed alike:

* ``whole``: the network as it was trained, image and guidance each time (the published code's way).
* ``prepare``: all that depends on the image alone, batch norm folded (`set_image`).
* ``edit``: the rest, batch norm folded, to flow on the network's output grid.
* ``edit of 8``: eight guidance sets in one pass.
* ``predict``: an edit through `MotionPredictor`, upsampled to the image (bilinear and edge-aware).

Budget for ``resnet50_skip`` on two CPU cores: an edit in 0.12 s, a seventh of the whole network.

On a machine that does other work too, the CPU column with one thread is the one to trust.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from cmp_engine.build import build_network
from cmp_engine.config import PRESETS, preset
from cmp_engine.device import describe_device, resolve_device
from cmp_engine.modeling.cmp import CMP, Guidance
from cmp_engine.modeling.layers import fold_batch_norm
from cmp_engine.predictor import MotionPredictor

SIDE = 384
ARROWS = 5


def make_guidance(batch: int, device: torch.device) -> Guidance:
    """Random arrows inside the image."""
    points = torch.rand(batch, ARROWS, 2) * (SIDE - 1)
    vectors = torch.randn(batch, ARROWS, 2) * 15
    return Guidance(points, vectors, torch.ones(batch, ARROWS, dtype=torch.bool)).to(device)


def make_steps(network: CMP, device: torch.device) -> dict[str, Callable[[], object]]:
    """What is timed, by name; the first one is what the others are compared with."""
    whole = network.to(device)
    fast = fold_batch_norm(network)
    tensor = torch.randn(1, 3, SIDE, SIDE, device=device)
    one, eight = make_guidance(1, device), make_guidance(8, device)
    prepared = fast.prepare(tensor)

    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    predictor = MotionPredictor(network, device=device)
    predictor.set_image(picture)
    points, vectors = one.points[0].cpu().numpy(), one.vectors[0].cpu().numpy()

    return {
        "whole": lambda: whole.to_flow(whole(tensor, one)),
        "prepare": lambda: fast.prepare(tensor),
        "edit": lambda: fast.to_flow(fast.propagate(prepared, one, SIDE, SIDE)),
        "edit of 8": lambda: fast.to_flow(fast.propagate(prepared, eight, SIDE, SIDE)),
        "predict bilinear": lambda: predictor.predict(points, vectors, upsampling="bilinear"),
        "predict edge-aware": lambda: predictor.predict(points, vectors),
    }


def measure(step: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Seconds of one call, and seconds that the processors worked for it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start, start_busy = time.perf_counter(), time.process_time()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start, time.process_time() - start_busy


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=PRESETS, default="resnet50_skip")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = resolve_device(options.device)
    torch.manual_seed(0)
    network = build_network(preset(options.network)).eval()

    print(
        f"{options.network}, {SIDE} x {SIDE}, {describe_device(device)}, "
        f"{options.threads} threads, torch {torch.__version__}, {platform.platform()}"
    )
    with torch.inference_mode():
        steps = make_steps(network, device)
        for step in steps.values():
            measure(step, device)  # warm-up
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
        for _ in range(options.runs):
            for name, step in steps.items():
                times[name].append(measure(step, device))
    whole = statistics.median(seconds for seconds, _ in times["whole"])
    print(f"{'':20} {'median':>8} {'least':>8} {'most':>8} {'CPU':>8} ms   of whole")
    for name, values in times.items():
        seconds = [value for value, _ in values]
        busy = statistics.median(value for _, value in values)
        median = statistics.median(seconds)
        numbers = (median, min(seconds), max(seconds), busy)
        row = " ".join(f"{number * 1e3:8.1f}" for number in numbers)
        print(f"{name:20} {row}      1/{whole / median:.1f}")


if __name__ == "__main__":
    main()
