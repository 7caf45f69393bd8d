import numpy as np
import pytest

from cmp_studio.document.errors import MaskError
from cmp_studio.document.masks import Mask, mask_from_array, mask_to_array


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
