"""A list of pretraining recipes to compare, and the tables and plots to make of their scores.

A plan is a TOML file::

    seeds = [0, 1, 2]             # of fine-tuning, for each variant
    pretrain_seeds = 1            # how many pretrainings a variant gets; seeds take them in turn

    [[variant]]
    name = "cmp"                  # also the name of its folder
    config = "../small_cmp.toml"  # a recipe, beside the plan
    set = ["guidance.kernel=21"]  # changes, as with --set of train.pretrain
    label = "CMP"                 # for tables; the name if missing
    random = true                 # leave the encoder as it was drawn; false if missing

    [[table]]
    title = "Figure 4: number of guidance points"
    variants = ["walker", "cmp"]
    tasks = ["camvid"]            # of those that there are; all if missing
    x = [0, 13.5]                 # places on the plot's axis; categories if missing
    x_label = "guidance points an image"
    paper = [39.0, 44.5]          # the paper's figures, for rows that it has; nan for others
    paper_label = "VOC 2012 (AlexNet), % mIoU"

Other tables of the file belong to the command that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from train.config import Recipe, load_recipe
from train.errors import TrainConfigError

FROZEN: Final = "-frozen"
"""Ends the name of a task in which the encoder stays as it was pretrained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to pretrain an encoder.

    Attributes:
        name: Unique in the plan; names its folder.
        label: For people.
        config: The recipe's file.
        changes: ``table.key=value`` changes of the recipe.
        is_random: The encoder stays as it was drawn.
    """

    name: str
    label: str
    config: Path
    changes: tuple[str, ...] = ()
    is_random: bool = False

    def recipe(self, seed: int = 0) -> Recipe:
        """Return the recipe of the variant's pretraining number ``seed``.

        Raises:
            TrainConfigError: The recipe is missing or wrong.
        """
        recipe = load_recipe(self.config, self.changes)
        return replace(recipe, name=self.name, seed=recipe.seed + seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """Variants to be shown side by side.

    Attributes:
        title: Over table and plot.
        variants: Names, in order.
        tasks: To judge them by; empty for all that there are.
        x: Place of each on the plot's axis, or empty for categories.
        x_label: What the axis is.
        paper: The paper's figure for each, nan where it has none; or empty.
        paper_label: What the paper's figures are.
    """

    title: str
    variants: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    x: tuple[float, ...] = ()
    x_label: str = ""
    paper: tuple[float, ...] = ()
    paper_label: str = ""

    def of(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """Return which of the tasks that there are this table judges by.

        A task that ends in `FROZEN` counts as the one without.
        """
        wanted = self.tasks
        return tuple(t for t in tasks if not wanted or t.removesuffix(FROZEN) in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to compare."""

    variants: tuple[Variant, ...]
    tables: tuple[PlanTable, ...]
    seeds: tuple[int, ...]
    pretrain_seeds: int

    def variant(self, name: str) -> Variant:
        """Return the variant called ``name``; there is one."""
        return next(variant for variant in self.variants if variant.name == name)

    def pretrain_seed(self, seed: int) -> int:
        """Return which pretraining the fine-tuning of a seed starts from."""
        return self.seeds.index(seed) % self.pretrain_seeds


def read_plan(tables: Mapping[str, Any], path: Path, changes: Sequence[str] = ()) -> Plan:
    """Return the plan in a file's content.

    Args:
        tables: The content, other tables included.
        path: The file; recipes lie beside it.
        changes: Of all recipes, before their own.

    Raises:
        TrainConfigError: A value is missing, of the wrong kind, or names nothing.
    """
    try:
        seeds = tuple(int(seed) for seed in tables.get("seeds", [0]))
        plan = Plan(
            variants=tuple(_variant(entry, path.parent, changes) for entry in tables["variant"]),
            tables=tuple(_table(entry) for entry in tables.get("table", [])),
            seeds=seeds,
            pretrain_seeds=int(tables.get("pretrain_seeds", 1)),
        )
    except KeyError as error:
        raise TrainConfigError(f"Plan {path}: the value {error} is missing.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise TrainConfigError(f"Plan {path}: a value is of the wrong kind: {error}.") from error
    _check(plan, path)
    return plan


def _variant(entry: Mapping[str, Any], folder: Path, changes: Sequence[str]) -> Variant:
    _known(entry, ("name", "label", "config", "set", "random"), "variant")
    name = str(entry["name"])
    return Variant(
        name=name,
        label=str(entry.get("label", name)),
        config=folder / str(entry["config"]),
        changes=(*changes, *(str(change) for change in entry.get("set", []))),
        is_random=bool(entry.get("random", False)),
    )


def _table(entry: Mapping[str, Any]) -> PlanTable:
    known = ("title", "variants", "tasks", "x", "x_label", "paper", "paper_label")
    _known(entry, known, "table")
    return PlanTable(
        title=str(entry["title"]),
        variants=tuple(str(name) for name in entry["variants"]),
        tasks=tuple(str(name) for name in entry.get("tasks", [])),
        x=tuple(float(value) for value in entry.get("x", [])),
        x_label=str(entry.get("x_label", "")),
        paper=tuple(float(value) for value in entry.get("paper", [])),
        paper_label=str(entry.get("paper_label", "")),
    )


def _known(entry: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    if unknown := sorted(set(entry) - set(names)):
        raise TrainConfigError(
            f"A [[{where}]] of the plan has unknown keys {', '.join(unknown)}; known are "
            f"{', '.join(names)}."
        )


def _check(plan: Plan, path: Path) -> None:
    names = [variant.name for variant in plan.variants]
    if len(set(names)) < len(names):
        raise TrainConfigError(f"Plan {path}: two variants have the same name.")
    for variant in plan.variants:
        if not variant.name or not set(variant.name) <= _NAME_LETTERS:
            raise TrainConfigError(
                f"Plan {path}: a variant's name is made of letters, digits, _ and -, got "
                f"{variant.name!r}."
            )
        variant.recipe()
    for table in plan.tables:
        if missing := sorted(set(table.variants) - set(names)):
            raise TrainConfigError(
                f"Plan {path}, table {table.title!r}: there is no variant {', '.join(missing)}."
            )
        for values in (table.x, table.paper):
            if values and len(values) != len(table.variants):
                raise TrainConfigError(
                    f"Plan {path}, table {table.title!r}: x and paper need one number for each of "
                    f"the {len(table.variants)} variants, got {len(values)}."
                )
    if not plan.seeds or len(set(plan.seeds)) < len(plan.seeds):
        raise TrainConfigError(f"Plan {path}: seeds must be one or more different numbers.")
    if not 1 <= plan.pretrain_seeds <= len(plan.seeds):
        raise TrainConfigError(
            f"Plan {path}: pretrain_seeds must be 1 to the number of seeds ({len(plan.seeds)}), "
            f"got {plan.pretrain_seeds}."
        )


_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
