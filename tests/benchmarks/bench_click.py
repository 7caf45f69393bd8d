"""What a click of Annotate costs beside an edit of an arrow, in one run.

Run: ``python -m tests.benchmarks.bench_click [--weights default] [--runs 9] [--side 640]``

On one picture of noise with a bright disc, in turns, so that both are disturbed alike:

* ``edit``: one arrow through `MotionPredictor.predict`, edge-aware, as the window's drag.
* ``click``: one more click through `ClickSegmenter.mask`, features of the picture there.
* ``again``: the same clicks at another threshold, without the network, as the slider.
* ``first``: the first click on a picture that the network has not seen (encoding included).

Budget: a click costs at most twice an edit, the slider at most 50 ms for a picture of 640 px.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from cmp_engine.device import describe_device
from cmp_engine.predictor import MotionPredictor
from cmp_engine.segment import ClickSegmenter
from cmp_engine.weights import load_model


def make_picture(side: int) -> np.ndarray:
    """A disc on noise, 4 to 3."""
    height = side * 3 // 4
    rng = np.random.default_rng(0)
    picture = rng.integers(40, 120, (height, side, 3), dtype=np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    cv2.circle(picture, (side // 2, height // 2), height // 3, (220, 180, 60), -1)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--side", type=int, default=640)
    options = parser.parse_args()
    predictor = MotionPredictor(load_model(options.weights), device=options.device)
    picture = make_picture(options.side)
    height, width = picture.shape[:2]
    segmenter = ClickSegmenter(predictor)
    segmenter.set_image(picture)
    middle = (width / 2, height / 2)
    result = segmenter.mask([middle], [])

    def first() -> None:
        fresh = ClickSegmenter(predictor.twin())
        fresh.set_image(picture)
        fresh.mask([middle], [])

    steps: dict[str, Callable[[], object]] = {
        "edit": lambda: predictor.predict([middle], [(30.0, 0.0)]),
        "click": lambda: segmenter.mask([middle, (width / 2 + 9, height / 2)], [(5.0, 5.0)]),
        "again": lambda: result.at(0.6),
        "first": first,
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(options.runs):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    print(f"{describe_device(predictor.device)}, {width} x {height} px, {options.runs} runs")
    base = statistics.median(times["edit"])
    for name, taken in times.items():
        median = statistics.median(taken)
        print(
            f"{name:6} {1000 * median:8.1f} ms  {median / base:5.2f} x edit "
            f"(from {1000 * min(taken):.1f} to {1000 * max(taken):.1f})"
        )


if __name__ == "__main__":
    main()
