"""Which device the network runs on."""

from __future__ import annotations

import platform

import torch

from cmp_engine.errors import DeviceError
from cmp_engine.sentences import Sentence


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device for a name, after checking that it is there.

    Args:
        name: ``auto`` (CUDA, else Apple's MPS, else the CPU), ``cpu``, ``cuda``, ``cuda:1`` or
            ``mps``.

    Raises:
        DeviceError: An unknown name, or a device that this computer or this build of PyTorch does
            not have.
    """
    if str(name) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(_unknown(str(name))) from error
    if device.type == "cpu":
        return torch.device("cpu")
    if device.type == "cuda":
        return _resolve_cuda(device)
    if device.type == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError(
                "The device 'mps' was asked for, but this computer or this build of PyTorch has no "
                "Metal support; use 'auto' or 'cpu'."
            )
        return torch.device("mps")
    raise DeviceError(_unknown(str(name)))


def describe_device(device: torch.device) -> str:
    """Return a device in words, for a status line: ``NVIDIA T4 (cuda:0, 15 GB)``."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        memory = properties.total_memory / 2**30
        return f"{properties.name} (cuda:{device.index or 0}, {memory:.0f} GB)"
    if device.type == "mps":
        return "Apple GPU (mps)"
    count = torch.get_num_threads()
    threads = "1 thread" if count == 1 else f"{count} threads"
    return f"CPU ({platform.machine() or 'unknown'}, {threads})"


def _resolve_cuda(device: torch.device) -> torch.device:
    if not torch.cuda.is_available():
        raise DeviceError(
            "The device '{device}' was asked for, but PyTorch sees no CUDA GPU here; use 'auto' or "
            "'cpu', or install a CUDA build of PyTorch and its driver.",
            device=device,
        )
    count = torch.cuda.device_count()
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= count:
        raise DeviceError(
            "The device '{device}' was asked for, but there are {count} CUDA GPUs (cuda:0 to "
            "cuda:{last}).",
            device=device,
            count=count,
            last=count - 1,
        )
    return torch.device("cuda", index)


def _unknown(name: str) -> Sentence:
    return Sentence("Unknown device {name!r}; expected auto, cpu, cuda, cuda:N or mps.", name=name)
