import io

import numpy as np
import pytest
from PIL import Image

from cmp_studio.document.errors import MaskError
from cmp_studio.document.masks import (
    Mask,
    inverted,
    mask_from_array,
    mask_from_bytes,
    mask_to_array,
    painted,
    soft_mask,
)


def test_mask_when_there_and_back_then_is_the_same():
    array = np.random.default_rng(3).integers(0, 256, (37, 51), dtype=np.uint8)
    back = mask_to_array(mask_from_array(array))
    np.testing.assert_array_equal(back, array)
    assert not back.flags.writeable


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4), np.float32), np.zeros((3, 4, 1), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_mask_from_array_when_the_shape_or_type_is_wrong_then_refuses(array):
    with pytest.raises(MaskError, match=r"\(H, W\) array of uint8"):
        mask_from_array(array)


def test_mask_to_array_when_the_bytes_are_bad_then_is_one_sentence():
    good = mask_from_array(np.zeros((4, 6), np.uint8))
    with pytest.raises(MaskError, match="should be 5 x 4, its picture is 6 x 4"):
        mask_to_array(Mask(4, 5, good.png))
    with pytest.raises(MaskError, match="not a readable PNG"):
        mask_to_array(Mask(4, 6, good.png[:40]))
    with pytest.raises(MaskError, match="not a readable PNG"):
        mask_to_array(Mask(4, 6, b""))
    with pytest.raises(MaskError, match="at least one pixel"):
        Mask(0, 6, good.png)


def _file(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "P", "RGBA", "I;16"])
def test_mask_from_bytes_when_any_kind_of_picture_then_white_is_held_still(mode):
    shape = np.zeros((20, 30), np.uint8)
    shape[5:10, 8:16] = 255
    image = Image.fromarray(shape)
    if mode == "I;16":
        image = Image.fromarray(shape.astype(np.uint16) * 257)
    else:
        image = image.convert("RGB").convert(mode)
    np.testing.assert_array_equal(mask_to_array(mask_from_bytes(_file(image), "m.png")), shape)


def test_mask_from_bytes_when_painted_on_an_empty_layer_then_transparent_is_free():
    layer = np.full((20, 30, 4), 255, np.uint8)
    layer[..., 3] = 0
    layer[5:10, 8:16, 3] = 255
    mask = mask_to_array(mask_from_bytes(_file(Image.fromarray(layer)), "m.png"))
    np.testing.assert_array_equal(mask, layer[..., 3])


@pytest.mark.parametrize("data", [b"", b"text", _file(Image.new("L", (40, 40)))[:50]])
def test_mask_from_bytes_when_no_picture_then_says_so(data):
    with pytest.raises(MaskError, match=r"m\.png is not a readable picture"):
        mask_from_bytes(data, "m.png")


def test_soft_mask_when_feathered_then_is_half_at_the_edge_and_the_pixels_stay():
    array = np.zeros((40, 60), np.uint8)
    array[:, 30:] = 255
    hard, soft = mask_from_array(array), mask_from_array(array, feather=4.0)
    assert np.array_equal(mask_to_array(soft), array)
    assert np.array_equal(soft_mask(hard), array / np.float32(255))
    values = soft_mask(soft)[20]
    assert 0.4 < (values[29] + values[30]) / 2 < 0.6
    assert (values[3], values[56]) == (0, 1)
    assert (np.diff(values) >= 0).all()


def test_inverted_when_done_twice_then_is_the_same():
    mask = mask_from_array(np.tril(np.full((9, 7), 200, np.uint8)), feather=2.0)
    assert np.array_equal(mask_to_array(inverted(inverted(mask))), mask_to_array(mask))
    assert inverted(mask).feather == 2.0


def test_painted_when_a_stroke_then_covers_what_the_brush_went_over():
    mask = painted(None, (40, 60), [(10, 20), (50, 20)], radius=5)
    array = mask_to_array(mask)
    assert (array[16:25, 10:51] == 255).all()
    assert not array[:13].any()
    assert not array[28:].any()
    erased = mask_to_array(painted(mask, (40, 60), [(30, 20)], radius=3, value=0))
    assert erased[20, 30] == 0
    assert erased[20, 12] == 255


def test_painted_when_sizes_differ_then_refuses():
    with pytest.raises(MaskError, match="should be 60 x 40"):
        painted(mask_from_array(np.zeros((4, 4), np.uint8)), (40, 60), [(1, 1)], radius=2)


@pytest.mark.parametrize("feather", [-1.0, 1e9, float("nan")])
def test_mask_when_the_feather_is_out_of_range_then_says_so(feather):
    with pytest.raises(MaskError, match="Feather must be"):
        mask_from_array(np.zeros((4, 4), np.uint8), feather=feather)
