"""Turn a run into a weights file that `cmp_engine.load_model` reads.

::

    python -m train.release runs/default --out assets/weights/default.safetensors
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig
from cmp_engine.errors import EngineError
from cmp_engine.weights import save_model
from cmp_engine.weights_file import read_header
from train.errors import TrainConfigError, TrainError
from train.objectives import RELEASED


def release(
    run: Path,
    out: Path,
    *,
    after: Sequence[Path] = (),
    scores: Path | None = None,
    note: str = "",
) -> None:
    """Write the averaged weights of a run in half precision, with what is known of them.

    Args:
        run: Folder that `train.pretrain` wrote.
        out: The ``.safetensors`` file to write.
        after: What this run started from, the oldest first: folders of runs, and files of weights
            released before. Their data, steps and hours are told too.
        scores: JSON object of measured figures, copied into the metadata.
        note: One sentence for the user.

    Raises:
        TrainConfigError: A folder holds no run.
        WeightsError: A file can't be read or written.
    """
    content = _read(run)
    told = [_told_by(path) for path in after]
    recipe = json.loads(content["recipe"])
    objective = recipe.get("objective", "cmp")
    if objective not in RELEASED:
        raise TrainConfigError(
            f"The run in {run} learned the objective {objective!r}, which answers no flow, so no "
            "weights can be made of it; the tasks of train.eval take its encoder from the run."
        )
    network = build_network(ModelConfig.from_json(json.dumps(recipe["model"])))
    weights = content["ema"] or content["network"]
    network.load_state_dict(weights)
    metadata = {**describe_run([content], told), "note": note}
    if told:
        metadata["recipe_before"] = told[-1]["recipe"]
    if scores is not None:
        metadata["scores"] = json.dumps(json.loads(scores.read_text(encoding="utf-8")))
    save_model(network.eval(), out, metadata=metadata)


def describe_run(
    contents: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, str]] = ()
) -> dict[str, str]:
    """Return what is known of a run from the content of its state file, as texts by name.

    Args:
        contents: Of the run, after those of the runs that it started from.
        before: What this function said of still earlier ones.
    """
    recipes = [json.loads(part["recipe"]) for part in contents]
    told = [
        *before,
        *(
            {
                "steps": str(part["step"]),
                "hours": str(part["seconds"] / 3600),
                "data": _data(recipe, part["step"]),
                "license": _license(recipe),
            }
            for part, recipe in zip(contents, recipes, strict=True)
        ),
    ]
    return {
        "name": recipes[-1]["name"],
        "recipe": contents[-1]["recipe"],
        "steps": " + ".join(part["steps"] for part in told),
        "hours": f"{sum(float(part['hours']) for part in told):.2f}",
        "date": datetime.now(tz=UTC).date().isoformat(),
        "commit": current_commit(),
        "data": "; then ".join(part["data"] for part in told),
        "license": max((part["license"] for part in told), key=len),
    }


def _told_by(path: Path) -> dict[str, str]:
    """Return what a run or a released file tells of itself."""
    if path.is_dir():
        return describe_run([_read(path)])
    return dict(read_header(path).metadata)


def _data(recipe: dict[str, Any], steps: int) -> str:
    """Return what a run has seen in its first ``steps`` steps."""
    schedule = recipe["schedule"]
    images = puppets = start = 0.0
    done = steps / schedule["steps"]
    for stage in schedule["stages"]:
        until = min(stage["until"], done)
        count = max(until - start, 0.0) * schedule["steps"] * stage["batch"]
        start = until
        images += count
        puppets += count * stage["puppet_share"]
    clips = images - puppets
    text = f"{puppets:.0f} synthetic puppet scenes and {clips:.0f} crops of pairs of clips"
    if schedule.get("image_weights"):
        text += "; backbone from EfficientNet-Lite0's published ImageNet weights (Apache-2.0)"
    return text


def _read(run: Path) -> dict[str, Any]:
    path = run / "state.pt"
    if not path.exists():
        raise TrainConfigError(f"There is no run in {run}: {path} is missing.")
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content


def _license(recipe: dict[str, Any]) -> str:
    if recipe["schedule"].get("image_weights"):
        return "MIT; the backbone started from weights under Apache-2.0 (APACHE-2.0.txt)"
    return "MIT"


def current_commit() -> str:
    """Return the commit of the code that runs, with ``-dirty`` where it was changed since."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    folder = Path(__file__).parent
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 1 failed on the input."""
    parser = argparse.ArgumentParser(
        prog="python -m train.release", description="Turn a run into a weights file."
    )
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument(
        "--after",
        type=Path,
        nargs="+",
        default=[],
        help="folders of runs and weights files that this run started from, the oldest first",
    )
    parser.add_argument("--scores", type=Path, help="JSON file of measured figures")
    parser.add_argument("--note", default="", help="one sentence for the user")
    options = parser.parse_args(arguments)
    try:
        release(
            options.run,
            options.out,
            after=options.after,
            scores=options.scores,
            note=options.note,
        )
    except (TrainError, EngineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"wrote {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
