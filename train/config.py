"""Training recipes: TOML files in `train/configs`, checked field by field.

A recipe has the tables ``[model]`` (a preset name, and fields of `ModelConfig` to change),
``[data]``, ``[guidance]``, ``[loss]``, ``[pretext]`` and ``[schedule]``, and may name another
``objective`` than CMP, and a ``seed``. ``--set table.key=value`` changes one value, written as
TOML.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from cmp_engine.config import ModelConfig, preset
from cmp_engine.errors import ConfigError
from train.errors import TrainConfigError

Sampler = Literal["watershed", "artist", "uniform", "random", "grid", "none"]
Objective = Literal["cmp", "limbs", "trust", "walker", "pathak", "mahendran"]
SettingsT = TypeVar("SettingsT")

_KINDS: Final[dict[object, tuple[tuple[type, ...], str]]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    str: ((str,), "a text"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """Where training pairs come from.

    Attributes:
        pairs: Folder of prepared clip pairs (`train.data.prepare`), or empty for none.
        fraction: Share of the clips, and of the puppet scenes if they are counted, to learn from.
            The clips of a smaller share are among those of a larger one.
        puppet_scenes: About how many different puppet scenes there are; 0 never repeats one.
    """

    pairs: str = ""
    fraction: float = 1.0
    puppet_scenes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceSettings:
    """How sparse guidance is drawn from the true flow (paper sec. 3.2).

    Attributes:
        sampler: ``watershed`` as in the paper; ``grid`` for its grid points alone; ``uniform`` for
            a fixed number of random pixels; ``random`` for a random number of them; ``artist`` for
            few arrows on what moves and some pins; ``none`` for no guidance.
        kernel: NMS kernel K of the watershed sampler, px.
        grid_stride: Grid stride G, px.
        max_points: Most arrows that the artist sampler draws, all of the uniform sampler, and the
            mean of the random one.
        watershed_share: Share of samples for which the artist sampler hands over to the watershed.
        sets: Guidance sets that each image is asked, 1 or 2; the image is encoded once. The second
            one of a puppet is a limb that turns alone (`train.data.limb_turns`), that of a clip is
            another draw. Only the attention network takes 2.
        pulls: Arrows on each puppet picture for the objective ``limbs``.
        shift_share: Share of those that shift a body or thing instead of turning a limb.
    """

    sampler: Sampler = "artist"
    kernel: int = 81
    grid_stride: int = 200
    max_points: int = 6
    watershed_share: float = 0.15
    sets: int = 1
    pulls: int = 8
    shift_share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSettings:
    """The loss of the attention network; bins use eq. (1) alone.

    Attributes:
        moving_px: A pixel moves if its flow is longer, px of the network grid.
        relative: Weight of the error as a part of the motion.
        gate: Weight of the gate's cross-entropy.
        shape: Weight of the differences within a part.
        affinity: Weight of the affinities' cross-entropy, where labels are known.
        anchors: Random points of an image that the affinities are asked about.
    """

    moving_px: float = 0.5
    relative: float = 0.5
    gate: float = 0.3
    shape: float = 0.5
    affinity: float = 0.5
    anchors: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PretextSettings:
    """The other methods' objectives (`train.objectives`); CMP and Walker et al. need none of it.

    Attributes:
        moving_px: Pathak et al.: a pixel moves if it is at least this far off the background's
            motion, px of the network grid,
        moving_share: and at least this share of the image's fastest pixels.
        smallest: Images with a smaller share of moving pixels are left out,
        largest: and images with a larger one.
        embedding: Mahendran et al.: numbers for each pixel.
        samples: Pixels of an image that are compared with each other.
        temperature: Divides the cosine of two embeddings.
        bandwidth: Width of the flow's Gaussian kernel, as a part of the root mean square
            difference of two flows in the image.
    """

    moving_px: float = 0.5
    moving_share: float = 0.2
    smallest: float = 0.01
    largest: float = 0.8
    embedding: int = 16
    samples: int = 256
    temperature: float = 0.1
    bandwidth: float = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stretch of training at one size.

    Attributes:
        until: Share of all steps at which the stage ends, in (0, 1].
        size: Side of the square crops, px; a multiple of 32.
        batch: Images a step, over all processes.
        puppet_share: Share of synthetic puppets in a batch, 0 to 1. The rest are clip pairs.
    """

    until: float
    size: int
    batch: int
    puppet_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """Steps, optimizer and learning rate.

    Attributes:
        steps: Iterations of the whole run.
        stages: Sizes and batches, in order; the last one ends at 1.
        micro_batches: Parts that a batch is cut into. Each part has its own seed, so that any
            number of processes that divides it computes the same step.
        optimizer: ``sgd`` (momentum 0.9) or ``adamw``.
        learning_rate: At the start, after the warm-up.
        image_weights: Where the backbone of EfficientNet-Lite0 starts: ``published`` for the
            weights of the installed package (`train.image_weights`), a path to its ``.pth`` file,
            or empty for random ones.
        backbone_rate: Factor of the learning rate for the image encoder's backbone. 0 leaves it as
            it is, which halves the time of a step.
        weight_decay: Not applied to norms and biases under AdamW.
        decay: ``paper`` divides by 10 at 2/3.5 and 3/3.5 of the steps (sec. 4); ``cosine`` falls to
            a hundredth.
        warmup: Steps of linear warm-up.
        clip: Largest gradient norm; 0 clips nothing.
        ema: Decay of the averaged weights; 0 keeps none.
    """

    steps: int = 1000
    stages: tuple[Stage, ...] = (Stage(until=1.0, size=128, batch=16),)
    micro_batches: int = 2
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: float = 1e-3
    image_weights: str = ""
    backbone_rate: float = 1.0
    weight_decay: float = 0.01
    decay: Literal["paper", "cosine"] = "cosine"
    warmup: int = 100
    clip: float = 1.0
    ema: float = 0.998


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides what a training run computes.

    Attributes:
        objective: What the network learns: ``cmp``, the motion; ``limbs``, which limb an arrow
            turns, and ``trust``, when to believe that, each with all the rest left as it is; or
            what CMP is compared with in the paper's tables 1 to 3: ``walker``, ``pathak``,
            ``mahendran``.
    """

    name: str
    model: ModelConfig
    objective: Objective = "cmp"
    data: DataSettings = field(default_factory=DataSettings)
    guidance: GuidanceSettings = field(default_factory=GuidanceSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    pretext: PretextSettings = field(default_factory=PretextSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    seed: int = 0

    def to_json(self) -> str:
        """Return the recipe as one line of JSON.

        What came later than the first runs is left out where it has its default, so that their
        state still belongs to their recipe.
        """
        values = asdict(self)
        for key in ("fraction", "puppet_scenes"):
            if values["data"][key] == getattr(DataSettings(), key):
                del values["data"][key]
        if self.objective == "cmp":
            del values["objective"], values["pretext"]
        return json.dumps(values, sort_keys=True)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply ``table.key=value`` overrides.

    Raises:
        TrainConfigError: Missing file, bad TOML, an unknown key, or a value that can't be.
    """
    return _parse(read_tables(path, overrides), path.stem)


