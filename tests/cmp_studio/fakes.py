"""Stand-ins for what is slow or needs a file: a predictor, a photo."""

from __future__ import annotations

import copy
import io
import threading
import time

import numpy as np
from PIL import Image

from cmp_studio.document.scene import Scene, add_track, picture_from_bytes
from cmp_studio.document.tracks import make_arrow, make_pin
from cmp_studio.services.motion_backend import Engine, EngineChoice, EngineInfo


class FakePredictor:
    """Moves a round part about each arrow; the interface of `cmp_engine.MotionPredictor`.

    Attributes:
        threads: Names of the threads that called it.
        calls: Guidance sets that were asked for, in order.
        hold: Cleared by a test that wants the next answers to wait; set lets them go.
    """

    info = None
    reach_px = None
    notice = None

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.image_hw: tuple[int, int] | None = None
        self.threads: set[str] = set()
        self.calls: list[tuple[np.ndarray, np.ndarray]] = []
        self.images = 0
        self.image: np.ndarray | None = None
        self.seen_sizes: list[tuple[int, int]] = []
        self.error: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.started = threading.Event()
        self._seconds = seconds
        self._whole = self

    def set_image(self, image):
        self.threads.add(threading.current_thread().name)
        self.images += 1
        self.image = image
        self.image_hw = image.shape[:2]
        self.seen_sizes.append(self.image_hw)

    def twin(self):
        """Another one for another picture; what is counted, is counted together."""
        twin = copy.copy(self)
        twin.image, twin.image_hw = None, None
        twin._whole = self._whole
        return twin

    def predict(self, points, displacements, *, upsampling="edge_aware", size_hw=None):
        return self.predict_many([(points, displacements)], upsampling=upsampling, size_hw=size_hw)[
            0
        ]

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None, limbs=True):
        self.threads.add(threading.current_thread().name)
        self.started.set()
        if not self.hold.wait(20):
            raise TimeoutError("nobody let the fake predictor go on")
        if self._seconds:
            time.sleep(self._seconds)  # what a network would take, for looking at the window
        if self._whole.error is not None:
            raise self._whole.error
        self.calls += [(np.asarray(p), np.asarray(d)) for p, d in guidance]
        height, width = size_hw or self.image_hw
        return np.stack([self._flow(p, d, height, width) for p, d in guidance])

    def affinity(self, points, *, size_hw=None):
        """This network says nothing of what belongs together at sight."""
        return

    def _flow(self, points, displacements, height, width):
        points = np.asarray(points, np.float32).reshape(-1, 2)
        displacements = np.asarray(displacements, np.float32).reshape(-1, 2)
        scale = np.array([width / self.image_hw[1], height / self.image_hw[0]], np.float32)
        ys, xs = np.mgrid[:height, :width].astype(np.float32)
        radius = 0.16 * min(height, width)
        flow = np.zeros((height, width, 2), np.float32)
        total = np.full((height, width), 0.4, np.float32)
        for point, displacement in zip(points * scale, displacements * scale, strict=True):
            squared = ((xs - point[0]) ** 2 + (ys - point[1]) ** 2) / radius**2
            weight = np.exp(-(squared**2)) * 4
            flow += weight[..., None] * displacement
            total += weight
        return flow / total[..., None]


def fake_engine(choice: EngineChoice, predictor: FakePredictor | None = None) -> Engine:
    """What `cmp_studio.services.motion_backend.load_engine` returns, without PyTorch."""
    info = EngineInfo(choice, choice.weights, "Processor")
    return Engine(predictor or FakePredictor(), info)


def photo_bytes(width: int = 96, height: int = 64) -> bytes:
    """A colourful PNG without two equal pixels in a row."""
    ys, xs = np.mgrid[:height, :width]
    image = np.stack([xs * 255 // width, ys * 255 // height, (xs * 7 + ys * 13) % 256], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def make_scene(width: int = 96, height: int = 64, *, arrows: int = 0, pins: int = 0) -> Scene:
    """A scene with some arrows to the right and pins at the bottom."""
    scene = Scene(picture_from_bytes(photo_bytes(width, height), "photo.png"))
    for number in range(arrows):
        start = (10.0 + 20 * number, 20.0)
        scene = add_track(scene, make_arrow(start, (start[0] + 8, start[1] + 4)))
    for number in range(pins):
        scene = add_track(scene, make_pin((10.0 + 20 * number, height - 10.0)))
    return scene
