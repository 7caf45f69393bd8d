import numpy as np

from cmp_studio.services.mask_overlay import View, mask_overlay

RED, BLUE = (200, 40, 20), (20, 60, 220)


def labels_of(height=40, width=60):
    labels = np.zeros((height, width), np.uint8)
    labels[10:30, 10:30] = 1
    labels[10:30, 30:50] = 2
    return labels


def test_overlay_when_drawn_then_tints_inside_and_nothing_far_away():
    pixels = mask_overlay(labels_of(), (RED, BLUE), View(0, 0, 1, (40, 60)), current=1)
    assert pixels[20, 20].tolist() == [96, 19, 10, 122]  # premultiplied
    assert pixels[20, 42].tolist() == [7, 21, 76, 88]
    assert not pixels[:5].any()
    assert not pixels[:, 56:].any()


def test_overlay_when_zoomed_and_panned_then_lies_over_its_pixels():
    view = View(-40.0, -20.0, 8.0, (200, 300))
    pixels = mask_overlay(labels_of(), (RED, BLUE), view)
    # The border of the first object is at picture x 10, y 10: at 40, 60 of the answer.
    assert pixels[120, 52].tolist() == [69, 14, 7, 88]
    assert not pixels[120, 30].any()
    assert not pixels[50, 100].any()
    row = pixels[120, :60, 0].astype(int)
    middle = (np.arange(60) + 0.5) @ np.where(row > 80, row, 0) / np.where(row > 80, row, 0).sum()
    assert abs(middle - 40) < 0.5  # the outline


def test_overlay_when_shrunk_then_covers_what_it_covers():
    large = np.zeros((400, 600), np.uint8)
    large[100:300, 100:300] = 1
    pixels = mask_overlay(large, (RED,), View(3, 5, 0.25, (120, 160)))
    inside = np.zeros((120, 160), bool)
    inside[5 + 25 : 5 + 75, 3 + 25 : 3 + 75] = True
    assert (pixels[..., 3] > 0)[inside].all()
    assert (pixels[..., 3] > 0).sum() < 1.35 * inside.sum()  # and its outline


def test_overlay_when_two_objects_touch_then_the_current_one_is_drawn_last():
    view = View(0, 0, 4, (160, 240))
    for current, color in ((1, RED), (2, BLUE)):
        pixels = mask_overlay(labels_of(), (RED, BLUE), view, current=current)
        np.testing.assert_allclose(pixels[80, 120, :3], color, atol=6)


def test_overlay_when_the_picture_is_out_of_view_or_has_no_objects_then_empty():
    assert not mask_overlay(labels_of(), (RED, BLUE), View(500, 0, 1, (40, 60))).any()
    empty = np.zeros((40, 60), np.uint8)
    assert not mask_overlay(empty, (), View(0, 0, 1, (40, 60))).any()


def test_overlay_when_a_mask_touches_the_border_of_the_view_then_no_outline_there():
    labels = np.ones((40, 60), np.uint8)
    pixels = mask_overlay(labels, (RED,), View(-100, -100, 10, (80, 90)))
    assert (pixels == pixels[0, 0]).all()
