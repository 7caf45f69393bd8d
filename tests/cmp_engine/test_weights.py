"""Weights by name: saving, loading, listing, importing, verifying, fetching."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cmp_engine import weights
from cmp_engine.build import build_network
from cmp_engine.config import ModelConfig, preset
from cmp_engine.errors import (
    Cancelled,
    WeightsDownloadError,
    WeightsError,
    WeightsFormatError,
    WeightsNotFoundError,
)
from cmp_engine.modeling.cmp import CMP
from cmp_engine.weights import (
    fetch_weights,
    import_weights,
    list_weights,
    load_model,
    save_model,
    verify,
    weights_folder,
)

TINY = ModelConfig(
    image_encoder="pyramid",
    decoder="attention",
    propagation_strides=(),
    head="regression",
    image_channels=16,
    motion_channels=16,
    decoder_channels=16,
    encoder_width=16,
    attention_heads=2,
)
PUBLISHED = ModelConfig(
    image_encoder="resnet18",
    decoder="plain",
    num_bins=9,
    image_channels=12,
    motion_channels=4,
    decoder_channels=8,
)
METADATA = {"recipe": "puppets", "steps": "12", "scores": '{"epe": 1.5}'}


@pytest.fixture(scope="module")
def network() -> CMP:
    return build_network(TINY)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_model(network, path, metadata=METADATA)
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("published") / "ckpt_iter_7.pth.tar"
    state = OrderedDict(
        (f"module.{name}", value)
        for name, value in build_network(PUBLISHED).state_dict().items()
        if not name.endswith("num_batches_tracked")
    )
    content = {"step": 7, "state_dict": state, "optimizer": {}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def default(monkeypatch, saved):
    monkeypatch.setattr(weights, "_default_path", lambda: saved)
    return saved


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_save_then_load_in_full_precision_is_the_identity(tmp_path, network):
    path = tmp_path / "full.safetensors"
    save_model(network, path, metadata=METADATA, half=False)

    model = load_model(path)

    assert model.info.config == network.config == model.network.config
    assert model.info.metadata == METADATA
    assert model.info.sha256 == _sha256(path)
    assert model.info.path == path
    assert not model.network.training
    for name, value in network.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], value), name


def test_save_in_half_precision_then_load_gives_float32_close_by(saved, network):
    loaded = load_model(saved).network.state_dict()

    assert any(value.dtype == torch.float16 for value in load_file(saved).values())
    for name, value in network.state_dict().items():
        assert loaded[name].dtype == value.dtype
        torch.testing.assert_close(loaded[name], value, atol=1e-6, rtol=1e-3)


def test_save_in_half_precision_keeps_what_half_can_not_hold(tmp_path):
    network = build_network(PUBLISHED)
    with torch.no_grad():
        network.flow_decoder.head.bias.fill_(1e6)
        network.image_encoder.bn1.running_var.fill_(1e-9)
    path = tmp_path / "wide.safetensors"

    save_model(network, path, metadata={})

    state = load_model(path).network.state_dict()
    assert (state["flow_decoder.head.bias"] == 1e6).all()
    assert torch.equal(state["image_encoder.bn1.running_var"], torch.full((64,), 1e-9))


def test_save_leaves_the_network_as_it_is_and_saving_again_replaces(tmp_path, network):
    path = tmp_path / "w.safetensors"
    before = {name: value.clone() for name, value in network.state_dict().items()}

    save_model(network, path, metadata={"steps": "1"})
    save_model(network, path, metadata={"steps": "2"})

    assert load_model(path).info.metadata == {"steps": "2"}
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_save_when_the_folder_is_missing_then_says_so(tmp_path, network):
    with pytest.raises(WeightsError, match="does not exist"):
        save_model(network, tmp_path / "none" / "w.safetensors", metadata={})


def test_save_when_writing_fails_then_leaves_the_old_file(tmp_path, network, monkeypatch):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"old")

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cmp_engine.weights_file.save_file", fail)
    with pytest.raises(WeightsError, match="full"):
        save_model(network, path, metadata={})

    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_save_when_a_text_has_a_reserved_name_then_refuses(tmp_path, network):
    with pytest.raises(WeightsError, match="config"):
        save_model(network, tmp_path / "w.safetensors", metadata={"config": "x"})


def test_loaded_metadata_can_be_saved_again(tmp_path, saved):
    model = load_model(saved)

    save_model(model.network, tmp_path / "w.safetensors", metadata=model.info.metadata)

    assert load_model(tmp_path / "w.safetensors").info.metadata == METADATA


def _rewrite(source: Path, target: Path, *, state=None, **metadata: str | None) -> Path:
    """Write a weights file with some of its parts changed, and no checksum."""
    opening = source.read_bytes()
    (length,) = struct.unpack("<Q", opening[:8])
    texts = json.loads(opening[8 : 8 + length])["__metadata__"]
    texts = {**texts, "content_sha256": None, **metadata}
    texts = {name: value for name, value in texts.items() if value is not None}
    save_file(load_file(source) if state is None else state, target, metadata=texts)
    return target


def test_safetensors_of_another_program_when_loaded_then_says_so(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"model.weight": torch.zeros(2)}, path, metadata={"format": "pt"})

    with pytest.raises(WeightsFormatError, match="another program"):
        load_model(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "not JSON"),
        (json.dumps({"image_encoder": "vit", "decoder": "plain"}), "must be one of"),
        (replace(TINY, decoder_channels=10**7).to_json(), "too large to be true: decoder_channels"),
        (
            TINY.to_json().replace('"blocks": 2', '"blocks": 2.5'),
            "blocks must be a whole number, got 2.5",
        ),
        (TINY.to_json().replace('"blocks": 2', '"blocks": "2"'), "describes no network"),
        (TINY.to_json().replace('"encoder_width": 16', '"encoder_width": 17'), "tiny"),
        (PUBLISHED.to_json(), "lacks weights.*and .* more"),
    ],
)
def test_weights_with_a_wrong_description_when_loaded_then_are_refused(
    tmp_path, saved, config, message
):
    path = _rewrite(saved, tmp_path / "tiny.safetensors", config=config)

    with pytest.raises(WeightsFormatError, match=message):
        load_model(path)


def test_weights_without_checksum_when_loaded_then_load(tmp_path, saved):
    assert load_model(_rewrite(saved, tmp_path / "w.safetensors")).info.config == TINY


def test_weights_with_values_that_are_no_numbers_when_loaded_then_are_refused(tmp_path, saved):
    state = load_file(saved)
    name = next(iter(state))
    state[name] = torch.full_like(state[name], torch.nan)
    path = _rewrite(saved, tmp_path / "w.safetensors", state=state)

    with pytest.raises(WeightsFormatError, match=f"{name}.*not finite"):
        load_model(path)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.9999])
def test_weights_when_cut_off_then_are_refused(tmp_path, saved, share):
    data = saved.read_bytes()
    path = tmp_path / "w.safetensors"
    path.write_bytes(data[: max(9, int(len(data) * share))])

    with pytest.raises(WeightsFormatError, match=r"w.safetensors"):
        load_model(path)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_weights_with_one_flipped_bit_when_loaded_then_are_refused(tmp_path, saved, share):
    data = bytearray(saved.read_bytes())
    data[int(len(data) * share)] ^= 1
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)

    with pytest.raises(WeightsFormatError, match=r"damaged.*checksum"):
        load_model(path)


def test_default_when_it_is_there_then_loads_by_its_name(default):
    model = load_model()

    assert model.info.name == "default"
    assert model.info.path == default


def test_default_when_it_is_missing_then_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "_default_path", lambda: tmp_path / "default.safetensors")

    with pytest.raises(WeightsNotFoundError, match="come with the program are missing"):
        load_model("default")


def test_default_lies_beside_the_package_or_in_it():
    path = weights._default_path()

    assert path.parts[-3:] == ("assets", "weights", "default.safetensors")


def test_name_when_unknown_then_lists_what_there_is(default, saved):
    import_weights(saved, "mine")

    with pytest.raises(WeightsNotFoundError, match=r"'yours'; there are: default, mine\."):
        load_model("yours")


def test_official_name_when_not_fetched_then_says_how_to_get_it():
    with pytest.raises(WeightsNotFoundError, match="cmp-studio weights fetch cmp-official"):
        load_model("cmp-official")


def test_published_file_when_imported_then_loads_by_name_with_its_origin(published):
    info = import_weights(published)

    assert info.name == "ckpt_iter_7"
    assert info.path == weights_folder() / "ckpt_iter_7.safetensors"
    assert info.config == PUBLISHED
    assert info.metadata["source"] == "ckpt_iter_7.pth.tar"
    assert info.metadata["source_sha256"] == _sha256(published)
    assert info.metadata["step"] == "7"
    expected = load_model(published).network.state_dict()
    for name, value in load_model("ckpt_iter_7").network.state_dict().items():
        assert torch.equal(value, expected[name]), name
    assert [file.name for file in weights_folder().iterdir()] == ["ckpt_iter_7.safetensors"]


def test_own_file_when_imported_then_keeps_its_metadata_and_precision(saved):
    info = import_weights(saved, "mine")

    assert info.metadata.items() >= METADATA.items()
    assert info.metadata["source_sha256"] == _sha256(saved)
    assert any(value.dtype == torch.float16 for value in load_file(info.path).values())


def test_import_when_the_name_is_taken_then_asks_for_another_or_replaces(saved, published):
    import_weights(saved, "mine")

    with pytest.raises(WeightsError, match="'mine' already"):
        import_weights(published, "mine")
    assert import_weights(published, "mine", replace=True).config == PUBLISHED


def test_import_when_told_which_alexnet_then_is_that_one(tmp_path):
    small = {"num_bins": 9, "image_channels": 12, "motion_channels": 4, "decoder_channels": 8}
    network = build_network(replace(preset("alexnet_stride8_plain"), **small)).eval()
    source = tmp_path / "alex.pth.tar"
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"step": 3, "state_dict": state}, source)

    assert import_weights(source).config.image_encoder == "alexnet_stride32"
    info = import_weights(source, "fine", image_encoder="alexnet_stride8")
    assert info.config == network.config
    assert info.metadata["source"] == "alex.pth.tar"


def test_import_when_told_a_wrong_encoder_then_says_so(published):
    with pytest.raises(WeightsFormatError, match="do not fit alexnet_stride8"):
        import_weights(published, image_encoder="alexnet_stride8")


@pytest.mark.parametrize("name", ["default", "", "../up", "a/b", ".hidden", "x" * 101, "a\nb"])
def test_import_when_the_name_is_no_good_then_says_so(saved, name):
    with pytest.raises(WeightsError, match="can't be named"):
        import_weights(saved, name)


def test_import_when_the_source_is_bad_then_leaves_nothing(tmp_path):
    source = tmp_path / "bad.pth.tar"
    source.write_bytes(b"nothing of the kind")

    with pytest.raises(WeightsFormatError, match="text file"):
        import_weights(source)
    with pytest.raises(WeightsNotFoundError):
        import_weights(tmp_path / "none.pth.tar")

    assert not weights_folder().exists()


def test_list_shows_default_own_damaged_and_fetchable_weights(default, saved):
    import_weights(saved, "mine")
    (weights_folder() / "broken.safetensors").write_bytes(b"<html>")
    (weights_folder() / "notes.txt").write_text("not listed")

    entries = {entry.name: entry for entry in list_weights()}

    assert list(entries) == ["default", "broken", "mine", "cmp-official"]
    assert entries["default"].config == TINY
    assert entries["mine"].metadata["steps"] == "12"
    assert entries["mine"].size == entries["mine"].path.stat().st_size
    assert "web page" in entries["broken"].problem
    assert entries["broken"].config is None
    assert entries["cmp-official"].path is None
    assert entries["cmp-official"].problem is None


def test_list_when_the_default_is_missing_then_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "_default_path", lambda: tmp_path / "default.safetensors")

    assert "missing" in list_weights()[0].problem


def test_verify_gives_the_checksum_of_a_whole_file_and_refuses_a_damaged_one(saved):
    info = import_weights(saved, "mine")

    assert verify("mine") == info
    assert verify("mine").sha256 == _sha256(info.path)

    data = bytearray(info.path.read_bytes())
    data[-1] ^= 128
    info.path.write_bytes(data)
    with pytest.raises(WeightsFormatError, match="damaged"):
        verify("mine")


@pytest.fixture
def remote(published, file_server) -> dict:
    """What the server offers, as arguments of `fetch_weights`."""
    url = file_server(published.read_bytes())
    return {"url": url, "size": published.stat().st_size, "sha256": _sha256(published)}


def test_fetch_brings_converts_and_names_the_published_weights(remote):
    seen: list[tuple[int, int]] = []

    info = fetch_weights("cmp-official", lambda have, size: seen.append((have, size)), **remote)

    assert info.name == "cmp-official"
    assert info.config == PUBLISHED
    assert info.metadata["source_sha256"] == remote["sha256"]
    assert seen[-1] == (remote["size"], remote["size"])
    assert [row.name for row in list_weights()].count("cmp-official") == 1
    assert load_model("cmp-official").info == info
    assert not list(weights_folder().glob("downloads/*"))


def test_fetch_when_the_weights_are_there_then_asks_no_server(remote):
    first = fetch_weights(**remote)

    assert fetch_weights(**{**remote, "url": "http://127.0.0.1:9/none"}) == first


def test_fetch_when_the_weights_there_are_damaged_then_fetches_again(remote):
    info = fetch_weights(**remote)
    info.path.write_bytes(info.path.read_bytes()[:1000])

    assert fetch_weights(**remote).config == PUBLISHED


def test_fetch_when_stopped_then_goes_on_the_next_time(remote):
    with pytest.raises(Cancelled):
        fetch_weights(cancel=iter([False] * 5 + [True] * 9).__next__, **remote)
    (part,) = weights_folder().glob("downloads/*.part")
    assert 0 < part.stat().st_size < remote["size"]
    first: list[int] = []

    fetch_weights(progress=lambda have, _size: first.append(have), **remote)

    assert first[0] > 0


def test_fetch_when_what_comes_is_another_file_then_refuses_and_keeps_nothing(remote):
    with pytest.raises(WeightsDownloadError, match="not the expected file"):
        fetch_weights(**{**remote, "sha256": "0" * 64})

    assert not list(weights_folder().glob("**/*.*"))


def test_fetch_when_the_name_is_unknown_then_says_so():
    with pytest.raises(WeightsNotFoundError, match="expected 'cmp-official'"):
        fetch_weights("sora")


def test_weights_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CMP_STUDIO_HOME", str(tmp_path))
    assert weights_folder() == tmp_path / "weights"

    monkeypatch.delenv("CMP_STUDIO_HOME")
    assert weights_folder().parts[-2:] == ("cmp-studio", "weights")


def test_copy_of_a_weights_file_loads_by_path_given_as_text(saved, tmp_path):
    copy = shutil.copy(saved, tmp_path / "my weights.safetensors")

    assert load_model(str(copy)).info.name == "my weights.safetensors"
