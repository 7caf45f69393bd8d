"""What the probes cost beside an edit of an arrow, in one run.

Run: ``python -m tests.benchmarks.bench_probe [--weights default] [--runs 9] [--side 640]``

As the window asks them, on the picture of `bench_click`; time of the processors, of all threads,
beside that of the clock:

* ``edit``: one arrow through `MotionPredictor.predict`, edge-aware, as the window's drag.
* ``live``: what is under the cursor: the answer to one pull with isolines, painted.
* ``rigidity``: a rigidity map, 8 directions and 3 lengths: 24 predictions.
* ``rotate``: shift or rotate, in 8 directions.
* ``influence``: among 4 places, 8 directions: 32 predictions.
* ``parts``: rigid parts with 144 places: 288 predictions (with ``--runs`` / 4, at least once).
* ``parts again``: another number of parts, from the same answers.

Budget: ``live`` costs at most 1.5 edits, a map at most 1.2 edits for each of its predictions, and
another number of parts at most 10 edits.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable

import torch

from cmp_engine.device import describe_device
from cmp_engine.predictor import MotionPredictor
from cmp_engine.weights import load_model
from cmp_studio.document.scene import picture_from_bytes
from cmp_studio.pipeline.experiment import Experiment
from cmp_studio.pipeline.probe_readout import layers_of, paint
from cmp_studio.services.motion_backend import load_engine
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.probe_question import ProbeQuestion, ProbeStage
from tests.benchmarks.bench_click import make_picture, measure


def main() -> None:
    """Print what was measured."""
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; 0 leaves it alone")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--no-parts", action="store_true", help="leave out what takes longest")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    predictor = MotionPredictor(load_model(options.weights), device=options.device)
    image = make_picture(options.side)
    height, width = image.shape[:2]
    predictor.set_image(image)
    encoded = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    picture = open_picture(picture_from_bytes(encoded, "picture.png"))
    stage = ProbeStage(load_engine)
    middle = (width / 2, height / 2)
    length = min(height, width) / 24
    moved = itertools.count()  # so that no question is asked twice

    def place() -> tuple[float, float]:
        return round(middle[0] + next(moved) / 10, 2), middle[1]

    def asked(kind: str, **values: object) -> Experiment:
        return Experiment((kind,), "picture.png", "", options.weights, "", **values)  # type: ignore[arg-type]  # checked by Experiment

    def ask(experiment: Experiment, kept: list | None = None) -> object:
        question = ProbeQuestion(experiment, picture, stage, kept=[] if kept is None else kept)
        return question(predictor, lambda: False).finding

    def live() -> object:
        finding = ask(asked("response", points=(place(),), pull=(length, 0.0)))
        return paint(finding, layers_of(finding)[0], scale=length)

    around = tuple((width * x, height * y) for x in (0.4, 0.6) for y in (0.4, 0.6))
    steps: dict[str, Callable[[], object]] = {
        "edit": lambda: predictor.predict([place()], [(length, 0.0)]),
        "live": live,
        "rigidity": lambda: ask(asked("rigidity", points=(place(),), length=length)),
        "rotate": lambda: ask(asked("motion", points=(place(),), length=length)),
        "influence": lambda: ask(asked("influence", points=around, length=length)),
    }
    print(
        f"{describe_device(predictor.device)}, {torch.get_num_threads()} threads, "
        f"{width} x {height} px, {options.runs} runs, weights {options.weights}"
    )
    measure(steps, options.runs)
    if not options.no_parts:
        kept: list = []
        ask(asked("parts", length=length), kept)
        slow = {
            "edit": steps["edit"],
            "parts again": lambda: ask(asked("parts", length=length, parts=5), kept),
            "parts": lambda: ask(asked("parts", length=length)),
        }
        measure(slow, max(1, options.runs // 4))


if __name__ == "__main__":
    main()
