"""Files of annotations, read back by other people's readers."""

import base64
import csv
import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from cmp_studio.pipeline import annotation_files as files
from cmp_studio.pipeline.errors import AnnotationError

HEIGHT, WIDTH = 60, 80

# pycocotools is compiled against an older numpy, which warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def disc(x, y, radius):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(columns - x, rows - y) < radius


@pytest.fixture
def image():
    """A disc, a ring, and a thing of two parts."""
    ring = disc(55, 20, 12) & ~disc(55, 20, 5)
    apart = disc(15, 50, 6) | disc(65, 50, 6)
    return files.AnnotatedImage(
        "größe 1.jpg",
        (HEIGHT, WIDTH),
        (
            files.AnnotatedObject("cat", disc(20, 20, 14), ((20.0, 20.0),), ((60.0, 5.5),), 3.25),
            files.AnnotatedObject("wheel", ring, ((48.0, 20.0),)),
            files.AnnotatedObject("cat", apart, ((15.0, 50.0), (65.0, 50.0))),
        ),
    )


def masks_of(path, capsys):
    coco = COCO(path)
    capsys.readouterr()
    return coco, [coco.annToMask(annotation).astype(bool) for annotation in coco.anns.values()]


def test_coco_when_rle_then_pycocotools_gives_the_same_masks(image, tmp_path, capsys):
    files.write_coco(tmp_path / "coco.json", [image], shape="rle")
    coco, masks = masks_of(tmp_path / "coco.json", capsys)
    for item, mask in zip(image.objects, masks, strict=True):
        assert np.array_equal(mask, item.mask)
    assert [category["name"] for category in coco.cats.values()] == ["cat", "wheel"]
    assert coco.imgs[1]["file_name"] == "größe 1.jpg"
    assert (coco.imgs[1]["height"], coco.imgs[1]["width"]) == (HEIGHT, WIDTH)


def test_coco_when_auto_then_holes_and_parts_survive(image, tmp_path, capsys):
    files.write_coco(tmp_path / "coco.json", [image])
    coco, masks = masks_of(tmp_path / "coco.json", capsys)
    kinds = [type(annotation["segmentation"]) for annotation in coco.anns.values()]
    assert kinds == [list, dict, list]
    for item, mask in zip(image.objects, masks, strict=True):
        assert (mask & item.mask).sum() / (mask | item.mask).sum() > 0.93


