import numpy as np

from cmp_studio.document.annotation import BrushStroke
from cmp_studio.pipeline.annotation_masks import Part, compose


def box(top, left, height, width, size=(20, 30)):
    mask = np.zeros(size, np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


def test_compose_when_masks_meet_then_the_earlier_keeps_the_place():
    labels = compose([Part(box(0, 0, 10, 10)), Part(box(5, 5, 10, 10))], (20, 30))
    assert labels[7, 7] == 1
    assert labels[12, 12] == 2
    assert labels[19, 29] == 0


def test_compose_when_painted_over_another_then_who_painted_has_it():
    stroke = BrushStroke(((2.0, 2.0), (8.0, 2.0)), 1.0)
    labels = compose([Part(box(0, 0, 10, 10)), Part(None, (stroke,))], (20, 30))
    assert (labels[2, 2:9] == 2).all()
    assert labels[5, 5] == 1


def test_compose_when_erased_then_only_the_own_goes():
    stroke = BrushStroke(((5.0, 5.0),), 3.0, is_erasing=True)
    labels = compose([Part(box(0, 0, 10, 10)), Part(box(0, 12, 5, 5), (stroke,))], (20, 30))
    assert labels[5, 5] == 1
    labels = compose([Part(box(0, 0, 10, 10), (stroke,))], (20, 30))
    assert labels[5, 5] == 0
    assert labels[0, 0] == 1


def test_compose_when_a_stroke_is_outside_then_nothing():
    stroke = BrushStroke(((-50.0, 500.0),), 3.0)
    assert not compose([Part(None, (stroke,))], (20, 30)).any()


def test_compose_when_a_dab_has_a_radius_then_its_area_is_that_of_a_disc():
    labels = compose([Part(None, (BrushStroke(((15.0, 10.0),), 6.0),))], (20, 30))
    assert abs(int(labels.sum()) - np.pi * 36) < 12
