import cv2
import numpy as np

from train.data.flow_estimation import drifts, undo_camera, with_camera, without_camera
from train.data.flow_refinement import refine_flow, refine_pair, sureness
from train.data.video import measure


def scene(shift: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A textured square that moves right over a plain grey wall with a texture far away.

    Returns the two pictures, the true flow, and a flow that has spread over the wall.
    """
    rng = np.random.default_rng(0)
    square = cv2.GaussianBlur(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8), (0, 0), 1)
    pictures = []
    for left in (40, 40 + shift):
        picture = np.full((96, 128, 3), 150, np.uint8)
        picture[:20] = cv2.GaussianBlur(
            np.random.default_rng(1).integers(0, 255, (20, 128, 3), dtype=np.uint8), (0, 0), 1
        )
        picture[40:80, left : left + 40] = square
        pictures.append(picture)
    truth = np.zeros((96, 128, 2), np.float32)
    truth[40:80, 40:80, 0] = shift
    spread = np.zeros_like(truth)
    spread[30:90, 28:92, 0] = shift
    return pictures[0], pictures[1], truth, spread


def test_refined_when_motion_has_spread_over_a_wall_then_the_wall_stands():
    first, second, truth, spread = scene()
    flow, valid = refine_flow(spread, np.ones((96, 128), bool), first, second)
    beside = np.zeros((96, 128), bool)
    beside[32:90, 30:38] = True
    beside[32:37, 30:90] = True
    assert np.abs(spread[beside]).max() == 6
    assert np.abs(flow[beside]).max() < 0.5
    assert valid[beside].mean() > 0.9
    inner = flow[44:76, 44:76]
    np.testing.assert_allclose(inner[..., 0], 6, atol=0.3)
    error = np.linalg.norm(flow - truth, axis=-1)
    assert error[valid].mean() < 0.3 * np.linalg.norm(spread - truth, axis=-1).mean()


def test_refined_when_nothing_is_sure_then_nothing_is_valid():
    image = np.full((40, 40, 3), 90, np.uint8)
    flow = np.full((40, 40, 2), 5, np.float32)
    mended, valid = refine_flow(flow, np.ones((40, 40), bool), image, image)
    assert not valid.any()
    assert np.isfinite(mended).all()


def test_refined_when_covered_background_is_untrusted_then_it_stands_again():
    first, second, truth, spread = scene()
    valid = np.ones((96, 128), bool)
    valid[40:80, 80:86] = False  # about to be covered
    spread[40:80, 80:86] = 6
    flow, known = refine_flow(spread, valid, first, second)
    assert known[44:76, 82:86].mean() > 0.9
    assert np.abs(flow[44:76, 82:86]).max() < 0.5
    assert np.abs(truth[44:76, 82:86]).max() == 0


def test_sure_when_pictures_are_plain_then_only_what_stands():
    image = np.full((30, 30, 3), 90, np.uint8)
    flow = np.zeros((30, 30, 2), np.float32)
    flow[:, 15:] = 4
    sure = sureness(flow, image, image)
    assert (sure[:, :15] == 1).all()
    assert not sure[:, 15:].any()


def camera() -> np.ndarray:
    return np.array([[1.02, -0.01, 3], [0.01, 1.02, -2]], np.float32)


def test_camera_when_removed_and_put_back_then_the_same_flow():
    flow = np.random.default_rng(0).uniform(-9, 9, (30, 40, 2)).astype(np.float32)
    back = with_camera(without_camera(flow, camera()), camera())
    np.testing.assert_allclose(back, flow, atol=1e-3)


def test_camera_when_undone_on_a_picture_then_it_fits_the_first():
    first, _, _, _ = scene(0)
    first = cv2.GaussianBlur(first, (0, 0), 1.5)
    moved = cv2.warpAffine(first, camera(), (128, 96), borderMode=cv2.BORDER_REPLICATE)
    undone = undo_camera(moved, camera()).astype(int)
    assert np.abs(undone - first)[12:-12, 12:-12].mean() < 2.5
    assert np.abs(moved.astype(int) - first)[12:-12, 12:-12].mean() > 4


def test_drift_when_half_of_the_picture_moves_then_true():
    flow = np.zeros((96, 96, 2), np.float32)
    flow[:40] = 3
    assert not drifts(flow)
    flow[:60] = 3
    assert drifts(flow)
    assert not drifts(flow * 0.02)


def test_pair_when_the_camera_moves_then_is_mended_and_keeps_the_camera():
    first, second, _, spread = scene()
    shift = np.array([[1, 0, 4], [0, 1, 0]], np.float32)
    second = cv2.warpAffine(second, shift, (128, 96), borderMode=cv2.BORDER_REPLICATE)
    flows = np.stack([spread, -spread]) + np.array([[[[4]]], [[[-4]]]]) * (1, 0)
    pair = refine_pair(measure((0, 3), (first, second), flows.astype(np.float32)))
    wall = pair.flows[0][34:37, 45:75]
    np.testing.assert_allclose(wall[..., 0], 4, atol=0.7)
    np.testing.assert_allclose(pair.flows[0][50:70, 50:70, 0], 10, atol=0.7)
