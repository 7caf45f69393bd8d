"""This project's own runs of downstream tasks, found on disk by what they left."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from train.eval.transfer.results import ENSEMBLE_NAME, SCORES_NAME

logger = logging.getLogger(__name__)

PAPER_GUIDANCE: Final = ((81, 200), (15, 80))
"""K and G that the paper pretrains with: general data, and people (sec. 4)."""

PAPER_STRIDES: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Pretraining:
    """What of an encoder's pretraining the paper's figures vary.

    Attributes:
        guidance: K and G of the watershed sampler; None for another sampler.
        strides: Of the propagation nets.
        fraction: Share of the unlabelled data.
        head: ``bins`` or ``regression``.
        is_plain: The decoder is the paper's, without skip connections.
    """

    guidance: tuple[int, int] | None = PAPER_GUIDANCE[0]
    strides: tuple[int, ...] = PAPER_STRIDES
    fraction: float = 1.0
    head: str = "bins"
    is_plain: bool = True

    @property
    def has_paper_strides(self) -> bool:
        """Whether the strides are those of the paper's networks."""
        return self.strides == PAPER_STRIDES or not self.is_plain

    @property
    def is_paper(self) -> bool:
        """Whether nothing differs from how the paper pretrains for its tables."""
        return (
            self.guidance in PAPER_GUIDANCE
            and self.has_paper_strides
            and self.fraction == 1
            and self.head == "bins"
        )


@dataclass(frozen=True, slots=True)
class OwnRun:
    """A finished run of a downstream task.

    Attributes:
        folder: Where it lies.
        task: ``voc``, ``coco``, ``lip``.
        layout: Of its data.
        encoder: Name of the image encoder.
        method: Which pretraining: a name of `train.eval.paper_tables.METHODS`, or of an ensemble
            both, as in ``cmp with imagenet``.
        pretraining: What of it the paper's figures vary.
        scores: By name, 0 to 1.
        facts: Commit, data, hours, steps and weights, in words.
    """

    folder: Path
    task: str
    layout: str
    encoder: str
    method: str
    pretraining: Pretraining
    scores: Mapping[str, float]
    facts: str

    @property
    def family(self) -> str:
        """The encoder as the paper's tables name it: both AlexNets are one."""
        return self.encoder.partition("_")[0]

    @property
    def is_paper(self) -> bool:
        """Whether it belongs into the tables, and not into a figure that varies something."""
        known = self.pretraining
        return known.is_paper or (not self.method.startswith("cmp") and known.fraction == 1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report that a plan's command left (`train.eval.plan_results`).

    Attributes:
        folder: Where it lies.
        text: Tables as Markdown.
        facts: Machine, commits and minutes, in words.
    """

    folder: Path
    text: str
    facts: str


@dataclass(slots=True)
class Found:
    """All that was found below some folders."""

    runs: list[OwnRun] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    clicks: dict[Path, Mapping[str, Any]] = field(default_factory=dict)


def find(folders: Iterable[Path]) -> Found:
    """Return what lies below some folders; a file that can't be read is named in the log."""
    found = Found()
    for folder in folders:
        for path in sorted(folder.rglob("*.json")):
            try:
                _add(found, path)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                logger.warning("%s is left out, because it can't be read: %r.", path, error)
    return found


def _add(found: Found, path: Path) -> None:
    if path.name in (SCORES_NAME, ENSEMBLE_NAME):
        values = json.loads(path.read_text(encoding="utf-8"))
        if "encoder" in values:  # other commands may write scores, too
            found.runs.append(_run(path, values))
    elif path.name == "results.json" and (path.parent / "report.md").is_file():
        values = json.loads(path.read_text(encoding="utf-8"))
        facts = (
            f"commit {', '.join(values['commits']) or 'unknown'}; {values['machine']}; "
            f"{values['minutes of fine-tuning']:g} min of fine-tuning"
        )
        text = (path.parent / "report.md").read_text(encoding="utf-8").strip()
        found.comparisons.append(Comparison(path.parent, text, facts))
    elif path.name.startswith("clicks"):
        values = json.loads(path.read_text(encoding="utf-8"))
        found.clicks[path] = {
            name: row["failures"]["0.85"] for name, row in values.items() if row["failures"]
        }


def _run(path: Path, values: Mapping[str, Any]) -> OwnRun:
    encoder = values["encoder"]
    method = str(encoder["method"])
    weights = f"weights {encoder['weights']}{_origin(encoder['metadata'])}"
    if "with" in values:
        other = values["with"]["encoder"]
        method = f"{method} with {other['method']}"
        weights += f" and {other['weights']}{_origin(other['metadata'])}"
    return OwnRun(
        folder=path.parent,
        task=str(values["task"]),
        layout=str(values["recipe"]["data"]["layout"]),
        encoder=str(encoder["config"]["image_encoder"]),
        method=method,
        pretraining=_pretraining(encoder),
        scores={str(name): float(value) for name, value in values["scores"].items()},
        facts=(
            f"commit {values['commit']}; {values['data']}; {values['step']} steps, "
            f"{values['hours']:.2f} h on {values['device']}; {weights}"
        ),
    )


def _origin(metadata: Mapping[str, str]) -> str:
    """Return in brackets what weights tell of their pretraining."""
    parts = [metadata[key] for key in ("data",) if key in metadata]
    parts += [f"{metadata['steps']} steps"] if "steps" in metadata else []
    parts += [f"{metadata['hours']} h"] if "hours" in metadata else []
    return f" ({', '.join(parts)})" if parts else ""


def _pretraining(encoder: Mapping[str, Any]) -> Pretraining:
    config = encoder["config"]
    recipe = json.loads(encoder["metadata"].get("recipe", "{}"))
    guidance = recipe.get("guidance", {})
    kernel = (int(guidance.get("kernel", 81)), int(guidance.get("grid_stride", 200)))
    return Pretraining(
        guidance=kernel if guidance.get("sampler", "watershed") == "watershed" else None,
        strides=tuple(config["propagation_strides"]),
        fraction=float(recipe.get("data", {}).get("fraction", 1.0)),
        head=str(config["head"]),
        is_plain=config["decoder"] == "plain",
    )
