"""An experiment: what the network is asked about a picture, saved so that it can be run again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_engine.sentences import Sentence
from cmp_studio.pipeline.errors import ExperimentError

if TYPE_CHECKING:
    from cmp_engine.probe_grid import Predictor
    from cmp_studio.pipeline.findings import Finding

ProbeKind: TypeAlias = Literal[
    "response",
    "rigidity",
    "motion",
    "saturation",
    "influence",
    "parts",
    "sufficiency",
    "compare",
]
KINDS: Final[tuple[ProbeKind, ...]] = get_args(ProbeKind)

Pair: TypeAlias = tuple[float, float]
Numbers: TypeAlias = Mapping[str, float | int | str | None]
"""What a probe found, as values by name."""

FORMAT: Final = "cmp-studio experiment"
VERSION: Final = 1
FILE_NAME: Final = "experiment.json"

_LARGEST_FILE: Final = 10_000_000
_ROW_LENGTHS: Final = {"points": 2, "arrows": 4, "other_arrows": 4}


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is asked. Lengths and places are px of the picture.

    Attributes:
        kinds: Which probes, in order.
        picture: Path of the picture's file, relative to the experiment's file where it can be.
        picture_sha256: Of the file's bytes.
        weights: Name or path of the weights.
        weights_sha256: Of the weights' file; empty for a network without one.
        points: Places to probe.
        pull: One pull for ``response``, ``motion`` and ``saturation``; None is the default length
            to the right, all directions for ``motion``.
        is_every_way: Whether ``motion`` pulls in all directions although there is a ``pull``.
        length: Of the pulls all around of ``motion``, ``influence`` and ``parts``, and the middle
            one of ``rigidity`` without ``lengths``; None is the default, a 24th of the short side.
        arrows: Places and displacements x, y, dx, dy for ``sufficiency`` and ``compare`` (A).
        other_arrows: The same for B; empty takes A's.
        other_weights: Weights for B; None takes the same.
        other_weights_sha256: Of their file.
        directions: Number of directions of ``rigidity``, ``motion`` and ``influence``.
        lengths: Lengths of pulls of ``rigidity`` and ``saturation``; empty is the default.
        parts: Number of rigid parts; None lets the eigengap choose.
        probes: Number of probes for ``parts``.
        max_side: Longest side of the grid, px; None is the picture's own size.
        upsampling: ``edge_aware`` or ``bilinear``.
    """

    kinds: tuple[ProbeKind, ...]
    picture: str
    picture_sha256: str
    weights: str
    weights_sha256: str
    points: tuple[Pair, ...] = ()
    pull: Pair | None = None
    is_every_way: bool = False
    length: float | None = None
    arrows: tuple[tuple[float, float, float, float], ...] = ()
    other_arrows: tuple[tuple[float, float, float, float], ...] = ()
    other_weights: str | None = None
    other_weights_sha256: str = ""
    directions: int = 8
    lengths: tuple[float, ...] = ()
    parts: int | None = None
    probes: int = 144
    max_side: int | None = 512
    upsampling: Literal["edge_aware", "bilinear"] = "edge_aware"

    def __post_init__(self) -> None:
        """Check what belongs together; ExperimentError says what is missing."""
        if not self.kinds:
            raise ExperimentError("Say what to probe; there are {kinds}.", kinds=", ".join(KINDS))
        for kind in self.kinds:
            if kind not in KINDS:
                raise ExperimentError(
                    "There is no probe {kind!r}; there are {kinds}.",
                    kind=kind,
                    kinds=", ".join(KINDS),
                )
        at_point = {"response", "rigidity", "motion", "saturation"} & set(self.kinds)
        if at_point and not self.points:
            raise ExperimentError(
                "The probe {kind} needs a point of the picture.", kind=min(at_point)
            )
        if "influence" in self.kinds and len(self.points) < 2:
            raise ExperimentError(
                "The probe influence needs at least two points, got {count}.",
                count=len(self.points),
            )
        for kind in ("sufficiency", "compare"):
            if kind in self.kinds and not self.arrows:
                raise ExperimentError("The probe {kind} needs at least one arrow.", kind=kind)
        if "compare" in self.kinds and not self.other_arrows and self.other_weights is None:
            raise ExperimentError(
                "The probe compare needs a B: other arrows, other weights, or both."
            )


@dataclass(frozen=True, slots=True)
class SavedExperiment:
    """What a file holds.

    Attributes:
        experiment: What was asked.
        numbers: What was found, by probe.
    """

    experiment: Experiment
    numbers: Mapping[str, Numbers]


