"""Where a process computes: the device that was asked for, or a sentence."""

from __future__ import annotations

import pytest
import torch

from train.distributed import join
from train.errors import TrainConfigError


@pytest.fixture
def two_gpus(monkeypatch):
    """Pretend that there are two GPUs; return the devices that were chosen."""
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_process_when_of_a_number_then_takes_the_gpu_of_this_number(two_gpus, monkeypatch, name):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert join(name).device == torch.device("cuda", 1)
    assert two_gpus == [torch.device("cuda", 1)]


def test_process_when_a_gpu_is_named_then_takes_it(two_gpus):
    assert join("cuda:1").device == torch.device("cuda", 1)


def test_processes_when_more_than_gpus_then_one_sentence(two_gpus, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(TrainConfigError, match="number 2, and PyTorch finds 2 of them"):
        join("auto")


def test_device_when_there_is_no_gpu_then_the_cpu_or_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert join("auto").device == torch.device("cpu")
    with pytest.raises(TrainConfigError, match="finds 0 of them on this computer"):
        join("cuda")


def test_device_when_there_is_no_such_kind_then_one_sentence():
    with pytest.raises(TrainConfigError, match="no device 'gpu'; expected auto, cpu, cuda"):
        join("gpu")
