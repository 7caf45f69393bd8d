"""Optical flow for pairs of frames: estimators behind one interface, trust, camera motion."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from train.errors import DataError

Image: TypeAlias = NDArray[np.uint8]
Flow: TypeAlias = NDArray[np.float32]
EstimatorName = Literal["dis", "dis-fine", "dis-fast", "raft"]

_RAFT_FILE: Final = "raft_large_C_T_SKHT_V2-ff5fadd5.pth"
_CAMERA_STEP: Final = 8
_CAMERA_LIMIT_PX: Final = 0.4  # at short side 384


class FlowEstimator(Protocol):
    """Computes flow between two pictures."""

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the forward flow (H, W, 2) px from two (H, W, 3) uint8 RGB pictures."""


class DisEstimator:
    """OpenCV's Dense Inverse Search; needs no download.

    Args:
        quality: Of OpenCV's presets: fast, medium or fine.
    """

    def __init__(self, quality: Literal["fast", "medium", "fine"] = "medium") -> None:
        presets = {
            "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
            "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
            "fine": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
        }
        self._dis = cv2.DISOpticalFlow.create(presets[quality])
        if quality == "fine":  # the medium preset, down to the full resolution
            self._dis.setFinestScale(0)
            self._dis.setGradientDescentIterations(25)

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the forward flow (H, W, 2) px."""
        grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
        return np.asarray(self._dis.calc(grey[0], grey[1], None), np.float32)  # type: ignore[call-overload]  # None asks for a new array


class RaftEstimator:
    """RAFT of torchvision, when its weights are on disk already; on a GPU if there is one.

    Args:
        weights: The file of weights; None looks in the cache of torch.hub.

    Raises:
        DataError: The file is not there.
    """

    def __init__(self, weights: Path | None = None) -> None:
        import torch
        from torchvision.models.optical_flow import raft_large

        path = weights or Path(torch.hub.get_dir()) / "checkpoints" / _RAFT_FILE
        if not path.is_file():
            raise DataError(
                f"RAFT needs its weights at {path}, and they are not there; put them there, name "
                "another file with --raft-weights, or use the estimator dis."
            )
        self._torch = torch
        self._network = raft_large(weights=None)
        self._network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network.eval().to(self._device)

    def __call__(self, first: Image, second: Image) -> Flow:
        """Return the forward flow (H, W, 2) px."""
        torch = self._torch
        height, width = first.shape[:2]
        size = (max(128, -(-width // 8) * 8), max(128, -(-height // 8) * 8))
        pair = [
            torch.from_numpy(cv2.resize(image, size))
            .to(self._device)
            .permute(2, 0, 1)[None]
            .float()
            / 127.5
            - 1
            for image in (first, second)
        ]
        with torch.no_grad():
            flow = self._network(*pair)[-1][0].permute(1, 2, 0).cpu().numpy()
        flow = cv2.resize(flow, (width, height))
        return np.asarray(flow * (width / size[0], height / size[1]), np.float32)


def make_estimator(name: EstimatorName, raft_weights: Path | None = None) -> FlowEstimator:
    """Return the estimator called ``name``.

    Raises:
        DataError: No estimator has that name, or its weights are missing.
    """
    if name == "dis":
        return DisEstimator("medium")
    if name == "dis-fine":
        return DisEstimator("fine")
    if name == "dis-fast":
        return DisEstimator("fast")
    if name == "raft":
        return RaftEstimator(raft_weights)
    raise DataError(
        f"There is no flow estimator {name!r}; use one of {', '.join(get_args(EstimatorName))}."
    )


def consistent(flow: Flow, reverse: Flow) -> NDArray[np.bool_]:
    """Return where the way there and back again ends where it began (H, W) bool.

    Args:
        flow: (H, W, 2) forward flow, px.
        reverse: (H, W, 2) flow of the swapped pair, px.

    A pixel counts when the round trip misses by less than ``sqrt(0.5 + 0.02 (|f|² + |b|²))`` px
    and its target lies in the picture. Own choice of the usual form of this test.
    """
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    back = cv2.remap(reverse, to_x, to_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    miss = np.square(flow + back).sum(-1)
    limit = 0.5 + 0.02 * (np.square(flow).sum(-1) + np.square(back).sum(-1))
    inside = (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
    return np.asarray((miss < limit) & inside)


def fit_camera(flow: Flow, valid: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
    """Return the similarity (2, 3) that most of the flow follows, and its share of inliers.

    It maps px of the first frame to px of the second. The identity, with share 0, when there is
    too little to go by.
    """
    height, width = flow.shape[:2]
    rows = np.arange(_CAMERA_STEP // 2, height, _CAMERA_STEP)
    columns = np.arange(_CAMERA_STEP // 2, width, _CAMERA_STEP)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    good = valid[y, x]
    start = np.stack([x[good], y[good]], -1).astype(np.float32)
    identity = np.eye(2, 3, dtype=np.float32)
    if len(start) < 30:
        return identity, 0.0
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        start, start + flow[y[good], x[good]], method=cv2.RANSAC, ransacReprojThreshold=0.75
    )
    if matrix is None:
        return identity, 0.0  # type: ignore[unreachable]  # OpenCV's stubs miss this case
    return np.asarray(matrix, np.float32), float(np.mean(inliers))


def without_camera(flow: Flow, camera: NDArray[np.float32]) -> Flow:
    """Return the flow (H, W, 2) that is left once the second frame is put back by the camera."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    inverse = np.linalg.inv(np.vstack([camera, [0, 0, 1]]))[:2].astype(np.float32)
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    left_x = inverse[0, 0] * to_x + inverse[0, 1] * to_y + inverse[0, 2] - x
    left_y = inverse[1, 0] * to_x + inverse[1, 1] * to_y + inverse[1, 2] - y
    return np.stack([left_x, left_y], -1)


def with_camera(flow: Flow, camera: NDArray[np.float32]) -> Flow:
    """Return the flow (H, W, 2) with the camera's motion put back: `without_camera` undone."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    to_x, to_y = x + flow[..., 0], y + flow[..., 1]
    moved_x = camera[0, 0] * to_x + camera[0, 1] * to_y + camera[0, 2] - x
    moved_y = camera[1, 0] * to_x + camera[1, 1] * to_y + camera[1, 2] - y
    return np.stack([moved_x, moved_y], -1)


def undo_camera(picture: Image, camera: NDArray[np.float32]) -> Image:
    """Return the second frame (H, W, 3) as the first frame's camera would have seen it."""
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, camera, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def drifts(flow: Flow, short_side: float | None = None) -> bool:
    """Return whether the camera moves: half of the flow is longer than 0.4 px at 384.

    Args:
        flow: (H, W, 2), px of the picture.
        short_side: Of the picture, px; the flow's own if None.
    """
    scale = 384 / (short_side or min(flow.shape[:2]))
    return float(np.median(np.hypot(flow[..., 0], flow[..., 1]))) * scale > _CAMERA_LIMIT_PX
