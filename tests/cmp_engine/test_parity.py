"""The published networks' names and answers, from seeded weights in the published format.

The folder with the expected names and flows is not part of the repository: the environment variable
``CMP_STUDIO_PARITY`` names it.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.modeling.cmp import Guidance
from cmp_engine.predictor import MotionPredictor
from cmp_engine.weights import LoadedModel, import_weights, load_model

NETWORKS = ("resnet50_skip", "resnet50_plain", "alexnet_plain")
TOLERANCE_PX = 1e-3

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def parity_folder(repository_root) -> Path:
    named = os.environ.get("CMP_STUDIO_PARITY")
    folder = Path(named) if named else repository_root.parent / "shared" / "parity"
    if not folder.is_dir():
        pytest.skip(f"no expected answers at {folder} (set CMP_STUDIO_PARITY to the folder)")
    return folder


@pytest.fixture(scope="module", params=NETWORKS)
def case(request, parity_folder) -> tuple[str, dict[str, np.ndarray]]:
    with np.load(parity_folder / "cases" / f"{request.param}.npz") as arrays:
        return request.param, dict(arrays)


@pytest.fixture(scope="module")
def checkpoint(case, parity_folder, tmp_path_factory) -> Path:
    """The published format, written by the script that belongs to the expected answers."""
    name, arrays = case
    script = parity_folder / "make_checkpoint.py"
    spec = importlib.util.spec_from_file_location("make_checkpoint", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = {
        key: torch.from_numpy(value)
        for key, value in module.random_state(name, int(arrays["seed"])).items()
        if not key.endswith("num_batches_tracked")
    }
    path = tmp_path_factory.mktemp(name) / "ckpt_iter_1.pth.tar"
    content = {"step": 1, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture(scope="module")
def model(checkpoint) -> LoadedModel:
    return load_model(checkpoint)


def _guidance(arrows: np.ndarray) -> Guidance:
    arrows = torch.from_numpy(arrows)[None]
    valid = torch.ones(arrows.shape[:2], dtype=torch.bool)
    return Guidance(arrows[..., :2], arrows[..., 2:], valid)


def test_names_and_shapes_of_the_weights_are_the_published_ones(case, parity_folder):
    name, _ = case
    listed = json.loads((parity_folder / "keys" / f"{name}.json").read_text())
    with torch.device("meta"):
        state = build_network(preset(name)).state_dict()

    published = {key.removeprefix("module."): tuple(shape) for key, shape in listed}
    assert {key: tuple(value.shape) for key, value in state.items()} == published


def test_published_network_is_recognised_from_its_weights(case, model):
    name, _ = case
    assert model.info.config == preset(name)


def test_flow_of_the_published_network_is_the_published_one(case, model):
    _, arrays = case
    predictor = MotionPredictor(model, device="cpu")
    predictor.set_image(arrays["image"])

    points, displacements = arrays["arrows"][:, :2], arrays["arrows"][:, 2:]
    flow = predictor.predict(points, displacements, upsampling="bilinear")

    assert np.abs(flow - arrays["flow"]).max() < TOLERANCE_PX


def test_flow_of_the_whole_network_without_folding_is_the_published_one(case, model):
    _, arrays = case
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    scale = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    image = (torch.from_numpy(arrays["image"]).permute(2, 0, 1).float() - mean) / scale

    with torch.inference_mode():
        flow = model.network.to_flow(model.network(image[None], _guidance(arrays["arrows"])))
        flow = torch.nn.functional.interpolate(
            flow, size=arrays["flow"].shape[:2], mode="bilinear", align_corners=True
        )

    assert np.abs(flow[0].permute(1, 2, 0).numpy() - arrays["flow"]).max() < TOLERANCE_PX


def test_published_network_when_converted_then_has_the_same_weights(case, checkpoint, model):
    name, _ = case

    info = import_weights(checkpoint, name)

    converted = load_model(name).network.state_dict()
    assert info.config == preset(name)
    for key, value in model.network.state_dict().items():
        assert torch.equal(converted[key], value), key
