import pytest
import torch

from cmp_engine.device import describe_device, resolve_device
from cmp_engine.errors import DeviceError


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("name", ["auto", "cpu", torch.device("cpu"), "cpu:0"])
def test_resolve_device_when_there_is_only_a_cpu_then_cpu(name):
    assert resolve_device(name) == torch.device("cpu")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cuda", "no CUDA GPU"),
        ("cuda:1", "no CUDA GPU"),
        ("mps", "no Metal support"),
        ("gpu", "Unknown device 'gpu'"),
        ("meta", "Unknown device 'meta'"),
        ("", "Unknown device ''"),
    ],
)
def test_resolve_device_when_not_there_then_a_sentence_says_what_to_do(name, words):
    with pytest.raises(DeviceError, match=words):
        resolve_device(name)


@pytest.mark.usefixtures("two_gpus")
def test_resolve_device_when_there_are_gpus_then_the_one_that_was_named():
    assert resolve_device("auto") == torch.device("cuda", 0)
    assert resolve_device("cuda") == torch.device("cuda", 0)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match=r"there are 2 CUDA GPUs \(cuda:0 to cuda:1\)"):
        resolve_device("cuda:2")


@pytest.mark.usefixtures("no_gpu")
def test_resolve_device_when_auto_and_mps_is_there_then_mps(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")


def test_describe_device_when_cpu_then_it_says_so():
    assert describe_device(torch.device("cpu")).startswith("CPU (")
    assert describe_device(torch.device("mps")) == "Apple GPU (mps)"


@pytest.mark.cuda
def test_describe_device_when_cuda_then_name_and_memory():
    text = describe_device(resolve_device("cuda"))
    assert torch.cuda.get_device_name() in text
    assert "GB" in text
