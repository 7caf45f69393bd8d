"""Lets each probe of an experiment find something, and puts it into one form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from cmp_engine import probe
from cmp_engine.probe_grid import Float, Predictor, ProbeOptions, as_complex, default_length
from cmp_engine.sentences import Sentence
from cmp_studio.pipeline.experiment import Experiment, Numbers, ProbeKind
from cmp_studio.pipeline.findings import Finding, Table


def find(
    kind: ProbeKind,
    experiment: Experiment,
    predictor: Predictor,
    other: Predictor,
    options: ProbeOptions,
) -> Finding:
    """Return what one probe of an experiment finds.

    Args:
        kind: Which probe.
        experiment: What to ask.
        predictor: With its weights and picture.
        other: With the other weights and the same picture.
        options: How to ask.

    Raises:
        EngineError: What is asked makes no sense.
    """
    if kind == "compare":
        return _compare(experiment, predictor, other, options)
    return _FINDERS[kind](experiment, predictor, options)


def _response(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.respond(
        predictor, experiment.points[0], _pull(experiment, predictor), options=options
    )
    reading = probe.read_flow_at(found.flow, found.point, found.grid)
    half = float((found.follow >= 0.5).mean())
    return Finding(
        kind="response",
        sentence=Sentence(
            "{percent:.1f} % of the picture follows at least by half.", percent=100 * half
        ),
        numbers=_rounded(
            pull_x=found.pull[0],
            pull_y=found.pull[1],
            follows_by_half_share=half,
            at_point_u=reading.u,
            at_point_v=reading.v,
            at_point_magnitude=reading.magnitude,
            at_point_angle_degrees=reading.angle,
            longest=found.magnitude.max(),
        ),
        grid=found.grid,
        flows={"flow": found.flow},
        maps={"follow": found.follow},
        tables={
            "isolines": Table(
                ("line", "level", "x", "y"),
                tuple(
                    (number, line.level, x, y)
                    for number, line in enumerate(found.isolines)
                    for x, y in np.round(line.points.astype(np.float64), 2).tolist()
                ),
                "none",
            )
        },
        arrows=np.concatenate([found.point, found.pull])[None],
        lines=tuple(line.points for line in found.isolines),
    )


def _rigidity(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.rigidity_map(
        predictor,
        experiment.points[0],
        direction_count=experiment.directions,
        lengths=experiment.lengths or _around(experiment.length),
        options=options,
    )
    share = float(found.mask().mean())
    inside = found.by_pull[:, found.mask()]
    spread = inside.mean(1) if inside.size else np.zeros(len(found.pulls))
    return Finding(
        kind="rigidity",
        sentence=Sentence(
            "{percent:.1f} % of the picture hangs rigidly together with the point.",
            percent=100 * share,
        ),
        numbers=_rounded(
            rigid_share=share,
            mean_follow=found.follow.mean(),
            mean_agreement=found.agreement.mean(),
            pulls=len(found.pulls),
        ),
        grid=found.grid,
        maps={
            "rigidity": found.rigidity,
            "mean_follow": found.follow,
            "agreement": found.agreement,
        },
        tables={
            "pulls": Table(
                ("pull_x", "pull_y", "mean_follow_of_rigid_part"),
                tuple(
                    (*_two(pull), round(float(value), 4))
                    for pull, value in zip(found.pulls, spread, strict=True)
                ),
                "none",
            )
        },
        marks=found.point[None],
    )


def _motion(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.shift_or_rotate(
        predictor,
        experiment.points[0],
        None if experiment.is_every_way else experiment.pull,
        direction_count=experiment.directions,
        length=experiment.length,
        options=options,
    )
    fit, pull = found.fits[found.strongest], found.pulls[found.strongest]
    outlines = probe.isolines(found.region.astype(np.float32), 0.5, found.grid)
    residual = _residual(found)
    # A shift has no joint worth naming.
    center = found.center if found.kind == "rotate" else None
    return Finding(
        kind="motion",
        sentence=_kind_sentence(found.kind, center),
        numbers=_rounded(
            kind=found.kind,
            center_x=None if center is None else center[0],
            center_y=None if center is None else center[1],
            turning_share=found.turning_share,
            pull_x=round(float(pull[0]), 4),
            pull_y=round(float(pull[1]), 4),
            strongest_angle_degrees=math.degrees(fit.angle),
            strongest_translation_x=fit.translation[0],
            strongest_translation_y=fit.translation[1],
            strongest_residual=fit.residual,
            strongest_residual_share=fit.residual_share,
            strongest_divergence=fit.divergence,
            strongest_curl=fit.curl,
        ),
        grid=found.grid,
        flows={"flow": found.flow},
        maps={
            "region": found.region.astype(np.float32),
            "residual": residual,
            "divergence": found.divergence,
            "curl": found.curl,
        },
        tables={
            "pulls": Table(
                ("pull_x", "pull_y", "kind", "angle_degrees", "turning_share", "residual_share"),
                tuple(
                    (
                        *_two(pull),
                        one.kind,
                        round(math.degrees(one.angle), 3),
                        round(one.turning_share, 4),
                        round(one.residual_share, 4),
                    )
                    for pull, one in zip(found.pulls, found.fits, strict=True)
                ),
                "none",
            )
        },
        arrows=np.concatenate([found.point, pull])[None],
        lines=tuple(line.points for line in outlines),
        ghosts=tuple(fit.apply(line.points) for line in outlines),
        center=center,
    )


def _saturation(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.saturation_curve(
        predictor,
        experiment.points[0],
        experiment.pull or (1.0, 0.0),
        lengths=experiment.lengths if len(experiment.lengths) > 1 else None,
        options=options,
    )
    limit = found.saturates_at
    said = Sentence(
        "The answer does not saturate up to a pull of {longest:.0f} px.", longest=found.pulls[-1]
    )
    if limit is not None:
        said = Sentence("The answer saturates at a pull of {limit:.0f} px.", limit=limit)
    return Finding(
        kind="saturation",
        sentence=said,
        numbers=_rounded(
            saturates_at=limit,
            best_gain=found.gain.max(),
            last_gain=found.gain[-1],
            longest_pull=found.pulls[-1],
        ),
        grid=probe.ProbeGrid.fit(predictor.image_hw or (1, 1), options.max_side),
        tables={
            "curve": Table(
                ("pull_px", "at_point_px", "region_px", "moving_share"),
                tuple(
                    tuple(round(float(value), 4) for value in row)
                    for row in zip(
                        found.pulls,
                        found.at_point,
                        found.region,
                        found.moving_share,
                        strict=True,
                    )
                ),
                mark=limit,
            )
        },
        marks=found.point[None],
    )


def _influence(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.influence_matrix(
        predictor,
        experiment.points,
        direction_count=experiment.directions,
        length=experiment.length,
        options=options,
    )
    names = [str(number + 1) for number in range(len(found.points))]
    return Finding(
        kind="influence",
        sentence=_leaders_sentence(found.leaders()),
        numbers=_rounded(
            **{
                f"{names[row]}_pulls_{names[column]}": found.follow[row, column]
                for row in range(len(names))
                for column in range(len(names))
            }
        ),
        grid=probe.ProbeGrid.fit(predictor.image_hw or (1, 1), options.max_side),
        tables={
            "influence": Table(
                ("pulled", *names),
                tuple(
                    (name, *(round(float(value), 4) for value in row))
                    for name, row in zip(names, found.follow, strict=True)
                ),
                "matrix",
            )
        },
        marks=found.points,
    )


def _parts(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    found = probe.rigid_parts(
        predictor,
        count=experiment.parts,
        probes=experiment.probes,
        length=experiment.length,
        options=options,
    )
    shares = np.bincount(found.labels.ravel(), minlength=found.count + 1)[1:] / found.labels.size
    return Finding(
        kind="parts",
        sentence=Sentence("{count} parts, found, the ground among them.", count=found.count)
        if found.is_chosen
        else Sentence("{count} parts, asked for, the ground among them.", count=found.count),
        numbers=_rounded(
            parts=found.count,
            probes=len(found.points),
            mean_confidence=found.confidence.mean(),
            **{f"part_{number + 1}_share": share for number, share in enumerate(shares)},
        ),
        grid=found.grid,
        maps={"confidence": found.confidence},
        labels={"parts": found.labels},
        tables={
            "eigenvalues": Table(
                ("number", "eigenvalue"),
                tuple(
                    (number + 1, round(float(value), 5))
                    for number, value in enumerate(found.eigenvalues[:20])
                ),
                mark=found.count + 0.5,
            )
        },
        marks=found.points,
    )


def _sufficiency(experiment: Experiment, predictor: Predictor, options: ProbeOptions) -> Finding:
    arrows = np.array(experiment.arrows, np.float32)
    found = probe.sufficiency(predictor, arrows[:, :2], arrows[:, 2:], options=options)
    first, last = found.moving_share[0], found.moving_share[-1]
    return Finding(
        kind="sufficiency",
        sentence=Sentence(
            "One arrow moves {first:.1f} % of the picture, all {count} move {last:.1f} %.",
            first=100 * first,
            count=len(arrows),
            last=100 * last,
        ),
        numbers=_rounded(
            **{
                f"moving_share_{number + 1}": value
                for number, value in enumerate(found.moving_share)
            },
            **{f"to_last_{number + 1}": value for number, value in enumerate(found.to_last)},
        ),
        grid=found.grid,
        flows={f"flow_{number + 1}": flow for number, flow in enumerate(found.flows)},
        tables={
            "arrows": Table(
                ("arrows", "moving_share", "distance_to_all_px"),
                tuple(
                    (number + 1, round(float(share), 5), round(float(distance), 4))
                    for number, (share, distance) in enumerate(
                        zip(found.moving_share, found.to_last, strict=True)
                    )
                ),
            )
        },
        arrows_of={f"flow_{number + 1}": arrows[: number + 1] for number in range(len(arrows))},
    )


def _compare(
    experiment: Experiment, predictor: Predictor, other: Predictor, options: ProbeOptions
) -> Finding:
    a = np.array(experiment.arrows, np.float32)
    b = np.array(experiment.other_arrows or experiment.arrows, np.float32)
    found = probe.compare(
        predictor, (a[:, :2], a[:, 2:]), other, (b[:, :2], b[:, 2:]), options=options
    )
    return Finding(
        kind="compare",
        sentence=Sentence(
            "A and B differ by {mean:.2f} px on average, by {largest:.2f} px at most.",
            mean=found.mean_distance,
            largest=found.largest_distance,
        ),
        numbers=_rounded(
            mean_distance=found.mean_distance,
            largest_distance=found.largest_distance,
            differing_share=found.differing_share,
            overlap=found.overlap,
            mean_turn_degrees=found.mean_turn,
        ),
        grid=found.grid,
        flows={"a": found.flow_a, "b": found.flow_b, "difference": found.difference},
        arrows_of={"a": a, "b": b},
    )


_FINDERS: Final[dict[ProbeKind, Callable[[Experiment, Predictor, ProbeOptions], Finding]]] = {
    "response": _response,
    "rigidity": _rigidity,
    "motion": _motion,
    "saturation": _saturation,
    "influence": _influence,
    "parts": _parts,
    "sufficiency": _sufficiency,
}


def _kind_sentence(kind: str, center: tuple[float, float] | None) -> Sentence:
    if kind == "rotate" and center is not None:
        return Sentence("The part rotates about ({x:.0f}, {y:.0f}).", x=center[0], y=center[1])
    if kind == "rotate":
        return Sentence("The part rotates.")
    return Sentence("The part shifts.") if kind == "shift" else Sentence("Nothing follows.")


def _leaders_sentence(leaders: Sequence[tuple[int, int]]) -> Sentence:
    if not leaders:
        return Sentence("Nobody leads: all follow each other alike, or not at all.")
    pairs = [Sentence("{one} leads {other}", one=a + 1, other=b + 1) for a, b in leaders]
    names = [f"pair_{number}" for number in range(len(pairs))]
    template = ", ".join(f"{{{name}}}" for name in names) + "."
    return Sentence(template, **dict(zip(names, pairs, strict=True)))


def _pull(experiment: Experiment, predictor: Predictor) -> tuple[float, float]:
    return experiment.pull or (default_length(predictor.image_hw or (1, 1)), 0.0)


def _residual(found: probe.MotionKind) -> Float:
    """Return how far the fit is off in its region, as a share of the pull (h, w)."""
    grid, fit = found.grid, found.fits[found.strongest]
    rows, columns = grid.grid_hw
    places = grid.to_image(np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1))
    off = as_complex(
        np.asarray(places + found.flow / grid.scale_xy - fit.apply(places), np.float32)
    )
    share = np.abs(off) / float(np.hypot(*found.pulls[found.strongest]))
    return np.where(found.region, share, 0).astype(np.float32)


def _around(length: float | None) -> tuple[float, ...] | None:
    """Return half, once and twice a length; None for none, which asks for the default ones."""
    return None if length is None else (length / 2, length, 2 * length)


def _two(pair: Float) -> tuple[float, float]:
    return round(float(pair[0]), 4), round(float(pair[1]), 4)


def _rounded(**values: float | int | str | np.floating | None) -> Numbers:
    """Return values for JSON; floats with six digits, so that a file is the same everywhere."""
    return {
        name: float(f"{float(value):.6g}") if isinstance(value, float | np.floating) else value
        for name, value in values.items()
    }
