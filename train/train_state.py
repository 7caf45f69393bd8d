"""The state of a run on disk: written to a temporary file and renamed, read back exactly."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from cmp_engine.modeling.cmp import CMP
from train.config import Recipe
from train.errors import TrainConfigError

_LIMB_BACKBONE: Final = "image_encoder.limbs.backbone."
_SHARED_BACKBONE: Final = ("image_encoder.stem.", "image_encoder.stages.")
_BACKBONE: Final = (*_SHARED_BACKBONE, _LIMB_BACKBONE)
_LIMBS: Final = ("image_encoder.limbs.", "flow_decoder.limbs.")
_TRUST: Final = "flow_decoder.limbs.trusted."


@dataclass(slots=True)
class TrainState:
    """Everything that a step changes.

    All randomness of a step comes from the seed and the step's number, so the step is also the
    state of the random generators and the position of the sampler.

    Attributes:
        network: Being trained.
        ema: Averaged copy, or None.
        optimizer: With its own state.
        step: Steps done.
        seconds: Time spent in training so far, over all calls.
    """

    network: CMP
    ema: CMP | None
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def new_state(network: CMP, recipe: Recipe, device: torch.device) -> TrainState:
    """Return the state before the first step, on ``device``."""
    network = network.to(device).to(memory_format=memory_format(device))
    network.train()
    for name, parameter in network.named_parameters():
        parameter.requires_grad = _learns(name, recipe)
    ema = (
        copy.deepcopy(network).requires_grad_(requires_grad=False) if recipe.schedule.ema else None
    )
    return TrainState(network, ema, build_optimizer(network, recipe))


def _learns(name: str, recipe: Recipe) -> bool:
    """Return whether a parameter changes in a run."""
    if recipe.objective == "trust":
        return name.startswith(_TRUST)
    if recipe.objective == "limbs":
        return name.startswith(_LIMBS) and not name.startswith(_TRUST)
    if name.startswith(_LIMBS):
        return False
    return recipe.schedule.backbone_rate > 0 or not name.startswith(_BACKBONE)


def memory_format(device: torch.device) -> torch.memory_format:
    """Return the layout to train in: channels last on CUDA.

    On CPUs with AVX-512, oneDNN's channels-last convolutions of torch 2.15 write outside their
    buffers for some odd sizes (a 3 x 3 feature map is one), so the CPU keeps channels first.
    """
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; under AdamW norms, biases and vectors don't decay.

    Each group has its factor of the learning rate under the key ``rate``.
    """
    schedule = recipe.schedule
    groups: list[dict[str, Any]] = []
    for is_backbone in (False, True):
        rate = schedule.backbone_rate if is_backbone else 1.0
        of_kind = [
            p
            for name, p in network.named_parameters()
            if p.requires_grad and name.startswith(_BACKBONE) == is_backbone
        ]
        for is_matrix in (True, False):
            decays = is_matrix or schedule.optimizer == "sgd"
            parameters = [p for p in of_kind if (p.ndim > 1) == is_matrix]
            if parameters:
                decay = schedule.weight_decay if decays else 0.0
                groups.append({"params": parameters, "weight_decay": decay, "rate": rate})
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=schedule.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.98))


def update_ema(state: TrainState, decay: float) -> None:
    """Move the averaged weights towards the current ones; early averages are short."""
    if state.ema is None:
        return
    decay = min(decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        averaged = list(state.ema.state_dict().values())
        current = list(state.network.state_dict().values())
        floats = [i for i, tensor in enumerate(averaged) if tensor.is_floating_point()]
        torch._foreach_lerp_([averaged[i] for i in floats], [current[i] for i in floats], 1 - decay)
        for i, tensor in enumerate(averaged):
            if not tensor.is_floating_point():
                tensor.copy_(current[i])


def save_state(state: TrainState, recipe: Recipe, path: Path) -> None:
    """Write the state; a run killed meanwhile keeps the one before."""
    content: dict[str, Any] = {
        "recipe": recipe.to_json(),
        "step": state.step,
        "seconds": state.seconds,
        "network": state.network.state_dict(),
        "ema": None if state.ema is None else state.ema.state_dict(),
        "optimizer": state.optimizer.state_dict(),
    }
    write_state(content, path)


def write_state(content: dict[str, Any], path: Path) -> None:
    """Write the content of a state file, whole or not at all."""
    temporary = path.with_suffix(".part")
    torch.save(content, temporary)
    temporary.replace(path)


def load_state(state: TrainState, recipe: Recipe, path: Path) -> None:
    """Fill ``state`` with what `save_state` wrote.

    Raises:
        TrainConfigError: The run was started with another recipe.
    """
    content = read_state(path, recipe.to_json(), "or start from its weights with --init")
    state.network.load_state_dict(content["network"])
    if state.ema is not None:
        state.ema.load_state_dict(content["ema"])
    state.optimizer.load_state_dict(content["optimizer"])
    state.step, state.seconds = int(content["step"]), float(content["seconds"])


def read_state(path: Path, recipe: str, otherwise: str = "") -> dict[str, Any]:
    """Return the content of a state file.

    Args:
        path: The file.
        recipe: What its run must have been started with, as JSON.
        otherwise: What else to do if it was not.

    Raises:
        TrainConfigError: The run was started with another recipe.
    """
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if content["recipe"] != recipe:
        advice = f"choose another --out, {otherwise}".rstrip(", ")
        raise TrainConfigError(f"{path} belongs to a run with another recipe; {advice}.")
    return content


def with_limb_backbone(source: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with a backbone for limbs: a copy of the shared one if there is none."""
    copied = {
        _LIMB_BACKBONE + name.removeprefix("image_encoder."): tensor
        for name, tensor in source.items()
        if name.startswith(_SHARED_BACKBONE)
    }
    return copied | source


def copy_matching(network: nn.Module, source: dict[str, Tensor]) -> int:
    """Copy the tensors of ``source`` that fit by name and shape; return how many did."""
    own = network.state_dict()
    fitting = {k: v for k, v in source.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict(fitting, strict=False)
    return len(fitting)
