import numpy as np
import pytest

from cmp_engine.image_io import read_image
from cmp_studio.pipeline.thumbnails import thumbnail_png


@pytest.mark.parametrize(
    ("shape", "size"),
    [((600, 900), (171, 256)), ((100, 80), (100, 80)), ((2000, 500), (256, 64))],
)
def test_thumbnail_png_when_read_back_then_is_small_with_the_same_aspect(shape, size):
    thumbnail = read_image(thumbnail_png(np.full((*shape, 3), (250, 120, 10), np.uint8)))
    assert thumbnail.shape == (*size, 3)
    assert (thumbnail == (250, 120, 10)).all()
