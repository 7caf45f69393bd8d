"""Click lists to masks: what fails is named, and the rest goes on."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cmp_engine.errors import Cancelled
from cmp_engine.image_io import write_image
from cmp_engine.segment import ClickSegmenter
from cmp_studio.pipeline.annotate import ClickedObject, annotate, read_click_list
from cmp_studio.pipeline.errors import AnnotationError

HEIGHT, WIDTH = 64, 96


class FollowsColor:
    """A predictor in whose answer everything of the first click's colour moves."""

    def __init__(self):
        self.image = None

    def twin(self):
        return FollowsColor()

    def set_image(self, image):
        self.image = image

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None, limbs=True):
        flows = np.zeros((len(guidance), *size_hw, 2), np.float32)
        for flow, (points, vectors) in zip(flows, guidance, strict=True):
            alike = (self.image == self.image[int(points[0][1]), int(points[0][0])]).all(-1)
            full = alike[..., None] * np.asarray(vectors[0], np.float32)
            scale = (size_hw[1] / alike.shape[1], size_hw[0] / alike.shape[0])
            flow[:] = cv2.resize(full, size_hw[::-1], interpolation=cv2.INTER_NEAREST) * scale
        return flows

    def affinity(self, points, *, size_hw=None):
        """This one says nothing at sight."""
        return


@pytest.fixture
def segmenter():
    return ClickSegmenter(FollowsColor())


@pytest.fixture
def photo(tmp_path):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[10:40, 10:40] = (220, 40, 30)
    image[20:60, 50:90] = (30, 200, 60)
    write_image(tmp_path / "a b.png", image)
    return tmp_path / "a b.png"


def test_annotate_when_two_objects_then_each_its_mask_and_time(segmenter, photo):
    red = ClickedObject(photo, "red", ((20.0, 20.0),), ())
    green = ClickedObject(photo, "green", ((60.0, 30.0),), ((5.0, 5.0),))
    steps = []
    done = annotate([red, green], segmenter, progress=lambda *step: steps.append(step))
    assert done.failures == ()
    assert done.paths == (photo,)
    (image,) = done.images
    assert [item.label for item in image.objects] == ["red", "green"]
    assert image.objects[0].mask[25, 25]
    assert image.objects[1].mask[40, 70]
    assert not (image.objects[0].mask & image.objects[1].mask).any()
    assert image.objects[1].negative == ((5.0, 5.0),)
    assert all(item.seconds >= 0 for item in image.objects)
    assert steps == [(1, 2), (2, 2)]


def test_annotate_when_an_object_overlaps_an_earlier_one_then_it_gets_the_rest(segmenter, photo):
    twice = ClickedObject(photo, "red", ((20.0, 20.0),), ())
    (image,) = annotate([twice, twice], segmenter).images
    first, second = (item.mask for item in image.objects)
    assert first.sum() > 800
    assert second.sum() < 20  # the spot that was clicked, no more


def test_annotate_when_a_picture_is_unreadable_then_the_rest_goes_on(segmenter, photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    objects = [
        ClickedObject(tmp_path / "broken.jpg", "a", ((1.0, 1.0),), ()),
        ClickedObject(tmp_path / "none.jpg", "b", ((1.0, 1.0),), ()),
        ClickedObject(photo, "far", ((1000.0, 1.0),), (), 4),
        ClickedObject(photo, "red", ((20.0, 20.0),), ()),
    ]
    done = annotate(objects, segmenter)
    assert [item.label for image in done.images for item in image.objects] == ["red"]
    assert len(done.failures) == 3
    assert "broken.jpg" in done.failures[0]
    assert "none.jpg" in done.failures[1]
    assert done.failures[2].startswith("a b.png, line 4, far: ")
    assert "outside of the picture" in done.failures[2]


def test_annotate_when_cancelled_then_it_stops(segmenter, photo):
    with pytest.raises(Cancelled):
        annotate([ClickedObject(photo, "a", ((1.0, 1.0),), ())], segmenter, cancelled=lambda: True)


def test_list_when_read_then_its_rows_in_order(tmp_path):
    path = tmp_path / "clicks.csv"
    path.write_text(
        'image,label,positive,negative\na.png,cat,"1,2 3.5,4","5,6"\n/b.png,,"1,2;7,8",\n',
        encoding="utf-8-sig",
    )
    objects, failures = read_click_list(path)
    assert failures == []
    assert objects[0] == ClickedObject(
        tmp_path / "a.png", "cat", ((1.0, 2.0), (3.5, 4.0)), ((5.0, 6.0),), 2
    )
    assert objects[1] == ClickedObject(Path("/b.png"), "object", ((1.0, 2.0), (7.0, 8.0)), (), 3)


def test_list_when_a_row_makes_no_sense_then_it_is_named_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "clicks.csv"
    path.write_text('image,positive\na.png,here\nb.png,"1,nan"\nc.png,"1,2"\n', encoding="utf-8")
    objects, failures = read_click_list(path)
    assert [item.image.name for item in objects] == ["c.png"]
    assert failures[0].startswith("Line 2 of clicks.csv: 'here' should be a click X,Y")
    assert failures[1].startswith("Line 3 of clicks.csv: '1,nan'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "columns.*got nothing"),
        (b"picture,clicks\na,b\n", "columns.*got picture,clicks"),
        (b"image,positive\n", "no rows"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
    ],
)
def test_list_when_it_is_no_list_then_a_sentence(tmp_path, content, words):
    path = tmp_path / "clicks.csv"
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=words):
        read_click_list(path)


def test_list_when_it_is_not_there_then_a_sentence(tmp_path):
    with pytest.raises(AnnotationError, match="There is no file"):
        read_click_list(tmp_path / "none.csv")
