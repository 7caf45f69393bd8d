import pytest

from cmp_studio.services.probe_views import number_row


@pytest.mark.parametrize(
    ("name", "value", "row"),
    [
        ("pull_x", 26.667, ("pull x", "26.67 px")),
        ("follows_by_half_share", 0.10731, ("follows by half", "10.7 %")),
        ("part_3_share", 0.5, ("part 3 share", "50.0 %")),
        ("at_point_angle_degrees", -0.2636, ("at point angle", "-0.3°")),
        ("best_gain", 0.92416, ("best gain", "0.924")),
        ("kind", "shift", ("kind", "shift")),
        ("pulls", 24, ("pulls", "24")),
        ("center_x", None, ("center x", "\u2013")),
    ],
)
def test_number_row_when_asked_then_words_and_a_unit(name, value, row):
    assert number_row(name, value) == row
