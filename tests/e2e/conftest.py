"""What the end-to-end tests begin with: weights, photos, and a stand-in for the network."""

import gc

import cv2
import numpy as np
import pytest

import cmp_studio.services.motion_backend as backend
from cmp_engine.image_io import write_image
from cmp_studio.widgets import move_pace
from tests.cmp_studio.fakes import fake_engine, photo_bytes


@pytest.fixture(autouse=True)
def _every_move_is_followed_at_once(monkeypatch):
    """A test says what comes of a move in the next line; a hand comes later."""
    monkeypatch.setattr(move_pace, "REST", 0.0)


@pytest.fixture(autouse=True)
def _garbage_stays_on_this_thread(request):
    """Leave garbage to the window's own collector while a window runs."""
    if "qapp" not in request.fixturenames:
        yield
        return
    gc.disable()
    yield
    gc.collect()
    gc.enable()


def shipped_weights():
    """Path of the weights that come with the program, or None where they are missing."""
    from cmp_engine.weights import list_weights

    shipped = list_weights()[0]
    return None if shipped.path is None or shipped.problem is not None else str(shipped.path)


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory):
    """A small network with random weights, which moves things somehow; a path."""
    import torch

    from cmp_engine.build import build_network
    from cmp_engine.config import PRESETS
    from cmp_engine.weights import save_model

    torch.manual_seed(4)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_model(build_network(PRESETS["default"]), path, metadata={"recipe": "random"})
    return str(path)


@pytest.fixture(scope="session")
def weights(request):
    """The shipped weights where they are there, else random ones; a path."""
    return shipped_weights() or request.getfixturevalue("random_weights")


@pytest.fixture(scope="session")
def trained_weights():
    """The shipped weights; a path."""
    path = shipped_weights()
    if path is None:
        pytest.skip("needs the shipped weights: random ones mark no object")
    return path


@pytest.fixture
def stand_in(monkeypatch):
    """Let a stand-in answer instead of the network."""
    monkeypatch.setattr(backend, "load_engine", fake_engine)


@pytest.fixture
def photo(tmp_path):
    """A colourful photo of 160 x 120 px; a path."""
    path = tmp_path / "photo.png"
    path.write_bytes(photo_bytes(160, 120))
    return path


def write_disc(path, size_hw, center_xy, radius):
    """Write a textured disc on a flat, faintly textured ground."""
    rng = np.random.default_rng(2)
    ground = rng.integers(60, 200, (*size_hw, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(ground, (0, 0), 3)
    disc = cv2.GaussianBlur(rng.integers(0, 256, image.shape, dtype=np.uint8), (0, 0), 1)
    mask = np.zeros(size_hw, np.uint8)
    cv2.circle(mask, center_xy, radius, 255, -1)
    image[mask > 0] = disc[mask > 0]
    write_image(path, image)
    return path


@pytest.fixture
def disc(tmp_path):
    """A photo of 160 x 120 px with a disc of 30 px at (60, 60); a path."""
    return write_disc(tmp_path / "disc.png", (120, 160), (60, 60), 30)