def test_coco_when_polygons_are_exact_then_pycocotools_draws_the_same_pixels(
    image, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(files, "TOLERANCE", 0.0)
    files.write_coco(tmp_path / "coco.json", [image], shape="polygons")
    _, masks = masks_of(tmp_path / "coco.json", capsys)
    assert np.array_equal(masks[0], image.objects[0].mask)
    assert np.array_equal(masks[2], image.objects[2].mask)


def test_coco_when_written_then_area_and_box_are_those_of_the_mask(image, tmp_path, capsys):
    files.write_coco(tmp_path / "coco.json", [image])
    coco, _ = masks_of(tmp_path / "coco.json", capsys)
    for item, annotation in zip(image.objects, coco.anns.values(), strict=True):
        rle = coco_mask.encode(np.asfortranarray(item.mask.astype(np.uint8)))
        assert annotation["area"] == coco_mask.area(rle)
        assert annotation["bbox"] == coco_mask.toBbox(rle).tolist()


def test_coco_when_a_mask_is_empty_then_it_is_left_out(tmp_path, capsys):
    empty = files.AnnotatedObject("nothing", np.zeros((HEIGHT, WIDTH), bool))
    picture = files.AnnotatedImage("a.png", (HEIGHT, WIDTH), (empty,))
    files.write_coco(tmp_path / "coco.json", [picture])
    coco, masks = masks_of(tmp_path / "coco.json", capsys)
    assert masks == []
    assert len(coco.imgs) == 1


def test_run_lengths_when_the_first_pixel_is_inside_then_they_begin_with_zero():
    assert files.rle_counts(np.array([[True, False], [True, True]])) == [0, 2, 1, 1]
    assert files.rle_counts(np.zeros((2, 2), bool)) == [4]


def test_indexed_when_read_back_then_numbers_and_colors(image, tmp_path):
    files.write_indexed(tmp_path / "index.png", image)
    with Image.open(tmp_path / "index.png") as picture:
        assert picture.mode == "P"
        index = np.array(picture)
        colors = np.array(picture.convert("RGB"))
    for number, item in enumerate(image.objects, 1):
        assert np.array_equal(index == number, item.mask)
    assert len({tuple(color) for color in colors.reshape(-1, 3)}) == 4


def test_indexed_when_masks_overlap_then_the_later_lies_above(tmp_path):
    objects = (
        files.AnnotatedObject("a", disc(20, 20, 10)),
        files.AnnotatedObject("b", disc(25, 20, 10)),
    )
    files.write_indexed(
        tmp_path / "index.png", files.AnnotatedImage("a.png", (HEIGHT, WIDTH), objects)
    )
    with Image.open(tmp_path / "index.png") as picture:
        assert np.array_equal(np.array(picture) == 2, objects[1].mask)


def test_indexed_when_too_many_objects_then_a_sentence(tmp_path):
    dot = files.AnnotatedObject("a", disc(20, 20, 2))
    crowd = files.AnnotatedImage("a.png", (HEIGHT, WIDTH), (dot,) * (files.MAX_OBJECTS + 1))
    with pytest.raises(AnnotationError, match=r"255 objects.*holds 254"):
        files.write_indexed(tmp_path / "index.png", crowd)
    assert list(tmp_path.iterdir()) == []


def test_object_masks_when_read_back_then_0_and_255(image, tmp_path):
    paths = files.write_object_masks(tmp_path, image)
    assert [path.name for path in paths] == [f"größe 1_{n}.png" for n in (1, 2, 3)]
    for path, item in zip(paths, image.objects, strict=True):
        with Image.open(path) as picture:
            assert picture.mode == "L"
            grey = np.array(picture)
        assert set(np.unique(grey)) == {0, 255}
        assert np.array_equal(grey == 255, item.mask)


def test_score_when_written_then_255_is_one(tmp_path):
    files.write_score(tmp_path / "score.png", np.array([[0, 0.5, 1]], np.float32))
    with Image.open(tmp_path / "score.png") as picture:
        assert np.array(picture).tolist() == [[0, 128, 255]]


def test_labelme_when_written_then_the_fields_that_labelme_checks(image, tmp_path):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "a.json"
    files.write_labelme(path, image, picture=tmp_path / "photos" / image.name)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["imagePath"] == "../photos/größe 1.jpg"
    assert document["imageData"] is None
    assert (document["imageHeight"], document["imageWidth"]) == (HEIGHT, WIDTH)
    kinds = [(s["label"], s["shape_type"], s["group_id"]) for s in document["shapes"]]
    assert kinds == [
        ("cat", "polygon", None),
        ("wheel", "mask", None),
        ("cat", "polygon", 3),
        ("cat", "polygon", 3),
    ]
    for shape in document["shapes"]:
        assert set(shape) >= {"label", "points", "group_id", "shape_type", "flags", "mask"}
        assert all(len(point) == 2 for point in shape["points"])


def test_labelme_when_a_mask_shape_is_put_back_then_the_hole_is_there(image, tmp_path):
    files.write_labelme(tmp_path / "a.json", image)
    shapes = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["shapes"]
    shape = next(shape for shape in shapes if shape["shape_type"] == "mask")
    (left, top), (right, bottom) = shape["points"]
    with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
        part = np.array(picture) > 0
    full = np.zeros((HEIGHT, WIDTH), bool)
    full[top : bottom + 1, left : right + 1] = part
    assert np.array_equal(full, image.objects[1].mask)


def test_clicks_when_read_back_then_counts_seconds_and_places(image, tmp_path):
    files.write_clicks(tmp_path / "clicks.csv", [image])
    with (tmp_path / "clicks.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == files.CSV_COLUMNS
    assert [row["clicks"] for row in rows] == ["2", "1", "2"]
    assert rows[0]["seconds"] == "3.2"
    assert rows[1]["seconds"] == ""
    assert rows[0]["negative_xy"] == "60,5.5"
    assert rows[2]["positive_xy"] == "15,50 65,50"
    assert int(rows[0]["area_px"]) == image.objects[0].mask.sum()


def test_file_when_the_folder_is_missing_then_a_sentence(image, tmp_path):
    with pytest.raises(AnnotationError, match="does not exist"):
        files.write_coco(tmp_path / "none" / "coco.json", [image])


def test_file_when_the_name_is_a_folder_then_a_sentence(image, tmp_path):
    with pytest.raises(AnnotationError, match="is a folder"):
        files.write_mask(tmp_path, image.objects[0].mask)


def test_image_when_a_mask_has_another_size_then_a_sentence():
    with pytest.raises(AnnotationError, match=r"object 1 of a.png.*\(60, 80\)"):
        files.AnnotatedImage(
            "a.png", (HEIGHT, WIDTH), (files.AnnotatedObject("a", np.zeros((3, 3), bool)),)
        )
