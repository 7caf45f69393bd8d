import io

import cv2
import numpy as np
import pytest
from PIL import Image

from cmp_studio.document.scene import FilmSettings, Scene, add_track, picture_from_bytes
from cmp_studio.document.tracks import make_arrow, make_pin

HEIGHT, WIDTH = 48, 64


class NearestArrow:
    """Predicts that every pixel goes with the nearest arrow: enough to see what moves where."""

    reach_px = None

    def __init__(self):
        self.image_hw = None
        self.pictures = []
        self.answered = 0

    def set_image(self, image):
        self.image_hw = image.shape[:2]
        self.pictures.append(image)

    def predict(self, points, displacements, *, upsampling="edge_aware", size_hw=None):
        assert upsampling in ("edge_aware", "bilinear")
        return self.predict_many([(points, displacements)], size_hw=size_hw)[0]

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None, limbs=True):
        self.answered += len(guidance)
        height, width = self.image_hw
        y, x = np.mgrid[:height, :width]
        flows = []
        for points, displacements in guidance:
            points, vectors = np.asarray(points, float), np.asarray(displacements, float)
            distance = np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1])
            flow = vectors[distance.argmin(-1)].astype(np.float32)
            if size_hw is not None and size_hw != self.image_hw:
                scale = np.array([size_hw[1] / width, size_hw[0] / height], np.float32)
                flow = cv2.resize(flow, size_hw[::-1], interpolation=cv2.INTER_NEAREST) * scale
            flows.append(flow)
        return np.stack(flows)


@pytest.fixture
def predictor():
    return NearestArrow()


@pytest.fixture(scope="session")
def pixels():
    noise = np.random.default_rng(8).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


@pytest.fixture
def scene(pixels):
    """An arrow on the left that goes right by 12 px, a pin on the right."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    scene = Scene(picture_from_bytes(buffer.getvalue(), "noise.png"))
    scene = add_track(scene, make_arrow((12, 24), (24, 24)))
    scene = add_track(scene, make_pin((60, 24)))
    return Scene(
        scene.picture, scene.tracks, FilmSettings(duration=1.0, fps=8.0), None, scene.next_id
    )
