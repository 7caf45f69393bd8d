import cv2
import numpy as np
import pytest

from cmp_studio.document.scene import Picture, Scene, add_track
from cmp_studio.document.tracks import make_arrow, make_pin
from cmp_studio.pipeline.hints import edge_hints

SIZE = (400, 500)


def ids_at(image, *points):
    scene = Scene(Picture("a.png", image.shape[1], image.shape[0], b"", "0"))
    for x, y in points:
        scene = add_track(scene, make_arrow((x, y), (x + 20, y)))
    scene = add_track(scene, make_pin(points[0]))
    return edge_hints(scene, image)


@pytest.mark.parametrize("scale", [1, 3])
def test_edge_hints_when_a_start_lies_on_the_edge_of_a_disc_then_names_it(scale):
    image = np.full((*SIZE, 3), (60, 90, 60), np.uint8)
    cv2.circle(image, (200, 200), 80, (200, 60, 40), -1)
    image = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)
    points = [(279, 200), (200, 200), (200, 121), (400, 60), (270, 200)]
    assert ids_at(image, *[(x * scale, y * scale) for x, y in points]) == (1, 3)


def test_edge_hints_when_the_picture_is_only_textured_then_names_none():
    rng = np.random.default_rng(5)
    image = rng.integers(60, 200, (*SIZE, 3), dtype=np.uint8)
    assert ids_at(image, *[(x, y) for x in range(50, 450, 50) for y in range(50, 350, 50)]) == ()


def test_edge_hints_when_in_the_corner_then_works():
    image = np.full((*SIZE, 3), 128, np.uint8)
    assert ids_at(image, (0, 0), (499, 399)) == ()
