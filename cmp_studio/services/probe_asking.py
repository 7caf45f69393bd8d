"""From what is on the board to what a probe asks, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from cmp_studio.document.probe_board import ProbeBoard, wrapped
from cmp_studio.pipeline.experiment import Experiment, ProbeKind


def asked_by(
    blank: Experiment, kind: ProbeKind, board: ProbeBoard, image_hw: tuple[int, int]
) -> Experiment:
    """Return what one probe asks, with nothing in it that does not matter to that probe.

    Args:
        blank: An experiment with the picture and the weights.
        kind: Which probe.
        board: What is on the picture.
        image_hw: Size of the picture, px.

    Raises:
        ExperimentError: Something is missing.
    """
    length = round(board.pull_length(image_hw), 4)
    pull = board.pull(image_hw)
    ask: dict[ProbeKind, Callable[[], Experiment]] = {
        "response": lambda: replace(blank, kinds=(kind,), points=board.points[:1], pull=pull),
        "rigidity": lambda: replace(
            blank,
            kinds=(kind,),
            points=board.points[:1],
            length=length,
            directions=board.directions,
        ),
        "motion": lambda: replace(
            blank,
            kinds=(kind,),
            points=board.points[:1],
            pull=None if board.is_every_way else pull,
            length=length,
            directions=board.directions,
        ),
        "saturation": lambda: replace(
            blank, kinds=(kind,), points=board.points[:1], pull=_unit(board.angle)
        ),
        "influence": lambda: replace(
            blank, kinds=(kind,), points=board.points, length=length, directions=board.directions
        ),
        "parts": lambda: replace(
            blank, kinds=(kind,), length=length, parts=board.parts, probes=board.probes
        ),
        "sufficiency": lambda: replace(blank, kinds=(kind,), arrows=board.arrows),
        "compare": lambda: replace(
            blank,
            kinds=(kind,),
            arrows=board.arrows,
            other_arrows=board.other_arrows,
            other_weights=board.other_weights,
        ),
    }
    return ask[kind]()


def _unit(degrees: float) -> tuple[float, float]:
    """The direction alone: the curve is of all lengths."""
    angle = math.radians(degrees)
    return round(math.cos(angle), 6), round(math.sin(angle), 6)


def board_of(experiment: Experiment) -> ProbeBoard:
    """The board that shows what an experiment asks."""
    length, pull = experiment.length, experiment.pull
    if length is None and pull is not None and experiment.kinds != ("saturation",):
        length = round(math.hypot(*pull), 4)
    return ProbeBoard(
        points=experiment.points,
        arrows=experiment.arrows,
        other_arrows=experiment.other_arrows,
        angle=0.0 if pull is None else wrapped(math.degrees(math.atan2(pull[1], pull[0]))),
        length=length,
        is_every_way=experiment.is_every_way or pull is None,
        directions=experiment.directions,
        parts=experiment.parts,
        probes=experiment.probes,
        other_weights=experiment.other_weights,
    )
