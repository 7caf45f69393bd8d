"""One process or many, under `torchrun`: gloo on CPUs, nccl on GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from train.errors import TrainConfigError


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among the processes of a run."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0


def join(device: str = "auto") -> World:
    """Join the run that `torchrun` started, or be a run of one process.

    Args:
        device: ``auto`` for a GPU if there is one, ``cpu``, ``cuda`` for the GPU of this process's
            number, or ``cuda:NUMBER``.

    Raises:
        TrainConfigError: There is no such device.
    """
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    chosen = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if size > 1:
        distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return World(rank, size, chosen)


def _device(name: str, local: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(name)
    except RuntimeError as error:
        raise TrainConfigError(
            f"There is no device {name!r}; expected auto, cpu, cuda or cuda:NUMBER."
        ) from error
    if chosen.type != "cuda":
        return chosen
    index = local if chosen.index is None else chosen.index
    if index >= torch.cuda.device_count():
        raise TrainConfigError(
            f"{name} asks for the CUDA device number {index}, and PyTorch finds "
            f"{torch.cuda.device_count()} of them on this computer; choose fewer processes or "
            "another --device."
        )
    return torch.device("cuda", index)


def leave(world: World) -> None:
    """Leave the run."""
    if world.size > 1:
        distributed.destroy_process_group()


def sum_gradients(parameters: Iterable[Tensor], world: World) -> None:
    """Sum the gradients over all processes, in one message; one that is missing counts as zero."""
    if world.size == 1:
        return
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:  # another process may have one
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    flat = torch.cat([g.reshape(-1) for g in gradients])
    distributed.all_reduce(flat)
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
        offset += gradient.numel()


def sum_values(values: Tensor, world: World) -> Tensor:
    """Sum a small tensor of statistics over all processes."""
    if world.size > 1:
        distributed.all_reduce(values)
    return values


def any_true(value: bool, world: World) -> bool:  # noqa: FBT001 - the value is what it is about
    """Whether the value is true in any process: all stop together."""
    flag = torch.tensor([float(value)], device=world.device)
    return bool(sum_values(flag, world).item() > 0)
