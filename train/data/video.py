"""Frames of a clip, and which two of them make a good training pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.flow_estimation import Image, consistent, fit_camera, without_camera
from train.errors import DataError

VIDEO_SUFFIXES: Final = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".gif")
MOVING_PX: Final = 1.0  # at short side 384
_SCAN_SIDE: Final = 96
_LEAST_GAP: Final = 2
_FAST_PX: Final = 24.0  # where two frames move further, neighbouring ones make the pair
_MOST_GAP: Final = 9  # the paper: less than 10 frames apart


@dataclass(frozen=True, slots=True)
class ClipScan:
    """How a clip moves, from frame to frame.

    Attributes:
        motion: (F - 1,) how far the fast parts move to the next frame, px at short side 384,
            camera removed.
        is_cut: (F - 1,) bool, the next frame belongs to another shot or is broken.
    """

    motion: NDArray[np.float32]
    is_cut: NDArray[np.bool_]


def read_frames(path: Path, short_side: int, *, most: int = 1200) -> list[Image]:
    """Return the frames of a clip or a folder of pictures, (H, W, 3) uint8 RGB each.

    Args:
        path: A video file, or a folder of pictures in the order of their names.
        short_side: Larger frames are scaled down to this short side; none is scaled up.
        most: Frames after this many are not read.

    Raises:
        DataError: Nothing in it can be decoded.
    """
    frames = [_scaled(frame, short_side) for frame in islice(_decoded(path), most)]
    if not frames:
        raise DataError(f"{path} holds no frame that can be decoded; is it a video at all?")
    return frames


def _decoded(path: Path) -> Iterator[Image]:
    if path.is_dir():
        for name in sorted(path.iterdir()):
            frame = cv2.imread(str(name), cv2.IMREAD_COLOR)
            if frame is not None:
                yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
        return
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            is_read, frame = capture.read()
            if not is_read:
                return
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
    finally:
        capture.release()


def _scaled(frame: Image, short_side: int) -> Image:
    height, width = frame.shape[:2]
    scale = short_side / min(height, width)
    if scale >= 1:
        return frame
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def scan(frames: list[Image]) -> ClipScan:
    """Return how a clip moves, measured on small copies of its frames."""
    height, width = frames[0].shape[:2]
    scale = _SCAN_SIDE / min(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = [
        cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for frame in frames
    ]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dis.setFinestScale(1)  # small movers are a few pixels wide here
    motion = np.zeros(max(len(frames) - 1, 0), np.float32)
    is_cut = np.zeros(max(len(frames) - 1, 0), bool)
    for index, (first, second) in enumerate(pairwise(small)):
        difference = np.abs(first.astype(np.int16) - second).mean()
        if difference < 0.05:  # the same frame again
            continue
        flow = np.asarray(dis.calc(first, second, None), np.float32)  # type: ignore[call-overload]  # None asks for a new array
        y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
        moved = cv2.remap(second, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        left_over = np.abs(first.astype(np.int16) - moved).mean()
        is_cut[index] = left_over > 14 or difference > 60
        middle = np.median(flow.reshape(-1, 2), axis=0)
        away = np.linalg.norm(flow - middle, axis=-1)
        motion[index] = np.percentile(away, 98) * 384 / _SCAN_SIDE
    return ClipScan(motion, is_cut)


def choose_pairs(
    scanned: ClipScan,
    count: int,
    rng: np.random.Generator,
    *,
    gaps: tuple[int, int] | None = None,
) -> list[tuple[int, int]]:
    """Return up to ``count`` pairs of frame numbers, spread over the clip.

    The gap is the smallest of 2 to 9 frames over which the clip moves by a random amount, 4 to
    24 px at short side 384, and 1 where even 2 would be more than 24 px; still stretches and cuts
    are left out.

    Args:
        scanned: How the clip moves.
        count: Most pairs.
        rng: Source of all random numbers.
        gaps: Least and most frames between the two, each gap as likely, instead of that rule.

    Source: the paper takes frames less than 10 apart; choosing by motion is our own.
    """
    frames = len(scanned.motion) + 1
    least, most = gaps or (_LEAST_GAP, _MOST_GAP)
    if frames <= least:
        return []
    travelled = np.concatenate([[0], np.cumsum(scanned.motion)])
    cuts = np.concatenate([[0], np.cumsum(scanned.is_cut)])
    last_start = frames - 1 - least
    # Twice as many places as asked for, so that dull ones can be left out.
    places = np.unique(np.linspace(0, last_start, min(2 * count, last_start + 1)).round())
    found: list[tuple[float, int, int]] = []
    for place in places:
        start = int(place)
        last = min(start + most, frames - 1)
        wanted = float(np.exp(rng.uniform(np.log(4), np.log(24))))
        if gaps is None:
            stop = _stop_after(travelled, start, last, wanted)
        else:
            stop = int(rng.integers(start + least, last + 1))
        moved = travelled[stop] - travelled[start]
        if cuts[stop] > cuts[start] or moved < 1.5:
            continue
        found.append((float(moved / wanted), start, stop))
    if len(found) > count:
        found.sort(key=lambda pair: -min(pair[0], 1.0) - 0.3 * rng.random())
        found = found[:count]
    return sorted((start, stop) for _, start, stop in found)


def _stop_after(travelled: NDArray[np.float64], start: int, last: int, wanted: float) -> int:
    """Return the first frame by which the clip has moved far enough, at most ``last``."""
    stops = np.arange(start + _LEAST_GAP, last + 1)
    far = travelled[stops] - travelled[start]
    if far[0] > _FAST_PX:
        return start + 1
    enough = np.nonzero(far >= wanted)[0]
    return int(stops[enough[0]] if len(enough) else stops[-1])


@dataclass(frozen=True, slots=True)
class MeasuredPair:
    """Two frames and their flow, both ways.

    Attributes:
        frames: Numbers of the two frames.
        images: Two (H, W, 3) uint8 RGB.
        flows: (2, H, W, 2) float32 px: first to second, and second to first.
        valid: (2, H, W) bool, where each can be trusted.
        cameras: (2, 2, 3) float32 similarity of the camera, both ways.
        camera_share: (2,) how much of the flow follows the camera.
    """

    frames: tuple[int, int]
    images: tuple[Image, Image]
    flows: NDArray[np.float32]
    valid: NDArray[np.bool_]
    cameras: NDArray[np.float32]
    camera_share: NDArray[np.float32]


def measure(
    frames: tuple[int, int],
    images: tuple[Image, Image],
    flows: NDArray[np.float32],
) -> MeasuredPair:
    """Return a pair with its trust and camera motion worked out."""
    valid = np.stack([consistent(flows[0], flows[1]), consistent(flows[1], flows[0])])
    cameras = [fit_camera(flow, good) for flow, good in zip(flows, valid, strict=True)]
    return MeasuredPair(
        frames=frames,
        images=images,
        flows=flows,
        valid=valid,
        cameras=np.stack([camera for camera, _ in cameras]),
        camera_share=np.array([share for _, share in cameras], np.float32),
    )


def why_useless(pair: MeasuredPair) -> str | None:
    """Return why a pair would teach nothing (still, broken, all moving), or None for a good one."""
    if pair.valid[0].mean() < 0.5:
        return "broken"
    scale = 384 / min(pair.images[0].shape[:2])
    left = without_camera(pair.flows[0], pair.cameras[0])
    moves = np.linalg.norm(left, axis=-1) * scale > MOVING_PX
    trusted = moves & pair.valid[0]
    if trusted.mean() < 0.004:
        return "still" if moves.mean() < 0.01 else "broken"
    if trusted.sum() < 0.4 * moves.sum():
        return "broken"
    if trusted.sum() > 0.75 * pair.valid[0].sum():
        return "everything moves"
    return None
