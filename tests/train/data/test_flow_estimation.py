from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from train.data.flow_estimation import consistent, fit_camera, make_estimator, without_camera
from train.errors import DataError


def texture(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


@pytest.mark.parametrize("name", ["dis", "dis-fine", "dis-fast"])
def test_dis_when_a_picture_shifts_then_finds_the_shift(name):
    big = texture(120, 160)
    flow = make_estimator(name)(big[10:106, 10:138], big[7:103, 5:133])
    inner = flow[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [5, 3], atol=0.15)
    assert np.linalg.norm(inner - [5, 3], axis=-1).mean() < 0.4


def test_estimator_when_unknown_or_without_weights_then_says_so(tmp_path: Path):
    with pytest.raises(DataError, match="no flow estimator 'magic'"):
        make_estimator("magic")
    with pytest.raises(DataError, match="RAFT needs its weights"):
        make_estimator("raft", tmp_path / "missing.pth")


def test_raft_when_its_weights_are_there_then_flow_of_the_pictures_size(tmp_path: Path):
    from torchvision.models.optical_flow import raft_large

    torch.manual_seed(0)
    network = raft_large(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "raft.pth")
    first, second = texture(136, 150), texture(136, 150)[::-1].copy()
    flow = make_estimator("raft", tmp_path / "raft.pth")(first, second)
    assert flow.shape == (136, 150, 2)
    assert flow.dtype == np.float32
    # The network sees 136 x 152 px, so that 8 divides the sides; vectors shrink with the width.
    pair = [
        torch.from_numpy(cv2.resize(image, (152, 136))).permute(2, 0, 1)[None] / 127.5 - 1
        for image in (first, second)
    ]
    with torch.no_grad():
        expected = network(*pair)[-1][0].permute(1, 2, 0).numpy() * (150 / 152, 1)
    np.testing.assert_allclose(
        flow.mean((0, 1)), expected.mean((0, 1)), atol=0.02 + 0.02 * np.abs(expected).mean()
    )


def test_consistent_when_there_and_back_agree_then_true_inside():
    flow = np.zeros((40, 50, 2), np.float32)
    flow[..., 0] = 4
    good = consistent(flow, -flow)
    assert good[:, :46].all()
    assert not good[:, 46:].any()
    assert not consistent(flow, flow)[:, :40].any()


def similarity(turn: float, zoom: float, dx: float, dy: float) -> np.ndarray:
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    return np.array([[cos, -sin, dx], [sin, cos, dy]], np.float32)


def camera_flow(camera: np.ndarray, height: int = 96, width: int = 128) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    here = np.stack([x, y, np.ones_like(x)], -1)
    return (here @ camera.T - here[..., :2]).astype(np.float32)


def test_camera_when_an_object_moves_besides_then_is_found_and_removed():
    camera = similarity(0.02, 1.03, 3.0, -1.5)
    flow = camera_flow(camera)
    still = np.ones(flow.shape[:2], bool)
    flow[30:60, 40:70] += 8
    still[30:60, 40:70] = False
    found, share = fit_camera(flow, np.ones_like(still))
    np.testing.assert_allclose(found, camera, atol=2e-2)
    assert share > 0.8
    left = without_camera(flow, found)
    assert np.abs(left[still]).max() < 0.1
    np.testing.assert_allclose(left[45, 55], [8, 8], atol=0.6)


def test_camera_when_nothing_is_trusted_then_stands_still():
    found, share = fit_camera(np.ones((40, 40, 2), np.float32), np.zeros((40, 40), bool))
    np.testing.assert_array_equal(found, np.eye(2, 3))
    assert share == 0
