"""Scores of a plan's variants on disk, as tables for people, and as plots."""

from __future__ import annotations

import json
import logging
import math
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch

from train.errors import DataError
from train.eval.plan import Plan, PlanTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a fine-tuned encoder scored on a task.

    Attributes:
        variant: Name of the variant.
        task: Name of the task.
        seed: Of the fine-tuning.
        value: The task's metric in %, more is better.
        parts: The metric of each class in %, or whatever the task has in finer detail.
        minutes: Spent on fine-tuning.
        commit: Of this code.
        settings: Recipe and fine-tuning, one JSON text; scores of other settings don't count.
    """

    variant: str
    task: str
    seed: int
    value: float
    parts: Mapping[str, float] = field(default_factory=dict)
    minutes: float = 0.0
    commit: str = ""
    settings: str = ""


# Its first run on a computer warns that it makes a list of the fonts: nothing for a user to act on.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

Scores: TypeAlias = dict[tuple[str, str], list[float]]
"""Values by variant and task, in order of the seeds."""


def score_path(folder: Path, variant: str, task: str, seed: int) -> Path:
    """Return where a score is kept."""
    return folder / "scores" / f"{variant}.{task}.{seed}.json"


def write_score(folder: Path, score: Score) -> None:
    """Keep a score, whole or not at all."""
    path = score_path(folder, score.variant, score.task, score.seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(score), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)


def read_score(path: Path) -> Score | None:
    """Return a kept score, or None if there is none.

    Raises:
        DataError: The file is no score.
    """
    try:
        return Score(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is no score of this command: {error}; delete it.") from error


def collect(folder: Path, plan: Plan, tasks: Sequence[str]) -> Scores:
    """Return all kept scores of a plan.

    Raises:
        DataError: A file is no score.
    """
    found: Scores = {}
    for variant in plan.variants:
        for task in tasks:
            kept = [read_score(score_path(folder, variant.name, task, s)) for s in plan.seeds]
            values = [score.value for score in kept if score is not None]
            if values:
                found[variant.name, task] = values
    return found


def format_table(plan: Plan, table: PlanTable, scores: Scores, tasks: Sequence[str]) -> str:
    """Return a table as GitHub's Markdown: mean and standard deviation in % for each task.

    The last column is the mean over tasks where all are there. Missing scores show as ``-``.
    """
    tasks = table.of(tasks)
    has_mean = len(tasks) > 1
    head = [table.x_label or "", *tasks, *(["mean"] if has_mean else [])]
    if table.paper:
        head.append(f"paper: {table.paper_label}" if table.paper_label else "paper")
    lines = [f"**{table.title}**", "", _row(head), _row(["---"] * len(head))]
    for number, name in enumerate(table.variants):
        label = plan.variant(name).label
        if table.x:
            label = f"{table.x[number]:g} ({label})"
        cells = [label, *(_cell(scores.get((name, task), [])) for task in tasks)]
        if has_mean:
            cells.append(_cell(task_means(name, scores, tasks)))
        if table.paper:
            value = table.paper[number]
            cells.append("" if math.isnan(value) else f"{value:g}")
        lines.append(_row(cells))
    return "\n".join(lines)


def task_means(variant: str, scores: Scores, tasks: Sequence[str]) -> list[float]:
    """Return the mean over all tasks for each seed that every task has."""
    values = [scores.get((variant, task), []) for task in tasks]
    return [statistics.fmean(of_seed) for of_seed in zip(*values, strict=False)]


def write_report(
    out: Path, plan: Plan, tasks: Sequence[str], *, metric: str, has_plot: bool = True
) -> str:
    """Write ``report.md``, ``results.json`` and ``plot.png``; return the tables as text.

    Args:
        out: Folder of the run.
        plan: What was compared.
        tasks: Columns.
        metric: What the scores are, in %.
        has_plot: Whether to draw.

    Raises:
        DataError: A file of scores is damaged.
    """
    scores = collect(out, plan, tasks)
    text = "\n\n".join(format_table(plan, table, scores, tasks) for table in plan.tables)
    kept = [
        read_score(score_path(out, variant.name, task, seed))
        for variant in plan.variants
        for task in tasks
        for seed in plan.seeds
    ]
    found = [score for score in kept if score is not None]
    content = {
        "metric": metric,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "commits": sorted({score.commit for score in found}),
        "minutes of fine-tuning": round(sum(score.minutes for score in found), 1),
        "scores": [
            {
                "variant": score.variant,
                "task": score.task,
                "seed": score.seed,
                "value": round(score.value, 3),
                "parts": {key: round(value, 2) for key, value in score.parts.items()},
            }
            for score in found
        ],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (out / "report.md").write_text(text + "\n", encoding="utf-8")
    if has_plot and found:
        plot(plan, plan.tables, scores, tasks, out / "plot.png", metric=metric)
    return text


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = statistics.fmean(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {statistics.stdev(values):.1f}"


def plot(plan: Plan, tables: Sequence[PlanTable], scores: Scores, tasks: Sequence[str],
         path: Path, *, metric: str) -> None:  # fmt: skip
    """Write a PNG with one plot for each table: every task's mean, with its spread.

    Args:
        plan: Has the variants' labels.
        tables: Plotted from left to right.
        scores: What there is; missing points are left out.
        tasks: One line each.
        path: The PNG file.
        metric: What the scores are, in %.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * len(tables), 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(1, len(tables), squeeze=False)[0]
    for axes, table in zip(all_axes, tables, strict=True):
        places = table.x or tuple(float(index) for index in range(len(table.variants)))
        for number, task in enumerate(tasks):
            if task not in table.of(tasks):
                continue
            known = [
                (place, scores[name, task])
                for place, name in zip(places, table.variants, strict=True)
                if (name, task) in scores
            ]
            axes.errorbar(
                # Beside each other where the axis has categories.
                [
                    place + (0.0 if table.x else 0.12 * (number - 0.5 * (len(tasks) - 1)))
                    for place, _ in known
                ],
                [statistics.fmean(values) for _, values in known],
                [statistics.stdev(values) if len(values) > 1 else 0.0 for _, values in known],
                marker="os^Dv"[number % 5],
                markersize=5,
                linestyle="-" if table.x else "none",
                elinewidth=1.2,
                capsize=3,
                label=task,
                color=f"C{number}",
            )
        if not table.x:
            labels = [plan.variant(name).label for name in table.variants]
            axes.set_xticks(list(places), labels, rotation=25, ha="right")
        axes.set_title(table.title, fontsize=10)
        axes.set_xlabel(table.x_label)
        axes.set_ylabel(metric)
        axes.grid(visible=True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = all_axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(tasks), frameon=False)
    figure.savefig(path, dpi=110)
