"""Polygons along pixel borders, drawn again by counting crossings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.pipeline.outlines import outlines_of


def drawn(outlines, size_hw):
    """The mask that all polygons together enclose, by the even-odd rule at pixel centres."""
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    crossings = np.zeros(size_hw, int)
    for polygon in (*outlines.parts, *outlines.holes):
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if y0 == y1:
                continue
            is_between = (y > min(y0, y1)) & (y < max(y0, y1))
            at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
            crossings += is_between & (x < at)
    return crossings % 2 == 1


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5))
def test_outlines_when_exact_then_enclose_the_very_mask(rows):
    mask = np.array(rows)
    assert np.array_equal(drawn(outlines_of(mask), mask.shape), mask)


def test_outlines_when_mask_is_empty_then_none():
    outlines = outlines_of(np.zeros((3, 4), bool))
    assert outlines.parts == ()
    assert outlines.holes == ()


def test_outlines_when_one_pixel_then_its_four_corners():
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (part,) = outlines_of(mask).parts
    assert sorted(map(tuple, part.tolist())) == [(2, 1), (2, 2), (3, 1), (3, 2)]


def test_outlines_when_ring_and_dot_then_two_parts_and_a_hole():
    mask = np.zeros((12, 20), bool)
    mask[2:10, 2:10] = True
    mask[4:8, 4:8] = False
    mask[5:7, 14:18] = True
    outlines = outlines_of(mask)
    assert len(outlines.parts) == 2
    assert len(outlines.holes) == 1


def test_outlines_when_parts_touch_at_a_corner_then_each_its_own():
    mask = np.array([[True, False], [False, True]])
    assert [len(part) for part in outlines_of(mask).parts] == [4, 4]


@pytest.mark.parametrize("tolerance", [0.75, 2.0])
def test_outlines_when_simplified_then_fewer_corners_and_nearly_the_same_area(tolerance):
    y, x = np.mgrid[:80, :100]
    mask = np.hypot(x - 50, y - 40) < 30
    (exact,) = outlines_of(mask).parts
    (simple,) = outlines_of(mask, tolerance=tolerance).parts
    assert len(simple) < len(exact) / 2
    x, y = simple[:, 0], simple[:, 1]
    area = abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
    assert area == pytest.approx(mask.sum(), rel=0.03 * tolerance)
