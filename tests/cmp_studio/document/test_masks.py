import io

import numpy as np
import pytest
from PIL import Image

from cmp_studio.document.errors import MaskError
from cmp_studio.document.masks import Mask, mask_from_array, mask_from_bytes, mask_to_array


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
