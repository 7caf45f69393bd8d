"""Files of training pairs: one safetensors file for each clip.

Tensors of a file, for n pairs of h x w pictures and flow kept on every ``stride``-th pixel:

==============  ======================  =========================================================
``jpeg``        (bytes,) uint8          all pictures as JPEG, one after the other
``jpeg_end``    (n, 2) int64            where each picture's bytes end
``flow``        (n, 2, 2, h', w') int16 first to second and back; u and v, in 1/32 px
``valid``       (n, 2, h', ceil w'/8)   bits, first pixel highest: where each flow can be trusted
``camera``      (n, 2, 2, 3) float32    camera similarity of each direction
``camera_share`` (n, 2) float32         share of the flow that follows it
``frames``      (n, 2) int32            frame numbers
==============  ======================  =========================================================

The metadata hold the version, clip, source, picture size, stride and how the flow was made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from train.data.flow_estimation import Flow, Image, drifts, undo_camera, without_camera
from train.data.video import MeasuredPair
from train.errors import DataError

VERSION: Final = "1"
FLOW_STEPS: Final = 32
"""Steps of the stored flow per px; so it reaches 1023 px."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One direction of a stored pair.

    Attributes:
        image: (H, W, 3) uint8 RGB, the frame that the flow starts from.
        flow: (h, w, 2) float32 forward flow, px of the picture, at every ``stride``-th pixel.
        valid: (h, w) bool.
        stride: Pixels of the picture from one flow vector to the next.
    """

    image: Image
    flow: Flow
    valid: NDArray[np.bool_]
    stride: int


def write_shard(
    path: Path,
    pairs: list[MeasuredPair],
    *,
    clip: str,
    stride: int,
    settings: dict[str, str],
    jpeg_quality: int = 94,
) -> None:
    """Write the pairs of one clip, to a temporary name first.

    Args:
        path: Where to.
        pairs: At least one, all of one size.
        clip: Name of the clip.
        stride: Keep the flow of every ``stride``-th pixel.
        settings: What else belongs into the metadata.
        jpeg_quality: Of the pictures.
    """
    encoded = [
        cv2.imencode(
            ".jpg",
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111],
        )[1].reshape(-1)
        for pair in pairs
        for image in pair.images
    ]
    flows = np.stack([pair.flows[:, ::stride, ::stride] for pair in pairs])
    steps = np.clip(np.round(flows * FLOW_STEPS), -32767, 32767).astype(np.int16)
    height, width = pairs[0].images[0].shape[:2]
    tensors = {
        "jpeg": np.concatenate(encoded),
        "jpeg_end": np.cumsum([len(data) for data in encoded]).reshape(-1, 2),
        "flow": np.ascontiguousarray(steps.transpose(0, 1, 4, 2, 3)),
        "valid": np.packbits(
            np.stack([pair.valid[:, ::stride, ::stride] for pair in pairs]), axis=-1
        ),
        "camera": np.stack([pair.cameras for pair in pairs]),
        "camera_share": np.stack([pair.camera_share for pair in pairs]),
        "frames": np.array([pair.frames for pair in pairs], np.int32),
    }
    metadata = {
        **settings,
        "version": VERSION,
        "clip": clip,
        "height": str(height),
        "width": str(width),
        "stride": str(stride),
    }
    temporary = path.with_name(path.name + ".part")
    save_file(tensors, str(temporary), metadata=metadata)
    temporary.replace(path)


class Shard:
    """The pairs of one clip, read from its file on demand.

    Args:
        path: A file that `write_shard` wrote.

    Raises:
        DataError: It is not such a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with safe_open(str(path), framework="np") as file:
                metadata = dict(file.metadata() or {})
                if metadata.get("version") != VERSION:
                    raise DataError(
                        f"{path} holds pairs of version {metadata.get('version')!r}, and this "
                        f"program reads version {VERSION!r}; prepare the clips again."
                    )
                self._jpeg_end = file.get_tensor("jpeg_end")
                self._camera = file.get_tensor("camera")
                self.camera_share: NDArray[np.float32] = file.get_tensor("camera_share")
                self.frames: NDArray[np.int32] = file.get_tensor("frames")
        except (SafetensorError, OSError, KeyError) as error:
            raise DataError(f"{path} can't be read as a file of pairs: {error}.") from error
        self.metadata = metadata
        self.clip = metadata["clip"]
        self.size_hw = (int(metadata["height"]), int(metadata["width"]))
        self.stride = int(metadata["stride"])
        self._file = safe_open(str(path), framework="np")

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._jpeg_end)

    def image(self, index: int, which: int) -> Image:
        """Return one of the two pictures of a pair (H, W, 3) uint8 RGB."""
        number = 2 * index + which
        ends = self._jpeg_end.reshape(-1)
        start = int(ends[number - 1]) if number else 0
        data = self._slice("jpeg", start, int(ends[number]))
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if picture is None:
            raise DataError(f"Picture {number} of {self.path} is damaged; prepare the clip again.")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    def steady_next(self, index: int, direction: int = 0) -> Image:
        """Return the frame that a pair's flow leads to, put back by the camera as in `pair`."""
        flow, _ = self.flow(index, direction)
        picture = self.image(index, 1 - direction)
        if not drifts(flow, min(self.size_hw)):
            return picture
        return undo_camera(picture, self._camera[index, direction])

    def flow(self, index: int, direction: int = 0) -> tuple[Flow, NDArray[np.bool_]]:
        """Return flow (h, w, 2), px of the picture, and its trust (h, w), as measured."""
        stored = self._slice("flow", index, index + 1)[0, direction]
        bits = self._slice("valid", index, index + 1)[0, direction]
        flow = np.ascontiguousarray(stored.transpose(1, 2, 0)).astype(np.float32)
        flow *= np.float32(1 / FLOW_STEPS)
        return flow, np.unpackbits(bits, axis=-1, count=flow.shape[1]).view(bool)

    def pair(self, index: int, direction: int = 0, *, keep_camera: bool = False) -> Pair:
        """Return one direction of a pair.

        Args:
            index: Which pair.
            direction: 0 from the first frame to the second, 1 backwards.
            keep_camera: Whether to leave the camera's motion in. It is removed where half of the
                picture moves by more than 0.4 px at short side 384.
        """
        flow, valid = self.flow(index, direction)
        if not keep_camera and drifts(flow, min(self.size_hw)):
            camera = self._camera[index, direction].copy()
            camera[:, 2] /= self.stride
            step = np.float32(self.stride)
            flow = without_camera(flow / step, camera) * step
        return Pair(self.image(index, direction), flow, valid, self.stride)

    def _slice(self, name: str, start: int, stop: int) -> NDArray[Any]:
        piece: Any = self._file.get_slice(name)  # type: ignore[no-untyped-call]  # untyped there
        return np.asarray(piece[start:stop])

    def describe(self) -> str:
        """Return the metadata as one line of JSON."""
        return json.dumps(self.metadata, sort_keys=True)