def run_experiment(
    experiment: Experiment,
    predictor: Predictor,
    *,
    other: Predictor | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Finding, ...]:
    """Return what each probe of an experiment found, in order.

    Args:
        experiment: What to ask.
        predictor: With the experiment's weights and picture; used from the calling thread alone.
        other: With the other weights and the same picture, for ``compare``; None takes
            ``predictor``.
        progress: Called with predictions done and all predictions, for each probe anew.
        cancelled: Asked between predictions.

    Raises:
        EngineError: A point outside of the picture, or a setting that makes no sense.
        Cancelled: ``cancelled`` returned True.
    """
    from cmp_engine.probe_grid import ProbeOptions, never
    from cmp_studio.pipeline.probe_finders import find

    options = ProbeOptions(
        max_side=experiment.max_side,
        upsampling=experiment.upsampling,
        progress=progress,
        cancelled=cancelled or never,
    )
    return tuple(
        find(kind, experiment, predictor, other or predictor, options) for kind in experiment.kinds
    )


def save_experiment(experiment: Experiment, findings: Sequence[Finding], path: Path) -> None:
    """Write an experiment with what it found; the file appears when it is whole.

    Raises:
        ExperimentError: The place can't be written to.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "experiment": asdict(_relative_to(experiment, path)),
        "numbers": {finding.kind: dict(finding.numbers) for finding in findings},
    }
    try:
        with partial_file(path) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ExperimentError(describe_os_error(error, path)) from error


def load_experiment(path: Path) -> SavedExperiment:
    """Return a saved experiment.

    Args:
        path: The file, or the folder that holds it.

    Raises:
        ExperimentError: There is no such file, or it is no experiment or of a newer version.
    """
    if path.is_dir():
        path = path / FILE_NAME
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ExperimentError("{path} is too large for an experiment.", path=path)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ExperimentError(
            "There is no experiment at {path}; check the name.", path=path
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExperimentError(
            "{path} is no experiment: {error}.", path=path, error=error
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ExperimentError("{path} is no experiment of this program.", path=path)
    if content.get("version") != VERSION:
        raise ExperimentError(
            "{path} has version {version}, and this program reads {known}; use a newer program.",
            path=path,
            version=content.get("version"),
            known=VERSION,
        )
    try:
        experiment = _from_values(content["experiment"])
        numbers = {str(kind): dict(found) for kind, found in content["numbers"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ExperimentError("{path} is damaged: {error!r}.", path=path, error=error) from error
    return SavedExperiment(_absolute_from(experiment, path), numbers)


def changed_numbers(
    saved: Mapping[str, Numbers], findings: Sequence[Finding], *, tolerance: float = 1e-3
) -> list[Sentence]:
    """Return a line for each number that differs from a saved one by more than a share of it."""
    lines = []
    for finding in findings:
        before = saved.get(finding.kind, {})
        for name, value in finding.numbers.items():
            if name not in before or not _is_near(before[name], value, tolerance):
                line = Sentence(
                    "{kind} {name}: {before} before, {now} now",
                    kind=finding.kind,
                    name=name,
                    before=before.get(name),
                    now=value,
                )
                lines.append(line)
    return lines


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _is_near(before: object, now: object, tolerance: float) -> bool:
    if isinstance(before, int | float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=tolerance, abs_tol=tolerance)
    return before == now


def _from_values(values: Mapping[str, object]) -> Experiment:
    known = {item.name for item in fields(Experiment)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"unknown fields {', '.join(unknown)}")
    for name, value in values.items():
        if not _is_fit(name, value):
            raise ValueError(f"{name} is {value!r}")
    return Experiment(**{name: _frozen(value) for name, value in values.items()})  # type: ignore[arg-type]  # JSON; Experiment checks


def _is_fit(name: str, value: object) -> bool:
    """Return whether a value from JSON is of the kind that its field holds."""
    if name in _ROW_LENGTHS:
        length = _ROW_LENGTHS[name]
        return isinstance(value, list) and all(_is_row(row, length) for row in value)
    if name == "pull":
        return value is None or _is_row(value, 2)
    if name == "lengths":
        return isinstance(value, list) and _is_row(value, len(value))
    if name == "length":
        return value is None or _is_row([value], 1)
    if name == "is_every_way":
        return isinstance(value, bool)
    if name in ("directions", "probes", "parts", "max_side"):
        is_open = name in ("parts", "max_side") and value is None
        return is_open or (isinstance(value, int) and not isinstance(value, bool))
    if name == "kinds":
        return isinstance(value, list)
    if name == "upsampling":
        return value in ("edge_aware", "bilinear")
    return isinstance(value, str) or (name == "other_weights" and value is None)


def _is_row(value: object, length: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == length
        and all(isinstance(number, int | float) and math.isfinite(number) for number in value)
    )


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _relative_to(experiment: Experiment, path: Path) -> Experiment:
    folder, picture = path.absolute().parent, Path(experiment.picture).absolute()
    if picture.is_relative_to(folder):
        return replace(experiment, picture=picture.relative_to(folder).as_posix())
    return replace(experiment, picture=str(picture))


def _absolute_from(experiment: Experiment, path: Path) -> Experiment:
    return replace(experiment, picture=str(path.absolute().parent / experiment.picture))
