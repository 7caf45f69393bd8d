import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_engine.errors import GuidanceError
from cmp_engine.geometry import ImageGeometry
from cmp_engine.guidance import batch_to_network, check_guidance, to_network

SIZE = (100, 200)


def test_check_guidance_when_lists_are_right_then_float32_arrays():
    points, vectors = check_guidance([(0, 0), (199.5, 99.5)], [(1, 2), (-300, 0)], SIZE)
    assert points.dtype == vectors.dtype == np.float32
    assert points.tolist() == [[0, 0], [199.5, 99.5]]
    assert vectors.tolist() == [[1, 2], [-300, 0]]


@pytest.mark.parametrize("empty", [[], (), np.zeros((0, 2)), np.zeros((0,))])
def test_check_guidance_when_empty_then_two_columns(empty):
    points, vectors = check_guidance(empty, empty, SIZE)
    assert points.shape == vectors.shape == (0, 2)


@pytest.mark.parametrize(
    ("points", "vectors", "words"),
    [
        ([(1, 1)], [], "1 points and 0 displacements"),
        ([(1, 1, 1)], [(1, 1, 1)], r"points.*\(N, 2\)"),
        ([(1, 1)], [1, 1], r"displacements.*\(N, 2\)"),
        ([("a", 1)], [(1, 1)], "points as pairs"),
        ([(1, 1), (2,)], [(1, 1), (1, 1)], "points as pairs"),
        ([(1, 1), (math.nan, 1)], [(1, 1), (1, 1)], r"Arrow 2 has the point \(nan, 1\)"),
        ([(1, 1)], [(math.inf, 1)], r"Arrow 1 has the displacement \(inf, 1\)"),
        ([(1, 1)], [(1e60, 1)], "Arrow 1 has the displacement"),
        ([(1, 1), (2, 2), (200, 5)], [(0, 0)] * 3, r"Arrow 3 starts at \(200, 5\).*200 x 100"),
        ([(-0.6, 1)], [(0, 0)], "Arrow 1 starts"),
        ([(1, 99.6)], [(0, 0)], "Arrow 1 starts"),
    ],
)
def test_check_guidance_when_wrong_then_the_arrow_is_named(points, vectors, words):
    with pytest.raises(GuidanceError, match=words):
        check_guidance(points, vectors, SIZE)


@given(
    x=st.floats(-0.5, 199.5, width=32),
    y=st.floats(-0.5, 99.5, width=32),
    short_side=st.sampled_from([32, 64, 384]),
)
def test_to_network_when_inside_the_picture_then_the_pixel_is_on_the_grid(x, y, short_side):
    geometry = ImageGeometry.fit(SIZE, short_side=short_side)
    points, vectors = check_guidance([(x, y)], [(4, -8)], SIZE)
    guidance = to_network(points, vectors, geometry)
    sparse = guidance.rasterize(*geometry.network_hw)
    assert sparse[0, 2].sum() == 1
    scale_x, scale_y = geometry.scale_xy
    assert sparse[0, 0].sum() == pytest.approx(4 * scale_x, rel=1e-5)
    assert sparse[0, 1].sum() == pytest.approx(-8 * scale_y, rel=1e-5)


def test_batch_to_network_when_counts_differ_then_padding_is_not_valid():
    geometry = ImageGeometry.fit((384, 384))
    none = check_guidance([], [], (384, 384))
    one = check_guidance([(5, 6)], [(1, 2)], (384, 384))
    two = check_guidance([(7, 8), (9, 10)], [(3, 4), (0, 0)], (384, 384))
    guidance = batch_to_network([one, none, two], geometry)
    assert guidance.points.shape == guidance.vectors.shape == (3, 2, 2)
    assert guidance.valid.tolist() == [[True, False], [False, False], [True, True]]
    assert guidance.points[2].tolist() == [[7, 8], [9, 10]]
    assert guidance.vectors[0].tolist() == [[1, 2], [0, 0]]
    # What the network sees of a padded set is what it sees of the set alone.
    alone = to_network(*one, geometry).rasterize(384, 384)
    assert (guidance.rasterize(384, 384)[0] == alone[0]).all()
