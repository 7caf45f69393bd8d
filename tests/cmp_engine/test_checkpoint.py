"""Published checkpoints: what is read, and what is refused."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import tarfile
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.checkpoint import read_checkpoint, recognize
from cmp_engine.config import ModelConfig, preset
from cmp_engine.errors import WeightsFormatError, WeightsNotFoundError
from cmp_engine.modeling.cmp import CMP
from cmp_engine.weights import load_model

SMALL = ModelConfig(
    image_encoder="resnet18",
    decoder="plain",
    num_bins=9,
    image_channels=12,
    motion_channels=4,
    decoder_channels=8,
)


def _published(network: CMP) -> dict:
    state = OrderedDict(
        (f"module.{name}", value)
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    )
    optimizer = {"state": {}, "param_groups": [{"lr": 0.1, "params": [1, 2]}]}
    return {"step": 42000, "state_dict": state, "optimizer": optimizer}


@pytest.fixture(scope="module")
def network() -> CMP:
    return build_network(SMALL)


@pytest.fixture(scope="module")
def content(network) -> dict:
    return _published(network)


def _save(content: object, path: Path, *, is_zip: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    return path


def _without_storages(content: dict) -> dict:
    """The same names with one weight each, for files whose size does not matter."""
    return {**content, "state_dict": {name: torch.zeros(1) for name in content["state_dict"]}}


@pytest.mark.parametrize("is_zip", [False, True])
def test_published_file_when_read_then_gives_network_weights_and_step(
    tmp_path, network, content, is_zip
):
    path = _save(content, tmp_path / "ckpt_iter_42000.pth.tar", is_zip=is_zip)

    model = load_model(path)

    assert model.info.config == SMALL
    assert model.info.name == "ckpt_iter_42000.pth.tar"
    assert model.info.metadata["step"] == "42000"
    assert not model.network.training
    loaded = model.network.state_dict()
    assert loaded.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(loaded[name], value), name


def test_published_file_without_prefix_and_step_when_read_then_loads(tmp_path, content):
    state = {name.removeprefix("module."): value for name, value in content["state_dict"].items()}
    path = _save({"state_dict": state}, tmp_path / "plain.pth")

    model = load_model(path)

    assert model.info.config == SMALL
    assert "step" not in model.info.metadata


def test_published_file_written_on_a_gpu_when_read_then_loads_on_the_cpu(
    tmp_path, content, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _storage: "cuda:3")
        path = _save(content, tmp_path / "gpu.pth.tar")
    assert b"cuda:3" in path.read_bytes()

    network = load_model(path).network

    assert {value.device.type for value in network.parameters()} == {"cpu"}


def test_published_file_in_half_precision_when_read_then_is_float32(tmp_path, content):
    state = {name: value.half() for name, value in content["state_dict"].items()}
    path = _save({**content, "state_dict": state}, tmp_path / "half.pth.tar")

    network = load_model(path).network

    assert {value.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "config",
    [
        preset("resnet50_skip"),
        preset("resnet50_plain"),
        preset("alexnet_plain"),
        SMALL,
        replace(SMALL, image_encoder="resnet34", propagation_strides=(8,), blocks=1),
        replace(SMALL, image_encoder="resnet101", head="regression", num_bins=99),
        replace(SMALL, decoder="skip", propagation_strides=(2, 4), blocks=3, num_bins=33),
    ],
    ids=lambda config: f"{config.image_encoder}-{config.decoder}",
)
def test_recognize_gives_the_description_that_the_weights_were_built_from(config):
    with torch.device("meta"):
        state = build_network(config).state_dict()

    assert recognize(state, "x") == config


def test_recognize_when_the_weights_are_of_another_network_then_says_so():
    with pytest.raises(WeightsFormatError, match=r"not of a CMP network.*fc.weight"):
        recognize({"fc.weight": torch.zeros(2, 2)}, "vgg.pth")


class _Runs:
    """What a malicious pickle does: name a function and its argument."""

    def __init__(self, function, argument) -> None:
        self._call = function, (argument,)

    def __reduce__(self):
        return self._call


@pytest.mark.parametrize("is_zip", [False, True])
def test_malicious_pickle_when_read_then_is_refused_and_not_run(tmp_path, content, is_zip):
    trace = tmp_path / "was_run"
    bad = {**_without_storages(content), "optimizer": _Runs(os.system, f"touch {trace}")}
    path = _save(bad, tmp_path / "bad.pth.tar", is_zip=is_zip)

    with pytest.raises(WeightsFormatError, match=r"bad.pth.tar asks for \w+.system .*malicious"):
        load_model(path)

    assert not trace.exists()


@pytest.mark.parametrize("function", [eval, subprocess.Popen, getattr])
def test_plain_pickle_that_runs_something_when_read_then_is_refused(tmp_path, function):
    path = tmp_path / "bomb.pth.tar"
    path.write_bytes(pickle.dumps(_Runs(function, "1/0"), protocol=2))

    with pytest.raises(WeightsFormatError, match=r"bomb.pth.tar"):
        load_model(path)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return buffer.getvalue()


def _zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}." + bytes(1_000_000))
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"))
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:cd3a\nsize 228465722\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (LFS, "Git LFS pointer"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"<html><body>Quota exceeded</body></html>", "web page"),
        (b"just some notes\nabout weights\n", "text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(600), "not weights"),
        (_zip(), "zip archive, not weights"),
        (_zip()[:40], "zip that is damaged"),
        (_zip_bomb(), "compressed zip"),
        (_tar(), "tar archive"),
        (pickle.dumps([1, 2, 3]), "other.pth.tar"),
        (b"\x80\x02", "other.pth.tar"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", ["other.pth.tar", "other.safetensors"])
def test_file_that_is_something_else_when_read_then_is_named(tmp_path, data, reason, name):
    path = tmp_path / name
    path.write_bytes(data)

    with pytest.raises(WeightsFormatError, match=reason.replace("other.pth.tar", "other")):
        load_model(path)


@pytest.mark.parametrize("content", [[1, 2], {"model": {}}, {"state_dict": {}}, {"state_dict": 3}])
def test_pytorch_file_without_a_state_dict_when_read_then_says_so(tmp_path, content):
    path = _save(content, tmp_path / "other.pth")

    with pytest.raises(WeightsFormatError, match="without a 'state_dict'"):
        load_model(path)


def test_state_dict_with_an_entry_that_is_no_weight_when_read_then_names_it(tmp_path):
    path = _save({"state_dict": {"module.x": "text"}}, tmp_path / "other.pth")

    with pytest.raises(WeightsFormatError, match=r"no weight: 'module.x'"):
        load_model(path)


@pytest.mark.parametrize("is_zip", [False, True])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.99999])
def test_published_file_when_cut_off_then_is_refused(tmp_path, content, is_zip, share):
    path = _save(content, tmp_path / "cut.pth.tar", is_zip=is_zip)
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))

    with pytest.raises(WeightsFormatError, match=r"cut.pth.tar .*damaged"):
        load_model(path)


def test_published_file_with_random_damage_in_its_pickle_when_read_then_ends_in_a_weights_error(
    tmp_path,
):
    buffer = io.BytesIO()
    torch.save(
        {"step": 1, "state_dict": OrderedDict(a=torch.zeros(3))},
        buffer,
        _use_new_zipfile_serialization=False,
    )
    whole = buffer.getvalue()
    path = tmp_path / "damaged.pth.tar"
    generator = torch.Generator().manual_seed(1)
    for _ in range(300):
        data = bytearray(whole)
        place, value = torch.randint(1, len(data), (1,), generator=generator), 0
        value = torch.randint(0, 256, (1,), generator=generator)
        data[int(place)] = int(value)
        path.write_bytes(data)
        with pytest.raises(WeightsFormatError):  # even undamaged, it is no CMP network
            load_model(path)


def test_tensor_that_claims_more_numbers_than_the_file_holds_when_read_then_is_refused(tmp_path):
    state = {"module.x": torch.zeros(1).expand(10**6, 10**6)}
    path = _save({"state_dict": state}, tmp_path / "big.pth.tar")

    with pytest.raises(WeightsFormatError, match="more numbers than"):
        read_checkpoint(path)


def _changed(content: dict, **changes: torch.Tensor | None) -> dict:
    state = {**content["state_dict"]}
    for name, value in changes.items():
        state[f"module.{name}"] = value
    return {**content, "state_dict": {k: v for k, v in state.items() if v is not None}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flow_decoder.head.bias": None}, "lacks weights.*flow_decoder.head.bias"),
        ({"image_encoder.bn1.running_var": None}, "lacks weights.*bn1.running_var"),
        ({"fc.weight": torch.zeros(1)}, "weights unexpected.*fc.weight"),
        ({"flow_decoder.head.bias": torch.zeros(7)}, r"shape \(7,\), expected \(18,\)"),
        ({"image_encoder.bn1.bias": torch.full((64,), torch.nan)}, "bn1.bias .*not finite"),
        ({"image_encoder.bn1.bias": torch.full((64,), torch.inf)}, "bn1.bias .*not finite"),
        ({"image_encoder.bn1.bias": torch.zeros(64).long()}, "bn1.bias of type"),
        ({"image_encoder.bn1.bias": torch.zeros(64).cfloat()}, "bn1.bias of type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_published_file_with_wrong_weights_when_read_then_names_them(
    tmp_path, content, changes, message
):
    path = _save(_changed(content, **changes), tmp_path / "wrong.pth.tar")

    with pytest.raises(WeightsFormatError, match=message):
        load_model(path)


def test_file_that_is_not_there_when_read_then_says_so(tmp_path):
    with pytest.raises(WeightsNotFoundError, match=r"no weights file at .*none.pth.tar"):
        load_model(tmp_path / "none.pth.tar")
    with pytest.raises(WeightsNotFoundError, match="no weights file at"):
        load_model(tmp_path)
