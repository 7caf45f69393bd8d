"""What a run of a downstream task leaves for the tables: ``run.json`` and ``scores.json``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch

from cmp_engine.config import ModelConfig
from cmp_engine.device import describe_device
from cmp_engine.errors import ConfigError
from train.distributed import World
from train.errors import TrainConfigError
from train.eval.transfer.encoder import EncoderOrigin
from train.eval.transfer.finetune import TransferState
from train.eval.transfer.recipe import TransferRecipe, parse_transfer_recipe

RUN_NAME: Final = "run.json"
SCORES_NAME: Final = "scores.json"
ENSEMBLE_NAME: Final = "ensemble.json"


@dataclass(frozen=True, slots=True)
class RunDescription:
    """What a run is of.

    Attributes:
        task: Name of the downstream task.
        recipe: Of the run.
        origin: Of its encoder.
        data: What it learns from and is judged on, in words.
    """

    task: str
    recipe: TransferRecipe
    origin: EncoderOrigin
    data: str

    def to_values(self) -> dict[str, Any]:
        """Return the description as values for JSON."""
        origin = {
            "method": self.origin.method,
            "weights": self.origin.weights,
            "sha256": self.origin.sha256,
            "config": json.loads(self.origin.config.to_json()),
            "metadata": dict(self.origin.metadata),
        }
        recipe = dataclasses.asdict(self.recipe)
        return {"task": self.task, "data": self.data, "encoder": origin, "recipe": recipe}


def read_run(folder: Path) -> RunDescription:
    """Return the description of the run in a folder.

    Raises:
        TrainConfigError: There is no run, or its description is damaged.
    """
    path = folder / RUN_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        encoder = values["encoder"]
        origin = EncoderOrigin(
            encoder["method"],
            encoder["weights"],
            ModelConfig.from_json(json.dumps(encoder["config"])),
            encoder["sha256"],
            encoder["metadata"],
        )
        recipe = parse_transfer_recipe(values["recipe"], str(values["recipe"]["name"]))
        return RunDescription(str(values["task"]), recipe, origin, str(values["data"]))
    except OSError as error:
        raise TrainConfigError(f"There is no run in {folder}: {path} is missing.") from error
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise TrainConfigError(f"{path} is damaged ({error}); run its command again.") from error


def write_values(path: Path, values: Mapping[str, Any]) -> None:
    """Write values as JSON, whole or not at all."""
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def describe_scores(
    run: RunDescription, state: TransferState, scores: Mapping[str, float], world: World
) -> dict[str, Any]:
    """Return all that a table needs to know of a run's scores."""
    return {
        **run.to_values(),
        "scores": dict(scores),
        "step": state.step,
        "hours": round(state.seconds / 3600, 4),
        "commit": ", then ".join(state.commits),
        "processes": world.size,
        "device": describe_device(world.device),
        "torch": torch.__version__,
        "date": datetime.now(tz=UTC).date().isoformat(),
    }
