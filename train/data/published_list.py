"""Pairs with ready-made flow, named in a text file, as the paper's code published its data.

Each line names ``image0 image1 flow`` with a flow file (.flo, .npy, .npz or 16-bit .png), or
``image0 image1 flow_x flow_y`` with two 8-bit grey pictures, whose values 0..255 stand for -50 to
50 px. Paths are relative to the list, or to a folder given with it. Empty lines and lines that
begin with ``#`` are skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import FlowError
from cmp_engine.flow_io import read_flow
from train.data.flow_estimation import Flow, Image
from train.data.video import MeasuredPair, measure
from train.errors import DataError

PUBLISHED_BOUND: Final = 50.0
"""Largest flow per axis of the 8-bit pictures, px."""

_PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class ListedPair:
    """One line of a list.

    Attributes:
        images: The two pictures.
        flow: One flow file, or the pictures of its x and y parts.
        line: Number of the line, from 1.
    """

    images: tuple[Path, Path]
    flow: tuple[Path, ...]
    line: int


def read_list(path: Path, root: Path | None = None) -> list[ListedPair]:
    """Return the pairs that a list names.

    Args:
        path: The text file.
        root: Where relative paths begin; the list's own folder if None.

    Raises:
        DataError: The file can't be read, or a line has other than three or four names.
    """
    base = path.parent if root is None else root
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list {path} can't be read: {error}.") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        names = line.split()
        if not names or names[0].startswith("#"):
            continue
        if len(names) not in (3, 4):
            raise DataError(
                f"Line {number} of {path} should be 'image0 image1 flow' or "
                f"'image0 image1 flow_x flow_y', and has {len(names)} names."
            )
        paths = tuple(base / name for name in names)
        pairs.append(ListedPair((paths[0], paths[1]), paths[2:], number))
    if not pairs:
        raise DataError(f"The list {path} names no pair.")
    return pairs


def pairs_of_folder(folder: Path) -> list[ListedPair]:
    """Return the pairs of a folder of pictures with ready-made flow, none without any.

    ``NAME.flo`` leads from the picture of that name to the one that follows in order of names.
    """
    pictures = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in _PICTURE_SUFFIXES]
    return [
        ListedPair((first, second), (first.with_suffix(".flo"),), number)
        for number, (first, second) in enumerate(pairwise(pictures), 1)
        if first.with_suffix(".flo").exists()
    ]


def decode_published_flow(flow_x: NDArray[np.uint8], flow_y: NDArray[np.uint8]) -> Flow:
    """Return flow (H, W, 2) px from two (H, W) uint8 pictures over -50 to 50 px."""
    steps = np.stack([flow_x, flow_y], -1).astype(np.float32)
    return np.asarray(steps * (2 * PUBLISHED_BOUND / 255) - PUBLISHED_BOUND, np.float32)


def load_listed(pair: ListedPair, short_side: int) -> MeasuredPair:
    """Return a listed pair, at most ``short_side`` px at its short side.

    The flow back is the given one turned round where it arrives; elsewhere it does not count.

    Raises:
        DataError: A file is missing or damaged.
    """
    images = [_read(name, cv2.IMREAD_COLOR) for name in pair.images]
    if images[0].shape != images[1].shape:
        raise DataError(f"The pictures {pair.images[0]} and {pair.images[1]} differ in size.")
    given_valid: NDArray[np.bool_] | None = None
    if len(pair.flow) == 2:
        parts = [_read(name, cv2.IMREAD_GRAYSCALE) for name in pair.flow]
        if parts[0].shape != parts[1].shape:
            raise DataError(f"The flows {pair.flow[0]} and {pair.flow[1]} differ in size.")
        flow = decode_published_flow(parts[0], parts[1])
    else:
        try:
            flow, given_valid = read_flow(pair.flow[0])
        except FlowError as error:
            raise DataError(str(error)) from error
    height, width = images[0].shape[:2]
    scale = min(1.0, short_side / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    stretch = (size[0] / flow.shape[1], size[1] / flow.shape[0])
    resized = [
        np.asarray(
            cv2.cvtColor(cv2.resize(i, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB),
            np.uint8,
        )
        for i in images
    ]
    forward = np.asarray(cv2.resize(flow, size) * stretch, np.float32)
    back, is_hit = turn_round(forward)
    measured = measure((0, 1), (resized[0], resized[1]), np.stack([forward, back]))
    valid = measured.valid
    valid[1] &= is_hit
    if given_valid is not None:
        valid[0] &= (
            cv2.resize(given_valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        )
    return measured


def turn_round(flow: Flow) -> tuple[Flow, NDArray[np.bool_]]:
    """Return the flow back (H, W, 2), and where any pixel arrives (H, W) bool.

    Every pixel is put at the nearest one to its target, the fastest last. Gaps of one pixel
    between neighbours that part are filled from beside.
    """
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width]
    order = np.argsort(np.square(flow).sum(-1), axis=None, kind="stable")
    to_x = np.rint(x + flow[..., 0]).astype(np.int64).ravel()[order]
    to_y = np.rint(y + flow[..., 1]).astype(np.int64).ravel()[order]
    inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
    back = np.zeros((height * width, 2), np.float32)
    hit = np.zeros(height * width, np.uint8)
    index = (to_y * width + to_x)[inside]
    back[index] = -flow.reshape(-1, 2)[order[inside]]
    hit[index] = 1
    back, hit = back.reshape(height, width, 2), hit.reshape(height, width)
    weight = cv2.boxFilter(hit.astype(np.float32), -1, (3, 3), normalize=False)
    total = cv2.boxFilter(back, -1, (3, 3), normalize=False)
    gaps = (hit == 0) & (weight >= 3)
    back[gaps] = total[gaps] / weight[gaps][:, None]
    return back, (hit > 0) | gaps


def _read(path: Path, flags: int) -> Image:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise DataError(f"The picture {path} is missing or can't be decoded.")
    return np.asarray(picture, np.uint8)
