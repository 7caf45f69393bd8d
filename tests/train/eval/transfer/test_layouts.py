"""Published layouts: pictures and masks come out as they were drawn; what is missing is named."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.train.eval.transfer.made_up import make_cihp, make_lip, make_voc, scene
from train.errors import DataError
from train.eval.transfer.crops import EpochOrder, exchange, random_crop
from train.eval.transfer.layouts import LEFT_AND_RIGHT, open_pictures
from train.eval.transfer.recipe import CropSettings, DataSettings


@pytest.mark.parametrize("depth", ["VOC2012", "VOCdevkit", ""])
def test_voc_when_whole_then_pictures_and_masks_as_drawn(tmp_path, depth):
    folder = make_voc(tmp_path)
    root = {"VOC2012": folder, "VOCdevkit": folder.parent, "": tmp_path}[depth]
    data = open_pictures(DataSettings(root=str(root)), "val")
    assert len(data) == 3
    assert len(data.classes) == 21
    image, mask = data[0]
    drawn, truth = scene(4, 21)
    np.testing.assert_array_equal(mask, truth)
    assert np.abs(image.astype(int) - drawn).mean() < 12


def test_voc_when_the_augmented_list_then_its_masks(tmp_path):
    folder = make_voc(tmp_path)
    data = open_pictures(DataSettings(root=str(folder)), "train_aug")
    assert len(data) == 4
    assert {path.parent.name for path in data.masks} == {"SegmentationClassAug"}
    np.testing.assert_array_equal(data[1][1], scene(1, 21)[1])
    lists = folder / "ImageSets" / "Segmentation"
    (lists / "train_aug.txt").unlink()
    (lists / "trainaug.txt").write_text("2007_000002\n")
    data = open_pictures(DataSettings(root=str(folder)), "train_aug")
    assert [path.parent.name for path in data.masks] == ["SegmentationClassAug"]


def test_lip_when_unpacked_then_20_classes_and_sides_to_exchange(tmp_path):
    data = open_pictures(DataSettings(root=str(make_lip(tmp_path)), layout="lip"), "val")
    assert len(data) == 3
    assert len(data.classes) == 20
    assert [data.classes[label] for pair in data.swapped for label in pair] == [
        "left-arm", "right-arm", "left-leg", "right-leg", "left-shoe", "right-shoe",
    ]  # fmt: skip
    np.testing.assert_array_equal(data[0][1], scene(100, 20, ignore=False)[1])


def test_cihp_when_unpacked_then_20_classes(tmp_path):
    make_cihp(tmp_path)
    data = open_pictures(DataSettings(root=str(tmp_path), layout="cihp"), "train")
    assert len(data) == 3
    assert data.classes[10] == "torso-skin"
    np.testing.assert_array_equal(data[2][1], scene(202, 20, ignore=False)[1])


MISSING = [
    ("voc", "JPEGImages/2007_000005.jpg", "1 of 3 pictures"),
    ("voc", "SegmentationClass/2007_000006.png", "1 of 3 masks"),
    ("voc", "ImageSets/Segmentation/val.txt", "list"),
    ("lip", "TrainVal_images/val_images/101_108.jpg", "1 of 3 pictures"),
    ("lip", "TrainVal_images/val_id.txt", "list"),
    ("cihp", "Validation/Category_ids/0000301.png", "1 of 3 masks"),
    ("cihp", "Validation/val_id.txt", "list"),
]


@pytest.mark.parametrize(("layout", "file", "words"), MISSING)
def test_file_when_missing_or_empty_then_one_sentence_names_it_and_the_tree(
    tmp_path, layout, file, words
):
    root = {"voc": make_voc, "lip": make_lip, "cihp": make_cihp}[layout](tmp_path)
    settings = DataSettings(root=str(root), layout=layout)
    for cut in (lambda path: path.write_bytes(b""), lambda path: path.unlink()):
        cut(root / file)
        with pytest.raises(DataError, match=words) as info:
            open_pictures(settings, "val")
        message = str(info.value)
        assert file in message
        assert "expected" in message
        assert str(root) in message
        assert "\n" not in message


@pytest.mark.parametrize("layout", ["voc", "lip", "cihp"])
def test_folder_when_empty_then_one_sentence_says_what_belongs_there(tmp_path, layout):
    with pytest.raises(DataError, match=f"is missing; expected .*below {tmp_path}"):
        open_pictures(DataSettings(root=str(tmp_path), layout=layout), "val")


def test_picture_when_cut_off_then_named(tmp_path):
    folder = make_voc(tmp_path)
    path = folder / "JPEGImages" / "2007_000004.jpg"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    data = open_pictures(DataSettings(root=str(folder)), "val")
    with pytest.raises(DataError, match=r"2007_000004\.jpg is damaged or was cut off"):
        data[0]


def test_mask_when_it_is_no_map_of_classes_then_named(tmp_path):
    folder = make_voc(tmp_path)
    path = folder / "SegmentationClass" / "2007_000004.png"
    data = open_pictures(DataSettings(root=str(folder)), "val")
    mask = np.asarray(Image.open(path))
    Image.fromarray(np.where(mask == 255, 21, mask).astype(np.uint8)).save(path)
    with pytest.raises(DataError, match="holds class 21; expected 0 to 20"):
        data[0]
    Image.fromarray(mask[:-1]).save(path)
    with pytest.raises(DataError, match="must agree"):
        data[0]
    Image.fromarray(mask).convert("RGB").save(path)
    with pytest.raises(DataError, match="mode RGB; expected an indexed or grey"):
        data[0]


def test_crop_when_neither_resized_nor_mirrored_then_a_piece_of_the_picture():
    image, mask = scene(1, 21)
    settings = CropSettings(size=32, scale=(1.0, 1.0), flip=False)
    crop, labels = random_crop((image, mask), settings, np.random.default_rng(2))
    places = [
        (top, left)
        for top in range(mask.shape[0] - 31)
        for left in range(mask.shape[1] - 31)
        if np.array_equal(crop, image[top : top + 32, left : left + 32])
    ]
    assert len(places) == 1
    top, left = places[0]
    np.testing.assert_array_equal(labels, mask[top : top + 32, left : left + 32])


def test_crop_when_the_picture_is_smaller_then_all_of_it_and_nothing_else_counts():
    image, mask = scene(1, 21, ignore=False)
    settings = CropSettings(size=96, scale=(1.0, 1.0), flip=False)
    crop, labels = random_crop((image, mask), settings, np.random.default_rng(2))
    inside = labels != 255
    assert inside.sum() == mask.size
    np.testing.assert_array_equal(labels[inside], mask.ravel())
    np.testing.assert_array_equal(crop[inside], image.reshape(-1, 3))


def test_crop_when_mirrored_then_left_and_right_change_places():
    mask = np.full((40, 40), 14, np.uint8)
    mask[:, 20:] = 19
    image = np.repeat(mask[..., None], 3, axis=2)
    settings = CropSettings(size=40, scale=(1.0, 1.0))
    for seed in range(8):
        crop, labels = random_crop(
            (image, mask), settings, np.random.default_rng(seed), LEFT_AND_RIGHT
        )
        is_mirrored = crop[0, 0, 0] == 19
        expected = exchange(mask[:, ::-1], LEFT_AND_RIGHT) if is_mirrored else mask
        np.testing.assert_array_equal(labels, expected)
    assert exchange(np.array([14, 15, 18, 3], np.uint8), LEFT_AND_RIGHT).tolist() == [15, 14, 19, 3]


def test_crop_when_fitted_then_the_long_side_fills_it():
    image, mask = np.zeros((200, 100, 3), np.uint8), np.ones((200, 100), np.uint8)
    settings = CropSettings(size=64, scale=(1.0, 1.0), fit=True)
    _, labels = random_crop((image, mask), settings, np.random.default_rng(0))
    assert (labels == 1).sum() == 64 * 32


def test_order_when_epochs_pass_then_each_has_every_picture_once():
    order = EpochOrder(7, seed=4)
    epochs = [[order[7 * epoch + place] for place in range(7)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert [EpochOrder(7, seed=4)[place] for place in range(7)] == epochs[0]
