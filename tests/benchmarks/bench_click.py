"""What a click of Annotate costs beside an edit of an arrow, in one run.

Run: ``python -m tests.benchmarks.bench_click [--weights default] [--runs 9] [--side 640]``

On one picture of noise with a bright disc, in turns, so that all are disturbed alike; time of the
processors, of all threads, beside that of the clock:

* ``edit``: one arrow through `MotionPredictor.predict`, edge-aware, as the window's drag.
* ``click``: one more click through `ClickSegmenter.mask`, features of the picture there.
* ``small``: the same on a small object, which is looked at in a crop that was made before.
* ``known``: the same clicks again: going back, or another zoom that shows the same part.
* ``threshold``: the same clicks at another threshold, as the slider.
* ``first``: the first click on a picture that the network has not seen (encoding included).

Budget: a click costs at most 3 edits (it asks the network in two directions), one on a small object
at most 5, what is known at most half an edit, and the threshold at most 10 ms at 640 px.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch

from cmp_engine.device import describe_device
from cmp_engine.predictor import MotionPredictor
from cmp_engine.segment import ClickSegmenter
from cmp_engine.weights import load_model


def make_picture(side: int) -> np.ndarray:
    """A large and a small disc on noise, 4 to 3."""
    height = side * 3 // 4
    rng = np.random.default_rng(0)
    picture = rng.integers(40, 120, (height, side, 3), dtype=np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    cv2.circle(picture, (side // 2, height // 2), height // 3, (220, 180, 60), -1)
    cv2.circle(picture, small_place(side), height // 24, (60, 90, 230), -1)
    return picture


def small_place(side: int) -> tuple[int, int]:
    """The middle of the small disc."""
    return side // 8, side * 3 // 4 // 8


def measure(steps: dict[str, Callable[[], object]], runs: int) -> None:
    """Make the steps in turns and print the median times beside those of the first one."""
    wall: dict[str, list[float]] = {name: [] for name in steps}
    cpu: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(runs):
        for name, step in steps.items():
            start, worked = time.perf_counter(), time.process_time()
            step()
            cpu[name].append(time.process_time() - worked)
            wall[name].append(time.perf_counter() - start)
    first = next(iter(steps))
    base_cpu, base_wall = statistics.median(cpu[first]), statistics.median(wall[first])
    print(f"{'':12} {'CPU, ms':>9} {'ratio':>7}   {'clock, ms':>9} {'ratio':>7}   (from, to)")
    for name in steps:
        worked, taken = statistics.median(cpu[name]), statistics.median(wall[name])
        print(
            f"{name:12} {1000 * worked:9.1f} {worked / base_cpu:7.2f}   {1000 * taken:9.1f} "
            f"{taken / base_wall:7.2f}   ({1000 * min(wall[name]):.0f}, "
            f"{1000 * max(wall[name]):.0f})"
        )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; 0 leaves it alone")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--side", type=int, default=640)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    predictor = MotionPredictor(load_model(options.weights), device=options.device)
    picture = make_picture(options.side)
    height, width = picture.shape[:2]
    segmenter = ClickSegmenter(predictor)
    segmenter.set_image(picture)
    middle, small = (width / 2, height / 2), small_place(options.side)
    result = segmenter.mask([middle], [])
    moved = itertools.count()  # so that no answer is known already

    def first() -> None:
        fresh = ClickSegmenter(predictor.twin())
        fresh.set_image(picture)
        fresh.mask([middle], [])

    def click() -> None:
        nearby = width / 2 + 9 + next(moved) / 50
        segmenter.mask([middle, (nearby, height / 2)], [(5.0, 5.0)])

    def click_small() -> None:
        segmenter.mask([(small[0] + next(moved) / 50, small[1])], [])

    if segmenter.mask([small], []).box.height == height:
        print("The small object was not looked at in a crop.")
    steps: dict[str, Callable[[], object]] = {
        "edit": lambda: predictor.predict([middle], [(30.0, 0.0)]),
        "click": click,
        "small": click_small,
        "known": lambda: segmenter.mask([middle], []),
        "threshold": lambda: result.at(0.6),
        "first": first,
    }
    print(
        f"{describe_device(predictor.device)}, {torch.get_num_threads()} threads, "
        f"{width} x {height} px, {options.runs} runs, weights {options.weights}"
    )
    measure(steps, options.runs)


if __name__ == "__main__":
    main()