def read_tables(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a TOML file and apply ``table.key=value`` overrides.

    Raises:
        TrainConfigError: Missing file, bad TOML, or an override that can't be applied.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TrainConfigError(f"There is no recipe at {path}.") from error
    except OSError as error:
        raise TrainConfigError(f"{path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainConfigError(f"{path} is not valid TOML: {error}.") from error
    for override in overrides:
        _apply_override(tables, override)
    return tables


def _apply_override(tables: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise TrainConfigError(f"Expected --set table.key=value, got {override!r}.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = key.strip().split(".")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise TrainConfigError(f"--set {override}: {parent!r} is a value, not a table.")
    table[last] = value


def _parse(tables: Mapping[str, Any], name: str) -> Recipe:
    known = {"model", "objective", "data", "guidance", "loss", "pretext", "schedule", "seed"}
    if unknown := sorted(set(tables) - known):
        raise TrainConfigError(
            f"Recipe {name} has unknown entries {', '.join(unknown)}; known are "
            f"{', '.join(sorted(known))}."
        )
    model_table = read_table(tables, "model", name)
    try:
        model = preset(str(model_table.pop("preset", "default")))
        if isinstance(model_table.get("propagation_strides"), list):
            model_table["propagation_strides"] = tuple(model_table["propagation_strides"])
        model = replace(model, **model_table)
    except (ConfigError, TypeError) as error:
        raise TrainConfigError(f"Recipe {name}, table [model]: {error}") from error
    schedule_table = read_table(tables, "schedule", name)
    if isinstance(schedule_table.get("stages"), list):
        schedule_table["stages"] = tuple(
            read_settings(Stage, stage, name, "schedule.stages")
            for stage in schedule_table["stages"]
        )
    recipe = Recipe(
        name=name,
        model=model,
        objective=tables.get("objective", "cmp"),
        data=read_settings(DataSettings, tables.get("data", {}), name, "data"),
        guidance=read_settings(GuidanceSettings, tables.get("guidance", {}), name, "guidance"),
        loss=read_settings(LossSettings, tables.get("loss", {}), name, "loss"),
        pretext=read_settings(PretextSettings, tables.get("pretext", {}), name, "pretext"),
        schedule=read_settings(ScheduleSettings, schedule_table, name, "schedule"),
        seed=read_seed(tables, name),
    )
    _check(recipe)
    return recipe


def read_seed(tables: Mapping[str, Any], name: str) -> int:
    """Return the seed of a recipe's tables, 0 if there is none.

    Raises:
        TrainConfigError: It is no whole number.
    """
    seed = tables.get("seed", 0)
    if wanted := _wanted(int, seed):
        raise TrainConfigError(f"Recipe {name}: seed must be {wanted}, got {seed!r}.")
    return int(seed)


def read_table(tables: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    """Return a copy of a table of a recipe, empty if there is none.

    Raises:
        TrainConfigError: A single value stands in its place.
    """
    table = tables.get(key, {})
    if not isinstance(table, Mapping):
        raise TrainConfigError(f"Recipe {name}: [{key}] must be a table, got {table!r}.")
    return dict(table)


def read_settings(kind: type[SettingsT], table: object, name: str, where: str) -> SettingsT:
    """Return the settings dataclass ``kind`` with the values of a table of a recipe.

    Raises:
        TrainConfigError: An unknown key, or a value of the wrong kind.
    """
    if not isinstance(table, Mapping):
        raise TrainConfigError(f"Recipe {name}: [{where}] must be a table, got {table!r}.")
    known = {entry.name for entry in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if unknown := sorted(set(table) - known):
        raise TrainConfigError(
            f"Recipe {name}, table [{where}]: unknown keys {', '.join(unknown)}; known are "
            f"{', '.join(sorted(known))}."
        )
    hints = get_type_hints(kind)
    for key, value in table.items():
        if wanted := _wanted(hints[key], value):
            raise TrainConfigError(f"{where}.{key} must be {wanted}, got {value!r}.")
    try:
        return kind(**table)
    except TypeError as error:
        raise TrainConfigError(f"Recipe {name}, table [{where}]: {error}.") from error


def _wanted(hint: object, value: object) -> str:
    """Return in words what a value should be by its annotation; empty if it is that."""
    if choices := _choices(hint):
        is_one = any(value == choice and type(value) is type(choice) for choice in choices)
        return "" if is_one else f"one of {', '.join(filter(None, choices))}"
    if hint in _KINDS:
        kinds, words = _KINDS[hint]
        fits = isinstance(value, kinds) and (hint is bool or not isinstance(value, bool))
        return "" if fits else words
    if get_origin(hint) is tuple:
        kind, *rest = get_args(hint)
        if not isinstance(value, tuple):
            return "a list"
        if rest != [...] and len(value) != 1 + len(rest):
            return f"a list of {1 + len(rest)} values"
        words = next(filter(None, (_wanted(kind, entry) for entry in value)), "")
        return f"a list, each of it {words}" if words else ""
    return ""


def _choices(hint: object) -> tuple[str, ...]:
    """Return the values of an annotation that lists them: a `Literal`, or several."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return tuple(choice for part in get_args(hint) for choice in _choices(part))
    return ()


def _check(recipe: Recipe) -> None:
    _check_objective(recipe)
    if not 0 < recipe.data.fraction <= 1:
        raise TrainConfigError(
            f"data.fraction must be above 0 and at most 1, got {recipe.data.fraction}."
        )
    if recipe.data.puppet_scenes < 0:
        raise TrainConfigError(
            f"data.puppet_scenes must be 0 (no limit) or more, got {recipe.data.puppet_scenes}."
        )
    schedule = recipe.schedule
    most = 2 if recipe.model.decoder == "attention" else 1
    if not 1 <= recipe.guidance.sets <= most:
        raise TrainConfigError(
            f"guidance.sets is 1, or 2 with the attention decoder; got {recipe.guidance.sets} with "
            f"the decoder {recipe.model.decoder}."
        )
    if recipe.guidance.pulls < 1 or not 0 <= recipe.guidance.shift_share <= 1:
        raise TrainConfigError(
            "guidance.pulls must be 1 or more and guidance.shift_share 0 to 1, got "
            f"{recipe.guidance.pulls} and {recipe.guidance.shift_share}."
        )
    if not schedule.stages or schedule.stages[-1].until != 1.0:
        raise TrainConfigError("The last entry of schedule.stages must have until = 1.0.")
    for stage in schedule.stages:
        if not 0 <= stage.puppet_share <= 1:
            raise TrainConfigError(f"A stage's puppet_share is 0 to 1, got {stage.puppet_share}.")
        if stage.puppet_share < 1 and not recipe.data.pairs:
            raise TrainConfigError(
                "data.pairs is empty, so every stage's puppet_share must be 1. Prepare clips with "
                "`python -m train.data.prepare VIDEOS… --out DIR` and set data.pairs to DIR."
            )
        if stage.size % 32 or stage.size < 64:
            raise TrainConfigError(
                f"A stage's size must be a multiple of 32 from 64, got {stage.size}."
            )
        if stage.batch % schedule.micro_batches:
            raise TrainConfigError(
                f"A stage's batch ({stage.batch}) must be divisible by micro_batches "
                f"({schedule.micro_batches})."
            )
    if schedule.steps < 1 or schedule.micro_batches < 1:
        raise TrainConfigError("schedule.steps and schedule.micro_batches must be at least 1.")


def _check_objective(recipe: Recipe) -> None:
    """An objective without guidance needs a decoder that says something without any."""
    if recipe.objective not in get_args(Objective):
        raise TrainConfigError(
            f"objective must be one of {', '.join(get_args(Objective))}, got {recipe.objective!r}."
        )
    if recipe.objective == "cmp":
        return
    if recipe.objective in ("limbs", "trust"):
        if not recipe.model.limb_channels:
            raise TrainConfigError(
                f"objective {recipe.objective!r} needs a network with model.limb_channels; the "
                "preset default has them."
            )
        if recipe.objective == "limbs" and any(s.puppet_share < 1 for s in recipe.schedule.stages):
            raise TrainConfigError(
                "objective 'limbs' learns from puppets alone; set every stage's puppet_share to 1."
            )
        return
    if recipe.model.decoder == "attention":
        raise TrainConfigError(
            f"objective {recipe.objective!r} gives the network no arrows, and without any the "
            "attention decoder answers nothing; set model.preset to one with another decoder."
        )
    if recipe.objective == "walker" and recipe.model.head != "bins":
        raise TrainConfigError(
            "objective 'walker' is a classification; it needs model.head = bins."
        )
    pretext = recipe.pretext
    if not (pretext.temperature > 0 and pretext.bandwidth > 0):
        raise TrainConfigError("pretext.temperature and pretext.bandwidth must be above 0.")
    if pretext.embedding < 1 or pretext.samples < 2:
        raise TrainConfigError(
            "pretext.embedding must be at least 1, and pretext.samples at least 2."
        )
