from argparse import ArgumentTypeError

import pytest

from cmp_studio.cli import values


def test_arrow_when_well_formed_then_gives_start_and_end():
    assert values.arrow("320,200,40,-10.5") == ((320, 200), (360, 189.5))


def test_path_and_point_when_well_formed_then_give_points():
    assert values.path("1,2:3,4:5.5,6") == ((1, 2), (3, 4), (5.5, 6))
    assert values.point(" 3 , 4 ") == (3, 4)


def test_numbers_when_well_formed_then_give_numbers():
    assert (values.positive("2.5"), values.factor("0"), values.count("3")) == (2.5, 0, 3)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (values.arrow, "1,2,3", "should be X,Y,DX,DY, such as"),
        (values.arrow, "1,2,3,x", "should be X,Y,DX,DY, such as"),
        (values.arrow, "1,2,3,nan", "should be X,Y,DX,DY, such as"),
        (values.arrow, "", "should be X,Y,DX,DY, such as"),
        (values.path, "1,2", "two or more points"),
        (values.path, "1,2:3", "should be X,Y, such as"),
        (values.point, "1;2", "should be X,Y, such as"),
        (values.positive, "0", "more than 0"),
        (values.positive, "two", "should be a number"),
        (values.factor, "-1", "0 or more"),
        (values.count, "0", "whole number of 1 or more"),
        (values.count, "1.5", "whole number of 1 or more"),
    ],
)
def test_values_when_they_make_no_sense_then_show_the_right_form(parse, text, message):
    with pytest.raises(ArgumentTypeError, match=message):
        parse(text)
