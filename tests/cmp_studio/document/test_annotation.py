import pytest

from cmp_studio.document.annotation import (
    MAX_OBJECTS,
    Annotation,
    BrushStroke,
    Click,
    ClickHit,
    MaskSettings,
    add_click,
    add_object,
    add_stroke,
    click_near,
    move_click,
    remove_click,
    remove_object,
)
from cmp_studio.document.errors import MarkError


def two_objects():
    """Object 1 with clicks at (10, 10) and (20, 10), object 2 with one at (50, 50)."""
    annotation = add_object(Annotation(), "cat", MaskSettings())
    annotation = add_click(annotation, 1, Click((10, 10)))
    annotation = add_click(annotation, 1, Click((20, 10), is_positive=False))
    annotation = add_object(annotation, "dog", MaskSettings())
    return add_click(annotation, 2, Click((50, 50)))


def test_click_when_another_object_is_there_then_its_positive_clicks_count_as_negative():
    annotation = two_objects()
    assert annotation.get(1).others == ()
    assert annotation.get(2).others == ((10, 10),)
    assert annotation.get(1).negative == ((20, 10),)


def test_click_when_the_other_object_is_edited_later_then_this_one_stays_as_it_is():
    annotation = add_click(two_objects(), 1, Click((12, 14)))
    assert annotation.get(1).others == ((50, 50),)
    assert annotation.get(2).others == ((10, 10),)


def test_move_click_when_moved_then_the_rest_is_the_same():
    annotation = move_click(two_objects(), 1, 1, (25, 12))
    assert annotation.get(1).clicks == (Click((10, 10)), Click((25, 12), is_positive=False))
    assert annotation.get(2) == two_objects().get(2)


def test_remove_click_when_it_is_the_last_mark_then_the_object_goes():
    annotation = remove_click(two_objects(), 2, 0)
    assert [thing.id for thing in annotation.objects] == [1]
    assert annotation.next_id == 3


def test_remove_click_when_there_is_a_stroke_then_the_object_stays():
    annotation = add_stroke(two_objects(), 2, BrushStroke(((1.0, 2.0),), 3.0))
    assert remove_click(annotation, 2, 0).get(2).strokes == (BrushStroke(((1.0, 2.0),), 3.0),)


def test_keys_when_the_threshold_changes_then_only_the_mask_is_another():
    thing = two_objects().get(1)
    settings = MaskSettings(threshold=0.7)
    changed = add_click(add_object(Annotation(), "cat", settings), 1, Click((10, 10)))
    changed = add_click(changed, 1, Click((20, 10), is_positive=False)).get(1)
    assert changed.score_key == thing.score_key
    assert changed.mask_key != thing.mask_key


def test_keys_when_there_is_no_positive_click_then_nothing_to_ask():
    annotation = add_object(Annotation(), "cat", MaskSettings())
    annotation = add_click(annotation, 1, Click((1, 1), is_positive=False))
    assert annotation.get(1).score_key is None
    assert annotation.get(1).mask_key is None


@pytest.mark.parametrize(
    ("point", "radius", "first", "hit"),
    [
        ((11, 10), 5, None, ClickHit(1, 0)),
        ((18, 10), 5, None, ClickHit(1, 1)),
        ((30, 30), 5, None, None),
        ((30, 30), 100, 2, ClickHit(2, 0)),
    ],
)
def test_click_near_when_asked_then_the_next_one_and_the_own_object_first(
    point, radius, first, hit
):
    assert click_near(two_objects(), point, radius, first=first) == hit


def test_add_object_when_there_are_too_many_then_one_sentence():
    annotation = Annotation()
    for _ in range(MAX_OBJECTS):
        annotation = add_object(annotation, "leaf", MaskSettings())
    with pytest.raises(MarkError, match="at most 254"):
        add_object(annotation, "leaf", MaskSettings())


def test_remove_object_when_removed_then_its_number_is_not_used_again():
    annotation = add_object(remove_object(two_objects(), 2), "fox", MaskSettings())
    assert [thing.id for thing in annotation.objects] == [1, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MaskSettings(threshold=1.2),
        lambda: MaskSettings(speed=0),
        lambda: MaskSettings(zoom=0.5),
        lambda: MaskSettings(method="magic"),
        lambda: BrushStroke((), 2),
        lambda: BrushStroke(((1, 1),), 0),
        lambda: add_click(Annotation(), 7, Click((1, 1))),
    ],
)
def test_values_when_they_make_no_sense_then_refused(make):
    with pytest.raises(MarkError):
        make()
