from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data.video import ClipScan, choose_pairs, measure, read_frames, scan, why_useless
from train.errors import DataError


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((height, width, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 3) * 500 + 127, 0, 255).astype(np.uint8)


def moving_square(count: int, *, step: int = 2, background: int = 0) -> list[np.ndarray]:
    """Frames of a textured square that moves right over a textured, still background."""
    square, frames = texture(99, 30, 30), []
    for index in range(count):
        frame = texture(background)
        left = 10 + step * index
        frame[30:60, left : left + 30] = square[:, : max(0, min(30, 128 - left))]
        frames.append(frame)
    return frames


def test_frames_when_a_video_is_large_then_scaled_down_and_in_order(tmp_path: Path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 96))
    for level in (10, 120, 240):
        writer.write(np.full((96, 128, 3), (level, 0, 0), np.uint8))
    writer.release()
    frames = read_frames(path, 48)
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 3
    assert [
        abs(int(frame[..., 2].mean()) - level) < 12
        for frame, level in zip(frames, (10, 120, 240), strict=True)
    ] == [True] * 3
    assert len(read_frames(path, 500, most=2)) == 2


def test_frames_when_a_folder_of_pictures_then_in_order_of_names(tmp_path: Path):
    for index in (2, 0, 1):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((40, 40, 3), 50 * index, np.uint8))
    assert [int(frame.mean()) for frame in read_frames(tmp_path, 40)] == [0, 50, 100]


def test_frames_when_a_file_is_no_video_then_says_so(tmp_path: Path):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"not a video at all" * 20)
    with pytest.raises(DataError, match=r"broken\.mp4 holds no frame"):
        read_frames(path, 100)


def test_scan_when_a_square_moves_then_measures_its_speed():
    scanned = scan(moving_square(8))
    # 2 px at 96 px of height are 8 px at short side 384.
    np.testing.assert_allclose(scanned.motion, 8, atol=2.5)
    assert not scanned.is_cut.any()


def test_scan_when_the_shot_changes_then_a_cut_there():
    frames = moving_square(4) + moving_square(4, background=7)
    assert np.flatnonzero(scan(frames).is_cut).tolist() == [3]


def test_pairs_when_there_is_a_cut_then_none_across_it():
    motion = np.full(40, 3.0, np.float32)
    cuts = np.zeros(40, bool)
    cuts[20] = True
    pairs = choose_pairs(ClipScan(motion, cuts), 12, np.random.default_rng(0))
    assert 6 <= len(pairs) <= 12
    assert all(stop <= 20 or start > 20 for start, stop in pairs)
    assert all(2 <= stop - start <= 9 for start, stop in pairs)


def test_pairs_when_motion_is_slow_then_further_apart():
    none_cut = np.zeros(60, bool)
    slow = choose_pairs(ClipScan(np.full(60, 0.8), none_cut), 10, np.random.default_rng(0))
    fast = choose_pairs(ClipScan(np.full(60, 30.0), none_cut), 10, np.random.default_rng(0))
    assert np.mean([b - a for a, b in slow]) > 6
    assert all(b - a == 1 for a, b in fast)


def test_pairs_when_nothing_moves_or_too_short_then_none():
    rng = np.random.default_rng(0)
    assert choose_pairs(ClipScan(np.zeros(30), np.zeros(30, bool)), 5, rng) == []
    assert choose_pairs(ClipScan(np.ones(1), np.zeros(1, bool)), 5, rng) == []


def test_useless_when_still_broken_or_all_moving_then_says_which():
    image = texture(1)
    images = (image, image)
    still = np.zeros((2, 96, 128, 2), np.float32)
    assert why_useless(measure((0, 2), images, still)) == "still"

    broken = np.random.default_rng(0).uniform(-30, 30, still.shape).astype(np.float32)
    assert why_useless(measure((0, 2), images, broken)) == "broken"

    good = still.copy()
    good[0, 20:50, 20:50, 0], good[1, 20:50, 24:54, 0] = 4, -4
    assert why_useless(measure((0, 2), images, good)) is None

    spin = still.copy()
    y, _x = np.mgrid[:96, :128]
    spin[0, ..., 0] = 6 * np.sin(y / 9.0)  # no similarity explains this
    spin[1, ..., 0] = -spin[0, ..., 0]
    assert why_useless(measure((0, 2), images, spin)) == "everything moves"
