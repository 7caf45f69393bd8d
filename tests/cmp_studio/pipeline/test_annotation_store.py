import json

import numpy as np
import pytest

from cmp_studio.document.annotation import (
    Annotation,
    BrushStroke,
    Click,
    ClickedThing,
    MaskSettings,
)
from cmp_studio.pipeline.annotation_export import distinct_stems, write_annotations
from cmp_studio.pipeline.annotation_store import (
    StoredAnnotation,
    StoredImages,
    annotation_path,
    read_annotation,
    write_annotation,
)
from cmp_studio.pipeline.errors import AnnotationError

# pycocotools is compiled against an older numpy, which warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def stored():
    labels = np.zeros((30, 40), np.uint8)
    labels[5:15, 5:20] = 1
    labels[20:28, 10:30] = 2
    cat = ClickedThing(
        1,
        "cat",
        (Click((8.25, 9.5)), Click((30, 3), is_positive=False)),
        (BrushStroke(((6.0, 6.0), (9.0, 7.0)), 2.5), BrushStroke(((18.0, 13.0),), 1.5, True)),
        ((15.0, 25.0),),
        MaskSettings("published", 0.4, 25.0, 4.0),
    )
    dog = ClickedThing(4, "dog, brown", (Click((15, 25)),))
    return StoredAnnotation(
        "pets.jpg", Annotation((cat, dog), 6), labels, {1: 3.25, 4: 1.5}, frozenset({1})
    )


def test_store_when_written_and_read_then_the_same(tmp_path):
    path = annotation_path(tmp_path / "pets.jpg")
    assert path == tmp_path / "annotations" / "pets.jpg.annotation.json"
    write_annotation(path, stored())
    back = read_annotation(path, (30, 40))
    assert back.annotation == stored().annotation
    assert dict(back.seconds) == {1: 3.25, 4: 1.5}
    assert back.ready == {1}
    assert back.name == "pets.jpg"
    np.testing.assert_array_equal(back.labels, stored().labels)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_store_when_the_picture_has_another_size_then_one_sentence(tmp_path):
    path = tmp_path / "a.json"
    write_annotation(path, stored())
    with pytest.raises(AnnotationError, match=r"40 x 30 px, and pets.jpg has 9 x 8"):
        read_annotation(path, (8, 9))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.update(format="other"), "no annotation of CMP Studio"),
        (lambda v: v.update(version=9), "version 9"),
        (lambda v: v.update(masks="????"), "no readable PNG"),
        (lambda v: v["objects"].pop(), "more objects than it has"),
        (lambda v: v["objects"][0].update(clicks=[[1, 2]]), "clicks"),
        (lambda v: v["objects"][0].update(threshold="much"), "threshold"),
        (lambda v: v["objects"][1].update(id=1), "same id"),
        (lambda v: v["image"].update(width=7), "don't fit"),
        (lambda v: v.pop("objects"), "objects"),
    ],
)
def test_store_when_damaged_then_one_sentence_that_names_what(tmp_path, change, words):
    path = tmp_path / "a.json"
    write_annotation(path, stored())
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(AnnotationError, match=words) as caught:
        read_annotation(path)
    assert "a.json" in str(caught.value)
    assert "scene file" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000])
def test_store_when_no_json_then_one_sentence(tmp_path, data):
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(AnnotationError, match=r"a\.json"):
        read_annotation(path)


def test_store_when_the_folder_is_a_file_then_one_sentence(tmp_path):
    (tmp_path / "annotations").write_text("in the way")
    with pytest.raises(AnnotationError, match=r"annotation\.json"):
        write_annotation(annotation_path(tmp_path / "a.jpg"), stored())


def test_annotated_image_when_made_then_masks_labels_and_times(tmp_path):
    image = stored().annotated_image()
    assert [item.label for item in image.objects] == ["cat", "dog, brown"]
    assert int(image.objects[0].mask.sum()) == 150
    assert image.objects[0].negative == ((30, 3),)
    assert image.objects[1].seconds == 1.5


def test_export_when_all_kinds_then_every_file_and_coco_reads_it(tmp_path, capsys):
    from pycocotools.coco import COCO

    paths = []
    for name in ("pets.jpg", "pets.png"):
        paths.append(annotation_path(tmp_path / name))
        write_annotation(paths[-1], stored())
    done = []
    outputs = write_annotations(
        tmp_path / "out" / "files",
        StoredImages(paths),
        [tmp_path / "pets.jpg", tmp_path / "pets.png"],
        progress=lambda i, n: done.append((i, n)),
    )
    assert sorted(path.name for path in outputs) == sorted(
        [
            "clicks_and_times.csv",
            "coco_annotations.json",
            "pets-2.json",
            "pets-2.png",
            "pets-2_1.png",
            "pets-2_2.png",
            "pets.json",
            "pets.png",
            "pets_1.png",
            "pets_2.png",
        ]
    )
    assert all(path.stat().st_size for path in outputs)
    assert done == [(1, 2), (2, 2)]
    coco = COCO(tmp_path / "out" / "files" / "coco_annotations.json")
    masks = [coco.annToMask(item) for item in coco.loadAnns(coco.getAnnIds(imgIds=1))]
    np.testing.assert_array_equal(masks[0] > 0, stored().labels == 1)


def test_distinct_stems_when_names_differ_in_case_alone_then_still_two_files(tmp_path):
    names = [tmp_path / "A.jpg", tmp_path / "a.png", tmp_path / "b.jpg"]
    assert distinct_stems(names) == ["A", "a-2", "b"]
