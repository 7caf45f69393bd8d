import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.scene import Picture
from cmp_studio.pipeline.errors import SizeError
from cmp_studio.pipeline.sizes import FINE_SIDE, drawing_size, output_size

PHOTO = Picture("a.png", 1001, 667, b"", "0")


def test_output_size_when_nothing_is_asked_then_is_the_pictures_even_if_odd():
    assert output_size(PHOTO) == (667, 1001)
    assert output_size(PHOTO, is_even=True) == (667, 1001)


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        ({"max_side": 500}, (333, 500)),
        ({"max_side": 500, "is_even": True}, (334, 500)),
        ({"max_side": 2000}, (667, 1001)),
        ({"height": 480}, (480, 720)),
        ({"height": 333}, (333, 500)),
        ({"height": 333, "is_even": True}, (332, 500)),
        ({"height": 1334}, (1334, 2002)),
    ],
)
def test_output_size_when_asked_then_keeps_the_aspect(wanted, size):
    assert output_size(PHOTO, **wanted) == size


@given(
    width=st.integers(64, 4000),
    height=st.integers(64, 4000),
    side=st.integers(1100, 3000),
)
def test_output_size_when_even_then_both_sides_are_and_the_aspect_is_within_a_pixel(
    width, height, side
):
    picture = Picture("a.png", width, height, b"", "0")
    try:
        h, w = output_size(picture, height=side, is_even=True)
    except SizeError:
        assert max(side, width * side / height) > 16_000 or width * side / height < 18
        return
    if height != side:
        assert (h % 2, w % 2) == (0, 0)
        assert abs(w - width * side / height) <= 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"max_side": 100, "height": 100}, "not both"),
        ({"height": 8}, "from 16 to 16384"),
        ({"height": 16_000}, "would give 24012 x 16000"),
        ({"max_side": 20}, "would give 20 x 13"),
    ],
)
def test_output_size_when_impossible_then_says_so(wanted, message):
    with pytest.raises(SizeError, match=message):
        output_size(PHOTO, **wanted)


@pytest.mark.parametrize(
    ("size_hw", "supersample", "drawn"),
    [
        ((267, 400), 1, (667, 1001)),  # smaller than the picture: drawn at its size
        ((267, 400), 2, (667, 1001)),
        ((267, 400), 4, (1068, 1600)),  # asked to be finer still
        ((667, 1001), 1, (667, 1001)),
        ((667, 1001), 2, (1334, 2002)),
        ((1334, 2002), 1, (1334, 2002)),
    ],
)
def test_drawing_size_when_frames_are_small_then_that_of_the_picture(size_hw, supersample, drawn):
    assert drawing_size(PHOTO, size_hw, supersample) == drawn


def test_drawing_size_when_the_picture_is_huge_then_bounded():
    huge = Picture("a.jpg", 6000, 4000, b"", "0")
    assert drawing_size(huge, (267, 400), 1) == (853, FINE_SIDE)
    assert drawing_size(huge, (1280, 1920), 1) == (1280, 1920)
